/* Messages between the processes of one server: one end of a SOCK_SEQPACKET pair, with the loop. Whole messages and at
 * most one descriptor with each. What a message means, and whether its fields are in range, is the users' affair. */
#ifndef ADIT_IO_IPC_H
#define ADIT_IO_IPC_H

#include "base/span.h"
#include "io/loop.h"

enum {
	IPC_MESSAGE_MAX = 128 * 1024,	 /* bytes of a message, at least 1 */
	IPC_QUEUE_MESSAGES = 65536,	 /* messages that wait for room in the socket */
	IPC_QUEUE_MAX = 4 * 1024 * 1024, /* and their bytes */
};

/* What comes instead of a descriptor. */
enum {
	IPC_NO_FD = -1,	  /* the sender sent none */
	IPC_FD_LOST = -2, /* it did, but this process has no number left for one (EMFILE) */
};

struct ipc;

/* A message, valid during the call and wiped afterwards. *fd is a descriptor or one of the two values above: who takes
 * the descriptor stores IPC_NO_FD there, otherwise it is closed after the call. May send, and may free any ipc. */
typedef void ipc_fn(void *user, struct span message, int *fd);
/* Called once, when nothing will come any more. ERR_CLOSED: the other end is gone (or sent an empty message);
 * ERR_PROTO: it sent more than IPC_MESSAGE_MAX bytes or more than one descriptor; ERR_IO. Never from within ipc_new()
 * or ipc_send(). The ipc still has to be freed, here or later. */
typedef void ipc_end_fn(void *user, int err, const struct why *why);

/* Two connected ends, non-blocking and close-on-exec, which take messages up to IPC_MESSAGE_MAX. OK or ERR_IO. */
int ipc_pair(int fds[2], struct why *why) MUST_CHECK;

/* One end on the loop. The descriptor is the ipc's on success and is closed by ipc_free(). OK, ERR_NOMEM or ERR_IO. */
int ipc_new(struct ipc **out, struct loop *l, int fd, ipc_fn *fn, ipc_end_fn *end, void *user) MUST_CHECK;

/* Sends a copy of the message, in the order of the calls; `fd` is IPC_NO_FD or a descriptor, which on success is the
 * ipc's and closed once it is sent. On failure it stays the caller's, and nothing of the message is sent.
 * OK; ERR_LIMIT: too long, empty, or the queue is full; ERR_CLOSED: the other end is gone; ERR_NOMEM; ERR_IO. */
int ipc_send(struct ipc *ipc, struct span message, int fd) MUST_CHECK;

/* Handles all messages that wait in the socket at this moment before it returns; the end is reported if it is found.
 * For a receiver of two senders who has to know first what one said earlier. Within a callback of the same ipc nothing
 * happens. */
void ipc_drain(struct ipc *ipc);

/* Closes; what is still queued is lost. NULL is allowed. No callback afterwards. */
void ipc_free(struct ipc *ipc);

#endif
