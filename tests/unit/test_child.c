/* Children of the program itself: what they keep of the parent and what not, signals on both sides, and their ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"

static int wait_status(pid_t pid)
{
	int status = 0;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int run_child(struct child_spec spec)
{
	pid_t pid = 0;
	int status;

	spec.keep_stderr = true;
	if (!spec.name)
		spec.name = "test";
	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	status = wait_status(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void ends_in_words(void **state)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {
		{ 11, "killed by signal 11 (Segmentation fault)" },
		{ 31, "killed by signal 31 (Bad system call)" },
		{ 11 | 0x80, "killed by signal 11 (Segmentation fault)" },
		{ 255 << 8, "exited with status 255" },
		{ 0, "exited with status 0" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char text[CHILD_TEXT];

		child_end_text(cases[i].status, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* kill(-1) would reach every process of the user, kill(0) the group of the test. */
static void not_a_pid(void **state)
{
	(void)state;
	child_signal(-1, SIGKILL);
	child_signal(0, SIGKILL);
	child_signal(-getpgrp(), SIGKILL);
	child_signal(getpid(), 0);
}

static int end_well(void *user)
{
	(void)user;
	return 0;
}

static void no_descriptor_for_the_list(void **state)
{
	struct rlimit old, none;
	pid_t pid = -7;
	struct why why;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int err = child_start(&(struct child_spec){ .name = "x", .run = end_well }, &pid, &why);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(err, ERR_IO);
	assert_int_equal(pid, -7);
	assert_string_equal(why.text, "cannot list descriptors: /proc/self/fd: Too many open files");
}

static bool is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

struct given {
	int kept, lost;
};

static int look_around(void *user)
{
	const struct given *g = user;
	char name[16];
	sigset_t mask;
	int death = 0;

	if (fcntl(g->kept, F_GETFD) < 0 || fcntl(g->lost, F_GETFD) >= 0 || fcntl(500, F_GETFD) >= 0)
		return 1;
	if (!is_null(STDIN_FILENO) || !is_null(STDOUT_FILENO))
		return 2;
	if (prctl(PR_GET_NAME, name) || strcmp(name, "a-name-that-is-") != 0)
		return 3;
	if (prctl(PR_GET_PDEATHSIG, &death) || death != SIGKILL)
		return 4;
	if (sigprocmask(SIG_SETMASK, NULL, &mask) || sigismember(&mask, SIGTERM) || sigismember(&mask, SIGUSR2))
		return 5;
	if (signal(SIGUSR1, SIG_DFL) != SIG_DFL || signal(SIGPIPE, SIG_DFL) != SIG_IGN)
		return 6;
	return 0;
}

static void do_nothing(int signo)
{
	(void)signo;
}

static void what_a_child_keeps(void **state)
{
	struct given g = { open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY) };
	struct child_spec spec = { .name = "a-name-that-is-too-long", .run = look_around, .user = &g };
	sigset_t one, now;

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 500), 500);
	spec.keep = &g.kept;
	spec.keeps = 1;
	signal(SIGUSR1, do_nothing);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	sigprocmask(SIG_BLOCK, &one, NULL);
	assert_int_equal(run_child(spec), 0);
	sigprocmask(SIG_UNBLOCK, &one, &now);
	assert_true(sigismember(&now, SIGUSR2));
	assert_false(sigismember(&now, SIGTERM));
	assert_true(fcntl(g.lost, F_GETFD) >= 0);
	assert_true(signal(SIGUSR1, SIG_DFL) == do_nothing);
	close(g.kept);
	close(g.lost);
	close(500);
}

/* --- two loops --- */

struct role {
	struct loop *loop;
	int signals;
	int ready; /* the child writes here when it may be sent signals */
};

static void count(void *user, int signo)
{
	struct role *r = user;

	(void)signo;
	r->signals++;
	loop_stop(r->loop);
}

static void too_late(void *user)
{
	struct role *r = user;

	r->signals = -1;
	loop_stop(r->loop);
}

/* Runs a loop until one SIGUSR1 came, or not. */
static int one_signal(struct role *r)
{
	struct sigwatch *s;
	struct timer *t;

	if (!r->loop || sigwatch_new(&s, r->loop, SIGUSR1, count, r) || timer_new(&t, r->loop, too_late, r))
		return 10;
	timer_at(t, loop_clock(r->loop) + 20000);
	if (r->ready >= 0 && write(r->ready, "", 1) != 1)
		return 11;
	loop_run(r->loop);
	timer_free(t);
	sigwatch_free(s);
	return r->signals == 1 ? 0 : 12;
}

static int child_with_a_loop(void *user)
{
	struct role mine = { .ready = ((struct role *)user)->ready };

	/* The parent's SIGUSR2 is nobody's here: it would end the process, were it not ignored. */
	if (signal(SIGUSR2, SIG_IGN) != SIG_DFL || raise(SIGUSR2) || loop_new(&mine.loop, NULL))
		return 9;
	int code = one_signal(&mine);

	loop_free(mine.loop);
	return code;
}

static void each_process_has_its_own_signals(void **state)
{
	struct role parent = { .ready = -1 };
	struct sigwatch *one, *two;
	struct timer *guard;
	int ready[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(loop_new(&parent.loop, NULL), OK);
	assert_int_equal(sigwatch_new(&one, parent.loop, SIGUSR1, count, &parent), OK);
	assert_int_equal(sigwatch_new(&two, parent.loop, SIGUSR2, count, &parent), OK);
	assert_int_equal(timer_new(&guard, parent.loop, too_late, &parent), OK);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	parent.ready = ready[1];
	assert_int_equal(child_start(&(struct child_spec){ .name = "child",
							   .loop = parent.loop,
							   .keep = &ready[1],
							   .keeps = 1,
							   .keep_stderr = true,
							   .run = child_with_a_loop,
							   .user = &parent },
				     &pid, NULL),
			 OK);
	close(ready[1]);
	assert_int_equal(read(ready[0], &(char){ 0 }, 1), 1);
	child_signal(pid, SIGUSR1);
	status = wait_status(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);

	/* Nothing of the child's signals came here, and ours still do. */
	timer_at(guard, loop_clock(parent.loop));
	loop_run(parent.loop);
	assert_int_equal(parent.signals, -1);
	parent.signals = 0;
	raise(SIGUSR2);
	timer_at(guard, loop_clock(parent.loop) + 20000);
	loop_run(parent.loop);
	assert_int_equal(parent.signals, 1);
	close(ready[0]);
	sigwatch_free(one);
	sigwatch_free(two);
	timer_free(guard);
	loop_free(parent.loop);
}

static int exit_with(void *user)
{
	return *(int *)user;
}

static void all_ends_are_reaped(void **state)
{
	int codes[3] = { 3, 4, 5 }, status, sum = 0;
	pid_t pids[3], pid;

	(void)state;
	assert_int_equal(child_reap(&status), 0);
	for (int i = 0; i < 3; i++) {
		struct child_spec spec = { .name = "c", .keep_stderr = true, .run = exit_with, .user = &codes[i] };

		assert_int_equal(child_start(&spec, &pids[i], NULL), OK);
	}
	for (int i = 0; i < 3; i++) { /* WNOWAIT: they are still there to be reaped */
		siginfo_t info;

		assert_int_equal(waitid(P_PID, (id_t)pids[i], &info, WEXITED | WNOWAIT), 0);
	}
	while ((pid = child_reap(&status)) > 0)
		sum += WEXITSTATUS(status);
	assert_int_equal(sum, 12);
}

static int wait_for_ever(void *user)
{
	return write(*(int *)user, "", 1) == 1 ? pause() : 1;
}

struct family {
	int fd;
};

/* A parent that is gone takes its child with it: the pipe that the child holds ends. */
static int short_lived(void *user)
{
	struct family *f = user;
	struct child_spec spec = {
		.name = "grandchild", .keep = &f->fd, .keeps = 1, .run = wait_for_ever, .user = &f->fd
	};
	pid_t pid;

	return child_start(&spec, &pid, NULL) ? 1 : pause();
}

static void children_end_with_their_parent(void **state)
{
	int fds[2];
	struct family f;
	struct child_spec spec = { .name = "parent", .keep = &f.fd, .keeps = 1, .run = short_lived, .user = &f };
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	f.fd = fds[1];
	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	close(fds[1]);
	assert_int_equal(read(fds[0], &(char){ 0 }, 1), 1);
	child_signal(pid, SIGKILL);
	assert_true(WIFSIGNALED(wait_status(pid)));
	assert_int_equal(read(fds[0], &(char){ 0 }, 1), 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_in_words),
		cmocka_unit_test(not_a_pid),
		cmocka_unit_test(no_descriptor_for_the_list),
		cmocka_unit_test(what_a_child_keeps),
		cmocka_unit_test(each_process_has_its_own_signals),
		cmocka_unit_test(all_ends_are_reaped),
		cmocka_unit_test(children_end_with_their_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
