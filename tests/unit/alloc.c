/* The wrappers that ld --wrap puts in front of the allocator. */
#include "alloc.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void __wrap_free(void *p);

/* The live blocks, hashed by address with linear probing: a library may hand us a block to free that it allocated
 * itself, so a mere count would drift. */
enum { PLACES = 1 << 18 };

static struct {
	size_t count, live, bytes;
	bool armed, failed;
	size_t left; /* allocations before the one that fails */
	void *block[PLACES];
} state;

static size_t home(const void *p)
{
	return (size_t)((uint64_t)(uintptr_t)p * 0x9e3779b97f4a7c15 >> 40) % PLACES;
}

/* Where p is, or the empty place where it would be. */
static size_t place_of(const void *p)
{
	size_t i = home(p);

	while (state.block[i] && state.block[i] != p)
		i = (i + 1) % PLACES;
	return i;
}

static size_t taken(void *p)
{
	return malloc_usable_size(p) + sizeof(size_t);
}

static void *remember(void *p)
{
	if (!p)
		return NULL;
	assert(state.live < PLACES / 2);
	state.block[place_of(p)] = p;
	state.live++;
	state.bytes += taken(p);
	return p;
}

/* The blocks behind the gap move up, so that no search stops at it. */
static void forget(void *p)
{
	size_t gap = place_of(p), i;

	if (!p || !state.block[gap])
		return;
	state.live--;
	state.bytes -= taken(p);
	state.block[gap] = NULL;
	for (i = (gap + 1) % PLACES; state.block[i]; i = (i + 1) % PLACES) {
		void *moved = state.block[i];

		state.block[i] = NULL;
		state.block[place_of(moved)] = moved;
	}
}

/* Counts one allocation; true when it is the one that fails. */
static bool fails(void)
{
	state.count++;
	if (!state.armed || state.left-- > 0)
		return false;
	state.armed = false;
	state.failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : remember(__real_malloc(n));
}

void *__wrap_calloc(size_t k, size_t n)
{
	return fails() ? NULL : remember(__real_calloc(k, n));
}

void *__wrap_realloc(void *p, size_t n)
{
	void *moved;

	if (fails())
		return NULL;
	forget(p);
	moved = __real_realloc(p, n);
	remember(moved ? moved : p);
	return moved;
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : remember(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : remember(__real_strndup(s, n));
}

void __wrap_free(void *p)
{
	forget(p);
	__real_free(p);
}

size_t alloc_count(void)
{
	return state.count;
}

size_t alloc_live(void)
{
	return state.live;
}

size_t alloc_bytes(void)
{
	return state.bytes;
}

void alloc_fail_at(size_t n)
{
	state.armed = true;
	state.failed = false;
	state.left = n;
}

bool alloc_fail_end(void)
{
	state.armed = false;
	return state.failed;
}

size_t alloc_torture(int (*scenario)(void *ctx), void *ctx)
{
	for (size_t n = 0;; n++) {
		size_t live = alloc_live();
		int err;

		alloc_fail_at(n);
		err = scenario(ctx);
		if (!alloc_fail_end()) {
			assert_int_equal(err, OK);
			assert_int_equal(alloc_live(), live);
			return n;
		}
		if (alloc_live() != live)
			fail_msg("%zu blocks are left after allocation %zu failed", alloc_live() - live, n);
	}
}
