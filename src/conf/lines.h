/* Reads a text file line by line with a ceiling on the length of one. Not for files that are parsed as a whole. */
#ifndef ADIT_CONF_LINES_H
#define ADIT_CONF_LINES_H

#include <stdio.h>

#include "base/buf.h"

enum { LINE_MAX_BYTES = 64 * 1024 };

struct lines {
	FILE *f;
	char *text;	      /* the line without LF, NUL-terminated; the caller may write into it until the next one */
	size_t n;	      /* its bytes; more than strlen(text) when there is a NUL inside */
	unsigned long number; /* counts from 1, over-long lines included */
	unsigned long too_long; /* number of the last line that was skipped for its length; 0 = none */
};

/* Opens a file. OK; ERR_IO with the reason in errno; ERR_NOMEM. After an error there is nothing to close. */
int lines_open(struct lines *l, const char *path) MUST_CHECK;
/* Reads from memory instead, which must stay as it is until lines_close(). */
int lines_open_memory(struct lines *l, const void *p, size_t n) MUST_CHECK;
/* The next line: 1; 0 at the end; ERR_IO (errno set) when the system refuses to read on. A line of more than
 * LINE_MAX_BYTES is skipped whole. A last line without LF counts. */
int lines_next(struct lines *l) MUST_CHECK;
/* Appends what follows the last line, as it is. OK; ERR_LIMIT when it does not fit below out->max; ERR_IO (errno set);
 * ERR_NOMEM. */
int lines_rest(struct lines *l, struct buf *out) MUST_CHECK;
void lines_close(struct lines *l);

#endif
