/* Intrusive doubly linked ring. A zeroed or initialised node that is in no list is "loose". */
#ifndef ADIT_BASE_LIST_H
#define ADIT_BASE_LIST_H

#include "base/base.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return !l->next || l->next == l;
}

/* Is this node in some list? */
static inline bool list_linked(const struct list *l)
{
	return !list_empty(l);
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void list_add_head(struct list *head, struct list *l)
{
	list_add_tail(head->next, l);
}

/* Takes a node out of its list, if it is in one. */
static inline void list_del(struct list *l)
{
	if (l->next) {
		l->next->prev = l->prev;
		l->prev->next = l->next;
	}
	list_init(l);
}

static inline struct list *list_pop(struct list *head)
{
	struct list *l = head->next;

	if (list_empty(head))
		return NULL;
	list_del(l);
	return l;
}

#define LIST_EACH(l, head) for (struct list *l = (head)->next; l != (head); l = l->next)
/* The node may be taken out, or freed, inside the loop. */
#define LIST_EACH_SAFE(l, head) \
	for (struct list *l = (head)->next, *l##_next = l->next; l != (head); l = l##_next, l##_next = l->next)

#endif
