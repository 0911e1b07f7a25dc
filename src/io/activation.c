/* LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. The descriptors follow each other from number 3. */
#include "io/activation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "io/sock.h"

enum { FIRST = 3 };

static int check(int fd, struct why *why)
{
	int listens = 0, type = 0;
	socklen_t n = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n))
		return why_set(why, ERR_IO, "LISTEN_FDS: descriptor %d: %s", fd, strerror(errno));
	n = sizeof(int);
	if (type != SOCK_STREAM || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) || !listens)
		return why_set(why, ERR_IO,
			       "LISTEN_FDS: descriptor %d is not a listening stream socket (Accept=no is needed)", fd);
	return OK;
}

/* The next of the names, which stand between colons. */
static void take_name(const char **names, char out[ACTIVATION_NAME])
{
	size_t n = strcspn(*names, ":");

	snprintf(out, ACTIVATION_NAME, "%.*s", (int)MIN(n, ACTIVATION_NAME - 1), *names);
	*names += n + ((*names)[n] == ':');
}

static int take(const char *pid, const char *fds, const char *names, struct activated *out, size_t *n, struct why *why)
{
	uint64_t whose, many;

	*n = 0;
	if (!pid || !fds)
		return OK;
	if (str_u64(pid, 1, INT32_MAX, &whose) || str_u64(fds, 0, INT32_MAX - FIRST, &many))
		return why_set(why, ERR_SYNTAX, "LISTEN_PID or LISTEN_FDS is not a number");
	if (whose != (uint64_t)getpid())
		return OK;
	if (many > ACTIVATION_MAX)
		return why_set(why, ERR_LIMIT, "LISTEN_FDS: more than %d sockets", ACTIVATION_MAX);
	for (size_t i = 0; i < many; i++) {
		int err = check(FIRST + (int)i, why);

		if (err)
			return err;
		out[i].fd = FIRST + (int)i;
		take_name(&names, out[i].name);
	}
	*n = many;
	return OK;
}

int activation_take(struct activated out[ACTIVATION_MAX], size_t *n, struct why *why)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int err = take(getenv("LISTEN_PID"), getenv("LISTEN_FDS"), names ? names : "", out, n, why);

	for (size_t i = 0; !err && i < *n; i++)
		sock_prepare(out[i].fd);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return err;
}
