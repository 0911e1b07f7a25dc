/* Files that decide about logins: everything that must not be believed, then what is. */
#include "keygen.h"

#include <fcntl.h>

#include "conf/safefile.h"

static const struct row {
	const char *name, *make; /* the file is a/b/keys below the directory, which is the home */
	bool strict;
	int err;
	const char *sentence;
} rows[] = {
	{ "missing", "true", true, ERR_NOT_FOUND, "no such file" },
	{ "a file where a directory should be", "rm -r a; touch a", true, ERR_NOT_FOUND, "no such file" },
	{ "FIFO", "mkfifo a/b/keys", true, ERR_DENIED, "not a regular file" },
	{ "FIFO, not strict", "mkfifo a/b/keys", false, ERR_DENIED, "not a regular file" },
	{ "directory", "mkdir a/b/keys", false, ERR_DENIED, "not a regular file" },
	{ "symbolic link", "echo x >other; ln -s ../../other a/b/keys", true, ERR_DENIED, "a symbolic link" },
	{ "symbolic link, not strict", "echo x >other; ln -s ../../other a/b/keys", false, ERR_DENIED,
	  "symbolic link" },
	{ "link to itself", "ln -s keys a/b/keys", false, ERR_DENIED, "a symbolic link" },
	{ "device", "ln -s /dev/zero a/b/keys", false, ERR_DENIED, "a symbolic link" },
	{ "group can write", "echo x >a/b/keys; chmod 660 a/b/keys", true, ERR_DENIED, "chmod go-w " },
	{ "world can write", "echo x >a/b/keys; chmod 602 a/b/keys", true, ERR_DENIED, "chmod go-w " },
	{ "its directory", "echo x >a/b/keys; chmod 770 a/b", true, ERR_DENIED, "a/b (chmod go-w " },
	{ "one above", "echo x >a/b/keys; chmod 707 a", true, ERR_DENIED, "/a (chmod go-w " },
	{ "the home", "echo x >a/b/keys; chmod 777 .", true, ERR_DENIED, "(chmod go-w " },
	{ "1 MiB and a byte", "head -c 1048577 /dev/zero >a/b/keys", true, ERR_LIMIT, "larger than 1048576" },
	{ "1 GiB", "truncate -s 1G a/b/keys", false, ERR_LIMIT, "larger than 1048576" },
	{ "good", "echo x >a/b/keys; chmod 644 a/b/keys", true, OK, NULL },
	{ "good: empty", "touch a/b/keys", true, OK, NULL },
	{ "good: 1 MiB", "head -c 1048576 /dev/zero >a/b/keys", true, OK, NULL },
	{ "good: directory through a link", "echo x >a/b/keys; mv a c; ln -s c a", true, OK, NULL },
	{ "not strict: world can write", "echo x >a/b/keys; chmod 666 a/b/keys; chmod 777 a a/b", false, OK, NULL },
};

static void fresh(const char *make)
{
	assert_true(sh("chmod 700 .; rm -rf a c other; mkdir -p -m 755 a a/b"));
	assert_true(sh("umask 022; %s", make));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct safefile_owner owner = { getuid(), keygen_dir, rows[i].strict };
		struct buf text = BUF(2 * SAFEFILE_MAX);
		struct why why = { "" };
		int err;

		buf_u8(&text, '#');
		fresh(rows[i].make);
		err = safefile_read(in_dir("a/b/keys"), &owner, &text, &why);
		if (err != rows[i].err ||
		    (err && (!strstr(why.text, rows[i].sentence) || !strstr(why.text, "a/b/keys"))))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		assert_true(!err || text.n == 1);
		buf_fini(&text);
	}
	assert_true(sh("chmod 700 ."));
}

/* Root's file is believed for everybody, another user's for nobody. As root, the file is given away for that. */
static void test_owner(void **state)
{
	struct safefile_owner owner = { getuid(), keygen_dir, true };
	struct buf text = BUF(64);
	struct why why;

	(void)state;
	fresh("echo x >a/b/keys");
	assert_int_equal(safefile_read(in_dir("a/b/keys"), &owner, &text, NULL), OK);
	assert_int_equal(text.n, 2);
	if (getuid() == 0)
		assert_int_equal(chown(in_dir("a/b/keys"), 4711, (gid_t)-1), 0);
	owner.uid = 4712;
	assert_int_equal(safefile_read(in_dir("a/b/keys"), &owner, &text, &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "not to uid 4712 or root (chown it"));
	owner.strict = false;
	assert_int_equal(safefile_read(in_dir("a/b/keys"), &owner, &text, NULL), OK);
	buf_fini(&text);
}

/* Without a home above the file every directory counts, and in /tmp everybody can write. */
static void test_no_home(void **state)
{
	static const char *const homes[] = { NULL, "/nonexistent", "/usr" };
	struct buf text = BUF(64);
	struct why why;

	(void)state;
	fresh("echo x >a/b/keys");
	for (size_t i = 0; i < LEN(homes); i++) {
		const struct safefile_owner owner = { getuid(), homes[i], true };

		assert_int_equal(safefile_read(in_dir("a/b/keys"), &owner, &text, &why), ERR_DENIED);
		assert_non_null(strstr(why.text, "others can write /tmp"));
	}
	buf_fini(&text);
}

/* The caller's ceiling counts too, and nothing of the file stays. */
static void test_ceiling(void **state)
{
	const struct safefile_owner owner = { getuid(), keygen_dir, true };
	struct buf text = BUF(1);

	(void)state;
	fresh("echo x >a/b/keys");
	assert_int_equal(safefile_read(in_dir("a/b/keys"), &owner, &text, NULL), ERR_NOMEM);
	assert_int_equal(text.n, 0);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_no_home),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, keygen_setup, keygen_teardown);
}
