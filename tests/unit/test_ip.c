/* Addresses: spellings that must not parse, text forms, ranges at their edges, kinds behind every disguise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/ip.h"

static const char *const no_address[] = {
	"",
	" ",
	"localhost",
	"LOCALHOST",
	"127.1",
	"127",
	"2130706433",
	"0x7f.1",
	"0x7f.0.0.1",
	"0177.0.0.1",
	"127.0.0.01",
	"127.0.0.00",
	"127.0.0.1 ",
	" 127.0.0.1",
	"127.0.0.1.",
	"127.0.0.1.1",
	"127..0.1",
	".127.0.0.1",
	"127.0.0.",
	"127.0.0",
	"127.0.0.256",
	"127.0.0.1000",
	"127.0.0.-1",
	"127.0.0.+1",
	"127.0.0.1/8",
	"127.0.0.1%lo",
	"\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1",
	"::1%lo",
	"fe80::1%1",
	"[::1]",
	":",
	":::",
	"1:",
	":1",
	"1::2::3",
	"::1::",
	"1:2:3:4:5:6:7",
	"1:2:3:4:5:6:7:8:9",
	"1:2:3:4:5:6:7:8::",
	"::1:2:3:4:5:6:7:8",
	"1:2:3:4::5:6:7:8",
	"1:2:3:4:5:6:7:",
	"1:2:3:4:5:6:7::8:",
	"::12345",
	"::g",
	"::-1",
	"::1 ",
	"1.2.3.4::",
	"::1.2.3",
	"::1.2.3.4:5",
	"::ffff:127.0.0.01",
	"1:2:3:4:5:6:7:1.2.3.4",
	"1:2:3:4:5:1.2.3.4",
	"1:2:3:4:5:6::1.2.3.4",
};

static const struct {
	const char *in, *text;
} addresses[] = {
	{ "0.0.0.0", "0.0.0.0" },
	{ "127.0.0.1", "127.0.0.1" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::", "::" },
	{ "0:0:0:0:0:0:0:0", "::" },
	{ "::1", "::1" },
	{ "0:0:0:0:0:0:0:1", "::1" },
	{ "1::", "1::" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "2001:DB8::00A0", "2001:db8::a0" },
	{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "::ffff:127.0.0.1", "::ffff:127.0.0.1" },
	{ "0:0:0:0:0:ffff:7f00:1", "::ffff:127.0.0.1" },
	{ "::127.0.0.1", "::7f00:1" },
	{ "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe" },
	{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
	{ "1111:2222:3333:4444:5555:6666:7777:8888", "1111:2222:3333:4444:5555:6666:7777:8888" },
};

static void test_not_an_address(void **state)
{
	struct ip a = { .family = 77 };

	(void)state;
	for (size_t i = 0; i < LEN(no_address); i++) {
		if (ip_parse(&a, no_address[i]) != ERR_SYNTAX)
			fail_msg("\"%s\" was read as an address", no_address[i]);
		assert_int_equal(a.family, 77);
	}
}

static void test_text(void **state)
{
	char text[IP_TEXT];
	struct ip a, again;
	uint8_t libc[16];

	(void)state;
	for (size_t i = 0; i < LEN(addresses); i++) {
		const char *in = addresses[i].in;

		if (ip_parse(&a, in) != OK)
			fail_msg("\"%s\" was not read", in);
		assert_string_equal(ip_text(&a, text), addresses[i].text);
		assert_int_equal(inet_pton(a.family == 4 ? AF_INET : AF_INET6, in, libc), 1);
		assert_memory_equal(a.bytes, libc, a.family == 4 ? 4 : 16);
		assert_int_equal(ip_parse(&again, text), OK);
		assert_true(ip_equal(&a, &again));
	}
}

static const char *const no_range[] = {
	"",	     "/8",	   "10.0.0.0/",	     "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ",
	"10.0.0/8",  "10.0.0.1/8", "10.0.0.0/8/8",   "::/129",	    "::1/127",	   "fe80::/8",	  "10.0.0.0/0x8",
	"1.2.3.4/0", "::/1000",	   "10.0.0.0/255.0", "*",	    "10.*",	   "::/256",	  "[::]/0",
};

static const struct {
	const char *range, *in, *out; /* the last inside and the first outside, or the first and the last before */
} edges[] = {
	{ "10.0.0.0/8", "10.0.0.0", "9.255.255.255" },
	{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
	{ "172.16.0.0/12", "172.16.0.0", "172.15.255.255" },
	{ "172.16.0.0/12", "172.31.255.255", "172.32.0.0" },
	{ "192.0.2.128/25", "192.0.2.128", "192.0.2.127" },
	{ "192.0.2.7/32", "192.0.2.7", "192.0.2.8" },
	{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
	{ "0.0.0.0/0", "255.255.255.255", "::" },
	{ "::/0", "ffff::", "1.2.3.4" },
	{ "fe80::/10", "fe80::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "fe80::/10", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::" },
	{ "2001:db8::/127", "2001:db8::1", "2001:db8::2" },
	{ "::1", "::1", "::2" },
	{ "10.0.0.0/8", "10.1.2.3", "::ffff:10.1.2.3" },
};

static struct ip ip(const char *text)
{
	struct ip a = { 0 };

	assert_int_equal(ip_parse(&a, text), OK);
	return a;
}

static void test_ranges(void **state)
{
	struct ip_range r = { .bits = 77 };

	(void)state;
	for (size_t i = 0; i < LEN(no_range); i++) {
		if (ip_range_parse(&r, no_range[i]) != ERR_SYNTAX)
			fail_msg("\"%s\" was read as a range", no_range[i]);
		assert_int_equal(r.bits, 77);
	}
	for (size_t i = 0; i < LEN(edges); i++) {
		struct ip in = ip(edges[i].in), out = ip(edges[i].out);

		assert_int_equal(ip_range_parse(&r, edges[i].range), OK);
		if (!ip_in(&in, &r) || ip_in(&out, &r))
			fail_msg("%s: %s or %s", edges[i].range, edges[i].in, edges[i].out);
	}
}

static const struct {
	const char *in, *inner;
	enum ip_kind kind;
} kinds[] = {
	{ "::ffff:169.254.169.254", "169.254.169.254", IP_LINK_LOCAL },
	{ "::169.254.169.254", "169.254.169.254", IP_LINK_LOCAL },
	{ "64:ff9b::a9fe:a9fe", "169.254.169.254", IP_LINK_LOCAL },
	{ "2002:a9fe:a9fe::1", "169.254.169.254", IP_LINK_LOCAL },
	{ "2002:a9fe:a9fe:1:2:3:4:5", "169.254.169.254", IP_LINK_LOCAL },
	{ "169.254.0.0", "169.254.0.0", IP_LINK_LOCAL },
	{ "169.254.255.255", "169.254.255.255", IP_LINK_LOCAL },
	{ "169.253.255.255", "169.253.255.255", IP_ORDINARY },
	{ "169.255.0.0", "169.255.0.0", IP_ORDINARY },
	{ "fe80::1", "fe80::1", IP_LINK_LOCAL },
	{ "febf::1", "febf::1", IP_LINK_LOCAL },
	{ "fec0::1", "fec0::1", IP_ORDINARY },
	{ "0.0.0.0", "0.0.0.0", IP_UNSPECIFIED },
	{ "0.255.255.255", "0.255.255.255", IP_UNSPECIFIED },
	{ "1.0.0.0", "1.0.0.0", IP_ORDINARY },
	{ "::", "::", IP_UNSPECIFIED },
	{ "::ffff:0.0.0.0", "0.0.0.0", IP_UNSPECIFIED },
	{ "::2", "0.0.0.2", IP_UNSPECIFIED },
	{ "::1", "::1", IP_ORDINARY },
	{ "223.255.255.255", "223.255.255.255", IP_ORDINARY },
	{ "224.0.0.0", "224.0.0.0", IP_MULTICAST },
	{ "239.255.255.255", "239.255.255.255", IP_MULTICAST },
	{ "240.0.0.0", "240.0.0.0", IP_ORDINARY },
	{ "ff02::1", "ff02::1", IP_MULTICAST },
	{ "feff::1", "feff::1", IP_ORDINARY },
	{ "255.255.255.255", "255.255.255.255", IP_BROADCAST },
	{ "255.255.255.254", "255.255.255.254", IP_ORDINARY },
	{ "::fffe:169.254.1.1", "::fffe:169.254.1.1", IP_ORDINARY },
	{ "64:ff9b:0:1::a9fe:a9fe", "64:ff9b:0:1::a9fe:a9fe", IP_ORDINARY },
	{ "2003:a9fe:a9fe::", "2003:a9fe:a9fe::", IP_ORDINARY },
	{ "fd00:ec2::254", "fd00:ec2::254", IP_ORDINARY },
	{ "127.0.0.1", "127.0.0.1", IP_ORDINARY },
};

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(kinds); i++) {
		struct ip a = ip(kinds[i].in), inner = ip(kinds[i].inner), got = ip_unwrap(a);

		struct ip unmapped = ip_unmap(a);
		bool mapped = strncmp(kinds[i].in, "::ffff:", 7) == 0 && !ip_equal(&a, &inner);

		if (!ip_equal(&unmapped, mapped ? &inner : &a))
			fail_msg("%s: not unmapped", kinds[i].in);
		if (!ip_equal(&got, &inner) || ip_kind_of(&a) != kinds[i].kind)
			fail_msg("%s: %s", kinds[i].in, ip_kind_text(ip_kind_of(&a)));
	}
	assert_string_equal(ip_kind_text(IP_LINK_LOCAL), "a link-local address");
}

static void test_loopback(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} rows[] = {
		{ "126.255.255.255", false },
		{ "128.0.0.0", false },
		{ "::", false },
		{ "::2", false },
		{ "0.0.0.0", false },
		{ "::ffff:127.0.0.1", false },
		{ "127.0.0.0", true },
		{ "127.9.9.9", true },
		{ "::1", true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct ip a = ip(rows[i].in);

		assert_int_equal(ip_is_loopback(&a), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_an_address), cmocka_unit_test(test_text),	cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_kinds),	       cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
