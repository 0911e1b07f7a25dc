/* Who may send which message, and when: one table (RFC 4250 section 4.1, RFC 4252 section 6). Everything that is not in
 * it is refused, so handlers need not ask for the phase again. */
#include "ssh/engine.h"

enum { CLIENT = 1, SERVER = 2, BOTH = CLIENT | SERVER };

enum when {
	NEVER_IN_KEX = 0,
	IN_KEX = 1,    /* also legal between the peer's KEXINIT and its NEWKEYS */
	STRICT_OK = 2, /* also legal in a strict first exchange: only what belongs to it */
};

struct rule {
	uint8_t lives; /* enum life, as bits */
	uint8_t from;  /* CLIENT, SERVER or BOTH */
	uint8_t when;  /* enum when, as bits */
	int (*handler)(struct conn *c, struct rd *in, struct event *ev);
};

#define ANY  (LIFE_KEX | LIFE_AUTH | LIFE_OPEN)
#define KEYS (LIFE_KEX | LIFE_OPEN) /* nobody exchanges keys during the login */

static const struct rule rules[256] = {
	[MSG_DISCONNECT] = { ANY, BOTH, IN_KEX | STRICT_OK, on_disconnect },
	[MSG_IGNORE] = { ANY, BOTH, IN_KEX, on_ignore },
	[MSG_UNIMPLEMENTED] = { ANY, BOTH, IN_KEX, on_unimplemented },
	[MSG_DEBUG] = { ANY, BOTH, IN_KEX, on_debug },
	[MSG_SERVICE_REQUEST] = { LIFE_AUTH, CLIENT, NEVER_IN_KEX, on_service_request },
	[MSG_SERVICE_ACCEPT] = { LIFE_AUTH, SERVER, NEVER_IN_KEX, on_service_accept },
	[MSG_EXT_INFO] = { LIFE_AUTH, BOTH, NEVER_IN_KEX, on_ext_info },
	[MSG_KEXINIT] = { KEYS, BOTH, STRICT_OK, on_kexinit },
	[MSG_NEWKEYS] = { KEYS, BOTH, IN_KEX | STRICT_OK, on_newkeys },
	[MSG_KEX_ECDH_INIT] = { KEYS, CLIENT, IN_KEX | STRICT_OK, on_kex_ecdh_init },
	[MSG_KEX_ECDH_REPLY] = { KEYS, SERVER, IN_KEX | STRICT_OK, on_kex_ecdh_reply },
	[MSG_USERAUTH_REQUEST] = { LIFE_AUTH | LIFE_OPEN, CLIENT, NEVER_IN_KEX, on_userauth_request },
	[MSG_USERAUTH_FAILURE] = { LIFE_AUTH, SERVER, NEVER_IN_KEX, on_userauth_failure },
	[MSG_USERAUTH_SUCCESS] = { LIFE_AUTH, SERVER, NEVER_IN_KEX, on_userauth_success },
	[MSG_USERAUTH_BANNER] = { LIFE_AUTH, SERVER, NEVER_IN_KEX, on_userauth_banner },
	[MSG_USERAUTH_60] = { LIFE_AUTH, SERVER, NEVER_IN_KEX, on_userauth_60 },
	[MSG_GLOBAL_REQUEST] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_global_request },
	[MSG_REQUEST_SUCCESS] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_request_success },
	[MSG_REQUEST_FAILURE] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_request_failure },
	[MSG_CHANNEL_OPEN] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_open },
	[MSG_CHANNEL_OPEN_CONFIRMATION] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_open_confirmation },
	[MSG_CHANNEL_OPEN_FAILURE] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_open_failure },
	[MSG_CHANNEL_WINDOW_ADJUST] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_window_adjust },
	[MSG_CHANNEL_DATA] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_data },
	[MSG_CHANNEL_EXTENDED_DATA] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_extended_data },
	[MSG_CHANNEL_EOF] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_eof },
	[MSG_CHANNEL_CLOSE] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_close },
	[MSG_CHANNEL_REQUEST] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_request },
	[MSG_CHANNEL_SUCCESS] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_reply },
	[MSG_CHANNEL_FAILURE] = { LIFE_OPEN, BOTH, NEVER_IN_KEX, on_channel_reply },
	[MSG_PING] = { LIFE_OPEN, CLIENT, NEVER_IN_KEX, on_ping },
};

/* RFC 4250 section 4.1.2: these numbers have a meaning only for a method of key exchange, or of the login, that runs.
 * RFC 4252 section 6: those from 80 on have none before the login is over. */
static bool out_of_place(const struct conn *c, uint8_t type)
{
	return (type >= 30 && type <= 49) || (type >= 60 && c->life != LIFE_OPEN);
}

/* RFC 4253 section 11.4: what nobody knows is answered with its sequence number; before the keys are there it ends the
 * connection. A PING to a client is unknown too, because only servers announce it. */
static int unknown(struct conn *c, uint8_t type)
{
	uint8_t msg[5] = { MSG_UNIMPLEMENTED };

	if (type == 0) /* RFC 4250 section 4.1.2 has no such number */
		return conn_fail(c, ERR_PROTO, "message 0 does not exist");
	if (c->life <= LIFE_KEX || kex_holds_rx(c))
		return conn_fail(c, ERR_PROTO, "unknown message %u during the key exchange", type);
	if (out_of_place(c, type))
		return conn_fail(c, ERR_PROTO, "message %u is not allowed now", type);
	count_cheap(c);
	put_u32(msg + 1, c->rx.seq - 1);
	return tx_reply(c, span(msg, sizeof(msg)));
}

/* AsyncSSH sends channel messages between its KEXINIT and its NEWKEYS (RFC 4253 section 7.1 forbids it). They are still
 * authenticated by the old keys, so renewed keys, not first ones, tolerate them. */
static bool tolerated(const struct conn *c, uint8_t type)
{
	return c->quirks & QUIRK_TALKS_IN_KEX && !c->kex.first && type >= MSG_GLOBAL_REQUEST;
}

static bool strict_now(const struct conn *c)
{
	return c->life == LIFE_KEX && c->kex.first && c->kex.strict && c->kex.got_init;
}

int dispatch(struct conn *c, struct span payload, struct event *ev)
{
	struct rd in = rd(payload);
	uint8_t type = rd_u8(&in);
	const struct rule *r = &rules[type];
	int peer = c->role == ROLE_CLIENT ? SERVER : CLIENT;

	if (kex_skips(c, type))
		return OK;
	if (!r->handler || (type == MSG_PING && c->role == ROLE_CLIENT))
		return unknown(c, type);
	if (!(r->lives & c->life) || !(r->from & peer))
		return conn_fail(c, ERR_PROTO, "message %u is not allowed now", type);
	if (kex_holds_rx(c) && !(r->when & IN_KEX) && !tolerated(c, type))
		return conn_fail(c, ERR_PROTO, "message %u inside a key exchange", type);
	if (strict_now(c) && !(r->when & STRICT_OK))
		return conn_fail(c, ERR_PROTO, "message %u inside a strict key exchange", type);
	if (r->handler(c, &in, ev) != OK)
		return c->err;
	if (!rd_done(&in))
		return conn_fail(c, ERR_PROTO, "message %u has a wrong length", type);
	return OK;
}
