/* Appending to known_hosts: names that must not get in, files that cannot take a line, and what stands afterwards. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "known_hosts_fixture.h"

static const uint8_t salt[KH_SALT] = "salt for these tests";
static const struct kh_host host = { "host.example.com", 22, NULL }, port = { "Host.example.com", 2222, NULL };

#define LINE	  "host.example.com " KEY_A "\n"
#define PORT_LINE "[host.example.com]:2222 " KEY_A "\n"

static int append(const char *path, const struct kh_host *h, const char *key, enum kh_form form, struct why *why)
{
	struct buf blob = key_blob(key);
	int err;

	why->text[0] = 0;
	err = kh_append(path, h, buf_span(&blob), form, salt, crypto, why);
	assert_true(!err == !why->text[0]);
	buf_fini(&blob);
	return err;
}

static void assert_content(const char *path, const char *want)
{
	char *text = file_content(path);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void test_names(void **state)
{
	static const struct kh_host bad[] = {
		{ "", 22, NULL },	  { "a\nb", 22, NULL },	   { "a\rb", 22, NULL },       { "a b", 22, NULL },
		{ "a\tb", 22, NULL },	  { "a,b", 22, NULL },	   { "*", 22, NULL },	       { "a?", 22, NULL },
		{ "!a", 22, NULL },	  { "a!", 22, NULL },	   { "#a", 22, NULL },	       { "@revoked", 22, NULL },
		{ "|1|a|b", 22, NULL },	  { "a\x1b[m", 22, NULL }, { "a\x7f", 22, NULL },      { "[a]:99", 22, NULL },
		{ "a]:99,[b", 99, NULL }, { "host", 22, "" },	   { "host", 22, "a\nb key" }, { "host", 22, "a,b" },
		{ "host", 22, "*" },	  { "host", 22, "#" },	   { "host", 22, "\xff\n" },
	};
	char *dir = temp_dir(), *path = temp_file(dir, "kh", LINE, sizeof(LINE) - 1);
	struct why why;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		for (enum kh_form form = KH_CLEAR; form <= KH_HASHED; form++) {
			if (append(path, &bad[i], KEY_A, form, &why) != ERR_SYNTAX)
				fail_msg("row %zu was taken", i);
			for (const char *p = why.text; *p; p++)
				assert_true(*p >= ' ');
		}
	assert_content(path, LINE);
	free(path);
	remove_dir(dir);
}

static void test_bad_key(void **state)
{
	char *dir = temp_dir(), *path = path_in(dir, "kh");
	struct buf cert = key_blob(GOOD_CERT);
	struct why why = { 0 };

	(void)state;
	assert_int_equal(kh_append(path, &host, span(cert.p, 50), KH_CLEAR, salt, crypto, &why), ERR_SYNTAX);
	assert_int_equal(kh_append(path, &host, span("", 0), KH_CLEAR, salt, crypto, &why), ERR_SYNTAX);
	assert_int_equal(kh_append(path, &host, span("\0\0\0\3a\nb", 7), KH_CLEAR, salt, crypto, &why), ERR_SYNTAX);
	assert_null(file_content(path));
	buf_fini(&cert);
	free(path);
	remove_dir(dir);
}

/* Runs with a limit on the size of files, as a full disk does it: part of the line may still fit. */
static int append_limited(const char *path, rlim_t size, struct why *why)
{
	struct rlimit old, limit;
	int err;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){ size, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	err = append(path, &host, KEY_A, KH_CLEAR, why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	return err;
}

static void test_full(void **state)
{
	static const char old[] = "# no final LF";
	char *dir = temp_dir(), *path = temp_file(dir, "kh", old, sizeof(old) - 1);
	struct why why;

	(void)state;
	for (size_t room = 0; room < sizeof(LINE); room++) {
		assert_int_equal(append_limited(path, sizeof(old) - 1 + room, &why), ERR_IO);
		assert_content(path, old);
		assert_non_null(strstr(why.text, path));
		assert_non_null(strstr(why.text, strerror(EFBIG)));
	}
	assert_int_equal(append_limited(path, sizeof(old) - 1 + sizeof(LINE), &why), OK);
	assert_content(path, "# no final LF\n" LINE);
	free(path);
	remove_dir(dir);
}

static void test_refused_by_the_system(void **state)
{
	char *dir = temp_dir(), *deep = path_in(dir, "no/such/kh"), *fifo = path_in(dir, "fifo");
	char *file = temp_file(dir, "file", "", 0), *below = path_in(file, "kh");
	struct why why;
	const struct {
		const char *path;
		int reason;
	} rows[] = {
		{ "/dev/full", ENOSPC }, { dir, EISDIR },    { deep, ENOENT },
		{ fifo, EINVAL },	 { below, ENOTDIR }, { "", ENOENT },
	};

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(append(rows[i].path, &host, KEY_A, KH_CLEAR, &why), ERR_IO);
		if (!strstr(why.text, strerror(rows[i].reason)))
			fail_msg("%s: %s", rows[i].path, why.text);
	}
	assert_content(file, "");
	free(below);
	free(file);
	free(fifo);
	free(deep);
	remove_dir(dir);
}

static void test_new_file(void **state)
{
	char *dir = temp_dir(), *path = path_in(dir, ".ssh/known_hosts"), *parent = path_in(dir, ".ssh");
	mode_t mask = umask(0);
	struct why why;
	struct stat st;

	(void)state;
	assert_int_equal(append(path, &host, KEY_A, KH_CLEAR, &why), OK);
	umask(mask);
	assert_content(path, LINE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(stat(parent, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	free(parent);
	free(path);
	remove_dir(dir);
}

static void test_existing_file(void **state)
{
	static const char *const old[] = { "", "x", "x\n", "x\n\n", "x\ny", "\n" };
	static const char *const want[] = { LINE, "x\n" LINE, "x\n" LINE, "x\n\n" LINE, "x\ny\n" LINE, "\n" LINE };
	char *dir = temp_dir(), *link = path_in(dir, "link");
	struct why why;
	struct stat st;

	(void)state;
	assert_int_equal(symlink("kh", link), 0);
	for (size_t i = 0; i < LEN(old); i++) {
		char *path = temp_file(dir, "kh", old[i], strlen(old[i]));

		assert_int_equal(chmod(path, 0640), 0);
		assert_int_equal(append(link, &host, KEY_A, KH_CLEAR, &why), OK);
		assert_content(path, want[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0640);
		assert_int_equal(lstat(link, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
		free(path);
	}
	free(link);
	remove_dir(dir);
}

static void test_sink(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(append("/dev/null", &host, KEY_A, KH_CLEAR, &why), OK);
}

static void test_forms(void **state)
{
	static const struct {
		const char *name;
		struct kh_host who;
		const char *key, *want;
	} rows[] = {
		{ "port, lower case", { "Host.example.com", 2222, NULL }, KEY_A, PORT_LINE },
		{ "certificate", { "host.example.com", 22, NULL }, GOOD_CERT, LINE },
		{ "alias", { "192.0.2.1", 2222, "Host.example.com" }, KEY_A, LINE },
		{ "alias with port", { "192.0.2.1", 22, "[host.example.com]:2222" }, KEY_A, PORT_LINE },
		{ "IPv6", { "fe80::1%eth0", 22, NULL }, KEY_B, "fe80::1%eth0 " KEY_B "\n" },
		{ "IPv6 and port", { "::1", 99, NULL }, KEY_E, "[::1]:99 " KEY_E "\n" },
	};
	char *dir = temp_dir(), *path = path_in(dir, "kh");
	struct why why;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(append(path, &rows[i].who, rows[i].key, KH_CLEAR, &why), OK);
		assert_content(path, rows[i].want);
		assert_int_equal(unlink(path), 0);
	}
	free(path);
	remove_dir(dir);
}

/* What is appended is found again, by us and by ssh-keygen, in both forms. */
static void test_found_again(void **state)
{
	char *dir = temp_dir(), *path = temp_file(dir, "kh", "# x", 3);
	const struct kh_host *const who[] = { &host, &port };
	struct buf blob = key_blob(KEY_A);
	bool keygen = system("command -v ssh-keygen >/dev/null") == 0;
	struct kh_verdict v;
	const struct kh_rules rules = { 0 };
	struct why why;
	char command[2 * KH_NAME_MAX];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct kh_host *h = who[i & 1];
		char name[KH_NAME_MAX];

		assert_int_equal(append(path, h, KEY_A, i & 2 ? KH_HASHED : KH_CLEAR, &why), OK);
		assert_int_equal(kh_check(&v, (const char *const[]){ path }, 1, h, buf_span(&blob), crypto, &rules),
				 OK);
		assert_int_equal(v.status, KH_OK);
		assert_int_equal(v.ignored.line, 0);
		assert_int_equal(kh_name(name, h), OK);
		snprintf(command, sizeof(command), "ssh-keygen -f %s -F '%s' | grep -q 'line %u'", path, name, i + 2);
		assert_true(!keygen || system(command) == 0);
		if (i == 1) {
			free(path);
			path = temp_file(dir, "kh", "a b c\nd e f\n# x", 15); /* only hashed ones from now on */
		}
	}
	buf_fini(&blob);
	free(path);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_bad_key),
		cmocka_unit_test(test_full),	    cmocka_unit_test(test_refused_by_the_system),
		cmocka_unit_test(test_new_file),    cmocka_unit_test(test_existing_file),
		cmocka_unit_test(test_sink),	    cmocka_unit_test(test_forms),
		cmocka_unit_test(test_found_again),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
