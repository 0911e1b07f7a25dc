/* Channels of the connections: opened, bytes to an echo server and back, closed. */
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "tool.h"

enum { LEND = 256 * 1024, AREAS = 16 };

static void part_end(struct stream *s, const char *why)
{
	if (s->busy)
		job_end(s->member->fleet, s->began, why);
	s->busy = false;
}

static void stream_over(struct stream *s, const char *why)
{
	part_end(s, why);
	list_del(&s->sender);
	s->over = true;
}

void streams_tidy(struct member *m)
{
	LIST_EACH_SAFE (l, &m->streams) {
		struct stream *s = CONTAINER(l, struct stream, node);

		if (!s->over)
			continue;
		list_del(l);
		free(s);
	}
}

/* False: it is over before it has begun. */
static bool begin(struct stream *s)
{
	s->busy = true;
	s->began = now_ns();
	if (s->over || s->member->state != MEMBER_IN)
		stream_over(s, "the channel was lost before");
	return !s->over;
}

void stream_open(struct member *m, uint16_t port)
{
	const struct target t = { .kind = TARGET_DIRECT_TCPIP,
				  .host = span_str("127.0.0.1"),
				  .port = port,
				  .origin_host = span_str("127.0.0.1") };
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		die("out of memory");
	s->member = m;
	list_add_tail(&m->streams, &s->node);
	if (!begin(s))
		return;
	if (conn_open(m->conn, &t, s, &s->chan) == OK)
		member_work(m);
	else
		stream_over(s, "no more channels can be opened");
}

void stream_move(struct stream *s, uint64_t bytes)
{
	if (!begin(s))
		return;
	s->send = s->receive = bytes;
	list_add_tail(&s->member->senders, &s->sender);
	member_work(s->member);
}

void stream_close(struct stream *s)
{
	if (!begin(s))
		return;
	conn_eof(s->member->conn, s->chan);
	conn_close(s->member->conn, s->chan);
	member_work(s->member);
}

/* ---- sending ---- */

static size_t fill(const struct iovec *iov, size_t areas, uint64_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < areas && n < most; i++) {
		size_t part = MIN(iov[i].iov_len, (size_t)most - n);

		memset(iov[i].iov_base, 0, part);
		n += part;
	}
	return n;
}

/* False: no packet can be sealed now, for nobody of this connection. */
static bool send_on(struct stream *s)
{
	struct conn *c = s->member->conn;
	struct iovec iov[AREAS];

	while (s->send) {
		size_t areas = conn_lend(c, s->chan, (size_t)MIN(s->send, (uint64_t)LEND), iov, LEN(iov));
		size_t n = fill(iov, areas, s->send);

		if (!areas && !conn_tx_open(c))
			return false;
		if (!areas) /* EV_ROOM follows */
			break;
		conn_seal(c, s->chan, n);
		s->send -= n;
	}
	list_del(&s->sender);
	return true;
}

void streams_send(struct member *m)
{
	while (!list_empty(&m->senders))
		if (!send_on(CONTAINER(m->senders.next, struct stream, sender)))
			return;
}

/* ---- events ---- */

static void on_opened(struct stream *s, const struct event *ev)
{
	(void)ev;
	part_end(s, NULL);
}

static void on_refused(struct stream *s, const struct event *ev)
{
	char text[200] = "";

	memcpy(text, ev->text.p ? ev->text.p : (const uint8_t *)"", MIN(ev->text.n, sizeof(text) - 1));
	stream_over(s, *text ? text : "refused");
}

static void on_data(struct stream *s, const struct event *ev)
{
	conn_consumed(s->member->conn, ev->chan, ev->bytes);
	if (!s->receive)
		return;
	s->receive -= MIN((uint64_t)ev->bytes, s->receive);
	if (!s->receive)
		part_end(s, NULL);
}

static void on_room(struct stream *s, const struct event *ev)
{
	(void)ev;
	if (s->send && !list_linked(&s->sender))
		list_add_tail(&s->member->senders, &s->sender);
}

static void on_eof(struct stream *s, const struct event *ev)
{
	conn_close(s->member->conn, ev->chan);
}

static void on_closed(struct stream *s, const struct event *ev)
{
	(void)ev;
	stream_over(s, s->send || s->receive ? "the channel was closed" : NULL);
}

void stream_event(struct member *m, const struct event *ev)
{
	static void (*const handlers[EV_KINDS])(struct stream *, const struct event *) = {
		[EV_OPENED] = on_opened, [EV_REFUSED] = on_refused, [EV_DATA] = on_data,
		[EV_ROOM] = on_room,	 [EV_EOF] = on_eof,	    [EV_CLOSED] = on_closed,
	};

	(void)m;
	if (ev->user)
		handlers[ev->kind](ev->user, ev);
}

void streams_lost(struct member *m, const char *why)
{
	LIST_EACH (l, &m->streams) {
		struct stream *s = CONTAINER(l, struct stream, node);

		if (!s->over)
			stream_over(s, why);
	}
}
