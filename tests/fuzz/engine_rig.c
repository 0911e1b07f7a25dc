/* What every fuzz target of the engine needs. */
#include "engine_rig.h"

#include "ssh/exchange.h"
#include "../put.h"

#include <stdlib.h>

enum { MEMORY_MAX = 8 << 20, CONTROL_QUEUE_MAX = 1 << 20 };

/* Any point will do: the signature is not looked at. */
static const uint8_t host_key[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyzabcdef";

int __real_pkey_verify(const struct crypto *c, const struct sig_alg *alg, struct span blob, struct span sig,
		       struct span data, unsigned rsa_min_bits, struct why *why);
int __wrap_pkey_verify(const struct crypto *c, const struct sig_alg *alg, struct span blob, struct span sig,
		       struct span data, unsigned rsa_min_bits, struct why *why);

/* No fuzzer guesses a signature; what comes after a good one is worth as much as what comes after a bad one. */
int __wrap_pkey_verify(const struct crypto *c, const struct sig_alg *alg, struct span blob, struct span sig,
		       struct span data, unsigned rsa_min_bits, struct why *why)
{
	int err = __real_pkey_verify(c, alg, blob, sig, data, rsa_min_bits, why);

	return span_is(sig, "forged") ? OK : err;
}

static const struct crypto *library(void)
{
	static struct crypto *crypto;

	if (!crypto && crypto_new(&crypto, NULL) != OK)
		abort();
	return crypto;
}

/* ---- a connection in the middle of its life ---- */

static void no_ciphers(struct conn *c)
{
	struct cipher *tx, *rx;

	if (cipher_new_none(&tx) != OK || cipher_new_none(&rx) != OK)
		abort();
	tx_rekey(c, tx, false);
	rx_rekey(c, rx, false);
}

/* As if the first key exchange had just ended. */
static void skip_kex(struct conn *c)
{
	struct kex *k = &c->kex;

	k->sent_init = k->got_init = k->first = false;
	k->newkeys_sent = k->newkeys_got = k->strict = true;
	k->used = (struct suite){ .kex = kex_table(), .host_key = sig_find(span_str("ssh-ed25519")) };
	k->used.cipher[0] = k->used.cipher[1] = cipher_table(true);
	k->suite = k->used;
	buf_bytes(&k->session_id, span(host_key, 32));
	buf_bytes(&k->host_key, span(host_key, sizeof(host_key) - 1));
	c->life = LIFE_AUTH;
	if (c->role == ROLE_CLIENT && auth_begin(c) != OK)
		abort();
}

static void skip_login(struct conn *c)
{
	c->life = LIFE_OPEN;
	buf_clear(&c->tx.control);
	auth_fini(c);
}

void rig_init(struct rig *r, enum role role, enum life life, struct span input)
{
	const struct span key = span(host_key, sizeof(host_key) - 1);
	struct conn_setup s = { .role = role,
				.crypto = library(),
				.pool = &r->pool,
				.software = "fuzz",
				.user = "miner",
				.alive_ms = 15000,
				.alive_max = 3,
				.max_channels = RIG_CHANNELS,
				.bank = RIG_BANK,
				.shared_bank = &r->bank,
				.host_keys = &key,
				.host_key_count = 1 };

	*r = (struct rig){ .in = rd(input), .bank = { .limit = RIG_BANK / 4 * 3 } };
	if (pool_init(&r->pool, 4) != OK || conn_new(&r->conn, &s) != OK)
		abort();
	for (size_t i = 0; i < RIG_CHOICES; i++)
		r->choice[i] = rig_byte(r);
	if (life == LIFE_IDENT)
		return;
	rig_bytes(r, span_str("SSH-2.0-peer\r\n"), SIZE_MAX);
	if (life >= LIFE_AUTH)
		skip_kex(r->conn);
	if (life == LIFE_OPEN)
		skip_login(r->conn);
	rig_drain(r);
}

void rig_fini(struct rig *r)
{
	conn_free(r->conn);
	assert(r->bank.used == 0);
	pool_fini(&r->pool);
}

/* ---- what must always hold ---- */

static void check_channel(const struct rig *r, const struct chan *ch)
{
	if (ch->state == CHAN_OPEN && !conn_error(r->conn))
		assert((uint64_t)ch->rx_window + ch->rx_owed + r->unread[ch->id] == ch->rx_size);
}

static void check_text(const char *s)
{
	for (; *s; s++)
		assert((unsigned char)*s >= 0x20 && *s != 0x7f);
}

/* A connection that has failed says why, and does nothing any more. */
static void check_dead(const struct rig *r)
{
	struct conn *c = r->conn;
	const struct target t = { .kind = c->role == ROLE_CLIENT ? TARGET_DIRECT_TCPIP : TARGET_FORWARDED_TCPIP };
	const struct global_request g = { .kind = GLOBAL_TCPIP_FORWARD };
	const struct answer a = { .yes = true };
	struct iovec iov;
	struct event ev;
	uint32_t id;
	size_t pending = conn_tx_pending(c);

	check_text(conn_error_text(c));
	assert(conn_error_text(c)[0] && conn_next(c, &ev) == conn_error(c) && conn_deadline(c) == UINT64_MAX);
	assert(conn_rx_room(c, &iov, 1) == 0 && !conn_tx_open(c));
	assert(conn_open(c, &t, NULL, &id) == ERR_CLOSED && conn_global(c, &g, NULL, &id) == ERR_CLOSED);
	for (id = 0; id < RIG_CHANNELS; id++) {
		assert(conn_lend(c, id, 1000, &iov, 1) == 0 && conn_answer(c, id + 1, &a) == ERR_NOT_FOUND);
		conn_close(c, id);
	}
	assert(conn_tx_pending(c) == pending);
}

static void check(const struct rig *r)
{
	struct conn *c = r->conn;
	struct conn_stats s;
	const struct chan *ch;
	uint64_t out = 0;

	conn_stats(c, &s);
	assert(s.memory <= MEMORY_MAX && c->tx.control.n <= CONTROL_QUEUE_MAX);
	for (uint32_t id = 0; (ch = slots_next(&c->chans, &id)); id++) {
		check_channel(r, ch);
		out += ch->rx_size;
	}
	assert(out == r->bank.used && out <= r->bank.limit);
	assert(out == s.window_out && out <= RIG_BANK && s.channels <= RIG_CHANNELS);
	if (conn_error(c))
		check_dead(r);
}

/* ---- answers ---- */

static uint8_t choose(struct rig *r)
{
	return r->choice[r->choices++ % RIG_CHOICES];
}

static void answer_auth(struct rig *r, struct answer *a)
{
	enum auth_method m = choose(r) % (AUTH_GIVE_UP + 1);

	a->try.method = m == AUTH_WAIT && r->waited ? AUTH_QUERY : m;
	r->waited |= m == AUTH_WAIT;
	a->try.alg = sig_find(span_str("ssh-ed25519"));
	a->try.blob = span(host_key, sizeof(host_key) - 1);
	a->try.password = span_str("open sesame");
	a->data = span_str("nothing is left to try");
}

static void answer_login(struct rig *r, struct answer *a, const struct event *ev)
{
	a->verdict = choose(r) % (LOGIN_END + 1);
	if (a->verdict == LOGIN_KEY_OK && (!ev->alg || ev->has_sig))
		a->verdict = LOGIN_DENY;
	a->methods = span_str("publickey,password");
}

/* What the hash is made of gives that hash. */
static void check_exchange(struct rig *r, const struct event *ev)
{
	uint8_t hash[HASH_MAX];
	struct exchange x;
	size_t n;

	assert(conn_exchange(r->conn, &x));
	assert(kexhash_of(r->conn->crypto, &x, hash, &n) == OK && span_eq(ev->text, span(hash, n)));
}

static void answer(struct rig *r, const struct event *ev)
{
	struct answer a = { .yes = true, .data = span_str("forged") };

	if (ev->kind == EV_SIGN && r->conn->role == ROLE_SERVER)
		check_exchange(r, ev);
	else if (ev->kind == EV_AUTH)
		answer_auth(r, &a);
	else if (ev->kind == EV_LOGIN)
		answer_login(r, &a, ev);
	else if (ev->kind == EV_PROMPT || ev->kind == EV_HOST_KEY)
		a.yes = choose(r) & 1;
	for (size_t i = 0; i < ev->prompt_count; i++)
		a.replies[i] = ev->prompts[i].text;
	assert(conn_answer(r->conn, ev->question, &a) == OK);
}

/* ---- events ---- */

/* Reads every byte, so that a sanitizer sees a span that points nowhere. */
static void touch(struct rig *r, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		r->sum += s.p[i];
}

static void touch_event(struct rig *r, const struct event *ev)
{
	const struct span all[] = { ev->text,
				    ev->extra,
				    ev->blob,
				    ev->methods,
				    ev->sig_algs,
				    ev->target.host,
				    ev->target.origin_host,
				    ev->global.host,
				    ev->method,
				    ev->login_user,
				    ev->password };
	size_t bytes = 0;

	for (size_t i = 0; i < LEN(all); i++)
		touch(r, all[i]);
	for (size_t i = 0; i < ev->prompt_count; i++)
		touch(r, ev->prompts[i].text);
	for (size_t i = 0; i < ev->iovs; i++) {
		touch(r, span(ev->iov[i].iov_base, ev->iov[i].iov_len));
		bytes += ev->iov[i].iov_len;
	}
	assert(bytes == ev->bytes);
}

static void on_event(struct rig *r, const struct event *ev)
{
	touch_event(r, ev);
	if (ev->kind == EV_DATA)
		r->unread[ev->chan] += ev->bytes;
	else if (ev->kind == EV_CLOSED)
		r->unread[ev->chan] = 0;
	else if (ev->kind == EV_NEGOTIATED)
		no_ciphers(r->conn);
	if ((ev->kind == EV_OPEN || ev->kind == EV_GLOBAL || ev->kind == EV_PROVE) && r->questions < RIG_QUESTIONS)
		r->question[r->questions++] = ev->question;
	else if (ev->question && !r->conn->err)
		answer(r, ev);
}

static void pull(struct rig *r)
{
	struct event ev;

	conn_tick(r->conn, r->now_ms);
	while (conn_next(r->conn, &ev) == 1)
		on_event(r, &ev);
	check(r);
}

/* ---- bytes ---- */

void rig_bytes(struct rig *r, struct span bytes, size_t fragment)
{
	while (bytes.n) {
		size_t n = put_bytes(r->conn, span(bytes.p, MIN(fragment, bytes.n)));

		if (!n)
			return; /* it does not want to read now: these bytes are lost, and with them the peer's sense */
		bytes = span(bytes.p + n, bytes.n - n);
		pull(r);
	}
}

void rig_message(struct rig *r, struct span payload)
{
	size_t pad = 4 + (8 - (payload.n + 9) % 8) % 8, n = 5 + payload.n + pad;
	uint8_t *pkt = calloc(1, n);

	if (!pkt)
		abort();
	put_u32(pkt, (uint32_t)(n - 4));
	pkt[4] = (uint8_t)pad;
	if (payload.n)
		memcpy(pkt + 5, payload.p, payload.n);
	rig_bytes(r, span(pkt, n), SIZE_MAX);
	free(pkt);
}

static void drain(struct rig *r, size_t most)
{
	struct iovec iov[8];
	size_t n, sum;

	do {
		n = conn_tx_out(r->conn, iov, LEN(iov));
		sum = 0;
		for (size_t i = 0; i < n && sum < most; i++) {
			iov[i].iov_len = MIN(iov[i].iov_len, most - sum);
			touch(r, span(iov[i].iov_base, iov[i].iov_len));
			sum += iov[i].iov_len;
		}
		conn_tx_done(r->conn, sum);
		most -= sum;
	} while (sum);
}

void rig_drain(struct rig *r)
{
	drain(r, SIZE_MAX);
}

uint8_t rig_byte(struct rig *r)
{
	return r->in.n ? rd_u8(&r->in) : 0;
}

/* ---- steps of our own side; the argument is a channel where one is needed ---- */

static void fill(struct rig *r, uint32_t chan, size_t quantum, size_t part)
{
	struct iovec iov[8];
	size_t n = conn_lend(r->conn, chan, quantum, iov, LEN(iov)), sum = 0;

	for (size_t i = 0; i < n; i++) {
		memset(iov[i].iov_base, 'x', iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	if (n)
		conn_seal(r->conn, chan, sum * part / 4);
}

static void step_send(struct rig *r, uint8_t arg)
{
	fill(r, arg % 4, SIZE_MAX, 4);
}

static void step_send_part(struct rig *r, uint8_t arg)
{
	fill(r, arg % 4, 1000, arg / 4 % 4);
}

static void step_consume(struct rig *r, uint8_t arg)
{
	uint32_t chan = arg % RIG_CHANNELS;
	size_t n = arg & 0x80 ? r->unread[chan] / 2 : r->unread[chan];

	r->unread[chan] -= n;
	conn_consumed(r->conn, chan, n);
}

static void step_eof(struct rig *r, uint8_t arg)
{
	conn_eof(r->conn, arg);
}

static void step_close(struct rig *r, uint8_t arg)
{
	conn_close(r->conn, arg);
}

static void step_open(struct rig *r, uint8_t arg)
{
	enum target_kind first = r->conn->role == ROLE_CLIENT ? TARGET_DIRECT_TCPIP : TARGET_FORWARDED_TCPIP;
	struct target t = { .kind = first + arg % 2, .host = span_str("host"), .port = arg };
	uint32_t id;
	int err = conn_open(r->conn, &t, r, &id);

	assert(err == OK || err == ERR_LIMIT || (err == ERR_CLOSED && conn_error(r->conn)));
}

static void step_global(struct rig *r, uint8_t arg)
{
	struct global_request g = { .kind = GLOBAL_TCPIP_FORWARD + arg % 4, .host = span_str("localhost") };
	uint32_t ticket;

	g.port = arg & 0x80 ? 0 : arg;
	if (conn_global(r->conn, &g, r, &ticket) != OK)
		assert(conn_error(r->conn) || r->conn->life != LIFE_OPEN);
}

static void step_rekey(struct rig *r, uint8_t arg)
{
	(void)arg;
	conn_rekey(r->conn);
}

static void step_time(struct rig *r, uint8_t arg)
{
	r->now_ms += 1u << arg % 20;
}

static void step_deadline(struct rig *r, uint8_t arg)
{
	uint64_t at = conn_deadline(r->conn);

	(void)arg;
	if (at != UINT64_MAX)
		r->now_ms = MAX(r->now_ms, at);
}

static void step_drain(struct rig *r, uint8_t arg)
{
	drain(r, arg ? arg : SIZE_MAX);
}

/* Also questions that are gone by now. */
static void step_answer(struct rig *r, uint8_t arg)
{
	struct answer a = { .yes = arg & 1, .user = r, .reason = OPEN_CONNECT_FAILED, .port = 4711 };
	uint32_t question;

	a.data = span_str("words or a proof");

	if (!r->questions)
		return;
	arg = (arg >> 1) % r->questions;
	question = r->question[arg];
	r->question[arg] = r->question[--r->questions];
	conn_answer(r->conn, question, &a);
}

static void step_probe(struct rig *r, uint8_t arg)
{
	int err = conn_probe(r->conn, arg);

	assert(err == OK || conn_error(r->conn) || r->conn->life != LIFE_OPEN);
}

static void step_banner(struct rig *r, uint8_t arg)
{
	int err = conn_banner(r->conn, span(host_key, MIN(arg, sizeof(host_key))));

	assert(err == OK || err == ERR_LIMIT || conn_error(r->conn));
}

/* A data packet of 16 KiB, which no input is long enough for. */
static void step_peer_data(struct rig *r, uint8_t arg)
{
	static uint8_t msg[9 + 16384] = { MSG_CHANNEL_DATA, [7] = 0x40 };

	msg[4] = arg;
	rig_message(r, span(msg, sizeof(msg)));
}

static void step_end(struct rig *r, uint8_t arg)
{
	if (arg & 1)
		conn_rx_eof(r->conn, arg & 2 ? ERR_IO : OK, "Connection reset\x1b by peer");
	else
		conn_disconnect(r->conn, "enough");
}

static void step(struct rig *r, uint8_t number, uint8_t arg)
{
	static void (*const steps[])(struct rig *, uint8_t) = {
		step_send,   step_send_part, step_consume, step_eof,	step_close,  step_open,
		step_global, step_rekey,     step_time,	   step_drain,	step_answer, step_peer_data,
		step_end,    step_deadline,  step_probe,   step_banner,
	};

	steps[number % LEN(steps)](r, arg);
	pull(r);
}

void rig_play(struct rig *r)
{
	check(r);
	while (r->in.n) {
		unsigned hi = rig_byte(r), lo = rig_byte(r);
		size_t n = MIN(hi << 8 | lo, r->in.n);

		if (hi & 0x80)
			step(r, hi & 0x7f, (uint8_t)lo);
		else
			rig_message(r, rd_bytes(&r->in, n));
		if (!(r->choice[0] & 0x80)) /* otherwise the network stands still unless a step moves it */
			rig_drain(r);
	}
	rig_drain(r);
	pull(r);
}
