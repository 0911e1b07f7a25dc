/* The bank that the connections of a process share: never overdrawn, and full again when they are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

enum { FLOOR = 64 * 1024, MIB = 1 << 20 };

static void logged_in(struct evil *e, struct bank *all, enum role role)
{
	struct evil_setup s = { .role = role, .limits = { .shared_bank = all } };

	s.limits.max_channels = 100;
	s.limits.bank = 100 * MIB;
	evil_init(e, &s);
	evil_reach(e, AT_OPEN);
}

/* Our number of the channel that the peer opens; UINT32_MAX when it is refused. */
static uint32_t try_open(struct evil *e, uint32_t id)
{
	struct span m;

	evil_mark(e);
	evil_open(e, id, 1000, 1000);
	m = evil_said(e, MSG_CHANNEL_OPEN_FAILURE, 0);
	if (m.n) {
		assert_int_equal(get_u32(m.p + 5), OPEN_SHORTAGE);
		return UINT32_MAX;
	}
	return get_u32(evil_said(e, MSG_CHANNEL_OPEN_CONFIRMATION, 0).p + 5);
}

static void check(const struct bank *all, const struct evil *a, const struct evil *b)
{
	assert_in_range(all->used, 0, all->limit);
	assert_int_equal(all->used, a->us->bank_used + b->us->bank_used);
}

/* How many channels two connections get together. */
static size_t channels_from(uint64_t limit, enum role role)
{
	struct bank all = { .limit = limit };
	struct evil e[2];
	size_t n = 0;

	logged_in(&e[0], &all, role);
	logged_in(&e[1], &all, role);
	for (uint32_t i = 0; i < 40; i++) {
		n += try_open(&e[i % 2], i) != UINT32_MAX;
		check(&all, &e[0], &e[1]);
	}
	evil_fini(&e[0]);
	assert_int_equal(all.used, e[1].us->bank_used);
	evil_fini(&e[1]);
	assert_int_equal(all.used, 0);
	return n;
}

static void test_how_many(void **state)
{
	static const struct {
		uint64_t limit;
		size_t channels;
	} rows[] = {
		{ 0, 0 },	  { FLOOR - 1, 0 },	{ FLOOR, 1 },	   { FLOOR + 1, 1 }, { 8 * FLOOR - 1, 7 },
		{ 8 * FLOOR, 8 }, { 8 * FLOOR + 1, 8 }, { 100 * MIB, 40 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(channels_from(rows[i].limit, ROLE_SERVER), rows[i].channels);
		assert_int_equal(channels_from(rows[i].limit, ROLE_CLIENT), rows[i].channels);
	}
}

/* Two connections of a user whose part is so much get so many channels together; somebody else is served all the while,
 * and when the process has no more, it is not the user's fault. */
static void test_part_of_a_bank(void **state)
{
	static const struct {
		uint64_t limit;
		size_t channels;
	} rows[] = { { FLOOR - 1, 0 }, { FLOOR, 1 },	     { FLOOR + 1, 1 }, { 4 * FLOOR - 1, 3 },
		     { 4 * FLOOR, 4 }, { 4 * FLOOR + 1, 4 }, { 100 * MIB, 15 } };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct bank all = { .limit = 16 * FLOOR }, user = { .limit = rows[i].limit, .whole = &all };
		const struct conn_terms terms = { .max_channels = 100, .shared_bank = &user };
		struct evil e[3];
		size_t n = 0;

		for (size_t k = 0; k < LEN(e); k++)
			logged_in(&e[k], &all, ROLE_SERVER);
		conn_set_terms(e[0].us, &terms);
		conn_set_terms(e[1].us, &terms);
		assert_int_not_equal(try_open(&e[2], 0), UINT32_MAX);
		for (uint32_t k = 0; k < 20; k++) {
			n += try_open(&e[k % 2], k) != UINT32_MAX;
			assert_int_equal(user.used, e[0].us->bank_used + e[1].us->bank_used);
			assert_int_equal(all.used, user.used + e[2].us->bank_used);
			assert_in_range(user.used, 0, user.limit);
		}
		assert_int_equal(n, rows[i].channels);
		assert_ptr_equal(conn_spent_bank(e[0].us), n == 15 ? &all : &user);
		assert_int_equal(try_open(&e[2], 1) == UINT32_MAX, n == 15);
		evil_say(&e[0], "b", 0); /* fails; what it had is free before the engine is */
		conn_leave_bank(e[0].us);
		assert_int_equal(user.used, e[1].us->bank_used);
		evil_fini(&e[0]);
		evil_fini(&e[1]);
		assert_int_equal(user.used, 0);
		evil_fini(&e[2]);
		assert_int_equal(all.used, 0);
	}
}

/* What one connection gives back another one gets; a limit that was lowered below what is out gives nothing more. */
static void test_back_and_forth(void **state)
{
	struct bank all = { .limit = 2 * FLOOR };
	struct evil e[2];
	uint32_t first;

	(void)state;
	logged_in(&e[0], &all, ROLE_SERVER);
	logged_in(&e[1], &all, ROLE_SERVER);
	first = try_open(&e[0], 1);
	try_open(&e[0], 2);
	assert_int_equal(try_open(&e[1], 1), UINT32_MAX);
	evil_say(&e[0], "bu", MSG_CHANNEL_CLOSE, first);
	assert_int_not_equal(try_open(&e[1], 1), UINT32_MAX);
	assert_int_equal(try_open(&e[0], 3), UINT32_MAX);
	all.limit = FLOOR;
	assert_int_equal(try_open(&e[0], 3), UINT32_MAX);
	evil_fini(&e[0]);
	assert_int_equal(try_open(&e[1], 2), UINT32_MAX);
	assert_int_equal(all.used, FLOOR);
	evil_fini(&e[1]);
	assert_int_equal(all.used, 0);
}

/* Our own opens draw from it as well; a refused one gives back. */
static void test_our_opens(void **state)
{
	struct bank all = { .limit = FLOOR };
	const struct target t = { .kind = TARGET_FORWARDED_TCPIP, .host = span_str("localhost") };
	struct evil e;
	uint32_t id;

	(void)state;
	logged_in(&e, &all, ROLE_SERVER);
	assert_int_equal(conn_open(e.us, &t, NULL, &id), OK);
	assert_int_equal(conn_open(e.us, &t, NULL, &id), ERR_LIMIT);
	evil_run(&e);
	evil_say(&e, "buuss", MSG_CHANNEL_OPEN_FAILURE, id, 1u, "no", "");
	assert_int_equal(all.used, 0);
	assert_int_equal(conn_open(e.us, &t, NULL, &id), OK);
	evil_fini(&e);
	assert_int_equal(all.used, 0);
}

/* A channel too many for the connection costs the shared bank nothing. */
static void test_too_many(void **state)
{
	struct bank all = { .limit = 100 * MIB };
	struct evil_setup s = { .role = ROLE_SERVER,
				.limits = { .shared_bank = &all, .max_channels = 1, .bank = 4 * MIB } };
	struct evil e;

	(void)state;
	evil_init(&e, &s);
	evil_reach(&e, AT_OPEN);
	assert_int_not_equal(try_open(&e, 1), UINT32_MAX);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(try_open(&e, 2 + i), UINT32_MAX);
	assert_int_equal(all.used, e.us->bank_used);
	evil_fini(&e);
	assert_int_equal(all.used, 0);
}

/* A busy channel fills its window in one go; `granted` is what the peer may still send. */
static void fill(struct evil *e, uint32_t chan, uint32_t *granted)
{
	static const uint8_t zeros[CHAN_PACKET];
	struct buf out = BUF(MIB);

	evil_mark(e);
	while (*granted) {
		uint32_t n = MIN(*granted, CHAN_PACKET);

		*granted -= n;
		evil_queue(e, evil_build(&out, "buS", MSG_CHANNEL_DATA, chan, span(zeros, n)));
	}
	evil_run(e);
	for (size_t k = 0; k < evil_count(e, MSG_CHANNEL_WINDOW_ADJUST); k++)
		*granted += get_u32(evil_said(e, MSG_CHANNEL_WINDOW_ADJUST, k).p + 5);
	buf_fini(&out);
}

/* Windows of a user grow to the user's part, not beyond; the rest is there for others. */
static void test_growth_of_a_part(void **state)
{
	struct bank all = { .limit = 4 * MIB }, user = { .limit = MIB, .whole = &all };
	const struct conn_terms terms = { .max_channels = 100, .shared_bank = &user };
	struct evil e;
	uint32_t chan, granted;

	(void)state;
	logged_in(&e, &all, ROLE_SERVER);
	conn_set_terms(e.us, &terms);
	chan = try_open(&e, 1);
	granted = get_u32(evil_said(&e, MSG_CHANNEL_OPEN_CONFIRMATION, 0).p + 9);
	for (size_t i = 0; i < 50; i++) {
		fill(&e, chan, &granted);
		assert_in_range(user.used, granted, user.limit);
		assert_int_equal(all.used, user.used);
	}
	assert_int_equal(user.used, user.limit - user.limit / 8);
	evil_fini(&e);
	assert_int_equal(all.used, 0);
}

/* Windows grow while there is credit, and stop before the limit. */
static void test_growth(void **state)
{
	struct bank all = { .limit = MIB };
	struct evil e[2];
	uint32_t chan[2], granted[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		logged_in(&e[i], &all, ROLE_SERVER);
		chan[i] = try_open(&e[i], 1);
		granted[i] = get_u32(evil_said(&e[i], MSG_CHANNEL_OPEN_CONFIRMATION, 0).p + 9);
		assert_int_equal(granted[i], FLOOR);
	}
	for (size_t i = 0; i < 50; i++) {
		fill(&e[i % 2], chan[i % 2], &granted[i % 2]);
		check(&all, &e[0], &e[1]);
		assert_in_range(granted[0] + granted[1], 0, all.used);
	}
	assert_int_equal(all.used, all.limit - all.limit / 8); /* more was wanted, and is there for new channels */
	assert_int_not_equal(try_open(&e[0], 2), UINT32_MAX);
	assert_int_not_equal(try_open(&e[1], 2), UINT32_MAX);
	assert_int_equal(try_open(&e[1], 3), UINT32_MAX);
	evil_fini(&e[0]);
	evil_fini(&e[1]);
	assert_int_equal(all.used, 0);
}

/* A connection that has failed holds nothing once it is freed, whatever state its channels were in. */
static void test_failed(void **state)
{
	struct bank all = { .limit = 100 * MIB };
	struct evil e;

	(void)state;
	logged_in(&e, &all, ROLE_SERVER);
	e.setup.open = SAY_NOTHING;
	evil_open(&e, 1, 1000, 1000);
	evil_opening(&e);
	e.setup.open = SAY_YES;
	conn_close(e.us, try_open(&e, 2));
	assert_true(all.used > 0);
	evil_say(&e, "b", 0);
	assert_int_equal(conn_error(e.us), ERR_PROTO);
	evil_fini(&e);
	assert_int_equal(all.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_how_many),	 cmocka_unit_test(test_part_of_a_bank),
		cmocka_unit_test(test_back_and_forth),	 cmocka_unit_test(test_our_opens),
		cmocka_unit_test(test_too_many),	 cmocka_unit_test(test_growth),
		cmocka_unit_test(test_growth_of_a_part), cmocka_unit_test(test_failed),
	};
	int failed = evil_begin() || cmocka_run_group_tests_name("the shared bank", tests, NULL, NULL);

	evil_end();
	return failed;
}
