/* The small messages of the transport layer (RFC 4253 section 11, RFC 8308, ping@openssh.com). */
#include "ssh/engine.h"

enum { PING_MAX = 1024 };

int on_disconnect(struct conn *c, struct rd *in, struct event *ev)
{
	uint32_t reason = rd_u32(in);
	struct span text = rd_string(in);
	char words[200];

	(void)ev;
	rd_rest(in);
	str_escape(words, sizeof(words), text);
	return conn_fail(c, ERR_CLOSED, "the peer disconnected (reason %u): %s", reason, words);
}

int on_ignore(struct conn *c, struct rd *in, struct event *ev)
{
	(void)ev;
	rd_rest(in);
	count_cheap(c);
	return OK;
}

int on_unimplemented(struct conn *c, struct rd *in, struct event *ev)
{
	uint32_t seq = rd_u32(in);

	(void)ev;
	if (c->life <= LIFE_KEX)
		return conn_fail(c, ERR_KEX, "the peer does not implement packet %u of the key exchange", seq);
	count_cheap(c);
	return OK;
}

int on_debug(struct conn *c, struct rd *in, struct event *ev)
{
	struct span text;

	rd_bool(in);
	text = rd_string(in);
	rd_string(in);
	if (!rd_done(in))
		return conn_fail(c, ERR_PROTO, "malformed DEBUG");
	count_cheap(c);
	ev->kind = EV_DEBUG;
	ev->text = span(text.p, MIN(text.n, DEBUG_TEXT_MAX));
	return OK;
}

int conn_debug(struct conn *c, enum debug_display display, struct span text)
{
	struct buf out = BUF(DEBUG_TEXT_MAX + 16);

	if (c->err || c->life != LIFE_OPEN || text.n > DEBUG_TEXT_MAX)
		return c->err ? ERR_CLOSED : ERR_LIMIT;
	buf_u8(&out, MSG_DEBUG);
	buf_u8(&out, (uint8_t)display);
	buf_string(&out, text);
	buf_cstring(&out, "");
	return tx_built(c, &out, tx_reply) ? ERR_CLOSED : OK;
}

/* RFC 8308 section 2.4: a server may send two, a client one before it asks for a service. */
static bool ext_info_in_place(const struct conn *c)
{
	if (c->role == ROLE_CLIENT)
		return c->auth.ext_infos <= 2;
	return c->auth.ext_infos <= 1 && !c->auth.service_accepted;
}

int on_ext_info(struct conn *c, struct rd *in, struct event *ev)
{
	struct auth *a = &c->auth;
	uint32_t n = rd_u32(in);

	(void)ev;
	a->ext_infos++;
	if (!ext_info_in_place(c) || n > EXT_INFO_MAX)
		return conn_fail(c, ERR_PROTO, "EXT_INFO too often, too long, or out of place");
	for (uint32_t i = 0; i < n && rd_ok(in); i++) {
		struct span name = rd_string(in), value = rd_string(in);

		if (span_is(name, "server-sig-algs") && value.n <= NAME_LIST_MAX) {
			buf_clear(&a->sig_algs);
			buf_bytes(&a->sig_algs, value);
		}
	}
	if (!rd_done(in))
		return conn_fail(c, ERR_PROTO, "malformed EXT_INFO");
	if (buf_err(&a->sig_algs))
		return conn_fail(c, ERR_NOMEM, "no memory for EXT_INFO");
	a->ext_known = true;
	return OK;
}

int send_ext_info(struct conn *c)
{
	struct buf out = BUF(NAME_LIST_MAX + 128);

	buf_u8(&out, MSG_EXT_INFO);
	buf_u32(&out, 2);
	buf_cstring(&out, "server-sig-algs");
	buf_string(&out, buf_span(&c->sig_algs));
	buf_cstring(&out, "ping@openssh.com");
	buf_cstring(&out, "0");
	return tx_built(c, &out, tx_now);
}

/* Only a server announces ping@openssh.com, so only a server answers it. */
int on_ping(struct conn *c, struct rd *in, struct event *ev)
{
	struct span data = rd_string(in);
	struct buf out = BUF(PING_MAX + 8);

	(void)ev;
	if (!rd_done(in) || data.n > PING_MAX)
		return conn_fail(c, ERR_PROTO, "malformed or overlong PING");
	buf_u8(&out, MSG_PONG);
	buf_string(&out, data);
	return tx_built(c, &out, tx_reply);
}
