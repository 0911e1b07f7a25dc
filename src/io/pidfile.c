/* A pid file under a lock. Between opening and locking it may be removed by its last owner: then the lock is one on a
 * file without a name, and all begins anew. */
#include "io/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 16 };

static int say(struct why *why, const char *path)
{
	return why_set(why, errno == ELOOP ? ERR_DENIED : ERR_IO, "pid file %s: %s", path, strerror(errno));
}

/* Is it still the file of that name? */
static bool has_name(int fd, const char *path)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
	       here.st_ino == there.st_ino;
}

static int held(int fd, const char *path, struct why *why)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[MAX(n, 0)] = '\0';
	text[strspn(text, "0123456789")] = '\0';
	return why_set(why, ERR_DENIED, "pid file %s: held by another server that runs (pid %s)", path,
		       *text ? text : "unknown");
}

/* A locked file of ours with that name, or an error. */
static int lock(const char *path, int *out, struct why *why)
{
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644), err = OK;
		struct stat st;

		if (fd < 0)
			return say(why, path);
		if (fstat(fd, &st))
			err = say(why, path);
		else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink > 1)
			err = why_set(why, ERR_DENIED, "pid file %s: not an ordinary file of this user", path);
		else if (flock(fd, LOCK_EX | LOCK_NB))
			err = errno == EWOULDBLOCK ? held(fd, path, why) : say(why, path);
		else if (has_name(fd, path)) {
			*out = fd;
			return OK;
		}
		close(fd);
		if (err)
			return err;
	}
	return why_set(why, ERR_IO, "pid file %s: others remove it again and again", path);
}

int pidfile_write(struct pidfile *out, const char *path, struct why *why)
{
	struct pidfile p = { .fd = -1, .pid = getpid(), .path = strdup(path) };
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", p.pid), err;

	if (!p.path)
		return why_set(why, ERR_NOMEM, "pid file %s: out of memory", path);
	err = lock(path, &p.fd, why);
	if (err) {
		free(p.path);
		return err;
	}
	if (fchmod(p.fd, 0644) || ftruncate(p.fd, 0) || pwrite(p.fd, text, (size_t)n, 0) != n) {
		err = say(why, path);
		pidfile_remove(&p);
		return err;
	}
	*out = p;
	return OK;
}

void pidfile_remove(struct pidfile *p)
{
	if (p->fd < 0)
		return;
	if (p->pid == getpid()) { /* elsewhere the descriptor is closed, and its number perhaps another one's */
		if (has_name(p->fd, p->path))
			(void)unlink(p->path);
		close(p->fd);
	}
	free(p->path);
	*p = (struct pidfile){ .fd = -1 };
}
