/* passwd and group, through the reentrant functions: they alone tell "nobody" from "I could not ask". */
#include "io/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 1024, ROOM_MAX = 4 * 1024 * 1024 }; /* of one entry; a group lists its members */

/* What a look-up of either database came to. */
static int verdict(int e, bool found, const char *what, const char *name, struct why *why)
{
	if (found)
		return OK;
	/* getpwnam_r(3): systems differ in what they return for a name that is not there. */
	if (e == 0 || e == ENOENT || e == ESRCH)
		return why_set(why, ERR_NOT_FOUND, "no such %s", what);
	return why_set(why, e == ENOMEM ? ERR_NOMEM : ERR_IO, "looking up %s %s: %s", what, name, strerror(e));
}

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

static int fill(struct user *u, const struct passwd *pw, struct why *why)
{
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	u->name = copy(pw->pw_name);
	u->home = copy(pw->pw_dir);
	u->shell = copy(pw->pw_shell);
	return u->name && u->home && u->shell ? OK : why_set(why, ERR_NOMEM, "out of memory");
}

static int find_passwd(struct user *u, const char *name, struct why *why)
{
	char *room = NULL;
	int e = ERANGE, err;

	for (size_t n = ROOM_FIRST; e == ERANGE && n <= ROOM_MAX; n *= 2) {
		struct passwd pw, *found = NULL;

		free(room);
		room = malloc(n);
		if (!room)
			return why_set(why, ERR_NOMEM, "out of memory");
		e = getpwnam_r(name, &pw, room, n, &found);
		if (e == ERANGE)
			continue;
		err = verdict(e, found != NULL, "user", name, why);
		if (!err)
			err = fill(u, found, why);
		free(room);
		return err;
	}
	free(room);
	return why_set(why, ERR_LIMIT, "the entry of user %s is too long", name);
}

int users_gids(struct user *u, struct why *why)
{
	int n = 32, room;

	while (!u->n_gids && n <= USERS_GROUPS_MAX) {
		gid_t *more = realloc(u->gids, (size_t)n * sizeof(*more));

		if (!more)
			return why_set(why, ERR_NOMEM, "out of memory");
		u->gids = more;
		room = n;
		if (getgrouplist(u->name, u->gid, u->gids, &n) >= 0)
			u->n_gids = (size_t)n;
		n = MAX(n, 2 * room); /* some versions of glibc do not say how many there are */
	}
	if (u->n_gids)
		return OK;
	return why_set(why, ERR_LIMIT, "user %s is in more than %d groups", u->name, USERS_GROUPS_MAX);
}

/* *name is NULL for a number that has no name. */
static int group_name(gid_t gid, char **name, struct why *why)
{
	char *room = NULL, number[16];
	int e = ERANGE, err = OK;

	for (size_t n = ROOM_FIRST; e == ERANGE && n <= ROOM_MAX; n *= 2) {
		char *more = realloc(room, n);
		struct group gr, *found = NULL;

		if (!more) {
			free(room);
			return why_set(why, ERR_NOMEM, "out of memory");
		}
		room = more;
		e = getgrgid_r(gid, &gr, room, n, &found);
		*name = found ? strdup(found->gr_name) : NULL;
		if (found && !*name)
			e = ENOMEM;
		if (e != ERANGE) {
			snprintf(number, sizeof(number), "%u", gid);
			err = verdict(e, *name != NULL, "group", number, why);
		}
	}
	free(room);
	if (e == ERANGE)
		return why_set(why, ERR_LIMIT, "the entry of group %u is too long", gid);
	return err == ERR_NOT_FOUND ? OK : err;
}

static void forget_groups(struct user *u)
{
	for (size_t i = 0; i < u->n_groups; i++)
		free(u->groups[i]);
	free(u->groups);
	u->groups = NULL;
	u->n_groups = 0;
}

static int name_groups(struct user *u, struct why *why)
{
	int err = OK;

	u->groups = calloc(MAX(u->n_gids, 1), sizeof(*u->groups));
	if (!u->groups)
		return why_set(why, ERR_NOMEM, "out of memory");
	for (size_t i = 0; !err && i < u->n_gids; i++) {
		err = group_name(u->gids[i], &u->groups[u->n_groups], why);
		if (!err && u->groups[u->n_groups])
			u->n_groups++;
	}
	return err;
}

int users_groups(struct user *u, struct why *why)
{
	int err = users_gids(u, why);

	if (err || u->groups)
		return err;
	err = name_groups(u, why);
	if (err)
		forget_groups(u);
	return err;
}

/* A name that is none in the files would be a line of its own there, or a path for a module. */
static bool possible(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((uint8_t)name[i] < ' ' || name[i] == 0x7f || name[i] == ':' || name[i] == '/')
			return false;
	return n > 0 && n <= USERS_NAME_MAX;
}

int users_find(struct user *out, const char *name, struct why *why)
{
	struct user u = { 0 };
	int err;

	if (!possible(name))
		return why_set(why, ERR_NOT_FOUND, "no such user");
	err = find_passwd(&u, name, why);
	if (err)
		users_fini(&u);
	else
		*out = u;
	return err;
}

void users_fini(struct user *u)
{
	forget_groups(u);
	free(u->gids);
	free(u->name);
	free(u->home);
	free(u->shell);
	*u = (struct user){ 0 };
}
