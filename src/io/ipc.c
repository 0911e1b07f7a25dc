/* One end of a SOCK_SEQPACKET pair. A message that finds the socket full waits in a list, behind those that wait there
 * already. Messages carry secrets of key exchanges: every copy is wiped. */
#include "io/ipc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"

enum {
	TURN_MESSAGES = 64, /* in one turn: others want to be served, too */
	/* A message of one byte takes more than 512 bytes of the socket's memory, so that no more than these wait. */
	DRAIN_MESSAGES = 1024,
	SOCKET_BYTES = 2 * IPC_MESSAGE_MAX,
	ROOM_FDS = 4, /* one is allowed; a sender of more is to be found out, and those are closed */
};

struct queued {
	struct list node;
	int fd;
	size_t n;
	uint8_t bytes[];
};

struct ipc {
	int fd;
	struct watch *watch;
	ipc_fn *fn;
	ipc_end_fn *end;
	void *user;
	struct list queue;
	size_t queued, queued_bytes;
	bool ended;  /* end() was called */
	bool broken; /* the other end takes nothing any more, though what it sent may still wait */
	bool busy;   /* within a callback */
	bool gone;   /* freed meanwhile: the memory goes after the callback */
	uint8_t rx[IPC_MESSAGE_MAX];
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int ipc_pair(int fds[2], struct why *why)
{
	int sv[2], size, e;
	socklen_t n = sizeof(size);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv))
		return why_set(why, ERR_IO, "a pair of sockets between processes: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		size = SOCKET_BYTES;
		/* The kernel cuts at wmem_max and doubles what is left, for its own book-keeping. */
		if (setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) ||
		    getsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, &n))
			goto failed;
		errno = ENOBUFS;
		if (size <= IPC_MESSAGE_MAX + 1024)
			goto failed;
	}
	fds[0] = sv[0];
	fds[1] = sv[1];
	return OK;
failed:
	e = errno;
	close(sv[0]);
	close(sv[1]);
	return why_set(why, ERR_IO, "a pair of sockets with room for %d bytes: %s (see /proc/sys/net/core/wmem_max)",
		       IPC_MESSAGE_MAX, strerror(e));
}

/* --- sending --- */

static void drop(struct ipc *ipc, struct queued *q)
{
	list_del(&q->node);
	ipc->queued--;
	ipc->queued_bytes -= q->n;
	close_fd(q->fd);
	wipe(q->bytes, q->n);
	free(q);
}

static void drop_all(struct ipc *ipc)
{
	LIST_EACH_SAFE (node, &ipc->queue)
		drop(ipc, CONTAINER(node, struct queued, node));
}

/* One sendmsg(): a message goes whole or not at all. OK, ERR_LIMIT when the socket is full, or ERR_CLOSED, ERR_IO. */
static int send_one(const struct ipc *ipc, struct span message, int fd)
{
	union {
		struct cmsghdr head; /* for its alignment */
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)message.p, message.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
	}
	do
		n = sendmsg(ipc->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return OK;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return ERR_LIMIT;
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? ERR_CLOSED : ERR_IO;
}

static void listen_for(struct ipc *ipc)
{
	if (!ipc->ended)
		watch_set(ipc->watch, WATCH_IN | (list_empty(&ipc->queue) ? 0 : WATCH_OUT));
}

static int enqueue(struct ipc *ipc, struct span message, int fd)
{
	struct queued *q;

	if (ipc->queued >= IPC_QUEUE_MESSAGES || message.n > IPC_QUEUE_MAX - ipc->queued_bytes)
		return ERR_LIMIT;
	q = malloc(sizeof(*q) + message.n);
	if (!q)
		return ERR_NOMEM;
	*q = (struct queued){ .fd = fd, .n = message.n };
	memcpy(q->bytes, message.p, message.n);
	list_add_tail(&ipc->queue, &q->node);
	ipc->queued++;
	ipc->queued_bytes += q->n;
	listen_for(ipc);
	return OK;
}

int ipc_send(struct ipc *ipc, struct span message, int fd)
{
	int err = ERR_LIMIT;

	if (ipc->ended || ipc->broken || ipc->gone)
		return ERR_CLOSED;
	if (message.n == 0 || message.n > IPC_MESSAGE_MAX)
		return ERR_LIMIT;
	if (list_empty(&ipc->queue))
		err = send_one(ipc, message, fd);
	if (err == ERR_LIMIT)
		return enqueue(ipc, message, fd);
	if (err == OK)
		close_fd(fd);
	ipc->broken = err == ERR_CLOSED;
	return err;
}

/* Sends what waits, as far as the socket takes it. */
static int flush(struct ipc *ipc)
{
	int err = OK;

	while (!err && !list_empty(&ipc->queue)) {
		struct queued *q = CONTAINER(ipc->queue.next, struct queued, node);

		err = send_one(ipc, span(q->bytes, q->n), q->fd);
		if (!err)
			drop(ipc, q);
	}
	if (err == ERR_CLOSED) { /* what it said before it went is still to be read */
		ipc->broken = true;
		drop_all(ipc);
		err = OK;
	}
	listen_for(ipc);
	return err == ERR_LIMIT ? OK : err;
}

/* --- receiving --- */

static void end(struct ipc *ipc, int err, const struct why *why)
{
	if (ipc->ended || ipc->gone)
		return;
	ipc->ended = true;
	watch_set(ipc->watch, 0);
	drop_all(ipc);
	ipc->end(ipc->user, err, why);
}

/* The descriptors of a message: all are stored, and their number. */
static size_t take_fds(struct msghdr *m, int fds[ROOM_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t k = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		assert(n + k <= ROOM_FDS);
		memcpy(fds + n, CMSG_DATA(c), k * sizeof(int));
		n += k;
	}
	return n;
}

/* The one descriptor that may come, in *fd; the rest is closed. */
static int judge(const struct msghdr *m, size_t n, int fds[ROOM_FDS], int *fd, struct why *why)
{
	bool lost = n < ROOM_FDS && m->msg_flags & MSG_CTRUNC; /* there was room, so it was not the sender's fault */

	if (n <= 1 && !(m->msg_flags & MSG_TRUNC) && (lost || !(m->msg_flags & MSG_CTRUNC))) {
		*fd = n ? fds[0] : lost ? IPC_FD_LOST : IPC_NO_FD;
		return OK;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	if (m->msg_flags & MSG_TRUNC)
		return why_set(why, ERR_PROTO, "a message longer than %d bytes", IPC_MESSAGE_MAX);
	return why_set(why, ERR_PROTO, "more than one descriptor in a message");
}

/* One message of *n bytes, 0 when none waits. */
static int receive(struct ipc *ipc, size_t *n, int *fd, struct why *why)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(ROOM_FDS * sizeof(int))];
	} control;
	struct iovec iov = { ipc->rx, sizeof(ipc->rx) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.room)
	};
	int fds[ROOM_FDS];
	ssize_t got;

	do
		got = recvmsg(ipc->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 &&
	       (errno == EINTR || errno == ECONNRESET)); /* it went before it read all: what it sent is here */
	*n = got > 0 ? (size_t)got : 0;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return OK;
	if (got < 0)
		return why_set(why, ERR_IO, "%s", strerror(errno));
	int err = judge(&m, take_fds(&m, fds), fds, fd, why);

	if (err || got > 0)
		return err;
	close_fd(*fd); /* an empty message looks like the end, and is one */
	return why_set(why, ERR_CLOSED, "the other process is gone");
}

/* Reads at most `max` messages. */
static void handle(struct ipc *ipc, int max)
{
	struct why why;
	int err = OK;
	size_t n = 1;

	while (!err && n && max-- > 0 && !ipc->gone && !ipc->ended) {
		int fd = IPC_NO_FD;

		err = receive(ipc, &n, &fd, &why);
		if (err || !n)
			break;
		ipc->fn(ipc->user, span(ipc->rx, n), &fd);
		close_fd(fd);
		wipe(ipc->rx, n);
	}
	if (err)
		end(ipc, err, &why);
}

static void leave(struct ipc *ipc)
{
	ipc->busy = false;
	if (ipc->gone)
		free(ipc);
}

static void on_ready(void *user, unsigned ready)
{
	struct ipc *ipc = user;
	struct why why;
	int err = OK;

	ipc->busy = true;
	if (ready & WATCH_OUT)
		err = flush(ipc);
	if (err) {
		why_set(&why, err, "sending to another process: %s", strerror(errno));
		end(ipc, err, &why);
	}
	handle(ipc, TURN_MESSAGES);
	leave(ipc);
}

void ipc_drain(struct ipc *ipc)
{
	if (ipc->busy || ipc->ended)
		return;
	ipc->busy = true;
	handle(ipc, DRAIN_MESSAGES);
	leave(ipc);
}

int ipc_new(struct ipc **out, struct loop *l, int fd, ipc_fn *fn, ipc_end_fn *end_fn, void *user)
{
	struct ipc *ipc = malloc(sizeof(*ipc));
	int err;

	if (!ipc)
		return ERR_NOMEM;
	/* Not all of it: the pages of the buffer are the system's until a message needs them. */
	memset(ipc, 0, offsetof(struct ipc, rx));
	ipc->fn = fn;
	ipc->end = end_fn;
	ipc->user = user;
	ipc->fd = fd;
	list_init(&ipc->queue);
	err = watch_new(&ipc->watch, l, fd, on_ready, ipc);
	if (err) {
		free(ipc);
		return err;
	}
	listen_for(ipc);
	*out = ipc;
	return OK;
}

void ipc_free(struct ipc *ipc)
{
	if (!ipc || ipc->gone)
		return;
	watch_free(ipc->watch);
	drop_all(ipc);
	close(ipc->fd);
	ipc->gone = true;
	if (!ipc->busy)
		free(ipc);
}
