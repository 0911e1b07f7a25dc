/* Lines for a person, by ssh's levels: on stderr or in a file, or where a server's lines go. Not for structured
 * records. */
#ifndef ADIT_IO_LOG_H
#define ADIT_IO_LOG_H

#include "base/err.h"

/* The order of LogLevel in ssh_config(5). */
enum log_at {
	LOG_AT_QUIET,
	LOG_AT_FATAL,
	LOG_AT_ERROR,
	LOG_AT_INFO,
	LOG_AT_VERBOSE,
	LOG_AT_DEBUG1,
	LOG_AT_DEBUG2,
	LOG_AT_DEBUG3
};

enum {
	LOG_LINE_MAX = 1024, /* bytes of a line with its newline; what is longer is cut */
	LOG_PREFIX = 40	     /* bytes of "aditd[4194304]: " with the NUL */
};

struct sink;

struct log {
	int fd;
	enum log_at level; /* lines up to this one are written */
	struct sink *sink; /* instead of fd, unless it is NULL */
	char prefix[LOG_PREFIX];
};

/* To stderr (path NULL) or at the end of a file, which is made with mode 0600. OK or ERR_IO. */
int log_open(struct log *out, const char *path, enum log_at level, struct why *why) MUST_CHECK;
/* Lines go to `sink`, which the log borrows, and begin with name and process id. Called again in a child. Lines that
 * the sink lost are counted, and the next that it takes is preceded by their number. */
void log_to_sink(struct log *out, struct sink *sink, const char *name, enum log_at level);
/* Never closes stderr or a sink. */
void log_close(struct log *l);

static inline bool log_wants(const struct log *l, enum log_at at)
{
	return at != LOG_AT_QUIET && at <= l->level;
}

/* One line with one write(); debug levels name themselves in front. Control characters become '?': what a stranger
 * wrote has to be escaped by the caller, and nothing that slips through can forge a line. When the descriptor cannot
 * take it, the line is lost. */
void log_line(const struct log *l, enum log_at at, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
