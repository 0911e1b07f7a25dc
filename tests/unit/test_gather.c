/* When the kernel is asked to collect: after a span of bulk, and never longer than that lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fwd/gather.h"

enum { PIECE = 1 << 20, ENOUGH = GATHER_BYTES / PIECE };

/* One span: `n` pieces, the last of them at its last millisecond. The time after it. */
static uint64_t span_of(struct gather *g, uint64_t now, int n)
{
	for (int ms = 0; ms < GATHER_SPAN_MS; ms++)
		gather_turn(g, now + ms, ms ? 1 : (size_t)n * PIECE);
	return now + GATHER_SPAN_MS;
}

static void test_too_little(void **state)
{
	struct gather g;
	uint64_t now = 100;

	(void)state;
	gather_init(&g, now);
	for (int i = 0; i < 10; i++) {
		now = span_of(&g, now, ENOUGH - 1);
		assert_int_equal(g.wake, 1);
	}
	assert_int_equal(gather_deadline(&g), UINT64_MAX);
}

static void test_bulk(void **state)
{
	struct gather g;
	uint64_t now;

	(void)state;
	gather_init(&g, 100);
	now = span_of(&g, 100, ENOUGH);
	assert_int_equal(g.wake, 1);
	assert_true(gather_turn(&g, now, PIECE));
	assert_int_equal(g.wake, GATHER_WAKE);
	assert_int_equal(gather_deadline(&g), now + GATHER_MS);
	assert_false(gather_turn(&g, now, PIECE));
}

static void test_pause_ends_it(void **state)
{
	struct gather g;
	uint64_t now;

	(void)state;
	gather_init(&g, 100);
	now = span_of(&g, 100, ENOUGH);
	gather_turn(&g, now, PIECE);
	assert_false(gather_turn(&g, now + GATHER_MS - 1, 0));
	assert_true(gather_turn(&g, now + GATHER_MS, 0));
	assert_int_equal(g.wake, 1);
	assert_int_equal(gather_deadline(&g), UINT64_MAX);
	assert_true(gather_turn(&g, now + GATHER_MS, PIECE)); /* it goes on */
}

static void test_slower_ends_it(void **state)
{
	struct gather g;
	uint64_t now;

	(void)state;
	gather_init(&g, 100);
	now = span_of(&g, 100, ENOUGH);
	now = span_of(&g, now, 1);
	assert_int_equal(g.wake, GATHER_WAKE);
	assert_true(gather_turn(&g, now, PIECE));
	assert_int_equal(g.wake, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_bulk),
		cmocka_unit_test(test_pause_ends_it),
		cmocka_unit_test(test_slower_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
