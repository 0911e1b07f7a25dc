/* The process and its children: standard descriptors, the split of -f, shell lines, log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/background.h"
#include "io/log.h"
#include "io/spawn.h"
#include "io/sys.h"

static int exit_code(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void shell_lines(void **state)
{
	static const struct {
		const char *shell, *command;
		int want;
	} cases[] = {
		{ NULL, "exit 1", 0 },
		{ NULL, "kill -9 $$", 0 },
		{ NULL, "nosuchprogram 2>/dev/null", 0 },
		{ "/nonexistent/shell", "true", ERR_IO },
		{ NULL, "true", 1 },
		{ "", "true", 1 },
		{ "/bin/sh", "read x; [ $? -ne 0 ]", 1 }, /* stdin is empty */
		{ NULL, "echo must not be seen", 1 },
		{ NULL, "! [ -e /proc/self/fd/77 ]", 1 },
		{ NULL, "kill -PIPE $$; true", 0 }, /* SIGPIPE has its default again */
	};
	struct why why;

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 77), 77); /* left open by whoever started us */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < LEN(cases); i++) {
		int r;

		if (cases[i].shell)
			setenv("SHELL", cases[i].shell, 1);
		else
			unsetenv("SHELL");
		r = spawn_shell(NULL, cases[i].command, &why);
		if (r != cases[i].want)
			fail_msg("\"%s\": %d", cases[i].command, r);
		if (r == ERR_IO)
			assert_string_equal(why.text, "cannot run /nonexistent/shell: No such file or directory");
	}
	close(77);
}

static void randomness(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_int_equal(sys_random(a, sizeof(a)), OK);
	assert_int_equal(sys_random(b, sizeof(b)), OK);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(sys_random(a, 0), OK);
}

static void facts(void **state)
{
	char host[SYS_HOSTNAME];
	struct sys_user u;
	struct why why;
	pid_t pid;

	(void)state;
	assert_int_equal(sys_user_get(&u, &why), OK);
	assert_int_equal(u.uid, getuid());
	assert_true(u.name[0] != '\0');
	sys_user_fini(&u);
	sys_user_fini(&u); /* empty by now */
	sys_hostname(host);
	assert_in_range(strlen(host), 1, SYS_HOSTNAME - 1);
	setenv("TEST_PROCESS", "value", 1);
	assert_string_equal(sys_env(NULL, "TEST_PROCESS"), "value");
	unsetenv("TEST_PROCESS");
	assert_null(sys_env(NULL, "TEST_PROCESS"));

	if (getuid() != 0)
		return; /* only root can be somebody whom nobody knows */
	pid = fork();
	if (pid == 0) {
		bool right = setuid(54321) == 0 && sys_user_get(&u, &why) == ERR_NOT_FOUND &&
			     strcmp(why.text, "no user exists for uid 54321") == 0;

		_exit(right ? 0 : 1);
	}
	assert_int_equal(exit_code(pid), 0);
}

static void missing_standard_descriptors(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct stat st, null;
		struct sigaction sa;
		struct why why;

		close(0);
		close(2);
		if (sys_start(&why) || stat("/dev/null", &null))
			_exit(1);
		for (int fd = 0; fd <= 2; fd += 2)
			if (fstat(fd, &st) || st.st_rdev != null.st_rdev)
				_exit(2);
		if (fcntl(1, F_GETFD) < 0 || open("/dev/null", O_RDONLY) != 3)
			_exit(3);
		if (sigaction(SIGPIPE, NULL, &sa) || sa.sa_handler != SIG_IGN)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(exit_code(pid), 0);
}

static void no_core_no_tracing(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		int filter = open("/proc/self/coredump_filter", O_RDONLY); /* later only root may */
		struct rlimit r;
		char bits[16] = "";

		sys_harden();
		_exit(read(filter, bits, sizeof(bits) - 1) < 1 || strtoul(bits, NULL, 16) ||
		      getrlimit(RLIMIT_CORE, &r) || r.rlim_cur || r.rlim_max || prctl(PR_GET_DUMPABLE));
	}
	assert_int_equal(exit_code(pid), 0);
}

/* What the child of the split does, and what the parent has to end with. */
static void the_parent_ends_as_the_child_says(void **state)
{
	static const struct {
		const char *name;
		int exit, kill;
		bool ready;
		int want;
	} cases[] = {
		{ "fails", 255, 0, false, 255 },	{ "fails otherwise", 3, 0, false, 3 },
		{ "killed", 0, SIGKILL, false, 255 },	{ "ends without a word", 0, 0, false, 0 },
		{ "ready, then fails", 9, 0, true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct background b = { -1 };
			enum background_side side;
			int code = 77;

			if (background_split(&b, &side, &code, NULL))
				_exit(78);
			if (side == BACKGROUND_PARENT)
				_exit(code);
			if (cases[i].ready)
				background_ready(&b, true);
			if (cases[i].kill)
				raise(cases[i].kill);
			_exit(cases[i].exit);
		}
		if (exit_code(pid) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

struct seen {
	pid_t pid, session;
	bool null_in, null_out, null_err;
};

static bool is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

static void the_child_lets_go_of_the_terminal(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct seen s = { 0 };
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		pid = fork();
		if (pid == 0) {
			struct background b = { -1 };
			enum background_side side;
			int code = 77;

			background_ready(&b, false); /* without a split nothing happens */
			if (background_split(&b, &side, &code, NULL) || side == BACKGROUND_PARENT)
				_exit(code);
			if (dup2(fds[1], 1) < 0 || dup2(fds[1], 2) < 0)
				_exit(1);
			background_ready(&b, keep);
			background_ready(&b, keep);
			s = (struct seen){ getpid(), getsid(0), is_null(0), is_null(1), is_null(2) };
			_exit(write(fds[1], &s, sizeof(s)) == sizeof(s) ? 0 : 1);
		}
		close(fds[1]);
		assert_int_equal(exit_code(pid), 0);
		assert_int_equal(read(fds[0], &s, sizeof(s)), sizeof(s));
		close(fds[0]);
		assert_int_equal(s.pid, s.session);
		assert_true(s.null_in && s.null_out);
		assert_int_equal(s.null_err, !keep);
	}
}

/* Nobody is left behind when the one in the foreground is killed while the other still logs in. */
static void the_child_goes_with_the_parent(void **state)
{
	int alive[2], started[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	assert_int_equal(pipe2(started, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct background b = { -1 };
		enum background_side side;
		int code = 77;

		if (background_split(&b, &side, &code, NULL) || side == BACKGROUND_PARENT)
			_exit(code);
		if (write(started[1], "s", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(alive[1]);
	close(started[1]);
	assert_int_equal(read(started[0], &c, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(exit_code(pid), -SIGKILL);
	assert_int_equal(read(alive[0], &c, 1), 0); /* the last holder of the pipe is gone */
	close(alive[0]);
	close(started[0]);
}

static size_t contents(const char *path, char *out, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, out, cap - 1);

	assert_true(n >= 0);
	close(fd);
	out[n] = '\0';
	return (size_t)n;
}

static void log_lines(void **state)
{
	char dir[] = "/tmp/test_process.XXXXXX", path[64], text[4096], longer[2000];
	struct stat st;
	struct why why;
	struct log l;

	(void)state;
	assert_int_equal(log_open(&l, "/nonexistent/log", LOG_AT_INFO, &why), ERR_IO);
	assert_string_equal(why.text, "cannot open the log file /nonexistent/log: No such file or directory");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	assert_int_equal(log_open(&l, path, LOG_AT_INFO, &why), OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	errno = EXDEV;
	log_line(&l, LOG_AT_QUIET, "never");
	log_line(&l, LOG_AT_VERBOSE, "not at this level");
	log_line(&l, LOG_AT_FATAL, "%s", "forged\nline\x1b[2J");
	log_line(&l, LOG_AT_INFO, "%d %%", 7);
	assert_int_equal(errno, EXDEV);
	l.level = LOG_AT_DEBUG3;
	log_line(&l, LOG_AT_VERBOSE, "v");
	log_line(&l, LOG_AT_DEBUG1, "a");
	log_line(&l, LOG_AT_DEBUG3, "\xc3\xa9");
	l.level = LOG_AT_QUIET;
	log_line(&l, LOG_AT_FATAL, "quiet");
	contents(path, text, sizeof(text));
	assert_string_equal(text, "forged?line?[2J\n7 %\nv\ndebug1: a\ndebug3: \xc3\xa9\n");
	log_close(&l);

	/* At the end of what is there; cut at the limit. */
	assert_int_equal(truncate(path, 0), 0);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(log_open(&l, path, LOG_AT_DEBUG1, &why), OK);
	log_line(&l, LOG_AT_DEBUG1, "%s", longer);
	assert_int_equal(contents(path, text, sizeof(text)), LOG_LINE_MAX - 1);
	assert_int_equal(text[LOG_LINE_MAX - 2], '\n');
	log_close(&l);
	log_close(&l);
	assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	unlink(path);
	rmdir(dir);
}

/* A full pipe that does not block loses the line instead of waiting for ever. */
static void a_full_log_does_not_wait(void **state)
{
	struct log l = { .level = LOG_AT_INFO };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	l.fd = fds[1];
	while (write(fds[1], "xxxxxxxx", 8) > 0)
		;
	log_line(&l, LOG_AT_INFO, "lost");
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	log_line(&l, LOG_AT_INFO, "nobody reads");
	assert_int_equal(close(fds[1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shell_lines),
		cmocka_unit_test(missing_standard_descriptors),
		cmocka_unit_test(the_parent_ends_as_the_child_says),
		cmocka_unit_test(the_child_goes_with_the_parent),
		cmocka_unit_test(the_child_lets_go_of_the_terminal),
		cmocka_unit_test(no_core_no_tracing),
		cmocka_unit_test(randomness),
		cmocka_unit_test(facts),
		cmocka_unit_test(log_lines),
		cmocka_unit_test(a_full_log_does_not_wait),
	};

	int failed;

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* the background processes end here, also where init does not reap */
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	while (wait(NULL) > 0)
		;
	return failed;
}
