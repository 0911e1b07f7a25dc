/* User ids, groups, capabilities, and what the kernel forgets when they change: it clears the signal for a parent's end
 * and may make the process dumpable again (prctl(2)), so both are set anew after each change. */
#include "io/privs.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/sys.h"

/* What to set anew. */
struct ties {
	int signo; /* when the parent ends; 0 none */
	pid_t parent;
};

static struct ties ties_get(void)
{
	struct ties t = { .parent = getppid() };

	(void)prctl(PR_GET_PDEATHSIG, &t.signo, 0, 0, 0);
	return t;
}

static void ties_set(const struct ties *t)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!t->signo)
		return;
	(void)prctl(PR_SET_PDEATHSIG, t->signo, 0, 0, 0);
	if (getppid() != t->parent) /* it ended in between */
		raise(t->signo);
}

static int failed(struct why *why, const char *what)
{
	return why_set(why, errno == EPERM ? ERR_DENIED : ERR_IO, "%s: %s", what, strerror(errno));
}

/* Only these capabilities, and nothing beyond them by execve(). */
static int limit_caps(uint64_t keep, struct why *why)
{
	struct caps c, now;
	int err = caps_get(&c, why);

	if (err)
		return err;
	c.permitted &= keep;
	c.effective = c.permitted;
	err = caps_set(&c, why);
	if (!err)
		err = caps_get(&now, why);
	if (err)
		return err;
	if (now.permitted != c.permitted || now.effective != c.effective)
		return why_set(why, ERR_IO, "capabilities did not go away");
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? failed(why, "PR_SET_NO_NEW_PRIVS") : OK;
}

int privs_keep(uint64_t keep, struct why *why)
{
	int err = caps_fix(keep, why);

	if (!err)
		err = limit_caps(keep, why);
	sys_harden();
	return err;
}

static bool is_already(const struct privs_id *id)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	return getresuid(&r, &e, &s) == 0 && getresgid(&gr, &ge, &gs) == 0 && r == id->uid && e == id->uid &&
	       s == id->uid && gr == id->gid && ge == id->gid && gs == id->gid;
}

static int become(const struct privs_id *id, struct why *why)
{
	if (setgroups(id->n_groups, id->groups))
		return failed(why, "setgroups");
	if (setresgid(id->gid, id->gid, id->gid))
		return failed(why, "setresgid");
	return setresuid(id->uid, id->uid, id->uid) ? failed(why, "setresuid") : OK;
}

/* setfsuid() and setfsgid() with an id that is none change nothing and say what is. */
static bool became(const struct privs_id *id, uint64_t keep)
{
	if (!is_already(id) || setfsuid((uid_t)-1) != (int)id->uid || setfsgid((gid_t)-1) != (int)id->gid)
		return false;
	if (id->uid != 0 && !(keep & CAPS_ONE(CAP_SETUID)) && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return false;
	return id->gid == 0 || keep & CAPS_ONE(CAP_SETGID) || setresgid((gid_t)-1, 0, (gid_t)-1) != 0;
}

int privs_drop(const struct privs_id *id, uint64_t keep, struct why *why)
{
	struct ties ties = ties_get();
	struct caps c;
	int err = caps_get(&c, why);

	if (!err)
		err = caps_fix(keep, why);
	if (!err && (!is_already(id) || (c.effective & PRIVS_SETID) == PRIVS_SETID))
		err = become(id, why);
	if (!err)
		err = limit_caps(keep, why);
	if (!err && !became(id, keep))
		err = why_set(why, ERR_IO, "the user did not change for good");
	sys_harden();
	ties_set(&ties);
	return err ? why_prefix(why, err, "becoming user %u, group %u", id->uid, id->gid) : OK;
}

void privs_no_files(void)
{
	(void)setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 0, 0 });
}

/* Groups first and the user last, because the right to the former may go with the latter. */
static bool effective_ids(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	return setgroups(n, groups) == 0 && setresgid((gid_t)-1, gid, (gid_t)-1) == 0 &&
	       setresuid((uid_t)-1, uid, (uid_t)-1) == 0;
}

static int remember(struct privs_home *home, struct why *why)
{
	struct caps c;
	int err = caps_get(&c, why), n;

	if (err)
		return err;
	n = getgroups(PRIVS_GROUPS_MAX, home->groups);
	if (n < 0)
		return why_set(why, ERR_LIMIT, "this process is in more than %d groups", PRIVS_GROUPS_MAX);
	home->n_groups = n;
	home->uid = geteuid();
	home->gid = getegid();
	home->caps = c;
	return OK;
}

int privs_as_user(struct privs_home *home, const struct privs_id *user, struct why *why)
{
	struct ties ties = ties_get();
	int err;

	home->away = false;
	err = remember(home, why);
	if (err)
		return err;
	if ((home->caps.effective & PRIVS_SETID) != PRIVS_SETID) /* one user serves one user */
		return user->uid == home->uid ? OK
					      : why_set(why, ERR_DENIED, "files of user %u: not permitted", user->uid);
	home->away = true;
	if (!effective_ids(user->uid, user->gid, user->groups, user->n_groups))
		err = failed(why, "setting ids");
	if (!err)
		err = caps_set(&(struct caps){ .permitted = home->caps.permitted }, why);
	ties_set(&ties);
	if (err) {
		privs_back(home);
		return why_prefix(why, err, "becoming user %u for a file", user->uid);
	}
	return OK;
}

void privs_back(struct privs_home *home)
{
	struct ties ties = ties_get();

	if (!home->away)
		return;
	/* The right to go comes first; the change from or to user 0 may take it once more. */
	if (caps_set(&home->caps, NULL) || !effective_ids(home->uid, home->gid, home->groups, (size_t)home->n_groups) ||
	    caps_set(&home->caps, NULL) || geteuid() != home->uid || getegid() != home->gid)
		abort();
	ties_set(&ties);
	home->away = false;
}
