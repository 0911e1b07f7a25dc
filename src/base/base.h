/* What every file may use: sizes, attributes, small arithmetic. Not for anything with a body. */
#ifndef ADIT_BASE_BASE_H
#define ADIT_BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEN(a)	  (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* The object of type t whose member m is at p. */
#define CONTAINER(p, t, m) ((t *)(void *)((char *)(p)-offsetof(t, m)))

#define MUST_CHECK	  __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#endif
