/* How much may be queued towards the network: about four milliseconds of what it takes, so that a short message does
 * not wait behind a long queue on a slow link, and a fast one is kept busy. Numbers only; not for the socket. */
#ifndef ADIT_FWD_PACE_H
#define ADIT_FWD_PACE_H

#include "base/base.h"

enum { PACE_LEAST = 32 * 1024, PACE_MOST = 256 * 1024, PACE_QUEUE_MS = 4, PACE_WINDOW_MS = 50 };

struct pace {
	size_t size;	   /* bytes that one turn may seal, and that the kernel may hold unsent: a power of two */
	uint64_t last_ms;  /* the last turn */
	bool blocked;	   /* the network took no more then */
	uint64_t busy_ms;  /* time behind such turns, */
	size_t busy_bytes; /* and what was taken in it */
	size_t free_bytes; /* taken while nothing was in the way */
};

void pace_init(struct pace *p, uint64_t now_ms);
/* Once per turn: the network took `bytes`; `blocked` = and takes no more now. True when `size` has changed. */
bool pace_turn(struct pace *p, uint64_t now_ms, size_t bytes, bool blocked);

#endif
