/* Lines for the system's log: RFC 3164's datagrams to /dev/log. Not syslog(3), which opens files and waits: here the
 * socket is connected before a sandbox closes the file system, and a full one loses the line instead of stopping the
 * caller. */
#ifndef ADIT_IO_SYSLOG_H
#define ADIT_IO_SYSLOG_H

#include "base/err.h"
#include "io/log.h"

enum {
	SYSLOG_TAG = 32,	/* bytes of "aditd[4194304]" with the NUL; a longer name is cut */
	SYSLOG_LINE_MAX = 4096, /* bytes of a text; what is longer is cut */
	SYSLOG_RETRY_MS = 1000	/* between two attempts to reach a daemon that went away */
};

extern const char syslog_path[]; /* /dev/log */

/* Whether a lost connection may be tried again. In a process that may not call connect() any more it may not. */
enum syslog_retry { SYSLOG_RETRY, SYSLOG_NO_RETRY };

struct syslog {
	int fd;
	int facility; /* times eight, as it stands in a priority */
	enum syslog_retry retry;
	uint64_t retry_ms; /* not before */
	const char *path;
	char tag[SYSLOG_TAG];
};

/* SyslogFacility: USER, DAEMON, AUTH, AUTHPRIV, LOCAL0 to LOCAL7, in any case. OK or ERR_SYNTAX; *out is untouched
 * then. */
int syslog_facility(const char *name, int *out) MUST_CHECK;

/* Connects to the daemon behind `path` (kept, not copied). Reads the time zone too, while that is possible. OK, or
 * ERR_IO when nobody listens there; *out is not to be closed then. */
int syslog_open(struct syslog *out, const char *path, const char *name, int facility, struct why *why) MUST_CHECK;
/* The same with a socket that another process has connected and handed over. It belongs to *out from here on, which
 * never connects again. */
void syslog_adopt(struct syslog *out, int fd, const char *name, int facility);
void syslog_close(struct syslog *s);

/* Name and process id at the front of lines. Called again in a child. */
void syslog_name(struct syslog *s, const char *name);

/* One datagram; never waits. `text` has no newline. False when it is lost: nobody listens, or the socket is full. */
bool syslog_line(struct syslog *s, enum log_at at, const char *text, size_t n) MUST_CHECK;

#endif
