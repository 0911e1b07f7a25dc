/* A new key as an openssh-key-v1 file without a passphrase (OpenSSH's PROTOCOL.key), and its .pub line. */
#include "conf/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/b64.h"

enum { TEXT_MAX = 64 * 1024, BLOCK = 8, LINE = 70 };

/* check twice, the private fields, the comment, and 1, 2, 3, ... up to a whole block. The check only has to be the same
 * twice: without encryption there is no wrong passphrase to find out. */
static int put_secret(struct buf *out, const struct pkey *key, const char *comment)
{
	int err;

	buf_u64(out, 0);
	err = pkey_put_fields(key, out);
	buf_cstring(out, comment);
	for (uint8_t pad = 1; out->n % BLOCK; pad++)
		buf_u8(out, pad);
	return err ? err : buf_err(out);
}

static int put_envelope(struct buf *out, const struct pkey *key, const char *comment)
{
	struct buf secret = BUF(TEXT_MAX);
	int err = put_secret(&secret, key, comment);

	buf_bytes(out, span("openssh-key-v1", 15)); /* with its NUL */
	buf_cstring(out, "none");
	buf_cstring(out, "none");
	buf_cstring(out, "");
	buf_u32(out, 1);
	buf_string(out, pkey_blob(key));
	buf_string(out, buf_span(&secret));
	buf_fini(&secret);
	return err ? err : buf_err(out);
}

static int put_private(struct buf *out, const struct pkey *key, const char *comment)
{
	struct buf raw = BUF(TEXT_MAX), text = BUF(2 * TEXT_MAX);
	int err = put_envelope(&raw, key, comment);

	b64_encode(&text, buf_span(&raw));
	buf_printf(out, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t at = 0; at < text.n; at += LINE) {
		buf_bytes(out, span(text.p + at, MIN(text.n - at, (size_t)LINE)));
		buf_u8(out, '\n');
	}
	buf_printf(out, "-----END OPENSSH PRIVATE KEY-----\n");
	if (!err)
		err = buf_err(&text) ? buf_err(&text) : buf_err(out);
	buf_fini(&text);
	buf_fini(&raw);
	return err;
}

static int put_public(struct buf *out, const struct pkey *key, const char *comment)
{
	buf_bytes(out, pkey_type(pkey_blob(key)));
	buf_u8(out, ' ');
	b64_encode(out, pkey_blob(key));
	buf_printf(out, " %s\n", comment);
	return buf_err(out);
}

static bool write_all(int fd, struct span text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			text = span(text.p + n, text.n - (size_t)n);
	}
	return fsync(fd) == 0;
}

static int write_new(const char *path, mode_t mode, struct span text, struct why *why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	bool good = fd >= 0 && write_all(fd, text);
	int saved = errno;

	if (fd >= 0)
		close(fd);
	if (good)
		return OK;
	if (fd >= 0)
		unlink(path);
	return why_set(why, ERR_IO, "%s: %s", path, strerror(saved));
}

int keyfile_create(const char *path, const struct pkey *key, const char *comment, struct why *why)
{
	struct buf secret = BUF(4 * TEXT_MAX), line = BUF(TEXT_MAX), name = BUF(8192);
	int err = put_private(&secret, key, comment);

	buf_printf(&name, "%s.pub", path);
	buf_u8(&name, 0);
	if (!err)
		err = put_public(&line, key, comment);
	if (!err)
		err = buf_err(&name);
	if (err)
		why_set(why, err, "%s: %s", path, err_name(err));
	else
		err = write_new(path, 0600, buf_span(&secret), why);
	if (!err && write_new((const char *)name.p, 0644, buf_span(&line), why) != OK) {
		unlink(path);
		err = ERR_IO;
	}
	buf_fini(&secret);
	buf_fini(&line);
	buf_fini(&name);
	return err;
}
