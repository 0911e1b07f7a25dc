/* Policies written as text, for the tests of what they permit. */
#ifndef ADIT_TESTS_PERMIT_RIG_H
#define ADIT_TESTS_PERMIT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/permit.h"

/* Words with blanks between them; NULL for none. */
static inline void words(struct strs *out, const char *text)
{
	while (text && *text) {
		size_t n = strcspn(text, " ");

		assert_int_equal(strs_take(out, str_from_span(span(text, n))), OK);
		text += n + strspn(text + n, " ");
	}
}

static inline struct ip address(const char *text)
{
	struct ip a = { 0 };

	assert_int_equal(ip_parse(&a, text), OK);
	return a;
}

/* Numbers that are the same in every run. */
static inline unsigned dice(uint64_t *seed, unsigned faces)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % faces;
}

#endif
