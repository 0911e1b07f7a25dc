/* OpenSSH's StrictModes: the file and every directory up to the home directory belong to the user or to root, and
 * nobody else may write there. The file is judged on its open descriptor. */
#include "conf/safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* What the sentences need. */
struct job {
	const struct safefile_owner *owner;
	char show[300]; /* the path, escaped */
	struct why *why;
};

static int system_error(const struct job *j, const char *path)
{
	char show[300];
	int no = errno;

	str_escape(show, sizeof(show), span_str(path));
	return why_set(j->why, no == ENOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", show, strerror(no));
}

/* ---- Owner and mode ------------------------------------------------------------------------------------------- */

static int check_owner(const struct job *j, const char *path, const struct stat *st)
{
	char show[300];

	str_escape(show, sizeof(show), span_str(path));
	if (st->st_uid != 0 && st->st_uid != j->owner->uid)
		return why_set(j->why, ERR_DENIED,
			       "%s is not used: %s belongs to uid %lu, not to uid %lu or root (chown it; StrictModes)",
			       j->show, show, (unsigned long)st->st_uid, (unsigned long)j->owner->uid);
	if (st->st_mode & 022)
		return why_set(j->why, ERR_DENIED, "%s is not used: others can write %s (chmod go-w %s; StrictModes)",
			       j->show, show, show);
	return OK;
}

/* Cuts the last part off an absolute path; false when it was the root. */
static bool to_parent(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || (slash == path && !path[1]))
		return false;
	slash[slash == path] = 0;
	return true;
}

/* From the file's directory up to the home directory, or to the root. */
static int walk_up(const struct job *j, char *path, const char *home)
{
	while (to_parent(path)) {
		struct stat st;
		int err = stat(path, &st) ? system_error(j, path) : check_owner(j, path, &st);

		if (err)
			return err;
		if (home && strcmp(path, home) == 0)
			break;
	}
	return OK;
}

/* Without symbolic links, so that the directories are those where the file really is. */
static int check_directories(const struct job *j, const char *path)
{
	char *real = realpath(path, NULL);
	char *home = j->owner->home ? realpath(j->owner->home, NULL) : NULL;
	int err = real ? walk_up(j, real, home) : system_error(j, path);

	free(real);
	free(home);
	return err;
}

/* ---- The file ------------------------------------------------------------------------------------------------- */

static int check(const struct job *j, int fd, const char *path)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return system_error(j, path);
	if (!S_ISREG(st.st_mode))
		return why_set(j->why, ERR_DENIED, "%s is not used: it is not a regular file", j->show);
	if (!j->owner->strict)
		return OK;
	err = check_owner(j, path, &st);
	return err ? err : check_directories(j, path);
}

/* To the end, which may move meanwhile. */
static int read_all(const struct job *j, int fd, const char *path, struct buf *text)
{
	uint8_t chunk[8192];
	size_t start = text->n;
	ssize_t n;

	do {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0 && text->n - start + (size_t)n > SAFEFILE_MAX)
			return why_set(j->why, ERR_LIMIT, "%s is not used: it is larger than %d bytes", j->show,
				       SAFEFILE_MAX);
		if (n > 0)
			buf_bytes(text, span(chunk, (size_t)n));
	} while (!buf_err(text) && (n > 0 || (n < 0 && errno == EINTR)));
	if (buf_err(text))
		return why_set(j->why, ERR_NOMEM, "%s: out of memory", j->show);
	return n < 0 ? system_error(j, path) : OK;
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer. O_NOFOLLOW: a user must not lend root's files a name. */
static int open_file(const struct job *j, const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (*fd >= 0)
		return OK;
	if (errno == ENOENT || errno == ENOTDIR)
		return why_set(j->why, ERR_NOT_FOUND, "%s: there is no such file", j->show);
	if (errno == ELOOP || errno == ENXIO)
		return why_set(j->why, ERR_DENIED, "%s is not used: it is %s", j->show,
			       errno == ELOOP ? "a symbolic link (put the file itself there)" : "not a regular file");
	return system_error(j, path);
}

int safefile_read(const char *path, const struct safefile_owner *owner, struct buf *text, struct why *why)
{
	struct job j = { .owner = owner, .why = why };
	size_t before = text->n;
	int fd, err;

	str_escape(j.show, sizeof(j.show), span_str(path));
	err = open_file(&j, path, &fd);
	if (err)
		return err;
	err = check(&j, fd, path);
	if (!err)
		err = read_all(&j, fd, path, text);
	close(fd);
	if (err)
		text->n = before;
	return err;
}
