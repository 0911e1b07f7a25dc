/* Channels that the peer asks for: connect, then answer. */
#include "fwd/connector.h"

#include "io/sock.h"

void refuse_open(struct link *l, uint32_t question, enum open_reason reason, const char *words)
{
	const struct answer no = { .reason = reason, .data = span_str(words) };

	(void)conn_answer(link_conn(l), question, &no); /* gone: then nobody waits for it */
}

/* The call belongs to `done` from here on. */
static void settle(struct call *call, struct pump *p, const struct addr *peer, int err, const struct why *why)
{
	dialer_drop(&call->job);
	link_leave(&call->owner);
	list_del(&call->node);
	call->done(call, p, peer, err, why);
}

static void accept_open(struct call *call, int fd, const struct addr *peer)
{
	static const struct why no_memory = { "out of memory" }, gone = { "the channel is gone" };
	struct link *l = call->set->link;
	struct pump *p = pump_new(l, call->chan);
	const struct answer yes = { .yes = true, .user = p ? &p->owner : NULL };

	if (!p) {
		sock_reset(fd);
		refuse_open(l, call->question, OPEN_SHORTAGE, no_memory.text);
		settle(call, NULL, NULL, ERR_NOMEM, &no_memory);
		return;
	}
	if (conn_answer(link_conn(l), call->question, &yes)) {
		sock_reset(fd);
		pump_free(p);
		settle(call, NULL, NULL, ERR_CLOSED, &gone);
		return;
	}
	pump_start(p, fd);
	settle(call, p, peer, OK, NULL);
}

/* What the judge found out about an address is not for the peer, unless the judge wants it so: the words are those of
 * OpenSSH. */
static void refuse_dial(const struct call *call, int err, const struct why *why)
{
	struct link *l = call->set->link;

	if (err == ERR_DENIED)
		refuse_open(l, call->question, OPEN_PROHIBITED, call->denied ? call->denied : "open failed");
	else
		refuse_open(l, call->question, err == ERR_NOMEM ? OPEN_SHORTAGE : OPEN_CONNECT_FAILED, why->text);
}

static void on_dialed(struct dial_job *j, int fd, const struct addr *peer, const struct why *why)
{
	struct call *call = CONTAINER(j, struct call, job);

	if (fd >= 0) {
		accept_open(call, fd, peer);
		return;
	}
	refuse_dial(call, fd, why);
	settle(call, NULL, NULL, fd, why);
}

static void on_event(struct owner *o, const struct event *ev)
{
	static const struct why lost = { "the connection was lost" };

	(void)ev; /* it can only be the end of the connection */
	settle(CONTAINER(o, struct call, owner), NULL, NULL, ERR_CLOSED, &lost);
}

void connector_open(struct connector *k, struct call *call, const struct event *ev)
{
	call->owner.event = on_event;
	call->job.spec.timeout_ms = DIAL_MS;
	call->job.done = on_dialed;
	call->set = k;
	call->question = ev->question;
	call->chan = ev->chan;
	link_join(k->link, &call->owner);
	list_add_tail(&k->calls, &call->node);
	dialer_add(&k->dialer, &call->job);
}

void connector_init(struct connector *k, struct link *l, unsigned dials)
{
	*k = (struct connector){ .link = l };
	dialer_init(&k->dialer, link_loop(l), dials);
	list_init(&k->calls);
}

void connector_fini(struct connector *k)
{
	static const struct why gone = { "the forward is gone" };

	dialer_close(&k->dialer);
	while (!list_empty(&k->calls)) {
		struct call *call = CONTAINER(k->calls.next, struct call, node);

		refuse_open(k->link, call->question, OPEN_PROHIBITED, gone.text);
		settle(call, NULL, NULL, ERR_CLOSED, &gone);
	}
}
