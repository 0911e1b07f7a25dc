/* What the connections of one user have together: places for listeners, turns of connecting, a part of the bank. No
 * socket is made: a connect is under way until the test says how it went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "alloc.h"
#include "fwd/share.h"

enum { MIB = 1 << 20 };

/* ---- Connects that the test ends ---- */

struct dial {
	dial_fn *fn;
	void *user;
};

static bool no_memory; /* for the next one */

int __wrap_dial_new(struct dial **out, struct loop *l, const struct dial_spec *spec, dial_fn *fn, void *user);
int __wrap_dial_new(struct dial **out, struct loop *l, const struct dial_spec *spec, dial_fn *fn, void *user)
{
	(void)l, (void)spec;
	if (no_memory) {
		no_memory = false;
		return ERR_NOMEM;
	}
	*out = malloc(sizeof(**out));
	assert_non_null(*out);
	**out = (struct dial){ fn, user };
	return OK;
}

void __wrap_dial_cancel(struct dial *d);
void __wrap_dial_cancel(struct dial *d)
{
	free(d);
}

/* One connection of a user. */
enum { JOBS = 1100 };

struct side {
	struct dialer dialer;
	struct dial_job job[JOBS];
	unsigned jobs, failed;
};

static struct side sides[3];

static void on_done(struct dial_job *j, int fd, const struct addr *peer, const struct why *why)
{
	(void)peer, (void)why;
	assert_true(fd < 0);
	CONTAINER(j->set, struct side, dialer)->failed++;
}

static void side_up(struct side *s, struct dial_quota *q, unsigned max)
{
	s->jobs = s->failed = 0;
	dialer_init(&s->dialer, NULL, max);
	dialer_joins(&s->dialer, q);
}

static void side_down(struct side *s)
{
	dialer_close(&s->dialer);
	for (unsigned i = 0; i < s->jobs; i++)
		dialer_drop(&s->job[i]);
}

static void dial(struct side *s, unsigned n)
{
	while (n--) {
		s->job[s->jobs] = (struct dial_job){ .done = on_done };
		dialer_add(&s->dialer, &s->job[s->jobs++]);
	}
}

/* The first connect of this side that is under way comes to nothing. */
static void end_one(const struct side *s)
{
	static const struct why why = { "refused" };

	for (unsigned i = 0; i < s->jobs; i++) {
		struct dial *d = s->job[i].dial;

		if (!d)
			continue;
		d->fn(d->user, ERR_IO, NULL, &why);
		free(d);
		return;
	}
	fail();
}

static void check(const struct dial_quota *q, unsigned a, unsigned b)
{
	assert_int_equal(sides[0].dialer.active, a);
	assert_int_equal(sides[1].dialer.active, b);
	assert_int_equal(q->active, a + b);
}

/* Two connections of a user want so many each. */
static void test_dials(void **state)
{
	static const struct {
		unsigned own, first, second, want_first, want_second;
	} rows[] = {
		{ 2000, 511, 512, 511, 512 }, /* one less than there may be */
		{ 2000, 512, 512, 512, 512 }, /* as many */
		{ 2000, 512, 513, 512, 512 }, /* one more */
		{ 2000, 1024, 1, 1024, 0 },   /* the first has them all */
		{ 2000, 1025, 1, 1024, 0 },   /* and wants more */
		{ 256, 300, 300, 256, 256 },  /* each is bounded by itself */
		{ 0, 2, 2, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct dial_quota q;

		dial_quota_init(&q, SHARE_DIALS_MAX);
		side_up(&sides[0], &q, rows[i].own);
		side_up(&sides[1], &q, rows[i].own);
		dial(&sides[0], rows[i].first);
		dial(&sides[1], rows[i].second);
		check(&q, rows[i].want_first, rows[i].want_second);
		side_down(&sides[0]);
		side_down(&sides[1]);
		check(&q, 0, 0);
		assert_false(list_linked(&q.turns));
	}
}

/* Whoever had everything gives way, a connect at a time, until it is even. */
static void test_turns(void **state)
{
	struct dial_quota q;

	(void)state;
	dial_quota_init(&q, 4);
	side_up(&sides[0], &q, 4);
	side_up(&sides[1], &q, 4);
	dial(&sides[0], 10);
	dial(&sides[1], 10);
	check(&q, 4, 0);
	end_one(&sides[0]);
	check(&q, 3, 1);
	end_one(&sides[0]);
	end_one(&sides[0]);
	assert_in_range(sides[1].dialer.active, 2, 3);
	assert_int_equal(q.active, 4);
	side_down(&sides[0]);
	check(&q, 0, 4); /* the other gets what the first had */
	side_down(&sides[1]);
	check(&q, 0, 0);
}

/* Its own bound is reached: it stands in no queue, and comes back when one has ended. */
static void test_own_bound_first(void **state)
{
	struct dial_quota q;

	(void)state;
	dial_quota_init(&q, 4);
	side_up(&sides[0], &q, 1);
	side_up(&sides[1], &q, 4);
	dial(&sides[0], 3);
	dial(&sides[1], 5);
	check(&q, 1, 3);
	end_one(&sides[1]);
	check(&q, 1, 3);
	end_one(&sides[0]);
	check(&q, 0, 4); /* the other stood in the queue before */
	end_one(&sides[1]);
	check(&q, 1, 3);
	side_down(&sides[1]);
	check(&q, 1, 0);
	side_down(&sides[0]);
}

/* Without memory a job ends at once, and costs no place. */
static void test_dial_no_memory(void **state)
{
	struct dial_quota q;

	(void)state;
	dial_quota_init(&q, 2);
	side_up(&sides[0], &q, 2);
	side_up(&sides[1], &q, 2);
	no_memory = true;
	dial(&sides[0], 3);
	assert_int_equal(sides[0].failed, 1);
	check(&q, 2, 0);
	dial(&sides[1], 2);
	no_memory = true;
	end_one(&sides[0]); /* the turn of the second side, which fails; then the next */
	assert_int_equal(sides[1].failed, 1);
	check(&q, 1, 1);
	side_down(&sides[0]);
	side_down(&sides[1]);
	check(&q, 0, 0);
}

/* ---- Shares ---- */

static void test_part_of_the_bank(void **state)
{
	static const struct {
		uint64_t whole, part;
	} rows[] = {
		{ 0, 0 },
		{ MIB, MIB },
		{ 2 * MIB - 1, 2 * MIB - 1 },
		{ 2 * MIB, 2 * MIB },
		{ 2 * MIB + 1, 2 * MIB },
		{ 8 * MIB, 2 * MIB },
		{ 8 * MIB + 4, 2 * MIB + 1 },
		{ UINT64_C(1) << 30, 256 * MIB },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct bank whole = { .limit = rows[i].whole };
		struct share *table = NULL, *s = share_join(&table, "digger", &whole);

		assert_non_null(s);
		assert_int_equal(s->bank.limit, rows[i].part);
		assert_ptr_equal(s->bank.whole, &whole);
		assert_int_equal(s->dials.max, SHARE_DIALS_MAX);
		share_leave(s);
	}
}

/* One share for a name, as long as somebody has it. */
static void test_who(void **state)
{
	struct bank whole = { .limit = 8 * MIB };
	struct share *table = NULL, *a = share_join(&table, "digger", &whole);
	struct share *b = share_join(&table, "Digger", &whole), *c = share_join(&table, "digger", &whole);

	(void)state;
	assert_ptr_equal(a, c);
	assert_ptr_not_equal(a, b);
	share_listens(a);
	share_leave(b);
	b = share_join(&table, "", &whole);
	assert_int_equal(b->listeners, 0);
	share_leave(c);
	assert_int_equal(share_join(&table, "digger", &whole)->listeners, 1);
	share_unlistens(a);
	share_leave(a);
	share_leave(a);
	share_leave(b);
	share_leave(NULL);
	assert_null(table);
}

static void test_listeners(void **state)
{
	static const struct {
		unsigned stand;
		bool room;
	} rows[] = { { 0, true },
		     { SHARE_LISTENERS_MAX - 1, true },
		     { SHARE_LISTENERS_MAX, false },
		     { SHARE_LISTENERS_MAX + 1, false } };
	struct share s = { 0 };
	struct why why = { "" };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		s.listeners = rows[i].stand;
		assert_int_equal(share_has_place(&s, &why), rows[i].room);
	}
	assert_string_equal(why.text, "listeners of one user: 4097 stand already");
	share_unlistens(&s);
	share_unlistens(&s);
	assert_true(share_has_place(&s, &why));
	assert_true(share_has_place(NULL, &why));
	share_listens(&s);
	assert_false(share_has_place(&s, &why));
	share_listens(NULL);
	share_unlistens(NULL);
}

static int join_three(void *ctx)
{
	struct bank whole = { .limit = MIB };
	struct share *table = NULL, *s[3];
	int err = OK;

	(void)ctx;
	s[0] = share_join(&table, "digger", &whole);
	s[1] = share_join(&table, "sapper", &whole);
	s[2] = share_join(&table, "digger", &whole);
	for (size_t i = 0; i < LEN(s); i++) {
		if (!s[i])
			err = ERR_NOMEM;
		share_leave(s[i]);
	}
	assert_null(table);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(alloc_torture(join_three, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dials),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_own_bound_first),
		cmocka_unit_test(test_dial_no_memory),
		cmocka_unit_test(test_part_of_the_bank),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
