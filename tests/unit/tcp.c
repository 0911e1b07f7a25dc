/* TCP sockets on loopback, for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp.h"

int tcp_listener(uint16_t *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, n), 0);
	assert_int_equal(listen(fd, 512), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

int tcp_connect(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int tcp_start(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_true(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 || errno == EINPROGRESS);
	return fd;
}

void tcp_pair(int *app, int *ours)
{
	uint16_t port;
	int l = tcp_listener(&port);

	*app = tcp_connect(port);
	*ours = accept(l, NULL, NULL);
	assert_true(*ours >= 0);
	fcntl(*ours, F_SETFL, O_NONBLOCK);
	close(l);
}

enum socket_end drain(int fd, size_t *n)
{
	static uint8_t bytes[65536];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		*n += (size_t)got;
	if (got == 0)
		return ENDED;
	return errno == EAGAIN ? STILL_OPEN : WAS_RESET;
}
