/* Key files opened, checked and read whole; what is in them is keyfile_parse.c's. */
#include "conf/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum access { PUBLIC, PRIVATE };

/* OpenSSH's words, which people know and search for. */
static int too_open(const char *path, mode_t mode, struct why *why)
{
	return why_set(why, ERR_DENIED,
		       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
		       "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\n"
		       "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
		       "Permissions 0%3.3o for '%.200s' are too open.\n"
		       "It is required that your private key files are NOT accessible by others.\n"
		       "This private key will be ignored.",
		       (unsigned)mode & 0777, path);
}

/* Judged on the open descriptor, so that nobody can swap the file in between. A file of somebody else's is that
 * person's business: if root shares a key with a group, that is meant. */
static int check(int fd, const char *path, enum access access, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return why_set(why, ERR_IO, "%s: not a regular file", path);
	if (access == PRIVATE && st.st_uid == getuid() && st.st_mode & 077)
		return too_open(path, st.st_mode, why);
	if (st.st_size > KEYFILE_MAX)
		return why_set(why, ERR_LIMIT, "%s: larger than any key file", path);
	return OK;
}

/* To the end of the file, which may grow meanwhile: the buffer's ceiling stops that. */
static int read_all(int fd, const char *path, struct buf *text, struct why *why)
{
	uint8_t chunk[4096];
	ssize_t n;

	do {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_bytes(text, span(chunk, (size_t)n));
	} while (!buf_err(text) && (n > 0 || (n < 0 && errno == EINTR)));
	wipe(chunk, sizeof(chunk));
	if (n < 0)
		return why_set(why, ERR_IO, "%s: %s", path, strerror(errno));
	return buf_err(text) ? why_set(why, ERR_NOMEM, "%s: out of memory", path) : OK;
}

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
static int read_file(const char *path, enum access access, struct buf *text, struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;

	if (fd < 0)
		return why_set(why, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path,
			       strerror(errno));
	err = check(fd, path, access, why);
	if (!err)
		err = read_all(fd, path, text, why);
	close(fd);
	return err;
}

int keyfile_load(const char *path, const struct crypto *c, const char *pass, struct pkey **key, struct buf *comment,
		 struct why *why)
{
	struct buf text = BUF(KEYFILE_MAX);
	int err = read_file(path, PRIVATE, &text, why);

	if (!err) {
		err = keyfile_parse(buf_span(&text), c, pass, key, comment, why);
		if (err)
			why_prefix(why, err, "%s", path);
	}
	buf_fini(&text);
	return err;
}

int keyfile_load_public(const char *path, struct buf *blob, struct buf *comment, struct why *why)
{
	struct buf text = BUF(KEYFILE_MAX);
	int err = read_file(path, PUBLIC, &text, why);

	if (!err) {
		err = keyfile_parse_public(buf_span(&text), blob, comment, why);
		if (err)
			why_prefix(why, err, "%s", path);
	}
	buf_fini(&text);
	return err;
}

static int load_envelope(const char *path, struct buf *blob, struct why *why)
{
	struct buf text = BUF(KEYFILE_MAX);
	int err = read_file(path, PUBLIC, &text, why);

	if (!err) {
		err = keyfile_parse_envelope(buf_span(&text), blob, why);
		if (err)
			why_prefix(why, err, "%s", path);
	}
	buf_fini(&text);
	return err;
}

int keyfile_public_of(const char *path, struct buf *blob, struct buf *comment, struct why *why)
{
	struct buf name = BUF(8192);
	int err;

	buf_bytes(&name, span_str(path));
	buf_bytes(&name, span(".pub", 5));
	err = buf_err(&name) ? ERR_NOMEM : keyfile_load_public((const char *)name.p, blob, comment, NULL);
	buf_fini(&name);
	return err ? load_envelope(path, blob, why) : OK;
}
