/* Remote dynamic forwards. A session stands in for its pump until the connection exists: it takes the pump's events,
 * lets the pump say the SOCKS replies, and leaves bytes behind the request in the pump's backlog. */
#include "fwd/dynamic.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/connector.h"
#include "fwd/pump.h"
#include "io/sock.h"
#include "proto/socks.h"

struct session {
	struct list node;
	struct dynamic *set;
	struct pump *pump;
	void (*pump_event)(struct owner *o, const struct event *ev);
	struct dial_job job;
	struct socks socks;
	const char *text;
	uint64_t deadline;
};

static void note(const struct session *s, bool trace, const char *what, const char *detail)
{
	const struct dynamic *d = s->set;
	char line[2 * WHY_MAX];

	snprintf(line, sizeof(line), "socks: %s%s", what, detail);
	d->calls->say(d->user, trace, s->text, line);
}

/* The pump is on its own from here on. */
static struct pump *leave(struct session *s)
{
	struct pump *p = s->pump;

	p->owner.event = s->pump_event;
	p->stand_in = NULL;
	dialer_drop(&s->job);
	list_del(&s->node);
	free(s);
	return p;
}

static void refuse(struct session *s, const uint8_t *reply, size_t n)
{
	uint8_t copy[sizeof(s->socks.reply)];

	memcpy(copy, reply, n);
	if (n)
		pump_say(leave(s), span(copy, n), true);
	else
		pump_break(leave(s));
}

static void refuse_code(struct session *s, enum socks_code code)
{
	uint8_t reply[SOCKS_REPLY_MAX];

	refuse(s, reply, socks_reply(&s->socks, code, reply));
}

static void on_dialed(struct dial_job *j, int fd, const struct addr *peer, const struct why *why)
{
	struct session *s = CONTAINER(j, struct session, job);
	uint8_t reply[SOCKS_REPLY_MAX];
	size_t n = socks_reply(&s->socks, SOCKS_OK, reply);
	struct pump *p;

	(void)peer;
	if (fd < 0) {
		note(s, false, "connect failed: ", why->text);
		refuse_code(s, SOCKS_UNREACHABLE);
		return;
	}
	p = leave(s);
	pump_say(p, span(reply, n), false);
	pump_start(p, fd);
}

static void connect_to(struct session *s)
{
	struct dynamic *d = s->set;
	char where[SOCKS_HOST_MAX + 16];

	snprintf(where, sizeof(where), "%s port %u", s->socks.host, s->socks.port);
	if (!d->calls->permit(d->user, s->socks.host, s->socks.port)) {
		note(s, false, "not permitted: ", where);
		refuse_code(s, SOCKS_NOT_ALLOWED);
		return;
	}
	note(s, true, "connecting to ", where);
	list_del(&s->node);
	list_add_tail(&d->dialing, &s->node);
	s->job.spec = (struct dial_spec){
		.host = s->socks.host, .port = s->socks.port, .family = d->family, .timeout_ms = DIAL_MS
	};
	s->job.done = on_dialed;
	dialer_add(d->dialer, &s->job);
}

/* Everything up to the end of the request is taken. Returns how many bytes that were. */
static size_t parse(struct session *s, const struct event *ev, enum socks_result *r)
{
	size_t all = 0;

	*r = SOCKS_MORE;
	for (size_t i = 0; i < ev->iovs && *r == SOCKS_MORE; i++) {
		size_t used;

		*r = socks_put(&s->socks, span(ev->iov[i].iov_base, ev->iov[i].iov_len), &used);
		all += used;
	}
	return all;
}

static void on_request_bytes(struct session *s, const struct event *ev)
{
	struct pump *p = s->pump;
	struct conn *c = link_conn(p->link);
	enum socks_result r;
	size_t used = parse(s, ev, &r);

	conn_consumed(c, p->chan, used);
	if (r == SOCKS_BAD) {
		conn_consumed(c, p->chan, ev->bytes - used);
		note(s, false, "refused: ", s->socks.fault);
		refuse(s, s->socks.reply, s->socks.reply_n);
		return;
	}
	if (s->socks.reply_n)
		pump_say(p, span(s->socks.reply, s->socks.reply_n), false);
	s->socks.reply_n = 0;
	if (backlog_add(&p->backlog, ev->iov, ev->iovs, used))
		pump_break(leave(s));
	else if (r == SOCKS_REQUEST)
		connect_to(s);
}

static void on_data(struct session *s, const struct event *ev)
{
	if (s->job.done) { /* the request is known: bytes for the connection to come */
		if (backlog_add(&s->pump->backlog, ev->iov, ev->iovs, 0))
			pump_break(leave(s));
		return;
	}
	on_request_bytes(s, ev);
}

static void on_event(struct owner *o, const struct event *ev)
{
	struct session *s = CONTAINER(o, struct pump, owner)->stand_in;
	void (*pump_event)(struct owner * o, const struct event *ev) = s->pump_event;

	if (ev->kind == EV_DATA) {
		on_data(s, ev);
		return;
	}
	if (ev->kind == EV_CLOSED)
		leave(s);
	pump_event(o, ev);
}

static void on_timer(void *user)
{
	struct dynamic *d = user;
	uint64_t now = loop_now(link_loop(d->link));

	while (!list_empty(&d->asking)) {
		struct session *s = CONTAINER(d->asking.next, struct session, node);

		if (s->deadline > now) {
			timer_at(d->timer, s->deadline);
			return;
		}
		note(s, false, "no request within 10 seconds", "");
		pump_break(leave(s));
	}
}

static struct session *session_new(struct dynamic *d, const struct event *ev, const char *text)
{
	struct session *s = calloc(1, sizeof(*s));
	struct link *l = d->link;

	if (s)
		s->pump = pump_new(l, ev->chan);
	if (!s || !s->pump) {
		free(s);
		return NULL;
	}
	s->set = d;
	s->text = text;
	s->pump_event = s->pump->owner.event;
	s->pump->owner.event = on_event;
	s->pump->stand_in = s;
	s->deadline = loop_now(link_loop(l)) + SOCKS_MS;
	list_add_tail(&d->asking, &s->node);
	return s;
}

void dynamic_open(struct dynamic *d, const struct event *ev, const char *text)
{
	struct link *l = d->link;
	struct session *s = session_new(d, ev, text);
	const struct answer yes = { .yes = true, .user = s ? &s->pump->owner : NULL };

	if (!s)
		refuse_open(l, ev->question, OPEN_SHORTAGE, "out of memory");
	else if (conn_answer(link_conn(l), ev->question, &yes))
		pump_free(leave(s));
	else if (d->asking.next == &s->node)
		timer_at(d->timer, s->deadline);
}

int dynamic_init(struct dynamic *d, struct link *l, struct dialer *dialer, int family,
		 const struct dynamic_calls *calls, void *user)
{
	*d = (struct dynamic){ .link = l, .dialer = dialer, .family = family, .calls = calls, .user = user };
	list_init(&d->asking);
	list_init(&d->dialing);
	return timer_new(&d->timer, link_loop(l), on_timer, d);
}

static void end_all(struct list *sessions)
{
	while (!list_empty(sessions))
		pump_break(leave(CONTAINER(sessions->next, struct session, node)));
}

void dynamic_fini(struct dynamic *d)
{
	end_all(&d->asking);
	end_all(&d->dialing);
	timer_free(d->timer);
}
