/* Allocations under control: counted, and made to fail. The program must be linked with alloc_wrap of
 * tests/unit/meson.build; then the calls of our own code go through here, those inside shared libraries do not. */
#ifndef ADIT_TESTS_ALLOC_H
#define ADIT_TESTS_ALLOC_H

#include "base/base.h"

/* Calls of malloc, calloc, realloc, strdup and strndup since the start, the failed ones too. */
size_t alloc_count(void);
/* Blocks from those calls that are not yet freed. */
size_t alloc_live(void);
/* What those blocks take, as the allocator rounds them, with its own word in front of each. */
size_t alloc_bytes(void);

/* Lets the n-th allocation from now fail (0 = the next one), and only that. */
void alloc_fail_at(size_t n);
/* Ends it. True when the failure has happened. */
bool alloc_fail_end(void);

/* Runs scenario(ctx) with its first allocation failing, then with its second, and so on until none fails any more.
 * Asserts that no run leaves a block behind, and that the last one returns OK. What a run that met the failure may
 * return is for the scenario to assert; it must not abort. Returns how many allocations were made to fail. */
size_t alloc_torture(int (*scenario)(void *ctx), void *ctx);

#endif
