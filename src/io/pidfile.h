/* The file with the number of the process. It is locked while the process lives, so that one that was left behind is
 * told from one in use, whatever number stands in it. */
#ifndef ADIT_IO_PIDFILE_H
#define ADIT_IO_PIDFILE_H

#include <sys/types.h>

#include "base/err.h"

/* Zero with fd -1 is none. */
struct pidfile {
	int fd;
	pid_t pid; /* whose it is: a child that inherits this structure removes nothing */
	char *path;
};

/* Writes it, mode 0644; an old one that nobody holds is replaced. A path that is not absolute holds as long as the
 * working directory stays. OK; ERR_DENIED: another process that runs holds it, or the file is somebody else's or not an
 * ordinary one; ERR_IO; ERR_NOMEM. */
int pidfile_write(struct pidfile *out, const char *path, struct why *why) MUST_CHECK;
/* Removes the file if it is still the one that this process wrote. */
void pidfile_remove(struct pidfile *p);

#endif
