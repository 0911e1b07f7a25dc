/* Telling the service manager how we are: sd_notify(3)'s datagrams. */
#ifndef ADIT_IO_NOTIFY_H
#define ADIT_IO_NOTIFY_H

#include "io/sock.h"

enum { NOTIFY_TEXT_MAX = 512 }; /* bytes of one datagram, what is longer of a status is cut */

/* Zero with fd -1 tells nobody, and all below do nothing then. */
struct notify {
	int fd;
	struct addr to;
};

/* Takes $NOTIFY_SOCKET out of the environment, so that no other program answers for us. Without it, OK and fd -1.
 * ERR_SYNTAX: it is no path and no abstract name ("@name") of a unix socket; ERR_IO. fd is -1 then, too. */
int notify_open(struct notify *out, struct why *why) MUST_CHECK;
void notify_close(struct notify *n);

/* Start-up, or a reload, is over. */
void notify_ready(const struct notify *n);
/* A reload begins; notify_ready() ends it. */
void notify_reloading(const struct notify *n);
void notify_stopping(const struct notify *n);
/* One line for `systemctl status`; control characters become spaces. */
void notify_status(const struct notify *n, const char *text);

#endif
