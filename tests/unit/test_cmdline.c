/* The command line: what is refused and with which words, and what ssh 9.2 itself does not take. That the flags mean
 * what they mean to ssh is shown by tests/e2e/test_config.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc.h"
#include "app/cmdline.h"
#include "conf_facts.h"

enum { WORDS_MAX = 12 };

/* argv from words separated by '|'. */
static int parse(struct cmdline *cmd, struct client_conf *conf, const struct conf_facts *facts, const char *words,
		 struct why *why)
{
	char copy[256], program[] = "adit", *argv[WORDS_MAX + 2] = { program };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *rest = copy, *word; *words && argc <= WORDS_MAX && (word = strsep(&rest, "|"));)
		argv[argc++] = word;
	*cmd = (struct cmdline){ 0 };
	conf_init(conf, facts);
	return cmdline_parse(cmd, argc, argv, conf, why);
}

static const struct {
	const char *words;
	int err;
	const char *want;
} bad_rows[] = {
	{ "", ERR_SYNTAX, "no host given" },
	{ "-N", ERR_SYNTAX, "no host given" },
	{ "-c||host", ERR_SYNTAX, "option requires an argument -- 'c'" },
	{ "-Nl||host", ERR_SYNTAX, "option requires an argument -- 'l'" },
	{ "host|uptime", ERR_SYNTAX, "adit forwards ports and does not run commands: 'uptime'" },
	{ "host|--|-v", ERR_SYNTAX, "does not run commands: '-v'" },
	{ "-Z|host", ERR_SYNTAX, "unknown option -- 'Z'" },
	{ "--frob|host", ERR_SYNTAX, "unknown option '--frob'" },
	{ "host|-p", ERR_SYNTAX, "option requires an argument -- 'p'" },
	{ "host|-Np", ERR_SYNTAX, "option requires an argument -- 'p'" },
	{ "-p|0|host", ERR_SYNTAX, "Bad port '0'." },
	{ "-p|22x|host", ERR_SYNTAX, "Bad port '22x': it is not a number, and " },
	{ "-L|80|host", ERR_SYNTAX, "bad forwarding specification '80'" },
	{ "-R|1:a:70000|host", ERR_SYNTAX, "port 70000 is not between 1 and 65535" },
	{ "-L|ftp/21:a:21|host", ERR_SYNTAX, "the kind 'ftp' is not part of this release" },
	{ "-o|Foo=1|host", ERR_SYNTAX, "command-line: line 0: Bad configuration option: foo" },
	{ "-o|Match all|host", ERR_SYNTAX, "Match directive not supported as a command-line option" },
	{ "-c|rot13|host", ERR_SYNTAX, "Bad SSH2 cipher spec 'rot13'." },
	{ "@host", ERR_SYNTAX, "there is no user before the @" },
	{ "user@", ERR_SYNTAX, "there is no host in 'user@'" },
	{ "ssh://", ERR_SYNTAX, "there is no host" },
	{ "ssh://host/path", ERR_SYNTAX, "a path in the URL" },
	{ "ssh://host:", ERR_SYNTAX, "Missing argument." },
	{ "ssh://host:99999", ERR_SYNTAX, "Bad port '99999'." },
	{ "ssh://[::1", ERR_SYNTAX, "bad address in the URL" },
	{ "ssh://[::1]x", ERR_SYNTAX, "bad address in the URL" },
	{ "ssh://a%zz@host", ERR_SYNTAX, "bad user name in the URL" },
	{ "ssh://a%00b@host", ERR_SYNTAX, "bad user name in the URL" },
	{ "ssh://a%4@host", ERR_SYNTAX, "bad user name in the URL" },
	{ "ssh://@host", ERR_SYNTAX, "bad user name in the URL" },
	{ "-A|host", ERR_DENIED, "-A is not supported: the agent is never forwarded" },
	{ "-D|1080|host", ERR_DENIED, "-D is not supported: SOCKS" },
	{ "-Jjump|host", ERR_DENIED, "-J is not supported: connecting through other hosts" },
	{ "-W|a:1|host", ERR_DENIED, "-W is not supported" },
	{ "-w|0|host", ERR_DENIED, "-w is not supported" },
	{ "-X|host", ERR_DENIED, "-X is not supported" },
	{ "-NfM|host", ERR_DENIED, "-M is not supported" },
	{ "-O|exit|host", ERR_DENIED, "-O is not supported" },
	{ "-s|host", ERR_DENIED, "-s is not supported" },
	{ "-Q|cipher", ERR_DENIED, "-Q is not supported" },
	{ "-K|host", ERR_DENIED, "-K is not supported" },
};

static void test_bad(void **state)
{
	const struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(bad_rows); i++) {
		struct cmdline cmd;
		struct client_conf conf;
		struct why why = { "" };
		int err = parse(&cmd, &conf, &facts, bad_rows[i].words, &why);

		if (err != bad_rows[i].err || !strstr(why.text, bad_rows[i].want))
			fail_msg("%s: %d %s", bad_rows[i].words, err, why.text);
		assert_null(cmd.host);
		conf_fini(&conf);
	}
}

static const struct {
	const char *words;
	enum cmd_action action;
	const char *host, *user;
	int port; /* 0 = not said */
} good_rows[] = {
	{ "host", CMD_RUN, "host", NULL, 0 },
	{ "host|-G", CMD_DUMP, "host", NULL, 0 },
	{ "--help", CMD_HELP, NULL, NULL, 0 },
	{ "--version|-Z", CMD_VERSION, NULL, NULL, 0 },
	{ "-V", CMD_VERSION, NULL, NULL, 0 },
	{ "-axkynTt|-e|none|host", CMD_RUN, "host", NULL, 0 },
	{ "-p22|me@host", CMD_RUN, "host", "me", 22 },
	{ "me@host|-p|23|-l|you", CMD_RUN, "host", "me", 23 },
	{ "a@b@host", CMD_RUN, "host", "a@b", 0 },
	{ "ssh://me@host:24/", CMD_RUN, "host", "me", 24 },
	{ "ssh://m%65;x=y@host", CMD_RUN, "host", "me", 0 },
	{ "ssh://[::1]:25", CMD_RUN, "::1", NULL, 25 },
	{ "ssh://me@[fe80::1]", CMD_RUN, "fe80::1", "me", 0 },
	{ "--|host", CMD_RUN, "host", NULL, 0 },
};

static void test_good(void **state)
{
	const struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(good_rows); i++) {
		struct cmdline cmd;
		struct client_conf conf;
		struct why why = { "" };

		if (parse(&cmd, &conf, &facts, good_rows[i].words, &why))
			fail_msg("%s: %s", good_rows[i].words, why.text);
		assert_int_equal(cmd.action, good_rows[i].action);
		if (good_rows[i].host)
			assert_string_equal(cmd.host, good_rows[i].host);
		else
			assert_null(cmd.host);
		if (good_rows[i].user)
			assert_string_equal(conf.user_name, good_rows[i].user);
		else
			assert_null(conf.user_name);
		assert_int_equal(conf.port, good_rows[i].port);
		cmdline_fini(&cmd);
		conf_fini(&conf);
	}
}

static void test_fields(void **state)
{
	const struct conf_facts facts = facts_for("/home/me");
	struct cmdline cmd;
	struct client_conf conf;

	(void)state;
	assert_int_equal(parse(&cmd, &conf, &facts, "-vvvvv|-fF|file|-E|log|-L|1:a:1|-R2:b:2|host|-gC", NULL), OK);
	assert_int_equal(cmd.verbose, 3);
	assert_false(cmd.quiet);
	assert_string_equal(cmd.file, "file");
	assert_string_equal(cmd.log_file, "log");
	assert_int_equal(conf.log_level, LOG_LEVEL_DEBUG3);
	assert_int_equal(conf.local_forwards.n, 1);
	assert_int_equal(conf.remote_forwards.n, 1);
	assert_true(conf.fork_after_auth && conf.stdin_null && conf.gateway_ports && conf.compression);
	cmdline_fini(&cmd);
	conf_fini(&conf);
}

/* A terminal has 24 lines of 80 columns. */
static void test_help(void **state)
{
	size_t lines = 0;

	(void)state;
	for (const char *s = cmdline_help(); *s; s++, lines++) {
		assert_true(strcspn(s, "\n") < 80);
		s += strcspn(s, "\n");
	}
	assert_in_range(lines, 10, 23);
}

static int whole_line(void *ctx)
{
	struct cmdline cmd;
	struct client_conf conf;
	int err = parse(&cmd, &conf, ctx, "-vL|1:a:1|-R|2:b:2|-i|key|-c|aes128-ctr|-o|Tag=x|ssh://me@[::1]:2", NULL);

	assert_true(err == OK || err == ERR_NOMEM);
	cmdline_fini(&cmd);
	conf_fini(&conf);
	return err;
}

static void test_no_memory(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	assert_true(alloc_torture(whole_line, &facts) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),  cmocka_unit_test(test_good),      cmocka_unit_test(test_fields),
		cmocka_unit_test(test_help), cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
