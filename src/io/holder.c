/* Finds the process behind a port: the socket's inode in /proc/net, then the descriptor with that inode. */
#include "io/holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

struct found {
	unsigned long inode; /* 0: none */
	unsigned uid;
	bool has_uid;
};

enum { TCP_STATE_LISTEN = 0x0a }; /* include/net/tcp_states.h of Linux */

/* The kernel prints addresses as 32-bit words in host order, each as it lies in memory. */
static size_t parse_address(const char *hex, uint32_t word[4])
{
	size_t n = strlen(hex) / 8;

	for (size_t i = 0; i < n && i < 4; i++) {
		char one[9] = { 0 };

		memcpy(one, hex + 8 * i, 8);
		word[i] = (uint32_t)strtoul(one, NULL, 16);
	}
	return n;
}

static bool all_zero(const uint32_t *word, size_t n)
{
	uint32_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= word[i];
	return any == 0;
}

/* Would a listener on `word` (n 32-bit words) keep `a` from being bound? */
static bool in_the_way(const struct addr *a, const uint32_t *word, size_t n)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->sa;
	uint32_t mine[4] = { 0 };
	size_t m = a->sa.ss_family == AF_INET ? 1 : 4;

	memcpy(mine, m == 1 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr, 4 * m);
	if (m != n)
		return n == 4 && (all_zero(word, 4) ||
				  (all_zero(word, 2) && word[2] == htonl(0xffff))); /* a listener for both families */
	return all_zero(word, n) || all_zero(mine, m) || memcmp(word, mine, 4 * n) == 0;
}

static void scan_tcp(const char *table, const struct addr *a, struct found *f)
{
	FILE *in = fopen(table, "re");
	char line[512], hex[33];
	unsigned port, state, uid;
	unsigned long inode;

	if (!in)
		return;
	while (!f->inode && fgets(line, sizeof(line), in)) {
		uint32_t word[4] = { 0 };

		if (sscanf(line, " %*d: %32[0-9A-F]:%x %*s %x %*s %*s %*s %u %*d %lu", hex, &port, &state, &uid,
			   &inode) != 5)
			continue;
		if (port != addr_port(a) || state != TCP_STATE_LISTEN)
			continue;
		if (in_the_way(a, word, parse_address(hex, word)))
			*f = (struct found){ inode, uid, true };
	}
	fclose(in);
}

static void scan_unix(const char *path, struct found *f)
{
	FILE *in = fopen("/proc/net/unix", "re");
	char line[512];
	unsigned long inode;
	int at;

	if (!in)
		return;
	while (!f->inode && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		at = 0;
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %n", &inode, &at) == 1 && at > 0 &&
		    strcmp(line + at, path) == 0)
			*f = (struct found){ .inode = inode };
	}
	fclose(in);
}

static bool has_inode(const char *pid, unsigned long inode)
{
	char path[300], want[64], link[64];
	struct dirent *e;
	bool yes = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	d = opendir(path);
	if (!d)
		return false;
	while (!yes && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link));

		yes = n > 0 && (size_t)n == strlen(want) && memcmp(link, want, (size_t)n) == 0;
	}
	closedir(d);
	return yes;
}

/* 0 when it is not to be seen: another user's, or another namespace's. */
static unsigned long find_process(unsigned long inode)
{
	DIR *d = opendir("/proc");
	unsigned long pid = 0;
	struct dirent *e;

	if (!d)
		return 0;
	while (!pid && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && has_inode(e->d_name, inode))
			pid = strtoul(e->d_name, NULL, 10);
	closedir(d);
	return pid;
}

static void name_process(unsigned long pid, char out[HOLDER_TEXT])
{
	char path[64], comm[64] = "", safe[HOLDER_TEXT / 2];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%lu/comm", pid);
	in = fopen(path, "re");
	if (in) {
		if (!fgets(comm, sizeof(comm), in))
			comm[0] = '\0';
		fclose(in);
	}
	comm[strcspn(comm, "\n")] = '\0';
	/* Anybody may name his process as he likes. */
	str_escape(safe, sizeof(safe), span_str(comm));
	snprintf(out, HOLDER_TEXT, "held by %s, pid %lu", safe[0] ? safe : "a process", pid);
}

static void name_user(unsigned uid, char out[HOLDER_TEXT])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(out, HOLDER_TEXT, "held by a process of user %.64s", pw->pw_name);
	else
		snprintf(out, HOLDER_TEXT, "held by a process of uid %u", uid);
}

void holder_text(const struct addr *a, char out[HOLDER_TEXT])
{
	struct found f = { 0 };
	unsigned long pid;

	out[0] = '\0';
	if (a->sa.ss_family == AF_UNIX) {
		scan_unix(((const struct sockaddr_un *)&a->sa)->sun_path, &f);
	} else {
		scan_tcp("/proc/net/tcp", a, &f);
		scan_tcp("/proc/net/tcp6", a, &f);
	}
	pid = f.inode ? find_process(f.inode) : 0;
	if (pid == (unsigned long)getpid())
		snprintf(out, HOLDER_TEXT, "held by this process");
	else if (pid)
		name_process(pid, out);
	else if (f.has_uid)
		name_user(f.uid, out);
	else if (f.inode)
		snprintf(out, HOLDER_TEXT, "held by a process that cannot be seen");
}
