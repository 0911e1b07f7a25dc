/* Forwarding specifications: every form that ssh(1) has, and what is wrong with the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netdb.h>
#include <unistd.h>

#include "alloc.h"
#include "conf/fwdspec.h"

/* The services of these tests, whatever this machine has. */
struct servent *__wrap_getservbyname(const char *name, const char *proto);
struct servent *__wrap_getservbyname(const char *name, const char *proto)
{
	static struct servent imap;

	assert_string_equal(proto, "tcp");
	imap.s_port = htons(143);
	return strcmp(name, "imap") == 0 ? &imap : NULL;
}

static bool no_services;
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	assert_string_equal(path, "/etc/services");
	assert_int_equal(mode, R_OK);
	return no_services ? -1 : 0;
}

static const struct {
	enum fwd_side side;
	const char *in, *fault;
} bad_rows[] = {
	{ FWD_LOCAL, "", "nothing in it" },
	{ FWD_LOCAL, "8080", "does not say where to connect to" },
	{ FWD_LOCAL, "127.0.0.1:8080", "does not say where to connect to" },
	{ FWD_LOCAL, "/tmp/sock", "does not say where to connect to" },
	{ FWD_LOCAL, "99999:host:80", "port 99999 is not between 0 and 65535" },
	{ FWD_LOCAL, "8080:host:99999", "port 99999 is not between 1 and 65535" },
	{ FWD_LOCAL, "8080:host:0", "port 0 is not between 1 and 65535" },
	{ FWD_LOCAL, "8080:host:18446744073709551617", "port 18446744073709551617 is not between" },
	{ FWD_LOCAL, "-1:host:80", "port '-1' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "+1:host:80", "port '+1' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, " 1 :host:80", "port '1 ' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "0x10:host:80", "port '0x10' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "1e3:host:80", "port '1e3' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "nope:host:80", "port 'nope' is not a number, and /etc/services has no TCP service of that name" },
	{ FWD_LOCAL, "8080:host:nope", "port 'nope' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "tftp:host:80", "port 'tftp' is not a number, and /etc/services has no" }, /* UDP only */
	{ FWD_LOCAL, "IMAP:host:80", "port 'IMAP' is not a number, and /etc/services has no" },
	{ FWD_LOCAL, "imap:host:", "the port is missing" },
	{ FWD_LOCAL, "imap/host/imap", "does not say where to connect to" },
	{ FWD_LOCAL, "8080:host:", "the port is missing" },
	{ FWD_LOCAL, "8080::80", "the host to connect to is missing" },
	{ FWD_LOCAL, "::host:80", "the port is missing" },
	{ FWD_LOCAL, "1:2:3:4:5", "more than four fields" },
	{ FWD_LOCAL, "8080:::1:80", "more than four fields; an IPv6 address belongs into [brackets]" },
	{ FWD_LOCAL, "[::1:8080:host:80", "'[' without ']'" },
	{ FWD_LOCAL, "[::1]8080:host:80", "']' is followed by something else" },
	{ FWD_LOCAL, "8080:host:80\\", "nothing behind the backslash" },
	{ FWD_LOCAL, "ftp/21:host:21", "the kind 'ftp' is not part of this release" },
	{ FWD_LOCAL, "8080:\033[31m:x", "port 'x' is not a number, and /etc/services has no" },
	{ FWD_REMOTE, "", "nothing in it" },
	{ FWD_REMOTE, "x", "port 'x' is not a number, and /etc/services has no" },
	{ FWD_REMOTE, "host:", "the port is missing" },
	{ FWD_REMOTE, "70000", "port 70000 is not between 0 and 65535" },
	{ FWD_REMOTE, "0:host:0", "port 0 is not between 1 and 65535" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(bad_rows); i++) {
		struct fwdspec f = { .kind = 77 };
		struct why why = { "" };

		assert_int_equal(fwdspec_parse(&f, bad_rows[i].in, bad_rows[i].side, &why), ERR_SYNTAX);
		assert_int_equal(f.kind, 77);
		if (!strstr(why.text, bad_rows[i].fault) ||
		    strncmp(why.text, "bad forwarding specification '", 30) != 0)
			fail_msg("%s: %s", bad_rows[i].in, why.text);
		assert_null(strchr(why.text, '\033'));
	}
}

static void test_machine_without_services(void **state)
{
	struct fwdspec f = { 0 };
	struct why why;

	(void)state;
	no_services = true;
	assert_int_equal(fwdspec_parse(&f, "8080:host:http", FWD_LOCAL, &why), ERR_SYNTAX);
	no_services = false;
	assert_string_equal(why.text, "bad forwarding specification '8080:host:http': port 'http' is not a number, and "
				      "there is no /etc/services to look a name up in");
}

/* A text of n bytes between two others. */
static int parse_long(const char *before, size_t n, const char *after, struct why *why)
{
	struct fwdspec f = { 0 };
	char *text = malloc(strlen(before) + n + strlen(after) + 1);

	strcpy(text, before);
	memset(text + strlen(before), 'a', n);
	strcpy(text + strlen(before) + n, after);
	int err = fwdspec_parse(&f, text, FWD_LOCAL, why);
	free(text);
	fwdspec_fini(&f);
	return err;
}

static void test_long(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(parse_long("1:/", 200, "", &why), ERR_SYNTAX);
	assert_non_null(strstr(why.text, "the path to connect to is longer than 107 bytes"));
	assert_int_equal(parse_long("/", 107, ":a:1", &why), ERR_SYNTAX);
	assert_int_equal(parse_long("/", 106, ":a:1", &why), OK);
	assert_int_equal(parse_long("1:", 1025, ":1", &why), ERR_SYNTAX);
	assert_int_equal(parse_long("1:", 1024, ":1", &why), OK);
	assert_int_equal(parse_long("1:", 1 << 20, ":1", &why), ERR_SYNTAX);
	assert_non_null(strstr(why.text, "too long"));
}

/* `want` is what fwdspec_print() says. */
static const struct {
	enum fwd_side side;
	const char *in, *want;
} good_rows[] = {
	{ FWD_LOCAL, "8080:host:80", "8080 [host]:80" },
	{ FWD_LOCAL, "0:host:80", "0 [host]:80" },
	{ FWD_LOCAL, "  8080:host:80", "8080 [host]:80" },
	{ FWD_LOCAL, "127.0.0.1:8080:host:80", "[127.0.0.1]:8080 [host]:80" },
	{ FWD_LOCAL, "localhost:8080:host:80", "[localhost]:8080 [host]:80" },
	{ FWD_LOCAL, ":8080:host:80", "[]:8080 [host]:80" },
	{ FWD_LOCAL, "*:8080:host:80", "[*]:8080 [host]:80" },
	{ FWD_LOCAL, "[::1]:8080:[fe80::1%eth0]:80", "[::1]:8080 [fe80::1%eth0]:80" },
	{ FWD_LOCAL, "[]:8080:host:80", "[]:8080 [host]:80" },
	{ FWD_LOCAL, "8080:[2001:db8::1]:80", "8080 [2001:db8::1]:80" },
	{ FWD_LOCAL, "imap:host:imap", "143 [host]:143" },
	{ FWD_LOCAL, "127.0.0.1:imap:host:80", "[127.0.0.1]:143 [host]:80" },
	{ FWD_LOCAL, "tcp/imap:[::1]:imap", "143 [::1]:143" },
	{ FWD_LOCAL, "imap:/tmp/s", "143 /tmp/s" },
	{ FWD_LOCAL, "8080:/tmp/s", "8080 /tmp/s" },
	{ FWD_LOCAL, "127.0.0.1:8080:/tmp/s", "[127.0.0.1]:8080 /tmp/s" },
	{ FWD_LOCAL, "/tmp/s:host:80", "/tmp/s [host]:80" },
	{ FWD_LOCAL, "/tmp/a:/tmp/b", "/tmp/a /tmp/b" },
	{ FWD_LOCAL, "./a:./b", "./a ./b" },
	{ FWD_LOCAL, "/tmp/a\\:b:host:80", "/tmp/a:b [host]:80" },
	{ FWD_LOCAL, "[/tmp/a:b]:host:80", "/tmp/a:b [host]:80" },
	{ FWD_LOCAL, "8080/host/80", "8080 [host]:80" },
	{ FWD_LOCAL, "127.0.0.1/8080/host/80", "[127.0.0.1]:8080 [host]:80" },
	{ FWD_LOCAL, "tcp/8080:host:80", "8080 [host]:80" },
	{ FWD_LOCAL, "tcp/127.0.0.1:8080:host:80", "[127.0.0.1]:8080 [host]:80" },
	{ FWD_LOCAL, "tcp/8080/host/80", "8080 [host]:80" },
	{ FWD_REMOTE, "0:host:80", "0 [host]:80" },
	{ FWD_REMOTE, "imap:host:imap", "143 [host]:143" },
	{ FWD_REMOTE, "imap", "143 [socks]:0" },
	{ FWD_REMOTE, "*:imap", "[*]:143 [socks]:0" },
	{ FWD_REMOTE, "8080", "8080 [socks]:0" },
	{ FWD_REMOTE, "tcp/8080", "8080 [socks]:0" },
	{ FWD_REMOTE, "*:8080", "[*]:8080 [socks]:0" },
	{ FWD_REMOTE, "[::1]:8080", "[::1]:8080 [socks]:0" },
	{ FWD_REMOTE, "/tmp/s", "/tmp/s [socks]:0" },
	{ FWD_REMOTE, "/1/2/3", "/1/2/3 [socks]:0" },
	{ FWD_REMOTE, "/tmp/s:host:80", "/tmp/s [host]:80" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(good_rows); i++) {
		struct fwdspec f = { 0 }, again = { 0 };
		struct buf b = BUF(4096);
		struct why why = { "" };
		int err = fwdspec_parse(&f, good_rows[i].in, good_rows[i].side, &why);

		if (err)
			fail_msg("%s: %s", good_rows[i].in, why.text);
		assert_int_equal(f.kind, FWD_TCP);
		assert_int_equal(f.side, good_rows[i].side);
		assert_int_equal(f.dynamic, strstr(good_rows[i].want, "socks") != NULL);
		assert_true(f.dynamic || f.connect.host || f.connect.path);
		fwdspec_print(&f, &b);
		buf_u8(&b, 0);
		assert_string_equal((char *)b.p, good_rows[i].want);
		assert_int_equal(fwdspec_parse(&again, good_rows[i].in, good_rows[i].side, &why), OK);
		assert_true(fwdspec_equal(&f, &again));
		again.listen.port ^= 1;
		assert_false(fwdspec_equal(&f, &again));
		fwdspec_fini(&again);
		fwdspec_fini(&f);
		buf_fini(&b);
	}
}

static void test_words(void **state)
{
	struct fwdspec f = { 0 };
	struct why why;

	(void)state;
	assert_int_equal(fwdspec_parse_words(&f, "8080", NULL, FWD_LOCAL, &why), ERR_SYNTAX);
	assert_string_equal(why.text, "Missing target argument.");
	assert_int_equal(fwdspec_parse_words(&f, "8080", "host", FWD_LOCAL, &why), ERR_SYNTAX);
	assert_int_equal(fwdspec_parse_words(&f, "[::1]:8080", "[fe80::1]:80", FWD_LOCAL, &why), OK);
	assert_string_equal(f.listen.host, "::1");
	assert_int_equal(f.listen.port, 8080);
	assert_string_equal(f.connect.host, "fe80::1");
	fwdspec_fini(&f);
	assert_int_equal(fwdspec_parse_words(&f, "8080", NULL, FWD_REMOTE, &why), OK);
	assert_true(f.dynamic);
	assert_null(f.listen.host);
	fwdspec_fini(&f);
}

static int parse_some(void *ctx)
{
	struct fwdspec f = { 0 };
	int err = fwdspec_parse_words(&f, "127.0.0.1:1", ctx, FWD_LOCAL, NULL);

	assert_true(err == OK || err == ERR_NOMEM);
	fwdspec_fini(&f);
	return err;
}

static void test_no_memory(void **state)
{
	char target[] = "host:80";

	(void)state;
	assert_int_equal(alloc_torture(parse_some, target), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machine_without_services),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
