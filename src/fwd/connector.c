/* Channels that the peer asks for: connect, then answer. */
#include "fwd/connector.h"

#include <stdio.h>
#include <stdlib.h>

#include "fwd/pump.h"
#include "io/sock.h"

/* A question that waits for a connect. */
struct call {
	struct owner owner; /* hears of the death of the connection */
	struct dial_job job;
	struct list node;
	struct connector *set;
	const char *text;
	uint32_t question, chan;
};

void refuse_open(struct link *l, uint32_t question, enum open_reason reason, const char *words)
{
	const struct answer no = { .reason = reason, .data = span_str(words) };

	(void)conn_answer(link_conn(l), question, &no); /* gone: then nobody waits for it */
}

static void call_free(struct call *call)
{
	dialer_drop(&call->job);
	link_leave(&call->owner);
	list_del(&call->node);
	free(call);
}

static void accept_open(struct call *call, int fd)
{
	struct link *l = call->set->link;
	struct pump *p = pump_new(l, call->chan);
	const struct answer yes = { .yes = true, .user = p ? &p->owner : NULL };

	if (!p) {
		sock_reset(fd);
		refuse_open(l, call->question, OPEN_SHORTAGE, "out of memory");
		return;
	}
	if (conn_answer(link_conn(l), call->question, &yes)) {
		sock_reset(fd);
		pump_free(p);
		return;
	}
	pump_start(p, fd);
}

static void on_dialed(struct dial_job *j, int fd, const struct why *why)
{
	struct call *call = CONTAINER(j, struct call, job);
	struct connector *k = call->set;
	char what[WHY_MAX + 32];

	if (fd >= 0) {
		accept_open(call, fd);
	} else {
		snprintf(what, sizeof(what), "connect failed: %s", why->text);
		k->say(k->user, false, call->text, what);
		refuse_open(k->link, call->question, OPEN_CONNECT_FAILED, why->text);
	}
	call_free(call);
}

static void on_event(struct owner *o, const struct event *ev)
{
	(void)ev; /* it can only be the end of the connection */
	call_free(CONTAINER(o, struct call, owner));
}

void connector_open(struct connector *k, const struct event *ev, const struct dial_spec *to, const char *text)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call) {
		refuse_open(k->link, ev->question, OPEN_SHORTAGE, "out of memory");
		return;
	}
	call->owner.event = on_event;
	call->job.spec = *to;
	call->job.spec.timeout_ms = DIAL_MS;
	call->job.done = on_dialed;
	call->set = k;
	call->text = text;
	call->question = ev->question;
	call->chan = ev->chan;
	link_join(k->link, &call->owner);
	list_add_tail(&k->calls, &call->node);
	dialer_add(&k->dialer, &call->job);
}

void connector_init(struct connector *k, struct link *l, forward_say_fn *say, void *user)
{
	*k = (struct connector){ .link = l, .say = say, .user = user };
	dialer_init(&k->dialer, link_loop(l));
	list_init(&k->calls);
}

void connector_fini(struct connector *k)
{
	dialer_close(&k->dialer);
	while (!list_empty(&k->calls)) {
		struct call *call = CONTAINER(k->calls.next, struct call, node);

		refuse_open(k->link, call->question, OPEN_PROHIBITED, "the forward is gone");
		call_free(call);
	}
}
