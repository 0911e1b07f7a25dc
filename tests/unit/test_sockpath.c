/* Where the files of unix listeners may stand, what is removed for them, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sock.h"
#include "io/sockpath.h"

enum { PATH_LEN = 100 };

/* A folder of the test's own, the working directory while it runs. */
struct site {
	char dir[32];
	int back;
};

/* What happens between a look at the folder and the making of the file. */
static void (*before_bind)(void);

int __real_bind(int fd, const struct sockaddr *sa, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n)
{
	if (before_bind)
		before_bind();
	before_bind = NULL;
	return __real_bind(fd, sa, n);
}

static int setup(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	snprintf(s->dir, sizeof(s->dir), "/tmp/test_sockpath.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	s->back = open(".", O_PATH | O_CLOEXEC);
	assert_int_equal(chdir(s->dir), 0);
	before_bind = NULL;
	*state = s;
	return 0;
}

/* Nothing but what the test has named is left. */
static int teardown(void **state)
{
	static const char *const known[] = { "s", "in/s", "other/s", "link" };
	static const char *const folders[] = { "in", "other" };
	struct site *s = *state;
	int left;

	for (size_t i = 0; i < LEN(known); i++)
		(void)unlink(known[i]);
	for (size_t i = 0; i < LEN(folders); i++)
		(void)rmdir(folders[i]);
	assert_int_equal(fchdir(s->back), 0);
	close(s->back);
	left = rmdir(s->dir);
	free(s);
	return left;
}

static int try_listen(const char *path, bool replace, int *fd, struct why *why)
{
	const struct listen_spec spec = { .path = path, .mask = 0177, .unlink = replace };
	int fds[LISTEN_MAX], err;
	uint16_t port;
	size_t n;

	why->text[0] = '\0';
	err = sock_listen(&spec, fds, &n, &port, why);
	*fd = err ? -1 : fds[0];
	return err;
}

static void listen_or_fail(const char *path, bool replace, int *fd)
{
	struct why why;

	if (try_listen(path, replace, fd, &why))
		fail_msg("%s: %s", path, why.text);
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* Permissions of the folder: what everybody may exchange is refused, and all that is ordinary is not. */
static void folders(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t owner; /* root only */
		bool good;
	} rows[] = {
		{ "everybody writes", 0777, 0, false },
		{ "everybody but the group writes", 0707, 0, false },
		{ "everybody writes, set-group-id", 02777, 0, false },
		{ "others may only write", 0702, 0, false },
		{ "somebody else's, everybody writes", 0777, 65534, false },
		{ "like /tmp", 01777, 0, true },
		{ "a private one", 0700, 0, true },
		{ "a home", 0755, 0, true },
		{ "of a group", 0775, 0, true },
		{ "of a group, set-group-id", 02770, 0, true },
		{ "of somebody else who has let us in", 0755, 65534, true },
	};
	const int before = lowest_free_fd();
	struct why why;
	int fd;

	(void)state;
	assert_int_equal(mkdir("in", 0700), 0);
	for (size_t i = 0; i < LEN(rows); i++) {
		if (rows[i].owner && geteuid() != 0)
			continue;
		assert_int_equal(chown("in", geteuid() ? geteuid() : rows[i].owner, (gid_t)-1), 0);
		assert_int_equal(chmod("in", rows[i].mode), 0);
		if (try_listen("in/s", false, &fd, &why) != (rows[i].good ? OK : ERR_DENIED))
			fail_msg("%s: \"%s\"", rows[i].name, why.text);
		assert_int_equal(access("in/s", F_OK), rows[i].good ? 0 : -1);
		if (!rows[i].good)
			assert_string_equal(why.text,
					    "cannot listen on in/s: everybody may write to its folder and put "
					    "another socket there (chmod o-w, or +t)");
		sock_close(fd);
		unlink("in/s");
	}
	assert_int_equal(lowest_free_fd(), before);
}

/* The same paths written in several ways, and what leads to no folder. */
static void ways_to_write_it(void **state)
{
	const struct site *s = *state;
	char whole[PATH_LEN], slashes[PATH_LEN], nowhere[PATH_LEN];
	const struct {
		const char *path;
		int err;
		const char *words;
	} rows[] = {
		{ "nowhere/s", ERR_IO, "No such file or directory" },
		{ nowhere, ERR_IO, "No such file or directory" },
		{ "file/s", ERR_IO, "Not a directory" },
		{ "loop/s", ERR_IO, "Too many levels of symbolic links" },
		{ ".", ERR_IO, "it exists and is not a socket" },
		{ "in/", ERR_SYNTAX, "it ends with a slash" },
		{ "/", ERR_SYNTAX, "it ends with a slash" },
		{ "s", OK, NULL },
		{ "./s", OK, NULL },
		{ "in/../s", OK, NULL },
		{ "up/s", OK, NULL }, /* a link on the way is followed */
		{ whole, OK, NULL },
		{ slashes, OK, NULL },
	};
	struct sock_file file;
	struct why why;
	int fd;

	snprintf(whole, sizeof(whole), "%s/s", s->dir);
	snprintf(slashes, sizeof(slashes), "/%s//s", s->dir);
	snprintf(nowhere, sizeof(nowhere), "%s/in/nowhere/s", s->dir);
	assert_int_equal(mkdir("in", 0700), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(symlink(".", "up"), 0);
	close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (size_t i = 0; i < LEN(rows); i++) {
		int err = try_listen(rows[i].path, false, &fd, &why);

		if (err != rows[i].err || (err && !strstr(why.text, rows[i].words)))
			fail_msg("%s: %d \"%s\"", rows[i].path, err, why.text);
		if (err)
			continue;
		assert_int_equal(access("s", F_OK), 0);
		sock_file_of(fd, &file);
		sock_file_remove(fd, &file);
		assert_int_equal(access("s", F_OK), -1);
		sock_close(fd);
	}
	unlink("loop");
	unlink("up");
	unlink("file");
}

static void make_nothing(void)
{
}

static void make_file(void)
{
	close(open("s", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static void make_folder(void)
{
	assert_int_equal(mkdir("s", 0700), 0);
}

static void make_fifo(void)
{
	assert_int_equal(mkfifo("s", 0600), 0);
}

static void make_socket(void)
{
	int fd;

	listen_or_fail("s", false, &fd);
	close(fd);
}

static void make_foreign_socket(void)
{
	make_socket();
	assert_int_equal(chown("s", 65534, 65534), 0);
}

static void make_dangling_link(void)
{
	assert_int_equal(symlink("nowhere", "s"), 0);
}

static void make_link_to_socket(void)
{
	int fd;

	assert_int_equal(mkdir("in", 0700), 0);
	listen_or_fail("in/s", false, &fd);
	close(fd);
	assert_int_equal(symlink("in/s", "s"), 0);
}

/* What has the name already: only a socket of ours goes, and only when that was asked for. */
static void what_is_in_the_way(void **state)
{
	static const struct {
		const char *name;
		void (*make)(void);
		bool root_only;
		int kept, replaced; /* the errors without and with StreamLocalBindUnlink */
		const char *words;
	} rows[] = {
		{ "a file", make_file, false, ERR_IO, ERR_DENIED, "it exists and is not a socket" },
		{ "a folder", make_folder, false, ERR_IO, ERR_DENIED, "it exists and is not a socket" },
		{ "a fifo", make_fifo, false, ERR_IO, ERR_DENIED, "it exists and is not a socket" },
		{ "a link to nothing", make_dangling_link, false, ERR_IO, ERR_DENIED, "it exists and is not a socket" },
		{ "a link to a socket of ours", make_link_to_socket, false, ERR_IO, ERR_DENIED,
		  "it exists and is not a socket" },
		{ "somebody else's socket", make_foreign_socket, true, ERR_IN_USE, ERR_DENIED, "" },
		{ "a socket of ours", make_socket, false, ERR_IN_USE, OK, "Address already in use" },
		{ "nothing", make_nothing, false, OK, OK, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		for (int replace = 0; replace < 2; replace++) {
			const int want = replace ? rows[i].replaced : rows[i].kept;
			struct stat before = { 0 }, after = { 0 };
			struct why why;
			int fd, err;

			if (rows[i].root_only && geteuid() != 0)
				continue;
			rows[i].make();
			(void)lstat("s", &before);
			err = try_listen("s", replace, &fd, &why);
			if (err != want || (err && !strstr(why.text, rows[i].words)))
				fail_msg("%s: %d \"%s\"", rows[i].name, err, why.text);
			assert_int_equal(lstat("s", &after), 0);
			if (err)
				assert_int_equal(before.st_ino, after.st_ino); /* as it was */
			else
				assert_int_equal(after.st_mode, S_IFSOCK | 0600);
			sock_close(fd);
			if (unlink("s"))
				assert_int_equal(rmdir("s"), 0);
			(void)unlink("in/s");
			(void)rmdir("in");
		}
}

static void exchange_folder(void)
{
	assert_int_equal(rename("in", "other"), 0);
	assert_int_equal(mkdir("in", 0700), 0);
	assert_int_equal(chmod("in", 0777), 0); /* the mask of the bind is in force */
}

/* Somebody who may write further up leads us to another folder: what is made there is not listened on. */
static void the_folder_is_exchanged(void **state)
{
	const int before = lowest_free_fd();
	struct why why;
	int fd;

	(void)state;
	assert_int_equal(mkdir("in", 0700), 0);
	before_bind = exchange_folder;
	assert_int_equal(try_listen("in/s", false, &fd, &why), ERR_IO);
	assert_string_equal(why.text, "cannot listen on in/s: its folder was exchanged meanwhile");
	assert_int_equal(lowest_free_fd(), before);
}

/* At the end only the file that was made goes, whoever has its name by then. */
static void what_goes_at_the_end(void **state)
{
	static const struct {
		const char *name;
		void (*make)(void); /* in its place; NULL: it stays */
	} rows[] = {
		{ "another socket of ours", make_socket },
		{ "a file", make_file },
		{ "a link to a socket", make_link_to_socket },
		{ "a link to nothing", make_dangling_link },
		{ "nothing", make_nothing },
		{ "itself", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct stat before = { 0 }, after = { 0 };
		struct sock_file file;
		int fd;

		print_message("%s\n", rows[i].name);
		listen_or_fail("s", false, &fd);
		sock_file_of(fd, &file);
		if (rows[i].make) {
			assert_int_equal(unlink("s"), 0);
			rows[i].make();
			(void)lstat("s", &before);
		}
		sock_file_remove(fd, &file);
		(void)lstat("s", &after);
		assert_int_equal(before.st_ino, after.st_ino);
		sock_file_remove(fd, &(struct sock_file){ 0 }); /* one that was never noted */
		(void)lstat("s", &after);
		assert_int_equal(before.st_ino, after.st_ino);
		close(fd);
		(void)unlink("s");
		(void)unlink("in/s");
		(void)rmdir("in");
	}
}

/* A process without descriptors still cleans up. */
static void removed_without_descriptors(void **state)
{
	struct rlimit old, few;
	struct sock_file file;
	int fd;

	(void)state;
	listen_or_fail("s", false, &fd);
	sock_file_of(fd, &file);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)lowest_free_fd();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	sock_file_remove(fd, &file);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(access("s", F_OK), -1);
	close(fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(folders),
		T(ways_to_write_it),
		T(what_is_in_the_way),
		T(the_folder_is_exchanged),
		T(what_goes_at_the_end),
		T(removed_without_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
