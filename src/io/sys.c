/* The process and its surroundings. */
#include "io/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LARGE_BLOCK = 64 * 1024 };

int sys_start(struct why *why)
{
	int fd = 0;

	/* open() gives the lowest free number: it fills the gaps, and what is above them is closed again. */
	while (fd >= 0 && fd <= STDERR_FILENO)
		fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return why_set(why, ERR_IO, "/dev/null: %s", strerror(errno));
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	/* Buffers that a burst needed go back to the system at once: glibc would otherwise raise this by itself. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
	(void)mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK);
	return OK;
}

/* Whoever should raise the limits again finds none of our memory in a dump (core(5)). */
static void leave_dumps(void)
{
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "0", 1);
	close(fd);
}

/* All of it is a second line of defence: what the system does not have cannot be asked of it. */
void sys_harden(void)
{
	const struct rlimit none = { 0, 0 };

	leave_dumps();
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int sys_random(void *p, size_t n)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_IO;
		at += got;
		n -= (size_t)got;
	}
	return OK;
}

int sys_user_get(struct sys_user *out, struct why *why)
{
	const struct passwd *pw = getpwuid(getuid());
	struct sys_user u = { .uid = getuid() };

	if (!pw)
		return why_set(why, ERR_NOT_FOUND, "no user exists for uid %u", u.uid);
	u.name = strdup(pw->pw_name);
	u.home = pw->pw_dir && *pw->pw_dir ? strdup(pw->pw_dir) : NULL;
	if (!u.name || (!u.home && pw->pw_dir && *pw->pw_dir)) {
		sys_user_fini(&u);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	*out = u;
	return OK;
}

void sys_user_fini(struct sys_user *u)
{
	free(u->name);
	free(u->home);
	*u = (struct sys_user){ 0 };
}

void sys_hostname(char out[SYS_HOSTNAME])
{
	if (gethostname(out, SYS_HOSTNAME))
		out[0] = '\0';
	out[SYS_HOSTNAME - 1] = '\0';
}

const char *sys_env(void *user, const char *name)
{
	(void)user;
	return getenv(name);
}

uint64_t sys_time_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now); /* it cannot fail for this clock */
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned sys_processors(unsigned most)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)MIN((unsigned long)n, (unsigned long)most);
}

int sys_printed(struct why *why)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return OK;
	return why_set(why, ERR_IO, "cannot write to stdout: %s", errno ? strerror(errno) : "not all of it was taken");
}
