/* A run of bytes that somebody else owns. */
#ifndef ADIT_BASE_SPAN_H
#define ADIT_BASE_SPAN_H

#include <string.h>

#include "base/base.h"

struct span {
	const uint8_t *p;
	size_t n;
};

static inline struct span span(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/* The bytes of a C string without its NUL. */
static inline struct span span_str(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Exact-length compare: "ssh\0x" is not "ssh". */
static inline bool span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

#endif
