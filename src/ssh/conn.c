/* Birth, end and the order of events of one connection. Time is conn_time.c's.
 *
 * conn_next() works in this order: what became due by time or by room; then packets, one at a time, while no question
 * blocks; data of one channel that follow each other become one event; last, when no whole packet is left, the login
 * question. A failure stores its code and sentence once; from then on nothing is handled any more. */
#include "base/names.h"
#include "ssh/engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTROL_CEILING = 64 << 20, BANK = 128 << 20 };

/* ---- defaults ---- */

#define HOST_KEY_DEFAULT                                                                     \
	"ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"         \
	"ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com," \
	"rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,"               \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"

const char *conn_default_kex(void)
{
	return "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
	       "ecdh-sha2-nistp521";
}

const char *conn_default_host_key(void)
{
	return HOST_KEY_DEFAULT;
}

/* The same with the keys that only an agent can use, where OpenSSH has them. */
const char *conn_default_pubkey(void)
{
	return "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
	       "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
	       "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
	       "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,"
	       "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"
	       "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256";
}

const char *conn_default_cipher(bool cpu_has_aes)
{
	return cpu_has_aes ? "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,"
			     "aes128-ctr,aes192-ctr,aes256-ctr"
			   : "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
			     "aes128-ctr,aes192-ctr,aes256-ctr";
}

const char *conn_default_mac(void)
{
	return "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
}

/* ---- birth and death ---- */

/* A server can only promise algorithms that it has a key for. */
static bool has_host_key(const struct conn_setup *s, struct span name)
{
	const struct sig_alg *alg = sig_find(name);

	for (size_t i = 0; i < s->host_key_count && alg; i++)
		if (span_is(pkey_type(s->host_keys[i]), alg->key_type))
			return true;
	return s->role == ROLE_CLIENT;
}

static int copy_list(const struct conn_setup *s, int which, struct buf *out, const char *names)
{
	struct span list = span_str(names), name;

	if (propose_check(names, which) != OK)
		return ERR_SYNTAX;
	*out = BUF(NAME_LIST_MAX);
	while (names_next(&list, &name)) {
		if (which == LIST_HOST_KEY && !has_host_key(s, name))
			continue;
		if (out->n)
			buf_u8(out, ',');
		buf_bytes(out, name);
	}
	return buf_err(out);
}

static int copy_algs(struct conn *c, const struct conn_setup *s)
{
	const struct conn_algs *a = &s->algs;
	const char *names[LISTS] = { a->kex ? a->kex : conn_default_kex(), a->host_key ? a->host_key : HOST_KEY_DEFAULT,
				     a->cipher ? a->cipher : conn_default_cipher(crypto_cpu_has_aes()),
				     a->mac ? a->mac : conn_default_mac() };
	int err = OK;

	for (int i = 0; i < LISTS && !err; i++)
		err = copy_list(s, i, &c->algs[i], names[i]);
	return err;
}

/* Most of them stay as they are for as long as the connection. */
static void fit(struct conn *c)
{
	struct buf *all[] = { &c->algs[0], &c->algs[1], &c->algs[2], &c->algs[3], &c->host_keys };

	for (size_t i = 0; i < LEN(all); i++)
		buf_fit(all[i]);
}

static int copy_names(struct conn *c, const struct conn_setup *s)
{
	const char *sig_algs = s->algs.sig_algs ? s->algs.sig_algs : HOST_KEY_DEFAULT;

	buf_bytes(&c->user, span_str(s->user ? s->user : ""));
	buf_bytes(&c->sig_algs, span_str(sig_algs));
	for (size_t i = 0; i < s->host_key_count; i++)
		buf_string(&c->host_keys, s->host_keys[i]);
	return buf_err(&c->user) || buf_err(&c->sig_algs) || buf_err(&c->host_keys) ? ERR_NOMEM : OK;
}

static void init_limits(struct conn *c, const struct conn_setup *s)
{
	struct buf *small[] = { &c->our_ident, &c->peer_ident };
	struct buf *large[] = { &c->kex.our_init, &c->kex.peer_init, &c->kex.secret,	&c->kex.hash,
				&c->kex.share,	  &c->kex.reply,     &c->kex.host_key,	&c->auth.blob,
				&c->auth.request, &c->auth.methods,  &c->auth.sig_algs, &c->auth.user,
				&c->user,	  &c->sig_algs,	     &c->host_keys,	&c->kex.session_id };

	for (size_t i = 0; i < LEN(small); i++)
		*small[i] = BUF(IDENT_MAX);
	for (size_t i = 0; i < LEN(large); i++)
		*large[i] = BUF(4 * PKEY_BLOB_MAX);
	c->tx.control = BUF(CONTROL_CEILING);
	c->setup = *s;
	c->setup.max_channels = s->max_channels ? s->max_channels : CHANNELS_MAX;
	c->setup.bank = s->bank ? s->bank : BANK;
	c->setup.rsa_min_bits = s->rsa_min_bits ? s->rsa_min_bits : 1024;
	slots_init(&c->chans, c->setup.max_channels);
}

static void init_lists(struct conn *c)
{
	struct list *all[] = { &c->rooms,	    &c->owed,	      &c->opening,     &c->asked, &c->closing,
			       &c->globals_waiting, &c->globals_sent, &c->peer_globals };

	for (size_t i = 0; i < LEN(all); i++)
		list_init(all[i]);
}

int conn_new(struct conn **out, const struct conn_setup *s)
{
	struct conn *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return ERR_NOMEM;
	if (s->host_key_count > HOST_KEYS_MAX) {
		free(c);
		return ERR_LIMIT;
	}
	c->role = s->role;
	c->life = LIFE_IDENT;
	c->crypto = s->crypto;
	c->pool = s->pool;
	c->now_ms = c->born_ms = c->rx.last_ms = s->now_ms;
	c->kex.first = true;
	c->kex.tokens = 100;
	init_limits(c, s);
	init_lists(c);
	rng_init(&c->rng, s->crypto, s->seed);
	wipe(c->setup.seed, sizeof(c->setup.seed));
	err = copy_algs(c, s);
	if (!err)
		err = copy_names(c, s);
	fit(c);
	if (!err)
		err = cipher_new_none(&c->tx.cipher);
	if (!err)
		err = cipher_new_none(&c->rx.cipher);
	if (!err)
		err = ident_write(c, s->software);
	/* A server has nothing to wait for, and the client can answer both at once. */
	if (!err && c->role == ROLE_SERVER)
		err = kex_start(c);
	if (err) {
		conn_free(c);
		return err;
	}
	*out = c;
	return OK;
}

static void free_parts(struct conn *c)
{
	struct buf *all[] = { &c->algs[0], &c->algs[1],	  &c->algs[2],	 &c->algs[3],	&c->sig_algs,
			      &c->user,	   &c->host_keys, &c->our_ident, &c->peer_ident };
	struct chan *ch;

	for (uint32_t id = 0; (ch = slots_next(&c->chans, &id)); id++)
		chan_free(c, ch);
	slots_fini(&c->chans);
	global_fini(c);
	auth_fini(c);
	kex_fini(c);
	tx_fini(c);
	rx_fini(c);
	rng_fini(&c->rng);
	for (size_t i = 0; i < LEN(all); i++)
		buf_fini(all[i]);
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	free_parts(c);
	free(c->why);
	free(c);
}

/* ---- failing ---- */

static uint32_t disconnect_reason(int err)
{
	static const uint8_t reasons[] = {
		[-ERR_MAC] = DISC_MAC_ERROR,
		[-ERR_KEX] = DISC_KEX_FAILED,
		[-ERR_HOST_KEY] = DISC_HOST_KEY_NOT_VERIFIABLE,
		[-ERR_AUTH] = DISC_NO_MORE_AUTH_METHODS,
		[-ERR_CLOSED] = DISC_BY_APPLICATION,
		[-ERR_NOMEM] = DISC_BY_APPLICATION,
		[-ERR_TIMEOUT] = DISC_BY_APPLICATION,
		[-ERR_NOT_FOUND] = DISC_SERVICE_NOT_AVAILABLE,
	};

	if ((size_t)-err < LEN(reasons) && reasons[-err])
		return reasons[-err];
	return DISC_PROTOCOL_ERROR;
}

/* The text is constant: nothing that the peer sent goes back to it. */
static void queue_disconnect(struct conn *c, int err, const char *text)
{
	struct buf out = BUF(512);

	buf_u8(&out, MSG_DISCONNECT);
	buf_u32(&out, disconnect_reason(err));
	buf_cstring(&out, text);
	buf_cstring(&out, "");
	if (buf_err(&out) == OK && c->life >= LIFE_KEX && tx_room(c, 1024, TX_CHUNKS))
		tx_now(c, buf_span(&out));
	buf_fini(&out);
}

int conn_fail(struct conn *c, int err, const char *fmt, ...)
{
	char why[WHY_MAX];
	va_list ap;

	if (c->err)
		return c->err;
	c->err = err;
	c->tx.loan.lent = 0;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	c->why = strdup(why);
	if (err != ERR_CLOSED && err != ERR_NOMEM)
		queue_disconnect(c, err, err_name(err));
	return err;
}

void conn_end(struct conn *c, int err, const char *text)
{
	if (tx_flush_control(c) != OK)
		return;
	c->err = err;
	c->tx.loan.lent = 0;
	c->why = strdup(text);
	queue_disconnect(c, err, text);
}

void conn_disconnect(struct conn *c, const char *text)
{
	conn_end(c, ERR_CLOSED, text);
}

int conn_error(const struct conn *c)
{
	return c->err;
}

const char *conn_error_text(const struct conn *c)
{
	if (!c->err)
		return "";
	return c->why ? c->why : err_name(c->err);
}

/* ---- questions ---- */

uint32_t question_new(struct conn *c)
{
	if (++c->questions == 0)
		c->questions = 1;
	return c->questions;
}

void question_block(struct conn *c, struct event *ev)
{
	ev->question = c->blocking = question_new(c);
	c->blocking_kind = ev->kind;
}

static int answer_blocking(struct conn *c, const struct answer *a)
{
	enum event_kind kind = c->blocking_kind;

	c->blocking = 0;
	switch (kind) {
	case EV_HOST_KEY:
		return kex_host_key_answer(c, a);
	case EV_AUTH:
		return auth_try_answer(c, a);
	case EV_SIGN:
		return c->role == ROLE_SERVER ? kex_sign_answer(c, a) : auth_sign_answer(c, a);
	case EV_PROMPT:
		return auth_prompt_answer(c, a);
	default:
		return auth_login_answer(c, a);
	}
}

int conn_answer(struct conn *c, uint32_t question, const struct answer *a)
{
	struct chan *ch;
	struct peer_global *g;

	if (c->err || !question)
		return ERR_NOT_FOUND;
	if (question == c->blocking) {
		answer_blocking(c, a);
		return OK;
	}
	ch = chan_by_question(c, question);
	if (ch) {
		chan_open_answer(c, ch, a);
		return OK;
	}
	g = global_by_question(c, question);
	if (!g)
		return ERR_NOT_FOUND;
	global_answer(c, g, a);
	return OK;
}

/* ---- events ---- */

static bool next_due(struct conn *c, struct event *ev)
{
	struct list *l = list_pop(&c->rooms);

	if (l) {
		struct chan *ch = CONTAINER(l, struct chan, room);

		ev->kind = EV_ROOM;
		ev->chan = ch->id;
		ev->user = ch->user;
		return true;
	}
	return chan_tick(c, ev) || (!c->err && global_tick(c, ev));
}

/* Does this packet go on with the data event that is being gathered, or at least not disturb it? */
static bool joins(const struct event *ev, struct span payload)
{
	if (payload.n < 5 || ev->iovs == EVENT_IOV_MAX)
		return false;
	if (payload.p[0] == MSG_CHANNEL_WINDOW_ADJUST)
		return true;
	return payload.p[0] == MSG_CHANNEL_DATA && get_u32(payload.p + 1) == ev->chan;
}

bool conn_may_open(const struct conn *c)
{
	return !c->err && !c->blocking && c->now_ms >= c->rx.pause_ms && !conn_choked(c);
}

static void before_auth(struct conn *c)
{
	if (c->life != LIFE_OPEN &&
	    (c->rx.packets > PREAUTH_PACKETS_MAX || (c->role == ROLE_SERVER && c->rx.bytes > PREAUTH_BYTES_MAX)))
		conn_fail(c, ERR_LIMIT, "too many packets before the login");
}

static void next_packets(struct conn *c, struct event *ev)
{
	struct span payload;

	while (conn_may_open(c)) {
		if (c->life == LIFE_IDENT && (ident_read(c, ev) != OK || ev->kind))
			return;
		if (c->life == LIFE_IDENT || rx_packet(c, &payload) != 1)
			return;
		if (ev->kind == EV_DATA && !joins(ev, payload)) {
			c->rx.held = payload;
			return;
		}
		before_auth(c);
		if (c->err || dispatch(c, payload, ev) != OK)
			return;
		kex_consider(c);
		if (ev->kind && ev->kind != EV_DATA)
			return;
	}
}

static void check_ended(struct conn *c)
{
	if (!c->rx.ended || c->err || c->blocking || c->now_ms < c->rx.pause_ms)
		return;
	if (c->rx.end_err)
		conn_fail(c, ERR_CLOSED, "connection lost: %s", c->rx.end_words ? c->rx.end_words : "");
	else
		conn_fail(c, ERR_CLOSED, "connection closed by the peer");
}

int conn_next(struct conn *c, struct event *ev)
{
	*ev = (struct event){ 0 };
	if (c->err)
		return c->err;
	if (next_due(c, ev))
		return 1;
	next_packets(c, ev);
	c->rx.choked = conn_choked(c);
	if (!ev->kind && !c->err && next_due(c, ev)) /* an adjust among the packets has made room */
		return 1;
	if (!ev->kind && conn_may_open(c))
		auth_question(c, ev);
	if (ev->kind || probe_event(c, ev))
		return 1;
	check_ended(c);
	if (!c->err)
		rx_idle(c);
	return c->err;
}

/* ---- terms ---- */

void conn_set_terms(struct conn *c, const struct conn_terms *t)
{
	c->setup.alive_ms = t->alive_ms;
	c->setup.alive_max = t->alive_max;
	c->setup.rekey_bytes = t->rekey_bytes;
	c->setup.rekey_ms = t->rekey_ms;
	c->setup.max_channels = t->max_channels ? t->max_channels : CHANNELS_MAX;
	c->chans.limit = c->setup.max_channels;
	if (t->shared_bank) {
		assert(!c->bank_used); /* what is given back goes to where it was drawn */
		c->setup.shared_bank = t->shared_bank;
	}
}

/* ---- facts ---- */

void conn_rekey(struct conn *c)
{
	if (c->life == LIFE_OPEN && !kex_running(c))
		kex_start(c);
}

void conn_negotiated(const struct conn *c, struct negotiated *out)
{
	const struct suite *s = &c->kex.used;
	bool client = c->role == ROLE_CLIENT;
	const struct mac_alg *mac_out = s->mac[!client], *mac_in = s->mac[client];

	*out = (struct negotiated){ 0 };
	if (!s->kex)
		return;
	*out = (struct negotiated){
		.kex = s->kex->name,
		.host_key = s->host_key->name,
		.cipher_out = s->cipher[!client]->name,
		.cipher_in = s->cipher[client]->name,
		.mac_out = mac_out ? mac_out->name : "implicit",
		.mac_in = mac_in ? mac_in->name : "implicit",
		.strict = c->kex.strict,
		.rekeys = c->kex.rekeys,
	};
}

void conn_stats(const struct conn *c, struct conn_stats *out)
{
	*out = (struct conn_stats){
		.rx_bytes = c->rx.bytes,
		.tx_bytes = c->tx.bytes,
		.rx_packets = c->rx.packets,
		.tx_packets = c->tx.packets,
		.channels = c->chans.used,
		.window_out = c->bank_used,
		.memory = sizeof(*c) + c->tx.chunks * POOL_CHUNK + c->rx.cap + c->tx.control.cap +
			  c->chans.used * sizeof(struct chan),
	};
}

struct span conn_session_id(const struct conn *c)
{
	return buf_span(&c->kex.session_id);
}

struct span conn_peer_ident(const struct conn *c)
{
	return buf_span(&c->peer_ident);
}
