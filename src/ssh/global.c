/* Global requests (RFC 4254 section 4): replies carry no number, so both sides answer strictly in order. */
#include "ssh/engine.h"

#include <stdlib.h>

enum { ADDRESS_MAX = 1024, PEER_GLOBALS_MAX = 1024 };

static const char *const names[] = {
	[GLOBAL_TCPIP_FORWARD] = "tcpip-forward",
	[GLOBAL_CANCEL_TCPIP_FORWARD] = "cancel-tcpip-forward",
	[GLOBAL_STREAMLOCAL_FORWARD] = "streamlocal-forward@openssh.com",
	[GLOBAL_CANCEL_STREAMLOCAL_FORWARD] = "cancel-streamlocal-forward@openssh.com",
	[GLOBAL_PROVE_HOST_KEYS] = "hostkeys-prove-00@openssh.com",
};

static bool has_port(enum global_kind kind)
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
	if (has_port(r->kind))
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

/* ---- theirs ---- */

bool global_choked(const struct conn *c)
{
	return c->peer_global_count >= PEER_GLOBALS_MAX;
}

static void peer_free(struct conn *c, struct peer_global *g)
{
	list_del(&g->node);
	c->peer_global_count--;
	free(g);
}

/* Answers from the front as far as answers are known. */
static int send_replies(struct conn *c)
{
	while (!c->err && !list_empty(&c->peer_globals)) {
		struct peer_global *g = CONTAINER(c->peer_globals.next, struct peer_global, node);
		uint8_t msg[5] = { g->ok ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE };
		bool with_port = g->ok && g->port_wanted;

		if (!g->answered)
			break;
		put_u32(msg + 1, g->port);
		if (g->want_reply)
			tx_reply(c, span(msg, with_port ? 5 : 1));
		peer_free(c, g);
	}
	return c->err;
}

int global_answer(struct conn *c, struct peer_global *g, const struct answer *a)
{
	g->answered = true;
	g->question = 0;
	g->ok = a->yes;
	g->port = a->port;
	return send_replies(c);
}

struct peer_global *global_by_question(struct conn *c, uint32_t question)
{
	LIST_EACH (l, &c->peer_globals) {
		struct peer_global *g = CONTAINER(l, struct peer_global, node);

		if (g->question == question)
			return g;
	}
	return NULL;
}

static struct peer_global *peer_new(struct conn *c, bool want_reply)
{
	struct peer_global *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->want_reply = want_reply;
	list_init(&g->node);
	list_add_tail(&c->peer_globals, &g->node);
	c->peer_global_count++;
	return g;
}

static enum global_kind kind_of(struct span name)
{
	for (enum global_kind k = GLOBAL_TCPIP_FORWARD; k < GLOBAL_PROVE_HOST_KEYS; k++)
		if (span_is(name, names[k]))
			return k;
	return 0;
}

/* What nobody here serves is answered at once, but behind the answers that are still to come. */
static int decline(struct conn *c, struct rd *in, bool want_reply)
{
	static const struct answer no = { .yes = false };
	struct peer_global *g;

	rd_rest(in);
	count_cheap(c);
	if (!want_reply)
		return OK;
	g = peer_new(c, true);
	return g ? global_answer(c, g, &no) : conn_fail(c, ERR_NOMEM, "no memory for a reply");
}

int on_global_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct span name = rd_string(in);
	bool want_reply = rd_bool(in);
	enum global_kind kind = c->role == ROLE_SERVER ? kind_of(name) : 0;
	struct peer_global *g;

	if (!rd_ok(in))
		return conn_fail(c, ERR_PROTO, "malformed GLOBAL_REQUEST");
	if (c->role == ROLE_CLIENT && span_is(name, "hostkeys-00@openssh.com")) {
		ev->kind = EV_HOST_KEYS;
		ev->text = rd_rest(in);
		count_cheap(c);
		return want_reply ? decline(c, in, true) : OK;
	}
	if (!kind)
		return decline(c, in, want_reply);
	ev->global = (struct global_request){ .kind = kind, .host = rd_string(in), .want_reply = want_reply };
	ev->global.port = has_port(kind) ? rd_u32(in) : 0;
	if (!rd_done(in) || ev->global.host.n > ADDRESS_MAX)
		return conn_fail(c, ERR_PROTO, "malformed GLOBAL_REQUEST %s", names[kind]);
	if (ev->global.port > UINT16_MAX)
		return decline(c, in, want_reply);
	g = peer_new(c, want_reply);
	if (!g)
		return conn_fail(c, ERR_NOMEM, "no memory for a request");
	g->port_wanted = kind == GLOBAL_TCPIP_FORWARD && ev->global.port == 0;
	g->question = question_new(c);
	ev->kind = EV_GLOBAL;
	ev->question = g->question;
	return OK;
}

void global_fini(struct conn *c)
{
	LIST_EACH_SAFE (l, &c->globals_waiting)
		our_free(CONTAINER(l, struct our_global, node));
	LIST_EACH_SAFE (l, &c->globals_sent)
		our_free(CONTAINER(l, struct our_global, node));
	LIST_EACH_SAFE (l, &c->peer_globals)
		peer_free(c, CONTAINER(l, struct peer_global, node));
}
