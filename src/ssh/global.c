/* Our global requests (RFC 4254 section 4): replies carry no number, so both sides answer strictly in order. The peer's
 * are global_peer.c's. */
#include "ssh/engine.h"

#include <stdlib.h>

static const char *const names[] = {
	[GLOBAL_TCPIP_FORWARD] = "tcpip-forward",
	[GLOBAL_CANCEL_TCPIP_FORWARD] = "cancel-tcpip-forward",
	[GLOBAL_STREAMLOCAL_FORWARD] = "streamlocal-forward@openssh.com",
	[GLOBAL_CANCEL_STREAMLOCAL_FORWARD] = "cancel-streamlocal-forward@openssh.com",
	[GLOBAL_PROVE_HOST_KEYS] = "hostkeys-prove-00@openssh.com",
};

const char *global_name(enum global_kind kind)
{
	return names[kind];
}

bool global_has_port(enum global_kind kind)
{
	return kind == GLOBAL_TCPIP_FORWARD || kind == GLOBAL_CANCEL_TCPIP_FORWARD;
}

/* ---- ours ---- */

static void our_free(struct our_global *g)
{
	list_del(&g->node);
	buf_fini(&g->message);
	free(g);
}

/* At most GLOBALS_PENDING_MAX are unanswered at a time; the others wait here. */
static int send_waiting(struct conn *c)
{
	struct list *l;

	while (!c->err && c->globals_out < GLOBALS_PENDING_MAX && (l = list_pop(&c->globals_waiting))) {
		struct our_global *g = CONTAINER(l, struct our_global, node);

		list_add_tail(&c->globals_sent, &g->node);
		c->globals_out++;
		g->sent_ms = c->now_ms;
		tx_control(c, buf_span(&g->message));
		buf_fini(&g->message);
	}
	return c->err;
}

static struct our_global *our_new(struct conn *c, void *user)
{
	struct our_global *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->message = BUF(PROVE_MAX + 128);
	g->user = user;
	g->ticket = ++c->tickets;
	list_init(&g->node);
	buf_u8(&g->message, MSG_GLOBAL_REQUEST);
	return g;
}

static void put_request(struct buf *out, const struct global_request *r)
{
	buf_cstring(out, names[r->kind]);
	buf_u8(out, 1);
	if (r->kind == GLOBAL_PROVE_HOST_KEYS)
		buf_bytes(out, r->keys);
	else
		buf_string(out, r->host);
	if (global_has_port(r->kind))
		buf_u32(out, r->port);
}

int conn_global(struct conn *c, const struct global_request *r, void *user, uint32_t *ticket)
{
	struct our_global *g;

	if (c->err || c->life != LIFE_OPEN)
		return c->err ? ERR_CLOSED : ERR_LIMIT;
	if (r->keys.n > PROVE_MAX)
		return ERR_LIMIT;
	g = our_new(c, user);
	if (!g)
		return ERR_NOMEM;
	put_request(&g->message, r);
	if (buf_err(&g->message)) {
		our_free(g);
		return ERR_NOMEM;
	}
	g->port_wanted = r->kind == GLOBAL_TCPIP_FORWARD && r->port == 0;
	*ticket = g->ticket;
	list_add_tail(&c->globals_waiting, &g->node);
	return send_waiting(c) ? ERR_CLOSED : OK;
}

int global_keepalive(struct conn *c)
{
	struct our_global *g;

	if (c->globals_out >= GLOBALS_PENDING_MAX) /* the peer has enough to answer */
		return OK;
	g = our_new(c, NULL);
	if (!g)
		return conn_fail(c, ERR_NOMEM, "no memory for a keepalive");
	buf_cstring(&g->message, "keepalive@openssh.com");
	buf_u8(&g->message, 1);
	if (buf_err(&g->message)) {
		our_free(g);
		return conn_fail(c, ERR_NOMEM, "no memory for a keepalive");
	}
	g->keepalive = true;
	list_add_tail(&c->globals_waiting, &g->node);
	return send_waiting(c);
}

static void fill_reply(struct event *ev, const struct our_global *g, bool ok, uint32_t port)
{
	ev->kind = EV_REPLY;
	ev->user = g->user;
	ev->ticket = g->ticket;
	ev->ok = ok;
	ev->port = port;
}

static int on_reply(struct conn *c, struct rd *in, struct event *ev, bool ok)
{
	struct our_global *g;
	struct span body;
	uint32_t port = 0;

	if (list_empty(&c->globals_sent)) { /* surplus: as OpenSSH, it is ignored and satisfies nothing */
		rd_rest(in);
		count_cheap(c);
		return OK;
	}
	g = CONTAINER(c->globals_sent.next, struct our_global, node);
	if (ok && g->port_wanted) {
		port = rd_u32(in);
		if (!rd_done(in) || port == 0 || port > UINT16_MAX)
			return conn_fail(c, ERR_PROTO,
					 "the server's answer to a forward of port 0 names no valid port");
	}
	body = rd_rest(in);
	if (!g->keepalive && !g->given_up) {
		fill_reply(ev, g, ok, port);
		ev->text = body;
	}
	our_free(g);
	c->globals_out--;
	return send_waiting(c);
}

int on_request_success(struct conn *c, struct rd *in, struct event *ev)
{
	return on_reply(c, in, ev, true);
}

int on_request_failure(struct conn *c, struct rd *in, struct event *ev)
{
	return on_reply(c, in, ev, false);
}

/* The oldest request that somebody still waits for. */
static struct our_global *oldest(const struct conn *c)
{
	LIST_EACH (l, &c->globals_sent) {
		struct our_global *g = CONTAINER(l, struct our_global, node);

		if (!g->given_up && !g->keepalive)
			return g;
	}
	return NULL;
}

uint64_t global_deadline(const struct conn *c)
{
	const struct our_global *g = oldest(c);

	return g ? g->sent_ms + GLOBAL_MS : UINT64_MAX;
}

/* The request stays in the queue, because its answer would otherwise be taken for the next one's. */
bool global_tick(struct conn *c, struct event *ev)
{
	struct our_global *g = oldest(c);

	if (!g || g->sent_ms + GLOBAL_MS > c->now_ms)
		return false;
	g->given_up = true;
	fill_reply(ev, g, false, 0);
	return true;
}

void global_fini(struct conn *c)
{
	LIST_EACH_SAFE (l, &c->globals_waiting)
		our_free(CONTAINER(l, struct our_global, node));
	LIST_EACH_SAFE (l, &c->globals_sent)
		our_free(CONTAINER(l, struct our_global, node));
	global_peer_fini(c);
}
