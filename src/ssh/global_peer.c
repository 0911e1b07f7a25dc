/* The peer's global requests (RFC 4254 section 4, OpenSSH's PROTOCOL 2): answered in the order in which they came,
 * whoever answers them. */
#include "ssh/engine.h"

#include <stdlib.h>

enum { ADDRESS_MAX = 1024, PEER_GLOBALS_MAX = 1024, PROOFS_MAX = 64 * 1024 };

bool global_choked(const struct conn *c)
{
	return c->peer_global_count >= PEER_GLOBALS_MAX;
}

static void peer_free(struct conn *c, struct peer_global *g)
{
	list_del(&g->node);
	buf_fini(&g->proof);
	c->peer_global_count--;
	free(g);
}

static int send_reply(struct conn *c, const struct peer_global *g)
{
	struct buf out = BUF(PROOFS_MAX + 1);

	buf_u8(&out, g->ok ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE);
	if (g->ok && g->port_wanted)
		buf_u32(&out, g->port);
	if (g->ok && g->prove)
		buf_bytes(&out, buf_span(&g->proof));
	return tx_built(c, &out, tx_reply);
}

/* Answers from the front as far as answers are known. */
static int send_replies(struct conn *c)
{
	while (!c->err && !list_empty(&c->peer_globals)) {
		struct peer_global *g = CONTAINER(c->peer_globals.next, struct peer_global, node);

		if (!g->answered)
			break;
		if (g->want_reply)
			send_reply(c, g);
		peer_free(c, g);
	}
	return c->err;
}

int global_answer(struct conn *c, struct peer_global *g, const struct answer *a)
{
	g->answered = true;
	g->question = 0;
	g->port = a->port;
	if (g->prove)
		buf_bytes(&g->proof, a->data);
	g->ok = a->yes && buf_err(&g->proof) == OK && (!g->prove || g->proof.n);
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
	g->proof = BUF(PROOFS_MAX);
	list_init(&g->node);
	list_add_tail(&c->peer_globals, &g->node);
	c->peer_global_count++;
	return g;
}

static enum global_kind kind_of(struct span name)
{
	for (enum global_kind k = GLOBAL_TCPIP_FORWARD; k < GLOBAL_PROVE_HOST_KEYS; k++)
		if (span_is(name, global_name(k)))
			return k;
	return 0;
}

/* What the engine answers by itself comes at once, but behind the answers that are still to come. */
static int reply(struct conn *c, bool want_reply, bool yes)
{
	const struct answer a = { .yes = yes };
	struct peer_global *g;

	count_cheap(c);
	if (!want_reply)
		return OK;
	g = peer_new(c, true);
	return g ? global_answer(c, g, &a) : conn_fail(c, ERR_NOMEM, "no memory for a reply");
}

static int decline(struct conn *c, struct rd *in, bool want_reply)
{
	rd_rest(in);
	return reply(c, want_reply, false);
}

static int ask(struct conn *c, struct peer_global *g, struct event *ev, enum event_kind kind)
{
	if (!g)
		return conn_fail(c, ERR_NOMEM, "no memory for a request");
	g->question = question_new(c);
	ev->kind = kind;
	ev->question = g->question;
	return OK;
}

static int take_host_keys(struct conn *c, struct rd *in, struct event *ev, bool want_reply)
{
	ev->kind = EV_HOST_KEYS;
	ev->text = rd_rest(in);
	return reply(c, want_reply, false);
}

/* A proof that nobody would see is not made. */
static int take_prove(struct conn *c, struct rd *in, struct event *ev, bool want_reply)
{
	struct span keys = rd_rest(in);
	struct peer_global *g;

	if (!want_reply || !hostkeys_may_prove(c, keys))
		return reply(c, want_reply, false);
	ev->text = keys;
	g = peer_new(c, true);
	if (g)
		g->prove = true;
	return ask(c, g, ev, EV_PROVE);
}

static int take_no_more_sessions(struct conn *c, struct rd *in, struct event *ev, bool want_reply)
{
	(void)ev;
	if (!rd_done(in))
		return conn_fail(c, ERR_PROTO, "malformed no-more-sessions");
	c->no_sessions = true;
	return reply(c, want_reply, true);
}

static int take_forward(struct conn *c, struct rd *in, struct event *ev, bool want_reply, enum global_kind kind)
{
	struct peer_global *g;

	ev->global = (struct global_request){ .kind = kind, .host = rd_string(in), .want_reply = want_reply };
	ev->global.port = global_has_port(kind) ? rd_u32(in) : 0;
	if (!rd_done(in) || ev->global.host.n > ADDRESS_MAX)
		return conn_fail(c, ERR_PROTO, "malformed GLOBAL_REQUEST %s", global_name(kind));
	if (ev->global.port > UINT16_MAX)
		return decline(c, in, want_reply);
	g = peer_new(c, want_reply);
	if (g)
		g->port_wanted = kind == GLOBAL_TCPIP_FORWARD && ev->global.port == 0;
	return ask(c, g, ev, EV_GLOBAL);
}

static const struct {
	const char *name;
	enum role role; /* of the side that takes it */
	int (*take)(struct conn *c, struct rd *in, struct event *ev, bool want_reply);
} others[] = {
	{ "hostkeys-00@openssh.com", ROLE_CLIENT, take_host_keys },
	{ "hostkeys-prove-00@openssh.com", ROLE_SERVER, take_prove },
	{ "no-more-sessions@openssh.com", ROLE_SERVER, take_no_more_sessions },
};

int on_global_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct span name = rd_string(in);
	bool want_reply = rd_bool(in);
	enum global_kind kind = c->role == ROLE_SERVER ? kind_of(name) : 0;

	if (!rd_ok(in))
		return conn_fail(c, ERR_PROTO, "malformed GLOBAL_REQUEST");
	for (size_t i = 0; i < LEN(others); i++)
		if (c->role == others[i].role && span_is(name, others[i].name))
			return others[i].take(c, in, ev, want_reply);
	return kind ? take_forward(c, in, ev, want_reply, kind) : decline(c, in, want_reply);
}

void global_peer_fini(struct conn *c)
{
	LIST_EACH_SAFE (l, &c->peer_globals)
		peer_free(c, CONTAINER(l, struct peer_global, node));
}
