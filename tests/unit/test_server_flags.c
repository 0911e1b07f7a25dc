/* The command line of aditd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "app/server_flags.h"

enum { WORDS = 8 };

static int parse(struct server_flags *f, const char *const words[WORDS], struct why *why)
{
	char *argv[WORDS + 2] = { (char *)(uintptr_t) "aditd" };
	int n = 1;

	for (; n <= WORDS && words[n - 1]; n++)
		argv[n] = (char *)(uintptr_t)words[n - 1];
	return server_flags_parse(f, n, argv, why);
}

static void refused(void **state)
{
	static const struct {
		const char *words[WORDS];
		int err;
		const char *says;
	} rows[] = {
		{ { "-z" }, ERR_SYNTAX, "unknown option -- 'z'" },
		{ { "-D\x1bx" }, ERR_SYNTAX, "\\x1b" },
		{ { "-f" }, ERR_SYNTAX, "requires an argument" },
		{ { "-Df" }, ERR_SYNTAX, "requires an argument" },
		{ { "extra" }, ERR_SYNTAX, "unexpected word 'extra'" },
		{ { "--verbose" }, ERR_SYNTAX, "unexpected word" },
		{ { "-" }, ERR_SYNTAX, "unexpected word" },
		{ { "-C", "user=a" }, ERR_SYNTAX, "only -T" },
		{ { "-u", "0" }, ERR_DENIED, "-u is not supported: " },
		{ { "-4" }, ERR_DENIED, "AddressFamily=inet" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct server_flags f = { .debug = 7 };
		struct why why = { "" };
		int err = parse(&f, rows[i].words, &why);

		if (err != rows[i].err || !strstr(why.text, rows[i].says) || f.debug != 7)
			fail_msg("%s: %d (%s)", rows[i].words[0], err, why.text);
	}
}

static void accepted(void **state)
{
	struct server_flags f;

	(void)state;
	assert_int_equal(parse(&f, (const char *const[WORDS]){ NULL }, NULL), OK);
	assert_true(f.action == SERVER_RUN && !f.foreground && !f.to_stderr && !f.debug && !f.lines.n && !f.file);
	assert_int_equal(parse(&f,
			       (const char *const[WORDS]){ "-Dqf", "conf", "-p22", "-o", "MaxAuthTries 3", "-h", "k" },
			       NULL),
			 OK);
	assert_true(f.foreground && f.quiet && !f.to_stderr);
	assert_string_equal(f.file, "conf");
	assert_int_equal(f.lines.n, 3);
	assert_string_equal(f.lines.v[0], "Port \"22\"");
	assert_string_equal(f.lines.v[1], "MaxAuthTries 3");
	assert_string_equal(f.lines.v[2], "HostKey \"k\"");
	server_flags_fini(&f);
	assert_int_equal(parse(&f, (const char *const[WORDS]){ "-ddddd", "-E", "log" }, NULL), OK);
	assert_true(f.debug == 3 && f.foreground && f.to_stderr);
	assert_int_equal(parse(&f, (const char *const[WORDS]){ "-TC", "user=a,addr=b" }, NULL), OK);
	assert_true(f.action == SERVER_DUMP && strcmp(f.criteria, "user=a,addr=b") == 0);
	assert_int_equal(parse(&f, (const char *const[WORDS]){ "-t" }, NULL), OK);
	assert_int_equal(f.action, SERVER_CHECK);
	assert_int_equal(parse(&f, (const char *const[WORDS]){ "-ie" }, NULL), OK);
	assert_true(f.inetd && f.foreground && f.to_stderr);
	assert_int_equal(parse(&f, (const char *const[WORDS]){ "--help", "-z" }, NULL), OK);
	assert_int_equal(f.action, SERVER_HELP);
}

static void help_fits_on_a_screen(void **state)
{
	int lines = 0;

	(void)state;
	for (const char *s = server_help(); *s; s = strchr(s, '\n') + 1, lines++)
		assert_true(strcspn(s, "\n") <= 100);
	assert_in_range(lines, 10, 24);
}

static int scenario(void *ctx)
{
	struct server_flags f;
	int err = parse(&f, (const char *const[WORDS]){ "-p", "22", "-o", "Port 23" }, NULL);

	(void)ctx;
	if (!err)
		server_flags_fini(&f);
	assert_true(err == OK || err == ERR_NOMEM);
	return err;
}

static void memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_torture(scenario, NULL) >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(accepted),
		cmocka_unit_test(help_fits_on_a_screen),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
