/* Which files a profile needs, and the order in which the fences go up: first what needs files, then Landlock, which
 * opens paths, and last seccomp, which ends that. */
#include "io/sandbox.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/prctl.h>

#include "io/landlock.h"
#include "io/nss.h"

/* What glibc's resolver reads. resolv.conf often is a link to one of the folders, where it is replaced now and then. */
static const char *const resolver_files[] = {
	"/etc/resolv.conf", "/etc/hosts",	    "/etc/host.conf",  "/etc/nsswitch.conf",
	"/etc/gai.conf",    "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
};
static const char *const guard_files[] = { "/etc" };
static const char *const worker_databases[] = { "hosts" };
static const char *const guard_databases[] = { "passwd", "group", "initgroups" };

static const struct profile {
	const char *const *read;
	size_t reads;
	const char *const *databases;
	size_t n_databases;
	enum landlock_net net;
} profiles[] = {
	[SANDBOX_WORKER] = { resolver_files, LEN(resolver_files), worker_databases, LEN(worker_databases),
			     LANDLOCK_NET_FREE },
	[SANDBOX_GUARD] = { guard_files, LEN(guard_files), guard_databases, LEN(guard_databases), LANDLOCK_NET_NONE },
};

struct rules {
	struct landlock_rule list[SANDBOX_PATHS_MAX];
	size_t n;
};

static bool add(struct rules *r, const char *const *paths, size_t n, enum landlock_may may)
{
	if (n > SANDBOX_PATHS_MAX - r->n)
		return false;
	for (size_t i = 0; i < n; i++)
		r->list[r->n++] = (struct landlock_rule){ paths[i], may };
	return true;
}

/* What is loaded and set up on first use, used now. */
static void prepare(const struct profile *p)
{
	struct addrinfo *list = NULL;

	for (size_t i = 0; i < p->n_databases; i++)
		nss_load(p->databases[i]);
	if (p->net == LANDLOCK_NET_FREE && getaddrinfo("localhost", NULL, NULL, &list) == 0)
		freeaddrinfo(list);
}

/* A missing half leaves its sentence, and the other half is put up all the same. */
static int both(enum sandbox_profile profile, const struct sandbox_opts *opts, const struct rules *rules,
		struct sandbox *out, struct why *why)
{
	struct why second;
	int err = landlock_restrict(rules->list, rules->n, profiles[profile].net, why), err2;

	if (err && err != ERR_NOT_FOUND)
		return err;
	out->landlock = err ? 0 : landlock_abi();
	err2 = syscalls_limit(profile, opts->unix_sockets, opts->n_sockets > 0, &second);
	out->seccomp = !err2;
	if (err2 && why)
		*why = second;
	return err2 ? err2 : err;
}

int sandbox_apply(enum sandbox_profile profile, const struct sandbox_opts *opts, struct sandbox *out, struct why *why)
{
	const struct profile *p = &profiles[profile];
	struct rules rules = { .n = 0 };

	*out = (struct sandbox){ 0 };
	if (!add(&rules, p->read, p->reads, LANDLOCK_MAY_READ) ||
	    !add(&rules, opts->read, opts->reads, LANDLOCK_MAY_READ) ||
	    !add(&rules, opts->sockets, opts->n_sockets, LANDLOCK_MAY_SOCKETS))
		return why_set(why, ERR_LIMIT, "sandbox: more than %d paths", SANDBOX_PATHS_MAX);
	prepare(p);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return why_set(why, ERR_IO, "sandbox: PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	return both(profile, opts, &rules, out, why);
}
