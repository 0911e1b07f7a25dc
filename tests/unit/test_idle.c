/* What a connection costs a server that holds thousands of them: every byte from the allocator, libcrypto's included,
 * once the login is over and nothing moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "alloc.h"
#include "ssh/conn.h"
#include "../put.h"

/* Ceilings in bytes; issue: 40 KiB of a connection's share of everything, sockets and the program's own aside. */
enum { CONNS = 2000, CONN_MAX = 8 * 1024, CHANS = 1000, CHAN_MAX = 300, ROUNDS = 50 };

static struct crypto *crypto;
static struct pkey *keys[3], *user_key;
static struct pool server_pool, client_pool;
static struct conn *servers[CONNS];

/* ---- libcrypto's allocations count as ours ---- */

static void *lib_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(n);
}

static void *lib_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return realloc(p, n);
}

static void lib_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* ---- two ends ---- */

static void sign(struct conn *c, const struct event *ev)
{
	struct buf sig = BUF(PKEY_SIG_MAX);
	struct answer a = { 0 };

	for (size_t i = 0; i < LEN(keys); i++)
		if (span_eq(ev->blob, pkey_blob(keys[i])) && pkey_sign(keys[i], crypto, ev->alg, ev->text, &sig) == OK)
			a.data = buf_span(&sig);
	if (span_eq(ev->blob, pkey_blob(user_key)) && pkey_sign(user_key, crypto, ev->alg, ev->text, &sig) == OK)
		a.data = buf_span(&sig);
	conn_answer(c, ev->question, &a);
	buf_fini(&sig);
}

static void on_event(struct conn *c, const struct event *ev)
{
	struct answer a = { .yes = true, .verdict = LOGIN_GRANT };

	a.try.method = AUTH_PUBLICKEY;
	a.try.alg = sig_find(span_str("ssh-ed25519"));
	a.try.blob = pkey_blob(user_key);
	if (ev->kind == EV_SIGN)
		sign(c, ev);
	else if (ev->question)
		conn_answer(c, ev->question, &a);
}

static void carry(struct conn *from, struct conn *to)
{
	struct iovec iov[8];
	size_t n = conn_tx_out(from, iov, LEN(iov));

	for (size_t i = 0; i < n; i++) {
		size_t here = put_bytes(to, span(iov[i].iov_base, iov[i].iov_len));
		struct event ev;

		conn_tx_done(from, here);
		while (conn_next(to, &ev) == 1)
			on_event(to, &ev);
		if (here < iov[i].iov_len)
			break;
	}
}

static struct conn *end(enum role role, const char *cipher)
{
	struct span blobs[LEN(keys)];
	struct conn_setup s = { .role = role,
				.crypto = crypto,
				.pool = role == ROLE_SERVER ? &server_pool : &client_pool,
				.software = "adit_0.1",
				.user = "miner",
				.algs = { .cipher = cipher },
				.alive_ms = 30000,
				.alive_max = 3,
				.host_keys = blobs,
				.host_key_count = LEN(blobs) };
	struct conn *c = NULL;

	for (size_t i = 0; i < LEN(keys); i++)
		blobs[i] = pkey_blob(keys[i]);
	assert_int_equal(conn_new(&c, &s), OK);
	return c;
}

static void talk(struct conn *client, struct conn *server)
{
	for (int i = 0; i < ROUNDS; i++) {
		carry(client, server);
		carry(server, client);
	}
	assert_int_equal(conn_error(client), OK);
	assert_int_equal(conn_error(server), OK);
	assert_int_equal(server_pool.lent, 0);
}

static struct conn *log_in(const char *cipher, bool renew)
{
	struct conn *client = end(ROLE_CLIENT, cipher), *server = end(ROLE_SERVER, cipher);
	struct negotiated n;

	talk(client, server);
	if (renew)
		conn_rekey(client);
	talk(client, server);
	conn_negotiated(server, &n);
	assert_int_equal(n.rekeys, renew);
	conn_free(client);
	return server;
}

/* ---- what they cost ---- */

static void test_connections(void **state)
{
	static const struct {
		const char *cipher;
		bool renewed;
	} rows[] = {
		{ NULL, false },
		{ NULL, true },
		{ "aes256-gcm@openssh.com", false },
		{ "chacha20-poly1305@openssh.com", false },
		{ "aes256-ctr", false },
	};

	(void)state;
	for (size_t row = 0; row < LEN(rows); row++) {
		size_t n = row ? 20 : CONNS, before, each;

		conn_free(log_in(rows[row].cipher, rows[row].renewed)); /* the library and the pools settle */
		before = alloc_bytes();
		for (size_t i = 0; i < n; i++)
			servers[i] = log_in(rows[row].cipher, rows[row].renewed);
		each = (alloc_bytes() - before) / n;
		print_message("%s%s: %zu bytes\n", rows[row].cipher ? rows[row].cipher : "default",
			      rows[row].renewed ? ", new keys" : "", each);
		assert_in_range(each, 1, CONN_MAX);
		for (size_t i = 0; i < n; i++)
			conn_free(servers[i]);
		assert_int_equal(alloc_bytes(), before);
	}
}

static void test_channels(void **state)
{
	const struct target t = { .kind = TARGET_DIRECT_TCPIP, .host = span_str("localhost"), .port = 80 };
	struct conn *client = end(ROLE_CLIENT, NULL), *server = end(ROLE_SERVER, NULL);
	size_t before;
	uint32_t id;

	(void)state;
	talk(client, server);
	assert_int_equal(conn_open(client, &t, NULL, &id), OK);
	talk(client, server);
	before = alloc_bytes();
	for (size_t i = 1; i < CHANS; i++) {
		struct conn_stats s;

		assert_int_equal(conn_open(client, &t, NULL, &id), OK);
		talk(client, server);
		conn_stats(server, &s);
		assert_int_equal(s.channels, i + 1);
	}
	/* both ends have them */
	print_message("a channel: %zu bytes\n", (alloc_bytes() - before) / (2 * CHANS));
	assert_in_range((alloc_bytes() - before) / (2 * CHANS), 1, CHAN_MAX);
	conn_free(client);
	conn_free(server);
}

static bool begin(void)
{
	static const char *const types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa" };

	if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1 || crypto_new(&crypto, NULL) != OK)
		return false;
	for (size_t i = 0; i < LEN(keys); i++)
		if (pkey_generate(&keys[i], crypto, types[i]) != OK)
			return false;
	return pkey_generate(&user_key, crypto, "ssh-ed25519") == OK && pool_init(&server_pool, 2) == OK &&
	       pool_init(&client_pool, 2) == OK;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_channels),
	};
	int failed = !begin() || cmocka_run_group_tests_name("what an idle connection costs", tests, NULL, NULL);

	for (size_t i = 0; i < LEN(keys); i++)
		pkey_free(keys[i]);
	pkey_free(user_key);
	pool_fini(&server_pool);
	pool_fini(&client_pool);
	crypto_free(crypto);
	return failed;
}
