/* Reads a file that decides who may log in: nobody else may have been able to write it. Not for configuration that the
 * program was started with, nor for secrets. */
#ifndef ADIT_CONF_SAFEFILE_H
#define ADIT_CONF_SAFEFILE_H

#include <sys/types.h>

#include "base/buf.h"

enum { SAFEFILE_MAX = 1024 * 1024 };

/* Whose file it is. */
struct safefile_owner {
	uid_t uid;	  /* this user or root must own it */
	const char *home; /* the directory up to which directories are looked at; NULL or one that is not above the
			   * file: up to the root */
	bool strict;	  /* StrictModes. Without it only the kind and the size of the file count */
};

/* Appends the content of the file, SAFEFILE_MAX bytes at most. The last part of the path may not be a symbolic link.
 * The process must have put on the user's rights before. OK or, with a sentence that names the path and what to do
 * (`why` may be NULL): ERR_NOT_FOUND; ERR_DENIED: no regular file, or (strict) one that others than its owner and root
 * could have written, it or a directory above it; ERR_LIMIT: larger; ERR_IO; ERR_NOMEM. `text` is as before then. */
int safefile_read(const char *path, const struct safefile_owner *owner, struct buf *text, struct why *why) MUST_CHECK;

#endif
