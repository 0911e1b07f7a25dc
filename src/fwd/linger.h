/* Sockets that have lost their channel: what is queued is still delivered, then they close as their stream ended.
 * Not for sockets with a living channel (pump.h). */
#ifndef ADIT_FWD_LINGER_H
#define ADIT_FWD_LINGER_H

#include "base/list.h"
#include "fwd/backlog.h"
#include "io/loop.h"

enum {
	LINGER_BROKEN_MS = 10000, /* a broken stream: this long altogether */
	LINGER_GRACE_MS = 50,	  /* a reset waits so long after the last bytes, for many systems drop unread ones */
	LINGER_CLEAN_MS = 60000	  /* a stream that ended: this long without progress */
};

/* The ceiling of all their backlogs together; the oldest is reset when it would be passed. */
#define LINGER_BYTES ((size_t)64 * 1024 * 1024)

enum linger_end {
	LINGER_RESET, /* the stream broke: a reset, once the other side has taken everything (a reset throws away what
			 the kernel still holds) */
	LINGER_CLOSE  /* it ended: FIN after the last byte */
};

struct lingers {
	struct loop *loop;
	struct turn *turn; /* of who waits for the last of them */
	struct timer *timer;
	struct list all; /* oldest first */
	size_t bytes;
	uint64_t pause_ms; /* until the kernel is asked again for unsent bytes: doubles while nothing new comes */
};

/* `turn`, which outlives them, is woken when one is gone; NULL = nobody's. OK or ERR_NOMEM. */
int lingers_init(struct lingers *ls, struct loop *loop, struct turn *turn) MUST_CHECK;
/* Resets all that are left. A zeroed one is allowed. */
void lingers_fini(struct lingers *ls);
/* Takes the socket and the backlog (which is empty then); no watch of this socket may exist. Never fails: without
 * memory the socket is reset at once. */
void linger(struct lingers *ls, int fd, struct backlog *rest, enum linger_end end);
bool lingers_any(const struct lingers *ls);

#endif
