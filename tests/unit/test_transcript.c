/* What OpenSSH 9.2's sshd really sent, one handshake for each key exchange. The client's randomness is a seed, so the
 * same seed makes the same keys again: the signature must fit, and the keys must open what follows NEWKEYS (EXT_INFO,
 * SERVICE_ACCEPT and the refusal of "none").
 *
 * A file has the server's bytes, for a client whose seed is 32 times the number of its row and which proposes just the
 * algorithms of its row. It must be recorded again when the client uses its random bytes in another order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ssh/conn.h"

#include "../put.h"

/* clang-format off */
static const uint8_t curve25519[] = {
#include "transcripts/curve25519.inc"
};
static const uint8_t curve25519_libssh[] = {
#include "transcripts/curve25519_libssh.inc"
};
static const uint8_t nistp256[] = {
#include "transcripts/nistp256.inc"
};
static const uint8_t nistp384[] = {
#include "transcripts/nistp384.inc"
};
static const uint8_t nistp521[] = {
#include "transcripts/nistp521.inc"
};
/* clang-format on */

static const struct row {
	const char *name;
	const uint8_t *bytes;
	size_t n;
	struct conn_algs algs;
	const char *fingerprint;
} rows[] = {
	{ "curve25519-sha256",
	  curve25519,
	  sizeof(curve25519),
	  { "curve25519-sha256", "ssh-ed25519", "chacha20-poly1305@openssh.com", "hmac-sha2-256", NULL },
	  "SHA256:u3V6n8tL9ZnR/BCePGfbaIIUT+kppFatBOlGmDJ9w/k" },
	{ "curve25519-sha256@libssh.org",
	  curve25519_libssh,
	  sizeof(curve25519_libssh),
	  { "curve25519-sha256@libssh.org", "ecdsa-sha2-nistp256", "aes128-gcm@openssh.com", "hmac-sha2-256", NULL },
	  "SHA256:jHE2J6H6zxnokDldaJXnaa9yscHm0gK8MTz97H3rv58" },
	{ "ecdh-sha2-nistp256",
	  nistp256,
	  sizeof(nistp256),
	  { "ecdh-sha2-nistp256", "rsa-sha2-512", "aes256-gcm@openssh.com", "hmac-sha2-256", NULL },
	  "SHA256:6edk6u0NcuGOGKH+gZsb99uPIDlEiL8qfh7mTHQocEo" },
	{ "ecdh-sha2-nistp384",
	  nistp384,
	  sizeof(nistp384),
	  { "ecdh-sha2-nistp384", "ecdsa-sha2-nistp384", "aes128-ctr", "hmac-sha2-256-etm@openssh.com", NULL },
	  "SHA256:96dTfxCO+F2qosBimM/yPI3VqvlL4a17RRrCrEw/zas" },
	{ "ecdh-sha2-nistp521",
	  nistp521,
	  sizeof(nistp521),
	  { "ecdh-sha2-nistp521", "rsa-sha2-256", "aes256-ctr", "hmac-sha2-512", NULL },
	  "SHA256:6edk6u0NcuGOGKH+gZsb99uPIDlEiL8qfh7mTHQocEo" },
};

static struct crypto *crypto;

/* Reads must be small: the server sent its refusal only after it was asked. */
enum { FRAGMENT = 16 };

/* How far one replay came. */
struct result {
	int err;
	char fingerprint[64], methods[32];
	bool server_sig_algs;
	struct negotiated negotiated;
};

static void on_event(struct conn *c, const struct event *ev, struct result *r)
{
	struct answer a = { .yes = true };

	if (ev->kind == EV_HOST_KEY) {
		assert_int_equal(pkey_fingerprint(crypto, ev->blob, r->fingerprint), OK);
	} else if (ev->kind == EV_AUTH) {
		a.try.method = ev->sig_algs.n ? AUTH_NONE : AUTH_WAIT; /* EXT_INFO comes before SERVICE_ACCEPT */
		r->server_sig_algs |= ev->sig_algs.n > 0;
	} else if (ev->kind == EV_AUTH_FAILED) {
		memcpy(r->methods, ev->methods.p, MIN(ev->methods.n, sizeof(r->methods) - 1));
	}
	if (ev->question)
		conn_answer(c, ev->question, &a);
}

/* At most `fragment` bytes at a time; byte number `spoilt` (from 1, 0 = none) arrives with one bit changed. */
static struct result replay(const struct row *row, size_t fragment, size_t spoilt)
{
	struct result r = { 0 };
	struct pool pool;
	struct conn_setup s = { .role = ROLE_CLIENT,
				.crypto = crypto,
				.pool = &pool,
				.software = "adit_0.1",
				.user = "miner",
				.algs = row->algs };
	struct conn *c = NULL;
	struct event ev;
	uint8_t *bytes = malloc(row->n);

	assert_non_null(bytes);
	memcpy(bytes, row->bytes, row->n);
	if (spoilt)
		bytes[spoilt - 1] ^= (uint8_t)(1 << spoilt % 8);
	memset(s.seed, (int)(row - rows) + 1, sizeof(s.seed));
	assert_int_equal(pool_init(&pool, 2), OK);
	assert_int_equal(conn_new(&c, &s), OK);
	for (size_t at = 0, n; at < row->n && !conn_error(c); at += n) {
		n = put_bytes(c, span(bytes + at, MIN(fragment, row->n - at)));
		if (!n)
			break;
		while (!r.methods[0] && conn_next(c, &ev) == 1)
			on_event(c, &ev, &r);
	}
	r.err = conn_error(c);
	conn_negotiated(c, &r.negotiated);
	conn_free(c);
	free(bytes);
	pool_fini(&pool);
	return r;
}

/* Only padding before NEWKEYS may be anything: KEXINIT's, KEX_ECDH_REPLY's and NEWKEYS's, at most 11 bytes each. */
static void test_spoilt(void **state)
{
	const struct row *row = *state;
	size_t survived = 0;

	for (size_t i = 1; i <= row->n; i += 3) {
		survived += replay(row, FRAGMENT, i).methods[0] != 0;
	}
	assert_in_range(survived, 0, 33 / 3 + 3);
}

static void test_whole(void **state)
{
	static const size_t fragments[] = { 1, 7, FRAGMENT };
	const struct row *row = *state;

	for (size_t i = 0; i < LEN(fragments); i++) {
		struct result r = replay(row, fragments[i], 0);

		assert_int_equal(r.err, OK);
		assert_string_equal(r.fingerprint, row->fingerprint);
		assert_string_equal(r.methods, "publickey");
		assert_true(r.server_sig_algs);
		assert_true(r.negotiated.strict);
		assert_string_equal(r.negotiated.kex, row->algs.kex);
		assert_string_equal(r.negotiated.host_key, row->algs.host_key);
		assert_string_equal(r.negotiated.cipher_in, row->algs.cipher);
	}
}

int main(void)
{
	struct CMUnitTest tests[2 * LEN(rows)];
	int failed;

	for (size_t i = 0; i < LEN(rows); i++) {
		void *row = (void *)(uintptr_t)&rows[i];

		tests[2 * i] = (struct CMUnitTest){ "one bit changed", test_spoilt, NULL, NULL, row };
		tests[2 * i + 1] = (struct CMUnitTest){ rows[i].name, test_whole, NULL, NULL, row };
	}
	if (crypto_new(&crypto, NULL) != OK)
		return 1;
	failed = cmocka_run_group_tests_name("transcripts of OpenSSH", tests, NULL, NULL);
	crypto_free(crypto);
	return failed;
}
