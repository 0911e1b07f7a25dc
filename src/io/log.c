/* Log lines: format, make harmless, write at once. */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const prefixes[] = {
	[LOG_AT_DEBUG1] = "debug1: ",
	[LOG_AT_DEBUG2] = "debug2: ",
	[LOG_AT_DEBUG3] = "debug3: ",
};

int log_open(struct log *out, const char *path, enum log_at level, struct why *why)
{
	struct log l = { .fd = STDERR_FILENO, .level = level };

	if (path) {
		l.fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
		if (l.fd < 0)
			return why_set(why, ERR_IO, "cannot open the log file %s: %s", path, strerror(errno));
	}
	*out = l;
	return OK;
}

void log_close(struct log *l)
{
	if (l->fd > STDERR_FILENO)
		close(l->fd);
	l->fd = STDERR_FILENO;
}

static void make_harmless(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void log_line(const struct log *l, enum log_at at, const char *fmt, ...)
{
	const char *prefix = at < LEN(prefixes) && prefixes[at] ? prefixes[at] : "";
	char line[LOG_LINE_MAX];
	size_t n = strlen(prefix), room = sizeof(line) - n - 1;
	int saved = errno;
	ssize_t put;
	va_list ap;

	if (!log_wants(l, at))
		return;
	memcpy(line, prefix, n);
	va_start(ap, fmt);
	vsnprintf(line + n, room, fmt, ap);
	va_end(ap);
	make_harmless(line);
	n = strlen(line);
	line[n++] = '\n';
	do
		put = write(l->fd, line, n);
	while (put < 0 && errno == EINTR);
	errno = saved;
}
