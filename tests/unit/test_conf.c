/* ssh_config(5): what must be refused and with which words, precedence, files and their permissions, expansion. That
 * the values mean what they mean to ssh is shown by tests/e2e/test_config.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/str.h"
#include "conf_facts.h"

/* Reads the text for `host`, then the defaults. */
static int read_text(struct client_conf *conf, const struct conf_facts *facts, const char *host, struct span text,
		     struct why *why)
{
	conf_init(conf, facts);
	int err = conf_parse_text(conf, host, "FILE", text, why);

	return err ? err : conf_finish(conf, why);
}

/* ---- What is refused ------------------------------------------------------------------------------------------ */

static const struct {
	const char *in, *want;
} bad_rows[] = {
	{ "Foo bar", "FILE: line 1: Bad configuration option: foo" },
	{ "\n\n F\033oo bar", "FILE: line 3: Bad configuration option: f\\x1boo" },
	{ "Host other\nFoo bar", "FILE: line 2: Bad configuration option: foo" },
	{ "IgnoreUnknown !foo,*\nFoo bar", "FILE: line 2: Bad configuration option: foo" },
	{ "Port", "FILE line 1: no argument after keyword \"port\"" },
	{ "Port =", "FILE line 1: no argument after keyword \"port\"" },
	{ "Port # 1", "FILE line 1: Missing argument." },
	{ "User \"\"", "FILE line 1: Missing argument." },
	{ "Port 1 2", "FILE line 1: keyword Port extra arguments at end of line" },
	{ "Port 1e9", "FILE line 1: Bad port '1e9': it is not a number, and " },
	{ "Port -1", "FILE line 1: Bad port '-1': it is not a number, and " },
	{ "Port 0x10", "FILE line 1: Bad port '0x10': it is not a number, and " },
	{ "Port ' 1'", "FILE line 1: Bad port ' 1': it is not a number, and " },
	{ "Port 0", "FILE line 1: Bad port '0'." },
	{ "Port 65536", "FILE line 1: Bad port '65536'." },
	{ "Port no-such-service", "FILE line 1: Bad port 'no-such-service': it is not a number, and " },
	{ "ConnectionAttempts 0", "ConnectionAttempts '0' is not a number between 1 and 2147483647" },
	{ "ServerAliveCountMax +3", "ServerAliveCountMax '+3' is not a number between 0 and 2147483647" },
	{ "NumberOfPasswordPrompts 2147483648", "is not a number between" },
	{ "ConnectTimeout 1x", "invalid time value '1x'." },
	{ "ConnectTimeout h", "invalid time value 'h'." },
	{ "ConnectTimeout 2147483647w", "invalid time value" },
	{ "BatchMode maybe", "unsupported option \"maybe\"." },
	{ "PasswordAuthentication noo", "unsupported option \"noo\"." },
	{ "StreamLocalBindMask 888", "Bad mask '888'." },
	{ "StreamLocalBindMask 7777", "Bad mask '7777'." },
	{ "RekeyLimit 15", "RekeyLimit '15' is too small" },
	{ "RekeyLimit 1.5G", "Bad number '1.5G'" },
	{ "RekeyLimit 99999999999999999999G", "Bad number" },
	{ "IPQoS 0x100", "Bad IPQoS value: 0x100" },
	{ "IPQoS 256", "Bad IPQoS value: 256" },
	{ "Ciphers rot13", "Bad SSH2 cipher spec 'rot13'." },
	{ "Ciphers aes128-ctr,,aes256-ctr", "Bad SSH2 cipher spec ''." },
	{ "Ciphers -*", "nothing is left of '-*'; there is aes128-gcm" },
	{ "MACs umac-64@openssh.com", "nothing is left of 'umac-64@openssh.com'" },
	{ "PermitRemoteOpen host:no-such-service", "'host:no-such-service' is not host:port" },
	{ "PermitRemoteOpen host", "'host' is not host:port" },
	{ "PermitRemoteOpen any host:1", "'any' is not host:port" },
	{ "LocalForward 8080", "FILE line 1: Missing target argument." },
	{ "LocalForward 8080 host:99999",
	  "FILE line 1: bad forwarding specification '8080:host:99999': port 99999 is not between 1 and 65535" },
	{ "User \"a", "FILE line 1: invalid quotes" },
	{ "User 'a", "FILE line 1: invalid quotes" },
	{ "\"Port 1", "FILE line 1: invalid quotes" },
	{ "Host", "FILE line 1: no argument after keyword \"host\"" },
	{ "Host # x", "FILE line 1: keyword host without a pattern" },
	{ "Host a \"\"", "FILE line 1: keyword host empty argument" },
	{ "Match", "FILE line 1: no argument after keyword \"match\"" },
	{ "Match # all", "FILE line 1: One or more attributes required for Match" },
	{ "Match foo x", "FILE line 1: Unsupported Match attribute foo" },
	{ "Match host", "FILE line 1: missing argument for Match 'host'" },
	{ "Match host h user", "FILE line 1: missing argument for Match 'user'" },
	{ "Match all host h", "FILE line 1: 'all' cannot be combined with other Match attributes" },
	{ "Match exec other", "FILE line 1: cannot run 'other'" },
	{ "Match exec %z", "FILE line 1: unknown token %z" },
	{ "Match localnetwork 10.0.0.0/8", "Match localnetwork is not supported" },
	{ "Include ~nobody/x", "FILE line 1: the home of user nobody is not looked up" },
	{ "Include \"\"", "keyword include empty argument" },
	{ "HostName %p", "unknown token %p" },
	{ "HostName a;b", "hostname contains invalid characters: 'a;b'" },
	{ "HostName -a", "hostname contains invalid characters: '-a'" },
	{ "User a`b", "remote username contains invalid characters: 'a`b'" },
	{ "UserKnownHostsFile ${NOT_SET}", "env var ${NOT_SET} has no value" },
	{ "UserKnownHostsFile ${", "'${' without a name and '}'" },
	{ "UserKnownHostsFile ${}", "'${' without a name and '}'" },
	{ "UserKnownHostsFile a%", "unknown token %" },
	{ "IdentityFile ~other/key", "the home of user other is not looked up" },
};

static void test_bad(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(bad_rows); i++) {
		struct client_conf conf;
		struct why why = { "" };
		int err = read_text(&conf, &facts, "host", span_str(bad_rows[i].in), &why);

		if (!err || !strstr(why.text, bad_rows[i].want))
			fail_msg("%s: %d %s", bad_rows[i].in, err, why.text);
		conf_fini(&conf);
	}
}

static void refuse_bytes(const void *p, size_t n, const char *want)
{
	struct conf_facts facts = facts_for("/home/me");
	struct client_conf conf;
	struct why why = { "" };

	assert_int_equal(read_text(&conf, &facts, "host", span(p, n), &why), ERR_SYNTAX);
	assert_string_equal(why.text, want);
	conf_fini(&conf);
}

static void test_bad_bytes(void **state)
{
	size_t n = 1 << 20;
	char *line = malloc(n);

	(void)state;
	memset(line, 'a', n);
	memcpy(line, "User ", 5);
	refuse_bytes(line, n, "FILE line 1: the line is longer than 65536 bytes");
	free(line);
	refuse_bytes("Port 1\nUser a\0b\n", 16, "FILE line 2: there is a NUL byte in the line");
}

static const char *const bad_hosts[] = { "",	"-h",  "a b", "a;b", "a'b", "a\"b", "a`b",  "$a",   "a\\b",
					 "a|b", "a&b", "a<b", "a>b", "(a)", "{a}",  "a\nb", "a\tb", "a\x7f" };

static void test_bad_host(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(bad_hosts); i++) {
		struct client_conf conf;

		conf_init(&conf, &facts);
		assert_int_equal(conf_load(&conf, bad_hosts[i], "none", NULL), ERR_SYNTAX);
		conf_fini(&conf);
	}
}

static const struct {
	const char *user;
	int want;
} user_rows[] = {
	{ "-a", ERR_SYNTAX },	{ "a;b", ERR_SYNTAX }, { "a\\", ERR_SYNTAX }, { "a -b", ERR_SYNTAX },
	{ "a\nb", ERR_SYNTAX }, { "a|b", ERR_SYNTAX }, { "a\\b", OK },	      { "a b", OK },
	{ "a@b", OK },		{ "a-b.c_d%r$", OK },
};

/* A name on the command line is checked before anything is expanded with it, and has no tokens itself. */
static void test_user(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(user_rows); i++) {
		struct client_conf conf;

		conf_init(&conf, &facts);
		assert_int_equal(conf_set(&conf, OPT_User, user_rows[i].user, NULL), OK);
		assert_int_equal(conf_load(&conf, "h", "none", NULL), user_rows[i].want);
		if (user_rows[i].want == OK) {
			assert_int_equal(conf_finish(&conf, NULL), OK);
			assert_string_equal(conf.user_name, user_rows[i].user);
		}
		conf_fini(&conf);
	}
}

/* ---- What is read --------------------------------------------------------------------------------------------- */

static void test_expansion(void **state)
{
	static const char text[] = "HostName %h.example\nUser u%i\nPort 7\nHostKeyAlias Alias\n"
				   "UserKnownHostsFile ~/a ~me/b ${PLACE}/%% %d/%h/%k/%L/%l/%n/%p/%r/%u/%j.\n"
				   "IdentityFile none\nIdentityFile ~/%r\nCertificateFile ${PLACE}/c\n"
				   "RevokedHostKeys ~/r\nIdentityAgent $PLACE\nLocalForward /%r 1:1\n";
	struct conf_facts facts = facts_for("/home/me");
	struct client_conf conf;
	struct why why = { "" };

	(void)state;
	facts.uid = 42;
	assert_int_equal(read_text(&conf, &facts, "Host", span_str(text), &why), OK);
	assert_string_equal(conf.host, "host.example");
	assert_string_equal(conf.host_arg, "Host");
	assert_string_equal(conf.user_name, "u42");
	assert_int_equal(conf.user_known_hosts.n, 4);
	assert_string_equal(conf.user_known_hosts.v[0], "/home/me/a");
	assert_string_equal(conf.user_known_hosts.v[1], "/home/me/b");
	assert_string_equal(conf.user_known_hosts.v[2], "/place/%");
	assert_string_equal(conf.user_known_hosts.v[3],
			    "/home/me/host.example/Alias/box/box.example.org/Host/7/u42/me/.");
	assert_int_equal(conf.identity_files.n, 2);
	assert_int_equal(conf.identity_paths.n, 1);
	assert_string_equal(conf.identity_paths.v[0], "/home/me/u42");
	assert_string_equal(conf.certificate_paths.v[0], "/place/c");
	assert_string_equal(conf.revoked_host_keys, "/home/me/r");
	assert_string_equal(conf.agent_path, "/place");
	assert_string_equal(conf.local_forwards.v[0].listen.path, "/u42");
	conf_fini(&conf);
}

static const struct {
	const char *in, *want; /* NULL = no agent */
} agent_rows[] = {
	{ "", "/run/agent" },
	{ "IdentityAgent none", NULL },
	{ "IdentityAgent NONE", NULL },
	{ "IdentityAgent SSH_AUTH_SOCK", "/run/agent" },
	{ "IdentityAgent $NOT_SET", NULL },
	{ "IdentityAgent ~/sock", "/home/me/sock" },
	{ "IdentityAgent /a/%u", "/a/me" },
};

static void test_agent(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(agent_rows); i++) {
		struct client_conf conf;

		assert_int_equal(read_text(&conf, &facts, "h", span_str(agent_rows[i].in), NULL), OK);
		if (agent_rows[i].want)
			assert_string_equal(conf.agent_path, agent_rows[i].want);
		else
			assert_null(conf.agent_path);
		conf_fini(&conf);
	}
}

/* What an empty configuration means; the numbers are the ones that the manual promises. */
static void test_defaults(void **state)
{
	struct conf_facts facts = facts_for("/home/me");
	struct client_conf conf;

	(void)state;
	assert_int_equal(read_text(&conf, &facts, "h", span_str(""), NULL), OK);
	assert_int_equal(conf.port, 22);
	assert_int_equal(conf.alive_seconds, 15);
	assert_int_equal(conf.alive_max, 3);
	assert_int_equal(conf.connect_seconds, -1);
	assert_int_equal(conf.bind_mask, 0177);
	assert_int_equal(conf.strict_host_key, CHECK_ASK);
	assert_int_equal(conf.update_host_keys, ANSWER_YES);
	assert_int_equal(conf.log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf.qos.bulk, QOS_NONE);
	assert_int_equal(conf.rekey.bytes, 0);
	assert_string_equal(conf.user_name, "me");
	assert_string_equal(conf.ciphers, facts.cipher);
	assert_int_equal(conf.identity_paths.n, 3);
	assert_string_equal(conf.identity_paths.v[2], "/home/me/.ssh/id_ed25519");
	assert_int_equal(conf_supported(&conf, NULL), OK);
	conf_fini(&conf);
}

static const struct {
	const char *in, *want; /* want NULL: it is supported */
} support_rows[] = {
	{ "ProxyCommand nc %h %p", "FILE line 1: ProxyCommand is not supported" },
	{ "Port 1\nProxyJump a,b", "FILE line 2: ProxyJump is not supported" },
	{ "DynamicForward 1080", "FILE line 1: DynamicForward is not supported" },
	{ "PermitLocalCommand yes", "FILE line 1: PermitLocalCommand is not supported" },
	{ "CanonicalizeHostname always", "CanonicalizeHostname is not supported" },
	{ "Tunnel point-to-point", "Tunnel is not supported" },
	{ "RefuseConnection go away", "RefuseConnection is not supported" },
	{ "ProxyCommand none", NULL },
	{ "ProxyJump none\nProxyJump a", NULL },
	{ "DynamicForward 1080\nClearAllForwardings yes", NULL },
	{ "PermitLocalCommand no\nLocalCommand echo", NULL },
	{ "Host other\nProxyCommand nc", NULL },
	{ "CanonicalizeHostname no\nTunnel no", NULL },
};

static void test_supported(void **state)
{
	struct conf_facts facts = facts_for("/home/me");

	(void)state;
	for (size_t i = 0; i < LEN(support_rows); i++) {
		struct client_conf conf;
		struct why why = { "" };

		assert_int_equal(read_text(&conf, &facts, "h", span_str(support_rows[i].in), &why), OK);
		assert_int_equal(conf_supported(&conf, &why), support_rows[i].want ? ERR_DENIED : OK);
		if (support_rows[i].want && !strstr(why.text, support_rows[i].want))
			fail_msg("%s", why.text);
		conf_fini(&conf);
	}
}

static void count_line(void *user, const char *line)
{
	assert_non_null(strstr(line, "FILE line "));
	assert_non_null(strstr(line, " is ignored: "));
	++*(int *)user;
}

static void test_notes(void **state)
{
	struct conf_facts facts = facts_for("/home/me");
	struct client_conf conf;
	int lines = 0;

	(void)state;
	assert_int_equal(read_text(&conf, &facts, "h",
				   span_str("ForwardAgent yes\nPort 1\nSendEnv A B\nHost x\nSetEnv A=1"), NULL),
			 OK);
	conf_notes(&conf, count_line, &lines);
	assert_int_equal(lines, 2);
	conf_fini(&conf);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

struct home {
	char dir[64], ssh[80], config[96], other[96];
};

static void put_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int make_home(void **state)
{
	struct home *h = calloc(1, sizeof(*h));

	strcpy(h->dir, "/tmp/adit-conf-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	snprintf(h->ssh, sizeof(h->ssh), "%s/.ssh", h->dir);
	snprintf(h->config, sizeof(h->config), "%s/config", h->ssh);
	snprintf(h->other, sizeof(h->other), "%s/other", h->ssh);
	assert_int_equal(mkdir(h->ssh, 0700), 0);
	*state = h;
	return 0;
}

static int drop_home(void **state)
{
	struct home *h = *state;

	unlink(h->config);
	unlink(h->other);
	rmdir(h->config);
	assert_int_equal(rmdir(h->ssh), 0);
	assert_int_equal(rmdir(h->dir), 0);
	free(h);
	return 0;
}

/* Loads with this home and system file. */
static int load(struct client_conf *conf, struct conf_facts *facts, const struct home *h, const char *file,
		struct why *why)
{
	*facts = facts_for(h->dir);
	conf_init(conf, facts);
	return conf_load(conf, "host", file, why);
}

static void expect_load(const struct home *h, const char *file, int want, const char *words)
{
	struct conf_facts facts;
	struct client_conf conf;
	struct why why = { "" };

	assert_int_equal(load(&conf, &facts, h, file, &why), want);
	if (!strstr(why.text, words))
		fail_msg("%s", why.text);
	conf_fini(&conf);
}

static void test_file_faults(void **state)
{
	const struct home *h = *state;

	expect_load(h, NULL, OK, "");
	expect_load(h, h->other, ERR_IO, "Can't open user config file");
	expect_load(h, "/dev/zero", ERR_SYNTAX, "longer than 16 MiB");
	expect_load(h, "/dev/null", OK, "");
	expect_load(h, "/tmp", ERR_IO, "Is a directory");
	put_file(h->config, "Port 1\n", 0620);
	expect_load(h, NULL, ERR_SYNTAX, "Bad owner or permissions on ");
	put_file(h->config, "Port 1\n", 0602);
	expect_load(h, NULL, ERR_SYNTAX, "Bad owner or permissions on ");
	expect_load(h, h->config, OK, ""); /* named with -F: the user's own business */
	put_file(h->config, "Port 1\n", 0644);
	expect_load(h, NULL, OK, "");
	put_file(h->config, "# a\nInclude config\n", 0600);
	expect_load(h, NULL, ERR_SYNTAX, "line 2: Too many recursive configuration includes");
	put_file(h->config, "Include other\n", 0600);
	put_file(h->other, "Port 1\n", 0666);
	expect_load(h, NULL, ERR_SYNTAX, "Bad owner or permissions on ");
	put_file(h->other, "\nFoo 1\n", 0600);
	expect_load(h, NULL, ERR_SYNTAX, "/other: line 2: Bad configuration option: foo");
	put_file(h->config, "Include missing* other\nInclude other\n", 0600);
	put_file(h->other, "Include config\n", 0600);
	expect_load(h, NULL, ERR_SYNTAX, "Too many recursive configuration includes");
	unlink(h->config);
	assert_int_equal(mkdir(h->config, 0700), 0);
	expect_load(h, NULL, ERR_IO, "Is a directory");
}

/* Many files in one another end, too: depth alone does not bound them. */
static void test_include_bomb(void **state)
{
	const struct home *h = *state;

	put_file(h->config, "Include other other other other other other other other\n", 0600);
	put_file(h->other, "Host x\nMatch host y\n", 0600);
	expect_load(h, NULL, OK, "");
	put_file(h->other, "Host x\nInclude config config config config config config config config\n", 0600);
	expect_load(h, NULL, ERR_SYNTAX, "include");
}

static void test_precedence(void **state)
{
	const struct home *h = *state;
	struct conf_facts facts = facts_for(h->dir);
	struct client_conf conf;

	put_file(h->config,
		 "Port 2\nUser two\nIdentityFile two\nMatch final\nBindAddress b\nHost host\nInclude other\n", 0600);
	put_file(h->other, "User three\nHostKeyAlias three\nHost elsewhere\nTag three\n", 0600);
	facts.system_file = h->other;
	conf_init(&conf, &facts);
	assert_int_equal(conf_set_line(&conf, "Port=1", NULL), OK);
	assert_int_equal(conf_set(&conf, OPT_IdentityFile, "one", NULL), OK);
	assert_int_equal(conf_override(&conf, OPT_LogLevel, "DEBUG2", NULL), OK);
	assert_int_equal(conf_load(&conf, "host", NULL, NULL), OK);
	assert_int_equal(conf_finish(&conf, NULL), OK);
	assert_int_equal(conf.port, 1);
	assert_string_equal(conf.user_name, "two");
	assert_int_equal(conf.identity_files.n, 2);
	assert_string_equal(conf.identity_files.v[0], "one");
	assert_string_equal(conf.host_key_alias, "three");
	assert_string_equal(conf.bind_address, "b");
	assert_null(conf.tag);
	assert_int_equal(conf.log_level, LOG_LEVEL_DEBUG2);
	assert_string_equal(conf.at[OPT_User].file, h->config);
	assert_int_equal(conf.at[OPT_User].line, 2);
	conf_fini(&conf);
}

/* The system's file may not say ~, as it has no user. */
static void test_system_file(void **state)
{
	const struct home *h = *state;
	struct conf_facts facts = facts_for(h->dir);
	struct client_conf conf;
	struct why why = { "" };

	put_file(h->other, "Include ~/x\n", 0600);
	facts.system_file = h->other;
	conf_init(&conf, &facts);
	assert_int_equal(conf_load(&conf, "host", NULL, &why), ERR_SYNTAX);
	assert_non_null(strstr(why.text, "line 1: bad include path"));
	conf_fini(&conf);
}

/* ---- Allocation failure --------------------------------------------------------------------------------------- */

static void ignore_line(void *user, const char *line)
{
	(void)user, (void)line;
}

static int everything(void *ctx)
{
	static const char text[] = "IgnoreUnknown foo\nFoo x\nHost h*\nPort 1\nUser %u\nLocalForward /%r ${PLACE}/x\n"
				   "LocalForward 1 a:1\nRemoteForward 0 b:2\nIdentityFile ~/a\nCertificateFile b\n"
				   "Ciphers ^aes256-ctr\nHostKeyAlgorithms rsa*\nPermitRemoteOpen a:1 b:2\n"
				   "ProxyCommand none\nMatch host h exec true\nHostName %h.x\nForwardAgent yes\n";
	struct conf_facts facts = facts_for("/home/me");
	struct client_conf conf;

	(void)ctx;
	int err = read_text(&conf, &facts, "h", span_str(text), NULL);
	if (!err)
		err = conf_dump(&conf, ignore_line, NULL);
	assert_true(err == OK || err == ERR_NOMEM);
	conf_fini(&conf);
	return err;
}

static void test_no_memory(void **state)
{
	(void)state;
	assert_true(alloc_torture(everything, NULL) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_bad_host),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_expansion),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_supported),
		cmocka_unit_test(test_notes),
		cmocka_unit_test_setup_teardown(test_file_faults, make_home, drop_home),
		cmocka_unit_test_setup_teardown(test_include_bomb, make_home, drop_home),
		cmocka_unit_test_setup_teardown(test_precedence, make_home, drop_home),
		cmocka_unit_test_setup_teardown(test_system_file, make_home, drop_home),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
