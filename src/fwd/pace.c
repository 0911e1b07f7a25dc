/* The rate of the network, measured only while it is what holds us up. Where it does not, nothing queues, and the size
 * grows back, because a small one costs a busy sender system calls. */
#include "fwd/pace.h"

enum { FREE_MOST = 1 << 20 };

void pace_init(struct pace *p, uint64_t now_ms)
{
	*p = (struct pace){ .size = PACE_MOST, .last_ms = now_ms };
}

/* Shrinks only when it is far too large: rates that waver do not change it every time. */
static size_t size_for(size_t now, uint64_t wanted)
{
	size_t size = PACE_LEAST;

	if (wanted <= now && wanted > now / 3)
		return now;
	while (size < PACE_MOST && size < wanted)
		size *= 2;
	return size;
}

static void set(struct pace *p, size_t size)
{
	p->size = size;
	p->busy_ms = 0;
	p->busy_bytes = p->free_bytes = 0;
}

bool pace_turn(struct pace *p, uint64_t now_ms, size_t bytes, bool blocked)
{
	size_t before = p->size;

	if (p->blocked) {
		p->busy_ms += now_ms - p->last_ms;
		p->busy_bytes += bytes;
	} else {
		p->free_bytes += bytes;
	}
	p->last_ms = now_ms;
	p->blocked = blocked;
	if (p->busy_ms >= PACE_WINDOW_MS)
		set(p, size_for(p->size, (uint64_t)p->busy_bytes * PACE_QUEUE_MS / p->busy_ms));
	else if (p->free_bytes >= FREE_MOST)
		set(p, MIN(p->size * 2, (size_t)PACE_MOST));
	return p->size != before;
}
