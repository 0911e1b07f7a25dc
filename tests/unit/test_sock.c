/* Sockets: what cannot be listened on and what is said about it, both families, and how streams end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/sock.h"

/* What the kernel would say next time. 0: it is asked. */
static struct {
	int socket6, bind6, bind6_times, accept_first;
} kernel;

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *sa, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n);
int __real_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags);

int __wrap_socket(int family, int type, int protocol)
{
	if (family == AF_INET6 && kernel.socket6) {
		errno = kernel.socket6;
		return -1;
	}
	return __real_socket(family, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n)
{
	if (sa->sa_family == AF_INET6 && kernel.bind6 && kernel.bind6_times-- > 0) {
		errno = kernel.bind6;
		return -1;
	}
	return __real_bind(fd, sa, n);
}

int __wrap_accept4(int fd, struct sockaddr *sa, socklen_t *n, int flags)
{
	if (kernel.accept_first) {
		errno = kernel.accept_first;
		kernel.accept_first = 0;
		return -1;
	}
	return __real_accept4(fd, sa, n, flags);
}

static int setup(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

struct made {
	int fds[LISTEN_MAX];
	size_t n;
	uint16_t port;
	struct why why;
};

static int try_listen(const struct listen_spec *spec, struct made *m)
{
	memset(m, 0, sizeof(*m));
	return sock_listen(spec, m->fds, &m->n, &m->port, &m->why);
}

static void listen_or_fail(const struct listen_spec *spec, struct made *m)
{
	if (try_listen(spec, m))
		fail_msg("%s", m->why.text);
}

static void close_made(struct made *m)
{
	while (m->n)
		sock_close(m->fds[--m->n]);
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static bool has_v6(void)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = __real_socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && __real_bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	sock_close(fd);
	return yes;
}

static int dial_port(int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = __real_socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr = in6addr_loopback;
	if (connect(fd, family == AF_INET ? (void *)&v4 : (void *)&v6, family == AF_INET ? sizeof(v4) : sizeof(v6))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void bad_addresses(void **state)
{
	static const struct {
		const char *name;
		struct listen_spec spec;
		int err;
		const char *text;
	} cases[] = {
		{ "not ours",
		  { .host = "203.0.113.77", .port = 9 },
		  ERR_IO,
		  "cannot listen on 203.0.113.77:9: Cannot assign requested address" },
		{ "v6 not ours",
		  { .host = "2001:db8::77", .port = 2009 },
		  ERR_IO,
		  "cannot listen on [2001:db8::77]:2009: Cannot assign requested address" },
		{ "wrong family",
		  { .host = "127.0.0.1", .family = AF_INET6 },
		  ERR_NOT_FOUND,
		  "cannot listen on 127.0.0.1:0: Address family for hostname not supported" },
		{ "control bytes",
		  { .host = "a\x1b[2Jb", .port = 7 },
		  ERR_NOT_FOUND,
		  "cannot listen on a\\x1b[2Jb:7: " },
		{ "empty path", { .path = "" }, ERR_SYNTAX, "cannot listen: the path of a unix socket is empty" },
		{ "long path",
		  { .path = "/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
			    "01234567890123456789012345678901234" },
		  ERR_SYNTAX,
		  "cannot listen: the path of a unix socket is longer than 107 bytes: /tmp/01234" },
		{ "no directory",
		  { .path = "/nonexistent/s" },
		  ERR_IO,
		  "cannot listen on /nonexistent/s: No such file or directory" },
		{ "not a socket",
		  { .path = "/etc/passwd" },
		  ERR_IO,
		  "cannot listen on /etc/passwd: it exists and is not a socket" },
		{ "never removed",
		  { .path = "/etc/passwd", .unlink = true },
		  ERR_DENIED,
		  "cannot listen on /etc/passwd: it exists and is not a socket" },
	};
	int before = lowest_free_fd();
	struct made m;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int err = try_listen(&cases[i].spec, &m);

		if (err != cases[i].err || strncmp(m.why.text, cases[i].text, strlen(cases[i].text)))
			fail_msg("%s: %d \"%s\"", cases[i].name, err, m.why.text);
	}
	assert_int_equal(lowest_free_fd(), before);
}

static void privileged_port(void **state)
{
	const struct listen_spec spec = { .host = "127.0.0.1", .port = 1 };
	uid_t old = geteuid();
	struct made m;
	unsigned limit = 1024;
	char want[WHY_MAX];
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
	int err;

	(void)state;
	if (f && fscanf(f, "%u", &limit) != 1)
		limit = 1024;
	if (f)
		fclose(f);
	if (limit <= 1)
		skip(); /* this host lets everybody bind every port */
	if (old == 0)
		assert_int_equal(seteuid(65534), 0);
	err = try_listen(&spec, &m);
	if (old == 0)
		assert_int_equal(seteuid(0), 0);
	snprintf(want, sizeof(want),
		 "cannot listen on 127.0.0.1:1: Permission denied (ports below %u need root or CAP_NET_BIND_SERVICE)",
		 limit);
	assert_int_equal(err, ERR_DENIED);
	assert_string_equal(m.why.text, want);
}

static void in_use_by_this_process(void **state)
{
	struct listen_spec spec = { .host = "127.0.0.1" };
	struct made m, again;
	char want[WHY_MAX];

	(void)state;
	listen_or_fail(&spec, &m);
	spec.port = m.port;
	assert_int_equal(try_listen(&spec, &again), ERR_IN_USE);
	snprintf(want, sizeof(want), "cannot listen on 127.0.0.1:%u: Address already in use (held by this process)",
		 m.port);
	assert_string_equal(again.why.text, want);
	spec.brief = true;
	assert_int_equal(try_listen(&spec, &again), ERR_IN_USE);
	*strstr(want, " (held") = '\0';
	assert_string_equal(again.why.text, want);
	spec.brief = false;
	spec.host = "*"; /* the wildcard meets the same holder */
	assert_int_equal(try_listen(&spec, &again), ERR_IN_USE);
	assert_non_null(strstr(again.why.text, "Address already in use (held by this process)"));
	close_made(&m);
}

/* A child that holds the spec until its pipe closes. Gives its port. */
static pid_t start_holder(const struct listen_spec *spec, int *gate, uint16_t *port)
{
	int ready[2], hold[2];
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct made m;
		char c;

		close(hold[1]);
		prctl(PR_SET_NAME, "evil\x1b[1m");
		if (try_listen(spec, &m) || write(ready[1], &m.port, sizeof(m.port)) != sizeof(m.port))
			_exit(1);
		_exit(read(hold[0], &c, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(hold[0]);
	assert_int_equal(read(ready[0], port, sizeof(*port)), sizeof(*port));
	close(ready[0]);
	*gate = hold[1];
	return pid;
}

static void end_holder(pid_t pid, int gate)
{
	int status;

	close(gate);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void in_use_by_another(void **state)
{
	static const struct listen_spec any = { .host = "127.0.0.1" };
	struct listen_spec spec = { .host = "localhost" };
	char want[WHY_MAX];
	struct made m;
	int gate;
	pid_t pid = start_holder(&any, &gate, &spec.port);

	(void)state;
	assert_int_equal(try_listen(&spec, &m), ERR_IN_USE);
	snprintf(want, sizeof(want),
		 "cannot listen on 127.0.0.1:%u: Address already in use (held by evil\\x1b[1m, pid %d)", spec.port,
		 (int)pid);
	assert_string_equal(m.why.text, want);
	end_holder(pid, gate);
	listen_or_fail(&spec, &m); /* and free afterwards */
	close_made(&m);
}

static void the_holder_of_v6_is_found(void **state)
{
	static const struct listen_spec any = { .host = "::1" };
	struct listen_spec spec = { .host = "localhost" };
	int gate, before;
	struct made m;
	pid_t pid;

	(void)state;
	if (!has_v6())
		skip();
	pid = start_holder(&any, &gate, &spec.port);
	before = lowest_free_fd();
	/* 127.0.0.1 is free, but localhost means both: one alone would hand the other to a stranger. */
	assert_int_equal(try_listen(&spec, &m), ERR_IN_USE);
	assert_non_null(strstr(m.why.text, "cannot listen on [::1]:"));
	assert_non_null(strstr(m.why.text, "held by evil\\x1b[1m, pid"));
	assert_int_equal(lowest_free_fd(), before);
	end_holder(pid, gate);
}

static void both_families_same_port(void **state)
{
	static const struct listen_spec specs[] = {
		{ .host = NULL }, { .host = "localhost" }, { .host = "LocalHost" }, { .host = "*" }, { .host = "" }
	};
	struct made m;

	(void)state;
	for (size_t i = 0; i < LEN(specs); i++) {
		listen_or_fail(&specs[i], &m);
		assert_int_equal(m.n, has_v6() ? 2 : 1);
		assert_int_not_equal(m.port, 0);
		for (size_t k = 0; k < m.n; k++) {
			struct addr a, from;
			int fd, peer;

			sock_name(m.fds[k], &a);
			assert_int_equal(addr_port(&a), m.port);
			peer = dial_port(a.sa.ss_family, m.port);
			assert_true(peer >= 0);
			assert_int_equal(sock_accept(m.fds[k], &fd, &from), ACCEPT_ONE);
			close(fd);
			close(peer);
		}
		close_made(&m);
	}
}

static void one_family_when_asked(void **state)
{
	static const struct {
		struct listen_spec spec;
		const char *text;
	} cases[] = {
		{ { .host = "localhost", .family = AF_INET }, "127.0.0.1" },
		{ { .host = "127.0.0.1" }, "127.0.0.1" },
		{ { .host = "*", .family = AF_INET }, "0.0.0.0" },
		{ { .host = "localhost", .family = AF_INET6 }, "::1" },
		{ { .host = "::1" }, "::1" },
		{ { .host = "", .family = AF_INET6 }, "::" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char text[ADDR_TEXT];
		struct made m;
		struct addr a;
		uint16_t port;

		if (strchr(cases[i].text, ':') && !has_v6())
			continue;
		listen_or_fail(&cases[i].spec, &m);
		assert_int_equal(m.n, 1);
		sock_name(m.fds[0], &a);
		addr_text(&a, text, &port);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(port, m.port);
		close_made(&m);
	}
}

static void a_missing_family_does_not_count(void **state)
{
	static const struct listen_spec both = { .host = "localhost" }, six = { .host = "::1", .port = 4 };
	struct made m;

	(void)state;
	kernel.socket6 = EAFNOSUPPORT;
	listen_or_fail(&both, &m);
	assert_int_equal(m.n, 1);
	close_made(&m);
	assert_int_equal(try_listen(&six, &m), ERR_IO);
	assert_string_equal(m.why.text, "cannot listen on [::1]:4: Address family not supported by protocol");

	kernel.socket6 = 0;
	kernel.bind6 = EADDRNOTAVAIL; /* IPv6 switched off by sysctl */
	kernel.bind6_times = 1;
	listen_or_fail(&both, &m);
	assert_int_equal(m.n, 1);
	close_made(&m);
}

static void port_zero_tries_again(void **state)
{
	static const struct listen_spec both = { .host = "localhost" };
	struct made m;
	int before = lowest_free_fd();

	(void)state;
	if (!has_v6())
		skip();
	kernel.bind6 = EADDRINUSE;
	kernel.bind6_times = 3;
	listen_or_fail(&both, &m);
	assert_int_equal(m.n, 2);
	close_made(&m);
	kernel.bind6_times = 1000; /* but not for ever */
	assert_int_equal(try_listen(&both, &m), ERR_IN_USE);
	assert_int_equal(lowest_free_fd(), before);
}

static void accept_says_what_to_do(void **state)
{
	static const struct {
		int e;
		enum accept_result want;
	} cases[] = {
		{ EMFILE, ACCEPT_FULL },      { ENFILE, ACCEPT_FULL }, { ENOMEM, ACCEPT_FULL },
		{ ENOBUFS, ACCEPT_FULL },     { EBADF, ACCEPT_FULL },  { EAGAIN, ACCEPT_NONE },
		{ ECONNABORTED, ACCEPT_ONE }, { EPROTO, ACCEPT_ONE },  { EINTR, ACCEPT_ONE },
		{ ENETDOWN, ACCEPT_ONE },     { 0, ACCEPT_ONE },
	};
	static const struct listen_spec spec = { .host = "127.0.0.1" };
	struct addr from;
	struct made m;
	int fd;

	(void)state;
	listen_or_fail(&spec, &m);
	assert_int_equal(sock_accept(m.fds[0], &fd, &from), ACCEPT_NONE);
	for (size_t i = 0; i < LEN(cases); i++) {
		int peer = dial_port(AF_INET, m.port);
		enum accept_result r;

		kernel.accept_first = cases[i].e;
		r = sock_accept(m.fds[0], &fd, &from);
		assert_int_equal(r, cases[i].want);
		if (r != ACCEPT_ONE) /* it waits until it is asked again */
			assert_int_equal(sock_accept(m.fds[0], &fd, &from), ACCEPT_ONE);
		close(fd);
		close(peer);
	}
	close_made(&m);
}

struct pair {
	int ours, theirs;
};

static void connect_pair(struct pair *p)
{
	static const struct listen_spec spec = { .host = "127.0.0.1" };
	struct addr from;
	struct made m;

	listen_or_fail(&spec, &m);
	p->theirs = dial_port(AF_INET, m.port);
	assert_true(p->theirs >= 0);
	assert_int_equal(sock_accept(m.fds[0], &p->ours, &from), ACCEPT_ONE);
	assert_int_equal(from.sa.ss_family, AF_INET);
	close_made(&m);
}

static ssize_t wait_read(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c[16];

	assert_int_equal(poll(&p, 1, 10000), 1);
	return read(fd, c, sizeof(c));
}

static void accepted_sockets_are_prepared(void **state)
{
	struct pair p;
	int on = 0;
	socklen_t n = sizeof(on);

	(void)state;
	connect_pair(&p);
	assert_true(fcntl(p.ours, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(p.ours, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(p.ours, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	assert_int_equal(on, 1);
	assert_int_equal(fcntl(p.theirs, F_SETFD, 0), 0);
	sock_prepare(p.theirs);
	assert_true(fcntl(p.theirs, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(p.theirs, F_GETFD) & FD_CLOEXEC);
	on = 0;
	assert_int_equal(getsockopt(p.theirs, IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	assert_int_equal(on, 1);
	sock_keepalive(p.ours, true);
	assert_int_equal(getsockopt(p.ours, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
	assert_int_equal(on, 1);
	sock_tos(p.ours, 0x48);
	assert_int_equal(getsockopt(p.ours, IPPROTO_IP, IP_TOS, &on, &n), 0);
	assert_int_equal(on, 0x48);
	sock_close(p.ours);
	sock_close(p.theirs);
}

static void ipv6_has_a_traffic_class(void **state)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0), got = 0;
	socklen_t n = sizeof(got);

	(void)state;
	if (fd < 0)
		skip(); /* a kernel without IPv6 */
	sock_tos(fd, 0x48);
	assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &got, &n), 0);
	assert_int_equal(got, 0x48);
	close(fd);
}

static void a_reset_is_seen_as_a_reset(void **state)
{
	struct pair p;

	(void)state;
	connect_pair(&p);
	sock_reset(p.ours);
	assert_int_equal(wait_read(p.theirs), -1);
	assert_int_equal(errno, ECONNRESET);
	close(p.theirs);
}

static void an_end_is_seen_as_an_end(void **state)
{
	struct iovec out = { .iov_base = (char[]){ "bye" }, .iov_len = 3 };
	struct pair p;
	char c[8];
	struct iovec in = { .iov_base = c, .iov_len = sizeof(c) };

	(void)state;
	connect_pair(&p);
	sock_shut(p.ours);
	assert_int_equal(wait_read(p.theirs), 0);
	/* The other direction is still open. */
	assert_int_equal(sock_readv(p.ours, &in, 1), SOCK_AGAIN);
	assert_int_equal(sock_writev(p.theirs, &out, 1), 3);
	assert_int_equal(wait_read(p.ours), 3);
	assert_int_equal(sock_writev(p.ours, &out, 1), SOCK_BROKEN);
	assert_int_equal(errno, EPIPE); /* and no SIGPIPE */
	sock_close(p.theirs);
	assert_int_equal(wait_read(p.ours), 0);
	sock_close(p.ours);

	connect_pair(&p);
	sock_close(p.ours);
	assert_int_equal(wait_read(p.theirs), 0);
	sock_close(p.theirs);
	sock_close(-1);
	sock_reset(-1);
}

static void unsent_counts_what_is_under_way(void **state)
{
	static char block[65536];
	struct iovec out = { .iov_base = block, .iov_len = sizeof(block) };
	struct pair p;
	ssize_t n;

	(void)state;
	connect_pair(&p);
	assert_int_equal(sock_unsent(p.ours), 0);
	assert_int_equal(sock_unsent(-1), 0);
	while ((n = sock_writev(p.ours, &out, 1)) > 0)
		;
	assert_int_equal(n, SOCK_AGAIN);
	assert_true(sock_unsent(p.ours) > 0);
	sock_shut(p.ours);
	while (read(p.theirs, block, sizeof(block)) > 0)
		;
	/* The last acknowledgement may be delayed. */
	for (int i = 0; sock_unsent(p.ours) && i < 10000; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(sock_unsent(p.ours), 0);
	sock_close(p.ours);
	sock_close(p.theirs);
}

/* What was on the way to it will never be acknowledged. */
static void nothing_is_under_way_to_who_has_reset(void **state)
{
	static char block[65536];
	struct iovec out = { .iov_base = block, .iov_len = sizeof(block) };
	struct pair p;

	(void)state;
	connect_pair(&p);
	while (sock_writev(p.ours, &out, 1) > 0)
		;
	sock_reset(p.theirs);
	for (int i = 0; sock_unsent(p.ours) && i < 1000; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(sock_unsent(p.ours), 0);
	sock_close(p.ours);
}

static void unix_listener(void **state)
{
	char dir[] = "/tmp/test_sock.XXXXXX", path[64], moved[64];
	struct listen_spec spec = { .path = path, .mask = 0177 };
	struct sock_file file, other;
	struct made m, second;
	struct stat st;
	mode_t mask;
	int gate;
	pid_t pid;
	uint16_t port;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(moved, sizeof(moved), "%s/t", dir);
	mask = umask(022);
	listen_or_fail(&spec, &m);
	assert_int_equal(umask(mask), 022); /* put back */
	assert_int_equal(m.n, 1);
	assert_int_equal(m.port, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sock_file_of(m.fds[0], &file);

	/* Held, left behind, replaced. */
	assert_int_equal(try_listen(&spec, &second), ERR_IN_USE);
	assert_non_null(strstr(second.why.text, "Address already in use (held by this process; StreamLocalBindUnlink"));
	close_made(&m);
	assert_int_equal(try_listen(&spec, &second), ERR_IN_USE);
	assert_non_null(strstr(second.why.text, "(left behind by a process that is gone; StreamLocalBindUnlink"));
	spec.unlink = true;
	listen_or_fail(&spec, &m);

	/* Another socket that has the name by now is not ours to remove. */
	assert_int_equal(rename(path, moved), 0);
	listen_or_fail(&spec, &second);
	sock_file_of(second.fds[0], &other);
	sock_file_of(m.fds[0], &file);
	assert_int_equal(file.ino, other.ino);
	assert_int_equal(stat(moved, &st), 0);
	file.ino = st.st_ino; /* as it was noted when it was bound */
	sock_file_remove(m.fds[0], &file);
	assert_int_equal(access(path, F_OK), 0);
	sock_file_remove(second.fds[0], &other);
	assert_int_equal(access(path, F_OK), -1);
	sock_file_remove(second.fds[0], &other);
	close_made(&second);
	close_made(&m);

	spec.unlink = false;
	pid = start_holder(&spec, &gate, &port);
	assert_int_equal(try_listen(&spec, &second), ERR_IN_USE);
	assert_non_null(strstr(second.why.text, "(held by evil\\x1b[1m, pid"));
	end_holder(pid, gate);
	unlink(path);
	unlink(moved);
	assert_int_equal(rmdir(dir), 0);
}

static void a_foreign_socket_stays(void **state)
{
	char dir[] = "/tmp/test_sock.XXXXXX", path[64];
	struct listen_spec spec = { .path = path, .mask = 0177, .unlink = true };
	struct made m;

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can make a socket of somebody else */
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	listen_or_fail(&spec, &m);
	close_made(&m);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(try_listen(&spec, &m), ERR_DENIED);
	assert_non_null(strstr(m.why.text, "the socket there belongs to uid 65534"));
	unlink(path);
	rmdir(dir);
}

static void names(void **state)
{
	char text[ADDR_TEXT];
	struct addr a = { .len = 0 };
	uint16_t port = 7;

	(void)state;
	addr_text(&a, text, &port);
	assert_string_equal(text, "unknown");
	sock_name(-1, &a);
	addr_text(&a, text, NULL);
	assert_string_equal(text, "unknown");
	assert_int_equal(addr_unix(&a, "/x", NULL), OK);
	addr_text(&a, text, &port);
	assert_string_equal(text, "unix");
	assert_int_equal(port, 0);
}

/* Loopback as a whole, what the interfaces have, and nothing else. */
static void addresses_of_this_host(void **state)
{
	static const struct {
		const char *text;
		bool here;
	} rows[] = {
		{ "203.0.113.1", false }, { "2001:db8::1", false },	 { "0.0.0.0", false },
		{ "::", false },	  { "::ffff:127.0.0.1", false }, { "128.0.0.1", false },
		{ "127.0.0.1", true },	  { "127.255.255.254", true },	 { "::1", true },
	};
	struct ifaddrs *list;
	struct addr a;
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		assert_int_equal(ip_parse(&ip, rows[i].text), OK);
		if (addr_is_here(&ip) != rows[i].here)
			fail_msg("%s: not %d", rows[i].text, rows[i].here);
	}
	assert_int_equal(getifaddrs(&list), 0);
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&a.sa, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_true(addr_ip(&a, &ip) && addr_is_here(&ip));
	}
	freeifaddrs(list);
}

static void sockets_for_both_families(void **state)
{
	int four = socket(AF_INET, SOCK_STREAM, 0), six = socket(AF_INET6, SOCK_STREAM, 0);
	int local = socket(AF_UNIX, SOCK_STREAM, 0), on = 1, off = 0;

	(void)state;
	assert_false(sock_is_dual(-1));
	assert_false(sock_is_dual(local));
	assert_false(sock_is_dual(four));
	setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	assert_true(sock_is_dual(six));
	setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	assert_false(sock_is_dual(six));
	close(local);
	close(four);
	close(six);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(bad_addresses),
		T(privileged_port),
		T(in_use_by_this_process),
		T(in_use_by_another),
		T(the_holder_of_v6_is_found),
		T(a_missing_family_does_not_count),
		T(port_zero_tries_again),
		T(accept_says_what_to_do),
		T(a_foreign_socket_stays),
		T(both_families_same_port),
		T(one_family_when_asked),
		T(accepted_sockets_are_prepared),
		T(ipv6_has_a_traffic_class),
		T(a_reset_is_seen_as_a_reset),
		T(an_end_is_seen_as_an_end),
		T(unsent_counts_what_is_under_way),
		T(nothing_is_under_way_to_who_has_reset),
		T(unix_listener),
		T(names),
		T(addresses_of_this_host),
		T(sockets_for_both_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
