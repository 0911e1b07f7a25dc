/* The system's log: priorities, headers (RFC 3164 section 4.1), one datagram for each line. */
#include "io/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const char syslog_path[] = "/dev/log";

/* RFC 3164 section 4.1.1, numbers of facilities; the names are those of sshd_config(5). */
static const struct {
	const char *name;
	int number;
} facilities[] = {
	{ "USER", 1 },	  { "DAEMON", 3 },  { "AUTH", 4 },    { "AUTHPRIV", 10 }, { "LOCAL0", 16 }, { "LOCAL1", 17 },
	{ "LOCAL2", 18 }, { "LOCAL3", 19 }, { "LOCAL4", 20 }, { "LOCAL5", 21 },	  { "LOCAL6", 22 }, { "LOCAL7", 23 },
};

/* Severities of the same section. VERBOSE is below INFO for us, and INFO for everybody else. */
static const uint8_t severities[] = {
	[LOG_AT_QUIET] = 6,   [LOG_AT_FATAL] = 2,  [LOG_AT_ERROR] = 3,	[LOG_AT_INFO] = 6,
	[LOG_AT_VERBOSE] = 6, [LOG_AT_DEBUG1] = 7, [LOG_AT_DEBUG2] = 7, [LOG_AT_DEBUG3] = 7,
};

int syslog_facility(const char *name, int *out)
{
	for (size_t i = 0; i < LEN(facilities); i++) {
		if (strcasecmp(facilities[i].name, name) == 0) {
			*out = facilities[i].number * 8;
			return OK;
		}
	}
	return ERR_SYNTAX;
}

static int dial(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int syslog_open(struct syslog *out, const char *path, const char *name, int facility, struct why *why)
{
	int fd = dial(path);

	if (fd < 0)
		return why_set(why, ERR_IO, "cannot reach the system's log at %s: %s", path, strerror(errno));
	*out = (struct syslog){ .fd = fd, .facility = facility, .retry = SYSLOG_RETRY, .path = path };
	syslog_name(out, name);
	tzset();
	return OK;
}

void syslog_adopt(struct syslog *out, int fd, const char *name, int facility)
{
	*out = (struct syslog){ .fd = fd, .facility = facility, .retry = SYSLOG_NO_RETRY };
	syslog_name(out, name);
}

void syslog_close(struct syslog *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void syslog_name(struct syslog *s, const char *name)
{
	snprintf(s->tag, sizeof(s->tag), "%.16s[%ld]", name, (long)getpid());
}

/* RFC 3164 section 4.1.2: local time with English months, whatever the locale says. */
static int put_header(char *out, size_t cap, const struct syslog *s, enum log_at at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int priority = s->facility + (at < LEN(severities) ? severities[at] : severities[LOG_AT_INFO]);
	time_t now = time(NULL);
	struct tm tm = { 0 };

	localtime_r(&now, &tm);
	return snprintf(out, cap, "<%d>%.3s %2d %02d:%02d:%02d %s: ", priority, months + 3 * (tm.tm_mon % 12),
			tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, s->tag);
}

static bool send_once(const struct syslog *s, const char *text, size_t n)
{
	ssize_t put;

	do
		put = send(s->fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put >= 0;
}

static uint64_t now_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A daemon that was started anew has a new socket; ours leads to the old one. Full is no reason to connect again. */
static bool reconnect(struct syslog *s, int reason)
{
	uint64_t now = now_ms();
	int fd;

	if (s->retry == SYSLOG_NO_RETRY || reason == EAGAIN || reason == ENOBUFS || reason == EMSGSIZE ||
	    now < s->retry_ms)
		return false;
	s->retry_ms = now + SYSLOG_RETRY_MS;
	fd = dial(s->path);
	if (fd < 0)
		return false;
	syslog_close(s);
	s->fd = fd;
	return true;
}

bool syslog_line(struct syslog *s, enum log_at at, const char *text, size_t n)
{
	char line[SYSLOG_TAG + 64 + SYSLOG_LINE_MAX];
	int head = put_header(line, sizeof(line) - SYSLOG_LINE_MAX, s, at), saved = errno;
	bool sent;

	n = MIN(n, SYSLOG_LINE_MAX);
	memcpy(line + head, text, n);
	n += (size_t)head;
	sent = send_once(s, line, n) || (reconnect(s, errno) && send_once(s, line, n));
	errno = saved;
	return sent;
}
