/* Child processes: nothing of ours is left in them but the environment and stderr. */
#include "io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

/* After fork(), so only what is allowed there. The errno of a failed exec goes to `report`. */
static void __attribute__((noreturn)) be_child(char *const argv[], char *const env[], int output, int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), e;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL); /* that we ignore it would be inherited */
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output >= 0 ? output : null, STDOUT_FILENO) >= 0 &&
	    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		execvpe(argv[0], argv, env);
	e = errno;
	if (write(report, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

static ssize_t read_again(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Starts the program with `output` as its stdout (-1: none). It runs when this returns OK. */
static int start(char *const argv[], char *const env[], int output, pid_t *pid, struct why *why)
{
	int report[2], e = 0;

	if (pipe2(report, O_CLOEXEC))
		return why_set(why, ERR_IO, "cannot run %s: %s", argv[0], strerror(errno));
	*pid = fork();
	if (*pid == 0)
		be_child(argv, env, output, report[1]);
	if (*pid < 0)
		e = errno;
	close(report[1]);
	if (!e && read_again(report[0], &e, sizeof(e)) == sizeof(e))
		wait_for(*pid);
	close(report[0]);
	return e ? why_set(why, ERR_IO, "cannot run %s: %s", argv[0], strerror(e)) : OK;
}

int spawn_shell(void *user, const char *command, struct why *why)
{
	const char *shell = getenv("SHELL");
	char *argv[] = { (char *)(shell && *shell ? shell : "/bin/sh"), (char *)"-c", (char *)command, NULL };
	int err, status;
	pid_t pid;

	(void)user;
	err = start(argv, environ, -1, &pid, why);
	if (err)
		return err;
	status = wait_for(pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The environment with one variable more, or less. The array is the caller's, the strings are not. */
static char **environment_with(const char *variable)
{
	size_t n = 0, k = 0, name = variable ? strcspn(variable, "=") : 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!variable || strncmp(environ[i], variable, name) != 0 || environ[i][name] != '=')
			env[k++] = environ[i];
	if (variable && variable[name] == '=')
		env[k] = (char *)variable;
	return env;
}

/* All of it is read, so that the program does not die of a full pipe. False when the line does not fit. */
static bool read_line(int fd, char *out, size_t cap)
{
	char piece[512];
	bool ended = false, fits = true;
	size_t n = 0;
	ssize_t got;

	while ((got = read_again(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < got && !ended; i++) {
			ended = piece[i] == '\n' || piece[i] == '\r';
			fits = fits && (ended || n + 1 < cap);
			if (!ended && fits)
				out[n++] = piece[i];
		}
	out[n] = '\0';
	wipe(piece, sizeof(piece));
	return fits;
}

int spawn_read(char *const argv[], const char *variable, char *out, size_t cap, int *status, struct why *why)
{
	char **env = environment_with(variable);
	int fds[2], err;
	pid_t pid;

	wipe(out, cap);
	if (!env)
		return why_set(why, ERR_NOMEM, "cannot run %s: out of memory", argv[0]);
	if (pipe2(fds, O_CLOEXEC)) {
		free(env);
		return why_set(why, ERR_IO, "cannot run %s: %s", argv[0], strerror(errno));
	}
	err = start(argv, env, fds[1], &pid, why);
	free(env);
	close(fds[1]);
	if (!err) {
		if (!read_line(fds[0], out, cap))
			err = why_set(why, ERR_LIMIT, "the answer is longer than %zu bytes", cap - 1);
		*status = wait_for(pid);
	}
	if (err)
		wipe(out, cap);
	close(fds[0]);
	return err;
}
