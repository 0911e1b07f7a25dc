/* What the clock brings to one connection: deadlines, keepalives, and the brakes for a peer that floods us. */
#include "ssh/engine.h"

enum { CHEAP_PER_SECOND = 50000, STALL_MS = 60000 };

void count_cheap(struct conn *c)
{
	struct rx *r = &c->rx;

	if (c->now_ms - r->cheap_ms >= 1000) {
		r->cheap_ms = c->now_ms;
		r->cheap = 0;
	}
	if (++r->cheap >= CHEAP_PER_SECOND)
		r->pause_ms = r->cheap_ms + 1000;
}

static uint64_t alive_deadline(const struct conn *c)
{
	if (!c->setup.alive_ms || c->life != LIFE_OPEN)
		return UINT64_MAX;
	return c->rx.last_ms + (uint64_t)c->setup.alive_ms * (c->alive_missed + 1);
}

/* The request makes sure that a sign of life comes (rx_open() sees it). */
static void check_alive(struct conn *c)
{
	if (c->now_ms < alive_deadline(c))
		return;
	if (c->setup.alive_max && c->alive_missed >= c->setup.alive_max) {
		conn_fail(c, ERR_TIMEOUT, "Timeout, server not responding.");
		return;
	}
	c->alive_missed++;
	global_keepalive(c);
}

static uint64_t login_deadline(const struct conn *c)
{
	return c->setup.login_ms && c->life != LIFE_OPEN ? c->born_ms + c->setup.login_ms : UINT64_MAX;
}

/* A peer that is connected but says nothing, or little at a time. */
static uint64_t ident_deadline(const struct conn *c)
{
	uint64_t most = c->role == ROLE_SERVER ? IDENT_MS : KEX_MS;
	uint64_t ms = c->setup.ident_ms ? c->setup.ident_ms : most;

	return c->life == LIFE_IDENT ? c->born_ms + ms : UINT64_MAX;
}

static uint64_t stall_deadline(const struct conn *c)
{
	return tx_choked(c) ? c->tx.progress_ms + STALL_MS : UINT64_MAX;
}

/* ---- probes ---- */

int conn_probe(struct conn *c, uint32_t timeout_ms)
{
	if (c->err || c->life != LIFE_OPEN)
		return c->err ? ERR_CLOSED : ERR_LIMIT;
	if (c->probe_end_ms)
		return OK;
	c->probe_end_ms = MAX(c->now_ms + timeout_ms, 1);
	c->probe_from = c->rx.bytes;
	return global_keepalive(c) != OK ? ERR_CLOSED : OK;
}

/* Packets that lay here unopened before the question say nothing about the peer now. */
static bool probe_answered(const struct conn *c)
{
	return c->rx.bytes - rx_unread(c) > c->probe_from;
}

/* What came in time may wait for us: for the answer to a question, or for the end of a pause. */
static uint64_t probe_deadline(const struct conn *c)
{
	if (!c->probe_end_ms || c->blocking)
		return UINT64_MAX;
	return MAX(c->probe_end_ms, c->rx.pause_ms);
}

bool probe_event(struct conn *c, struct event *ev)
{
	if (c->err || !c->probe_end_ms || (!probe_answered(c) && probe_deadline(c) > c->now_ms))
		return false;
	ev->kind = EV_ALIVE;
	ev->ok = probe_answered(c);
	c->probe_end_ms = 0;
	return true;
}

/* ---- all deadlines ---- */

/* Nothing may be opened before answers are gone, the peer's or ours. */
bool conn_choked(const struct conn *c)
{
	return tx_choked(c) || global_choked(c);
}

/* When packets that had to wait may be opened: after a pause, or at once when the replies before them are gone. */
static uint64_t resume_deadline(const struct conn *c)
{
	if (c->rx.choked && !conn_choked(c))
		return c->now_ms;
	return c->rx.pause_ms > c->now_ms ? c->rx.pause_ms : UINT64_MAX;
}

uint64_t conn_deadline(const struct conn *c)
{
	const uint64_t all[] = { alive_deadline(c), login_deadline(c), stall_deadline(c),  kex_deadline(c),
				 ident_deadline(c), chan_deadline(c),  global_deadline(c), resume_deadline(c),
				 probe_deadline(c), rx_deadline(c) };
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < LEN(all) && !c->err; i++)
		first = MIN(first, all[i]);
	return first;
}

void conn_clock(struct conn *c, uint64_t now_ms)
{
	c->now_ms = MAX(c->now_ms, now_ms);
}

void conn_tick(struct conn *c, uint64_t now_ms)
{
	conn_clock(c, now_ms);
	if (c->err)
		return;
	if (login_deadline(c) <= c->now_ms)
		conn_fail(c, ERR_TIMEOUT, "the login took too long");
	else if (ident_deadline(c) <= c->now_ms)
		conn_fail(c, ERR_TIMEOUT, "timed out: the peer sent no SSH version line");
	else if (stall_deadline(c) <= c->now_ms)
		conn_fail(c, ERR_TIMEOUT, "the peer asks for answers and does not read them");
	else if (kex_deadline(c) <= c->now_ms && kex_running(c))
		conn_fail(c, ERR_TIMEOUT, "the key exchange took too long");
	check_alive(c);
	kex_consider(c);
}
