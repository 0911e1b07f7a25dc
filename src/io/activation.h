/* Listening sockets that the service manager made before it started us (sd_listen_fds(3)). */
#ifndef ADIT_IO_ACTIVATION_H
#define ADIT_IO_ACTIVATION_H

#include "base/err.h"

enum { ACTIVATION_MAX = 64, ACTIVATION_NAME = 256 };

struct activated {
	int fd;			    /* non-blocking and close-on-exec */
	char name[ACTIVATION_NAME]; /* FileDescriptorName=, "" when there is none */
};

/* Takes the sockets that are meant for this process ($LISTEN_PID), and the three variables out of the environment in
 * any case. OK with *n = 0 when there are none. ERR_SYNTAX: the variables do not parse; ERR_LIMIT: more than
 * ACTIVATION_MAX; ERR_IO: one of the descriptors is not a listening stream socket. Nothing is closed then: what they
 * are is not known. Call it once, before anything else is opened and before a fork(). */
int activation_take(struct activated out[ACTIVATION_MAX], size_t *n, struct why *why) MUST_CHECK;

#endif
