/* The fork of a role. What is delicate about it: libuv's signal handlers are process-wide and write into pipes that the
 * parent shares, so that no signal may come in before the loop was abandoned; and libuv makes descriptors of its own
 * inside fork(), which have to stay. Therefore the child closes what the parent had, and not what it has. */
#include "io/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

enum { CODE_FAILED = 255, FDS_BYTES_MAX = 64 * 1024 * 1024 };

/* A descriptor, told from another one that got its number later. */
struct seen {
	int fd;
	dev_t dev;
	ino_t ino;
};

static void note(struct buf *list, int fd)
{
	struct stat st;

	if (fd <= STDERR_FILENO || fstat(fd, &st))
		return;
	buf_bytes(list, span(&(struct seen){ fd, st.st_dev, st.st_ino }, sizeof(struct seen)));
}

/* All descriptors above 2, as an array of struct seen. */
static int list_fds(struct buf *list, struct why *why)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t fd;

	if (!dir)
		return why_set(why, ERR_IO, "cannot list descriptors: /proc/self/fd: %s", strerror(errno));
	while ((entry = readdir(dir)))
		if (str_u64(entry->d_name, 0, INT32_MAX, &fd) == OK && (int)fd != dirfd(dir))
			note(list, (int)fd);
	closedir(dir);
	return buf_err(list) ? why_set(why, ERR_NOMEM, "cannot list descriptors: out of memory") : OK;
}

static bool kept(const struct child_spec *spec, int fd)
{
	for (size_t i = 0; i < spec->keeps; i++)
		if (spec->keep[i] == fd)
			return true;
	return false;
}

static void close_others(const struct child_spec *spec, const struct buf *list)
{
	struct seen s;
	struct stat st;

	for (size_t at = 0; at < list->n; at += sizeof(s)) {
		memcpy(&s, list->p + at, sizeof(s));
		if (!kept(spec, s.fd) && fstat(s.fd, &st) == 0 && st.st_dev == s.dev && st.st_ino == s.ino)
			close(s.fd);
	}
}

static bool null_stdio(const struct child_spec *spec)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool done = null >= 0;

	for (int fd = STDIN_FILENO; fd <= (spec->keep_stderr ? STDOUT_FILENO : STDERR_FILENO); fd++)
		done = done && dup2(null, fd) >= 0;
	if (null > STDERR_FILENO)
		close(null);
	return done;
}

static void default_signals(void)
{
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		(void)signal(signo, signo == SIGPIPE ? SIG_IGN : SIG_DFL); /* refused: SIGKILL, SIGSTOP, glibc's own */
	sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn)) be_child(const struct child_spec *spec, struct buf *list, pid_t parent)
{
	if (spec->loop)
		loop_abandon(spec->loop);
	default_signals();
	close_others(spec, list);
	buf_fini(list);
	(void)prctl(PR_SET_NAME, spec->name);
	/* The order matters: a parent that ended before the first call is seen by the second. */
	if (!null_stdio(spec) || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(CODE_FAILED);
	_exit(spec->run(spec->user));
}

int child_start(const struct child_spec *spec, pid_t *pid, struct why *why)
{
	struct buf list = BUF(FDS_BYTES_MAX);
	pid_t parent = getpid(), child;
	int err = list_fds(&list, why);
	sigset_t all, old;

	if (err) {
		buf_fini(&list);
		return err;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child == 0)
		be_child(spec, &list, parent);
	if (child < 0)
		err = why_set(why, ERR_IO, "cannot start the process %s: %s", spec->name, strerror(errno));
	else
		*pid = child;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	buf_fini(&list);
	return err;
}

void child_leave_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < LEN(signals); i++)
		signal(signals[i], SIG_IGN); /* it cannot fail for these */
}

void child_signal(pid_t pid, int signo)
{
	if (pid > 0)
		(void)kill(pid, signo);
}

pid_t child_reap(int *status)
{
	pid_t pid;

	do
		pid = waitpid(-1, status, WNOHANG);
	while (pid < 0 && errno == EINTR);
	return MAX(pid, 0);
}

void child_end_text(int status, char out[CHILD_TEXT])
{
	if (WIFEXITED(status))
		snprintf(out, CHILD_TEXT, "exited with status %d", WEXITSTATUS(status));
	else
		snprintf(out, CHILD_TEXT, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}
