/* The folder is opened with O_PATH: to look at what is in it needs no right to read it, nor one of Landlock. */
#include "io/sockpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/sock.h"

enum { PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) + 1 /* the kernel's may lack its NUL */ };

/* The part before the last slash: "." without one, "/" when that is the first byte. */
static void folder_of(const char *path, const char *slash, char out[PATH_BYTES])
{
	if (slash)
		snprintf(out, PATH_BYTES, "%.*s", (int)MAX(slash - path, 1), path);
	else
		snprintf(out, PATH_BYTES, ".");
}

int sockpath_open(struct sockpath *out, const char *path, struct why *why)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_BYTES];
	int fd;

	if (slash && !slash[1])
		return why_set(why, ERR_SYNTAX, "it ends with a slash");
	folder_of(path, slash, folder);
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return why_set(why, ERR_IO, "%s", strerror(errno));
	*out = (struct sockpath){ .folder = fd, .path = path, .name = slash ? slash + 1 : path };
	return OK;
}

void sockpath_close(struct sockpath *p)
{
	if (p->folder >= 0)
		(void)close(p->folder);
}

int sockpath_judge(const struct sockpath *p, struct why *why)
{
	struct stat st;

	if (fstat(p->folder, &st))
		return why_set(why, ERR_IO, "%s", strerror(errno));
	if (st.st_mode & S_IWOTH && !(st.st_mode & S_ISVTX))
		return why_set(why, ERR_DENIED,
			       "everybody may write to its folder and put another socket there (chmod o-w, or +t)");
	return OK;
}

bool sockpath_stat(const struct sockpath *p, struct stat *st)
{
	return fstatat(p->folder, p->name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

int sockpath_clear(const struct sockpath *p, struct why *why)
{
	struct stat st;

	if (!sockpath_stat(p, &st))
		return OK;
	if (!S_ISSOCK(st.st_mode))
		return why_set(why, ERR_DENIED, "it exists and is not a socket");
	if (st.st_uid != geteuid())
		return why_set(why, ERR_DENIED, "the socket there belongs to uid %u", st.st_uid);
	if (unlinkat(p->folder, p->name, 0))
		return why_set(why, ERR_IO, "the old socket cannot be removed: %s", strerror(errno));
	return OK;
}

bool sockpath_holds(const struct sockpath *p)
{
	struct stat named, there;

	return sockpath_stat(p, &named) && lstat(p->path, &there) == 0 && named.st_dev == there.st_dev &&
	       named.st_ino == there.st_ino;
}

/* ---- The file of a listener (sock.h) ---- */

/* The path that a unix listener was bound to; empty where it has none. */
static void bound_path(int listener, char path[PATH_BYTES])
{
	struct addr a;

	sock_name(listener, &a);
	snprintf(path, PATH_BYTES, "%s",
		 a.len && a.sa.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&a.sa)->sun_path : "");
}

void sock_file_of(int listener, struct sock_file *out)
{
	char path[PATH_BYTES];
	struct stat st;

	*out = (struct sock_file){ 0 };
	bound_path(listener, path);
	if (*path && lstat(path, &st) == 0)
		*out = (struct sock_file){ st.st_dev, st.st_ino };
}

/* While the listener is open its file's number is given to no other file, so the comparison is safe. */
void sock_file_remove(int listener, const struct sock_file *file)
{
	char path[PATH_BYTES];
	struct sockpath place;
	struct stat st;

	bound_path(listener, path);
	if (!file->ino || !*path)
		return;
	if (sockpath_open(&place, path, NULL)) /* no descriptor is left: by the whole path */
		place = (struct sockpath){ .folder = AT_FDCWD, .name = path };
	if (sockpath_stat(&place, &st) && S_ISSOCK(st.st_mode) && st.st_ino == file->ino && st.st_dev == file->dev)
		(void)unlinkat(place.folder, place.name, 0);
	sockpath_close(&place);
}
