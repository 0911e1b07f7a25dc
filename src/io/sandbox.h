/* The fences around the processes that read what strangers send: seccomp for system calls, Landlock for files. They
 * stand behind the rights of the process (io/privs.h) and not in their place. */
#ifndef ADIT_IO_SANDBOX_H
#define ADIT_IO_SANDBOX_H

#include "base/err.h"

/* Both may: memory that is not executable, threads, the loop, messages with descriptors, randomness, the time, and
 * reading files within the rules below.
 * A worker besides: TCP and UDP, and asking for names.
 * A guard besides: becoming other users to read their files (io/privs.h). It has no network. */
enum sandbox_profile { SANDBOX_WORKER, SANDBOX_GUARD };

enum { SANDBOX_PATHS_MAX = 64 };

struct sandbox_opts {
	/* Files and folders that may be read beside the profile's own, which are: the resolver's files for a worker
	 * (each as it is now: one that is replaced later, as opposed to written, is not seen any more; those below
	 * /run are), /etc for a guard, where the user database is replaced by every change. */
	const char *const *read;
	size_t reads;
	/* Folders in which unix sockets may be made and removed, for streamlocal forwards. */
	const char *const *sockets;
	size_t n_sockets;
	/* connect() to unix sockets, for streamlocal forwards of a worker and for the user database of a guard: sssd
	 * and systemd answer there. Landlock does not limit to which. */
	bool unix_sockets;
};

/* What stands now. */
struct sandbox {
	bool seccomp;
	int landlock; /* its version, 0 = none */
};

/* For this process and good, with all its threads as to seccomp; as to Landlock only the calling thread and those to
 * come, so before the first other one. Asks for a name first, for a worker, and loads the modules that the look-ups
 * of the profile need, because nothing can be loaded any more afterwards. Sets PR_SET_NO_NEW_PRIVS.
 * OK: all of it. ERR_NOT_FOUND: the kernel lacks one of the two, as `why` says, and the other stands (see `out`): the
 * caller decides whether that is enough. ERR_LIMIT: more than SANDBOX_PATHS_MAX paths; ERR_NOMEM; ERR_IO: then the
 * caller must not go on. */
int sandbox_apply(enum sandbox_profile profile, const struct sandbox_opts *opts, struct sandbox *out,
		  struct why *why) MUST_CHECK;

/* For sandbox.c: the seccomp half (io/syscalls.c). OK, ERR_NOT_FOUND, ERR_NOMEM or ERR_IO. */
int syscalls_limit(enum sandbox_profile profile, bool unix_sockets, bool make_sockets, struct why *why) MUST_CHECK;

#endif
