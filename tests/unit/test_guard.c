/* The guard as its workers find it: what it signs, for whom, how often; and workers that are not ours any more. */
#include "guard_process.h"

static struct process one;

static int make_files(void **state)
{
	int err = setup(state);

	if (err || !sh("mkdir -m 700 keys && ssh-keygen -q -N '' -t ed25519 -f host -C c"))
		return -1;
	authorise("keys/alice", "", pkey_blob(keys[K_ED25519].key));
	return 0;
}

/* ---- signatures ---- */

static void test_first_signature(void **state)
{
	struct process *p = &one;
	struct exchange x, other;
	int w;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	x = an_exchange(p, true);
	other = x;
	other.first = false; /* nothing to renew yet */
	assert_false(signs(p, w, 7, "ssh-ed25519", &other));
	other = x;
	other.host_key = pkey_blob(keys[K_ED25519].key); /* somebody else's */
	assert_false(signs(p, w, 7, "ssh-ed25519", &other));
	other.host_key = span(NULL, 0);
	assert_false(signs(p, w, 7, "ssh-ed25519", &other));
	assert_false(signs(p, w, 7, "rsa-sha2-512", &x)); /* not this key's */
	assert_false(signs(p, w, 7, "none", &x));
	assert_true(signs(p, w, 7, "ssh-ed25519", &x));
	assert_false(signs(p, w, 7, "ssh-ed25519", &x)); /* once only */
	x.first = false;
	assert_false(signs(p, w, 7, "ssh-ed25519", &x)); /* not before the login */
	close(w);
	assert_int_equal(process_down(p), 0);
}

/* What cannot be an exchange is not signed, nor is it held against the worker: the bytes are a stranger's. */
static void test_malformed_exchanges(void **state)
{
	static const char *const texts[] = { "", "x",
					     ("\0\0\0\x11"
					      "curve25519-sha256"),
					     "\xff\xff\xff\xff" };
	struct process *p = &one;
	int w;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	for (size_t i = 0; i < LEN(texts); i++) {
		send_memo(w,
			  &(struct memo){ .kind = MEMO_SIGN,
					  .peer = 7,
					  .alg = span_str("ssh-ed25519"),
					  .data = span(texts[i], i == 2 ? 21 : strlen(texts[i])) },
			  -1);
		assert_int_equal(guard_says(p, w, MEMO_SIGNED).data.n, 0);
	}
	exchange_keys(p, w, 7);
	close(w);
	assert_int_equal(process_down(p), 0);
}

/* After the login keys are renewed, a hundred times and more, but not without an end. */
static void test_quota(void **state)
{
	struct process *p = &one;
	struct policy policy;
	struct exchange x;
	int w, n = 0;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	log_in(p, w, 7, "alice", &policy);
	assert_string_equal(policy.user, "alice");
	policy_fini(&policy);
	x = an_exchange(p, false);
	while (n < 1000 && signs(p, w, 7, "ssh-ed25519", &x))
		n++;
	assert_true(n >= 100 && n < 200);
	close(w);
	assert_int_equal(process_down(p), 0);
}

/* A guest of an earlier guard keeps what it has, and gets nothing else. */
static void test_renewing(void **state)
{
	struct process *p = &one;
	struct exchange x;
	struct memo m;
	int w;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, true);
	x = an_exchange(p, true);
	assert_false(signs(p, w, 7, "ssh-ed25519", &x));
	x.first = false;
	assert_true(signs(p, w, 7, "ssh-ed25519", &x));
	ask_login(p, w, 7, "alice", HONEST);
	assert_int_equal(guard_says(p, w, MEMO_VERDICT).number, LOGIN_END);
	send_memo(w, &(struct memo){ .kind = MEMO_PROVE, .peer = 7, .blob = buf_span(&p->host_keys) }, -1);
	assert_int_equal(guard_says(p, w, MEMO_PROVED).data.n, 0);
	send_memo(w, &(struct memo){ .kind = MEMO_BIND, .peer = 7, .ticket = 3, .port = 80, .text = span_str("") }, -1);
	m = guard_says(p, w, MEMO_UNBOUND);
	assert_int_equal(m.ticket, 3);
	assert_non_null(memmem(m.text.p, m.text.n, "connect again", 13));
	close(w);
	assert_int_equal(process_down(p), 0);
}

/* Once, every key for itself, over this session (C-24). */
static void test_prove(void **state)
{
	struct process *p = &one;
	const struct memo ask = { .kind = MEMO_PROVE, .peer = 7 };
	struct buf text = BUF(4096);
	struct policy policy;
	struct memo m;
	struct rd in;
	int w;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	log_in(p, w, 7, "alice", &policy);
	policy_fini(&policy);
	m = ask;
	m.blob = buf_span(&p->host_keys);
	send_memo(w, &m, -1);
	m = guard_says(p, w, MEMO_PROVED);
	in = rd(m.data);
	buf_cstring(&text, "hostkeys-prove-00@openssh.com");
	buf_string(&text, span(p->rig.guest.session, p->rig.guest.session_len));
	buf_string(&text, first_host_key(p));
	assert_int_equal(
		pkey_verify(crypto, alg_of("ssh-ed25519"), first_host_key(p), rd_string(&in), buf_span(&text), 0, NULL),
		OK);
	assert_true(rd_done(&in));
	m = ask;
	m.blob = buf_span(&p->host_keys);
	send_memo(w, &m, -1);
	assert_int_equal(guard_says(p, w, MEMO_PROVED).data.n, 0);
	buf_fini(&text);
	close(w);
	assert_int_equal(process_down(p), 0);
}

static void test_prove_refused(void **state)
{
	static const bool logged_in[] = { false, true };
	struct process *p = &one;

	(void)state;
	for (size_t i = 0; i < LEN(logged_in); i++) {
		struct buf blobs = BUF(65536);
		struct policy policy;
		int w;

		process_up(p, "");
		w = new_worker(p, 1);
		new_peer(p, 7, 1, false);
		buf_bytes(&blobs, buf_span(&p->host_keys));
		if (logged_in[i]) { /* then it is the second key that is not ours */
			log_in(p, w, 7, "alice", &policy);
			policy_fini(&policy);
			buf_string(&blobs, pkey_blob(keys[K_ED25519].key));
		}
		send_memo(w, &(struct memo){ .kind = MEMO_PROVE, .peer = 7, .blob = buf_span(&blobs) }, -1);
		assert_int_equal(guard_says(p, w, MEMO_PROVED).data.n, 0);
		buf_fini(&blobs);
		close(w);
		assert_int_equal(process_down(p), 0);
	}
}

/* ---- verdicts ---- */

static void test_refusals_come_late(void **state)
{
	struct process *p = &one;
	struct memo m;
	int w;

	(void)state;
	process_up(p, "");
	w = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	exchange_keys(p, w, 7);
	ask_login(p, w, 7, "alice", OTHER_SESSION);
	m = guard_says(p, p->master, MEMO_OFFENCE);
	assert_int_equal(m.number, OFFENCE_USER); /* she has no account here */
	m = guard_says(p, w, MEMO_VERDICT);
	assert_int_equal(m.number, LOGIN_DENY);
	assert_true(span_is(m.text, "publickey"));
	assert_int_equal(m.data.n, 0);
	/* a connection that ends meanwhile is not spoken of any more */
	ask_login(p, w, 7, "alice", OTHER_SESSION);
	guard_says(p, p->master, MEMO_OFFENCE);
	send_memo(p->master, &(struct memo){ .kind = MEMO_GONE, .peer = 7 }, -1);
	new_peer(p, 8, 1, false);
	exchange_keys(p, w, 8);
	assert_true(is_quiet(w, 100));
	close(w);
	assert_int_equal(process_down(p), 0);
}

static void test_privileged_listeners(void **state)
{
	static const struct {
		const char *config, *host;
		uint16_t port;
		const char *bind; /* NULL = refused */
	} rows[] = {
		{ "", "localhost", 80, NULL },
		{ "PermitListen 8080", "localhost", 80, NULL },
		{ "PermitListen 80\nAllowTcpForwarding local", "localhost", 80, NULL },
		{ "PermitListen localhost:80", "localhost", 80, "localhost" },
		{ "PermitListen 80", "*", 80, "localhost" },
		{ "PermitListen 80\nGatewayPorts yes", "", 80, "*" },
	};
	struct process *p = &one;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct policy policy;
		struct memo m = {
			.kind = MEMO_BIND, .peer = 7, .ticket = 5, .port = rows[i].port, .text = span_str(rows[i].host)
		};
		int w;

		process_up(p, rows[i].config);
		w = new_worker(p, 1);
		new_peer(p, 7, 1, false);
		send_memo(w, &m, -1); /* before the login */
		assert_int_equal(guard_says(p, w, MEMO_UNBOUND).ticket, 5);
		log_in(p, w, 7, "alice", &policy);
		policy_fini(&policy);
		send_memo(w, &m, -1);
		if (rows[i].bind) {
			m = guard_says(p, p->master, MEMO_BIND_FOR);
			assert_true(span_is(m.name, rows[i].bind) && m.port == rows[i].port && m.ticket == 5);
		} else {
			assert_true(guard_says(p, w, MEMO_UNBOUND).text.n > 0);
		}
		close(w);
		assert_int_equal(process_down(p), 0);
	}
}

/* ---- workers that are not ours any more ---- */

/* It speaks of connections that it does not have, and hears nothing; those who have them go on. */
static void test_foreign_connections(void **state)
{
	struct process *p = &one;
	struct exchange x;
	int good, bad;

	(void)state;
	process_up(p, "");
	good = new_worker(p, 1);
	bad = new_worker(p, 2);
	new_peer(p, 7, 1, false);
	x = an_exchange(p, true);
	ask_sign(bad, 7, "ssh-ed25519", &x);
	ask_sign(bad, 99, "ssh-ed25519", &x);
	ask_login(p, bad, 7, "alice", HONEST);
	send_memo(bad, &(struct memo){ .kind = MEMO_PROVE, .peer = 7, .blob = buf_span(&p->host_keys) }, -1);
	send_memo(bad, &(struct memo){ .kind = MEMO_BIND, .peer = 7, .ticket = 1, .port = 80 }, -1);
	exchange_keys(p, good, 7); /* the bad one has not used it up */
	assert_true(is_quiet(bad, 100));
	assert_true(is_quiet(p->master, 0));
	close(good);
	close(bad);
	assert_int_equal(process_down(p), 0);
}

static void broken_memo(struct buf *out, size_t row)
{
	const struct memo whole = { .kind = MEMO_LOGIN, .peer = 7, .text = span_str("alice") };

	memo_pack(&whole, out);
	switch (row) {
	case 0:
		out->n--;
		break;
	case 1:
		buf_u8(out, 0);
		break;
	case 2:
		out->p[0] ^= 0xff; /* version */
		break;
	case 3:
		out->p[1] = MEMO_GONE; /* the master's */
		break;
	case 4:
		out->p[1] = MEMO_KINDS;
		break;
	case 5:
		out->p[1] = 0;
		break;
	case 6:
		memset(out->p + 2, 0, 8); /* connection 0 */
		break;
	case 7:
		buf_clear(out); /* one of a worker, but for the master */
		memo_pack(&(struct memo){ .kind = MEMO_CLOSED, .peer = 7 }, out);
		break;
	default:
		buf_clear(out);
		memset(buf_add(out, 60000), 0xff, 60000);
	}
}

/* Its own end, and nobody else's. */
static void test_broken_memos(void **state)
{
	struct process *p = &one;
	int good;

	(void)state;
	process_up(p, "");
	good = new_worker(p, 1);
	for (size_t i = 0; i <= 9; i++) {
		struct buf out = BUF(65536);
		int bad = new_worker(p, 2);

		new_peer(p, 100 + i, 1, false);
		broken_memo(&out, i);
		send_bytes(bad, buf_span(&out), i == 9 ? STDERR_FILENO : -1);
		assert_int_equal(guard_says(p, p->master, MEMO_BROKEN).number, 2);
		assert_int_equal(next_memo(p, bad, FROM_GUARD).kind, 0); /* hung up */
		exchange_keys(p, good, 100 + i);
		buf_fini(&out);
		close(bad);
	}
	close(good);
	assert_int_equal(process_down(p), 0);
}

/* It asks and does not read the answers. */
static void test_flood(void **state)
{
	struct process *p = &one;
	int good, bad;

	(void)state;
	process_up(p, "");
	good = new_worker(p, 1);
	bad = new_worker(p, 2);
	new_peer(p, 7, 1, false);
	new_peer(p, 8, 2, false);
	for (int i = 0; i < 2 * IPC_QUEUE_MESSAGES && is_quiet(p->master, 0); i++)
		send_memo(bad, &(struct memo){ .kind = MEMO_PROVE, .peer = 8 }, -1);
	assert_int_equal(guard_says(p, p->master, MEMO_BROKEN).number, 2);
	exchange_keys(p, good, 7);
	close(good);
	close(bad);
	assert_int_equal(process_down(p), 0);
}

/* It asks and ends, again and again. */
static void test_gone_meanwhile(void **state)
{
	struct process *p = &one;
	int good;

	(void)state;
	process_up(p, "");
	good = new_worker(p, 1);
	assert_int_equal(kill(p->pid, SIGSTOP), 0); /* so that it finds them gone */
	assert_int_equal(waitpid(p->pid, NULL, WUNTRACED), p->pid);
	for (uint64_t i = 0; i < 50; i++) {
		struct exchange x = an_exchange(p, true);
		int bad = new_worker(p, 2);

		new_peer(p, 100 + i, 2, false);
		ask_sign(bad, 100 + i, "ssh-ed25519", &x);
		close(bad);
	}
	assert_int_equal(kill(p->pid, SIGCONT), 0);
	new_peer(p, 7, 1, false);
	exchange_keys(p, good, 7);
	assert_true(is_quiet(p->master, 0)); /* and nobody is blamed */
	close(good);
	assert_int_equal(process_down(p), 0);
}

/* A worker that takes another one's number gets the answers. */
static void test_same_number(void **state)
{
	struct process *p = &one;
	int old, fresh;

	(void)state;
	process_up(p, "");
	old = new_worker(p, 1);
	fresh = new_worker(p, 1);
	new_peer(p, 7, 1, false);
	exchange_keys(p, fresh, 7);
	assert_int_equal(next_memo(p, old, FROM_GUARD).kind, 0);
	close(old);
	close(fresh);
	assert_int_equal(process_down(p), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_signature),
		cmocka_unit_test(test_malformed_exchanges),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_renewing),
		cmocka_unit_test(test_prove),
		cmocka_unit_test(test_prove_refused),
		cmocka_unit_test(test_refusals_come_late),
		cmocka_unit_test(test_privileged_listeners),
		cmocka_unit_test(test_foreign_connections),
		cmocka_unit_test(test_broken_memos),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_gone_meanwhile),
		cmocka_unit_test(test_same_number),
	};

	return cmocka_run_group_tests(tests, make_files, teardown);
}
