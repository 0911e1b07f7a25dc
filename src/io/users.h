/* The system's users and their groups, as NSS has them. The caller waits. */
#ifndef ADIT_IO_USERS_H
#define ADIT_IO_USERS_H

#include <sys/types.h>

#include "base/err.h"

enum { USERS_NAME_MAX = 256, USERS_GROUPS_MAX = 65536 };

/* Zero is an empty one, which users_fini() accepts. */
struct user {
	char *name;	    /* as the database writes it */
	char *home, *shell; /* empty strings when the entry has none */
	uid_t uid;
	gid_t gid;   /* the primary group */
	gid_t *gids; /* all groups with the primary one; users_gids() fills it in */
	size_t n_gids;
	char **groups; /* the names of those that have one; users_groups() does */
	size_t n_groups;
};

/* The entry, without its groups. OK; ERR_NOT_FOUND: nobody has this name, or it cannot be one (empty, longer than
 * USERS_NAME_MAX, with ':', '/' or a control character); ERR_IO: the database could not answer; ERR_LIMIT or ERR_NOMEM.
 * `out` is untouched on failure. */
int users_find(struct user *out, const char *name, struct why *why) MUST_CHECK;
/* The groups, and their names beside their numbers: by themselves because each may ask many places. Nothing when they
 * are there already. OK; ERR_IO, also for a single group, so that a rule about groups never goes by half of them;
 * ERR_LIMIT or ERR_NOMEM. On failure there are none. */
int users_gids(struct user *u, struct why *why) MUST_CHECK;
int users_groups(struct user *u, struct why *why) MUST_CHECK;
/* Zero afterwards. */
void users_fini(struct user *u);

#endif
