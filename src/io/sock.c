/* Accepting, and the ways a stream moves and ends. Addresses are in addr.c, listening is in listen.c. */
#include "io/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void set_int(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value)); /* does not apply: then it does not */
}

/* accept(2): errors of the network behind the new socket are reported here and concern that connection only. */
static enum accept_result accept_failed(int e)
{
	static const int full[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM };
	static const int gone[] = { EINTR,  ECONNABORTED, EPROTO,     ENETDOWN,	   ENOPROTOOPT, EHOSTDOWN,
				    ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM,	ETIMEDOUT };

	for (size_t i = 0; i < LEN(full); i++)
		if (e == full[i])
			return ACCEPT_FULL;
	for (size_t i = 0; i < LEN(gone); i++)
		if (e == gone[i])
			return ACCEPT_ONE;
	/* Anything unforeseen pauses the listener instead of spinning on it. */
	return e == EAGAIN ? ACCEPT_NONE : ACCEPT_FULL;
}

enum accept_result sock_accept(int listener, int *fd, struct addr *from)
{
	for (;;) {
		struct addr a = { .len = sizeof(a.sa) };
		int s = accept4(listener, (struct sockaddr *)&a.sa, &a.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		enum accept_result r;

		if (s >= 0) {
			set_int(s, IPPROTO_TCP, TCP_NODELAY, 1);
			*fd = s;
			*from = a;
			return ACCEPT_ONE;
		}
		r = accept_failed(errno);
		if (r != ACCEPT_ONE)
			return r;
	}
}

void sock_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void sock_keepalive(int fd, bool on)
{
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, on);
}

void sock_tos(int fd, int tos)
{
	set_int(fd, IPPROTO_IP, IP_TOS, tos);
	set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
}

void sock_wake_at(int fd, int bytes)
{
	set_int(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
}

void sock_unsent_limit(int fd, int bytes)
{
	set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes);
}

void sock_ack_now(int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

static ssize_t io_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK ? SOCK_AGAIN : SOCK_BROKEN;
}

ssize_t sock_readv(int fd, const struct iovec *iov, size_t n)
{
	ssize_t got;

	do
		got = readv(fd, iov, (int)n);
	while (got < 0 && errno == EINTR);
	return io_result(got);
}

ssize_t sock_writev(int fd, const struct iovec *iov, size_t n)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	ssize_t put;

	do
		put = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return io_result(put);
}

void sock_shut(int fd)
{
	(void)shutdown(fd, SHUT_WR); /* not connected any more: the next read tells */
}

void sock_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void sock_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

/* The kernel goes on counting what a reset has made void. */
static bool is_over(int fd)
{
	uint8_t state = 0; /* the first member of struct tcp_info */
	socklen_t len = sizeof(state);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) == 0 && state == TCP_CLOSE;
}

size_t sock_unsent(int fd)
{
	int n = 0;

	if (fd < 0 || ioctl(fd, SIOCOUTQ, &n) || n < 0 || is_over(fd))
		return 0;
	return (size_t)n;
}

void sock_name(int fd, struct addr *out)
{
	struct addr a = { .len = sizeof(a.sa) };

	if (getsockname(fd, (struct sockaddr *)&a.sa, &a.len))
		a.len = 0;
	*out = a;
}

void sock_peer(int fd, struct addr *out)
{
	struct addr a = { .len = sizeof(a.sa) };

	if (getpeername(fd, (struct sockaddr *)&a.sa, &a.len))
		a.len = 0;
	*out = a;
}

bool sock_is_dual(int fd)
{
	int v6_only;
	socklen_t len = sizeof(v6_only);

	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &len) == 0 && !v6_only;
}
