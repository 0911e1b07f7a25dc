/* Prompts. Signals are not handled here but held back while the terminal is changed: one that comes is noticed through
 * a signalfd, the terminal is put right, and then the signal does what it would have done. */
#include "io/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/spawn.h"

enum { AGAIN = 1 }; /* the process was stopped and goes on */

/* Those that a person sends from the keyboard or by closing the window. SIGTTIN and SIGTTOU stay as they are: a
 * background process is stopped by them before it has changed anything. */
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int stopping[] = { SIGTSTP, SIGCONT };

struct term {
	int fd, signals;
	struct termios before;
	sigset_t mask;
};

static bool term_set(const struct term *t, const struct termios *mode)
{
	int r;

	do
		r = tcsetattr(t->fd, TCSAFLUSH, mode);
	while (r && errno == EINTR); /* continued after SIGTTOU */
	return r == 0;
}

static void say(const struct term *t, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t put = write(t->fd, text, n);

		if (put < 0 && errno != EINTR)
			return; /* the terminal is gone: the read will tell */
		if (put > 0) {
			text += put;
			n -= (size_t)put;
		}
	}
}

/* With the signals back, those that are waiting are delivered before this returns. */
static void term_end(struct term *t)
{
	if (t->signals >= 0) {
		term_set(t, &t->before);
		close(t->signals);
	}
	pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
}

static int term_begin(struct term *t, bool echo, struct why *why)
{
	struct termios mode;
	sigset_t held;

	t->signals = -1;
	sigemptyset(&held);
	for (size_t i = 0; i < LEN(ending); i++)
		sigaddset(&held, ending[i]);
	for (size_t i = 0; i < LEN(stopping); i++)
		sigaddset(&held, stopping[i]);
	pthread_sigmask(SIG_BLOCK, &held, &t->mask);
	if (tcgetattr(t->fd, &t->before) == 0)
		t->signals = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	mode = t->before;
	mode.c_lflag |= ECHO;
	if (!echo)
		mode.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (t->signals >= 0 && term_set(t, &mode))
		return OK;
	why_set(why, ERR_IO, "the terminal cannot be asked: %s", strerror(errno));
	term_end(t);
	return ERR_IO;
}

static int interrupted(struct why *why)
{
	sigset_t waiting;

	sigpending(&waiting);
	for (size_t i = 0; i < LEN(ending); i++)
		if (sigismember(&waiting, ending[i]) == 1)
			return why_set(why, ERR_CLOSED, "interrupted");
	return AGAIN;
}

/* The next piece of the line: > 0 bytes, 0 end of file, < 0 error, or AGAIN in *err. */
static ssize_t read_piece(const struct term *t, char *piece, size_t cap, int *err, struct why *why)
{
	struct pollfd p[] = { { .fd = t->fd, .events = POLLIN }, { .fd = t->signals, .events = POLLIN } };
	ssize_t n = -1;

	*err = OK;
	while (n < 0) {
		if (poll(p, LEN(p), -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents) {
			*err = interrupted(why);
			return -1;
		}
		if (p[0].revents)
			n = read(t->fd, piece, cap);
		if (n < 0 && p[0].revents && errno != EINTR && errno != EAGAIN)
			break;
	}
	if (n < 0)
		*err = why_set(why, ERR_IO, "the terminal cannot be read: %s", strerror(errno));
	return n;
}

static int read_answer(const struct term *t, char *out, size_t cap, struct why *why)
{
	char piece[256];
	size_t n = 0;
	bool fits = true;
	int err = OK;

	for (;;) {
		ssize_t got = read_piece(t, piece, sizeof(piece), &err, why);
		bool ended = got > 0 && piece[got - 1] == '\n';

		if (got < 0)
			break;
		if (got == 0 && n == 0 && fits)
			err = why_set(why, ERR_CLOSED, "no answer: end of file on the terminal");
		if (got == 0)
			break;
		got -= ended;
		fits = fits && n + (size_t)got < cap;
		if (fits) {
			memcpy(out + n, piece, (size_t)got);
			n += (size_t)got;
		}
		if (ended)
			break;
	}
	wipe(piece, sizeof(piece));
	if (!err && !fits)
		err = why_set(why, ERR_LIMIT, "the answer is longer than %zu bytes", cap - 1);
	if (!err)
		out[n] = '\0';
	return err;
}

static int ask_once(int fd, enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why)
{
	struct term t = { .fd = fd };
	int err = term_begin(&t, kind != PROMPT_SECRET, why);

	if (err)
		return err;
	say(&t, text);
	err = read_answer(&t, out, cap, why);
	if (kind == PROMPT_SECRET || err)
		say(&t, "\n"); /* the one that was typed was not shown, or there was none */
	term_end(&t);
	return err;
}

static int ask_terminal(int fd, enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why)
{
	int err;

	do
		err = ask_once(fd, kind, text, out, cap, why);
	while (err == AGAIN);
	close(fd);
	return err;
}

static int ask_program(enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why)
{
	const char *program = getenv("SSH_ASKPASS");
	char *argv[] = { (char *)(program && *program ? program : "/usr/bin/ssh-askpass"), (char *)text, NULL };
	int status, err;

	err = spawn_read(argv, kind == PROMPT_CONFIRM ? "SSH_ASKPASS_PROMPT=confirm" : "SSH_ASKPASS_PROMPT", out, cap,
			 &status, why);
	if (err && err != ERR_LIMIT)
		return err;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return why_set(why, ERR_CLOSED, "%s gave no answer", argv[0]);
	if (!err && kind == PROMPT_CONFIRM && !out[0] && cap > strlen("yes"))
		strcpy(out, "yes");
	return err;
}

static bool has_display(void)
{
	const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

	return (x && *x) || (wayland && *wayland);
}

static int ask(enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why)
{
	const char *require = getenv("SSH_ASKPASS_REQUIRE");
	bool force = require && str_eq_nocase(require, "force");
	bool prefer = require && str_eq_nocase(require, "prefer");
	bool never = require && str_eq_nocase(require, "never");
	int fd;

	if (force || (prefer && has_display()))
		return ask_program(kind, text, out, cap, why);
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		return ask_terminal(fd, kind, text, out, cap, why);
	if (!never && has_display())
		return ask_program(kind, text, out, cap, why);
	return why_set(why, ERR_NOT_FOUND,
		       "there is no terminal to ask on (SSH_ASKPASS with SSH_ASKPASS_REQUIRE=force asks another way)");
}

int prompt(enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why)
{
	int err = ask(kind, text, out, cap, why);

	if (err)
		wipe(out, cap);
	return err;
}
