/* Comma-separated lists of names (RFC 4251 section 5, name-list). Empty names are skipped. */
#ifndef ADIT_BASE_NAMES_H
#define ADIT_BASE_NAMES_H

#include "base/span.h"

/* Takes the next name from the front of the list; false at the end. */
static inline bool names_next(struct span *list, struct span *name)
{
	while (list->n) {
		const uint8_t *comma = memchr(list->p, ',', list->n);
		size_t n = comma ? (size_t)(comma - list->p) : list->n;
		size_t skip = MIN(n + 1, list->n);

		*name = span(list->p, n);
		*list = span(list->p + skip, list->n - skip);
		if (n)
			return true;
	}
	return false;
}

static inline bool names_have(struct span list, const char *wanted)
{
	struct span name;

	while (names_next(&list, &name))
		if (span_is(name, wanted))
			return true;
	return false;
}

#endif
