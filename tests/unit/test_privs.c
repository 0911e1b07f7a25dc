/* Rights: what is given up is gone, somebody else's files for a moment, and the system's users. What only root can try
 * is skipped for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/privs.h"
#include "io/users.h"

enum { SOMEBODY = 54321, ELSE = 54322, GROUP = 54323, EXTRA = 54324 };

/* --- users --- */

/* Failures of the databases, for the next calls. */
static int passwd_error, group_error;
static int short_rooms; /* ERANGE so many times */

int __real_getpwnam_r(const char *name, struct passwd *pw, char *room, size_t n, struct passwd **found);
int __wrap_getpwnam_r(const char *name, struct passwd *pw, char *room, size_t n, struct passwd **found);
int __real_getgrgid_r(gid_t gid, struct group *gr, char *room, size_t n, struct group **found);
int __wrap_getgrgid_r(gid_t gid, struct group *gr, char *room, size_t n, struct group **found);

int __wrap_getpwnam_r(const char *name, struct passwd *pw, char *room, size_t n, struct passwd **found)
{
	*found = NULL;
	if (short_rooms > 0 && short_rooms--)
		return ERANGE;
	return passwd_error ? passwd_error : __real_getpwnam_r(name, pw, room, n, found);
}

int __wrap_getgrgid_r(gid_t gid, struct group *gr, char *room, size_t n, struct group **found)
{
	*found = NULL;
	return group_error ? group_error : __real_getgrgid_r(gid, gr, room, n, found);
}

static void users_not_found(void **state)
{
	static char long_name[USERS_NAME_MAX + 2];
	static const struct {
		const char *name;
		int passwd, group, rooms, err;
		const char *why;
	} cases[] = {
		{ "", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "root:x", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "root\n", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "../root", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "\x7froot", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ long_name, 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "no-such-user-here", 0, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "root", ENOENT, 0, 0, ERR_NOT_FOUND, "no such user" },
		{ "root", EIO, 0, 0, ERR_IO, "looking up user root: Input/output error" },
		{ "root", EMFILE, 0, 0, ERR_IO, "looking up user root: Too many open files" },
		{ "root", ENOMEM, 0, 0, ERR_NOMEM, "looking up user root: Cannot allocate memory" },
		{ "root", 0, EIO, 0, ERR_IO, "looking up group 0: Input/output error" },
		{ "root", 0, ERANGE, 0, ERR_LIMIT, "the entry of group 0 is too long" },
		{ "root", 0, 0, 100, ERR_LIMIT, "the entry of user root is too long" },
	};

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct user u = { .uid = 77 };
		struct why why;

		passwd_error = cases[i].passwd;
		group_error = cases[i].group;
		short_rooms = cases[i].rooms;
		int err = users_find(&u, cases[i].name, &why);
		bool entry = !err;

		if (entry)
			err = users_groups(&u, &why);
		passwd_error = group_error = short_rooms = 0;
		assert_int_equal(err, cases[i].err);
		assert_string_equal(why.text, cases[i].why);
		assert_int_equal(entry, cases[i].group != 0);
		assert_int_equal(u.uid, entry ? 0 : 77);
		assert_int_equal(u.n_groups, 0);
		if (entry) { /* nothing of the failure is left: the next time can do better */
			assert_int_equal(users_groups(&u, NULL), OK);
			assert_true(u.n_groups >= 1);
			users_fini(&u);
		}
	}
}

static void users_found(void **state)
{
	struct user u = { 0 };
	bool primary = false;

	(void)state;
	short_rooms = 3;
	assert_int_equal(users_find(&u, "root", NULL), OK);
	assert_int_equal(u.n_gids, 0);
	assert_int_equal(users_groups(&u, NULL), OK);
	assert_string_equal(u.name, "root");
	assert_int_equal(u.uid, 0);
	assert_true(u.home[0] == '/' && u.shell[0] == '/');
	for (size_t i = 0; i < u.n_gids; i++)
		primary |= u.gids[i] == u.gid;
	assert_true(primary);
	assert_true(u.n_groups >= 1 && u.n_groups <= u.n_gids);
	assert_string_equal(u.groups[0], "root");
	users_fini(&u);
	users_fini(&u);
	assert_int_equal(u.n_groups, 0);

	group_error = ENOENT; /* numbers without names */
	assert_int_equal(users_find(&u, "root", NULL), OK);
	assert_int_equal(users_groups(&u, NULL), OK);
	group_error = 0;
	assert_int_equal(u.n_groups, 0);
	assert_true(u.n_gids >= 1);
	users_fini(&u);
}

/* --- rights --- */

#define CHECK(x)                                                                                \
	do {                                                                                    \
		if (!(x)) {                                                                     \
			fprintf(stderr, "# line %d: %s (%s)\n", __LINE__, #x, strerror(errno)); \
			return 1;                                                               \
		}                                                                               \
	} while (0)

static void in_a_child(int (*run)(void *), void *user)
{
	struct child_spec spec = { .name = "privs", .keep_stderr = true, .run = run, .user = user };
	int status;
	pid_t pid;

	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void root_only(void)
{
	if (geteuid() != 0)
		skip();
}

/* A line of /proc/self/status as a number in base 16; `field` with its colon. */
static uint64_t status_of(const char *field)
{
	char line[256];
	uint64_t v = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			v = strtoull(line + strlen(field), NULL, 16);
	if (f)
		fclose(f);
	return v;
}

static const gid_t extra[] = { EXTRA, GROUP };
static const struct privs_id somebody = { SOMEBODY, GROUP, extra, LEN(extra) };

static int tied(void)
{
	struct rlimit core;
	int signo = 0;

	CHECK(prctl(PR_GET_PDEATHSIG, &signo) == 0 && signo == SIGKILL);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	return 0;
}

static int drop_all(void *user)
{
	struct why why = { "" };
	gid_t groups[8];

	(void)user;
	CHECK(privs_drop(&somebody, 0, &why) == OK);
	CHECK(getuid() == SOMEBODY && geteuid() == SOMEBODY && getgid() == GROUP && getgroups(8, groups) == 2);
	CHECK(status_of("CapPrm:") == 0 && status_of("CapEff:") == 0 && status_of("CapInh:") == 0);
	CHECK(status_of("CapBnd:") == 0 && status_of("CapAmb:") == 0);
	CHECK(setuid(0) < 0 && setgid(0) < 0 && setgroups(0, NULL) < 0 && seteuid(ELSE) < 0);
	CHECK(open("/etc/shadow", O_RDONLY) < 0);
	CHECK(privs_drop(&(struct privs_id){ 0, 0, NULL, 0 }, 0, &why) == ERR_DENIED);
	CHECK(strcmp(why.text, "becoming user 0, group 0: setgroups: Operation not permitted") == 0);
	CHECK(privs_drop(&somebody, 0, &why) == OK); /* what it is already */
	return tied();
}

/* Somebody who stays root, but only in name. */
static int drop_to_root(void *user)
{
	(void)user;
	CHECK(privs_drop(&(struct privs_id){ 0, 0, NULL, 0 }, 0, NULL) == OK);
	CHECK(getuid() == 0 && status_of("CapPrm:") == 0 && status_of("CapBnd:") == 0);
	CHECK(setuid(SOMEBODY) < 0);
	return tied();
}

static int keep_some(void *user)
{
	(void)user;
	CHECK(privs_keep(PRIVS_MASTER, NULL) == OK);
	CHECK(getuid() == 0 && status_of("CapPrm:") == PRIVS_MASTER && status_of("CapEff:") == PRIVS_MASTER);
	CHECK(status_of("CapBnd:") == PRIVS_MASTER);
	/* As the child of such a master, which has no CAP_SETPCAP any more. */
	CHECK(privs_drop(&somebody, 0, NULL) == OK);
	CHECK(getuid() == SOMEBODY && status_of("CapPrm:") == 0);
	CHECK(setuid(0) < 0);
	return tied();
}

static void giving_up_for_good(void **state)
{
	int (*const runs[])(void *) = { drop_all, drop_to_root, keep_some };

	(void)state;
	root_only();
	for (size_t i = 0; i < LEN(runs); i++)
		in_a_child(runs[i], NULL);
}

static int reads(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct files {
	char root[64], some[64], group[64], other[64]; /* readable by its owner, or by the group alone */
};

static void make_file(const char *folder, const char *name, uid_t uid, gid_t gid, mode_t mode, char path[64])
{
	snprintf(path, 64, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The guard: not root, but with the right to become others. */
static int visit(void *user)
{
	const struct files *f = user;
	static const gid_t none[] = { ELSE };
	const struct privs_id guard = { ELSE, ELSE, none, 1 }, root = { 0, 0, NULL, 0 };
	struct privs_home home;

	CHECK(privs_drop(&guard, PRIVS_SETID, NULL) == OK);
	CHECK(status_of("CapPrm:") == PRIVS_SETID && status_of("CapEff:") == PRIVS_SETID);
	CHECK(!reads(f->root) && !reads(f->some) && !reads(f->group) && reads(f->other));
	for (int again = 0; again < 2; again++) {
		CHECK(privs_as_user(&home, &somebody, NULL) == OK);
		CHECK(!reads(f->root) && reads(f->some) && reads(f->group) && !reads(f->other));
		CHECK(status_of("CapEff:") == 0 && tied() == 0);
		privs_back(&home);
		CHECK(!reads(f->root) && !reads(f->some) && !reads(f->group) && reads(f->other));
		CHECK(privs_as_user(&home, &root, NULL) == OK);
		CHECK(reads(f->root) && !reads(f->some)); /* its own, but no capability to read all */
		privs_back(&home);
		CHECK(geteuid() == ELSE && getegid() == ELSE && status_of("CapEff:") == PRIVS_SETID && tied() == 0);
		privs_back(&home); /* there already */
	}
	/* Without the right, others are out of reach, and it is itself. */
	CHECK(privs_drop(&guard, 0, NULL) == OK);
	CHECK(privs_as_user(&home, &somebody, NULL) == ERR_DENIED);
	CHECK(privs_as_user(&home, &guard, NULL) == OK);
	privs_back(&home);
	CHECK(reads(f->other));
	return 0;
}

/* A process that may do everything gives that up for the moment, too. */
static int visit_as_root(void *user)
{
	const struct files *f = user;
	struct privs_home home;

	CHECK(reads(f->some));
	CHECK(privs_as_user(&home, &somebody, NULL) == OK);
	CHECK(!reads(f->root) && reads(f->some) && !reads(f->other));
	privs_back(&home);
	CHECK(reads(f->root) && reads(f->other) && geteuid() == 0);
	return 0;
}

static void files_of_another_user(void **state)
{
	char folder[] = "/tmp/test_privs.XXXXXX";
	struct files f;

	(void)state;
	root_only();
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	make_file(folder, "root", 0, 0, 0400, f.root);
	make_file(folder, "some", SOMEBODY, GROUP, 0400, f.some);
	make_file(folder, "group", 0, EXTRA, 0040, f.group);
	make_file(folder, "other", ELSE, ELSE, 0400, f.other);
	in_a_child(visit, &f);
	in_a_child(visit_as_root, &f);
	unlink(f.root);
	unlink(f.some);
	unlink(f.group);
	unlink(f.other);
	rmdir(folder);
}

static int as_an_ordinary_user(void *user)
{
	struct privs_home home;
	struct privs_id self;

	(void)user;
	if (geteuid() == 0)
		CHECK(setgroups(0, NULL) == 0 && setgid(GROUP) == 0 && setuid(SOMEBODY) == 0 &&
		      prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	self = (struct privs_id){ getuid(), getgid(), NULL, 0 };
	CHECK(privs_keep(PRIVS_MASTER, NULL) == OK);
	CHECK(privs_drop(&self, 0, NULL) == OK);
	CHECK(privs_drop(&(struct privs_id){ ELSE, GROUP, NULL, 0 }, 0, NULL) == ERR_DENIED);
	CHECK(privs_as_user(&home, &self, NULL) == OK);
	privs_back(&home);
	CHECK(privs_as_user(&home, &(struct privs_id){ ELSE, GROUP, NULL, 0 }, NULL) == ERR_DENIED);
	CHECK(status_of("CapPrm:") == 0);
	return tied();
}

/* Not dumpable, a process finds its own /proc files owned by root; its children start all the same. */
static int starts_a_child(void *user)
{
	struct child_spec spec = { .name = "child", .keep_stderr = true, .run = as_an_ordinary_user };
	int status;
	pid_t pid;

	CHECK(as_an_ordinary_user(user) == 0);
	CHECK(child_start(&spec, &pid, NULL) == OK);
	CHECK(waitpid(pid, &status, 0) == pid);
	return status != 0;
}

static void without_root(void **state)
{
	(void)state;
	in_a_child(starts_a_child, NULL);
}

static int cannot_get_back(void *user)
{
	struct privs_home home;

	(void)user;
	if (privs_as_user(&home, &somebody, NULL) || caps_set(&(struct caps){ 0 }, NULL))
		return 0;
	home.caps.permitted = CAPS_ONE(CAP_SETUID);
	privs_back(&home);
	return 0;
}

static void no_way_back_is_the_end(void **state)
{
	struct child_spec spec = { .name = "lost", .keep_stderr = true, .run = cannot_get_back };
	int status;
	pid_t pid;

	(void)state;
	root_only();
	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static int write_a_file(void *user)
{
	int fd = open(user, O_WRONLY | O_CLOEXEC);

	privs_no_files();
	return fd < 0 || write(fd, "x", 1) == 1;
}

static void files_do_not_grow(void **state)
{
	char path[] = "/tmp/test_privs.XXXXXX";
	struct child_spec spec = { .name = "writer", .run = write_a_file, .user = path };
	int status, fd = mkstemp(path);
	struct stat st;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_not_found),    cmocka_unit_test(users_found),
		cmocka_unit_test(giving_up_for_good), cmocka_unit_test(files_of_another_user),
		cmocka_unit_test(without_root),	      cmocka_unit_test(no_way_back_is_the_end),
		cmocka_unit_test(files_do_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
