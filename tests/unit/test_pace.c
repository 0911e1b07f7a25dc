/* How much is queued towards the network, on links of many rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fwd/pace.h"

/* A link that takes so many bytes per millisecond; the sender always has more. */
static void run(struct pace *p, uint64_t *now, size_t per_ms, unsigned ms)
{
	while (ms--)
		pace_turn(p, ++*now, per_ms, true);
}

static void test_rates(void **state)
{
	static const struct {
		const char *name;
		size_t per_ms, want;
	} rows[] = {
		{ "nothing goes", 0, PACE_LEAST }, { "1 Mb/s", 125, PACE_LEAST },     { "10 Mb/s", 1250, PACE_LEAST },
		{ "100 Mb/s", 12500, 64 * 1024 },  { "160 Mb/s", 20000, 128 * 1024 }, { "1 Gb/s", 125000, PACE_MOST },
		{ "10 Gb/s", 1250000, PACE_MOST },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct pace p;
		uint64_t now = 1000;

		print_message("%s\n", rows[i].name);
		pace_init(&p, now);
		assert_int_equal(p.size, PACE_MOST);
		run(&p, &now, rows[i].per_ms, 200);
		assert_int_equal(p.size, rows[i].want);
		run(&p, &now, 1250000, 60); /* the link becomes fast */
		assert_int_equal(p.size, PACE_MOST);
	}
}

/* Time in which nothing was to be sent is not time in which the network was slow. */
static void test_pause(void **state)
{
	struct pace p;
	uint64_t now = 0;

	(void)state;
	pace_init(&p, now);
	run(&p, &now, 500000, 30);
	pace_turn(&p, ++now, 1000, false);
	now += 3600 * 1000;
	assert_false(pace_turn(&p, now, 100, false));
	run(&p, &now, 500000, 100);
	assert_int_equal(p.size, PACE_MOST);
}

static void test_grows_back_when_nothing_is_in_the_way(void **state)
{
	struct pace p;
	uint64_t now = 0;

	(void)state;
	pace_init(&p, now);
	run(&p, &now, 100, 100);
	assert_int_equal(p.size, PACE_LEAST);
	for (int i = 0; i < 200; i++)
		pace_turn(&p, ++now, 30000, false);
	assert_int_equal(p.size, PACE_MOST);
}

/* A rate that wavers around a boundary does not change the size every time. */
static void test_steady(void **state)
{
	struct pace p;
	uint64_t now = 0;
	unsigned changes = 0;

	(void)state;
	pace_init(&p, now);
	run(&p, &now, 16000, 200); /* 64 kB in 4 ms */
	for (int i = 0; i < 1000; i++)
		changes += pace_turn(&p, ++now, i / 50 % 2 ? 14000 : 18000, true);
	assert_true(changes <= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_grows_back_when_nothing_is_in_the_way),
		cmocka_unit_test(test_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
