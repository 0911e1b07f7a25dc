/* The configuration of the server as it counts for one connection: files and Include, Match, users, and that forwarding
 * which is off stays off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "server_conf_rig.h"

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/adit-server-conf-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_folder(name), mode), 0);
}

static int read_main(struct server_text **t, struct why *why)
{
	static struct server_facts f;

	f = facts();
	return server_text_read(t, in_folder("main"), NULL, &f, why);
}

static void refuse_main(int want_err, const char *want)
{
	struct server_text *t;
	struct why why = { "" };
	int err = read_main(&t, &why);

	if (err != want_err || !strstr(why.text, want))
		fail_msg("%d %s", err, why.text);
}

static void test_bad_files(void **state)
{
	char text[256];

	(void)state;
	refuse_main(ERR_NOT_FOUND, "Can't open configuration file");
	assert_int_equal(mkfifo(in_folder("main"), 0600), 0);
	refuse_main(ERR_SYNTAX, "is not a regular file");
	unlink(in_folder("main"));
	assert_int_equal(symlink("/dev/zero", in_folder("main")), 0);
	refuse_main(ERR_SYNTAX, "is not a regular file");
	unlink(in_folder("main"));
	write_file("main", "Port 1\n", 0666);
	refuse_main(ERR_SYNTAX, "Bad owner or permissions on");
	snprintf(text, sizeof(text), "Include %s\n", in_folder("main"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "Too many recursive configuration includes");
	write_file("part", "Port 65536\n", 0600);
	snprintf(text, sizeof(text), "Include %s\n", in_folder("part"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "part line 1: Bad port '65536'.");
	write_file("part", "Port 1\n", 0600);
	snprintf(text, sizeof(text), "Match User a\nInclude %s\n", in_folder("part"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "part line 1: Directive 'Port' is not allowed within a Match block");
	chmod(in_folder("part"), 0622);
	refuse_main(ERR_SYNTAX, "Bad owner or permissions on");
	unlink(in_folder("part"));
}

/* A Match ends with the file that it stands in, and one inside an included file counts where both hold. */
static void test_include(void **state)
{
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();
	char text[512];

	(void)state;
	write_file("part", "MaxAuthTries 1\nMatch User alice\nBanner /alice\n", 0600);
	snprintf(text, sizeof(text),
		 "Include %s\nClientAliveCountMax 7\nMatch Address 192.0.2.0/24\nInclude %s\nMaxAuthTries 2\n",
		 in_folder("part"), in_folder("part"));
	write_file("main", text, 0600);
	assert_int_equal(read_main(&t, NULL), OK);
	/* Nothing is opened any more. */
	unlink(in_folder("part"));
	unlink(in_folder("main"));
	assert_int_equal(server_conf_eval(&conf, t, NULL, NULL), OK);
	assert_int_equal(conf.max_auth_tries, 1);
	assert_int_equal(conf.alive_max, 7);
	assert_string_equal(conf.banner, "none");
	server_conf_fini(&conf);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "/alice");
	assert_int_equal(conf.alive_max, 7);
	server_conf_fini(&conf);
	server_text_free(t);
}

/* What stands outside comes after a Match, also when it follows the Match of an included file. */
static void test_outside_after_include(void **state)
{
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();
	char text[512];

	(void)state;
	write_file("part", "Match User alice\nBanner /alice\n", 0600);
	snprintf(text, sizeof(text), "Include %s\nMaxAuthTries 3\nMatch User alice\nMaxAuthTries 4\n",
		 in_folder("part"));
	write_file("main", text, 0600);
	assert_int_equal(read_main(&t, NULL), OK);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "/alice");
	assert_int_equal(conf.max_auth_tries, 4);
	server_conf_fini(&conf);
	server_text_free(t);
	unlink(in_folder("part"));
	unlink(in_folder("main"));
}

static void test_nested_match(void **state)
{
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();
	char text[512];

	(void)state;
	write_file("part", "MaxAuthTries 1\nMatch all\nBanner /all\n", 0600);
	snprintf(text, sizeof(text), "Match User bob\nInclude %s\nClientAliveCountMax 9\n", in_folder("part"));
	write_file("main", text, 0600);
	assert_int_equal(read_main(&t, NULL), OK);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "none");
	assert_int_equal(conf.max_auth_tries, 6);
	server_conf_fini(&conf);
	who.user = "bob";
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "/all");
	assert_int_equal(conf.max_auth_tries, 1);
	assert_int_equal(conf.alive_max, 9);
	server_conf_fini(&conf);
	server_text_free(t);
	unlink(in_folder("part"));
	unlink(in_folder("main"));
}

static void test_no_file(void **state)
{
	struct server_facts f = facts();
	struct server_text *t;

	(void)state;
	assert_int_equal(server_text_read(&t, "none", NULL, &f, NULL), OK);
	server_text_free(t);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(in_folder("main"));
	unlink(in_folder("part"));
	return rmdir(folder);
}

/* ---- Match ---------------------------------------------------------------------------------------------------- */

/* Which Match holds, and what it comes before. */
static const struct dump_row match_rows[] = {
	{ "MaxAuthTries 3\nMatch User alice\nMaxAuthTries 4", "maxauthtries 4" },
	{ "MaxAuthTries 3\nMatch User bob\nMaxAuthTries 4", "maxauthtries 3" },
	{ "Match User bob\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User al*,!alice\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User=alice\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match User alice\nMaxAuthTries 4\nMatch User a*\nMaxAuthTries 5", "maxauthtries 4" },
	{ "Match User bob\nMaxAuthTries 4\nMatch User a*\nMaxAuthTries 5", "maxauthtries 5" },
	{ "Match Group tunnel\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Group tunnel,!staff\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Group wheel\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Address 10.0.0.0/8\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Address 10.1.2.*\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Address 10.0.0.0/8,!10.1.2.3\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Address fe80::/10\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Host 10.1.2.3\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match LocalAddress 192.0.2.0/24 LocalPort 2222\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match LocalPort 22\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User alice Group wheel\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Invalid-User\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Version adit_0.*\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Version OpenSSH*\nMaxAuthTries 4", "maxauthtries 6" },
	{ "MaxAuthTries 3\nMatch all\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match User bob\nMaxAuthTries 4\nMatch all\nPort 99", "port 99" },
	{ "AllowUsers a b\nMatch User alice\nAllowUsers c\nAllowUsers d", "allowusers d" },
	{ "Match User bob\nRefuseConnection yes", "refuseconnection no" },
};

static void test_match(void **state)
{
	(void)state;
	check_dumps(match_rows, LEN(match_rows));
}

/* Outside Match nothing of a Match counts, "all" aside, which fills in what was not said. */
static void test_outside(void **state)
{
	struct server_conf conf = eval("MaxAuthTries 3\nMatch User *\nMaxAuthTries 4\nBanner /b\n"
				       "Match all\nMaxAuthTries 5\nWorkers 2",
				       NULL);

	(void)state;
	assert_int_equal(conf.max_auth_tries, 3);
	assert_string_equal(conf.banner, "none");
	assert_int_equal(conf.workers, 2);
	server_conf_fini(&conf);
}

/* What is not known matches nothing, not even everything. */
static void test_unknown_matches_nothing(void **state)
{
	static const char *const criteria[] = { "User *",	  "Group *",	 "Host *",	"Address *",
						"LocalAddress *", "LocalPort 1", "Invalid-User" };
	struct server_who nobody = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(criteria); i++) {
		char text[64];

		snprintf(text, sizeof(text), "Match %s\nMaxAuthTries 1", criteria[i]);
		struct server_conf conf = eval(text, &nobody);
		assert_int_equal(conf.max_auth_tries, 6);
		server_conf_fini(&conf);
	}
}

static void test_who_is_singled_out(void **state)
{
	static const struct {
		const char *text;
		bool out;
	} rows[] = {
		{ "MaxAuthTries 1", false },
		{ "Match User bob\nMaxAuthTries 1", false },
		{ "Match User bob\nMaxAuthTries 1\nMatch Group tunnel\nBanner /b", true },
		{ "Match all\nMaxAuthTries 1", true },
	};
	struct server_who who = alice();
	struct server_facts f = facts();
	struct server_text *t;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(server_text_parse(&t, "FILE", span_str(rows[i].text), NULL, &f, NULL), OK);
		if (server_text_singles_out(t, &who) != rows[i].out)
			fail_msg("%s", rows[i].text);
		server_text_free(t);
	}
}

static void test_names(void **state)
{
	struct server_who who = alice();

	(void)state;
	who.host = "Box.Example.Org";
	who.no_such_user = true;
	struct server_conf conf = eval("Match Host *.EXAMPLE.org Invalid-User\nMaxAuthTries 1", &who);
	assert_int_equal(conf.max_auth_tries, 1);
	server_conf_fini(&conf);
}

/* One text, judged for several connections. */
static void test_again(void **state)
{
	static const char text[] = "Match User alice\nPermitOpen a:1\nMatch User bob\nPermitOpen b:1 c:1";
	struct server_facts f = facts();
	struct server_text *t;
	struct server_who who = alice();

	(void)state;
	assert_int_equal(server_text_parse(&t, "FILE", span_str(text), NULL, &f, NULL), OK);
	for (int i = 0; i < 4; i++) {
		struct server_conf conf;

		who.user = i % 2 ? "alice" : "bob";
		assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
		assert_int_equal(conf.permit_open.n, i % 2 ? 1 : 2);
		assert_string_equal(conf.at[SERVER_PermitOpen].file, "FILE");
		assert_int_equal(conf.at[SERVER_PermitOpen].line, i % 2 ? 2 : 4);
		server_conf_fini(&conf);
	}
	server_text_free(t);
}

/* ---- Forwarding that is off stays off (L-10) ------------------------------------------------------------------ */

static const char *const permissive[] = {
	"AllowTcpForwarding yes",
	"AllowTcpForwarding all",
	"AllowTcpForwarding local",
	"AllowTcpForwarding remote",
	"AllowStreamLocalForwarding yes",
	"PermitOpen any",
	"PermitListen any",
	"GatewayPorts yes",
	"Match User alice",
	"Match all",
	"Match Address 10.0.0.0/8",
	"Match Group staff",
	"PermitOpen a:1",
	"AllowStreamLocalForwarding local",
};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Lines in any order and number, with DisableForwarding yes once in the part outside Match. */
static void random_text(char *out, size_t cap, uint32_t *seed)
{
	size_t n = 0, lines = next(seed) % 12, at = 0;

	out[0] = 0;
	for (size_t i = 0; i < lines; i++) {
		const char *line = permissive[next(seed) % LEN(permissive)];
		size_t len = (size_t)snprintf(out + n, cap - n, "%s\n", line);

		n += len;
		assert_true(n < cap);
		if (at == n - len && line[0] != 'M' && next(seed) % 2)
			at = n;
	}
	static const char off[] = "disableforwarding YES\n";
	assert_true(n + sizeof(off) < cap);
	memmove(out + at + sizeof(off) - 1, out + at, n - at + 1);
	memcpy(out + at, off, sizeof(off) - 1);
}

static void test_off_is_off(void **state)
{
	struct server_who who = alice();
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char text[1024];

		random_text(text, sizeof(text), &seed);
		struct server_conf inside = eval(text, &who), outside = eval(text, NULL);
		if (server_conf_tcp(&inside) | server_conf_streamlocal(&inside) | server_conf_tcp(&outside) |
		    server_conf_streamlocal(&outside))
			fail_msg("%s", text);
		server_conf_fini(&inside);
		server_conf_fini(&outside);
	}
}

/* ---- Users ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *in, *want; /* want NULL: alice may log in */
} admit_rows[] = {
	{ "DenyUsers alice", "DenyUsers alice" },
	{ "DenyUsers bob al*", "DenyUsers al*" },
	{ "DenyUsers alice@10.0.0.0/8", "DenyUsers alice@10.0.0.0/8" },
	{ "DenyUsers *@10.1.2.3\nAllowUsers alice", "DenyUsers *@10.1.2.3" },
	{ "AllowUsers bob", "AllowUsers does not have this user" },
	{ "AllowUsers alice@192.0.2.0/24", "AllowUsers does not have this user" },
	{ "AllowUsers alice@10.0.0.0/8,!10.1.2.3", "AllowUsers does not have this user" },
	{ "AllowUsers alice\nDenyGroups staff", "DenyGroups staff" },
	{ "AllowGroups wheel", "AllowGroups has none" },
	{ "AllowUsers alice\nAllowGroups wheel", "AllowGroups has none" },
	{ "DenyUsers alice@192.0.2.0/24", NULL },
	{ "AllowUsers bob alice", NULL },
	{ "AllowUsers bob\nAllowUsers alice", NULL },
	{ "AllowUsers alice@10.1.*", NULL },
	{ "DenyGroups wheel\nAllowGroups wheel tun*", NULL },
	{ "", NULL },
};

static void test_admits(void **state)
{
	struct server_who who = alice();

	(void)state;
	for (size_t i = 0; i < LEN(admit_rows); i++) {
		struct server_conf conf = eval(admit_rows[i].in, &who);
		struct why why = { "" };
		int err = server_conf_admits(&conf, &who, &why);

		if (err != (admit_rows[i].want ? ERR_DENIED : OK))
			fail_msg("%s: %d %s", admit_rows[i].in, err, why.text);
		if (admit_rows[i].want && !strstr(why.text, admit_rows[i].want))
			fail_msg("%s: %s", admit_rows[i].in, why.text);
		server_conf_fini(&conf);
	}
}

static const struct {
	const char *path, *user, *home, *want; /* want NULL: err */
	int err;
} path_rows[] = {
	{ ".ssh/keys", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "%h/keys", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "/keys/%U", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "/keys/%u", "../root", "/home/x", NULL, ERR_DENIED },
	{ "/keys/%u", "a/b", NULL, NULL, ERR_DENIED },
	{ "/keys/%u", "..", NULL, NULL, ERR_DENIED },
	{ "/keys/%u", "", NULL, NULL, ERR_DENIED },
	{ "/keys/%z", "bob", NULL, NULL, ERR_SYNTAX },
	{ "/keys/%", "bob", NULL, NULL, ERR_SYNTAX },
	{ "/keys/%u", "bob", NULL, "/keys/bob", OK },
	{ "/keys/%u/%%", "%h", NULL, "/keys/%h/%", OK },
	{ ".ssh/keys", "bob", "/home/bob", "/home/bob/.ssh/keys", OK },
	{ "%h/keys.%U", "bob", "/home/bob", "/home/bob/keys.42", OK },
	{ "%u.keys", "bob", "/home/bob", "/home/bob/bob.keys", OK },
};

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(path_rows); i++) {
		char *out = NULL;
		int err = server_conf_path(&out, path_rows[i].path, path_rows[i].user, path_rows[i].home, 42, NULL);

		assert_int_equal(err, path_rows[i].err);
		if (path_rows[i].want)
			assert_string_equal(out, path_rows[i].want);
		free(out);
	}
}

static void test_idle(void **state)
{
	static const struct {
		const char *line, *type;
		int seconds;
	} rows[] = {
		{ "ChannelTimeout direct-tcpip=5m forwarded-*=1h", "direct-tcpip", 300 },
		{ "ChannelTimeout direct-tcpip=5m forwarded-*=1h", "forwarded-tcpip", 3600 },
		{ "ChannelTimeout direct-tcpip=5m forwarded-*=1h", "session", 0 },
		{ "ChannelTimeout direct-tcpip=5m *=1h", "session", 3600 },
		{ "ChannelTimeout *=1h global=2h", "global", 7200 },
		{ "ChannelTimeout *=1h glob*=2h", "global", 0 },
		{ "ChannelTimeout global=2h", "direct-tcpip", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct server_conf conf = eval(rows[i].line, NULL);

		assert_int_equal(server_conf_idle_seconds(&conf, rows[i].type), rows[i].seconds);
		server_conf_fini(&conf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_outside_after_include),
		cmocka_unit_test(test_nested_match),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_unknown_matches_nothing),
		cmocka_unit_test(test_who_is_singled_out),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_off_is_off),
		cmocka_unit_test(test_admits),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
