/* The number table: free places form a queue through the places themselves. */
#include "base/slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define NONE UINT32_MAX /* no place: ends the queue of free ones */

struct slot {
	void *object;	    /* NULL = free */
	uint32_t next_free; /* valid only when free */
};

void slots_init(struct slots *s, uint32_t limit)
{
	*s = (struct slots){ .limit = limit, .free_head = NONE, .free_tail = NONE };
}

void slots_fini(struct slots *s)
{
	free(s->slot);
	slots_init(s, s->limit);
}

static void enqueue(struct slots *s, uint32_t id)
{
	s->slot[id] = (struct slot){ NULL, NONE };
	if (s->free_tail == NONE)
		s->free_head = id;
	else
		s->slot[s->free_tail].next_free = id;
	s->free_tail = id;
}

static bool grow(struct slots *s)
{
	uint32_t cap = s->cap ? s->cap * 2 : 8;
	struct slot *slot = realloc(s->slot, cap * sizeof(*slot));

	if (!slot)
		return false;
	s->slot = slot;
	for (uint32_t id = s->cap; id < cap; id++)
		enqueue(s, id);
	s->cap = cap;
	return true;
}

int slots_add(struct slots *s, void *object, uint32_t *id)
{
	if (s->used >= s->limit)
		return ERR_LIMIT;
	if (s->free_head == NONE && !grow(s))
		return ERR_NOMEM;
	*id = s->free_head;
	s->free_head = s->slot[*id].next_free;
	if (s->free_head == NONE)
		s->free_tail = NONE;
	s->slot[*id].object = object;
	s->used++;
	return OK;
}

void *slots_get(const struct slots *s, uint32_t id)
{
	return id < s->cap ? s->slot[id].object : NULL;
}

void slots_del(struct slots *s, uint32_t id)
{
	assert(slots_get(s, id));
	s->used--;
	enqueue(s, id);
}

void *slots_next(const struct slots *s, uint32_t *id)
{
	for (; *id < s->cap; ++*id)
		if (s->slot[*id].object)
			return s->slot[*id].object;
	return NULL;
}
