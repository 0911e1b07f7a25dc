/* The limit of descriptors, asked each time: prlimit(1) may change it while we run. */
#include "io/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t descriptors_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return r.rlim_cur;
}

bool descriptor_leaves(int fd, unsigned reserve)
{
	uint64_t limit = reserve ? descriptors_limit() : UINT64_MAX;

	return limit > reserve && (uint64_t)fd < limit - reserve;
}

bool descriptors_left(unsigned reserve)
{
	bool left;
	int fd;

	if (!reserve)
		return true;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0); /* sys_start() has seen to it that there is one */
	if (fd < 0)
		return false;
	left = descriptor_leaves(fd, reserve);
	(void)close(fd);
	return left;
}
