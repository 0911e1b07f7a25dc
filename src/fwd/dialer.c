/* A bounded number of connects in flight, and a queue of those that wait for their turn. */
#include "fwd/dialer.h"

#include "io/sock.h"

void dialer_init(struct dialer *d, struct loop *loop, unsigned max)
{
	*d = (struct dialer){ .loop = loop, .max = MAX(max, 1u) };
	list_init(&d->waiting);
}

static void on_dialed(void *user, int fd, const struct addr *peer, const struct why *why);

static void start(struct dialer *d, struct dial_job *j)
{
	static const struct why no_memory = { "out of memory" };

	if (dial_new(&j->dial, d->loop, &j->spec, on_dialed, j) == OK)
		d->active++;
	else
		j->done(j, ERR_NOMEM, NULL, &no_memory);
}

static void start_waiting(struct dialer *d)
{
	struct list *node;

	while (!d->closed && d->active < d->max && (node = list_pop(&d->waiting)))
		start(d, CONTAINER(node, struct dial_job, node));
}

static void on_dialed(void *user, int fd, const struct addr *peer, const struct why *why)
{
	struct dial_job *j = user;
	struct dialer *d = j->set;

	j->dial = NULL;
	d->active--;
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
	j->set->active--;
	start_waiting(j->set);
}

void dialer_close(struct dialer *d)
{
	d->closed = true;
}
