/* The peer that misbehaves, and the application on our side. */
#include "evil.h"

#include "ssh/kexhash.h"
#include "../put.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIRE_MAX = 64 << 20, ROUNDS_MAX = 2000000 };

const struct crypto *evil_crypto;
struct pkey *evil_host_key, *evil_other_key, *evil_user_key;
static struct crypto *library;
static struct pool pools[2]; /* ours and the peer's, kept for the next test */

int evil_begin(void)
{
	if (crypto_new(&library, NULL) != OK || pool_init(&pools[0], 4) != OK || pool_init(&pools[1], 4) != OK)
		return 1;
	evil_crypto = library;
	return pkey_generate(&evil_host_key, library, "ssh-ed25519") != OK ||
	       pkey_generate(&evil_other_key, library, "ssh-ed25519") != OK ||
	       pkey_generate(&evil_user_key, library, "ssh-ed25519") != OK;
}

void evil_end(void)
{
	pkey_free(evil_host_key);
	pkey_free(evil_other_key);
	pkey_free(evil_user_key);
	for (size_t i = 0; i < 2; i++)
		if (!pools[i].lent) /* a test that failed has left its engines behind */
			pool_fini(&pools[i]);
	crypto_free(library);
}

static struct conn *engine(struct evil *e, enum role role, struct conn_setup s, struct pool *pool)
{
	struct span host_key = pkey_blob(evil_host_key);
	struct conn *c;
	int err;

	s.role = role;
	s.crypto = evil_crypto;
	s.pool = pool;
	s.now_ms = e->now_ms;
	s.software = "evil";
	s.user = "miner";
	if (!s.host_keys) {
		s.host_keys = &host_key;
		s.host_key_count = 1;
	}
	memset(s.seed, role + 1, sizeof(s.seed));
	err = conn_new(&c, &s);
	assert(err == OK);
	return c;
}

/* The peer's life stays at its beginning, so that nothing in its engine does more than it was told. */
/* Its version line, and the KEXINIT that a server sends with it: the test sends its own. */
static void unsay(struct conn *peer)
{
	conn_tx_done(peer, conn_tx_pending(peer));
	buf_clear(&peer->kex.our_init);
	peer->kex.sent_init = false;
	peer->tx.seq = 0;
}

void evil_init(struct evil *e, const struct evil_setup *setup)
{
	struct conn_setup peer = { .algs = setup->limits.algs };

	*e = (struct evil){ .setup = *setup, .now_ms = 1000000, .signer = evil_host_key };
	e->wire = BUF(WIRE_MAX);
	e->said = BUF(WIRE_MAX);
	e->text = BUF(WIRE_MAX);
	e->line = BUF(IDENT_MAX);
	e->guess = BUF(KEX_BLOB_MAX);
	if (!e->setup.try)
		e->setup.try = AUTH_PASSWORD;
	e->us = engine(e, setup->role, setup->limits, &pools[0]);
	e->peer = engine(e, setup->role == ROLE_CLIENT ? ROLE_SERVER : ROLE_CLIENT, peer, &pools[1]);
	unsay(e->peer);
}

void evil_fini(struct evil *e)
{
	struct buf *all[] = { &e->wire, &e->said, &e->text, &e->line, &e->guess };

	conn_free(e->us);
	conn_free(e->peer);
	for (size_t i = 0; i < LEN(all); i++)
		buf_fini(all[i]);
}

/* ---- the peer understands our key exchange ---- */

static bool peer_is_server(const struct evil *e)
{
	return e->peer->role == ROLE_SERVER;
}

static void take_share(struct evil *e, struct span payload)
{
	struct rd in = rd(payload);
	struct span blob;

	rd_u8(&in);
	blob = rd_string(&in);
	if (kexhash_server(e->peer, pkey_blob(e->signer), blob) != OK)
		e->peer->err = OK;
}

/* A guess counts when both offers are there, and is void when they do not begin alike. */
static void see_init(struct evil *e, struct span payload)
{
	if (!e->peer->kex.our_init.n)
		buf_bytes(&e->guess, payload);
	else if (!e->void_next)
		take_share(e, payload);
	e->void_next = false;
}

/* What cannot be agreed upon is the test's business: the peer goes on as if nothing were. */
static void agree(struct evil *e)
{
	struct kex *k = &e->peer->kex;

	if (!k->our_init.n || !k->peer_init.n)
		return;
	if (propose_choose(e->peer, &k->suite) == OK && k->first)
		k->strict = k->suite.strict && !e->setup.lax;
	e->peer->err = OK;
	e->void_next = peer_is_server(e) && k->suite.wrong_guess;
	if (e->guess.n)
		see_init(e, buf_span(&e->guess));
	buf_clear(&e->guess);
}

static void see_kexinit(struct evil *e, struct span payload)
{
	struct kex *k = &e->peer->kex;

	buf_clear(&k->peer_init);
	buf_bytes(&k->peer_init, payload);
	agree(e);
}

static void see_reply(struct evil *e, struct span payload)
{
	struct rd in = rd(payload);
	struct span key, blob;

	rd_u8(&in);
	key = rd_string(&in);
	blob = rd_string(&in);
	if (kexhash_client(e->peer, key, blob) != OK)
		e->peer->err = OK;
}

/* Both directions have their new keys. */
static void finish(struct evil *e)
{
	struct kex *k = &e->peer->kex;

	if (!e->swapped || !k->newkeys_sent)
		return;
	e->swapped = k->newkeys_sent = k->first = false;
	kex_key_free(k->key);
	k->key = NULL;
	buf_clear(&k->our_init);
	buf_clear(&k->peer_init);
}

static void see_newkeys(struct evil *e)
{
	struct conn *p = e->peer;
	struct cipher *next;
	int err = kexhash_keys(p, CIPHER_OPEN, &next);

	assert(err == OK);
	rx_rekey(p, next, p->kex.strict);
	e->swapped = true;
	finish(e);
}

static void see(struct evil *e, struct span payload)
{
	buf_string(&e->said, payload);
	if (payload.p[0] == MSG_KEXINIT)
		see_kexinit(e, payload);
	else if (!e->peer->kex.suite.kex)
		return; /* nothing was agreed upon */
	else if (payload.p[0] == MSG_KEX_ECDH_INIT && peer_is_server(e))
		see_init(e, payload);
	else if (payload.p[0] == MSG_KEX_ECDH_REPLY && !peer_is_server(e))
		see_reply(e, payload);
	else if (payload.p[0] == MSG_NEWKEYS)
		see_newkeys(e);
}

/* ---- what the peer does ---- */

/* Takes what the peer's engine has sealed. */
static void take(struct evil *e, struct buf *to)
{
	struct iovec iov[TX_CHUNKS];
	struct tx *t = &e->peer->tx;
	size_t n = 0;

	for (size_t i = 0; i < t->chunks; i++)
		if (t->chunk[i].end > t->chunk[i].start)
			iov[n++] = (struct iovec){ t->chunk[i].mem + t->chunk[i].start,
						   t->chunk[i].end - t->chunk[i].start };
	for (size_t i = 0; i < n; i++)
		buf_bytes(to, span(iov[i].iov_base, iov[i].iov_len));
	assert(buf_err(to) == OK);
	conn_tx_done(e->peer, t->pending);
}

void evil_raw(struct evil *e, struct span bytes)
{
	buf_bytes(&e->wire, bytes);
	evil_run(e);
}

void evil_seal(struct evil *e, struct span payload, struct buf *out)
{
	int err = tx_now(e->peer, payload);

	assert(err == OK);
	take(e, out);
}

void evil_queue(struct evil *e, struct span payload)
{
	evil_seal(e, payload, &e->wire);
}

void evil_send(struct evil *e, struct span payload)
{
	evil_queue(e, payload);
	evil_run(e);
}

static void build(struct buf *out, const char *format, va_list ap)
{
	for (; *format; format++) {
		if (*format == 'b')
			buf_u8(out, (uint8_t)va_arg(ap, int));
		else if (*format == 'u')
			buf_u32(out, va_arg(ap, uint32_t));
		else if (*format == 's')
			buf_cstring(out, va_arg(ap, const char *));
		else if (*format == 'S')
			buf_string(out, va_arg(ap, struct span));
		else
			buf_bytes(out, va_arg(ap, struct span));
	}
	assert(buf_err(out) == OK);
}

struct span evil_build(struct buf *out, const char *format, ...)
{
	va_list ap;

	buf_clear(out);
	out->max = WIRE_MAX;
	va_start(ap, format);
	build(out, format, ap);
	va_end(ap);
	return buf_span(out);
}

void evil_say(struct evil *e, const char *format, ...)
{
	struct buf out = BUF(WIRE_MAX);
	va_list ap;

	va_start(ap, format);
	build(&out, format, ap);
	va_end(ap);
	evil_send(e, buf_span(&out));
	buf_fini(&out);
}

void evil_frame(struct evil *e, uint32_t length, uint8_t padding, struct span body, struct buf *out)
{
	struct tx *t = &e->peer->tx;
	size_t at = out->n, len = 5 + body.n;
	uint8_t *pkt;
	int err;

	buf_u32(out, length);
	buf_u8(out, padding);
	buf_bytes(out, body);
	buf_add(out, cipher_tag(t->cipher));
	assert(buf_err(out) == OK);
	pkt = out->p + at;
	err = cipher_seal(t->cipher, t->seq++, pkt, len);
	assert(err == OK);
}

/* ---- key exchange ---- */

static void put_list(struct evil *e, struct buf *out, const struct offer *o, size_t i)
{
	static const int which[] = { LIST_KEX, LIST_HOST_KEY, LIST_CIPHER, LIST_CIPHER, LIST_MAC, LIST_MAC };
	bool server = peer_is_server(e);
	size_t pos = buf_begin(out);

	if (o && o->list[i])
		buf_bytes(out, span_str(o->list[i]));
	else if (i < LEN(which))
		buf_bytes(out, buf_span(&e->peer->algs[which[i]]));
	else if (i < 8)
		buf_bytes(out, span_str("none"));
	if (i == 0 && e->peer->kex.first && !(o && o->list[0]))
		buf_printf(out, ",ext-info-%c", server ? 's' : 'c');
	if (i == 0 && e->peer->kex.first && !e->setup.lax && !(o && o->list[0]))
		buf_printf(out, ",kex-strict-%c-v00@openssh.com", server ? 's' : 'c');
	buf_end(out, pos);
}

void evil_offer_payload(struct evil *e, const struct offer *o, struct buf *out)
{
	static const uint8_t cookie[16] = "an evil cookie";

	buf_u8(out, MSG_KEXINIT);
	buf_bytes(out, span(cookie, sizeof(cookie)));
	for (size_t i = 0; i < 10; i++)
		put_list(e, out, o, i);
	buf_u8(out, o && o->follows);
	buf_u32(out, o ? o->reserved : 0);
	assert(buf_err(out) == OK);
}

void evil_offer(struct evil *e, const struct offer *o)
{
	struct kex *k = &e->peer->kex;

	buf_clear(&k->our_init);
	evil_offer_payload(e, o, &k->our_init);
	evil_queue(e, buf_span(&k->our_init));
	agree(e);
	evil_run(e);
}

static void send_init(struct evil *e)
{
	struct kex *k = &e->peer->kex;
	int err;

	buf_clear(&k->share);
	kex_key_free(k->key);
	err = kex_begin(k->suite.kex, evil_crypto, &e->peer->rng, &k->key, &k->share);
	assert(err == OK);
	evil_say(e, "bS", MSG_KEX_ECDH_INIT, buf_span(&k->share));
}

static void send_reply(struct evil *e)
{
	struct kex *k = &e->peer->kex;
	struct buf sig = BUF(PKEY_SIG_MAX);
	int err = pkey_sign(e->signer, evil_crypto, k->suite.host_key, buf_span(&k->hash), &sig);

	assert(err == OK);
	evil_say(e, "rS", buf_span(&k->reply), buf_span(&sig));
	buf_fini(&sig);
}

void evil_ecdh(struct evil *e)
{
	if (peer_is_server(e))
		send_reply(e);
	else
		send_init(e);
}

void evil_newkeys(struct evil *e)
{
	static const uint8_t newkeys = MSG_NEWKEYS;
	struct conn *p = e->peer;
	struct cipher *next;
	int err;

	evil_queue(e, span(&newkeys, 1));
	err = kexhash_keys(p, CIPHER_SEAL, &next);
	assert(err == OK);
	tx_rekey(p, next, p->kex.strict);
	p->kex.newkeys_sent = true;
	finish(e);
	evil_run(e);
}

void evil_rekey(struct evil *e)
{
	evil_offer(e, NULL);
	evil_ecdh(e);
	evil_newkeys(e);
}

/* ---- the application on our side ---- */

static void on_sign(struct evil *e, const struct event *ev)
{
	struct pkey *key = e->setup.role == ROLE_CLIENT ? evil_user_key : evil_host_key;
	struct buf sig = BUF(PKEY_SIG_MAX);
	struct answer a = { 0 };

	e->question = ev->question;
	if (e->setup.sign == SAY_YES && pkey_sign(key, evil_crypto, ev->alg, ev->text, &sig) == OK)
		a.data = buf_span(&sig);
	if (e->setup.sign != SAY_NOTHING)
		conn_answer(e->us, ev->question, &a);
	buf_fini(&sig);
}

static void on_auth(struct evil *e, const struct event *ev)
{
	struct answer a = { .data = span_str("nothing is left to try") };

	a.try.method = e->setup.try;
	a.try.alg = sig_find(span_str("ssh-ed25519"));
	a.try.blob = pkey_blob(evil_user_key);
	a.try.password = span_str("open sesame");
	conn_answer(e->us, ev->question, &a);
}

static void on_prompt(struct evil *e, const struct event *ev)
{
	struct answer a = { .yes = true };

	for (size_t i = 0; i < ev->prompt_count; i++)
		a.replies[i] = span_str("yes");
	conn_answer(e->us, ev->question, &a);
}

static void on_policy(struct evil *e, const struct event *ev, enum evil_policy p)
{
	e->question = ev->question;
	if (p != SAY_NOTHING)
		evil_answer(e, p == SAY_YES);
}

void evil_answer(struct evil *e, bool yes)
{
	struct answer a = { .yes = yes, .user = e, .port = 4711, .reason = OPEN_CONNECT_FAILED };

	a.verdict = yes ? LOGIN_GRANT : LOGIN_DENY;
	a.methods = span_str("publickey,password");
	a.data = span_str("refused");
	conn_answer(e->us, e->question, &a);
}

static void on_event(struct evil *e, const struct event *ev)
{
	e->events[ev->kind]++;
	e->last = *ev;
	buf_clear(&e->text);
	buf_bytes(&e->text, ev->text);
	e->got += ev->bytes;
	if (ev->kind == EV_SIGN)
		on_sign(e, ev);
	else if (ev->kind == EV_AUTH)
		on_auth(e, ev);
	else if (ev->kind == EV_PROMPT)
		on_prompt(e, ev);
	else if (ev->kind == EV_HOST_KEY)
		on_policy(e, ev, e->setup.host_key);
	else if (ev->kind == EV_LOGIN)
		on_policy(e, ev, e->setup.login);
	else if (ev->kind == EV_OPEN)
		on_policy(e, ev, e->setup.open);
	else if (ev->kind == EV_GLOBAL)
		on_policy(e, ev, e->setup.global);
	else if (ev->kind == EV_DATA && !e->hoard)
		conn_consumed(e->us, ev->chan, ev->bytes);
}

/* ---- bytes in both directions ---- */

static bool deliver(struct evil *e)
{
	size_t n = put_bytes(e->us, buf_span(&e->wire));

	buf_drop(&e->wire, n);
	return n > 0;
}

static void peer_line(struct evil *e)
{
	struct rx *r = &e->peer->rx;
	uint8_t *line = r->mem + r->start, *lf = memchr(line, '\n', r->end - r->start);

	assert(lf && lf > line && lf[-1] == '\r');
	buf_bytes(&e->line, span(line, (size_t)(lf - line) - 1));
	buf_bytes(&e->peer->peer_ident, buf_span(&e->line));
	r->start += (size_t)(lf - line) + 1;
}

static void peer_read(struct evil *e)
{
	struct conn *p = e->peer;
	struct span payload;

	if (!e->line.n)
		peer_line(e);
	for (;;) {
		p->life = LIFE_OPEN; /* so that it takes packets of every size */
		if (rx_packet(p, &payload) != 1)
			break;
		p->life = LIFE_IDENT;
		see(e, payload);
	}
	assert(p->err == OK); /* what we send is always in order */
	p->life = LIFE_IDENT;
}

static bool collect(struct evil *e)
{
	struct iovec iov[TX_CHUNKS];
	size_t n = conn_tx_out(e->us, iov, LEN(iov)), here;

	if (e->deaf || !n)
		return false;
	e->peer->life = LIFE_OPEN;
	here = put_bytes(e->peer, span(iov[0].iov_base, MIN(iov[0].iov_len, e->reads ? e->reads : SIZE_MAX)));
	e->peer->life = LIFE_IDENT;
	conn_tx_done(e->us, here);
	peer_read(e);
	return !e->reads;
}

void evil_run(struct evil *e)
{
	struct event ev;
	bool moved = true;

	for (size_t i = 0; moved; i++) {
		uint64_t packets = e->us->rx.packets;

		assert(i < ROUNDS_MAX);
		moved = deliver(e);
		conn_tick(e->us, e->now_ms);
		while (conn_next(e->us, &ev) == 1)
			on_event(e, &ev);
		moved |= collect(e) || e->us->rx.packets != packets;
	}
}

void evil_wait(struct evil *e, uint64_t ms)
{
	uint64_t end = e->now_ms + ms;

	while (e->now_ms < end) {
		e->now_ms = MIN(end, MAX(conn_deadline(e->us), e->now_ms + 1));
		evil_run(e);
	}
}

void evil_mark(struct evil *e)
{
	buf_clear(&e->said);
	memset(e->events, 0, sizeof(e->events));
	e->got = 0;
}

size_t evil_count(const struct evil *e, uint8_t type)
{
	struct rd in = rd(buf_span(&e->said));
	size_t n = 0;

	while (in.n) {
		struct span payload = rd_string(&in);

		n += !type || payload.p[0] == type;
	}
	return n;
}

struct span evil_said(const struct evil *e, uint8_t type, size_t n)
{
	struct rd in = rd(buf_span(&e->said));

	while (in.n) {
		struct span payload = rd_string(&in);

		if ((!type || payload.p[0] == type) && n-- == 0)
			return payload;
	}
	return span(NULL, 0);
}

size_t evil_memory(const struct evil *e)
{
	struct conn_stats s;

	conn_stats(e->us, &s);
	return s.memory;
}

/* ---- channels ---- */

void evil_put_open(struct evil *e, struct buf *out, uint32_t id, uint32_t window, uint32_t packet)
{
	const char *type = e->setup.role == ROLE_SERVER ? "direct-tcpip" : "forwarded-tcpip";

	evil_build(out, "bsuuususu", MSG_CHANNEL_OPEN, type, id, window, packet, "localhost", 80u, "::1", 4000u);
}

uint32_t evil_open(struct evil *e, uint32_t id, uint32_t window, uint32_t packet)
{
	struct buf out = BUF(1024);

	evil_put_open(e, &out, id, window, packet);
	evil_send(e, buf_span(&out));
	buf_fini(&out);
	return e->last.chan;
}

uint32_t evil_opening(struct evil *e)
{
	struct target t = { .kind = e->setup.role == ROLE_CLIENT ? TARGET_DIRECT_TCPIP : TARGET_FORWARDED_TCPIP,
			    .host = span_str("far"),
			    .port = 23,
			    .origin_host = span_str("::1") };
	uint32_t id = 0;
	int err = conn_open(e->us, &t, e, &id);

	assert(err == OK);
	evil_run(e);
	return id;
}

/* ---- the way through the states ---- */

static void reach_version(struct evil *e)
{
	struct buf *line = &e->peer->our_ident;

	buf_clear(line);
	buf_printf(line, "SSH-2.0-%s", e->setup.software ? e->setup.software : "evil");
	buf_bytes(&e->wire, buf_span(line));
	evil_raw(e, span_str("\r\n"));
}

static void reach_kex(struct evil *e)
{
	evil_offer(e, NULL);
}

static void reach_auth(struct evil *e)
{
	if (e->setup.role == ROLE_CLIENT)
		evil_say(e, "bs", MSG_SERVICE_ACCEPT, "ssh-userauth");
	else
		evil_say(e, "bs", MSG_SERVICE_REQUEST, "ssh-userauth");
}

static void reach_open(struct evil *e)
{
	if (e->setup.role == ROLE_CLIENT)
		evil_say(e, "b", MSG_USERAUTH_SUCCESS);
	else
		evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
	assert(e->us->life == LIFE_OPEN);
}

static void reach_rekey_sent(struct evil *e)
{
	conn_rekey(e->us);
	evil_run(e);
}

void evil_reach(struct evil *e, enum evil_state state)
{
	static void (*const steps[EVIL_STATES])(struct evil *) = {
		[AT_IDENT] = evil_run,		[AT_VERSION] = reach_version,	    [AT_KEX] = reach_kex,
		[AT_NEWKEYS] = evil_ecdh,	[AT_SERVICE] = evil_newkeys,	    [AT_AUTH] = reach_auth,
		[AT_OPEN] = reach_open,		[AT_REKEY_SENT] = reach_rekey_sent, [AT_REKEY] = reach_kex,
		[AT_REKEY_NEWKEYS] = evil_ecdh,
	};

	for (; e->next <= state; e->next++)
		steps[e->next](e);
	if (e->us->err)
		fprintf(stderr, "%s\n", conn_error_text(e->us));
	assert(e->us->err == OK);
	if (state != AT_IDENT) /* what a server says before it is spoken to is part of its answer */
		evil_mark(e);
}
