/* Certificates: made up wrong ones first, then those of ssh-keygen. */
#include "keys.h"

#include "crypto/b64.h"

/* A certificate with every part chosen; signed by `ca` (an index of keys[]) unless `sig` says otherwise. */
struct recipe {
	const char *name;
	uint32_t role;
	const char *principals, *critical, *extensions; /* in the language of put() */
	const char *tail;				/* behind the signature */
	const char *ca_blob;				/* instead of the CA's own */
	int err;
};

static void make_cert(struct buf *out, const struct recipe *r, struct span subject, int ca, const char *alg)
{
	struct buf part = BUF(65536), sig = BUF(4096);
	const char *parts[] = { r->critical, r->extensions };

	buf_cstring(out, "ssh-ed25519-cert-v01@openssh.com");
	buf_cstring(out, "nonce");
	buf_bytes(out, span(subject.p + 15, subject.n - 15));
	buf_u64(out, 42);
	buf_u32(out, r->role);
	buf_cstring(out, "key id");
	put(&part, r->principals);
	buf_string(out, buf_span(&part));
	buf_u64(out, 1000);
	buf_u64(out, 2000);
	for (size_t i = 0; i < LEN(parts); i++) {
		buf_clear(&part);
		put(&part, parts[i]);
		buf_string(out, buf_span(&part));
	}
	buf_cstring(out, "");
	buf_clear(&part);
	if (r->ca_blob)
		put(&part, r->ca_blob);
	buf_string(out, r->ca_blob ? buf_span(&part) : pkey_blob(keys[ca].key));
	assert_int_equal(pkey_sign(keys[ca].key, crypto, alg_of(alg), buf_span(out), &sig), OK);
	buf_string(out, buf_span(&sig));
	put(out, r->tail);
	assert_int_equal(buf_err(out), OK);
	buf_fini(&part);
	buf_fini(&sig);
}

static void bad_certificates_are_refused(void **state)
{
	static const struct recipe rows[] = {
		{ "role 0", 0, "", "", "", "", NULL, ERR_SYNTAX },
		{ "role 3", 3, "", "", "", "", NULL, ERR_SYNTAX },
		{ "principals cut", 1, "x00000005616263", "", "", "", NULL, ERR_SYNTAX },
		{ "principals with a spare byte", 1, "sroot x00", "", "", "", NULL, ERR_SYNTAX },
		{ "critical option without data", 1, "sroot", "sforce-command", "", "", NULL, ERR_SYNTAX },
		{ "extension without data", 1, "sroot", "", "spermit-pty", "", NULL, ERR_SYNTAX },
		{ "extension of 4 GB", 1, "sroot", "", "xffffffff", "", NULL, ERR_SYNTAX },
		{ "trailing byte", 1, "sroot", "", "", "x00", NULL, ERR_SYNTAX },
		{ "second signature", 1, "sroot", "", "", "p64", NULL, ERR_SYNTAX },
		{ "CA without key", 1, "sroot", "", "", "", "x", ERR_CRYPTO },
		{ "CA of another type", 1, "sroot", "", "", "", "sssh-rsa m010001 p129", ERR_CRYPTO },
		{ "another CA key", 1, "sroot", "", "", "", "sssh-ed25519 p32", ERR_CRYPTO },
		{ "CA is a certificate", 1, "sroot", "", "", "", "sssh-ed25519-cert-v01@openssh.com p4 p32",
		  ERR_CRYPTO },
		{ "good: user", 1, "sroot salice", "sforce-command s", "spermit-pty s", "", NULL, OK },
		{ "good: host, nothing in it", 2, "", "", "", "", NULL, OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf blob = BUF(65536);
		struct why why = { "" };
		struct cert cert;
		int err;

		make_cert(&blob, &rows[i], pkey_blob(keys[K_ED25519].key), K_ED25519, "ssh-ed25519");
		err = cert_parse(&cert, crypto, buf_span(&blob), &why);
		if (err != rows[i].err || (err && !why.text[0]))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		buf_fini(&blob);
	}
}

/* Every byte of a certificate counts. */
static void changed_certificates_are_refused(void **state)
{
	static const struct recipe r = { "", 1, "sroot", "sforce-command s", "spermit-pty s", "", NULL, OK };

	(void)state;
	for (int ca = 0; ca < (int)LEN(keys); ca++) {
		struct buf blob = BUF(65536);
		struct cert cert;

		make_cert(&blob, &r, pkey_blob(keys[K_ED25519].key), ca, ca == K_RSA ? "rsa-sha2-256" : keys[ca].type);
		assert_int_equal(cert_parse(&cert, crypto, buf_span(&blob), NULL), OK);
		for (size_t n = 0; n < blob.n; n++)
			if (cert_parse(&cert, crypto, span(blob.p, n), NULL) == OK)
				fail_msg("cut at %zu", n);
		for (size_t n = 0; n < blob.n; n++) {
			blob.p[n] ^= 1;
			if (cert_parse(&cert, crypto, buf_span(&blob), NULL) == OK)
				fail_msg("changed at %zu", n);
			blob.p[n] ^= 1;
		}
		buf_fini(&blob);
	}
	assert_int_equal(cert_parse(&(struct cert){ 0 }, crypto, pkey_blob(keys[0].key), NULL), ERR_SYNTAX);
	assert_int_equal(cert_parse(&(struct cert){ 0 }, crypto, span(NULL, 0), NULL), ERR_SYNTAX);
}

/* The blob of a .pub file. */
static void load_blob(const char *name, struct buf *blob)
{
	struct buf text = BUF(65536);
	const uint8_t *from, *to;

	slurp(name, &text);
	from = memchr(text.p, ' ', text.n);
	assert_non_null(from);
	to = memchr(from + 1, ' ', text.n - (size_t)(from + 1 - text.p));
	assert_non_null(to);
	assert_int_equal(b64_decode(blob, span(from, (size_t)(to - from))), OK);
	buf_fini(&text);
}

/* Certificates made by ssh-keygen for and by every type. */
static void certificates_of_ssh_keygen(void **state)
{
	static const struct {
		const char *type, *ca, *alg; /* -t for both keys; -t of the signature or "" */
		const char *cert_type, *label;
		int err;
	} rows[] = {
		{ "ed25519", "rsa", "ssh-rsa", "", "", ERR_CRYPTO },
		{ "ed25519", "ed25519", "", "ssh-ed25519-cert-v01@openssh.com", "ED25519-CERT", OK },
		{ "ecdsa", "ed25519", "", "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ECDSA-CERT", OK },
		{ "ecdsa -b 384", "ecdsa -b 521", "", "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ECDSA-CERT", OK },
		{ "ecdsa -b 521", "ecdsa", "", "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ECDSA-CERT", OK },
		{ "rsa -b 1024", "rsa", "rsa-sha2-256", "ssh-rsa-cert-v01@openssh.com", "RSA-CERT", OK },
		{ "rsa -b 2048", "rsa", "rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com", "RSA-CERT", OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf blob = BUF(65536), key = BUF(65536), plain = BUF(65536);
		bool host = i % 2;
		struct cert cert;
		struct why why;
		int err;

		assert_true(sh("rm -f k k.pub ca ca.pub k-cert.pub; ssh-keygen -q -N '' -t %s -f k -C c && ssh-keygen "
			       "-q -N '' -t %s -f ca && ssh-keygen -q %s %s %s -s ca -I 'my id' -n one,two -z 77 -V "
			       "20200101000000Z:20200102000000Z k.pub",
			       rows[i].type, rows[i].ca, host ? "-h" : "", rows[i].alg[0] ? "-t" : "", rows[i].alg));
		load_blob("k-cert.pub", &blob);
		load_blob("k.pub", &key);
		err = cert_parse(&cert, crypto, buf_span(&blob), &why);
		if (err != rows[i].err)
			fail_msg("%s by %s: %d (%s)", rows[i].type, rows[i].ca, err, why.text);
		if (!err) {
			assert_true(cert_is(buf_span(&blob)));
			assert_string_equal(pkey_label(buf_span(&blob)), rows[i].label);
			assert_true(span_is(cert.type, rows[i].cert_type));
			assert_true(span_eq(cert.plain_blob_type, pkey_type(buf_span(&key))));
			assert_true(span_is(cert.key_id, "my id"));
			assert_true(span_eq(cert.principals, span("\0\0\0\3one\0\0\0\3two", 14)));
			assert_int_equal(cert.role, host ? CERT_HOST : CERT_USER);
			assert_int_equal(cert.serial, 77);
			assert_int_equal(cert.after, 1577836800);
			assert_int_equal(cert.before, 1577923200);
			assert_int_equal(cert.extensions.n > 0, !host);
			assert_int_equal(cert.critical.n, 0);
			assert_int_equal(cert_plain_blob(buf_span(&blob), &plain), OK);
			assert_true(span_eq(buf_span(&plain), buf_span(&key)));
		}
		buf_fini(&blob);
		buf_fini(&key);
		buf_fini(&plain);
	}
	assert_int_equal(cert_plain_blob(pkey_blob(keys[0].key), &BUF(100)), ERR_CRYPTO);
}

/* A certificate's algorithm verifies with the key inside, and not with that of the CA. */
static void certificates_verify_signatures(void **state)
{
	static const struct recipe r = { "", 2, "shost", "", "", "", NULL, OK };
	const char *name = "ssh-ed25519-cert-v01@openssh.com";
	struct buf blob = BUF(65536), sig = BUF(256);

	(void)state;
	make_cert(&blob, &r, pkey_blob(keys[K_ED25519].key), K_P256, "ecdsa-sha2-nistp256");
	sign(K_ED25519, name, "data", &sig);
	assert_true(span_is(pkey_type(buf_span(&sig)), "ssh-ed25519"));
	assert_int_equal(verify("ssh-ed25519", buf_span(&blob), buf_span(&sig), "data", NULL), ERR_CRYPTO);
	assert_int_equal(verify(name, pkey_blob(keys[K_ED25519].key), buf_span(&sig), "data", NULL), ERR_CRYPTO);
	assert_int_equal(verify(name, buf_span(&blob), buf_span(&sig), "date", NULL), ERR_CRYPTO);
	assert_int_equal(verify(name, buf_span(&blob), buf_span(&sig), "data", NULL), OK);
	buf_fini(&blob);
	buf_fini(&sig);
}

/* A certificate as the public half. */
static void private_key_with_certificate(void **state)
{
	static const struct recipe r = { "", 1, "sroot", "", "", "", NULL, OK };
	const char *name = "ssh-ed25519-cert-v01@openssh.com";
	struct buf subject = BUF(256), cert = BUF(65536), fields = BUF(65536), sig = BUF(256);
	struct pkey *key;

	(void)state;
	put(&subject, "sssh-ed25519 m" RFC8032_PK);
	make_cert(&cert, &r, buf_span(&subject), K_P384, "ecdsa-sha2-nistp384");
	buf_cstring(&fields, name);
	buf_string(&fields, buf_span(&cert));
	key = key_from("m" RFC8032_PK " m" RFC8032_SK RFC8032_PK, buf_span(&fields));
	assert_true(span_eq(pkey_blob(key), buf_span(&cert)));
	assert_int_equal(pkey_sign(key, crypto, alg_of(name), span_str("x"), &sig), OK);
	assert_int_equal(verify(name, pkey_blob(key), buf_span(&sig), "x", NULL), OK);
	pkey_free(key);
	buf_fini(&subject);
	buf_fini(&cert);
	buf_fini(&fields);
	buf_fini(&sig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_certificates_are_refused), cmocka_unit_test(changed_certificates_are_refused),
		cmocka_unit_test(certificates_of_ssh_keygen),	cmocka_unit_test(certificates_verify_signatures),
		cmocka_unit_test(private_key_with_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
