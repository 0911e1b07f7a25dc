/* Base64 (RFC 4648 section 4), strict except for white space. Not constant in time: not for guessable secrets. */
#include "crypto/b64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void b64_encode(struct buf *out, struct span data)
{
	for (size_t i = 0; i < data.n; i += 3) {
		size_t have = MIN(data.n - i, 3);
		uint32_t v = (uint32_t)data.p[i] << 16;

		if (have > 1)
			v |= (uint32_t)data.p[i + 1] << 8;
		if (have > 2)
			v |= data.p[i + 2];
		for (size_t k = 0; k < 4; k++)
			buf_u8(out, k <= have ? (uint8_t)alphabet[v >> (18 - 6 * k) & 63] : '=');
	}
}

static bool white(uint8_t ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

/* A decoding in progress: `bits` holds the digits of an unfinished group of four. */
struct group {
	uint32_t bits;
	unsigned digits, pads;
};

/* ERR_SYNTAX for a foreign character, or anything behind the padding. */
static int take(struct group *g, struct buf *out, uint8_t ch)
{
	const char *at = ch ? memchr(alphabet, ch, sizeof(alphabet) - 1) : NULL;

	if (ch == '=') {
		g->pads++;
		return g->digits >= 2 && g->digits + g->pads <= 4 ? OK : ERR_SYNTAX;
	}
	if (!at || g->pads)
		return ERR_SYNTAX;
	g->bits = g->bits << 6 | (uint32_t)(at - alphabet);
	if (++g->digits < 4)
		return OK;
	buf_u8(out, (uint8_t)(g->bits >> 16));
	buf_u8(out, (uint8_t)(g->bits >> 8));
	buf_u8(out, (uint8_t)g->bits);
	*g = (struct group){ 0 };
	return OK;
}

/* The last, short group: its padding must be there and its unused bits must be zero. */
static int finish(const struct group *g, struct buf *out)
{
	if (!g->digits)
		return OK;
	if (g->digits + g->pads != 4 || g->bits & (g->digits == 2 ? 15 : 3))
		return ERR_SYNTAX;
	if (g->digits == 2) {
		buf_u8(out, (uint8_t)(g->bits >> 4));
		return OK;
	}
	buf_u8(out, (uint8_t)(g->bits >> 10));
	buf_u8(out, (uint8_t)(g->bits >> 2));
	return OK;
}

int b64_decode(struct buf *out, struct span text)
{
	struct group g = { 0 };
	size_t old = out->n;
	int err = OK;

	for (size_t i = 0; !err && i < text.n; i++)
		if (!white(text.p[i]))
			err = take(&g, out, text.p[i]);
	if (!err)
		err = finish(&g, out);
	if (!err)
		err = buf_err(out);
	if (err)
		out->n = old;
	return err;
}
