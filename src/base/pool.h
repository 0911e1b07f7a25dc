/* Equal chunks of memory for packets, shared by the connections of one process. Idle connections hold none.
 * Not thread-safe: one pool, one loop. */
#ifndef ADIT_BASE_POOL_H
#define ADIT_BASE_POOL_H

#include "base/base.h"

/* One chunk holds a whole packet of the greatest size (256 KiB) with its length and tag, or eight 32 KiB packets. */
enum { POOL_CHUNK = 288 * 1024 };

struct pool {
	uint8_t **spare; /* stack of `keep` places */
	size_t spares;	 /* how many of them are filled */
	size_t keep;	 /* this many chunks stay allocated when nobody uses them */
	size_t lent;	 /* chunks that are out */
};

/* A pool that keeps at most `keep` spare chunks. OK or ERR_NOMEM. */
int pool_init(struct pool *p, size_t keep) MUST_CHECK;
/* Frees the spares. Every chunk must have come back. */
void pool_fini(struct pool *p);

/* POOL_CHUNK bytes with undefined content, or NULL. Goes back with pool_put(). */
uint8_t *pool_get(struct pool *p);
/* NULL is allowed. */
void pool_put(struct pool *p, uint8_t *chunk);
/* Frees the spare chunks: for a process that has been idle for a while. */
void pool_trim(struct pool *p);

#endif
