/* Log lines: format, make harmless, write at once. */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/sink.h"

static const char *const level_words[] = {
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

void log_to_sink(struct log *out, struct sink *sink, const char *name, enum log_at level)
{
	*out = (struct log){ .fd = STDERR_FILENO, .level = level, .sink = sink };
	/* The system's log has both in its own header. */
	if (sink->kind == SINK_SYSLOG)
		syslog_name(&sink->syslog, name);
	else
		snprintf(out->prefix, sizeof(out->prefix), "%.16s[%ld]: ", name, (long)getpid());
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

static void put_fd(int fd, char *line, size_t n)
{
	ssize_t put;

	line[n++] = '\n';
	do
		put = write(fd, line, n);
	while (put < 0 && errno == EINTR);
}

/* How many lines the sink lost; stays owed until a line takes the number along. */
static void put_lost(const struct log *l, enum log_at at)
{
	uint64_t lost = sink_take_lost(l->sink);
	char note[LOG_PREFIX + 64];

	if (!lost)
		return;
	snprintf(note, sizeof(note), "%ssuppressed %" PRIu64 " lines that the log did not take", l->prefix, lost);
	if (!sink_line(l->sink, at, note, strlen(note)))
		l->sink->lost = lost;
}

static void put_sink(const struct log *l, enum log_at at, const char *line, size_t n)
{
	put_lost(l, at);
	sink_line(l->sink, at, line, n);
}

void log_line(const struct log *l, enum log_at at, const char *fmt, ...)
{
	const char *level = at < LEN(level_words) && level_words[at] ? level_words[at] : "";
	char line[LOG_LINE_MAX];
	size_t room = sizeof(line) - 1, n;
	int saved = errno;
	va_list ap;

	if (!log_wants(l, at))
		return;
	n = (size_t)snprintf(line, room, "%s%s", l->prefix, level);
	va_start(ap, fmt);
	vsnprintf(line + n, room - n, fmt, ap);
	va_end(ap);
	make_harmless(line);
	n = strlen(line);
	if (l->sink)
		put_sink(l, at, line, n);
	else
		put_fd(l->fd, line, n);
	errno = saved;
}
