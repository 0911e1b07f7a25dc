/* The system calls of the two profiles. What is in no row does not exist for the process: it answers ENOSYS, because
 * the libraries know that answer of older kernels and then take another way (clone3() becomes clone(), whose flags can
 * be seen; libuv asks for io_uring and does without). What nothing of ours ever does, and what only somebody else's
 * code in our process would, ends the process on the spot, so that it is noticed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sandbox.h"

enum {
	W = 1, /* workers */
	G = 2, /* the guard */
	U = 4, /* who may use unix sockets */
	M = 8, /* who may make their files */
	ALL = W | G,
};

static const struct {
	int call;
	unsigned who;
} plain[] = {
	/* streams and messages */
	{ SCMP_SYS(read), ALL },
	{ SCMP_SYS(readv), ALL },
	{ SCMP_SYS(write), ALL },
	{ SCMP_SYS(writev), ALL },
	{ SCMP_SYS(close), ALL },
	{ SCMP_SYS(recvmsg), ALL },
	{ SCMP_SYS(sendmsg), ALL },
	{ SCMP_SYS(recvfrom), W | U },
	{ SCMP_SYS(sendto), W | U },
	{ SCMP_SYS(recv), W | U },
	{ SCMP_SYS(send), W | U },
	{ SCMP_SYS(recvmmsg), W },
	{ SCMP_SYS(sendmmsg), W },
	{ SCMP_SYS(connect), W | U },
	{ SCMP_SYS(bind), W },
	{ SCMP_SYS(listen), W },
	{ SCMP_SYS(accept), W },
	{ SCMP_SYS(accept4), W },
	{ SCMP_SYS(shutdown), ALL },
	{ SCMP_SYS(getsockname), ALL },
	{ SCMP_SYS(getpeername), ALL },
	{ SCMP_SYS(getsockopt), ALL },
	{ SCMP_SYS(pipe2), ALL },
	{ SCMP_SYS(dup), ALL },
	/* the loop */
	{ SCMP_SYS(epoll_create1), ALL },
	{ SCMP_SYS(epoll_ctl), ALL },
	{ SCMP_SYS(epoll_wait), ALL },
	{ SCMP_SYS(epoll_pwait), ALL },
	{ SCMP_SYS(eventfd2), ALL },
	{ SCMP_SYS(poll), ALL },
	{ SCMP_SYS(ppoll), ALL },
	/* memory */
	{ SCMP_SYS(brk), ALL },
	{ SCMP_SYS(munmap), ALL },
	{ SCMP_SYS(mremap), ALL },
	{ SCMP_SYS(madvise), ALL },
	{ SCMP_SYS(mlock), ALL },
	{ SCMP_SYS(mlock2), ALL },
	{ SCMP_SYS(munlock), ALL },
	/* threads and signals */
	{ SCMP_SYS(futex), ALL },
	{ SCMP_SYS(futex_time64), ALL },
	{ SCMP_SYS(set_robust_list), ALL },
	{ SCMP_SYS(rseq), ALL },
	{ SCMP_SYS(sched_yield), ALL },
	{ SCMP_SYS(sched_getaffinity), ALL },
	{ SCMP_SYS(getcpu), ALL },
	{ SCMP_SYS(rt_sigaction), ALL },
	{ SCMP_SYS(rt_sigprocmask), ALL },
	{ SCMP_SYS(rt_sigreturn), ALL },
	{ SCMP_SYS(sigaltstack), ALL },
	{ SCMP_SYS(restart_syscall), ALL },
	{ SCMP_SYS(exit), ALL },
	{ SCMP_SYS(exit_group), ALL },
	/* facts */
	{ SCMP_SYS(getrandom), ALL },
	{ SCMP_SYS(clock_gettime), ALL },
	{ SCMP_SYS(clock_gettime64), ALL },
	{ SCMP_SYS(clock_getres), ALL },
	{ SCMP_SYS(clock_nanosleep), ALL },
	{ SCMP_SYS(nanosleep), ALL },
	{ SCMP_SYS(gettimeofday), ALL },
	{ SCMP_SYS(time), ALL },
	{ SCMP_SYS(getpid), ALL },
	{ SCMP_SYS(getppid), ALL },
	{ SCMP_SYS(gettid), ALL },
	{ SCMP_SYS(getuid), ALL },
	{ SCMP_SYS(geteuid), ALL },
	{ SCMP_SYS(getgid), ALL },
	{ SCMP_SYS(getegid), ALL },
	{ SCMP_SYS(uname), ALL },
	{ SCMP_SYS(sysinfo), ALL },
	{ SCMP_SYS(getrlimit), ALL },
	{ SCMP_SYS(ugetrlimit), ALL },
	/* files: opened further down */
	{ SCMP_SYS(pread64), ALL },
	{ SCMP_SYS(lseek), ALL },
	{ SCMP_SYS(_llseek), ALL },
	{ SCMP_SYS(fstat), ALL },
	{ SCMP_SYS(stat), ALL },
	{ SCMP_SYS(lstat), ALL },
	{ SCMP_SYS(newfstatat), ALL },
	{ SCMP_SYS(statx), ALL },
	{ SCMP_SYS(fstat64), ALL },
	{ SCMP_SYS(fstatat64), ALL },
	{ SCMP_SYS(readlink), G },
	{ SCMP_SYS(readlinkat), G },
	{ SCMP_SYS(umask), M },
	{ SCMP_SYS(unlink), M },
	{ SCMP_SYS(unlinkat), M },
	/* other users */
	{ SCMP_SYS(setresuid), G },
	{ SCMP_SYS(setresgid), G },
	{ SCMP_SYS(setgroups), G },
	{ SCMP_SYS(getresuid), G },
	{ SCMP_SYS(getresgid), G },
	{ SCMP_SYS(getgroups), G },
	{ SCMP_SYS(capget), G },
	{ SCMP_SYS(capset), G },
};

/* A condition on an argument of 32 bits: the kernel shows 64, and the upper half of an int may be anything. */
#define ARG_MASK(n, mask, value)                                                         \
	{                                                                                \
		(n), SCMP_CMP_MASKED_EQ, UINT32_MAX &(uint32_t)(mask), (uint32_t)(value) \
	}
#define ARG(n, value) ARG_MASK(n, UINT32_MAX, value)
#define TYPE(value)   ARG_MASK(1, ~(SOCK_NONBLOCK | SOCK_CLOEXEC), value)
/* Open for reading, without making or changing anything; O_TMPFILE needs a mode for writing. */
#define READ_ONLY(n) ARG_MASK(n, O_ACCMODE | O_CREAT | O_TRUNC, 0)
#define NOT_EXEC     ARG_MASK(2, PROT_EXEC, 0)
#define SETS(level, name)                           \
	{                                           \
		SCMP_SYS(setsockopt), W, 2,         \
		{                                   \
			ARG(1, level), ARG(2, name) \
		}                                   \
	}

enum { THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD };

/* Allowed when all conditions of a row hold. */
static const struct {
	int call;
	unsigned who;
	unsigned n;
	struct scmp_arg_cmp args[3];
} limited[] = {
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET), TYPE(SOCK_STREAM), ARG(2, 0) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET), TYPE(SOCK_STREAM), ARG(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET), TYPE(SOCK_DGRAM), ARG(2, 0) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET), TYPE(SOCK_DGRAM), ARG(2, IPPROTO_UDP) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET6), TYPE(SOCK_STREAM), ARG(2, 0) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET6), TYPE(SOCK_STREAM), ARG(2, IPPROTO_TCP) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET6), TYPE(SOCK_DGRAM), ARG(2, 0) } },
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_INET6), TYPE(SOCK_DGRAM), ARG(2, IPPROTO_UDP) } },
	/* getaddrinfo() asks the kernel which addresses this host has: NETLINK_ROUTE is 0 */
	{ SCMP_SYS(socket), W, 3, { ARG(0, AF_NETLINK), TYPE(SOCK_RAW), ARG(2, 0) } },
	{ SCMP_SYS(socket), U, 2, { ARG(0, AF_UNIX), TYPE(SOCK_STREAM) } },
	SETS(SOL_SOCKET, SO_REUSEADDR),
	SETS(SOL_SOCKET, SO_KEEPALIVE),
	SETS(SOL_SOCKET, SO_LINGER),
	SETS(SOL_SOCKET, SO_RCVLOWAT),
	SETS(SOL_SOCKET, SO_RCVBUF),
	SETS(SOL_SOCKET, SO_SNDBUF),
	SETS(IPPROTO_TCP, TCP_NODELAY),
	SETS(IPPROTO_TCP, TCP_QUICKACK),
	SETS(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
	SETS(IPPROTO_TCP, TCP_KEEPIDLE),
	SETS(IPPROTO_TCP, TCP_KEEPINTVL),
	SETS(IPPROTO_TCP, TCP_KEEPCNT),
	SETS(IPPROTO_TCP, TCP_USER_TIMEOUT),
	SETS(IPPROTO_IP, IP_TOS),
	SETS(IPPROTO_IP, IP_RECVERR),
	SETS(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
	SETS(IPPROTO_IPV6, IPV6_V6ONLY),
	SETS(IPPROTO_IPV6, IPV6_TCLASS),
	SETS(IPPROTO_IPV6, IPV6_RECVERR),
	{ SCMP_SYS(fcntl), ALL, 1, { ARG(1, F_GETFD) } },
	{ SCMP_SYS(fcntl), ALL, 1, { ARG(1, F_SETFD) } },
	{ SCMP_SYS(fcntl), ALL, 1, { ARG(1, F_GETFL) } },
	{ SCMP_SYS(fcntl), ALL, 1, { ARG(1, F_SETFL) } },
	{ SCMP_SYS(fcntl), ALL, 1, { ARG(1, F_DUPFD_CLOEXEC) } },
	{ SCMP_SYS(ioctl), ALL, 1, { ARG(1, FIONBIO) } },
	{ SCMP_SYS(ioctl), ALL, 1, { ARG(1, FIONREAD) } },
	{ SCMP_SYS(ioctl), ALL, 1, { ARG(1, FIOCLEX) } },
	{ SCMP_SYS(ioctl), W, 1, { ARG(1, SIOCOUTQ) } },
	{ SCMP_SYS(ioctl), W, 1, { ARG(1, SIOCGIFINDEX) } }, /* fe80::1%eth0 */
	{ SCMP_SYS(ioctl), W, 1, { ARG(1, SIOCGIFNAME) } },
	{ SCMP_SYS(open), ALL, 1, { READ_ONLY(1) } },
	{ SCMP_SYS(openat), ALL, 1, { READ_ONLY(2) } },
	{ SCMP_SYS(mmap), ALL, 1, { NOT_EXEC } },
	{ SCMP_SYS(mmap2), ALL, 1, { NOT_EXEC } },
	{ SCMP_SYS(mprotect), ALL, 1, { NOT_EXEC } },
	{ SCMP_SYS(clone),
	  ALL,
	  1,
	  { ARG_MASK(0,
		     THREAD | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
			     CLONE_NEWCGROUP,
		     THREAD) } },
	{ SCMP_SYS(prctl), ALL, 1, { ARG(0, PR_SET_NAME) } },
	{ SCMP_SYS(prctl), G, 2, { ARG(0, PR_SET_DUMPABLE), ARG(1, 0) } },
	{ SCMP_SYS(prctl), G, 1, { ARG(0, PR_SET_PDEATHSIG) } },
	{ SCMP_SYS(prctl), G, 1, { ARG(0, PR_GET_PDEATHSIG) } },
	{ SCMP_SYS(prlimit64), ALL, 1, { ARG(0, 0) } }, /* our own */
};

/* Ends the process. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(process_madvise),
	SCMP_SYS(kcmp),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(acct),
	SCMP_SYS(personality),
	SCMP_SYS(iopl),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
};

static int add_plain(scmp_filter_ctx ctx, unsigned who)
{
	int e = 0;

	for (size_t i = 0; !e && i < LEN(plain); i++)
		if (plain[i].who & who)
			e = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, plain[i].call, 0, NULL);
	return e;
}

static int add_limited(scmp_filter_ctx ctx, unsigned who)
{
	/* To itself and nobody else: abort(), raise(). */
	const struct scmp_arg_cmp self = ARG(0, getpid());
	int e = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);

	for (size_t i = 0; !e && i < LEN(limited); i++)
		if (limited[i].who & who)
			e = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, limited[i].call, limited[i].n, limited[i].args);
	return e;
}

static int add_deadly(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp process = ARG_MASK(0, CLONE_THREAD, 0);
	int e = seccomp_rule_add_array(ctx, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1, &process);

	for (size_t i = 0; !e && i < LEN(deadly); i++)
		e = seccomp_rule_add_array(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
	return e;
}

static int build(scmp_filter_ctx ctx, unsigned who)
{
	/* All threads at once; the kernel's own words for an error; a tree instead of a list. */
	int e = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);

	if (!e)
		e = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	if (!e)
		e = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!e)
		e = add_plain(ctx, who);
	if (!e)
		e = add_limited(ctx, who);
	return e ? e : add_deadly(ctx);
}

static int reason(int e, struct why *why)
{
	if (e == -ENOSYS || e == -EINVAL)
		return why_set(why, ERR_NOT_FOUND, "this kernel has no seccomp filters");
	return why_set(why, e == -ENOMEM ? ERR_NOMEM : ERR_IO, "seccomp: %s", strerror(-e));
}

int syscalls_limit(enum sandbox_profile profile, bool unix_sockets, bool make_sockets, struct why *why)
{
	unsigned who = (profile == SANDBOX_WORKER ? W : G) | (unix_sockets ? U : 0) | (make_sockets ? M : 0);
	scmp_filter_ctx ctx;
	int e;

	/* What libseccomp makes of a kernel without it is the same error as for a mistake of ours. */
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return why_set(why, ERR_NOT_FOUND, "this kernel has no seccomp");
	ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!ctx)
		return why_set(why, ERR_NOMEM, "seccomp: out of memory");
	e = build(ctx, who);
	if (e) {
		seccomp_release(ctx);
		return why_set(why, ERR_IO, "seccomp: a rule does not fit: %s", strerror(-e));
	}
	e = seccomp_load(ctx);
	seccomp_release(ctx);
	return e ? reason(e, why) : OK;
}
