/* What a server gives to a process that does not trust it: the whole exchange, so that the hash that is signed is one
 * that the signer has computed itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"
#include "ssh/exchange.h"

/* ---- the hash depends on every one of its parts ---- */

static struct exchange sample(void)
{
	return (struct exchange){ .kex = kex_find(span_str("curve25519-sha256")),
				  .client_ident = span_str("SSH-2.0-a"),
				  .server_ident = span_str("SSH-2.0-b"),
				  .client_init = span_str("\x14 client"),
				  .server_init = span_str("\x14 server"),
				  .host_key = span_str("key"),
				  .client_share = span_str("Q_C"),
				  .server_share = span_str("Q_S"),
				  .secret = span_str("K") };
}

static void hash(const struct exchange *x, uint8_t *out, size_t want)
{
	size_t n = 0;

	memset(out, 0, HASH_MAX);
	assert_int_equal(kexhash_of(evil_crypto, x, out, &n), OK);
	assert_int_equal(n, want);
}

/* A byte less in a part, and a part that is empty. */
static void test_every_part(void **state)
{
	struct exchange plain = sample(), x;
	struct span *parts[] = { &x.client_ident, &x.server_ident, &x.client_init,  &x.server_init,
				 &x.host_key,	  &x.client_share, &x.server_share, &x.secret };
	uint8_t h[HASH_MAX], other[HASH_MAX];

	(void)state;
	hash(&plain, h, 32);
	for (size_t i = 0; i < LEN(parts); i++) {
		x = plain;
		parts[i]->n--;
		hash(&x, other, 32);
		assert_memory_not_equal(h, other, 32);
		parts[i]->n = 0;
		hash(&x, other, 32);
		assert_memory_not_equal(h, other, 32);
	}
	x = plain;
	x.first = true; /* says what the hash is for, and is no part of it */
	hash(&x, other, 32);
	assert_memory_equal(h, other, 32);
}

static void test_digest_of_the_method(void **state)
{
	static const struct {
		const char *kex;
		size_t n;
	} rows[] = {
		{ "curve25519-sha256", 32 },  { "curve25519-sha256@libssh.org", 32 }, { "ecdh-sha2-nistp256", 32 },
		{ "ecdh-sha2-nistp384", 48 }, { "ecdh-sha2-nistp521", 64 },
	};
	struct exchange x = sample();
	uint8_t h[HASH_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		x.kex = kex_find(span_str(rows[i].kex));
		hash(&x, h, rows[i].n);
	}
}

/* SHA-256 over the parts with their lengths, laid out by hand. */
static void test_layout(void **state)
{
	static const char laid[] = "\0\0\0\11SSH-2.0-a\0\0\0\11SSH-2.0-b\0\0\0\10\x14 client\0\0\0\10\x14 server"
				   "\0\0\0\3key\0\0\0\3Q_C\0\0\0\3Q_SK";
	const struct span all = span((const uint8_t *)laid, sizeof(laid) - 1);
	const struct exchange x = sample();
	uint8_t h[HASH_MAX], want[HASH_MAX];

	(void)state;
	assert_int_equal(hash_spans(evil_crypto, HASH_SHA256, &all, 1, want), OK);
	hash(&x, h, 32);
	assert_memory_equal(h, want, 32);
}

/* ---- while the server waits for its signature ---- */

static void check_none(struct evil *e)
{
	struct exchange x;

	assert_false(conn_exchange(e->us, &x));
}

static void check_parts(struct evil *e, const struct exchange *x)
{
	const struct conn *p = e->peer;

	assert_true(span_eq(x->client_ident, buf_span(&p->our_ident)));
	assert_true(span_eq(x->server_ident, buf_span(&e->line)));
	assert_true(span_eq(x->client_init, buf_span(&p->kex.our_init)));
	assert_true(span_eq(x->server_init, buf_span(&p->kex.peer_init)));
	assert_true(span_eq(x->client_share, buf_span(&p->kex.share)));
	assert_true(span_eq(x->host_key, pkey_blob(evil_host_key)));
	assert_int_equal(x->server_share.n, x->kex->server_len);
}

/* More bytes come meanwhile, so that whatever stood in the receive buffer is somewhere else. */
static void disturb(struct evil *e)
{
	evil_raw(e, span_str("these bytes wait until the signature is there, and are no packet"));
	evil_wait(e, 1000);
}

/* As the guard does it: H from the parts, the signature over it. */
static void sign_outside(struct evil *e, bool first)
{
	struct buf sig = BUF(PKEY_SIG_MAX);
	struct answer a = { 0 };
	struct exchange x;
	uint8_t h[HASH_MAX];
	size_t n = 0;

	assert_true(conn_exchange(e->us, &x));
	assert_int_equal(x.first, first);
	check_parts(e, &x);
	hash(&x, h, hash_size(x.kex->hash));
	n = hash_size(x.kex->hash);
	assert_int_equal(e->text.n, n);
	assert_memory_equal(e->text.p, h, n);
	assert_int_equal(pkey_sign(evil_host_key, evil_crypto, sig_find(span_str("ssh-ed25519")), span(h, n), &sig),
			 OK);
	a.data = buf_span(&sig);
	assert_int_equal(conn_answer(e->us, e->question, &a), OK);
	check_none(e);
	buf_fini(&sig);
	evil_run(e);
	assert_true(span_eq(buf_span(&e->peer->kex.hash), span(h, n))); /* the client computes the same */
}

static void begin(struct evil *e, const char *kex)
{
	struct evil_setup setup = { .role = ROLE_SERVER, .limits = { .algs = { .kex = kex } } };

	evil_init(e, &setup);
	evil_reach(e, AT_KEX);
	e->setup.sign = SAY_NOTHING;
}

static void test_signed_outside(void **state)
{
	static const char *const all[] = { "curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
					   "ecdh-sha2-nistp521" };
	struct evil e;

	(void)state;
	for (size_t i = 0; i < LEN(all); i++) {
		begin(&e, all[i]);
		check_none(&e);
		evil_ecdh(&e);
		sign_outside(&e, true);
		evil_newkeys(&e);
		e.next = AT_SERVICE + 1;
		evil_reach(&e, AT_REKEY);
		check_none(&e);
		evil_ecdh(&e);
		sign_outside(&e, false);
		evil_newkeys(&e);
		assert_int_equal(conn_error(e.us), OK);
		assert_int_equal(e.us->kex.rekeys, 1);
		evil_fini(&e);
	}
}

/* The parts stay what they are however long the signature takes, and whatever comes meanwhile. */
static void test_slow_signature(void **state)
{
	struct exchange x;
	uint8_t before[HASH_MAX], after[HASH_MAX];
	struct evil e;

	(void)state;
	begin(&e, NULL);
	evil_ecdh(&e);
	assert_true(conn_exchange(e.us, &x));
	hash(&x, before, 32);
	disturb(&e);
	assert_true(conn_exchange(e.us, &x));
	hash(&x, after, 32);
	assert_memory_equal(before, after, 32);
	evil_fini(&e);
}

/* Other questions, other roles, a connection that has failed. */
static void test_no_exchange(void **state)
{
	struct evil_setup client = { .role = ROLE_CLIENT, .try = AUTH_PUBLICKEY };
	struct evil_setup asked = { .role = ROLE_SERVER, .login = SAY_NOTHING };
	struct evil e;

	(void)state;
	evil_init(&e, &client);
	evil_reach(&e, AT_SERVICE);
	e.setup.sign = SAY_NOTHING;
	evil_reach(&e, AT_AUTH);
	check_none(&e); /* its EV_SIGN is another */
	evil_fini(&e);

	evil_init(&e, &asked);
	check_none(&e);
	evil_reach(&e, AT_AUTH);
	evil_say(&e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
	assert_int_equal(e.events[EV_LOGIN], 1);
	check_none(&e);
	evil_fini(&e);

	begin(&e, NULL);
	evil_ecdh(&e);
	conn_disconnect(e.us, "enough");
	check_none(&e);
	evil_fini(&e);
}

/* A signer that does not answer costs 60 s at most, in the first exchange and in every other. */
static void test_never_signed(void **state)
{
	struct evil e;

	(void)state;
	for (int rekey = 0; rekey < 2; rekey++) {
		struct evil_setup setup = { .role = ROLE_SERVER };

		evil_init(&e, &setup);
		evil_reach(&e, rekey ? AT_REKEY : AT_KEX);
		e.setup.sign = SAY_NOTHING;
		evil_ecdh(&e);
		evil_wait(&e, KEX_MS - 1);
		assert_int_equal(conn_error(e.us), OK);
		evil_wait(&e, 1);
		evil_dead(&e, ERR_TIMEOUT, DISC_BY_APPLICATION);
		evil_fini(&e);
	}
}

static void test_cannot_sign(void **state)
{
	struct evil e;

	(void)state;
	begin(&e, NULL);
	e.setup.sign = SAY_NO;
	evil_ecdh(&e);
	check_none(&e);
	evil_dead(&e, ERR_KEX, DISC_KEX_FAILED);
	evil_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_part),     cmocka_unit_test(test_digest_of_the_method),
		cmocka_unit_test(test_layout),	       cmocka_unit_test(test_cannot_sign),
		cmocka_unit_test(test_never_signed),   cmocka_unit_test(test_no_exchange),
		cmocka_unit_test(test_slow_signature), cmocka_unit_test(test_signed_outside),
	};
	int failed = evil_begin() || cmocka_run_group_tests_name("signed outside", tests, NULL, NULL);

	evil_end();
	return failed;
}
