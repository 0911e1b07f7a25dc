/* The fields of a policy as one table, from which packing, unpacking and freeing follow. */
#include "conf/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/types.h"

enum kind { NUMBER, LONG, FLAG, WORDS, TEXT };

struct field {
	enum kind kind;
	size_t at;     /* offset in struct policy */
	uint32_t most; /* of a number */
};

#define FIELD(kind, name, most)                           \
	{                                                 \
		kind, offsetof(struct policy, name), most \
	}

static const struct field fields[] = {
	FIELD(NUMBER, tcp, POLICY_LOCAL | POLICY_REMOTE),
	FIELD(NUMBER, streamlocal, POLICY_LOCAL | POLICY_REMOTE),
	FIELD(WORDS, permit_open[POLICY_ADMIN], 0),
	FIELD(WORDS, permit_open[POLICY_KEY], 0),
	FIELD(WORDS, permit_listen[POLICY_ADMIN], 0),
	FIELD(WORDS, permit_listen[POLICY_KEY], 0),
	FIELD(WORDS, deny_open, 0),
	FIELD(NUMBER, gateway, GATEWAY_CLIENT),
	FIELD(FLAG, root, 0),
	FIELD(NUMBER, bind_mask, 0777),
	FIELD(FLAG, bind_unlink, 0),
	FIELD(NUMBER, max_channels, POLICY_COUNT_MAX),
	FIELD(NUMBER, max_listeners, POLICY_COUNT_MAX),
	FIELD(NUMBER, max_opens, POLICY_COUNT_MAX),
	FIELD(LONG, rekey_bytes, 0),
	FIELD(NUMBER, rekey_seconds, INT32_MAX),
	FIELD(NUMBER, tos, POLICY_NO_TOS),
	FIELD(NUMBER, log_level, LOG_LEVEL_DEBUG3),
	FIELD(NUMBER, alive_seconds, INT32_MAX),
	FIELD(NUMBER, alive_max, INT32_MAX),
	FIELD(NUMBER, idle_seconds[POLICY_DIRECT_TCPIP], INT32_MAX),
	FIELD(NUMBER, idle_seconds[POLICY_DIRECT_STREAMLOCAL], INT32_MAX),
	FIELD(NUMBER, idle_seconds[POLICY_FORWARDED_TCPIP], INT32_MAX),
	FIELD(NUMBER, idle_seconds[POLICY_FORWARDED_STREAMLOCAL], INT32_MAX),
	FIELD(NUMBER, idle_seconds[POLICY_GLOBAL], INT32_MAX),
	FIELD(NUMBER, unused_seconds, INT32_MAX),
	FIELD(NUMBER, takeover_ms, INT32_MAX),
	FIELD(TEXT, user, 0),
	FIELD(TEXT, key, 0),
};

_Static_assert(sizeof(enum gateway_ports) == sizeof(uint32_t), "an enum is handled as a number");

static void *place(struct policy *p, const struct field *f)
{
	return (char *)p + f->at;
}

/* ---- Freeing -------------------------------------------------------------------------------------------------- */

void policy_fini(struct policy *p)
{
	for (size_t i = 0; i < LEN(fields); i++) {
		if (fields[i].kind == WORDS)
			strs_fini(place(p, &fields[i]));
		if (fields[i].kind == TEXT)
			free(*(char **)place(p, &fields[i]));
	}
	*p = (struct policy){ 0 };
}

/* ---- Packing -------------------------------------------------------------------------------------------------- */

static void pack_text(struct buf *out, const char *text, size_t max)
{
	struct span s = span_str(text ? text : "");

	if (s.n > max)
		out->err = ERR_NOMEM;
	buf_string(out, s);
}

static void pack_words(struct buf *out, const struct strs *words)
{
	if (words->n > POLICY_WORDS_MAX)
		out->err = ERR_NOMEM;
	buf_u32(out, (uint32_t)words->n);
	for (size_t i = 0; i < words->n; i++)
		pack_text(out, words->v[i], POLICY_WORD_MAX);
}

static void pack_field(struct buf *out, const struct field *f, const void *at)
{
	uint32_t v;
	uint64_t l;

	switch (f->kind) {
	case NUMBER:
		memcpy(&v, at, sizeof(v));
		buf_u32(out, v);
		break;
	case LONG:
		memcpy(&l, at, sizeof(l));
		buf_u64(out, l);
		break;
	case FLAG:
		buf_u8(out, *(const bool *)at);
		break;
	case WORDS:
		pack_words(out, at);
		break;
	case TEXT:
		pack_text(out, *(char *const *)at, POLICY_TEXT_MAX);
		break;
	}
}

void policy_pack(const struct policy *p, struct buf *out)
{
	for (size_t i = 0; i < LEN(fields); i++)
		pack_field(out, &fields[i], (const char *)p + fields[i].at);
}

/* ---- Unpacking ------------------------------------------------------------------------------------------------ */

static int unpack_number(uint32_t *out, struct rd *in, uint32_t most)
{
	uint32_t v = rd_u32(in);

	if (!rd_ok(in) || v > most)
		return ERR_SYNTAX;
	memcpy(out, &v, sizeof(v));
	return OK;
}

static int unpack_long(uint64_t *out, struct rd *in)
{
	uint64_t v = rd_u64(in);

	if (!rd_ok(in))
		return ERR_SYNTAX;
	memcpy(out, &v, sizeof(v));
	return OK;
}

/* RFC 4251 section 5 takes any byte but 0 for true; between our own processes only 1 is. */
static int unpack_flag(bool *out, struct rd *in)
{
	uint8_t v = rd_u8(in);

	if (!rd_ok(in) || v > 1)
		return ERR_SYNTAX;
	*out = v;
	return OK;
}

static int unpack_text(char **out, struct rd *in, size_t max)
{
	struct span s = rd_string(in);

	if (!rd_ok(in) || s.n > max || (s.n && memchr(s.p, 0, s.n)))
		return ERR_SYNTAX;
	*out = str_from_span(s);
	return *out ? OK : ERR_NOMEM;
}

static int unpack_words(struct strs *out, struct rd *in)
{
	uint32_t n = rd_u32(in);
	int err = rd_ok(in) && n <= POLICY_WORDS_MAX ? OK : ERR_SYNTAX;

	for (uint32_t i = 0; i < n && !err; i++) {
		char *word;

		err = unpack_text(&word, in, POLICY_WORD_MAX);
		if (!err)
			err = strs_take(out, word);
	}
	return err;
}

static int unpack_field(void *at, const struct field *f, struct rd *in)
{
	switch (f->kind) {
	case NUMBER:
		return unpack_number(at, in, f->most);
	case LONG:
		return unpack_long(at, in);
	case FLAG:
		return unpack_flag(at, in);
	case WORDS:
		return unpack_words(at, in);
	default:
		return unpack_text(at, in, POLICY_TEXT_MAX);
	}
}

int policy_unpack(struct policy *out, struct rd *in)
{
	int err = OK;

	*out = (struct policy){ 0 };
	for (size_t i = 0; i < LEN(fields) && !err; i++)
		err = unpack_field(place(out, &fields[i]), &fields[i], in);
	if (!err && !out->user[0])
		err = ERR_SYNTAX;
	if (err)
		policy_fini(out);
	return err;
}
