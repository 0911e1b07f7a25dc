/* Who may send now: the readable local sockets of one connection, served in turn once per turn of the loop.
 * Not for reading them: a flow knows how to serve itself. */
#ifndef ADIT_FWD_SCHED_H
#define ADIT_FWD_SCHED_H

#include "base/list.h"

/* A flow that sends more at once is bulk; nobody's share is smaller. */
enum { SCHED_PACKET = 32 * 1024 };

enum served {
	SERVED_MORE, /* it used its share up: stays in the queue */
	SERVED_OFF,  /* it left: drained and watched again, or waiting for window, or gone; do not touch it */
	SERVED_SHUT  /* nothing can be sealed at all now: stays first in the queue, the turn is over */
};

/* A readable local socket. Embedded in its owner; zero is a flow in no queue. */
struct flow {
	struct list node;
	/* Send at most `share` bytes; *sent says how many. Returns SERVED_OFF also after freeing the flow. It must not
	 * call sched_add() for itself. */
	enum served (*serve)(struct flow *f, size_t share, size_t *sent);
	bool bulk; /* set by serve() before SERVED_OFF: it sent more than a packet, or its whole share */
};

struct sched {
	struct list quiet, bulk;
	size_t bulk_count;
};

void sched_init(struct sched *s);
/* Puts a readable flow into the queue: quiet ones go first. Nothing when it is there already. */
void sched_add(struct sched *s, struct flow *f);
/* Takes it out, if it is in. */
void sched_del(struct sched *s, struct flow *f);
bool sched_has(const struct flow *f);
/* Is anybody waiting? */
bool sched_waiting(const struct sched *s);
/* One turn of at most `room` bytes (and a packet): quiet flows first, one packet each; then the others round robin with
 * equal shares of what is left; at least one of them is served however many quiet ones there are. Bytes are divisible
 * here, so equal shares are what deficit round robin comes to. Returns the bytes sent. */
size_t sched_run(struct sched *s, size_t room);

#endif
