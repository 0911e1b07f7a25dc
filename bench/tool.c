/* What the programs of the benchmark share. */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

unsigned whole(const char *text, unsigned min, unsigned max)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (end == text || *end || *text == '-' || errno || v < min || v > max)
		die("not a number from %u to %u: %s", min, max, text);
	return (unsigned)v;
}

void raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* refused: then the lower limit stands, and whoever meets it says so */
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void sort_numbers(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
}

uint64_t percentile(const uint64_t *sorted, size_t n, double share)
{
	return n ? sorted[(size_t)(share * (double)(n - 1) + 0.5)] : 0;
}
