/* Two engines and what lies between them. */
#include "world.h"
#include "../put.h"

#include <string.h>

enum { PIPE_MAX = 64 << 20 };

uint64_t world_random(struct world *w)
{
	w->random ^= w->random << 13; /* xorshift64 */
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

size_t world_pick(struct world *w, size_t n)
{
	return n ? world_random(w) % n : 0;
}

static int side_init(struct side *s, struct world *w, enum role role, const struct world_setup *ws)
{
	struct span host_key = pkey_blob(w->host_key);
	struct conn_setup setup = {
		.role = role,
		.crypto = w->crypto,
		.pool = &s->pool,
		.now_ms = w->now_ms,
		.software = role == ROLE_CLIENT ? "sim_client" : "sim_server",
		.user = "miner",
		.algs = { .kex = role == ROLE_SERVER && ws->server_kex ? ws->server_kex : ws->kex,
			  .cipher = ws->cipher,
			  .mac = ws->mac },
		.rekey_bytes = ws->rekey_bytes,
		.max_channels = ws->max_channels,
		.bank = ws->bank,
		.shared_bank = ws->shared_bank,
		.host_keys = &host_key,
		.host_key_count = 1,
	};
	int err = pool_init(&s->pool, 4);

	s->world = w;
	s->out.bytes = BUF(PIPE_MAX);
	for (size_t i = 0; i < sizeof(setup.seed); i++)
		setup.seed[i] = (uint8_t)world_random(w);
	return err ? err : conn_new(&s->conn, &setup);
}

int world_init(struct world *w, const struct world_setup *s, const struct crypto *crypto, struct pkey *host_key,
	       struct pkey *user_key)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->random = s->seed * 0x9e3779b97f4a7c15u + 1;
	w->now_ms = 1000;
	w->weather = s->weather;
	w->crypto = crypto;
	w->host_key = host_key;
	w->user_key = user_key;
	err = side_init(&w->client, w, ROLE_CLIENT, s);
	return err ? err : side_init(&w->server, w, ROLE_SERVER, s);
}

static void side_fini(struct side *s)
{
	conn_free(s->conn);
	buf_fini(&s->out.bytes);
	if (s->pool.spare)
		pool_fini(&s->pool);
}

void world_fini(struct world *w)
{
	side_fini(&w->client);
	side_fini(&w->server);
}

/* ---- login ---- */

static void answer_sign(struct side *s, const struct event *ev)
{
	struct world *w = s->world;
	struct buf sig = BUF(PKEY_SIG_MAX);
	const struct pkey *key = s == &w->client ? w->user_key : w->host_key;
	struct answer a = { 0 };

	if (pkey_sign(key, w->crypto, ev->alg, ev->text, &sig) == OK)
		a.data = buf_span(&sig);
	conn_answer(s->conn, ev->question, &a);
	buf_fini(&sig);
}

static void answer_auth(struct side *s, const struct event *ev)
{
	struct answer a = { 0 };

	a.try.method = ev->methods.n ? AUTH_GIVE_UP : AUTH_PUBLICKEY;
	a.try.alg = sig_find(span_str("ssh-ed25519"));
	a.try.blob = pkey_blob(s->world->user_key);
	a.data = span_str("not let in");
	conn_answer(s->conn, ev->question, &a);
}

static void answer_login(struct side *s, const struct event *ev)
{
	struct world *w = s->world;
	struct answer a = { .verdict = LOGIN_DENY, .methods = span_str("publickey") };

	if (ev->has_sig && ev->alg && span_eq(ev->blob, pkey_blob(w->user_key)) &&
	    pkey_verify(w->crypto, ev->alg, ev->blob, ev->extra, ev->text, 1024, NULL) == OK)
		a.verdict = LOGIN_GRANT;
	s->logged_in = a.verdict == LOGIN_GRANT;
	conn_answer(s->conn, ev->question, &a);
}

static void on_event(struct side *s, const struct event *ev)
{
	struct answer yes = { .yes = span_eq(ev->blob, pkey_blob(s->world->host_key)) };

	switch (ev->kind) {
	case EV_HOST_KEY:
		conn_answer(s->conn, ev->question, &yes);
		break;
	case EV_AUTH:
		answer_auth(s, ev);
		break;
	case EV_SIGN:
		answer_sign(s, ev);
		break;
	case EV_LOGIN:
		answer_login(s, ev);
		break;
	case EV_LOGGED_IN:
		s->logged_in = true;
		break;
	case EV_NEGOTIATED:
		s->world->rekeys_seen++;
		break;
	default:
		if (s->event)
			s->event(s, ev);
	}
}

/* ---- bytes ---- */

static bool side_events(struct side *s)
{
	struct conn_stats stats;
	struct event ev;
	bool any = false;
	int r;

	conn_tick(s->conn, s->world->now_ms);
	while ((r = conn_next(s->conn, &ev)) == 1) {
		on_event(s, &ev);
		any = true;
	}
	if (r < 0)
		s->failed = r;
	conn_stats(s->conn, &stats);
	if (stats.memory > s->memory_peak)
		s->memory_peak = stats.memory;
	return any;
}

/* Changes a bit among the n bytes that have just come into the pipe, if it is there. */
static void spoil(struct world *w, struct pipe *p, size_t n)
{
	uint64_t at = w->weather.flip_at, end = p->carried + p->bytes.n;

	if (at > end - n && at <= end)
		p->bytes.p[at - p->carried - 1] ^= (uint8_t)(1u << world_pick(w, 8));
}

static bool side_send(struct side *s)
{
	struct world *w = s->world;
	struct pipe *p = &s->out;
	struct iovec iov[8];
	size_t n = conn_tx_out(s->conn, iov, LEN(iov)), sent = 0;

	if (p->count == LEN(p->batch) || (w->weather.stall && world_pick(w, 100) < w->weather.stall))
		return false;
	for (size_t i = 0; i < n; i++) { /* a short write now and then */
		size_t here = world_pick(w, 4) ? iov[i].iov_len : world_pick(w, iov[i].iov_len + 1);

		if (!p->cut)
			buf_bytes(&p->bytes, span(iov[i].iov_base, here));
		sent += here;
		if (here < iov[i].iov_len)
			break;
	}
	if (!sent)
		return false;
	conn_tx_done(s->conn, sent);
	if (!p->cut) {
		size_t slot = (p->first + p->count++) % LEN(p->batch);

		spoil(w, p, sent);
		p->batch[slot].at_ms = w->now_ms + w->weather.delay_ms;
		p->batch[slot].n = sent;
	}
	return true;
}

/* Bytes from the pipe into the engine at its other end. */
static bool deliver(struct pipe *p, struct side *to)
{
	struct world *w = to->world;
	size_t most, n, slot = p->first % LEN(p->batch);

	if (!p->count || p->batch[slot].at_ms > w->now_ms ||
	    (w->weather.stall && world_pick(w, 100) < w->weather.stall))
		return false;
	most = w->weather.fragment ? 1 + world_pick(w, w->weather.fragment) : SIZE_MAX;
	n = put_bytes(to->conn, span(p->bytes.p, MIN(most, p->batch[slot].n)));
	if (!n)
		return false;
	buf_drop(&p->bytes, n);
	p->carried += n;
	p->batch[slot].n -= n;
	if (!p->batch[slot].n) {
		p->first++;
		p->count--;
	}
	return true;
}

static void cut_network(struct world *w)
{
	struct side *sides[] = { &w->client, &w->server };

	for (size_t i = 0; i < 2; i++) {
		struct pipe *p = &sides[i]->out;

		if (p->cut)
			continue;
		p->cut = true;
		p->count = 0;
		buf_fini(&p->bytes);
		conn_rx_eof(sides[i]->conn, world_pick(w, 2) ? ERR_IO : OK, "Connection reset by peer");
	}
}

static void jump(struct world *w)
{
	uint64_t next = MIN(conn_deadline(w->client.conn), conn_deadline(w->server.conn));
	const struct pipe *pipes[] = { &w->client.out, &w->server.out };

	if (conn_tx_pending(w->client.conn) || conn_tx_pending(w->server.conn))
		next = 0;
	for (size_t i = 0; i < 2; i++)
		if (pipes[i]->count)
			next = MIN(next, pipes[i]->batch[pipes[i]->first % LEN(pipes[i]->batch)].at_ms);
	w->now_ms = next == UINT64_MAX || next <= w->now_ms ? w->now_ms + 1 : next;
}

/* An end that failed closes its socket, once it has flushed what it could. */
static void hang_up(struct world *w)
{
	if (w->client.failed && !w->server.out.cut && w->client.out.count == 0)
		cut_network(w);
	if (w->server.failed && !w->client.out.cut && w->server.out.count == 0)
		cut_network(w);
}

bool world_turn(struct world *w)
{
	bool any = side_events(&w->client);

	any |= side_events(&w->server);
	any |= side_send(&w->client);
	any |= side_send(&w->server);
	any |= deliver(&w->client.out, &w->server);
	any |= deliver(&w->server.out, &w->client);
	if (w->weather.cut_after && w->client.out.carried + w->server.out.carried >= w->weather.cut_after)
		cut_network(w);
	hang_up(w);
	if (!any)
		jump(w);
	return any;
}

bool world_over(const struct world *w)
{
	return w->client.failed && w->server.failed;
}
