/* Global requests of the client: listeners and their end. They are served strictly in order: what comes behind a port
 * that somebody else has to bind, or to give up, waits; so a cancel meets the listener that it means, and no forwarded
 * channel overtakes the answer that announces its port (RFC 4254 section 7.1). */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/gate_impl.h"

static void ask_free(struct ask *a)
{
	list_del(&a->node);
	free(a->host);
	free(a);
}

static enum gate_kind kind_of(enum global_kind kind)
{
	bool tcp = kind == GLOBAL_TCPIP_FORWARD || kind == GLOBAL_CANCEL_TCPIP_FORWARD;

	return tcp ? GATE_TCPIP_FORWARD : GATE_STREAMLOCAL_FORWARD;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

static void reply(struct gate *g, uint32_t question, bool yes, uint32_t port)
{
	const struct answer a = { .yes = yes, .port = port };

	(void)conn_answer(link_conn(g->link), question, &a); /* gone: then nobody waits for it */
}

static void grant(struct gate *g, struct ask *a, uint32_t port)
{
	reply(g, a->question, true, port);
	ask_free(a);
}

static void deny(struct gate *g, struct ask *a, enum gate_how how, const char *words)
{
	char host[GATE_TEXT];
	const struct gate_record r = {
		.kind = kind_of(a->kind),
		.how = how,
		.host = str_escape(host, sizeof(host), span_str(a->host)),
		.port = a->port,
		.words = words,
	};

	reply(g, a->question, false, 0);
	gate_tell(g, &r);
	ask_free(a);
}

/* ---- Binding --------------------------------------------------------------------------------------------------- */

static uint32_t wait_for_answer(struct gate *g)
{
	if (++g->tickets == 0)
		g->tickets = 1;
	g->waiting = g->tickets;
	return g->waiting;
}

static void failed(struct gate *g, struct ask *a, int err, const char *words)
{
	if (err == ERR_IN_USE && g->policy->takeover_ms && g->calls.take_over && a->port && !a->took_over) {
		a->took_over = true;
		g->calls.take_over(g->user, wait_for_answer(g), a->bind, a->port);
		return;
	}
	deny(g, a, err == ERR_DENIED ? GATE_REFUSED : GATE_FAILED, words);
}

static void stand(struct gate *g, struct ask *a, const int *fds, size_t n)
{
	const struct post_spec spec = {
		.kind = kind_of(a->kind), .host = a->host, .bind = a->bind, .port = a->port, .fds = fds, .fd_n = n
	};
	struct why why;
	uint16_t port;
	int err = post_new(g, &spec, &port, &why);

	if (err)
		failed(g, a, err, why.text);
	else
		grant(g, a, port);
}

static void bind_port(struct gate *g, struct ask *a)
{
	if (a->privileged && g->calls.bind_privileged)
		g->calls.bind_privileged(g->user, wait_for_answer(g), a->bind, a->port);
	else
		stand(g, a, NULL, 0);
}

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static bool has_room(const struct gate *g, struct why *why)
{
	if (g->post_count < g->policy->max_listeners)
		return true;
	why_set(why, ERR_LIMIT, "MaxListeners: %u listeners stand already", g->post_count);
	return false;
}

/* Names are not looked up: it takes time, and every address behind one would have to be judged. */
static bool place(struct gate *g, struct ask *a, struct why *why)
{
	struct listen_place place;
	enum permit v = permit_listen_request(g->policy, span_str(a->host), a->port, &place, why);

	if (v == PERMIT_ASK)
		why_set(why, ERR_DENIED, "a bind address must be written in digits");
	if (v != PERMIT_YES)
		return false;
	a->privileged = place.privileged;
	if (place.where == LISTEN_ADDRESS)
		ip_text(&place.ip, a->bind);
	else
		snprintf(a->bind, sizeof(a->bind), place.where == LISTEN_ALL ? "*" : "localhost");
	return true;
}

static void on_tcp(struct gate *g, struct ask *a)
{
	struct why why;

	if (!a->port && !a->want_reply) {
		deny(g, a, GATE_REFUSED, "port 0 without asking for the answer that would name it");
		return;
	}
	if (!place(g, a, &why) || !has_room(g, &why)) {
		deny(g, a, GATE_REFUSED, why.text);
		return;
	}
	bind_port(g, a);
}

static void on_unix(struct gate *g, struct ask *a)
{
	const struct span path = span_str(a->host);
	struct why why;

	if (!permit_listen_path(g->policy, path, &why) || !gate_absolute(path, &why) || !has_room(g, &why)) {
		deny(g, a, GATE_REFUSED, why.text);
		return;
	}
	stand(g, a, NULL, 0);
}

static void on_cancel(struct gate *g, struct ask *a)
{
	struct post *p = post_find(g, kind_of(a->kind), a->host, a->port);

	if (p)
		post_end(p, GATE_CANCELLED);
	reply(g, a->question, p != NULL, 0);
	ask_free(a);
}

static void serve(struct gate *g)
{
	static void (*const on[])(struct gate * g, struct ask * a) = {
		[GLOBAL_TCPIP_FORWARD] = on_tcp,
		[GLOBAL_CANCEL_TCPIP_FORWARD] = on_cancel,
		[GLOBAL_STREAMLOCAL_FORWARD] = on_unix,
		[GLOBAL_CANCEL_STREAMLOCAL_FORWARD] = on_cancel,
	};

	if (g->serving_asks) /* an answer from within: the loop below goes on */
		return;
	g->serving_asks = true;
	while (!g->waiting && !list_empty(&g->asks)) {
		struct ask *a = CONTAINER(g->asks.next, struct ask, node);

		on[a->kind](g, a);
	}
	g->serving_asks = false;
}

/* What cannot be a host or a path is written down as it came, and goes no further. */
static void turn_away(struct gate *g, const struct event *ev, enum gate_how how, const char *words)
{
	char host[GATE_TEXT];
	const struct gate_record r = {
		.kind = kind_of(ev->global.kind),
		.how = how,
		.host = str_escape(host, sizeof(host), ev->global.host),
		.port = ev->global.port,
		.words = words,
	};

	reply(g, ev->question, false, 0);
	gate_tell(g, &r);
}

void gate_ask(struct gate *g, const struct event *ev)
{
	struct ask *a;

	if (ev->global.host.n && memchr(ev->global.host.p, '\0', ev->global.host.n)) {
		turn_away(g, ev, GATE_REFUSED, "a NUL byte in the address");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (a)
		a->host = str_from_span(ev->global.host);
	if (!a || !a->host) {
		free(a);
		turn_away(g, ev, GATE_FAILED, "out of memory");
		return;
	}
	a->kind = ev->global.kind;
	a->port = (uint16_t)ev->global.port;
	a->want_reply = ev->global.want_reply;
	a->question = ev->question;
	list_add_tail(&g->asks, &a->node);
	serve(g);
}

/* ---- Answers from outside -------------------------------------------------------------------------------------- */

/* The request that waits for this ticket; it waits no longer. */
static struct ask *take(struct gate *g, uint32_t ticket)
{
	if (!ticket || ticket != g->waiting)
		return NULL;
	g->waiting = 0;
	return CONTAINER(g->asks.next, struct ask, node);
}

void gate_bound(struct gate *g, uint32_t ticket, const int *fds, size_t n, int err, const char *words)
{
	struct ask *a = take(g, ticket);

	if (!a || n > LISTEN_MAX) {
		for (size_t i = 0; i < n; i++)
			sock_close(fds[i]);
		n = 0;
	}
	if (!a)
		return;
	if (n)
		stand(g, a, fds, n);
	else
		failed(g, a, err, words);
	serve(g);
}

void gate_retry(struct gate *g, uint32_t ticket)
{
	struct ask *a = take(g, ticket);

	if (!a)
		return;
	bind_port(g, a);
	serve(g);
}

void asks_free(struct gate *g)
{
	g->waiting = 0;
	while (!list_empty(&g->asks))
		ask_free(CONTAINER(g->asks.next, struct ask, node));
}
