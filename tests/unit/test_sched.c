/* Whose turn it is: equal shares, quiet flows first, nobody forgotten, nothing done for those that have nothing to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "fwd/pace.h"
#include "fwd/sched.h"

struct fake {
	struct flow flow;
	size_t has; /* bytes that it could send */
	size_t sent;
	unsigned turns;
	size_t most; /* the largest share it was given */
};

static bool shut;
static struct fake *order[64];
static unsigned served;

static enum served serve(struct flow *f, size_t share, size_t *sent)
{
	struct fake *k = CONTAINER(f, struct fake, flow);

	if (shut)
		return SERVED_SHUT;
	order[served++ % 64] = k;
	k->turns++;
	k->most = MAX(k->most, share);
	*sent = MIN(share, k->has);
	k->has -= *sent;
	k->sent += *sent;
	if (*sent == share)
		return SERVED_MORE;
	f->bulk = *sent > SCHED_PACKET;
	return SERVED_OFF;
}

static void add(struct sched *s, struct fake *k, size_t has)
{
	k->flow.serve = serve;
	k->has += has;
	sched_add(s, &k->flow);
}

static void start(struct sched *s)
{
	shut = false;
	served = 0;
	sched_init(s);
}

static void test_nothing(void **state)
{
	struct sched s;

	(void)state;
	start(&s);
	assert_false(sched_waiting(&s));
	assert_int_equal(sched_run(&s, PACE_MOST), 0);
}

static void test_shut_keeps_order(void **state)
{
	struct fake a = { 0 }, b = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, 10);
	add(&s, &b, 10);
	shut = true;
	assert_int_equal(sched_run(&s, PACE_MOST), 0);
	assert_true(sched_has(&a.flow) && sched_has(&b.flow));
	shut = false;
	assert_int_equal(sched_run(&s, PACE_MOST), 20);
	assert_ptr_equal(order[0], &a);
	assert_ptr_equal(order[1], &b);
	assert_false(sched_waiting(&s));
}

static void test_removed(void **state)
{
	struct fake a = { 0 }, b = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, 1 << 20);
	add(&s, &b, 1 << 20);
	sched_run(&s, PACE_MOST); /* both are bulk now */
	sched_del(&s, &a.flow);
	sched_del(&s, &a.flow);
	assert_int_equal(s.bulk_count, 1);
	sched_del(&s, &b.flow);
	assert_int_equal(s.bulk_count, 0);
	assert_false(sched_waiting(&s));
}

static void test_added_twice(void **state)
{
	struct fake a = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, 5);
	add(&s, &a, 5);
	assert_int_equal(sched_run(&s, PACE_MOST), 10);
	assert_int_equal(a.turns, 1);
}

static void test_one_bulk_flow_fills_the_turn(void **state)
{
	struct fake a = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, 10 << 20);
	sched_run(&s, PACE_MOST);
	a.most = 0;
	a.turns = 0;
	assert_int_equal(sched_run(&s, PACE_MOST), PACE_MOST);
	assert_int_equal(a.turns, 1); /* in one service */
}

/* Rows: how many bulk flows; after many turns nobody is more than a share ahead. */
static void test_equal_shares(void **state)
{
	static const unsigned rows[] = { 2, 3, 7, 8, 9, 100, 1000 };

	(void)state;
	for (size_t row = 0; row < LEN(rows); row++) {
		struct fake *k = calloc(rows[row], sizeof(*k));
		size_t least = SIZE_MAX, most = 0;
		struct sched s;

		start(&s);
		for (unsigned i = 0; i < rows[row]; i++)
			add(&s, &k[i], 100 << 20);
		for (unsigned i = 0; i < 10 * rows[row]; i++)
			assert_in_range(sched_run(&s, PACE_MOST), SCHED_PACKET, PACE_MOST + SCHED_PACKET);
		for (unsigned i = 0; i < rows[row]; i++) {
			least = MIN(least, k[i].sent);
			most = MAX(most, k[i].sent);
		}
		assert_true(most - least <= PACE_MOST);
		assert_true(least >= PACE_MOST);
		free(k);
	}
}

/* A request on a quiet channel goes out before the bulk that has been waiting for longer. */
static void test_quiet_first(void **state)
{
	struct fake bulk[3] = { 0 }, quiet = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	for (int i = 0; i < 3; i++)
		add(&s, &bulk[i], 10 << 20);
	sched_run(&s, PACE_MOST);
	for (int turn = 0; turn < 100; turn++) {
		served = 0;
		add(&s, &quiet, 200);
		sched_run(&s, PACE_MOST);
		assert_ptr_equal(order[0], &quiet);
		assert_int_equal(quiet.sent, 200u * (turn + 1));
	}
}

/* Many quiet ones together do not starve the bulk. */
static void test_quiet_do_not_starve_bulk(void **state)
{
	struct fake bulk = { 0 }, *quiet = calloc(100, sizeof(*quiet));
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &bulk, 100 << 20);
	sched_run(&s, PACE_MOST);
	bulk.turns = 0;
	for (int turn = 0; turn < 50; turn++) {
		for (int i = 0; i < 100; i++)
			if (!sched_has(&quiet[i].flow))
				add(&s, &quiet[i], SCHED_PACKET - 1);
		assert_true(sched_run(&s, PACE_MOST) <= PACE_MOST + 2 * SCHED_PACKET);
	}
	assert_int_equal(bulk.turns, 50);
	free(quiet);
}

static void test_bulk_becomes_quiet_again(void **state)
{
	struct fake a = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, PACE_MOST);
	sched_run(&s, PACE_MOST);
	assert_true(a.flow.bulk);
	sched_run(&s, PACE_MOST);
	add(&s, &a, 100);
	sched_run(&s, PACE_MOST);
	assert_false(a.flow.bulk);
}

static void test_little_room(void **state)
{
	struct fake a = { 0 }, b = { 0 };
	struct sched s;

	(void)state;
	start(&s);
	add(&s, &a, 1 << 20);
	add(&s, &b, 1 << 20);
	assert_int_equal(sched_run(&s, 1000), SCHED_PACKET + SCHED_PACKET); /* a quiet one, and never no bulk at all */
	assert_true(sched_has(&a.flow) && sched_has(&b.flow));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_shut_keeps_order),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_added_twice),
		cmocka_unit_test(test_one_bulk_flow_fills_the_turn),
		cmocka_unit_test(test_equal_shares),
		cmocka_unit_test(test_quiet_first),
		cmocka_unit_test(test_quiet_do_not_starve_bulk),
		cmocka_unit_test(test_bulk_becomes_quiet_again),
		cmocka_unit_test(test_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
