/* Connects in flight, bounded: the rest waits in order, and a waiting one holds nothing but its place. Dialers may have
 * a bound together, too.
 * Not for what the connection is for. */
#ifndef ADIT_FWD_DIALER_H
#define ADIT_FWD_DIALER_H

#include "base/list.h"
#include "io/dial.h"

enum { DIALS_MAX = 256, DIAL_MS = 15000 };

/* What several dialers may have under way together. Those that find none left take turns, a connect at a time. */
struct dial_quota {
	unsigned active, max;
	struct list turns; /* of dialers that could go on */
};

struct dialer {
	struct loop *loop;
	struct list waiting;
	unsigned active, max;
	bool closed;
	struct dial_quota *quota; /* or NULL */
	struct list turn;
};

/* Embedded in whoever wants the connection. The strings of `spec` must live until `done`. */
struct dial_job {
	struct list node;
	struct dialer *set;
	struct dial *dial;
	struct dial_spec spec;
	/* As dial_fn says: fd >= 0 is the callee's, otherwise it is the error. Called once; may free the job. */
	void (*done)(struct dial_job *j, int fd, const struct addr *peer, const struct why *why);
};

/* At most `max` connects are under way at a time; 0 counts as 1. */
void dialer_init(struct dialer *d, struct loop *loop, unsigned max);
void dial_quota_init(struct dial_quota *q, unsigned max);
/* Before the first job. The quota outlives the dialer's last job, and the dialer is closed before it goes. */
void dialer_joins(struct dialer *d, struct dial_quota *q);
/* Connects now or later. `done` is never called from within, except when memory is out. */
void dialer_add(struct dialer *d, struct dial_job *j);
/* `done` will not be called. */
void dialer_drop(struct dial_job *j);
/* Nothing that waits is started any more: before the jobs are dropped one by one. */
void dialer_close(struct dialer *d);

#endif
