/* Keys and signatures: what must be refused first, then what must work, against ssh-keygen. */
#include "keys.h"

#include "base/rd.h"
#include "crypto/b64.h"
#include "crypto/pkey.h"

/* Algorithms that fit keys[]. */
static const struct {
	const char *alg;
	int key;
} plain_algs[] = {
	{ "ssh-ed25519", K_ED25519 },	   { "ecdsa-sha2-nistp256", K_P256 }, { "ecdsa-sha2-nistp384", K_P384 },
	{ "ecdsa-sha2-nistp521", K_P521 }, { "rsa-sha2-512", K_RSA },	      { "rsa-sha2-256", K_RSA },
};

/* An odd number of 1024 bits. */
#define ONES15 "111111111111111111111111111111"
#define HEX128         \
	"c11111111111" \
	"1111" ONES15 ONES15 ONES15 ONES15 ONES15 ONES15 ONES15 ONES15

static void bad_blobs_are_refused(void **state)
{
	static const struct {
		const char *name, *recipe;
		int err;
	} rows[] = {
		{ "empty", "", ERR_NOT_FOUND },
		{ "one byte", "x00", ERR_NOT_FOUND },
		{ "three bytes", "x000000", ERR_NOT_FOUND },
		{ "only an empty type", "s", ERR_NOT_FOUND },
		{ "length beyond the end", "xffffffff00", ERR_NOT_FOUND },
		{ "dsa", "sssh-dss p20", ERR_NOT_FOUND },
		{ "sha-1 certificate of old", "sssh-rsa-cert-v00@openssh.com p20", ERR_NOT_FOUND },
		{ "type with a NUL", "x0000000c7373682d6564323535313900 p32", ERR_NOT_FOUND },
		{ "ed25519 without key", "sssh-ed25519", ERR_CRYPTO },
		{ "ed25519 of 0", "sssh-ed25519 p0", ERR_CRYPTO },
		{ "ed25519 of 31", "sssh-ed25519 p31", ERR_CRYPTO },
		{ "ed25519 of 33", "sssh-ed25519 p33", ERR_CRYPTO },
		{ "ed25519, trailing byte", "sssh-ed25519 p32 x00", ERR_CRYPTO },
		{ "ecdsa of another curve", "secdsa-sha2-nistp256 snistp384 p97", ERR_CRYPTO },
		{ "ecdsa, type and curve swapped", "secdsa-sha2-nistp384 snistp256 p65", ERR_CRYPTO },
		{ "ecdsa without curve", "secdsa-sha2-nistp256", ERR_CRYPTO },
		{ "ecdsa at infinity", "secdsa-sha2-nistp256 snistp256 m00", ERR_CRYPTO },
		{ "ecdsa, compressed", "secdsa-sha2-nistp256 snistp256 p33", ERR_CRYPTO },
		{ "ecdsa, hybrid form", "secdsa-sha2-nistp256 snistp256 p65", ERR_CRYPTO },
		{ "rsa without numbers", "sssh-rsa", ERR_CRYPTO },
		{ "rsa, only e", "sssh-rsa m010001", ERR_CRYPTO },
		{ "rsa, e = 1", "sssh-rsa m01 m00" HEX128, ERR_CRYPTO },
		{ "rsa, e = 0", "sssh-rsa m m00" HEX128, ERR_CRYPTO },
		{ "rsa, e even", "sssh-rsa m010000 m00" HEX128, ERR_CRYPTO },
		{ "rsa, e negative", "sssh-rsa m810001 m00" HEX128, ERR_CRYPTO },
		{ "rsa, e with needless zeros", "sssh-rsa m00010001 m00" HEX128, ERR_CRYPTO },
		{ "rsa, e of 33 bits", "sssh-rsa m0100000001 m00" HEX128, ERR_CRYPTO },
		{ "rsa, n negative", "sssh-rsa m010001 m" HEX128, ERR_CRYPTO },
		{ "rsa, n with needless zeros", "sssh-rsa m010001 m0000" HEX128, ERR_CRYPTO },
		{ "rsa, n empty", "sssh-rsa m010001 m", ERR_CRYPTO },
		{ "rsa, n of 1023 bits", "sssh-rsa m010001 p127", ERR_CRYPTO },
		{ "rsa, n even", "sssh-rsa m010001 m11" HEX128 "10", ERR_CRYPTO },
		{ "rsa, n of 16 kbit and 5", "sssh-rsa m010001 p2049", ERR_CRYPTO },
		{ "rsa, trailing byte", "sssh-rsa m010001 m00" HEX128 " x00", ERR_CRYPTO },
		{ "rsa certificate, cut after the nonce", "sssh-rsa-cert-v01@openssh.com p32", ERR_CRYPTO },
		{ "sk ed25519, no application", "ssk-ssh-ed25519@openssh.com p32", ERR_CRYPTO },
		{ "sk ed25519, short", "ssk-ssh-ed25519@openssh.com p31 sssh:", ERR_CRYPTO },
		{ "sk ecdsa, other curve", "ssk-ecdsa-sha2-nistp256@openssh.com snistp384 p97 sssh:", ERR_CRYPTO },
		{ "good: ed25519", "sssh-ed25519 p32", OK },
		{ "good: rsa of 1024 bits", "sssh-rsa m010001 m00" HEX128, OK },
		{ "good: rsa with PuTTY's exponent", "sssh-rsa m25 m00" HEX128, OK },
		{ "good: rsa of 16384 bits less 3", "sssh-rsa m010001 p2048", OK },
		{ "good: sk ed25519", "ssk-ssh-ed25519@openssh.com p32 sssh:", OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf blob = BUF(PKEY_BLOB_MAX);
		struct why why = { "" };
		int err;

		put(&blob, rows[i].recipe);
		err = pkey_check(buf_span(&blob), &why);
		if (err != rows[i].err || (err && !why.text[0]))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		buf_fini(&blob);
	}
}

static void a_point_off_the_curve_is_refused(void **state)
{
	struct buf blob = BUF(256), sig = BUF(256);
	struct why why;

	(void)state;
	put(&blob, "secdsa-sha2-nistp256 snistp256 "
		   "m04111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
		   "11111111"
		   "111111111111111111111111");
	put(&sig, "secdsa-sha2-nistp256 m00000001010000000101");
	assert_int_equal(pkey_check(buf_span(&blob), &why), OK);
	assert_int_equal(verify("ecdsa-sha2-nistp256", buf_span(&blob), buf_span(&sig), "x", &why), ERR_CRYPTO);
	assert_non_null(strstr(why.text, "refuses"));
	buf_fini(&blob);
	buf_fini(&sig);
}

/* Every algorithm with every key: only those that belong together work, certificates never with a plain key. */
static void algorithm_and_key_must_match(void **state)
{
	(void)state;
	for (size_t k = 0; k < LEN(keys); k++) {
		struct buf good = BUF(PKEY_SIG_MAX);

		sign((int)k, k == K_RSA ? "rsa-sha2-512" : keys[k].type, "data", &good);
		for (const struct sig_alg *a = sig_table(); a->name; a++) {
			struct span blob = pkey_blob(keys[k].key);
			int err = pkey_verify(crypto, a, blob, buf_span(&good), span_str("data"), 0, NULL);
			bool same = strcmp(a->name, k == K_RSA ? "rsa-sha2-512" : keys[k].type) == 0;

			if (err != (same ? OK : ERR_CRYPTO))
				fail_msg("%s with %s: %d", a->name, keys[k].type, err);
		}
		buf_fini(&good);
	}
	assert_null(sig_find(span_str("ssh-rsa")));
	assert_null(sig_find(span_str("ssh-dss")));
	assert_null(sig_find(span_str("ssh-rsa-cert-v01@openssh.com")));
	assert_null(sig_find(span("ssh-ed25519\0", 12)));
	assert_null(sig_find(span(NULL, 0)));
}

/* libcrypto's signing with a bit that flips now and then. */
static bool fault;
int __real_EVP_DigestSign(void *ctx, uint8_t *sig, size_t *n, const uint8_t *data, size_t len);
int __wrap_EVP_DigestSign(void *ctx, uint8_t *sig, size_t *n, const uint8_t *data, size_t len);

int __wrap_EVP_DigestSign(void *ctx, uint8_t *sig, size_t *n, const uint8_t *data, size_t len)
{
	int ret = __real_EVP_DigestSign(ctx, sig, n, data, len);

	if (fault)
		sig[*n - 1] ^= 1;
	return ret;
}

static void faulty_signatures_do_not_leave(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(plain_algs); i++) {
		struct buf sig = BUF(PKEY_SIG_MAX);
		const struct pkey *key = keys[plain_algs[i].key].key;
		int err;

		if (plain_algs[i].key == K_ED25519)
			continue; /* one fault does not tell that key, and signing it should be quick */
		fault = true;
		err = pkey_sign(key, crypto, alg_of(plain_algs[i].alg), span_str("data"), &sig);
		fault = false;
		assert_int_equal(err, ERR_CRYPTO);
		assert_int_equal(sig.n, 0);
		assert_int_equal(pkey_sign(key, crypto, alg_of(plain_algs[i].alg), span_str("data"), &sig), OK);
		buf_fini(&sig);
	}
}

static void foreign_algorithms_do_not_sign(void **state)
{
	struct buf sig = BUF(PKEY_SIG_MAX);

	(void)state;
	buf_u8(&sig, 7);
	for (size_t k = 0; k < LEN(keys); k++)
		for (const struct sig_alg *a = sig_table(); a->name; a++) {
			const char *plain = a->cert ? alg_of(a->plain)->key_type : a->key_type;
			int err = pkey_sign(keys[k].key, crypto, a, span_str("x"), &sig);

			if (err != (!a->agent_only && strcmp(plain, keys[k].type) == 0 ? OK : ERR_CRYPTO))
				fail_msg("%s with %s: %d", a->name, keys[k].type, err);
			if (err && sig.n != 1)
				fail_msg("%s with %s: left something behind", a->name, keys[k].type);
			sig.n = 1;
		}
	buf_fini(&sig);
}

static void damaged_signatures_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(plain_algs); i++) {
		struct span blob = pkey_blob(keys[plain_algs[i].key].key);
		const char *alg = plain_algs[i].alg;
		struct buf sig = BUF(PKEY_SIG_MAX);
		struct why why;

		sign(plain_algs[i].key, alg, "data", &sig);
		assert_int_equal(verify(alg, blob, buf_span(&sig), "data", &why), OK);
		assert_int_equal(verify(alg, blob, buf_span(&sig), "date", &why), ERR_CRYPTO);
		assert_string_equal(why.text, "the signature is wrong");
		for (size_t n = 0; n < sig.n; n++)
			if (verify(alg, blob, span(sig.p, n), "data", NULL) != ERR_CRYPTO)
				fail_msg("%s: cut at %zu", alg, n);
		for (size_t n = 0; n < sig.n; n++) {
			sig.p[n] ^= 0x10;
			if (verify(alg, blob, buf_span(&sig), "data", NULL) != ERR_CRYPTO)
				fail_msg("%s: changed at %zu", alg, n);
			sig.p[n] ^= 0x10;
		}
		buf_u8(&sig, 0);
		assert_int_equal(verify(alg, blob, buf_span(&sig), "data", &why), ERR_CRYPTO);
		buf_fini(&sig);
	}
}

static void degenerate_signatures_are_refused(void **state)
{
	static const struct {
		const char *name, *recipe;
		int key;
	} rows[] = {
		{ "ed25519, nothing", "sssh-ed25519 p0", K_ED25519 },
		{ "ed25519, 63 bytes", "sssh-ed25519 p63", K_ED25519 },
		{ "ed25519, 65 bytes", "sssh-ed25519 p65", K_ED25519 },
		{ "ecdsa, nothing", "secdsa-sha2-nistp256 m", K_P256 },
		{ "ecdsa, r = s = 0", "secdsa-sha2-nistp256 m0000000000000000", K_P256 },
		{ "ecdsa, r = s = 0 in a byte", "secdsa-sha2-nistp256 m00000001000000000100", K_P256 },
		{ "ecdsa, s = 0", "secdsa-sha2-nistp256 m00000001010000000100", K_P256 },
		{ "ecdsa, r negative", "secdsa-sha2-nistp256 m00000001ff0000000101", K_P256 },
		{ "ecdsa, s missing", "secdsa-sha2-nistp256 m0000000101", K_P256 },
		{ "ecdsa, third number", "secdsa-sha2-nistp256 m0000000101000000010100000000", K_P256 },
		{ "ecdsa, r = order",
		  "secdsa-sha2-nistp256 "
		  "m0000002100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325510000000101",
		  K_P256 },
		{ "ecdsa, r too long",
		  "secdsa-sha2-nistp256 "
		  "m0000002101ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325510000000101",
		  K_P256 },
		{ "ecdsa, raw r and s", "secdsa-sha2-nistp256 p64", K_P256 },
		{ "ecdsa, DER", "secdsa-sha2-nistp256 m3006020101020101", K_P256 },
		{ "rsa, nothing", "srsa-sha2-512 p0", K_RSA },
		{ "rsa, one byte", "srsa-sha2-512 p1", K_RSA },
		{ "rsa, longer than the modulus", "srsa-sha2-512 p385", K_RSA },
		{ "rsa, far longer", "srsa-sha2-512 p3000", K_RSA },
		{ "rsa, larger than the modulus",
		  "srsa-sha2-512 "
		  "mffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		  K_RSA },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const char *alg = rows[i].key == K_RSA ? "rsa-sha2-512" : keys[rows[i].key].type;
		struct buf sig = BUF(PKEY_SIG_MAX);

		put(&sig, rows[i].recipe);
		if (verify(alg, pkey_blob(keys[rows[i].key].key), buf_span(&sig), "x", NULL) != ERR_CRYPTO)
			fail_msg("%s was accepted", rows[i].name);
		buf_fini(&sig);
	}
}

/* RFC 8032 section 5.1.7: S must be below the order, or every signature has a twin. */
static void ed25519_twin_is_refused(void **state)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
					   0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,	   0,	 0,    0,
					   0,	 0,    0,    0,	   0,	 0,    0,    0,	   0,	 0x10 };
	struct buf sig = BUF(PKEY_SIG_MAX);
	unsigned carry = 0;
	uint8_t *s;

	(void)state;
	sign(K_ED25519, "ssh-ed25519", "data", &sig);
	s = sig.p + sig.n - 32;
	for (size_t i = 0; i < 32; i++) {
		carry += s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(verify("ssh-ed25519", pkey_blob(keys[K_ED25519].key), buf_span(&sig), "data", NULL),
			 ERR_CRYPTO);
	buf_fini(&sig);
}

/* A signer that drops leading zeros is understood; a signature that was merely cut is not. */
static void short_rsa_signatures_are_padded(void **state)
{
	size_t head = 4 + strlen("rsa-sha2-512") + 4;
	char data[16];

	(void)state;
	for (unsigned i = 0;; i++) {
		struct buf sig = BUF(PKEY_SIG_MAX);
		bool zero;

		snprintf(data, sizeof(data), "%u", i);
		sign(K_RSA, "rsa-sha2-512", data, &sig);
		zero = sig.p[head] == 0;
		memmove(sig.p + head, sig.p + head + 1, sig.n - head - 1);
		sig.n--;
		put_u32(sig.p + head - 4, (uint32_t)(sig.n - head));
		assert_int_equal(verify("rsa-sha2-512", pkey_blob(keys[K_RSA].key), buf_span(&sig), data, NULL),
				 zero ? OK : ERR_CRYPTO);
		buf_fini(&sig);
		if (zero)
			break;
	}
}

static void small_rsa_keys_are_refused_on_demand(void **state)
{
	struct buf sig = BUF(PKEY_SIG_MAX);
	const struct sig_alg *alg = alg_of("rsa-sha2-512");
	struct span blob = pkey_blob(keys[K_RSA].key);
	struct why why;

	(void)state;
	sign(K_RSA, "rsa-sha2-512", "data", &sig);
	assert_int_equal(pkey_verify(crypto, alg, blob, buf_span(&sig), span_str("data"), 3073, &why), ERR_CRYPTO);
	assert_string_equal(why.text, "an RSA key of 3072 bits; at least 3073 are required");
	assert_int_equal(pkey_verify(crypto, alg, blob, buf_span(&sig), span_str("data"), 3072, &why), OK);
	buf_fini(&sig);
	sign(K_ED25519, "ssh-ed25519", "data", &sig);
	assert_int_equal(pkey_verify(crypto, alg_of("ssh-ed25519"), pkey_blob(keys[K_ED25519].key), buf_span(&sig),
				     span_str("data"), 16384, &why),
			 OK);
	buf_fini(&sig);
}

/* SSHSIG (OpenSSH's PROTOCOL.sshsig): our signatures in ssh-keygen's envelope. */
static void ssh_keygen_accepts_our_signatures(void **state)
{
	(void)state;
	spill("message", span_str("hello\n"), 0600);
	for (size_t i = 0; i < LEN(plain_algs); i++) {
		struct pkey *key = keys[plain_algs[i].key].key;
		struct buf in = BUF(4096), sig = BUF(4096), all = BUF(16384), text = BUF(16384);
		struct span message = span_str("hello\n");
		uint8_t digest[HASH_MAX];

		assert_int_equal(hash_spans(crypto, HASH_SHA512, &message, 1, digest), OK);
		buf_bytes(&in, span_str("SSHSIG"));
		buf_cstring(&in, "file");
		buf_cstring(&in, "");
		buf_cstring(&in, "sha512");
		buf_string(&in, span(digest, 64));
		assert_int_equal(pkey_sign(key, crypto, alg_of(plain_algs[i].alg), buf_span(&in), &sig), OK);
		buf_bytes(&all, span_str("SSHSIG"));
		buf_u32(&all, 1);
		buf_string(&all, pkey_blob(key));
		buf_cstring(&all, "file");
		buf_cstring(&all, "");
		buf_cstring(&all, "sha512");
		buf_string(&all, buf_span(&sig));
		buf_bytes(&text, span_str("-----BEGIN SSH SIGNATURE-----\n"));
		b64_encode(&text, buf_span(&all));
		buf_bytes(&text, span_str("\n-----END SSH SIGNATURE-----\n"));
		spill("sig", buf_span(&text), 0600);
		if (!sh("ssh-keygen -Y check-novalidate -n file -s sig < message"))
			fail_msg("ssh-keygen refuses %s", plain_algs[i].alg);
		buf_fini(&in);
		buf_fini(&sig);
		buf_fini(&all);
		buf_fini(&text);
	}
}

static void fingerprints_and_labels(void **state)
{
	char fp[64];

	(void)state;
	for (size_t i = 0; i < LEN(keys); i++) {
		struct span blob = pkey_blob(keys[i].key);
		struct buf text = BUF(4096);

		buf_printf(&text, "%s ", keys[i].type);
		b64_encode(&text, blob);
		buf_u8(&text, '\n');
		spill("k.pub", buf_span(&text), 0600);
		assert_int_equal(pkey_fingerprint(crypto, blob, fp), OK);
		if (!sh("ssh-keygen -lf k.pub > fp && grep -qF '%s ' fp && grep -qF '(%s)' fp", fp, pkey_label(blob)))
			fail_msg("ssh-keygen has another fingerprint than %s for %s", fp, keys[i].type);
		assert_string_equal(pkey_label(blob), keys[i].label);
		assert_true(span_is(pkey_type(blob), keys[i].type));
		buf_fini(&text);
	}
	assert_string_equal(pkey_label(span("\0\0\0\7ssh-dss", 11)), "unknown");
	assert_string_equal(pkey_label(span(NULL, 0)), "unknown");
}

/* --- private keys --- */

/* A private key's fields, taken from a generated key's halves that do not belong together. */
static void mismatched_halves_are_refused(void **state)
{
	static const struct {
		const char *name, *recipe;
		int err;
	} rows[] = {
		{ "nothing", "", ERR_SYNTAX },
		{ "foreign type", "sssh-dss", ERR_NOT_FOUND },
		{ "security key", "ssk-ssh-ed25519@openssh.com p32 sssh: x01 s s", ERR_NOT_FOUND },
		{ "ed25519, short secret", "sssh-ed25519 p32 p63", ERR_SYNTAX },
		{ "ed25519, seed only", "sssh-ed25519 p32 p32", ERR_SYNTAX },
		{ "ed25519, another public half", "sssh-ed25519 p32 p64", ERR_CRYPTO },
		{ "ecdsa, not on the curve", "secdsa-sha2-nistp256 snistp256 p65 m01", ERR_CRYPTO },
		{ "rsa, no factors", "sssh-rsa m00" HEX128 " m010001", ERR_SYNTAX },
		{ "rsa, n is not p q", "sssh-rsa m00" HEX128 " m010001 m03 m03 m03 m05", ERR_CRYPTO },
		{ "rsa, p = 1", "sssh-rsa m00" HEX128 " m010001 m03 m01 m01 m00" HEX128, ERR_CRYPTO },
		{ "rsa, p = 0", "sssh-rsa m00" HEX128 " m010001 m03 m01 m m00" HEX128, ERR_CRYPTO },
		{ "rsa, factors longer than n", "sssh-rsa m00" HEX128 " m010001 m03 m01 p129 p129", ERR_SYNTAX },
		{ "certificate that is none", "sssh-ed25519-cert-v01@openssh.com p40 p32 p64", ERR_CRYPTO },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf fields = BUF(65536);
		struct pkey *key = NULL;
		struct rd in;
		int err;

		put(&fields, rows[i].recipe);
		in = rd(buf_span(&fields));
		err = pkey_from_fields(&key, crypto, &in);
		if (err != rows[i].err || key)
			fail_msg("%s: %d", rows[i].name, err);
		buf_fini(&fields);
	}
}

#define RFC8032_SIG                                                                                                    \
	"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b" \
	"be24655141438e7a100b"

static void known_answer_of_ed25519(void **state)
{
	struct pkey *key = key_from("sssh-ed25519 m" RFC8032_PK " m" RFC8032_SK RFC8032_PK, span(NULL, 0));
	struct buf want = BUF(256), sig = BUF(256);

	(void)state;
	put(&want, "sssh-ed25519 m" RFC8032_SIG);
	assert_int_equal(pkey_sign(key, crypto, alg_of("ssh-ed25519"), span_str(""), &sig), OK);
	assert_true(span_eq(buf_span(&sig), buf_span(&want)));
	pkey_free(key);
	buf_fini(&want);
	buf_fini(&sig);
}

static void unknown_types_are_not_generated(void **state)
{
	static const char *const types[] = { "", "ssh-dss", "rsa", "sk-ssh-ed25519@openssh.com",
					     "ssh-ed25519-cert-v01@openssh.com" };
	struct pkey *key = NULL;

	(void)state;
	for (size_t i = 0; i < LEN(types); i++)
		assert_int_equal(pkey_generate(&key, crypto, types[i]), ERR_NOT_FOUND);
	assert_null(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_blobs_are_refused),
		cmocka_unit_test(a_point_off_the_curve_is_refused),
		cmocka_unit_test(algorithm_and_key_must_match),
		cmocka_unit_test(faulty_signatures_do_not_leave),
		cmocka_unit_test(foreign_algorithms_do_not_sign),
		cmocka_unit_test(damaged_signatures_are_refused),
		cmocka_unit_test(degenerate_signatures_are_refused),
		cmocka_unit_test(ed25519_twin_is_refused),
		cmocka_unit_test(short_rsa_signatures_are_padded),
		cmocka_unit_test(small_rsa_keys_are_refused_on_demand),
		cmocka_unit_test(ssh_keygen_accepts_our_signatures),
		cmocka_unit_test(fingerprints_and_labels),
		cmocka_unit_test(mismatched_halves_are_refused),
		cmocka_unit_test(known_answer_of_ed25519),
		cmocka_unit_test(unknown_types_are_not_generated),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
