/* The clock is moved where everybody reads it: the clock_gettime() of a program stands before the C library's, for the
 * libraries too. So the loop under test is the one that is shipped, and libuv's timers see the time pass. */
#include "clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t skipped_ms;

void clock_skip(uint64_t ms)
{
	skipped_ms += ms;
}

int clock_gettime(clockid_t which, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, which, t);

	if (r == 0 && (which == CLOCK_MONOTONIC || which == CLOCK_MONOTONIC_COARSE)) {
		t->tv_sec += (time_t)(skipped_ms / 1000);
		t->tv_nsec += (long)(skipped_ms % 1000) * 1000000;
		t->tv_sec += t->tv_nsec / 1000000000;
		t->tv_nsec %= 1000000000;
	}
	return r;
}
