/* Binding for the client: here, by somebody who may, or after somebody else has given the place up; and the answers to
 * global requests, because that is what most of them wait for. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/gate_impl.h"
#include "io/descriptors.h"

void ask_free(struct ask *a)
{
	list_del(&a->node);
	free(a->host);
	free(a);
}

enum gate_kind ask_kind(enum global_kind kind)
{
	bool tcp = kind == GLOBAL_TCPIP_FORWARD || kind == GLOBAL_CANCEL_TCPIP_FORWARD;

	return tcp ? GATE_TCPIP_FORWARD : GATE_STREAMLOCAL_FORWARD;
}

/* ---- Answers --------------------------------------------------------------------------------------------------- */

void ask_reply(struct gate *g, uint32_t question, bool yes, uint32_t port)
{
	const struct answer a = { .yes = yes, .port = port };

	(void)conn_answer(link_conn(g->link), question, &a); /* gone: then nobody waits for it */
}

/* Ahead of the answer, which says nothing about addresses. More than was asked for is to be seen by everybody. */
static void tell_change(struct gate *g, const struct ask *a, uint32_t port)
{
	static const struct {
		const char *what, *where;
		enum debug_display display;
	} changes[] = {
		[LISTEN_WIDENED] = { "GatewayPorts yes", "every address", DEBUG_ALWAYS },
		[LISTEN_NARROWED] = { "GatewayPorts no", "loopback only", DEBUG_IF_WANTED },
	};
	char host[GATE_TEXT / 2], text[GATE_TEXT];

	if (a->change == LISTEN_AS_ASKED)
		return;
	str_escape(host, sizeof(host), span_str(*a->host ? a->host : "*"));
	snprintf(text, sizeof(text), "%s: the listener for %s port %u is on %s", changes[a->change].what, host, port,
		 changes[a->change].where);
	(void)conn_debug(link_conn(g->link), changes[a->change].display,
			 span_str(text)); /* gone: nobody would read it */
}

static void grant(struct gate *g, struct ask *a, uint32_t port)
{
	tell_change(g, a, port ? port : a->port);
	ask_reply(g, a->question, true, port);
	ask_free(a);
}

void ask_deny(struct gate *g, struct ask *a, enum gate_how how, const char *words)
{
	char host[GATE_TEXT];
	const struct gate_record r = {
		.kind = ask_kind(a->kind),
		.how = how,
		.host = str_escape(host, sizeof(host), span_str(a->host)),
		.port = a->port,
		.words = words,
	};

	ask_reply(g, a->question, false, 0);
	gate_tell(g, &r);
	ask_free(a);
}

/* ---- Binding --------------------------------------------------------------------------------------------------- */

uint32_t ask_wait(struct gate *g)
{
	if (++g->tickets == 0)
		g->tickets = 1;
	g->waiting = g->tickets;
	return g->waiting;
}

/* Whoever holds a port that the kernel was to choose is nobody's old connection. */
static bool may_take_over(const struct gate *g, const struct ask *a)
{
	bool named = a->port || ask_kind(a->kind) == GATE_STREAMLOCAL_FORWARD;

	return named && !a->took_over && g->policy->takeover_ms && g->calls.take_over;
}

/* A path goes out as its record had it when the older connection began to listen. */
static void take_over(struct gate *g, struct ask *a)
{
	char path[GATE_TEXT];

	a->took_over = true;
	g->calls.take_over(g->user, ask_wait(g), a->port ? a->bind : str_escape(path, sizeof(path), span_str(a->host)),
			   a->port);
}

static void failed(struct gate *g, struct ask *a, int err, const char *words)
{
	if (err == ERR_IN_USE && may_take_over(g, a)) {
		take_over(g, a);
		return;
	}
	ask_deny(g, a, err == ERR_DENIED || err == ERR_LIMIT ? GATE_REFUSED : GATE_FAILED, words);
}

static void stand(struct gate *g, struct ask *a, const int *fds, size_t n)
{
	const struct post_spec spec = {
		.kind = ask_kind(a->kind), .host = a->host, .bind = a->bind, .port = a->port, .fds = fds, .fd_n = n
	};
	struct why why;
	uint16_t port;
	int err = post_new(g, &spec, &port, &why);

	if (err)
		failed(g, a, err, why.text);
	else
		grant(g, a, port);
}

void ask_bind(struct gate *g, struct ask *a)
{
	if (!descriptors_left(GATE_RESERVE))
		ask_deny(g, a, GATE_FAILED, gate_no_descriptors);
	else if (a->privileged && g->calls.bind_privileged)
		g->calls.bind_privileged(g->user, ask_wait(g), a->bind, a->port);
	else
		stand(g, a, NULL, 0);
}

/* ---- Answers from outside -------------------------------------------------------------------------------------- */

struct ask *ask_take(struct gate *g, uint32_t ticket)
{
	if (!ticket || ticket != g->waiting)
		return NULL;
	g->waiting = 0;
	return CONTAINER(g->asks.next, struct ask, node);
}

void gate_bound(struct gate *g, uint32_t ticket, const int *fds, size_t n, int err, const char *words)
{
	struct ask *a = ask_take(g, ticket);

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
	asks_serve(g);
}

void gate_retry(struct gate *g, uint32_t ticket)
{
	struct ask *a = ask_take(g, ticket);

	if (!a)
		return;
	ask_bind(g, a);
	asks_serve(g);
}
