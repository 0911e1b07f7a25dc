/* A table to find a source, and a binary heap to find the penalty that ends first: a stranger with a /64 of addresses
 * makes many entries, and none of them may cost more than the logarithm of their number. */
#include "app/offenders.h"

#include <stdlib.h>

#include "base/table.h"

struct offender {
	struct ip source; /* the key */
	uint64_t until_ms;
	size_t at; /* in the heap */
	UT_hash_handle hh;
};

void offenders_fini(struct offenders *o)
{
	while (o->n)
		offenders_forgive(o);
	free(o->heap);
	*o = (struct offenders){ 0 };
}

static struct offender *find(const struct offenders *o, const struct ip *source)
{
	struct offender *e;

	HASH_FIND(hh, o->table, source, sizeof(*source), e);
	return e;
}

uint64_t offenders_until(const struct offenders *o, const struct ip *source)
{
	const struct offender *e = find(o, source);

	return e ? e->until_ms : 0;
}

/* ---- the heap ---- */

static void put(struct offenders *o, size_t at, struct offender *e)
{
	o->heap[at] = e;
	e->at = at;
}

/* Moves e from its place towards the top, as far as others end later. */
static void rise(struct offenders *o, struct offender *e)
{
	size_t at = e->at;

	for (; at && o->heap[(at - 1) / 2]->until_ms > e->until_ms; at = (at - 1) / 2)
		put(o, at, o->heap[(at - 1) / 2]);
	put(o, at, e);
}

/* The child of `at` that ends first; o->n or more: it has none. */
static size_t child_of(const struct offenders *o, size_t at)
{
	size_t c = 2 * at + 1;

	return c + 1 < o->n && o->heap[c + 1]->until_ms < o->heap[c]->until_ms ? c + 1 : c;
}

/* Moves e from its place away from the top, as far as others end sooner. */
static void sink(struct offenders *o, struct offender *e)
{
	size_t at = e->at;

	for (size_t c = child_of(o, at); c < o->n && o->heap[c]->until_ms < e->until_ms; c = child_of(o, at)) {
		put(o, at, o->heap[c]);
		at = c;
	}
	put(o, at, e);
}

/* ---- the book ---- */

void offenders_forgive(struct offenders *o)
{
	struct offender *first = o->heap[0], *last = o->heap[--o->n];

	if (last != first) {
		last->at = 0;
		sink(o, last);
	}
	HASH_DEL(o->table, first);
	free(first);
}

size_t offenders_count(struct offenders *o, uint64_t now_ms)
{
	while (o->n && o->heap[0]->until_ms <= now_ms)
		offenders_forgive(o);
	return o->n;
}

static int make_room(struct offenders *o)
{
	size_t room = o->room ? 2 * o->room : 16;
	struct offender **heap;

	if (o->n < o->room)
		return OK;
	heap = realloc(o->heap, room * sizeof(struct offender *));
	if (!heap)
		return ERR_NOMEM;
	o->heap = heap;
	o->room = room;
	return OK;
}

static void make(struct offenders *o, const struct ip *source, uint64_t until_ms)
{
	struct offender *e = make_room(o) ? NULL : calloc(1, sizeof(*e));

	if (!e)
		return;
	e->source = *source;
	e->until_ms = until_ms;
	HASH_ADD(hh, o->table, source, sizeof(e->source), e);
	if (!e->hh.tbl) {
		free(e);
		return;
	}
	e->at = o->n++;
	rise(o, e);
}

void offenders_add(struct offenders *o, const struct ip *source, uint64_t now_ms, uint32_t ms, uint64_t latest_ms)
{
	struct offender *e = find(o, source);

	if (!e) {
		make(o, source, MIN(now_ms + ms, latest_ms));
		return;
	}
	e->until_ms = MIN(MAX(e->until_ms, now_ms) + ms, latest_ms);
	sink(o, e);
	rise(o, e);
}
