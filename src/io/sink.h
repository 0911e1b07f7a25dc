/* Where a server's lines go: the system's log, stderr, a file, or nowhere. A line that the destination does not take at
 * once is lost and counted; nobody ever waits. Not for what lines say. */
#ifndef ADIT_IO_SINK_H
#define ADIT_IO_SINK_H

#include "io/syslog.h"

enum sink_kind {
	SINK_NONE,
	SINK_FILE,   /* never full; a full disk is an error */
	SINK_PIPE,   /* pipes, terminals, devices: asked first whether they have room */
	SINK_STREAM, /* a stream socket, as a service manager puts behind stderr */
	SINK_SYSLOG
};

/* The longest text: what a pipe takes as a whole or not at all (PIPE_BUF). */
enum { SINK_LINE_MAX = 4096 };

/* Zero is a valid sink that takes nothing. */
struct sink {
	enum sink_kind kind;
	int fd;
	bool torn;	      /* the last line was written in part: the next begins a line of its own */
	uint64_t lost;	      /* since sink_take_lost() */
	struct syslog syslog; /* with SINK_SYSLOG; its descriptor is not in fd */
};

/* "syslog", "stderr", "none", or a path: a file is appended to, and made with mode 0600. `name` and `facility` are for
 * the system's log. OK, or ERR_IO with *out untouched. */
int sink_open(struct sink *out, const char *where, const char *name, int facility, struct why *why) MUST_CHECK;
/* A sink of a descriptor from another process's sink_fd(), which belongs to *out from here on. OK; or ERR_IO, and the
 * descriptor is still the caller's. */
int sink_adopt(struct sink *out, int fd, const char *name, int facility, struct why *why) MUST_CHECK;
/* For a child that makes a sink of it by sink_adopt(); -1 with SINK_NONE. */
int sink_fd(const struct sink *s);
/* Another descriptor of a file, to be handed to another process; -1 for what is no file, or when none is left. */
int sink_dup(const struct sink *s);
/* For a process that may not connect any more: the system's log is never tried again. */
void sink_seal(struct sink *s);
/* Leaves an empty sink. */
void sink_close(struct sink *s);

/* `text` ends without a newline; n <= SINK_LINE_MAX - 1, the rest is cut. One system call writes it. False when it was
 * lost, which is counted. */
bool sink_line(struct sink *s, enum log_at at, const char *text, size_t n);
/* How many lines were lost since the last call. Whoever asks says so in a line of its own. */
uint64_t sink_take_lost(struct sink *s);

#endif
