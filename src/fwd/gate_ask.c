/* Global requests of the client: listeners and their end. They are served strictly in order: what comes behind a port
 * that somebody else has to bind, or to give up, waits; so a cancel meets the listener that it means, and no forwarded
 * channel overtakes the answer that announces its port (RFC 4254 section 7.1). */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/gate_impl.h"
#include "io/resolve.h"

/* ---- Requests -------------------------------------------------------------------------------------------------- */

static bool has_room(const struct gate *g, struct why *why)
{
	if (g->post_count < g->policy->max_listeners)
		return share_has_place(g->share, why);
	why_set(why, ERR_LIMIT, "MaxListeners: %u listeners stand already", g->post_count);
	return false;
}

/* A name is bound as the first of its addresses that the policy allows. */
static bool choose(const struct gate *g, struct ask *a, const struct addr *list, size_t n, struct why *why)
{
	struct ip ip;

	for (size_t i = 0; i < n; i++)
		if (addr_ip(&list[i], &ip) && permit_listen_address(g->policy, span_str(a->host), a->port, &ip, why)) {
			ip_text(&ip, a->bind);
			return true;
		}
	return false;
}

static void got_addresses(void *user, const struct addr *list, size_t n, const struct why *why)
{
	struct gate *g = user;
	struct ask *a = ask_take(g, g->waiting);
	struct why told = { "" };

	if (!n)
		told = *why;
	g->lookup = NULL;
	if (choose(g, a, list, n, &told))
		ask_bind(g, a);
	else
		ask_deny(g, a, n ? GATE_REFUSED : GATE_FAILED, told.text);
	asks_serve(g);
}

static void look_up(struct gate *g, struct ask *a)
{
	struct why why;

	if (resolve_new(&g->lookup, link_loop(g->link), g->asker, a->host, a->port, AF_UNSPEC, got_addresses, g, &why))
		ask_deny(g, a, GATE_FAILED, why.text);
	else
		ask_wait(g);
}

static void place(struct gate *g, struct ask *a, const struct listen_place *place)
{
	a->privileged = place->privileged;
	a->change = place->change;
	if (place->where == LISTEN_NAME) {
		look_up(g, a);
		return;
	}
	if (place->where == LISTEN_ADDRESS)
		ip_text(&place->ip, a->bind);
	else
		snprintf(a->bind, sizeof(a->bind), place->where == LISTEN_ALL ? "*" : "localhost");
	ask_bind(g, a);
}

static void on_tcp(struct gate *g, struct ask *a)
{
	struct listen_place where;
	struct why why;

	if (!a->port && !a->want_reply) {
		ask_deny(g, a, GATE_REFUSED, "port 0 without asking for the answer that would name it");
		return;
	}
	if (permit_listen_request(g->policy, span_str(a->host), a->port, &where, &why) == PERMIT_NO ||
	    !has_room(g, &why)) {
		ask_deny(g, a, GATE_REFUSED, why.text);
		return;
	}
	place(g, a, &where);
}

static void on_unix(struct gate *g, struct ask *a)
{
	const struct span path = span_str(a->host);
	struct why why;

	if (!permit_listen_path(g->policy, path, &why) || !gate_absolute(path, &why) || !has_room(g, &why)) {
		ask_deny(g, a, GATE_REFUSED, why.text);
		return;
	}
	ask_bind(g, a);
}

static void on_cancel(struct gate *g, struct ask *a)
{
	struct post *p = post_find(g, ask_kind(a->kind), a->host, a->port);

	if (p)
		post_end(p, GATE_CANCELLED);
	ask_reply(g, a->question, p != NULL, 0);
	ask_free(a);
}

void asks_serve(struct gate *g)
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
		.kind = ask_kind(ev->global.kind),
		.how = how,
		.host = str_escape(host, sizeof(host), ev->global.host),
		.port = ev->global.port,
		.words = words,
	};

	ask_reply(g, ev->question, false, 0);
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
	asks_serve(g);
}

void asks_free(struct gate *g)
{
	resolve_cancel(g->lookup);
	g->lookup = NULL;
	g->waiting = 0;
	while (!list_empty(&g->asks))
		ask_free(CONTAINER(g->asks.next, struct ask, node));
}
