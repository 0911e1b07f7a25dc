/* The sandbox, tried from inside: each profile attempts what it must not do, and does what its role has to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/dial.h"
#include "io/ipc.h"
#include "io/landlock.h"
#include "io/privs.h"
#include "io/resolve.h"
#include "io/sandbox.h"
#include "io/users.h"

enum { KILLED = -1 }; /* as a wanted result: SIGSYS */

static char folder[] = "/tmp/test_sandbox.XXXXXX";
static char file[64], socket_path[64];
static int pipe_fd; /* an open descriptor to play with */

/* --- attempts: 0 when it worked, otherwise errno --- */

static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int open_as(const char *path, int flags)
{
	return result(open(path, flags | O_CLOEXEC, 0600));
}

static int write_a_file(void)
{
	return open_as(file, O_WRONLY);
}

static int make_a_file(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/new", folder);
	return open_as(path, O_RDWR | O_CREAT);
}

static int truncate_a_file(void)
{
	return open_as(file, O_RDONLY | O_TRUNC);
}

static int nameless_file(void)
{
	return open_as(folder, O_TMPFILE | O_RDWR);
}

static int read_a_file(void)
{
	return open_as(file, O_RDONLY);
}

static int read_memory_file(void)
{
	return open_as("/proc/self/mem", O_RDONLY);
}

static int read_link(void)
{
	char to[64];

	return result(readlink("/proc/self/exe", to, sizeof(to)));
}

static int remove_a_file(void)
{
	return result(unlink(file));
}

static int make_a_folder(void)
{
	return result(mkdir("/tmp/test_sandbox.never", 0700));
}

static int rename_a_file(void)
{
	return result(rename(file, socket_path));
}

static int change_a_mode(void)
{
	return result(chmod(file, 0777));
}

static int execute(void)
{
	char *argv[] = { (char *)"true", NULL };

	return result(execve("/bin/true", argv, NULL));
}

static int execute_at(void)
{
	char *argv[] = { (char *)"true", NULL };

	return result(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
}

static int fork_by_clone(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int fork_by_clone3(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return result(pid);
}

static int new_user_namespace(void)
{
	return result(
		syscall(SYS_clone, CLONE_NEWUSER | CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL, NULL, NULL, NULL));
}

static int trace_the_parent(void)
{
	return result(ptrace(PTRACE_SEIZE, getppid(), NULL, NULL));
}

static int read_the_parent(void)
{
	char here[8];
	struct iovec to = { here, 8 }, from = { file, 8 };

	return result(process_vm_readv(getppid(), &to, 1, &from, 1, 0));
}

static int load_bpf(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY };

	return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int mount_something(void)
{
	return result(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int leave_the_namespace(void)
{
	return result(unshare(CLONE_NEWUSER));
}

static int ask_io_uring(void)
{
	uint8_t params[256] = { 0 };

	return result(syscall(SYS_io_uring_setup, 1, params));
}

static int signal_the_parent(void)
{
	return result(kill(getppid(), 0));
}

static int signal_a_thread_of_the_parent(void)
{
	return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int raw_packets(void)
{
	return result(socket(AF_PACKET, SOCK_RAW, 0));
}

static int raw_ip(void)
{
	return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int ping(void)
{
	return result(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
}

static int mptcp(void)
{
	return result(socket(AF_INET, SOCK_STREAM, 262));
}

static int virtual_machines(void)
{
	return result(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static int unix_socket(void)
{
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int tcp_socket(void)
{
	return result(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int udp_socket(void)
{
	return result(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
}

static int packet_filter(void)
{
	return result(setsockopt(pipe_fd, SOL_SOCKET, SO_ATTACH_BPF, &pipe_fd, sizeof(pipe_fd)));
}

static int signals_for_a_descriptor(void)
{
	return result(fcntl(pipe_fd, F_SETOWN, getppid()));
}

static int other_ioctl(void)
{
	return result(ioctl(0, 0x5412 /* TIOCSTI */, "x"));
}

static int executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static int memory_made_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? 0 : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int become_root(void)
{
	return result(syscall(SYS_setresuid, 0, 0, 0));
}

static int dump_again(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int limit_of_the_parent(void)
{
	struct rlimit r;

	return result(prlimit(getppid(), RLIMIT_NOFILE, NULL, &r));
}

static int another_filter(void)
{
	return result(syscall(SYS_seccomp, 0, 0, NULL));
}

/* What each attempt must come to in a worker and in a guard: an errno, 0, or KILLED. */
static const struct attempt {
	const char *name;
	int (*try)(void);
	int worker, guard;
} attempts[] = {
	{ "execve", execute, KILLED, KILLED },
	{ "execveat", execute_at, KILLED, KILLED },
	{ "fork by clone", fork_by_clone, KILLED, KILLED },
	{ "fork by clone3", fork_by_clone3, ENOSYS, ENOSYS },
	{ "a thread in a new namespace", new_user_namespace, ENOSYS, ENOSYS },
	{ "ptrace", trace_the_parent, KILLED, KILLED },
	{ "process_vm_readv", read_the_parent, KILLED, KILLED },
	{ "bpf", load_bpf, KILLED, KILLED },
	{ "mount", mount_something, KILLED, KILLED },
	{ "unshare", leave_the_namespace, KILLED, KILLED },
	{ "io_uring", ask_io_uring, ENOSYS, ENOSYS },
	{ "open for writing", write_a_file, ENOSYS, ENOSYS },
	{ "open with O_CREAT", make_a_file, ENOSYS, ENOSYS },
	{ "open with O_TRUNC", truncate_a_file, ENOSYS, ENOSYS },
	{ "open with O_TMPFILE", nameless_file, ENOSYS, ENOSYS },
	{ "open outside the rules", read_a_file, EACCES, EACCES },
	{ "open /proc/self/mem", read_memory_file, EACCES, EACCES },
	{ "readlink", read_link, ENOSYS, 0 },
	{ "unlink", remove_a_file, ENOSYS, ENOSYS },
	{ "mkdir", make_a_folder, ENOSYS, ENOSYS },
	{ "rename", rename_a_file, ENOSYS, ENOSYS },
	{ "chmod", change_a_mode, ENOSYS, ENOSYS },
	{ "kill", signal_the_parent, ENOSYS, ENOSYS },
	{ "tgkill", signal_a_thread_of_the_parent, ENOSYS, ENOSYS },
	{ "AF_PACKET", raw_packets, ENOSYS, ENOSYS },
	{ "raw IP", raw_ip, ENOSYS, ENOSYS },
	{ "ping", ping, ENOSYS, ENOSYS },
	{ "MPTCP", mptcp, ENOSYS, ENOSYS },
	{ "AF_VSOCK", virtual_machines, ENOSYS, ENOSYS },
	{ "AF_UNIX", unix_socket, ENOSYS, ENOSYS },
	{ "TCP", tcp_socket, 0, ENOSYS },
	{ "UDP", udp_socket, 0, ENOSYS },
	{ "SO_ATTACH_BPF", packet_filter, ENOSYS, ENOSYS },
	{ "F_SETOWN", signals_for_a_descriptor, ENOSYS, ENOSYS },
	{ "TIOCSTI", other_ioctl, ENOSYS, ENOSYS },
	{ "executable memory", executable_memory, ENOSYS, ENOSYS },
	{ "memory made executable", memory_made_executable, ENOSYS, ENOSYS },
	{ "setresuid", become_root, ENOSYS, 0 }, /* whether it may is the kernel's question; see below */
	{ "dumpable again", dump_again, ENOSYS, ENOSYS },
	{ "limits of others", limit_of_the_parent, ENOSYS, ENOSYS },
	{ "another filter", another_filter, ENOSYS, ENOSYS },
};

static int apply(enum sandbox_profile profile, const struct sandbox_opts *opts)
{
	struct sandbox done;
	struct why why = { "" };
	int err = sandbox_apply(profile, opts, &done, &why);

	if (err)
		fprintf(stderr, "# %s\n", why.text);
	return err || !done.seccomp || done.landlock < 1;
}

struct trial {
	const struct attempt *attempt;
	enum sandbox_profile profile;
	int want;
};

static int run_trial(void *user)
{
	const struct trial *t = user;

	if (apply(t->profile, &(struct sandbox_opts){ 0 }))
		return 1;
	int got = t->attempt->try();

	if (t->want == KILLED)
		return 2;
	if (t->attempt->try == become_root && t->profile == SANDBOX_GUARD)
		return got != (geteuid() == 0 ? 0 : EPERM); /* it is asked */
	return got == t->want ? 0 : 3;
}

/* Its exit status, or KILLED. */
static int run(int (*fn)(void *), void *user)
{
	struct child_spec spec = {
		.name = "sandbox", .keep = &pipe_fd, .keeps = 1, .keep_stderr = true, .run = fn, .user = user
	};
	int status;
	pid_t pid;

	assert_int_equal(child_start(&spec, &pid, NULL), OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) == SIGSYS ? KILLED : -WTERMSIG(status);
}

static void attempts_in(enum sandbox_profile profile)
{
	for (size_t i = 0; i < LEN(attempts); i++) {
		struct trial t = { &attempts[i], profile,
				   profile == SANDBOX_WORKER ? attempts[i].worker : attempts[i].guard };
		int got = run(run_trial, &t);

		if (got != (t.want == KILLED ? KILLED : 0))
			fail_msg("%s: %d", attempts[i].name, got);
	}
}

/* The sandbox is whole or it is not tried: what a lesser kernel leaves out is the caller's decision. */
static void whole_only(void)
{
	if (landlock_abi() == 0 || prctl(PR_GET_SECCOMP) < 0)
		skip();
}

static void what_a_worker_cannot_do(void **state)
{
	(void)state;
	whole_only();
	attempts_in(SANDBOX_WORKER);
}

static void what_a_guard_cannot_do(void **state)
{
	(void)state;
	whole_only();
	attempts_in(SANDBOX_GUARD);
}

static void too_many_paths(void **state)
{
	static const char *paths[SANDBOX_PATHS_MAX];
	struct sandbox done = { true, 1 };
	struct why why;

	(void)state;
	for (size_t i = 0; i < LEN(paths); i++)
		paths[i] = "/";
	assert_int_equal(
		sandbox_apply(SANDBOX_GUARD, &(struct sandbox_opts){ .read = paths, .reads = LEN(paths) }, &done, &why),
		ERR_LIMIT);
	assert_false(done.seccomp);
	assert_int_equal(open_as(file, O_RDWR), 0);
}

/* --- what must work --- */

#define CHECK(x)                                                                                \
	do {                                                                                    \
		if (!(x)) {                                                                     \
			fprintf(stderr, "# line %d: %s (%s)\n", __LINE__, #x, strerror(errno)); \
			_exit(1);                                                               \
		}                                                                               \
	} while (0)

struct work {
	struct loop *loop;
	int left; /* what is still to be done */
	int accepted, dialled;
	size_t addresses;
};

static void one_done(struct work *w)
{
	if (--w->left == 0)
		loop_stop(w->loop);
}

static void resolved(void *user, const struct addr *list, size_t n, const struct why *why)
{
	struct work *w = user;

	(void)list;
	if (!n)
		fprintf(stderr, "# %s\n", why->text);
	w->addresses = n;
	one_done(w);
}

static void dialled(void *user, int fd, const struct addr *peer, const struct why *why)
{
	struct work *w = user;

	(void)peer;
	if (fd < 0)
		fprintf(stderr, "# %s\n", why->text);
	w->dialled = fd;
	one_done(w);
}

static void acceptable(void *user, unsigned ready)
{
	struct work *w = user;
	struct addr from;

	(void)ready;
	if (sock_accept(w->accepted, &w->accepted, &from) == ACCEPT_ONE)
		one_done(w);
}

static void told(void *user, struct span m, int *fd)
{
	(void)m;
	CHECK(*fd >= 0);
	one_done(user);
}

static void ended(void *user, int err, const struct why *why)
{
	(void)user;
	(void)err;
	(void)why;
}

static void signalled(void *user, int signo)
{
	(void)signo;
	one_done(user);
}

static void too_late(void *user)
{
	(void)user;
	_exit(99);
}

static void crypto_works(void)
{
	EVP_PKEY *a = EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), *b = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[256];
	size_t n = sizeof(sig);

	CHECK(a && b && md);
	CHECK(EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, b) == 1);
	CHECK(EVP_DigestSign(md, sig, &n, (const uint8_t *)"x", 1) == 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
}

static void memory_works(void)
{
	for (size_t n = 16; n < 32 * 1024 * 1024; n *= 4) {
		uint8_t *p = malloc(n), *q;

		CHECK(p);
		memset(p, 1, n);
		q = realloc(p, 2 * n);
		CHECK(q && q[n - 1] == 1);
		free(q);
	}
	void *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(m != MAP_FAILED && madvise(m, 65536, MADV_DONTDUMP) == 0 && munmap(m, 65536) == 0);
}

/* Threads of libuv's pool start inside the sandbox. */
static void loop_works(struct work *w, bool network)
{
	struct resolve *r;
	struct timer *guard;
	struct sigwatch *s;
	struct ipc *ipc[2];
	int fds[2];
	struct why why;

	CHECK(timer_new(&guard, w->loop, too_late, w) == OK);
	timer_at(guard, loop_clock(w->loop) + 20000);
	CHECK(sigwatch_new(&s, w->loop, SIGTERM, signalled, w) == OK && raise(SIGTERM) == 0);
	fds[0] = w->dialled; /* the pair was made before */
	fds[1] = w->accepted;
	for (int i = 0; i < 2; i++)
		CHECK(ipc_new(&ipc[i], w->loop, fds[i], told, ended, w) == OK);
	CHECK(ipc_send(ipc[0], span("x", 1), dup(STDERR_FILENO)) == OK);
	w->left = 2;
	if (network) {
		w->left++;
		CHECK(resolve_new(&r, w->loop, NULL, "localhost", 0, AF_UNSPEC, resolved, w, &why) == OK);
	}
	loop_run(w->loop);
	CHECK(!network || w->addresses > 0);
	ipc_free(ipc[0]);
	ipc_free(ipc[1]);
	sigwatch_free(s);
	timer_free(guard);
}

static void network_works(struct work *w)
{
	struct listen_spec listen = { .host = "127.0.0.1", .family = AF_UNSPEC };
	int fds[LISTEN_MAX], again[LISTEN_MAX];
	size_t n;
	uint16_t port;
	struct addr list[RESOLVE_MAX];
	struct why why = { "" };
	struct watch *watch;
	struct dial *d;

	CHECK(sock_listen(&listen, fds, &n, &port, &why) == OK && n == 1);
	w->left = 2;
	w->accepted = fds[0];
	CHECK(watch_new(&watch, w->loop, fds[0], acceptable, w) == OK);
	watch_set(watch, WATCH_IN);
	CHECK(dial_new(&d, w->loop, &(struct dial_spec){ .host = "localhost", .port = port, .family = AF_INET },
		       dialled, w) == OK);
	loop_run(w->loop);
	CHECK(w->dialled >= 0 && w->accepted >= 0);
	sock_keepalive(w->accepted, true);
	sock_tos(w->accepted, 0x10);
	CHECK(if_nametoindex("lo") > 0);
	CHECK(resolve_interface("lo", AF_UNSPEC, list, &n, &why) == OK);
	CHECK(addr_is_here(&(struct ip){ 4, { 127, 1, 2, 3 } }) &&
	      !addr_is_here(&(struct ip){ 4, { 203, 0, 113, 1 } }));
	CHECK(write(w->dialled, "hello", 5) == 5);
	sock_shut(w->dialled);
	watch_free(watch);
	sock_reset(w->accepted);
	sock_close(w->dialled);
	/* The sentence about who holds a port reads /proc: without, it says less. */
	listen.port = port;
	CHECK(sock_listen(&listen, again, &n, &port, &why) == ERR_IN_USE && strstr(why.text, "in use"));
	sock_close(fds[0]);
}

static int work(void *user)
{
	enum sandbox_profile profile = *(enum sandbox_profile *)user;
	struct work w = { 0 };
	int pair[2];

	CHECK(ipc_pair(pair, NULL) == OK);
	w.dialled = pair[0];
	w.accepted = pair[1];
	CHECK(apply(profile, &(struct sandbox_opts){ 0 }) == 0);
	CHECK(loop_new(&w.loop, NULL) == OK);
	memory_works();
	crypto_works();
	loop_works(&w, profile == SANDBOX_WORKER);
	if (profile == SANDBOX_WORKER)
		network_works(&w);
	loop_free(w.loop);
	return 0;
}

static void the_work_of_a_role(void **state)
{
	static const enum sandbox_profile both[] = { SANDBOX_WORKER, SANDBOX_GUARD };

	(void)state;
	whole_only();
	for (size_t i = 0; i < LEN(both); i++)
		assert_int_equal(run(work, (void *)&both[i]), 0);
}

/* A worker that may make sockets in one folder. */
static int serve_unix(void *user)
{
	const char *folders[] = { folder };
	struct sandbox_opts opts = { .sockets = folders, .n_sockets = 1, .unix_sockets = true };
	struct listen_spec listen = { .path = socket_path, .mask = 0177 }, other = { .path = user, .mask = 0177 };
	int fds[LISTEN_MAX], fd = -1;
	size_t n;
	uint16_t port;
	struct why why = { "" };
	struct addr to;

	CHECK(apply(SANDBOX_WORKER, &opts) == 0);
	CHECK(sock_listen(&listen, fds, &n, &port, &why) == OK);
	CHECK(addr_unix(&to, socket_path, &why) == OK);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to.sa, to.len) == 0);
	CHECK(unlink(socket_path) == 0);
	CHECK(sock_listen(&other, fds, &n, &port, &why) != OK);
	CHECK(read_a_file() == EACCES && make_a_file() != 0 && tcp_socket() == 0);
	return 0;
}

static void unix_sockets_in_their_folder(void **state)
{
	(void)state;
	whole_only();
	assert_int_equal(run(serve_unix, (void *)"/tmp/test_sandbox_elsewhere"), 0);
}

/* The guard: a user's files within the rules, with the user's rights; and users. */
static int read_keys(void *user)
{
	const char *paths[] = { folder, "/nonexistent" };
	struct sandbox_opts opts = { .read = paths, .reads = 2, .unix_sockets = true };
	const struct privs_id somebody = { geteuid() ? geteuid() : 54321, geteuid() ? getegid() : 54321, NULL, 0 };
	struct privs_home home;
	struct user u;

	(void)user;
	CHECK(privs_drop(&(struct privs_id){ geteuid() ? geteuid() : 54322, geteuid() ? getegid() : 54322, NULL, 0 },
			 PRIVS_SETID, NULL) == OK);
	CHECK(apply(SANDBOX_GUARD, &opts) == 0);
	CHECK(privs_as_user(&home, &somebody, NULL) == OK);
	CHECK(read_a_file() == 0 && write_a_file() == ENOSYS);
	privs_back(&home);
	CHECK(users_find(&u, "root", NULL) == OK && users_groups(&u, NULL) == OK && u.n_groups > 0);
	users_fini(&u);
	CHECK(users_find(&u, "no-such-user-here", NULL) == ERR_NOT_FOUND);
	CHECK(unix_socket() == 0 && tcp_socket() == ENOSYS);
	return 0;
}

static void the_keys_of_a_user(void **state)
{
	(void)state;
	whole_only();
	assert_int_equal(run(read_keys, NULL), 0);
}

static void *attempt_in_a_thread(void *user)
{
	(void)user;
	execute();
	return NULL;
}

/* seccomp holds for threads that were there before. */
static void *wait_then_attempt(void *user)
{
	char c;

	return read(*(int *)user, &c, 1) == 1 ? attempt_in_a_thread(NULL) : NULL;
}

static int older_thread(void *user)
{
	int fds[2];
	pthread_t t;

	(void)user;
	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(pthread_create(&t, NULL, wait_then_attempt, &fds[0]) == 0);
	CHECK(apply(SANDBOX_WORKER, &(struct sandbox_opts){ 0 }) == 0);
	CHECK(write(fds[1], "x", 1) == 1);
	pthread_join(t, NULL);
	return 0;
}

static int younger_thread(void *user)
{
	pthread_t t;

	(void)user;
	CHECK(apply(SANDBOX_WORKER, &(struct sandbox_opts){ 0 }) == 0);
	CHECK(pthread_create(&t, NULL, attempt_in_a_thread, NULL) == 0);
	pthread_join(t, NULL);
	return 0;
}

static void all_threads_are_in_it(void **state)
{
	(void)state;
	whole_only();
	assert_int_equal(run(older_thread, NULL), KILLED);
	assert_int_equal(run(younger_thread, NULL), KILLED);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	snprintf(file, sizeof(file), "%s/file", folder);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	close(fd);
	pipe_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return pipe_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(file);
	unlink(socket_path);
	close(pipe_fd);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_paths),
		cmocka_unit_test(what_a_worker_cannot_do),
		cmocka_unit_test(what_a_guard_cannot_do),
		cmocka_unit_test(the_work_of_a_role),
		cmocka_unit_test(unix_sockets_in_their_folder),
		cmocka_unit_test(the_keys_of_a_user),
		cmocka_unit_test(all_threads_are_in_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
