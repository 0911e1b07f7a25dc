/* Destinations of lines. How each is written without waiting is the point of this file: the kernel has a different way
 * for every kind of descriptor. */
#include "io/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: a FIFO without a reader must not stop the start. It changes nothing for a file. */
enum { APPEND = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK };

static bool is_datagram(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_DGRAM;
}

static enum sink_kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return SINK_NONE;
	if (S_ISSOCK(st.st_mode))
		return is_datagram(fd) ? SINK_SYSLOG : SINK_STREAM;
	return S_ISREG(st.st_mode) ? SINK_FILE : SINK_PIPE;
}

/* A pipe or terminal is opened once more where possible: that gives us a descriptor that does not wait, without
 * changing the one that others share. A file is not: its position is shared. */
static int stderr_again(void)
{
	int fd = -1;

	if (kind_of(STDERR_FILENO) == SINK_PIPE)
		fd = open("/proc/self/fd/2", APPEND);
	return fd >= 0 ? fd : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

static int open_descriptor(struct sink *out, const char *where, struct why *why)
{
	bool is_stderr = strcmp(where, "stderr") == 0;
	int fd = is_stderr ? stderr_again() : open(where, APPEND | O_CREAT, 0600);

	if (fd < 0)
		return why_set(why, ERR_IO, "cannot open the log %s: %s", where, strerror(errno));
	*out = (struct sink){ .kind = kind_of(fd), .fd = fd };
	return OK;
}

int sink_open(struct sink *out, const char *where, const char *name, int facility, struct why *why)
{
	struct syslog log;
	int err;

	if (strcmp(where, "none") == 0) {
		*out = (struct sink){ .kind = SINK_NONE };
		return OK;
	}
	if (strcmp(where, "syslog") != 0)
		return open_descriptor(out, where, why);
	err = syslog_open(&log, syslog_path, name, facility, why);
	if (!err)
		*out = (struct sink){ .kind = SINK_SYSLOG, .syslog = log };
	return err;
}

int sink_adopt(struct sink *out, int fd, const char *name, int facility, struct why *why)
{
	enum sink_kind kind = kind_of(fd);

	if (kind == SINK_NONE)
		return why_set(why, ERR_IO, "descriptor %d is no log: %s", fd, strerror(errno));
	*out = (struct sink){ .kind = kind, .fd = fd };
	if (kind == SINK_SYSLOG)
		syslog_adopt(&out->syslog, fd, name, facility);
	return OK;
}

int sink_fd(const struct sink *s)
{
	if (s->kind == SINK_NONE)
		return -1;
	return s->kind == SINK_SYSLOG ? s->syslog.fd : s->fd;
}

int sink_dup(const struct sink *s)
{
	return s->kind == SINK_FILE ? fcntl(s->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
}

void sink_seal(struct sink *s)
{
	s->syslog.retry = SYSLOG_NO_RETRY;
}

void sink_close(struct sink *s)
{
	if (s->kind == SINK_SYSLOG)
		syslog_close(&s->syslog);
	else if (s->kind != SINK_NONE)
		close(s->fd);
	*s = (struct sink){ .kind = SINK_NONE };
}

static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

static ssize_t put(const struct sink *s, const char *p, size_t n)
{
	ssize_t done;

	do {
		if (s->kind == SINK_STREAM)
			done = send(s->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (s->kind == SINK_FILE || has_room(s->fd))
			done = write(s->fd, p, n);
		else
			return -1;
	} while (done < 0 && errno == EINTR);
	return done;
}

/* Half a line may be left behind by a full disk. Nothing may be glued to it: the next one starts with a newline. */
static bool put_line(struct sink *s, const char *text, size_t n)
{
	char line[1 + SINK_LINE_MAX];
	size_t from = s->torn ? 0 : 1;
	ssize_t done;

	n = MIN(n, SINK_LINE_MAX - 1);
	line[0] = '\n';
	memcpy(line + 1, text, n);
	line[1 + n] = '\n';
	n += 2 - from;
	done = put(s, line + from, n);
	if (done > 0)
		s->torn = (size_t)done < n;
	return done >= 0 && (size_t)done == n;
}

bool sink_line(struct sink *s, enum log_at at, const char *text, size_t n)
{
	int saved = errno;
	bool done;

	if (s->kind == SINK_NONE)
		return true;
	done = s->kind == SINK_SYSLOG ? syslog_line(&s->syslog, at, text, n) : put_line(s, text, n);
	if (!done)
		s->lost++;
	errno = saved;
	return done;
}

uint64_t sink_take_lost(struct sink *s)
{
	uint64_t lost = s->lost;

	s->lost = 0;
	return lost;
}
