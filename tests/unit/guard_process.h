/* The real guard in a process of its own; the test is its master and its workers, and may be bad ones. */
#ifndef ADIT_TESTS_GUARD_PROCESS_H
#define ADIT_TESTS_GUARD_PROCESS_H

#include "guard_rig.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "app/audit.h"
#include "ssh/exchange.h"

enum { PATIENCE_MS = 20000, ANY = 0 };

struct process {
	struct rig rig;
	pid_t pid;
	int master;		/* our end */
	struct buf host_keys;	/* as MEMO_READY has said them */
	uint8_t memory[131072]; /* of the last memo */
};

static inline void send_bytes(int to, struct span bytes, int fd)
{
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { (void *)bytes.p, bytes.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
	}
	(void)!sendmsg(to, &m, MSG_NOSIGNAL); /* it may have gone: the answer tells */
}

static inline void send_memo(int to, const struct memo *m, int fd)
{
	struct buf out = BUF(MEMO_MAX + 1024);

	memo_pack(m, &out);
	assert_int_equal(buf_err(&out), OK);
	send_bytes(to, buf_span(&out), fd);
	buf_fini(&out);
}

/* The next memo, valid until the one after it; kind 0 = the other end is gone. */
static inline struct memo next_memo(struct process *p, int from, enum memo_from sender)
{
	struct pollfd ready = { from, POLLIN, 0 };
	struct memo m = { 0 };
	ssize_t n;

	if (poll(&ready, 1, PATIENCE_MS) != 1)
		fail_msg("no answer");
	n = recv(from, p->memory, sizeof(p->memory), 0);
	if (n <= 0)
		return m;
	assert_int_equal(memo_unpack(&m, span(p->memory, (size_t)n), sender, false), OK);
	return m;
}

static inline struct memo guard_says(struct process *p, int from, enum memo_kind kind)
{
	struct memo m = next_memo(p, from, FROM_GUARD);

	if (m.kind != kind)
		fail_msg("memo %d instead of %d: %.*s", m.kind, kind, (int)m.text.n, (const char *)m.text.p);
	return m;
}

static inline bool is_quiet(int from, int ms)
{
	struct pollfd ready = { from, POLLIN, 0 };

	return poll(&ready, 1, ms) == 0;
}

static inline void __attribute__((noreturn)) be_guard(struct process *p, int master_fd)
{
	struct sink sink = { 0 };
	struct audit audit = { 0 };
	struct server_conf conf;

	p->rig.log.sink = &sink;
	if (server_conf_eval(&conf, p->rig.text, NULL, NULL) != OK)
		_exit(99);
	_exit(guard_main(&(struct guard_setup){ p->rig.text, &conf, crypto, &p->rig.log, &audit, master_fd, true }));
}

/* A worker's end of a new pair. */
static inline int new_worker(struct process *p, uint32_t number)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	send_memo(p->master, &(struct memo){ .kind = MEMO_WORKER, .number = number }, fds[0]);
	close(fds[0]);
	return fds[1];
}

static inline void new_peer(const struct process *p, uint64_t id, uint32_t worker, bool logged_in)
{
	send_memo(
		p->master,
		&(struct memo){
			.kind = MEMO_PEER, .peer = id, .number = worker, .yes = logged_in, .ends = p->rig.guest.ends },
		-1);
}

static inline void process_up(struct process *p, const char *config)
{
	char text[4096];
	int fds[2];

	snprintf(text, sizeof(text), "HostKey @/host\nSandboxRequired no\n%s", config);
	rig_up(&p->rig, text);
	p->host_keys = BUF(65536);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		close(fds[0]);
		be_guard(p, fds[1]);
	}
	close(fds[1]);
	p->master = fds[0];
	buf_bytes(&p->host_keys, guard_says(p, p->master, MEMO_READY).blob);
}

/* Its exit status. A master that goes ends the guard. */
static inline int process_down(struct process *p)
{
	int status = -1;

	close(p->master);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	buf_fini(&p->host_keys);
	rig_down(&p->rig);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- key exchanges ---- */

static inline struct span first_host_key(const struct process *p)
{
	struct rd in = rd(buf_span(&p->host_keys));

	return rd_string(&in);
}

static inline struct exchange an_exchange(const struct process *p, bool first)
{
	return (struct exchange){ .kex = kex_find(span_str("curve25519-sha256")),
				  .client_ident = span_str("SSH-2.0-client"),
				  .server_ident = span_str("SSH-2.0-server"),
				  .client_init = span_str("init"),
				  .server_init = span_str("tini"),
				  .host_key = first_host_key(p),
				  .client_share = span_str("share"),
				  .server_share = span_str("erahs"),
				  .secret = span_str("secret"),
				  .first = first };
}

static inline void ask_sign(int worker, uint64_t peer, const char *alg, const struct exchange *x)
{
	struct buf data = BUF(MEMO_MAX);

	memo_put_exchange(&data, x);
	send_memo(worker,
		  &(struct memo){ .kind = MEMO_SIGN, .peer = peer, .alg = span_str(alg), .data = buf_span(&data) }, -1);
	buf_fini(&data);
}

/* Did it sign? And if so, exactly this. */
static inline bool signs(struct process *p, int worker, uint64_t peer, const char *alg, const struct exchange *x)
{
	uint8_t hash[HASH_MAX];
	struct memo m;
	size_t n;

	ask_sign(worker, peer, alg, x);
	m = guard_says(p, worker, MEMO_SIGNED);
	assert_int_equal(m.peer, peer);
	if (!m.data.n)
		return false;
	assert_int_equal(kexhash_of(crypto, x, hash, &n), OK);
	assert_int_equal(pkey_verify(crypto, alg_of(alg), x->host_key, m.data, span(hash, n), 0, NULL), OK);
	return true;
}

/* The first key exchange; the rig's session is the connection's from here on. */
static inline void exchange_keys(struct process *p, int worker, uint64_t peer)
{
	struct exchange x = an_exchange(p, true);

	assert_true(signs(p, worker, peer, "ssh-ed25519", &x));
	assert_int_equal(kexhash_of(crypto, &x, p->rig.guest.session, &p->rig.guest.session_len), OK);
}

/* A good login with the Ed25519 key, or a request with a lie. */
static inline void ask_login(const struct process *p, int worker, uint64_t peer, const char *user, enum lie lie)
{
	struct buf sig = BUF(65536);
	struct memo m = { .kind = MEMO_LOGIN,
			  .peer = peer,
			  .text = span_str(user),
			  .name = span_str("publickey"),
			  .alg = span_str("ssh-ed25519"),
			  .blob = pkey_blob(keys[K_ED25519].key),
			  .yes = true };

	put_signature(&p->rig, &m, keys[K_ED25519].key, lie, &sig);
	m.data = buf_span(&sig);
	send_memo(worker, &m, -1);
	buf_fini(&sig);
}

static inline void log_in(struct process *p, int worker, uint64_t peer, const char *user, struct policy *policy)
{
	struct memo m;
	struct rd in;

	exchange_keys(p, worker, peer);
	ask_login(p, worker, peer, user, HONEST);
	m = guard_says(p, p->master, MEMO_USER);
	assert_int_equal(m.peer, peer);
	assert_int_equal(m.data.n, IDENTITY_LEN);
	m = guard_says(p, worker, MEMO_VERDICT);
	assert_int_equal(m.number, LOGIN_GRANT);
	in = rd(m.data);
	assert_int_equal(policy_unpack(policy, &in), OK);
	assert_true(rd_done(&in));
}

#endif
