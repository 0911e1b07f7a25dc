/* The three system calls of Landlock, which glibc does not wrap. */
#include "io/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The header of the build machine may be older than the running kernel. These are the kernel's interface. */
enum {
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_BIND_TCP = 1 << 0,
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT_UNIX = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
	FS_FIRST = (1 << 13) - 1, /* all that version 1 has */
};

/* struct landlock_ruleset_attr as of version 6; a kernel that knows less accepts it if the rest is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* What came with which version. */
static const struct {
	int abi;
	struct ruleset adds;
} versions[] = {
	{ 1, { FS_FIRST, 0, 0 } },     { 2, { FS_REFER, 0, 0 } },
	{ 3, { FS_TRUNCATE, 0, 0 } },  { 4, { 0, NET_BIND_TCP | NET_CONNECT_TCP, 0 } },
	{ 5, { FS_IOCTL_DEV, 0, 0 } }, { 6, { 0, 0, SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL } },
};

static const uint64_t rights[] = {
	[LANDLOCK_MAY_READ] = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	[LANDLOCK_MAY_SOCKETS] = LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

int landlock_abi(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return v > 0 ? (int)v : 0;
}

static struct ruleset known(int abi, enum landlock_net net)
{
	struct ruleset all = { 0 };

	for (size_t i = 0; i < LEN(versions) && versions[i].abi <= abi; i++) {
		all.fs |= versions[i].adds.fs;
		all.net |= versions[i].adds.net;
		all.scoped |= versions[i].adds.scoped;
	}
	if (net == LANDLOCK_NET_FREE)
		all.net = 0;
	return all;
}

static bool out_of_reach(int e)
{
	return e == ENOENT || e == ENOTDIR || e == EACCES || e == ELOOP;
}

static int add_rule(int ruleset, const struct landlock_rule *r, struct why *why)
{
	struct landlock_path_beneath_attr at = { .allowed_access = rights[r->may] };
	struct stat st;
	int err = OK;

	at.parent_fd = open(r->path, O_PATH | O_CLOEXEC);
	if (at.parent_fd < 0)
		return out_of_reach(errno) ? OK : why_set(why, ERR_IO, "%s: %s", r->path, strerror(errno));
	if (fstat(at.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) /* the rights of a folder do not exist for a file */
		at.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
	if (at.allowed_access && syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &at, 0))
		err = why_set(why, ERR_IO, "%s: %s", r->path, strerror(errno));
	close(at.parent_fd);
	return err;
}

int landlock_restrict(const struct landlock_rule *rules, size_t n, enum landlock_net net, struct why *why)
{
	int abi = landlock_abi(), err = OK, fd;
	struct ruleset set = known(abi, net);

	if (abi == 0)
		return why_set(why, ERR_NOT_FOUND, "this kernel has no Landlock, or it is not switched on (lsm=)");
	fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	if (fd < 0)
		return why_set(why, ERR_IO, "Landlock: %s", strerror(errno));
	for (size_t i = 0; !err && i < n; i++)
		err = add_rule(fd, &rules[i], why);
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0))
		err = why_set(why, ERR_IO, "%s", strerror(errno));
	close(fd);
	return err ? why_prefix(why, err, "Landlock") : OK;
}
