/* Receive windows, and the banks they are paid from: one of the connection, and one or more, each a part of the next,
 * that it shares with others: of its user, of the process. What is granted to a peer stays charged until its channel is
 * gone, because it cannot be revoked. */
#include "ssh/engine.h"

enum {
	WINDOW_START = 2 << 20, /* what every peer offers */
	WINDOW_FLOOR = 64 * 1024,
	/* One part in so many that is kept: for channels that turn out to be busy, when one begins; in the shared
	 * banks, for channels that others may open, when a busy one grows. */
	OPEN_KEEPS = 4,
	GROWTH_KEEPS = 8
};

/* What every channel that may still come will get at least; half of the connection's bank is set aside for it. */
static uint64_t window_floor(const struct conn *c)
{
	return MIN(WINDOW_FLOOR, c->setup.bank / (2 * (uint64_t)c->setup.max_channels));
}

/* A limit may have been lowered below what is in use. */
static uint64_t left(uint64_t limit, uint64_t used, uint64_t kept)
{
	return limit > used && limit - used > kept ? limit - used - kept : 0;
}

/* What every shared bank has beyond one part in `kept` of it. */
static uint64_t shared(const struct conn *c, uint64_t kept)
{
	uint64_t least = UINT64_MAX;

	for (const struct bank *b = c->setup.shared_bank; b; b = b->whole)
		least = MIN(least, left(b->limit, b->used, b->limit / kept));
	return least;
}

/* The same of the connection's bank, beyond its reserve; 0 keeps nothing else. */
static uint64_t own(const struct conn *c, uint64_t kept)
{
	uint64_t reserve = window_floor(c) * (c->setup.max_channels - c->chans.used);

	return left(c->setup.bank, c->bank_used, reserve + (kept ? c->setup.bank / kept : 0));
}

static void draw(struct conn *c, uint64_t n)
{
	c->bank_used += n;
	for (struct bank *b = c->setup.shared_bank; b; b = b->whole)
		b->used += n;
}

void bank_give_back(struct conn *c, uint64_t n)
{
	c->bank_used -= n;
	for (struct bank *b = c->setup.shared_bank; b; b = b->whole)
		b->used -= n;
}

void conn_leave_bank(struct conn *c)
{
	assert(c->err);
	for (struct bank *b = c->setup.shared_bank; b; b = b->whole)
		b->used -= c->bank_used;
	c->setup.shared_bank = NULL;
}

/* None grants less than the floor. */
const struct bank *conn_spent_bank(const struct conn *c)
{
	for (const struct bank *b = c->setup.shared_bank; b; b = b->whole)
		if (left(b->limit, b->used, 0) < window_floor(c))
			return b;
	return NULL;
}

/* 2 MiB while the banks are rich: with thousands of idle ones open, a new one starts small and grows. */
int bank_open(struct conn *c, uint32_t *window)
{
	uint64_t spare = MIN(own(c, OPEN_KEEPS), shared(c, OPEN_KEEPS));
	uint64_t first = MIN(MAX(spare / 16, window_floor(c)), WINDOW_START);

	if (conn_spent_bank(c))
		return ERR_LIMIT;
	draw(c, first);
	*window = (uint32_t)first;
	return OK;
}

uint32_t bank_grow(struct conn *c, uint32_t size)
{
	uint64_t more = MIN(size, WINDOW_START - MIN(size, WINDOW_START));

	more = MIN(more, MIN(own(c, 0), shared(c, GROWTH_KEEPS)));
	draw(c, more);
	return (uint32_t)more;
}
