/* Channels that the client opens: judged as they were asked for, then address by address as they resolve. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/gate_impl.h"
#include "io/descriptors.h"

static enum gate_kind kind_of(const struct target *t)
{
	return t->kind == TARGET_DIRECT_TCPIP ? GATE_DIRECT_TCPIP : GATE_DIRECT_STREAMLOCAL;
}

static void record(struct gate *g, const struct event *ev, enum gate_how how, const char *words)
{
	char host[GATE_TEXT], from[GATE_ORIGIN];
	const struct gate_record r = {
		.kind = kind_of(&ev->target),
		.how = how,
		.host = str_escape(host, sizeof(host), ev->target.host),
		.port = ev->target.port,
		.from = str_escape(from, sizeof(from), ev->target.origin_host),
		.from_port = ev->target.origin_port,
		.words = words,
	};

	gate_tell(g, &r);
}

static void turn_away(struct gate *g, const struct event *ev, enum gate_how how, const char *words)
{
	refuse_open(g->link, ev->question, how == GATE_REFUSED ? OPEN_PROHIBITED : OPEN_SHORTAGE, "open failed");
	record(g, ev, how, words);
}

void gate_turned_away(struct gate *g, const struct event *ev, const char *rule)
{
	record(g, ev, GATE_REFUSED, rule);
}

static bool leads_back(const struct gate *g, const struct ip *a, uint16_t port)
{
	return g->calls.leads_back && g->calls.leads_back(g->user, a, port) && !permit_open_names(g->policy, a, port);
}

static bool on_address(void *user, const struct addr *a, struct why *why)
{
	struct stream *s = user;
	const struct gate *g = s->gate;
	struct ip ip;

	s->call.denied = NULL;
	if (!addr_ip(a, &ip)) {
		why_set(why, ERR_DENIED, "not an IP address");
		return false;
	}
	if (!permit_open_address(g->policy, span_str(s->host), s->port, &ip, why))
		return false;
	if (!leads_back(g, &ip, s->port))
		return true;
	/* The client's owner may have mistyped a port, and learns nothing that they do not know: they are there. */
	s->call.denied = "this server itself listens there";
	why_set(why, ERR_DENIED, "guarded: an address where this server itself listens");
	return false;
}

static enum gate_how how_of(int err)
{
	return err == ERR_DENIED ? GATE_REFUSED : err == ERR_CLOSED ? GATE_LOST : GATE_FAILED;
}

static void on_connected(struct call *call, struct pump *p, const struct addr *peer, int err, const struct why *why)
{
	struct stream *s = CONTAINER(call, struct stream, call);

	if (!p) {
		stream_end(s, how_of(err), why->text);
		return;
	}
	if (s->kind == GATE_DIRECT_TCPIP)
		addr_text(peer, s->actual, &s->actual_port);
	stream_open(s, p);
}

static void connect_to(struct stream *s, const struct event *ev)
{
	bool tcp = s->kind == GATE_DIRECT_TCPIP;

	str_escape(s->from, sizeof(s->from), ev->target.origin_host);
	s->from_port = ev->target.origin_port;
	s->call.done = on_connected;
	s->call.job.spec = (struct dial_spec){ .host = tcp ? s->host : NULL,
					       .path = tcp ? NULL : s->host,
					       .port = s->port,
					       .asker = s->gate->asker,
					       .judge = on_address,
					       .judge_user = s,
					       .reserve = GATE_RESERVE };
	connector_open(&s->gate->connector, &s->call, ev);
}

/* As it was asked for; addresses are judged when they are known. */
static bool permitted(const struct policy *p, const struct target *t, struct why *why)
{
	if (t->kind == TARGET_DIRECT_STREAMLOCAL)
		return permit_open_path(p, t->host, why) && gate_absolute(t->host, why);
	return permit_open_request(p, t->host, t->port, why) != PERMIT_NO;
}

void gate_open(struct gate *g, const struct event *ev)
{
	struct stream *s = NULL;
	struct why why;
	char *host;

	if (!descriptors_left(GATE_RESERVE)) {
		turn_away(g, ev, GATE_FAILED, gate_no_descriptors);
		return;
	}
	if (!permitted(g->policy, &ev->target, &why)) {
		turn_away(g, ev, GATE_REFUSED, why.text);
		return;
	}
	host = str_from_span(ev->target.host);
	if (host)
		s = stream_new(g, kind_of(&ev->target), host, (uint16_t)ev->target.port);
	free(host);
	if (s)
		connect_to(s, ev);
	else
		turn_away(g, ev, GATE_FAILED, "out of memory");
}
