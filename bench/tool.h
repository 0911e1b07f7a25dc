/* What the programs of the benchmark share: the end after a failure, the clock, statistics, descriptors. */
#ifndef ADIT_BENCH_TOOL_H
#define ADIT_BENCH_TOOL_H

#include <stddef.h>
#include <stdint.h>

/* A failure of the benchmark's own: prints the sentence behind the program's name, and ends it with 2. */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);
/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);
/* A whole number from min to max, and nothing behind it; dies otherwise. */
unsigned whole(const char *text, unsigned min, unsigned max);
/* As many descriptors as we may have. */
void raise_descriptor_limit(void);

void sort_numbers(uint64_t *v, size_t n);
/* The value below which a `share` (0 to 1) of the sorted ones lies; 0 when there are none. */
uint64_t percentile(const uint64_t *sorted, size_t n, double share);

#endif
