/* The agent's socket: an agent made of scripted bytes that misbehaves, then the real ssh-agent. */
#include "keygen.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "conf/keyfile.h"
#include "io/agentsock.h"
#include "proto/agent.h"

static struct crypto *crypto;
static struct loop *loop;

static int setup(void **state)
{
	int err = crypto_new(&crypto, NULL);

	if (!err)
		err = loop_new(&loop, NULL);
	return err ? err : keygen_setup(state);
}

static int teardown(void **state)
{
	loop_free(loop);
	crypto_free(crypto);
	return keygen_teardown(state);
}

/* What a conversation came to. */
struct result {
	int calls, err;
	struct buf answer;
	struct why why;
};

static void on_answer(void *user, int err, struct span answer, const struct why *why)
{
	struct result *r = user;

	r->calls++;
	r->err = err;
	buf_clear(&r->answer);
	buf_bytes(&r->answer, answer);
	if (why)
		r->why = *why;
	loop_stop(loop);
}

/* Asks and waits. */
static void ask(struct agentsock *s, struct span request, struct result *r)
{
	*r = (struct result){ .answer = BUF(AGENTSOCK_MAX) };
	assert_int_equal(agentsock_ask(s, request, on_answer, r), OK);
	loop_run(loop);
	assert_int_equal(r->calls, 1);
}

/* --- a scripted agent --- */

struct script {
	const char *name;
	const char *bytes; /* sent after the request was read */
	size_t n;
	size_t zeros;	/* sent behind them */
	bool piecemeal; /* one byte per write */
	bool deaf;	/* hang up without reading */
	int err;
	const char *why;
	size_t want; /* length of the answer */
};

/* The child: takes one connection and plays the script. */
static void play(int listener, const struct script *s)
{
	static const uint8_t zeros[65536];
	uint8_t request[65536];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		_exit(1);
	if (s->deaf)
		_exit(0);
	if (read(fd, request, sizeof(request)) <= 0)
		_exit(1);
	for (size_t i = 0, k; i < s->n; i += k) {
		k = s->piecemeal ? 1 : s->n - i;
		if (write(fd, s->bytes + i, k) != (ssize_t)k)
			_exit(1);
	}
	for (size_t left = s->zeros; left;) {
		ssize_t n = send(fd, zeros, MIN(left, sizeof(zeros)), MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0);
		left -= (size_t)n;
	}
	_exit(0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(sa.sun_path));
	memcpy(sa.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

#define S(text) (text), sizeof(text) - 1

static void bad_agents_are_survived(void **state)
{
	static const struct script rows[] = {
		{ "hangs up at once", S(""), 0, false, true, ERR_CLOSED, "ssh-agent: ", 0 },
		{ "says nothing", S(""), 0, false, false, ERR_CLOSED, "ssh-agent: the agent closed", 0 },
		{ "half a length", S("\0\0"), 0, false, false, ERR_CLOSED, "closed", 0 },
		{ "length without message", S("\0\0\0\5"), 0, false, false, ERR_CLOSED, "closed", 0 },
		{ "message cut", S("\0\0\0\5\14\0\0\0"), 0, false, false, ERR_CLOSED, "closed", 0 },
		{ "length 0", S("\0\0\0\0"), 0, false, false, ERR_PROTO, "impossible length", 0 },
		{ "256 KiB and a byte", S("\0\4\0\1"), 262145, false, false, ERR_PROTO, "impossible length", 0 },
		{ "4 GB", S("\377\377\377\377"), 1000000, false, false, ERR_PROTO, "impossible length", 0 },
		{ "good: one byte", S("\0\0\0\1\5"), 0, false, false, OK, "", 1 },
		{ "good: in pieces", S("\0\0\0\5\14\0\0\0\0"), 0, true, false, OK, "", 5 },
		{ "good: 256 KiB", S("\0\4\0\0"), 262144, false, false, OK, "", 262144 },
		{ "good: more than asked for", S("\0\0\0\1\6"), 1000, false, false, OK, "", 1 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		int listener = listen_at(in_dir("s")), status;
		struct agentsock *s = NULL;
		struct result r;
		struct why why;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			play(listener, &rows[i]);
		close(listener);
		assert_int_equal(agentsock_new(&s, loop, in_dir("s"), &why), OK);
		ask(s, span(S("\0\0\0\1\13")), &r);
		/* One that hangs up with the request unread resets the connection. */
		if (rows[i].deaf && r.err == ERR_IO)
			r.err = ERR_CLOSED;
		if (r.err != rows[i].err || !strstr(r.why.text, rows[i].why) || r.answer.n != rows[i].want)
			fail_msg("%s: %d (%s), %zu bytes", rows[i].name, r.err, r.why.text, r.answer.n);
		if (r.err)
			assert_int_equal(agentsock_ask(s, span(S("\0\0\0\1\13")), on_answer, &r), ERR_CLOSED);
		agentsock_free(s);
		buf_fini(&r.answer);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(unlink(in_dir("s")), 0);
	}
}

/* A request larger than the socket's buffer goes out as the agent takes it. */
static void a_long_request_goes_out_whole(void **state)
{
	int listener = listen_at(in_dir("s")), status;
	struct buf request = BUF(AGENTSOCK_MAX);
	struct agentsock *s;
	struct result r;
	pid_t pid;

	(void)state;
	assert_non_null(buf_add(&request, AGENTSOCK_MAX));
	memset(request.p, 'x', request.n);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = accept(listener, NULL, NULL);
		uint8_t byte;
		size_t n;

		for (n = 0; n < AGENTSOCK_MAX && read(fd, &byte, 1) == 1 && byte == 'x'; n++)
			;
		_exit(n == AGENTSOCK_MAX && write(fd, "\0\0\0\1\6", 5) == 5 ? 0 : 1);
	}
	close(listener);
	assert_int_equal(agentsock_new(&s, loop, in_dir("s"), NULL), OK);
	ask(s, buf_span(&request), &r);
	assert_int_equal(r.err, OK);
	assert_int_equal(agent_get_success(buf_span(&r.answer), NULL), OK);
	agentsock_free(s);
	buf_fini(&r.answer);
	buf_fini(&request);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(unlink(in_dir("s")), 0);
}

static void no_agent_is_an_error(void **state)
{
	char path[200];
	struct agentsock *s = NULL;
	struct why why = { "" };

	(void)state;
	assert_int_equal(agentsock_new(&s, loop, in_dir("nothing"), &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "nothing: No such file or directory"));
	close(listen_at(in_dir("s")));
	assert_int_equal(agentsock_new(&s, loop, in_dir("s"), &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "Connection refused"));
	assert_int_equal(unlink(in_dir("s")), 0);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = 0;
	assert_int_equal(agentsock_new(&s, loop, path, &why), ERR_IO);
	assert_non_null(strstr(why.text, "too long"));
	assert_null(s);
}

/* Freed while the answer is out: no callback, nothing left in the loop. */
static void an_abandoned_question_is_forgotten(void **state)
{
	int listener = listen_at(in_dir("s"));
	struct result r = { .answer = BUF(16) };
	struct agentsock *s;

	(void)state;
	assert_int_equal(agentsock_new(&s, loop, in_dir("s"), NULL), OK);
	assert_int_equal(agentsock_ask(s, span(S("\0\0\0\1\13")), on_answer, &r), OK);
	agentsock_free(s);
	loop_run(loop);
	assert_int_equal(r.calls, 0);
	close(listener);
	assert_int_equal(unlink(in_dir("s")), 0);
}

/* --- the real one --- */

static pid_t start_agent(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* It must not outlive a test that fails, nor write between the lines of the test's report. */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) || !freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "w", stderr))
			_exit(126);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", in_dir("agent"), (char *)NULL);
		_exit(127);
	}
	/* It is there when it can be reached. */
	for (int i = 0; i < 1000; i++) {
		struct agentsock *s;

		if (agentsock_new(&s, loop, in_dir("agent"), NULL) == OK) {
			agentsock_free(s);
			return pid;
		}
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		usleep(10000);
	}
	fail_msg("ssh-agent does not start");
	return pid;
}

static void sign_with(struct agentsock *s, struct span blob, const struct sig_alg *alg)
{
	struct buf request = BUF(65536);
	struct result r;
	struct span sig;
	struct why why;

	agent_put_sign(&request, blob, span_str("data"), alg->agent_flags);
	ask(s, buf_span(&request), &r);
	assert_int_equal(r.err, OK);
	if (agent_get_signature(&sig, buf_span(&r.answer), alg->sig_type, &why))
		fail_msg("%s: %s", alg->name, why.text);
	assert_int_equal(pkey_verify(crypto, alg, blob, sig, span_str("data"), 0, NULL), OK);
	buf_fini(&request);
	buf_fini(&r.answer);
}

static void ssh_agent_lists_and_signs(void **state)
{
	static const char *const types[] = { "ed25519", "ecdsa -b 256", "ecdsa -b 521", "rsa -b 2048" };
	struct buf request = BUF(65536), sig = BUF(4096);
	struct span blob, comment;
	struct agent_list list;
	struct agentsock *s;
	struct result r;
	struct pkey *host;
	pid_t pid = start_agent();
	size_t keys = 0, signatures = 0;

	(void)state;
	for (size_t i = 0; i < LEN(types); i++)
		assert_true(sh("rm -f k k.pub k-cert.pub ca ca.pub; ssh-keygen -q -t %s -N '' -C 'number %zu' -f k && "
			       "ssh-keygen -q -t ed25519 -N '' -f ca && ssh-keygen -q -s ca -I i -n n k.pub && "
			       "SSH_AUTH_SOCK=$PWD/agent ssh-add -q k",
			       types[i], i));
	assert_int_equal(agentsock_new(&s, loop, in_dir("agent"), NULL), OK);

	/* A binding whose signature is right is accepted, one that is wrong refused. */
	assert_int_equal(pkey_generate(&host, crypto, "ssh-ed25519"), OK);
	assert_int_equal(pkey_sign(host, crypto, sig_find(span_str("ssh-ed25519")), span_str("session"), &sig), OK);
	agent_put_bind(&request, pkey_blob(host), span_str("session"), buf_span(&sig), false);
	ask(s, buf_span(&request), &r);
	assert_int_equal(agent_get_success(buf_span(&r.answer), NULL), OK);
	buf_fini(&r.answer);
	sig.p[sig.n - 1] ^= 1;
	buf_clear(&request);
	agent_put_bind(&request, pkey_blob(host), span_str("session"), buf_span(&sig), false);
	ask(s, buf_span(&request), &r);
	assert_int_equal(agent_get_success(buf_span(&r.answer), NULL), ERR_DENIED);
	buf_fini(&r.answer);

	/* A key that the agent does not have. */
	buf_clear(&request);
	agent_put_sign(&request, pkey_blob(host), span_str("data"), 0);
	ask(s, buf_span(&request), &r);
	assert_int_equal(agent_get_signature(&blob, buf_span(&r.answer), "ssh-ed25519", NULL), ERR_DENIED);
	buf_fini(&r.answer);

	buf_clear(&request);
	agent_put_list(&request);
	ask(s, buf_span(&request), &r);
	assert_int_equal(agent_get_list(&list, buf_span(&r.answer), NULL), OK);
	while (agent_next(&list, &blob, &comment)) {
		keys++;
		assert_true(comment.n == 8 && memcmp(comment.p, "number ", 7) == 0);
		for (const struct sig_alg *a = sig_table(); a->name; a++)
			if (span_is(pkey_type(blob), a->key_type)) {
				sign_with(s, blob, a);
				signatures++;
			}
	}
	assert_int_equal(keys, 2 * LEN(types));
	assert_int_equal(signatures, 2 * LEN(types) + 2);
	agentsock_free(s);
	pkey_free(host);
	buf_fini(&r.answer);
	buf_fini(&request);
	buf_fini(&sig);
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_agent_is_an_error),		 cmocka_unit_test(bad_agents_are_survived),
		cmocka_unit_test(a_long_request_goes_out_whole), cmocka_unit_test(an_abandoned_question_is_forgotten),
		cmocka_unit_test(ssh_agent_lists_and_signs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
