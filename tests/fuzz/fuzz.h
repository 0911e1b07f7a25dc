/* The one function that a fuzz target defines; libFuzzer or replay.c calls it. */
#ifndef ADIT_TESTS_FUZZ_H
#define ADIT_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0. Must not change or keep the bytes, and must behave the same for the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
