/* For the tests of crypto/: the fetched algorithms, hexadecimal vectors, and an allocator that counts and fails, under
 * our own code (link with --wrap=malloc,--wrap=calloc,--wrap=free) and under libcrypto. */
#ifndef ADIT_TESTS_CRYPTO_RIG_H
#define ADIT_TESTS_CRYPTO_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/buf.h"
#include "crypto/crypto.h"

static struct crypto *crypto;

/* --- memory --- */

static long mem_live, mem_calls, mem_lib_calls, mem_fail_at = -1; /* mem_calls counts libcrypto's too */

void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void __wrap_free(void *p);

static inline void *mem_counted(void *p)
{
	mem_live += p != NULL;
	return p;
}

/* True for the one call that is to fail. */
static inline bool mem_fails(void)
{
	mem_calls++;
	return mem_fail_at >= 0 && mem_fail_at-- == 0;
}

void *__wrap_malloc(size_t n)
{
	return mem_fails() ? NULL : mem_counted(__real_malloc(n));
}

void *__wrap_calloc(size_t k, size_t n)
{
	return mem_fails() ? NULL : mem_counted(__real_calloc(k, n));
}

void __wrap_free(void *p)
{
	mem_live -= p != NULL;
	__real_free(p);
}

static inline void *lib_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	mem_lib_calls++;
	return n ? malloc(n) : NULL;
}

static inline void lib_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static inline void *lib_realloc(void *p, size_t n, const char *file, int line)
{
	if (!p)
		return lib_malloc(n, file, line);
	mem_lib_calls++;
	return mem_fails() ? NULL : realloc(p, n); /* one block before, one block after */
}

/* What is allocated, without libcrypto's queue of errors, which keeps its strings. */
static inline long mem_now(void)
{
	OPENSSL_thread_stop();
	return mem_live;
}

/* Calls `make` again and again, with the first allocation failing, then the second, ...: it must report each failure
 * and leave nothing behind. It returns an err and frees what it made. */
static inline void every_allocation_fails(const char *name, int (*make)(const void *arg), const void *arg)
{
	long before, n = 0;
	int err = make(arg); /* what libcrypto allocates once and keeps */

	assert_int_equal(err, OK);
	before = mem_now();
	do {
		mem_fail_at = n++;
		err = make(arg);
		if (mem_fail_at >= 0) { /* it was never reached */
			mem_fail_at = -1;
			assert_int_equal(err, OK);
			break;
		}
		if (err != OK && err != ERR_NOMEM && err != ERR_CRYPTO && err != ERR_KEX)
			fail_msg("%s: allocation %ld failed, and it returned %d", name, n, err);
		if (mem_now() != before)
			fail_msg("%s: allocation %ld failed, and %ld blocks are left", name, n, mem_live - before);
	} while (n < 10000);
	assert_in_range(n, 2, 9999);
}

/* --- the rest --- */

static inline int rig_setup(void **state)
{
	(void)state;
	if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1)
		return -1;
	return crypto_new(&crypto, NULL);
}

static inline int rig_teardown(void **state)
{
	(void)state;
	crypto_free(crypto);
	return 0;
}

/* The bytes of a hexadecimal text; their number. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

#define assert_hex(got, len, hex)                    \
	do {                                         \
		uint8_t want_[1024];                 \
		size_t n_ = unhex(hex, want_);       \
		assert_int_equal(len, n_);           \
		assert_memory_equal(got, want_, n_); \
	} while (0)

#endif
