/* Prompts: a child asks on a pseudo terminal of its own, the test plays the person and looks at the terminal's modes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "io/prompt.h"

enum { PATIENCE_MS = 20000, CAP = 32 };

struct answer {
	int err;
	char text[CAP];
	struct why why;
};

/* A session leader that owns the terminal, and below it the one that asks, in the foreground: as under a shell. */
struct rig {
	int person; /* the master side */
	int slave;
	int answers;
	int stopped; /* a byte for each time the asker was stopped */
	pid_t leader, asker;
	char seen[4096];
	size_t n;
};

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static void no_handler(int signo)
{
	(void)signo;
}

static void __attribute__((noreturn)) be_asker(enum prompt_kind kind, bool handled, int out)
{
	struct answer a = { 0 };

	if (handled)
		signal(SIGINT, no_handler);
	memset(a.text, 'x', sizeof(a.text));
	a.err = prompt(kind, "Word: ", a.text, sizeof(a.text), &a.why);
	_exit(write(out, &a, sizeof(a)) == sizeof(a) ? 0 : 1);
}

static void __attribute__((noreturn)) be_leader(enum prompt_kind kind, bool handled, int out, int stopped, int pids)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(STDIN_FILENO, getpid());
		signal(SIGTTOU, SIG_DFL);
		/* A background job of a script, or of nohup, has some ignored. */
		for (size_t i = 0; i < LEN(ending); i++)
			signal(ending[i], SIG_DFL);
		be_asker(kind, handled, out);
	}
	if (write(pids, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status))
		if (write(stopped, "s", 1) != 1)
			_exit(1);
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void start(struct rig *r, enum prompt_kind kind, bool handled)
{
	int answers[2], stopped[2], pids[2];

	memset(r, 0, sizeof(*r));
	assert_int_equal(openpty(&r->person, &r->slave, NULL, NULL, NULL), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	assert_int_equal(pipe2(stopped, O_CLOEXEC), 0);
	assert_int_equal(pipe2(pids, O_CLOEXEC), 0);
	r->leader = fork();
	assert_true(r->leader >= 0);
	if (r->leader == 0) {
		close(r->person);
		if (login_tty(dup(r->slave)))
			_exit(1);
		be_leader(kind, handled, answers[1], stopped[1], pids[1]);
	}
	close(answers[1]);
	close(stopped[1]);
	close(pids[1]);
	r->answers = answers[0];
	r->stopped = stopped[0];
	assert_int_equal(read(pids[0], &r->asker, sizeof(r->asker)), sizeof(r->asker));
	close(pids[0]);
}

static void wait_input(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

/* Reads the screen until `text` is on it, `times` times. */
static void wait_screen(struct rig *r, const char *text, int times)
{
	for (;;) {
		const char *at = r->seen;
		ssize_t n;
		int found = 0;

		while ((at = strstr(at, text))) {
			found++;
			at++;
		}
		if (found >= times)
			return;
		wait_input(r->person);
		n = read(r->person, r->seen + r->n, sizeof(r->seen) - 1 - r->n);
		assert_true(n > 0);
		r->n += (size_t)n;
		r->seen[r->n] = '\0';
	}
}

static bool echoes(const struct rig *r)
{
	struct termios t;

	assert_int_equal(tcgetattr(r->slave, &t), 0);
	return t.c_lflag & ECHO;
}

static void type(struct rig *r, const char *text)
{
	assert_int_equal(write(r->person, text, strlen(text)), strlen(text));
}

/* Gives the leader's exit code: the signal that ended the asker, or 0. */
static int finish(struct rig *r, struct answer *a)
{
	int status;
	ssize_t n;

	memset(a, 0, sizeof(*a));
	wait_input(r->answers);
	n = read(r->answers, a, sizeof(*a));
	assert_true(n == 0 || n == sizeof(*a));
	assert_int_equal(waitpid(r->leader, &status, 0), r->leader);
	assert_true(WIFEXITED(status));
	assert_true(echoes(r)); /* whatever happened */
	close(r->answers);
	close(r->stopped);
	close(r->person);
	close(r->slave);
	return WEXITSTATUS(status);
}

static int clean(void **state)
{
	(void)state;
	unsetenv("SSH_ASKPASS");
	unsetenv("SSH_ASKPASS_REQUIRE");
	unsetenv("SSH_ASKPASS_PROMPT");
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	return 0;
}

static void end_of_file_is_no_answer(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	start(&r, PROMPT_SECRET, false);
	wait_screen(&r, "Word: ", 1);
	type(&r, "\x04");
	assert_int_equal(finish(&r, &a), 0);
	assert_int_equal(a.err, ERR_CLOSED);
	assert_string_equal(a.why.text, "no answer: end of file on the terminal");
	assert_int_equal(a.text[0], 0);
}

static void too_long(void **state)
{
	static const struct {
		const char *typed;
		int err;
	} cases[] = {
		{ "0123456789012345678901234567890\n", OK }, /* 31 and the NUL */
		{ "01234567890123456789012345678901\n", ERR_LIMIT },
	};
	char much[1001];
	struct answer a;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		start(&r, PROMPT_SECRET, false);
		wait_screen(&r, "Word: ", 1);
		type(&r, cases[i].typed);
		assert_int_equal(finish(&r, &a), 0);
		assert_int_equal(a.err, cases[i].err);
		assert_int_equal(strlen(a.text), cases[i].err ? 0 : 31);
	}
	memset(much, 'y', sizeof(much));
	much[999] = '\n';
	much[1000] = '\0';
	start(&r, PROMPT_LINE, false);
	wait_screen(&r, "Word: ", 1);
	type(&r, much);
	assert_int_equal(finish(&r, &a), 0);
	assert_int_equal(a.err, ERR_LIMIT);
	assert_string_equal(a.why.text, "the answer is longer than 31 bytes");
}

static void ctrl_c_ends_with_the_terminal_put_right(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	start(&r, PROMPT_SECRET, false);
	wait_screen(&r, "Word: ", 1);
	assert_false(echoes(&r));
	type(&r, "half\x03");
	assert_int_equal(finish(&r, &a), SIGINT);
}

static void a_handled_signal_interrupts(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	start(&r, PROMPT_SECRET, true);
	wait_screen(&r, "Word: ", 1);
	kill(r.asker, SIGINT);
	assert_int_equal(finish(&r, &a), 0);
	assert_int_equal(a.err, ERR_CLOSED);
	assert_string_equal(a.why.text, "interrupted");
}

static void termination_ends_with_the_terminal_put_right(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < LEN(ending); i++) {
		start(&r, PROMPT_SECRET, false);
		wait_screen(&r, "Word: ", 1);
		kill(r.asker, ending[i]);
		assert_int_equal(finish(&r, &a), ending[i]);
	}
}

static void a_stopped_prompt_is_asked_again(void **state)
{
	struct answer a;
	struct rig r;
	char c;

	(void)state;
	start(&r, PROMPT_SECRET, false);
	wait_screen(&r, "Word: ", 1);
	type(&r, "half\x1a"); /* Ctrl-Z */
	wait_input(r.stopped);
	assert_int_equal(read(r.stopped, &c, 1), 1);
	assert_true(echoes(&r));
	kill(r.asker, SIGCONT);
	wait_screen(&r, "Word: ", 2);
	assert_false(echoes(&r));
	type(&r, "whole\n");
	assert_int_equal(finish(&r, &a), 0);
	assert_int_equal(a.err, OK);
	assert_string_equal(a.text, "whole");
}

static void answers(void **state)
{
	static const struct {
		enum prompt_kind kind;
		const char *typed, *want;
		bool echo;
	} cases[] = {
		{ PROMPT_SECRET, "geheim\n", "geheim", false },	    { PROMPT_SECRET, "\n", "", false },
		{ PROMPT_SECRET, " sp ace \n", " sp ace ", false }, { PROMPT_LINE, "visible\n", "visible", true },
		{ PROMPT_LINE, "wrong\x15right\n", "right", true }, /* Ctrl-U */
		{ PROMPT_CONFIRM, "yes\n", "yes", true },	    { PROMPT_CONFIRM, "\n", "", true },
	};
	struct answer a;
	struct rig r;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		start(&r, cases[i].kind, false);
		wait_screen(&r, "Word: ", 1);
		assert_int_equal(echoes(&r), cases[i].echo);
		type(&r, cases[i].typed);
		wait_screen(&r, "\n", 1);
		assert_int_equal(strstr(r.seen, "visible") || strstr(r.seen, "geheim"),
				 strstr(cases[i].typed, "visible") != NULL);
		assert_int_equal(finish(&r, &a), 0);
		assert_int_equal(a.err, OK);
		assert_string_equal(a.text, cases[i].want);
	}
}

static void the_screen_does_not_show_a_secret(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	start(&r, PROMPT_SECRET, false);
	wait_screen(&r, "Word: ", 1);
	type(&r, "geheim\n");
	wait_screen(&r, "\n", 1);
	assert_int_equal(finish(&r, &a), 0);
	assert_string_equal(r.seen, "Word: \r\n");
}

/* Asks in a session without a terminal. */
static void ask_detached(enum prompt_kind kind, struct answer *a)
{
	int fds[2], status;
	pid_t pid;

	memset(a, 0, sizeof(*a));
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setsid();
		be_asker(kind, false, fds[1]);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], a, sizeof(*a)), sizeof(*a));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void write_program(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static const char nobody[] =
	"there is no terminal to ask on (SSH_ASKPASS with SSH_ASKPASS_REQUIRE=force asks another way)";

static void askpass(void **state)
{
	static const struct {
		const char *name, *require, *display, *wayland, *script;
		enum prompt_kind kind;
		int err;
		const char *text; /* the answer, or the sentence, with %s for the program */
	} cases[] = {
		{ "no display", NULL, NULL, NULL, "echo no", PROMPT_SECRET, ERR_NOT_FOUND, nobody },
		{ "empty display", NULL, "", NULL, "echo no", PROMPT_SECRET, ERR_NOT_FOUND, nobody },
		{ "never", "never", ":0", NULL, "echo no", PROMPT_SECRET, ERR_NOT_FOUND, nobody },
		{ "prefer without display", "prefer", NULL, NULL, "echo no", PROMPT_SECRET, ERR_NOT_FOUND, nobody },
		{ "cancelled", "force", NULL, NULL, "echo half; exit 1", PROMPT_SECRET, ERR_CLOSED,
		  "%s gave no answer" },
		{ "killed", "force", NULL, NULL, "kill -9 $$", PROMPT_SECRET, ERR_CLOSED, "%s gave no answer" },
		{ "not there", "force", NULL, NULL, NULL, PROMPT_SECRET, ERR_IO,
		  "cannot run %s: No such file or directory" },
		{ "one byte too long", "force", NULL, NULL, "echo 0123456789abcdef0123456789abcdef", PROMPT_SECRET,
		  ERR_LIMIT, "the answer is longer than 31 bytes" },
		{ "too long and cancelled", "force", NULL, NULL, "yes yes | head -c 200000 | tr -d '\\n'; exit 1",
		  PROMPT_SECRET, ERR_CLOSED, "%s gave no answer" },
		{ "just fits", "force", NULL, NULL, "echo 0123456789abcdef0123456789abcde", PROMPT_SECRET, OK,
		  "0123456789abcdef0123456789abcde" },
		{ "no button", "force", NULL, NULL, "exit 1", PROMPT_CONFIRM, ERR_CLOSED, "%s gave no answer" },
		{ "yes button", "force", NULL, NULL, "[ $SSH_ASKPASS_PROMPT = confirm ]", PROMPT_CONFIRM, OK, "yes" },
		{ "yes in words", "force", NULL, NULL, "echo fingerprint", PROMPT_CONFIRM, OK, "fingerprint" },
		{ "no hint for secrets", "force", NULL, NULL, "echo \"<${SSH_ASKPASS_PROMPT-none}>\"", PROMPT_SECRET,
		  OK, "<none>" },
		{ "force", "FORCE", NULL, NULL, "echo \"$1\"; echo more", PROMPT_SECRET, OK, "Word: " },
		{ "prefer", "prefer", ":0", NULL, "echo p", PROMPT_LINE, OK, "p" },
		{ "display", NULL, ":0", NULL, "echo d", PROMPT_SECRET, OK, "d" },
		{ "wayland", NULL, NULL, "wayland-0", "echo w", PROMPT_SECRET, OK, "w" },
		{ "cut at the end of line", NULL, ":0", NULL, "printf 'a b\\r\\nc'", PROMPT_SECRET, OK, "a b" },
		{ "much output", NULL, ":0", NULL, "echo z; yes | head -c 200000", PROMPT_SECRET, OK, "z" },
	};
	char dir[] = "/tmp/test_prompt.XXXXXX", program[64], script[512], want[WHY_MAX];
	struct answer a;

	assert_non_null(mkdtemp(dir));
	snprintf(program, sizeof(program), "%s/askpass", dir);
	for (size_t i = 0; i < LEN(cases); i++) {
		clean(state);
		unlink(program);
		if (cases[i].script) {
			snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", cases[i].script);
			write_program(program, script);
		}
		setenv("SSH_ASKPASS", program, 1);
		setenv("SSH_ASKPASS_PROMPT", "inherited", 1);
		if (cases[i].require)
			setenv("SSH_ASKPASS_REQUIRE", cases[i].require, 1);
		if (cases[i].display)
			setenv("DISPLAY", cases[i].display, 1);
		if (cases[i].wayland)
			setenv("WAYLAND_DISPLAY", cases[i].wayland, 1);
		ask_detached(cases[i].kind, &a);
		strcpy(want, cases[i].text);
		if (strstr(want, "%s")) {
			const char *at = strstr(cases[i].text, "%s");

			snprintf(want, sizeof(want), "%.*s%s%s", (int)(at - cases[i].text), cases[i].text, program,
				 at + 2);
		}
		if (a.err != cases[i].err || strcmp(a.err ? a.why.text : a.text, want) != 0)
			fail_msg("%s: %d \"%s\" \"%s\"", cases[i].name, a.err, a.text, a.why.text);
		if (a.err)
			assert_int_equal(a.text[0], 0);
	}
	unlink(program);
	rmdir(dir);
}

/* With a terminal, "prefer" still takes the program where there is a display, and nothing else does. */
static void the_terminal_comes_first(void **state)
{
	struct answer a;
	struct rig r;

	(void)state;
	setenv("SSH_ASKPASS", "/bin/false", 1);
	setenv("DISPLAY", ":0", 1);
	start(&r, PROMPT_LINE, false);
	wait_screen(&r, "Word: ", 1);
	type(&r, "typed\n");
	finish(&r, &a);
	assert_string_equal(a.text, "typed");

	setenv("SSH_ASKPASS", "/bin/echo", 1);
	setenv("SSH_ASKPASS_REQUIRE", "prefer", 1);
	start(&r, PROMPT_LINE, false);
	finish(&r, &a);
	assert_string_equal(a.text, "Word: ");
}

#define T(f) cmocka_unit_test_setup_teardown(f, clean, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(end_of_file_is_no_answer),
		T(too_long),
		T(ctrl_c_ends_with_the_terminal_put_right),
		T(a_handled_signal_interrupts),
		T(termination_ends_with_the_terminal_put_right),
		T(a_stopped_prompt_is_asked_again),
		T(answers),
		T(the_screen_does_not_show_a_secret),
		T(askpass),
		T(the_terminal_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
