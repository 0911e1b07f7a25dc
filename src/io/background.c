/* The split, and what the child leaves behind. */
#include "io/background.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CODE_FAILED = 255 };

static int wait_until_ready(int fd, pid_t child)
{
	int status = 0;
	ssize_t n;
	char c;

	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
	if (n == 1)
		return 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_FAILED;
}

int background_split(struct background *b, enum background_side *side, int *code, struct why *why)
{
	pid_t parent = getpid(), child;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return why_set(why, ERR_IO, "cannot go to the background: %s", strerror(errno));
	child = fork();
	if (child < 0) {
		int e = errno;

		close(fds[0]);
		close(fds[1]);
		return why_set(why, ERR_IO, "cannot go to the background: %s", strerror(e));
	}
	if (child == 0) {
		close(fds[0]);
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent) /* it was gone before it could be asked for */
			raise(SIGTERM);
		b->ready = fds[1];
		*side = BACKGROUND_CHILD;
		return OK;
	}
	close(fds[1]);
	*side = BACKGROUND_PARENT;
	*code = wait_until_ready(fds[0], child);
	return OK;
}

void background_ready(struct background *b, bool keep_stderr)
{
	int null;

	if (b->ready < 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= (keep_stderr ? STDOUT_FILENO : STDERR_FILENO); fd++)
		(void)dup2(null, fd);
	if (null >= 0)
		close(null);
	(void)!write(b->ready, "", 1); /* the parent was killed just now: then nobody waits */
	close(b->ready);
	b->ready = -1;
}
