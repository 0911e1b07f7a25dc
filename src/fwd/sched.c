/* The ready queues. A flow whose last service fitted into one packet is quiet and goes before the bulk; one that sent
 * more is bulk until a service leaves it with a packet or less. That needs no clock and no idea of the link's rate. */
#include "fwd/sched.h"

void sched_init(struct sched *s)
{
	list_init(&s->quiet);
	list_init(&s->bulk);
	s->bulk_count = 0;
}

/* Bulk flows that came back go to the end; one that was interrupted stays first. */
static void enqueue(struct sched *s, struct flow *f, bool first)
{
	struct list *queue = f->bulk ? &s->bulk : &s->quiet;

	s->bulk_count += f->bulk;
	if (first)
		list_add_head(queue, &f->node);
	else
		list_add_tail(queue, &f->node);
}

void sched_add(struct sched *s, struct flow *f)
{
	if (!sched_has(f))
		enqueue(s, f, false);
}

void sched_del(struct sched *s, struct flow *f)
{
	if (!sched_has(f))
		return;
	list_del(&f->node);
	s->bulk_count -= f->bulk;
}

bool sched_has(const struct flow *f)
{
	return list_linked(&f->node);
}

bool sched_waiting(const struct sched *s)
{
	return !list_empty(&s->quiet) || !list_empty(&s->bulk);
}

/* Serves the first of a queue; false when nothing can be sealed now, and the turn is over. */
static bool serve_first(struct sched *s, struct list *queue, size_t share, size_t *sent)
{
	struct flow *f = CONTAINER(queue->next, struct flow, node);
	size_t n = 0;
	enum served r;

	sched_del(s, f);
	r = f->serve(f, share, &n);
	*sent += n;
	if (r == SERVED_OFF)
		return true;
	if (r == SERVED_MORE)
		f->bulk = true;
	enqueue(s, f, r == SERVED_SHUT);
	return r != SERVED_SHUT;
}

/* Each bulk flow once at most, until the turn's bytes are used up. */
static void serve_bulk(struct sched *s, size_t room, size_t *sent)
{
	size_t left = room - MIN(*sent, room);
	size_t flows = s->bulk_count, share = flows ? MAX(left / flows, (size_t)SCHED_PACKET) : 0;

	while (flows-- && s->bulk_count) {
		if (!serve_first(s, &s->bulk, share, sent) || *sent >= room)
			return;
	}
}

size_t sched_run(struct sched *s, size_t room)
{
	size_t sent = 0;

	while (!list_empty(&s->quiet) && sent < room) {
		if (!serve_first(s, &s->quiet, SCHED_PACKET, &sent))
			return sent;
	}
	serve_bulk(s, room, &sent);
	return sent;
}
