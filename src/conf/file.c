/* Opening is where a FIFO without a writer would hold us; a file that has to be regular is opened without waiting. */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum { SHOW = 200 };

void files_fini(struct files *f)
{
	strs_fini(&f->names);
	f->reads = 0;
}

const char *files_name(struct files *f, const char *name)
{
	for (size_t i = 0; i < f->names.n; i++)
		if (strcmp(f->names.v[i], name) == 0)
			return f->names.v[i];
	return strs_add(&f->names, name) ? NULL : f->names.v[f->names.n - 1];
}

static int trusted(FILE *file, uid_t uid, enum file_trust trust, const char *show, struct why *why)
{
	struct stat st;

	if (trust == TRUST_ANY)
		return OK;
	if (fstat(fileno(file), &st))
		return why_set(why, ERR_IO, "%s: %s", show, strerror(errno));
	if (trust == TRUST_REGULAR && !S_ISREG(st.st_mode))
		return why_set(why, ERR_SYNTAX, "%s is not a regular file", show);
	if ((st.st_uid == 0 || st.st_uid == uid) && !(st.st_mode & 022))
		return OK;
	return why_set(why, ERR_SYNTAX, "Bad owner or permissions on %s", show);
}

static int read_all(FILE *file, struct buf *out, const char *show, struct why *why)
{
	uint8_t piece[FILE_READ_AT_ONCE];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), file)) > 0) {
		if (out->n + n > CONF_FILE_MAX)
			return why_set(why, ERR_SYNTAX, "%s: longer than 16 MiB", show);
		buf_bytes(out, span(piece, n));
	}
	if (ferror(file))
		return why_set(why, ERR_IO, "%s: %s", show, strerror(errno));
	return buf_err(out) ? why_set(why, ERR_NOMEM, "out of memory") : OK;
}

static FILE *open_file(const char *path, enum file_trust trust)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | (trust == TRUST_REGULAR ? O_NONBLOCK : 0));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !file)
		close(fd);
	return file;
}

int files_read(struct files *f, struct buf *out, const char *path, const char *what, enum file_trust trust,
	       struct why *why)
{
	char show[SHOW];

	str_escape(show, sizeof(show), span_str(path));
	if (f->reads++ >= CONF_READS_MAX)
		return why_set(why, ERR_SYNTAX, "%s: too many files included", show);
	FILE *file = open_file(path, trust);
	if (!file)
		return why_set(why, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO,
			       "Can't open %s %s: %s", what, show, strerror(errno));
	int err = trusted(file, f->uid, trust, show, why);
	if (!err)
		err = read_all(file, out, show, why);
	fclose(file);
	return err;
}
