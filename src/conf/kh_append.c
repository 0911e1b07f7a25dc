/* Adds a line to a known_hosts file. It is appended with one write and taken back if that fails, rather than replacing
 * the file: other programs append to it at the same time, and a link or an owner stays what it was. */
#include "conf/known_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/kh_line.h"
#include "crypto/b64.h"

enum { ENTRY_MAX = 2 * PKEY_BLOB_MAX };

/* A name that could stand for other names, for another field or for another line must not get into the file. Brackets
 * are for an alias only: in a host name they would fake a port. */
static bool name_fits(const char *name, bool alias)
{
	static const char pattern_or_list[] = "*?!,";

	if (strchr("|@#", name[0]))
		return false;
	for (; *name; name++) {
		if ((unsigned char)*name <= ' ' || *name == 0x7f || strchr(pattern_or_list, *name))
			return false;
		if (!alias && strchr("[]", *name))
			return false;
	}
	return true;
}

static int put_name(struct buf *out, const struct kh_host *h, enum kh_form form, const uint8_t salt[KH_SALT],
		    const struct crypto *c, struct why *why)
{
	char name[KH_NAME_MAX], shown[128];
	const char *given = h->alias ? h->alias : h->host;

	if (kh_name(name, h) || !name_fits(given, h->alias))
		return why_set(why, ERR_SYNTAX, "the host name \"%s\" cannot be entered into a known_hosts file",
			       str_escape(shown, sizeof(shown), span_str(given)));
	if (form == KH_HASHED)
		return kh_hash_name(out, name, salt, c);
	buf_bytes(out, span_str(name));
	return buf_err(out);
}

static int put_key(struct buf *out, struct span blob, struct why *why)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	int err = kh_plain(blob, &plain);
	const char *type = kh_key_type(pkey_type(buf_span(&plain)));

	if (err != ERR_NOMEM && !type)
		err = why_set(
			why, ERR_SYNTAX,
			"a host key that is malformed or of an unknown type cannot be entered into a known_hosts file");
	if (!err) {
		buf_u8(out, ' ');
		buf_bytes(out, span_str(type));
		buf_u8(out, ' ');
		b64_encode(out, buf_span(&plain));
		buf_u8(out, '\n');
		err = buf_err(out);
	}
	buf_fini(&plain);
	return err;
}

/* The directory of the file, when it is the only thing missing. */
static void make_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash && slash > path ? str_from_span(span(path, (size_t)(slash - path))) : NULL;

	if (dir)
		(void)!mkdir(dir, 0700);
	free(dir);
}

/* O_NONBLOCK: a FIFO without a reader must not hold the program up; it is refused afterwards. */
static int open_file(const char *path)
{
	enum { FLAGS = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };
	int fd = open(path, FLAGS, 0600);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	make_directory(path);
	return open(path, FLAGS, 0600);
}

/* Does the file end in the middle of a line? 1, 0, or -1 with errno. */
static int lacks_newline(int fd, const struct stat *st)
{
	char last = 0;

	if (!S_ISREG(st->st_mode) || st->st_size == 0)
		return 0;
	if (pread(fd, &last, 1, st->st_size - 1) < 0)
		return -1;
	return last != '\n';
}

/* All of it: 0; else -1 with errno, and *done says how much got out. */
static int write_all(int fd, struct span s, size_t *done)
{
	for (*done = 0; *done < s.n;) {
		ssize_t n = write(fd, s.p + *done, s.n - *done);

		if (n > 0)
			*done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return -1;
	}
	return 0;
}

/* Takes the last n bytes back, unless somebody else has appended behind them. Keeps errno. */
static void take_back(int fd, size_t n)
{
	int saved = errno;
	off_t end = lseek(fd, 0, SEEK_CUR); /* behind what we wrote last */
	struct stat st;

	if (n && end >= (off_t)n && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == end)
		(void)!ftruncate(fd, end - (off_t)n);
	errno = saved;
}

/* `text` begins with an LF, which is left out when the file does not need it. 0, or -1 with errno. */
static int append(int fd, struct span text)
{
	struct stat st;
	size_t done = 0;
	int lacks;

	if (fstat(fd, &st))
		return -1;
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	lacks = lacks_newline(fd, &st);
	if (lacks < 0)
		return -1;
	if (!lacks)
		text = span(text.p + 1, text.n - 1);
	/* A disk can also turn out to be full, or broken, when the bytes reach it. */
	if (write_all(fd, text, &done) == 0 && (!S_ISREG(st.st_mode) || fsync(fd) == 0))
		return 0;
	take_back(fd, done);
	return -1;
}

static int append_file(const char *path, struct span text, struct why *why)
{
	int fd = open_file(path);
	int failed = fd < 0 || append(fd, text);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	if (!failed)
		return OK;
	return why_set(why, ERR_IO, "the host key could not be added to %s: %s; the file is as it was", path,
		       strerror(saved));
}

int kh_append(const char *path, const struct kh_host *h, struct span blob, enum kh_form form,
	      const uint8_t salt[KH_SALT], const struct crypto *c, struct why *why)
{
	struct buf line = BUF(ENTRY_MAX);
	int err;

	buf_u8(&line, '\n');
	err = put_name(&line, h, form, salt, c, why);
	if (!err)
		err = put_key(&line, blob, why);
	if (!err)
		err = append_file(path, buf_span(&line), why);
	if (err == ERR_NOMEM || err == ERR_CRYPTO)
		why_set(why, err, "the host key could not be added to %s: %s", path, err_name(err));
	buf_fini(&line);
	return err;
}
