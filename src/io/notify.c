/* Variables, one per line, in one datagram. A manager that does not read is waited for, but only so long. */
#include "io/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_SECONDS = 2 };

/* "@name" stands for the abstract name, whose first byte is NUL and whose length counts. */
static int address(struct addr *to, const char *path, struct why *why)
{
	struct sockaddr_un *sa = (struct sockaddr_un *)&to->sa;
	size_t n = strlen(path);

	if (path[0] == '/')
		return addr_unix(to, path, why);
	if (path[0] != '@' || n < 2 || n > sizeof(sa->sun_path))
		return why_set(why, ERR_SYNTAX, "neither a path nor an abstract name");
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, n);
	sa->sun_path[0] = '\0';
	to->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return OK;
}

int notify_open(struct notify *out, struct why *why)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct timeval wait = { .tv_sec = WAIT_SECONDS };
	int err;

	*out = (struct notify){ .fd = -1 };
	if (!path)
		return OK;
	err = address(&out->to, path, why);
	(void)unsetenv("NOTIFY_SOCKET");
	if (err)
		return why_prefix(why, err, "NOTIFY_SOCKET");
	out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0)
		return why_set(why, ERR_IO, "NOTIFY_SOCKET: %s", strerror(errno));
	(void)setsockopt(out->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return OK;
}

void notify_close(struct notify *n)
{
	sock_close(n->fd);
	n->fd = -1;
}

/* A manager that is gone, or does not listen, cannot be told. */
static void tell(const struct notify *n, const char *text)
{
	ssize_t sent;

	if (n->fd < 0)
		return;
	do
		sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to.sa, n->to.len);
	while (sent < 0 && errno == EINTR);
}

void notify_ready(const struct notify *n)
{
	tell(n, "READY=1");
}

void notify_reloading(const struct notify *n)
{
	char text[NOTIFY_TEXT_MAX];
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	/* The time tells the manager which READY=1 belongs to this reload (Type=notify-reload). */
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	tell(n, text);
}

void notify_stopping(const struct notify *n)
{
	tell(n, "STOPPING=1");
}

void notify_status(const struct notify *n, const char *text)
{
	char line[NOTIFY_TEXT_MAX];

	snprintf(line, sizeof(line), "STATUS=%s", text);
	for (char *c = line; *c; c++)
		if ((uint8_t)*c < ' ' || *c == 0x7f) /* a new line would begin another variable */
			*c = ' ';
	tell(n, line);
}
