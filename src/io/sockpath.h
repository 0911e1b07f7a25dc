/* Where the file of a unix listener stands: its folder, opened and judged once, and what has the name in it. From then
 * on nobody can lead us to another folder by exchanging a part of the path. Not for binding (listen.c). */
#ifndef ADIT_IO_SOCKPATH_H
#define ADIT_IO_SOCKPATH_H

#include <sys/stat.h>

#include "base/err.h"

struct sockpath {
	int folder;	  /* its descriptor, good for nothing but names in it */
	const char *path; /* borrowed */
	const char *name; /* the last part of it */
};

/* A relative path begins at the working directory; links on the way to the folder are followed. The path is at most 107
 * bytes long (addr_unix()) and outlives *out. OK; or ERR_SYNTAX for one that
 * ends with a slash, or ERR_IO with the system's words, and nothing is open. */
int sockpath_open(struct sockpath *out, const char *path, struct why *why) MUST_CHECK;
void sockpath_close(struct sockpath *p);

/* May we put a socket there? Not where everybody may write, unless the sticky bit keeps what is ours (/tmp): somebody
 * could put another one in its place. The owner of the folder, and a group that may write there, are believed: whoever
 * names the path means them. OK, ERR_DENIED or ERR_IO. */
int sockpath_judge(const struct sockpath *p, struct why *why) MUST_CHECK;

/* What has the name, links not followed. False: nothing has it. */
bool sockpath_stat(const struct sockpath *p, struct stat *st);
/* Removes what has the name, if it is a socket of ours. OK, also where nothing has it; ERR_DENIED for what is something
 * else, or somebody else's; ERR_IO. */
int sockpath_clear(const struct sockpath *p, struct why *why) MUST_CHECK;
/* Does the path still lead to what has the name in the folder? */
bool sockpath_holds(const struct sockpath *p);

#endif
