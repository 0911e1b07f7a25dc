/* Lists of addresses: what is wrong in them first, then negation, ranges and patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/addrlist.h"

enum { BAD = 77 };

static const struct {
	const char *list, *address;
	int want; /* enum list_match or BAD */
} rows[] = {
	{ "10.0.0.1/8", "10.0.0.1", BAD },
	{ "10.0.0.0/33", "10.0.0.1", BAD },
	{ "*,10.0.0.0/x", "10.0.0.1", BAD },
	{ "!10.0.0.0/x,*", "192.0.2.1", BAD },
	{ "example.com/24", "10.0.0.1", BAD },
	{ "/", "10.0.0.1", BAD },
	{ "", "10.0.0.1", LIST_NO },
	{ ",", "10.0.0.1", LIST_NO },
	{ "!", "10.0.0.1", LIST_NO },
	{ "*.example.com", "10.0.0.1", LIST_NO },
	{ "10.0.0.2", "10.0.0.1", LIST_NO },
	{ " 10.0.0.1", "10.0.0.1", LIST_NO },
	{ "10.0.0.0/24", "10.0.1.0", LIST_NO },
	{ "::/0", "10.0.0.1", LIST_NO },
	{ "!10.0.0.1", "10.0.0.2", LIST_NO },
	{ "!10.0.0.1,*", "10.0.0.1", LIST_NEGATED },
	{ "*,!10.0.0.1", "10.0.0.1", LIST_NEGATED },
	{ "!10.0.0.0/8,10.0.0.1", "10.0.0.1", LIST_NEGATED },
	{ "10.0.0.1,!10.*", "10.0.0.1", LIST_NEGATED },
	{ "!10.0.0.0/8,*", "::ffff:10.0.0.1", LIST_NEGATED },
	{ "!*,*", "::1", LIST_NEGATED },
	{ "10.0.0.1", "10.0.0.1", LIST_YES },
	{ "10.0.0.0/8", "::ffff:10.0.0.1", LIST_YES },
	{ "192.0.2.1,10.0.0.0/8", "10.255.255.255", LIST_YES },
	{ "10.?.*", "10.0.0.1", LIST_YES },
	{ "*", "::1", LIST_YES },
	{ "2001:DB8:0::1", "2001:db8::1", LIST_YES },
	{ "2001:db8:*", "2001:db8::1", LIST_YES },
	{ "!10.0.0.1,*", "10.0.0.2", LIST_YES },
};

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		enum list_match got = (enum list_match)BAD;
		struct ip a;
		int err;

		assert_int_equal(ip_parse(&a, rows[i].address), OK);
		err = addrlist_match(rows[i].list, &a, &got);
		if ((int)got != rows[i].want || err != (rows[i].want == BAD ? ERR_SYNTAX : OK))
			fail_msg("%s with %s: %d", rows[i].list, rows[i].address, got);
		assert_int_equal(addrlist_check(rows[i].list), err);
	}
}

static const struct {
	const char *list;
	int want; /* for 10.0.0.1 */
} cidr_rows[] = {
	{ "", BAD },
	{ "*", BAD },
	{ "10.*", BAD },
	{ "!10.0.0.1", BAD },
	{ "10.0.0.1,", true },
	{ "10.0.0.1,x", BAD },
	{ "x,10.0.0.1", BAD },
	{ "10.0.0.1/8", BAD },
	{ "10.0.0.1, ::1", BAD },
	{ "host", BAD },
	{ "10.0.0.2", false },
	{ "::/0", false },
	{ "::1,10.0.0.0/8", true },
	{ "10.0.0.1,10.9.9.9", true },
};

static void test_cidr(void **state)
{
	const struct ip a = { 4, { 10, 0, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < LEN(cidr_rows); i++) {
		bool got = false;
		int err = addrlist_match_cidr(cidr_rows[i].list, &a, &got);

		if (cidr_rows[i].want == BAD ? err != ERR_SYNTAX : err || got != cidr_rows[i].want)
			fail_msg("%s: %d %d", cidr_rows[i].list, err, got);
	}
}

/* An item at the ceiling, and one above it, which nobody may skip. */
static void test_long_items(void **state)
{
	const struct ip a = { 4, { 10, 0, 0, 1 } };
	enum list_match got = LIST_NO;
	char list[300] = { 0 };

	(void)state;
	memset(list, '*', 255);
	assert_int_equal(addrlist_match(list, &a, &got), OK);
	assert_int_equal(got, LIST_YES);
	memset(list, '*', 256);
	assert_int_equal(addrlist_match(list, &a, &got), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_long_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
