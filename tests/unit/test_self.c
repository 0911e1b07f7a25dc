/* Which addresses lead back to the server's own doors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/self.h"
#include "io/sock.h"

static struct ip address(const char *text)
{
	struct ip a = { 0 };

	assert_int_equal(ip_parse(&a, text), OK);
	return a;
}

/* A host with two addresses besides loopback. */
static unsigned asked;
bool __wrap_addr_is_here(const struct ip *a);
bool __wrap_addr_is_here(const struct ip *a)
{
	struct ip v4 = address("198.51.100.7"), v6 = address("2001:db8::7");

	asked++;
	return ip_is_loopback(a) || ip_equal(a, &v4) || ip_equal(a, &v6);
}

static const struct {
	const char *door;
	bool dual;
	const char *target;
	bool takes;
} rows[] = {
	/* One address: that one, in every disguise, and what the kernel makes of "unspecified". */
	{ "127.0.0.1", false, "127.0.0.1", true },
	{ "127.0.0.1", false, "::ffff:127.0.0.1", true },
	{ "127.0.0.1", false, "64:ff9b::127.0.0.1", true },
	{ "127.0.0.1", false, "0.0.0.0", true },
	{ "127.0.0.1", false, "::ffff:0.0.0.0", true },
	{ "::1", false, "::1", true },
	{ "::1", false, "::", true },
	{ "198.51.100.7", false, "198.51.100.7", true },
	{ "198.51.100.7", false, "2002:c633:6407::1", true },
	{ "2002:c633:6408::1", false, "2002:c633:6408::1", true },
	{ "127.0.0.1", false, "127.0.0.2", false },
	{ "127.0.0.1", false, "::1", false },
	{ "127.0.0.1", false, "::", false },
	{ "127.0.0.2", false, "0.0.0.0", false },
	{ "198.51.100.7", false, "127.0.0.1", false },
	{ "198.51.100.7", false, "198.51.100.8", false },
	/* Every address of one family. */
	{ "0.0.0.0", false, "127.0.0.1", true },
	{ "0.0.0.0", false, "127.9.9.9", true },
	{ "0.0.0.0", false, "0.0.0.0", true },
	{ "0.0.0.0", false, "198.51.100.7", true },
	{ "0.0.0.0", false, "::ffff:198.51.100.7", true },
	{ "::", false, "::1", true },
	{ "::", false, "::", true },
	{ "::", false, "2001:db8::7", true },
	{ "0.0.0.0", false, "198.51.100.8", false },
	{ "0.0.0.0", false, "::1", false },
	{ "0.0.0.0", false, "2001:db8::7", false },
	{ "::", false, "127.0.0.1", false },
	{ "::", false, "198.51.100.7", false },
	{ "::", false, "2001:db8::8", false },
	/* Of both. */
	{ "::", true, "127.0.0.1", true },
	{ "::", true, "198.51.100.7", true },
	{ "::", true, "::ffff:198.51.100.7", true },
	{ "::", true, "0.0.0.0", true },
	{ "::", true, "2001:db8::7", true },
	{ "::", true, "198.51.100.8", false },
};

static void test_doors(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct self_door d = { .ip = address(rows[i].door), .port = 22, .dual = rows[i].dual };
		struct ip a = address(rows[i].target);

		if (self_door_takes(&d, &a, 22) != rows[i].takes)
			fail_msg("%s to the door at %s: not %d", rows[i].target, rows[i].door, rows[i].takes);
		assert_false(self_door_takes(&d, &a, 23));
	}
}

/* A connection without a local address (-i on a pipe) is no door. */
static void test_none(void **state)
{
	const struct self nothing = { .n = 0 };
	const struct self_door nowhere = { .port = 22 };
	struct ip a = address("127.0.0.1"), b = address("0.0.0.0");

	(void)state;
	assert_false(self_takes(&nothing, &a, 22));
	assert_false(self_door_takes(&nowhere, &a, 22));
	assert_false(self_door_takes(&nowhere, &b, 22));
}

/* The kernel is asked about the port that a door has, and about no other. */
static void test_several(void **state)
{
	const struct self s = {
		.n = 2, .doors = { { .ip = address("0.0.0.0"), .port = 22 }, { .ip = address("::1"), .port = 2222 } }
	};
	struct ip here = address("198.51.100.7"), loop6 = address("::1");

	(void)state;
	asked = 0;
	assert_false(self_takes(&s, &here, 80));
	assert_false(self_takes(&s, &here, 2222));
	assert_int_equal(asked, 0);
	assert_true(self_takes(&s, &here, 22));
	assert_true(asked > 0);
	assert_true(self_takes(&s, &loop6, 2222));
	assert_false(self_takes(&s, &loop6, 22));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
