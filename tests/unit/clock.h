/* The monotonic clock, which the test moves ahead: deadlines of a minute are met without waiting for one. */
#ifndef ADIT_TESTS_CLOCK_H
#define ADIT_TESTS_CLOCK_H

#include <stdint.h>

/* So many milliseconds pass at once. A loop notices at its next turn. */
void clock_skip(uint64_t ms);

#endif
