/* What the process is and where it runs: made safe at the start, and asked for facts. */
#ifndef ADIT_IO_SYS_H
#define ADIT_IO_SYS_H

#include <sys/types.h>

#include "base/err.h"

/* First of all in main(): descriptors 0 to 2 are open (/dev/null where they were not), so that no socket gets their
 * number, SIGPIPE is ignored, and large blocks of memory go back to the system when they are freed. OK or ERR_IO. */
int sys_start(struct why *why) MUST_CHECK;
/* Before the first secret is in memory, and before a fork(): no core dumps, none of our memory in one, and no other
 * process of this user may look into this one. */
void sys_harden(void);

/* n bytes of the kernel's randomness. OK or ERR_IO. */
int sys_random(void *p, size_t n) MUST_CHECK;

struct sys_user {
	char *name, *home; /* as the password database has them; home may be NULL */
	uid_t uid;
};

/* The user behind this process. OK, ERR_NOT_FOUND without an entry, or ERR_NOMEM. */
int sys_user_get(struct sys_user *out, struct why *why) MUST_CHECK;
void sys_user_fini(struct sys_user *u);

/* Processors that this process may use: 1 to `most`. */
unsigned sys_processors(unsigned most);
/* Milliseconds since 1970, UTC: for records, because it may go back. */
uint64_t sys_time_ms(void);

enum { SYS_HOSTNAME = 65 };
/* The name of this host; empty when it has none. */
void sys_hostname(char out[SYS_HOSTNAME]);

/* An environment variable, or NULL. `user` is not used: the signature is that of a callback. */
const char *sys_env(void *user, const char *name);

/* After the last word to stdout: OK if all of them have arrived, ERR_IO if not (the disk is full, say). */
int sys_printed(struct why *why) MUST_CHECK;

#endif
