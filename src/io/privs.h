/* The rights of this process: given up for good, or changed for a moment to open a file as somebody else. For processes
 * with one thread; what they may still do is io/sandbox.h's. */
#ifndef ADIT_IO_PRIVS_H
#define ADIT_IO_PRIVS_H

#include <sys/types.h>

#include "io/caps.h"

/* Somebody: ids and supplementary groups. */
struct privs_id {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

/* What the master keeps: ports below 1024, children with other ids, and signals to those. The guard keeps SETID. */
#define PRIVS_SETID  (CAPS_ONE(CAP_SETUID) | CAPS_ONE(CAP_SETGID))
#define PRIVS_MASTER (PRIVS_SETID | CAPS_ONE(CAP_NET_BIND_SERVICE) | CAPS_ONE(CAP_KILL))

/* All capabilities but these are gone for good, from children too; those of `keep` that the process has not got are not
 * missed. The ids stay. No core dumps, no tracing, no new rights by execve(). OK, or ERR_DENIED, ERR_IO: then the
 * caller must not go on. */
int privs_keep(uint64_t keep, struct why *why) MUST_CHECK;

/* Becomes somebody for good, with no capabilities but `keep` (as above), and checks that there is no way back. An
 * ordinary user can only become what it is: then its groups stay. OK; ERR_DENIED: not permitted; ERR_IO: the check
 * failed, and the process has mixed rights: the caller must not go on. */
int privs_drop(const struct privs_id *id, uint64_t keep, struct why *why) MUST_CHECK;

/* No file grows any more by this process's hand (RLIMIT_FSIZE): a write to a regular file ends it by SIGXFSZ, to stderr
 * too if that is one. */
void privs_no_files(void);

enum { PRIVS_GROUPS_MAX = 256 };

/* The way back. */
struct privs_home {
	bool away;
	uid_t uid;
	gid_t gid;
	gid_t groups[PRIVS_GROUPS_MAX];
	int n_groups;
	struct caps caps;
};

/* Until privs_back() files are opened with this user's rights: effective ids, groups, and no capability effective. It
 * needs PRIVS_SETID, except for the user that the process is itself. OK; ERR_DENIED: not permitted, and ERR_LIMIT: more
 * groups of our own than fit; nothing has changed then. Without PRIVS_SETID the process does not know other users. */
int privs_as_user(struct privs_home *home, const struct privs_id *user, struct why *why) MUST_CHECK;
/* Back. A process that cannot get back would go on with a stranger's rights: it aborts. */
void privs_back(struct privs_home *home);

#endif
