/* MaxStartups, PerSourceMaxStartups and PerSourcePenalties. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/admission.h"

static const struct admission_limits usual = {
	.begin = 10,
	.rate = 30,
	.full = 100,
	.v4_bits = 32,
	.v6_bits = 128,
	.penalties = true,
	.penalty_ms = { [OFFENCE_AUTH] = 5000,
			[OFFENCE_USER] = 5000,
			[OFFENCE_NO_AUTH] = 1000,
			[OFFENCE_GRACE] = 10000,
			[OFFENCE_CRASH] = 90000 },
	.least_ms = 15000,
	.most_ms = 600000,
	.book = { { 1000, false }, { 1000, false } },
};

static struct ip ip(const char *text)
{
	struct ip a;

	assert_int_equal(ip_parse(&a, text), OK);
	return a;
}

static struct admission *make(struct admission_limits l)
{
	struct admission *a;

	assert_int_equal(admission_new(&a, &l), OK);
	return a;
}

static void fill(struct admission *a, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct ip from = { 4, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };

		assert_int_equal(admission_ask(a, &from, 0, 99), ADMIT_YES);
	}
	assert_int_equal(admission_pending(a), n);
}

static void startups(void **state)
{
	static const struct {
		unsigned pending;
		uint32_t dice; /* below the rate in per cent: refused */
		enum admit want;
	} rows[] = {
		{ 9, 0, ADMIT_YES },	       { 10, 29, ADMIT_NO_STARTUPS },  { 10, 30, ADMIT_YES },
		{ 55, 64, ADMIT_NO_STARTUPS }, { 55, 65, ADMIT_YES },	       { 99, 98, ADMIT_NO_STARTUPS },
		{ 99, 99, ADMIT_YES },	       { 100, 99, ADMIT_NO_STARTUPS },
	};
	struct ip stranger = ip("192.0.2.1");

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct admission *a = make(usual);

		fill(a, rows[i].pending);
		if (admission_ask(a, &stranger, 0, rows[i].dice) != rows[i].want)
			fail_msg("%u pending, dice %u", rows[i].pending, rows[i].dice);
		admission_free(a);
	}
}

static void one_source(void **state)
{
	struct admission_limits l = usual;
	struct ip first = ip("192.0.2.1"), mapped = ip("::ffff:192.0.2.1"), neighbour = ip("192.0.2.200"),
		  other = ip("198.51.100.1");
	struct admission *a;

	(void)state;
	l.per_source = 2;
	l.v4_bits = 24;
	a = make(l);
	assert_int_equal(admission_ask(a, &first, 0, 99), ADMIT_YES);
	assert_int_equal(admission_ask(a, &neighbour, 0, 99), ADMIT_YES);
	assert_int_equal(admission_ask(a, &mapped, 0, 99), ADMIT_NO_SOURCE);
	assert_int_equal(admission_ask(a, &other, 0, 99), ADMIT_YES);
	admission_done(a, &first, OFFENCE_NONE, 0);
	assert_int_equal(admission_ask(a, &mapped, 0, 99), ADMIT_YES);
	admission_free(a);
}

/* Ends n connections with an offence, one after the other at the same time. */
static void offend(struct admission *a, const struct ip *from, enum offence o, unsigned n, uint64_t now)
{
	while (n--) {
		assert_int_equal(admission_ask(a, from, now, 99), ADMIT_YES);
		admission_done(a, from, o, now);
	}
}

static void penalties(void **state)
{
	static const struct {
		const char *name;
		enum offence offence;
		unsigned times;
		uint64_t later_ms;
		enum admit want;
	} rows[] = {
		{ "nothing to blame", OFFENCE_NONE, 5, 0, ADMIT_YES },
		{ "below the least", OFFENCE_AUTH, 2, 0, ADMIT_YES },
		{ "at the least", OFFENCE_AUTH, 3, 0, ADMIT_NO_PENALTY },
		{ "a crash is enough", OFFENCE_CRASH, 1, 0, ADMIT_NO_PENALTY },
		{ "a crash, a minute later", OFFENCE_CRASH, 1, 75000, ADMIT_NO_PENALTY },
		{ "a crash, over", OFFENCE_CRASH, 1, 75001, ADMIT_YES },
	};
	struct ip bad = ip("2001:db8::1"), good = ip("2001:db8::2");

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct admission *a = make(usual);

		offend(a, &bad, rows[i].offence, rows[i].times, 1000);
		if (admission_ask(a, &bad, 1000 + rows[i].later_ms, 99) != rows[i].want)
			fail_msg("%s", rows[i].name);
		assert_int_equal(admission_ask(a, &good, 1000, 99), ADMIT_YES);
		admission_free(a);
	}
}

static void penalties_have_a_ceiling(void **state)
{
	struct ip bad = ip("192.0.2.1");
	struct admission *a = make(usual);

	(void)state;
	for (int i = 0; i < 100; i++)
		admission_blame(a, &bad, OFFENCE_CRASH, 0);
	assert_int_equal(admission_ask(a, &bad, 600000 - 15000, 99), ADMIT_NO_PENALTY);
	assert_int_equal(admission_ask(a, &bad, 600000 - 15000 + 1, 99), ADMIT_YES);
	admission_free(a);
}

static void some_are_exempt(void **state)
{
	struct strs list = { (char *[]){ (char *)"192.0.2.0/24", (char *)"2001:db8::/32" }, 2 };
	struct admission_limits l = usual;
	struct ip inside = ip("192.0.2.1"), outside = ip("198.51.100.1"), mapped = ip("::ffff:192.0.2.9");
	struct admission *a;

	(void)state;
	l.exempt = &list;
	a = make(l);
	admission_blame(a, &inside, OFFENCE_CRASH, 0);
	admission_blame(a, &mapped, OFFENCE_CRASH, 0);
	admission_blame(a, &outside, OFFENCE_CRASH, 0);
	assert_int_equal(admission_ask(a, &inside, 0, 99), ADMIT_YES);
	assert_int_equal(admission_ask(a, &mapped, 0, 99), ADMIT_YES);
	assert_int_equal(admission_ask(a, &outside, 0, 99), ADMIT_NO_PENALTY);
	admission_free(a);
}

/* Two sources offend where the book has room for one, later one of the other family; then they, and others, ask. */
static void book_is_full(void **state)
{
	static const struct {
		const char *name;
		bool deny_all;
		enum offence early, late; /* what 192.0.2.1 and after it 192.0.2.2 did */
		uint64_t ms;		  /* when is asked */
		enum admit first, second, other, v6;
	} rows[] = {
		{ "the one that ends first is forgotten", false, OFFENCE_CRASH, OFFENCE_CRASH, 0, ADMIT_YES,
		  ADMIT_NO_PENALTY, ADMIT_YES, ADMIT_YES },
		{ "whatever the new one's is", false, OFFENCE_CRASH, OFFENCE_AUTH, 0, ADMIT_YES, ADMIT_YES, ADMIT_YES,
		  ADMIT_YES },
		{ "nobody comes in", true, OFFENCE_CRASH, OFFENCE_CRASH, 0, ADMIT_NO_PENALTY, ADMIT_NO_OVERFLOW,
		  ADMIT_NO_OVERFLOW, ADMIT_YES },
		{ "a penalty that does not count takes room", true, OFFENCE_AUTH, OFFENCE_CRASH, 0, ADMIT_NO_OVERFLOW,
		  ADMIT_NO_OVERFLOW, ADMIT_NO_OVERFLOW, ADMIT_YES },
		{ "until the last moment", true, OFFENCE_CRASH, OFFENCE_CRASH, 89999, ADMIT_NO_OVERFLOW,
		  ADMIT_NO_OVERFLOW, ADMIT_NO_OVERFLOW, ADMIT_YES },
		{ "until there is room", true, OFFENCE_CRASH, OFFENCE_CRASH, 90000, ADMIT_YES, ADMIT_YES, ADMIT_YES,
		  ADMIT_YES },
	};
	struct ip first = ip("192.0.2.1"), second = ip("::ffff:192.0.2.2"), other = ip("198.51.100.1"),
		  v6 = ip("2001:db8::1");
	const struct ip *asks[] = { &first, &second, &other, &v6 };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const enum admit want[] = { rows[i].first, rows[i].second, rows[i].other, rows[i].v6 };
		struct admission_limits l = usual;
		struct admission *a;

		l.book[ADMISSION_V4].sources_max = 1;
		l.book[ADMISSION_V4].deny_all = rows[i].deny_all;
		a = make(l);
		admission_blame(a, &first, rows[i].early, 0);
		admission_blame(a, &second, rows[i].late, 0);
		for (size_t k = 0; k < LEN(asks); k++)
			if (admission_ask(a, asks[k], rows[i].ms, 99) != want[k])
				fail_msg("%s: ask %zu", rows[i].name, k);
		admission_free(a);
	}
}

/* Each family has its own book. */
static void full_for_ipv6_only(void **state)
{
	struct admission_limits l = usual;
	struct ip bad = ip("2001:db8::1"), v6 = ip("2001:db8::2"), v4 = ip("192.0.2.1"), spared = ip("2001:db8:1::1");
	struct strs list = { (char *[]){ (char *)"2001:db8:1::/48" }, 1 };
	struct admission *a;

	(void)state;
	l.exempt = &list;
	l.book[ADMISSION_V6].sources_max = 1;
	l.book[ADMISSION_V6].deny_all = true;
	a = make(l);
	admission_blame(a, &spared, OFFENCE_CRASH, 0); /* takes no room */
	assert_int_equal(admission_ask(a, &v6, 0, 99), ADMIT_YES);
	admission_blame(a, &bad, OFFENCE_CRASH, 0);
	assert_int_equal(admission_ask(a, &v6, 0, 99), ADMIT_NO_OVERFLOW);
	assert_int_equal(admission_ask(a, &v4, 0, 99), ADMIT_YES);
	assert_int_equal(admission_ask(a, &spared, 0, 99), ADMIT_YES);
	assert_string_equal(admission_rule(ADMIT_NO_OVERFLOW), "PerSourcePenalties overflow");
	admission_free(a);
}

static void off(void **state)
{
	struct admission_limits l = usual;
	struct ip bad = ip("192.0.2.1");
	struct admission *a;

	(void)state;
	l.penalties = false;
	a = make(l);
	admission_blame(a, &bad, OFFENCE_CRASH, 0);
	assert_int_equal(admission_ask(a, &bad, 0, 99), ADMIT_YES);
	admission_done(a, &bad, OFFENCE_CRASH, 0);
	assert_int_equal(admission_pending(a), 0);
	admission_done(a, &bad, OFFENCE_CRASH, 0); /* one too many does no harm */
	assert_int_equal(admission_pending(a), 0);
	admission_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(startups),	   cmocka_unit_test(one_source),
		cmocka_unit_test(penalties),	   cmocka_unit_test(penalties_have_a_ceiling),
		cmocka_unit_test(book_is_full),	   cmocka_unit_test(full_for_ipv6_only),
		cmocka_unit_test(some_are_exempt), cmocka_unit_test(off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
