/* The book of penalties against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/offenders.h"

enum { SOURCES = 64, STEPS = 20000, LATEST_MS = 500 };

static struct ip source(unsigned i)
{
	return (struct ip){ 4, { 10, 0, 0, (uint8_t)i } };
}

static void the_first_to_end_goes(void **state)
{
	static const uint32_t ms[] = { 500, 100, 400, 200, 300 };
	struct offenders o = { 0 };

	(void)state;
	for (unsigned i = 0; i < LEN(ms); i++) {
		struct ip from = source(i);

		offenders_add(&o, &from, 0, ms[i], 1000);
	}
	assert_int_equal(offenders_count(&o, 99), 5);
	assert_int_equal(offenders_count(&o, 100), 4);
	offenders_forgive(&o); /* 200 */
	assert_int_equal(offenders_count(&o, 0), 3);
	assert_int_equal(offenders_until(&o, &(struct ip){ 4, { 10, 0, 0, 3 } }), 0);
	assert_int_equal(offenders_until(&o, &(struct ip){ 4, { 10, 0, 0, 4 } }), 300);
	assert_int_equal(offenders_count(&o, 500), 0);
	offenders_fini(&o);
}

static void penalties_add_up(void **state)
{
	static const struct {
		uint64_t now;
		uint32_t ms;
		uint64_t latest, want;
	} rows[] = {
		{ 0, 100, 1000, 100 },	  { 50, 100, 1000, 200 },
		{ 50, 5000, 1000, 1000 }, { 60, 0, 700, 700 }, /* the ceiling has come down */
		{ 800, 10, 2000, 810 },			       /* over, and not counted yet */
	};
	struct offenders o = { 0 };
	struct ip from = source(0);

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		offenders_add(&o, &from, rows[i].now, rows[i].ms, rows[i].latest);
		assert_int_equal(offenders_until(&o, &from), rows[i].want);
	}
	offenders_fini(&o);
}

/* Blames at random, while time goes on, agree with a list that is searched from end to end. */
static void as_a_list_would(void **state)
{
	uint64_t list[SOURCES] = { 0 }, now = 0;
	struct offenders o = { 0 };
	uint32_t dice = 1;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		unsigned i = (dice = dice * 1664525 + 1013904223) >> 26;
		uint32_t ms = (dice >> 8) % 200;
		struct ip from = source(i);
		size_t n = 0;

		now += dice >> 4 & 7;
		offenders_add(&o, &from, now, ms, now + LATEST_MS);
		list[i] = MIN(MAX(list[i], now) + ms, now + LATEST_MS);
		for (unsigned k = 0; k < SOURCES; k++)
			n += list[k] > now;
		assert_int_equal(offenders_count(&o, now), n);
		assert_int_equal(offenders_until(&o, &from), list[i] > now ? list[i] : 0);
	}
	offenders_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_to_end_goes),
		cmocka_unit_test(penalties_add_up),
		cmocka_unit_test(as_a_list_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
