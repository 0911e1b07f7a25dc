/* A server's host keys: the one for an algorithm, telling the client of all of them, and which it may have proved
 * (OpenSSH's PROTOCOL, hostkeys-00@openssh.com). The signatures are made outside. */
#include "ssh/engine.h"

struct span hostkeys_for(const struct conn *c, const struct sig_alg *alg)
{
	struct rd in = rd(buf_span(&c->host_keys));

	while (in.n) {
		struct span blob = rd_string(&in);

		if (span_is(pkey_type(blob), alg->key_type))
			return blob;
	}
	return span(NULL, 0);
}

/* Certificates are not told: a client learns keys. What would make the message too long for some client is left out. */
int hostkeys_tell(struct conn *c)
{
	struct rd in = rd(buf_span(&c->host_keys));
	struct buf out = BUF(PROVE_MAX);
	size_t told = 0;

	if (c->quirks & QUIRK_NO_HOST_KEYS)
		return OK;
	buf_u8(&out, MSG_GLOBAL_REQUEST);
	buf_cstring(&out, "hostkeys-00@openssh.com");
	buf_u8(&out, 0);
	while (in.n) {
		struct span blob = rd_string(&in);

		if (cert_is(blob) || blob.n + 4 > PROVE_MAX - out.n)
			continue;
		buf_string(&out, blob);
		told++;
	}
	if (told)
		return tx_built(c, &out, tx_control);
	buf_fini(&out);
	return OK;
}

/* The place of a key among ours; HOST_KEYS_MAX if it is none. */
static size_t place(const struct conn *c, struct span wanted)
{
	struct rd in = rd(buf_span(&c->host_keys));

	for (size_t i = 0; in.n; i++)
		if (span_eq(rd_string(&in), wanted))
			return i;
	return HOST_KEYS_MAX;
}

bool hostkeys_may_prove(struct conn *c, struct span packed)
{
	struct rd in = rd(packed);
	uint32_t asked = 0;

	while (rd_ok(&in) && in.n) {
		size_t i = place(c, rd_string(&in));
		uint32_t bit = i < HOST_KEYS_MAX ? UINT32_C(1) << i : 0;

		if (!bit || (c->proved | asked) & bit)
			return false;
		asked |= bit;
	}
	if (!rd_done(&in) || !asked)
		return false;
	c->proved |= asked;
	return true;
}
