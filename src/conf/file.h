/* Configuration files, read whole before the first line counts, with a ceiling that does not trust their size: a device
 * or a pipe that never ends is no danger. Not for what stands in them. */
#ifndef ADIT_CONF_FILE_H
#define ADIT_CONF_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "conf/strs.h"

enum { CONF_FILE_MAX = 16 << 20, CONF_READS_MAX = 4096, FILE_READ_AT_ONCE = 16384 };

/* A buffer for one file. */
#define FILE_BUF BUF(CONF_FILE_MAX + FILE_READ_AT_ONCE)

/* The files of one configuration. */
struct files {
	struct strs names; /* what struct origin points to */
	unsigned reads;	   /* so far */
	uid_t uid;	   /* of the user */
};

enum file_trust {
	TRUST_ANY,
	TRUST_OWN,    /* only the user or root may be able to write to it */
	TRUST_REGULAR /* the same, and it is a file, not a device or a pipe */
};

void files_fini(struct files *f);
/* The name as a string that lives as long as *f, the same for the same name. NULL without memory. */
const char *files_name(struct files *f, const char *name);
/* Reads the file into *out (FILE_BUF). `what` names it in the sentence: "user config file". OK; ERR_NOT_FOUND where
 * there is none; ERR_SYNTAX for its size, owner, mode, or when too many were read; ERR_IO; ERR_NOMEM. */
int files_read(struct files *f, struct buf *out, const char *path, const char *what, enum file_trust trust,
	       struct why *why) MUST_CHECK;

#endif
