/* A bounded number of connects in flight, and a queue of those that wait for their turn. */
#include "fwd/dialer.h"

#include "io/sock.h"

void dialer_init(struct dialer *d, struct loop *loop, unsigned max)
{
	*d = (struct dialer){ .loop = loop, .max = MAX(max, 1u) };
	list_init(&d->waiting);
	list_init(&d->turn);
}

void dial_quota_init(struct dial_quota *q, unsigned max)
{
	*q = (struct dial_quota){ .max = max };
	list_init(&q->turns);
}

void dialer_joins(struct dialer *d, struct dial_quota *q)
{
	d->quota = q;
}

/* One more is under way (1), or one less (-1). */
static void count(struct dialer *d, int by)
{
	d->active += (unsigned)by;
	if (d->quota)
		d->quota->active += (unsigned)by;
}

static void on_dialed(void *user, int fd, const struct addr *peer, const struct why *why);

/* The first one that waits. */
static void start(struct dialer *d)
{
	struct dial_job *j = CONTAINER(list_pop(&d->waiting), struct dial_job, node);
	static const struct why no_memory = { "out of memory" };

	if (dial_new(&j->dial, d->loop, &j->spec, on_dialed, j) == OK)
		count(d, 1);
	else
		j->done(j, ERR_NOMEM, NULL, &no_memory);
}

static bool could_start(const struct dialer *d)
{
	return !d->closed && d->active < d->max && !list_empty(&d->waiting);
}

static void queue(struct dialer *d)
{
	if (could_start(d) && !list_linked(&d->turn))
		list_add_tail(&d->quota->turns, &d->turn);
}

static void take_turns(struct dial_quota *q)
{
	struct list *node;

	while (q->active < q->max && (node = list_pop(&q->turns))) {
		struct dialer *d = CONTAINER(node, struct dialer, turn);

		if (could_start(d))
			start(d);
		queue(d);
	}
}

static void start_waiting(struct dialer *d)
{
	if (d->quota) {
		queue(d);
		take_turns(d->quota);
		return;
	}
	while (could_start(d))
		start(d);
}

static void on_dialed(void *user, int fd, const struct addr *peer, const struct why *why)
{
	struct dial_job *j = user;
	struct dialer *d = j->set;

	j->dial = NULL;
	count(d, -1);
	j->done(j, fd, peer, why);
	start_waiting(d);
}

void dialer_add(struct dialer *d, struct dial_job *j)
{
	j->set = d;
	j->dial = NULL;
	list_add_tail(&d->waiting, &j->node);
	start_waiting(d);
}

void dialer_drop(struct dial_job *j)
{
	if (!j->set)
		return;
	list_del(&j->node);
	if (!j->dial)
		return;
	dial_cancel(j->dial);
	j->dial = NULL;
	count(j->set, -1);
	start_waiting(j->set);
}

void dialer_close(struct dialer *d)
{
	d->closed = true;
	list_del(&d->turn);
}
