/* One forwarded connection of a client: from the first word to the record. Its bytes are the pump's. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "fwd/gate_impl.h"

static enum policy_channel type_of(const struct stream *s)
{
	static const enum policy_channel types[] = {
		[GATE_DIRECT_TCPIP] = POLICY_DIRECT_TCPIP,
		[GATE_DIRECT_STREAMLOCAL] = POLICY_DIRECT_STREAMLOCAL,
		[GATE_FORWARDED_TCPIP] = POLICY_FORWARDED_TCPIP,
		[GATE_FORWARDED_STREAMLOCAL] = POLICY_FORWARDED_STREAMLOCAL,
	};

	return types[s->kind];
}

/* ChannelTimeout, in ms; 0 = none. */
static uint64_t idle_ms(const struct gate *g, size_t which)
{
	return (uint64_t)g->policy->idle_seconds[which] * 1000;
}

/* The list stays in order of movement, so that one timer can look at its head. */
static void on_moved(struct witness *w)
{
	struct stream *s = CONTAINER(w, struct stream, witness);
	struct gate *g = s->gate;
	struct list *quiet = &g->quiet[type_of(s)];
	bool first;

	g->moved_ms = loop_now(link_loop(g->link));
	if (!idle_ms(g, type_of(s)))
		return;
	s->moved_ms = g->moved_ms;
	first = list_empty(quiet);
	list_del(&s->quiet);
	list_add_tail(quiet, &s->quiet);
	if (first)
		gate_clock(g);
}

static enum gate_how how_of(enum pump_end end)
{
	static const enum gate_how how[] = {
		[PUMP_ALIVE] = GATE_LOST,    [PUMP_CLEAN] = GATE_CLEAN,	     [PUMP_RESET] = GATE_RESET,
		[PUMP_BROKEN] = GATE_BROKEN, [PUMP_REFUSED] = GATE_DECLINED, [PUMP_LOST] = GATE_LOST,
		[PUMP_MEMORY] = GATE_FAILED, [PUMP_IDLE] = GATE_IDLE,
	};

	return how[end];
}

static void on_ended(struct witness *w, const struct pump *p, const struct event *ev)
{
	struct stream *s = CONTAINER(w, struct stream, witness);
	enum pump_end end = p ? p->end : PUMP_MEMORY;
	char peer[WHY_MAX / 4], words[WHY_MAX / 2] = "";

	if (p) {
		s->rx_bytes = p->rx_bytes;
		s->tx_bytes = p->tx_bytes;
	}
	if (end == PUMP_MEMORY)
		snprintf(words, sizeof(words), "out of memory, channels or receive window");
	if (ev) {
		str_escape(peer, sizeof(peer), ev->text);
		snprintf(words, sizeof(words), "%s%s%s", open_reason_text(ev->reason), *peer ? ": " : "", peer);
	}
	stream_end(s, how_of(end), words);
}

struct stream *stream_new(struct gate *g, enum gate_kind kind, const char *host, uint16_t port)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s)
		s->host = strdup(host);
	if (!s || !s->host) {
		free(s);
		return NULL;
	}
	s->witness.moved = on_moved;
	s->witness.ended = on_ended;
	s->gate = g;
	s->kind = kind;
	s->port = port;
	s->start_ms = loop_now(link_loop(g->link));
	list_init(&s->quiet);
	list_add_tail(&g->streams, &s->node);
	g->stream_count++;
	gate_clock(g);
	return s;
}

void stream_open(struct stream *s, struct pump *p)
{
	pump_witness(p, &s->witness);
	on_moved(&s->witness);
}

void stream_end(struct stream *s, enum gate_how how, const char *words)
{
	struct gate *g = s->gate;
	char host[GATE_TEXT];
	const struct gate_record r = {
		.kind = s->kind,
		.how = how,
		.host = str_escape(host, sizeof(host), span_str(s->host)),
		.port = s->port,
		.actual = s->actual,
		.actual_port = s->actual_port,
		.from = s->from,
		.from_port = s->from_port,
		.rx_bytes = s->rx_bytes,
		.tx_bytes = s->tx_bytes,
		.start_ms = s->start_ms,
		.words = words,
	};

	gate_tell(g, &r);
	list_del(&s->node);
	list_del(&s->quiet);
	g->stream_count--;
	g->rx_bytes += s->rx_bytes;
	g->tx_bytes += s->tx_bytes;
	g->unused_ms = loop_now(link_loop(g->link));
	gate_clock(g);
	free(s->host);
	free(s);
}

static struct stream *quietest(const struct gate *g, size_t which)
{
	const struct list *quiet = &g->quiet[which];

	return list_empty(quiet) ? NULL : CONTAINER(quiet->next, struct stream, quiet);
}

/* That of all streams together. */
static uint64_t global_deadline(const struct gate *g)
{
	return g->stream_count && idle_ms(g, POLICY_GLOBAL) ? g->moved_ms + idle_ms(g, POLICY_GLOBAL) : UINT64_MAX;
}

uint64_t streams_deadline(const struct gate *g)
{
	uint64_t first = global_deadline(g);

	for (size_t i = 0; i < LEN(g->quiet); i++) {
		const struct stream *s = quietest(g, i);

		if (s)
			first = MIN(first, s->moved_ms + idle_ms(g, i));
	}
	return first;
}

/* The record comes when the client has answered the CLOSE. */
static void expire(struct stream *s)
{
	struct pump *p = s->witness.pump;

	list_del(&s->quiet);
	if (!p->end)
		p->end = PUMP_IDLE;
	pump_break(p);
}

static void expire_all(struct gate *g, uint64_t now)
{
	struct list *next;

	for (struct list *l = g->streams.next; l != &g->streams; l = next) {
		struct stream *s = CONTAINER(l, struct stream, node);

		next = l->next;
		if (s->witness.pump && !s->witness.pump->end)
			expire(s);
	}
	g->moved_ms = now;
}

void streams_expire(struct gate *g)
{
	uint64_t now = loop_now(link_loop(g->link));

	if (global_deadline(g) <= now)
		expire_all(g, now);

	for (size_t i = 0; i < LEN(g->quiet); i++) {
		struct stream *s;

		while ((s = quietest(g, i)) && s->moved_ms + idle_ms(g, i) <= now)
			expire(s);
	}
}

void streams_free(struct gate *g)
{
	while (!list_empty(&g->streams)) {
		struct stream *s = CONTAINER(g->streams.next, struct stream, node);
		struct pump *p = s->witness.pump;

		pump_witness(p, NULL);
		pump_break(p);
		s->rx_bytes = p->rx_bytes;
		s->tx_bytes = p->tx_bytes;
		stream_end(s, GATE_LOST, "");
	}
}
