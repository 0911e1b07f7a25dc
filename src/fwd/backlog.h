/* Bytes that a slow local socket did not take: a queue of chunks, copied in once, written out in order.
 * Not bounded here: the window that was granted to the channel bounds it. */
#ifndef ADIT_FWD_BACKLOG_H
#define ADIT_FWD_BACKLOG_H

#include <sys/uio.h>

#include "base/err.h"
#include "base/list.h"

/* Zero after backlog_init(); holds no memory while it is empty. */
struct backlog {
	struct list chunks;
	size_t n; /* bytes in it */
};

void backlog_init(struct backlog *b);
/* Frees everything. */
void backlog_fini(struct backlog *b);
/* Copies the pieces without their first `skip` bytes. OK or ERR_NOMEM (then some of them may be in). */
int backlog_add(struct backlog *b, const struct iovec *iov, size_t n, size_t skip) MUST_CHECK;
/* Moves everything from one to the end of the other. */
void backlog_move(struct backlog *to, struct backlog *from);
/* Writes what the socket takes. Bytes written (0 when it takes none now), or SOCK_BROKEN. */
ssize_t backlog_write(struct backlog *b, int fd);

#endif
