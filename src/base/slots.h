/* Small numbers for objects: a table index -> pointer that hands out the number that has been free longest, so that a
 * number just freed is not used again at once. */
#ifndef ADIT_BASE_SLOTS_H
#define ADIT_BASE_SLOTS_H

#include "base/base.h"

struct slots {
	struct slot *slot;
	uint32_t cap;	/* allocated places */
	uint32_t used;	/* live objects */
	uint32_t limit; /* used never passes this */
	uint32_t free_head, free_tail;
};

void slots_init(struct slots *s, uint32_t limit);
/* Frees the table, not the objects. */
void slots_fini(struct slots *s);
/* Stores the object and gives its number. OK, ERR_LIMIT at the limit, or ERR_NOMEM. */
int slots_add(struct slots *s, void *object, uint32_t *id) MUST_CHECK;
/* NULL for a number that is not in use. */
void *slots_get(const struct slots *s, uint32_t id);
void slots_del(struct slots *s, uint32_t id);
/* The live object with the lowest number >= *id, whose number is stored to *id; NULL at the end. */
void *slots_next(const struct slots *s, uint32_t *id);

#endif
