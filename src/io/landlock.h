/* Landlock by system call: what a process may do with the file system, and which of its neighbours it may reach. Binds
 * the calling thread and those that it starts later, so it comes before the first other thread. */
#ifndef ADIT_IO_LANDLOCK_H
#define ADIT_IO_LANDLOCK_H

#include "base/err.h"

enum landlock_may {
	LANDLOCK_MAY_READ,   /* files, and folders with what is below them */
	LANDLOCK_MAY_SOCKETS /* a folder in which unix sockets may be made, and files removed */
};

struct landlock_rule {
	const char *path; /* one that is not there, or out of reach, is passed over: then nothing can be done with it */
	enum landlock_may may;
};

enum landlock_net { LANDLOCK_NET_FREE, LANDLOCK_NET_NONE /* no bind() and no connect() of TCP */ };

/* The version of the kernel's Landlock, 0 when it has none (or it is not switched on). */
int landlock_abi(void);

/* Forbids all that the kernel's version knows about but what the rules allow; from version 4 on TCP, too, if so asked;
 * from version 6 on also signals to, and abstract sockets of, processes outside. Needs PR_SET_NO_NEW_PRIVS. OK;
 * ERR_NOT_FOUND: the kernel has none; ERR_IO. */
int landlock_restrict(const struct landlock_rule *rules, size_t n, enum landlock_net net, struct why *why) MUST_CHECK;

#endif
