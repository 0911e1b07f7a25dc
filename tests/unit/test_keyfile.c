/* Key files: damaged and hostile ones first, then every kind that ssh-keygen and openssl write. */
#include "keygen.h"

#include "base/rd.h"
#include "conf/keyfile.h"
#include "crypto/b64.h"

#define PASS "correct horse"

static struct crypto *crypto;

static int setup(void **state)
{
	int err = crypto_new(&crypto, NULL);

	return err ? err : keygen_setup(state);
}

static int teardown(void **state)
{
	crypto_free(crypto);
	return keygen_teardown(state);
}

/* --- failing allocations: of our own code, not of libcrypto's --- */

static long fail_at = -1, live;
void *__real_malloc(size_t n);
void *__real_calloc(size_t k, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t k, size_t n);
void __wrap_free(void *p);

void *__wrap_malloc(size_t n)
{
	if (fail_at >= 0 && fail_at-- == 0)
		return NULL;
	live++;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t k, size_t n)
{
	if (fail_at >= 0 && fail_at-- == 0)
		return NULL;
	live++;
	return __real_calloc(k, n);
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

/* --- helpers --- */

static int parse(struct span text, const char *pass, struct why *why)
{
	struct pkey *key = NULL;
	int err = keyfile_parse(text, crypto, pass, &key, NULL, why);

	assert_int_equal(err == OK, key != NULL);
	pkey_free(key);
	return err;
}

/* The key signs, and its blob is the one in k.pub. */
static void check_key(struct pkey *key, const char *what)
{
	struct buf pub = BUF(65536), sig = BUF(PKEY_SIG_MAX);
	bool signs = false;
	struct why why;

	assert_int_equal(keyfile_load_public(in_dir("k.pub"), &pub, NULL, &why), OK);
	if (!span_eq(buf_span(&pub), pkey_blob(key)))
		fail_msg("%s: another public key than in k.pub", what);
	for (const struct sig_alg *a = sig_table(); a->name; a++) {
		if (!span_is(pkey_type(pkey_blob(key)), a->key_type))
			continue;
		signs = true;
		buf_clear(&sig);
		if (pkey_sign(key, crypto, a, span_str("data"), &sig) ||
		    pkey_verify(crypto, a, buf_span(&pub), buf_span(&sig), span_str("data"), 0, &why))
			fail_msg("%s does not sign", what);
	}
	assert_true(signs);
	buf_fini(&pub);
	buf_fini(&sig);
}

/* Loads "k" with and without the passphrase that it has (NULL: none). */
static void check_file(const char *pass, const char *comment, const char *what)
{
	struct buf words = BUF(1024);
	struct pkey *key = NULL;
	struct why why = { "" };
	int err;

	if (pass) {
		err = keyfile_load(in_dir("k"), crypto, NULL, &key, &words, &why);
		if (err != ERR_PASSPHRASE || !strstr(why.text, "passphrase is needed"))
			fail_msg("%s without passphrase: %d (%s)", what, err, why.text);
		err = keyfile_load(in_dir("k"), crypto, "wrong", &key, &words, &why);
		if (err != ERR_PASSPHRASE || !strstr(why.text, "passphrase is wrong"))
			fail_msg("%s with a wrong passphrase: %d (%s)", what, err, why.text);
		err = keyfile_load(in_dir("k"), crypto, "", &key, &words, &why);
		if (err != ERR_PASSPHRASE)
			fail_msg("%s with an empty passphrase: %d (%s)", what, err, why.text);
	}
	err = keyfile_load(in_dir("k"), crypto, pass, &key, &words, &why);
	if (err)
		fail_msg("%s: %d (%s)", what, err, why.text);
	check_key(key, what);
	if (comment)
		assert_true(span_is(buf_span(&words), comment));
	pkey_free(key);
	buf_fini(&words);
}

/* --- damaged files --- */

/* The plain bytes of an openssh-key-v1 file in parts, to be put together wrong. */
struct parts {
	const char *name;
	const char *cipher, *kdf;
	const char *options; /* with its length */
	size_t options_len;
	uint32_t keys;
	int blob;	/* added to the last byte of the public key in the envelope */
	uint32_t check; /* the second check number; the first is 7 */
	const char *padding;
	size_t padding_len;
	const char *tail;
	int err;
	const char *why;
};

#define S(text) (text), sizeof(text) - 1
#define SALT	"\0\0\0\20ssssssssssssssss"

static void armor(struct buf *out, struct span bytes)
{
	buf_bytes(out, span_str("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
	b64_encode(out, bytes);
	buf_bytes(out, span_str("\n-----END OPENSSH PRIVATE KEY-----\n"));
	assert_int_equal(buf_err(out), OK);
}

/* Of RFC 8032's first key: type, public half, private half. */
static void put_fields(struct buf *out, bool private)
{
	static const uint8_t pk[] = "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a"
				    "\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
	static const uint8_t sk[] = "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4"
				    "\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";

	buf_cstring(out, "ssh-ed25519");
	buf_string(out, span(pk, 32));
	if (!private)
		return;
	buf_u32(out, 64);
	buf_bytes(out, span(sk, 32));
	buf_bytes(out, span(pk, 32));
}

static void build(struct buf *out, const struct parts *p)
{
	struct buf bytes = BUF(65536), part = BUF(65536);

	buf_bytes(&bytes, span("openssh-key-v1", 15));
	buf_cstring(&bytes, p->cipher);
	buf_cstring(&bytes, p->kdf);
	buf_string(&bytes, span(p->options, p->options_len));
	buf_u32(&bytes, p->keys);
	put_fields(&part, false);
	part.p[part.n - 1] = (uint8_t)(part.p[part.n - 1] + p->blob);
	buf_string(&bytes, buf_span(&part));
	buf_clear(&part);
	buf_u32(&part, 7);
	buf_u32(&part, p->check);
	put_fields(&part, true);
	buf_cstring(&part, "hi");
	buf_bytes(&part, span(p->padding, p->padding_len));
	buf_string(&bytes, buf_span(&part));
	buf_bytes(&bytes, span_str(p->tail));
	armor(out, buf_span(&bytes));
	buf_fini(&bytes);
	buf_fini(&part);
}

#define PAD   S("\1\2\3")		      /* to 8 bytes */
#define PAD16 S("\1\2\3\4\5\6\7\10\11\12\13") /* to 16 bytes */

static void wrong_envelopes_are_refused(void **state)
{
	static const struct parts rows[] = {
		{ "two keys", "none", "none", S(""), 2, 0, 7, PAD, "", ERR_SYNTAX, "2 keys" },
		{ "no key", "none", "none", S(""), 0, 0, 7, PAD, "", ERR_SYNTAX, "0 keys" },
		{ "2^32-1 keys", "none", "none", S(""), UINT32_MAX, 0, 7, PAD, "", ERR_SYNTAX, "4294967295 keys" },
		{ "another public key", "none", "none", S(""), 1, 1, 7, PAD, "", ERR_CRYPTO, "does not belong" },
		{ "check numbers", "none", "none", S(""), 1, 0, 8, PAD, "", ERR_SYNTAX, "check numbers" },
		{ "padding of zeros", "none", "none", S(""), 1, 0, 7, S("\0\0\0"), "", ERR_SYNTAX, "padding" },
		{ "padding from 2", "none", "none", S(""), 1, 0, 7, S("\2\3\4"), "", ERR_SYNTAX, "padding" },
		{ "padding wrong at its end", "none", "none", S(""), 1, 0, 7, S("\1\2\4"), "", ERR_SYNTAX, "padding" },
		{ "padding too short", "none", "none", S(""), 1, 0, 7, S("\1\2"), "", ERR_SYNTAX, "length" },
		{ "trailing byte", "none", "none", S(""), 1, 0, 7, PAD, "x", ERR_SYNTAX, "length" },
		{ "options without kdf", "none", "none", S("x"), 1, 0, 7, PAD, "", ERR_SYNTAX, "options" },
		{ "kdf without cipher", "none", "bcrypt", S(SALT "\0\0\0\20"), 1, 0, 7, PAD, "", ERR_SYNTAX,
		  "deriving" },
		{ "cipher without kdf", "aes256-ctr", "none", S(""), 1, 0, 7, PAD, "", ERR_SYNTAX, "deriving" },
		{ "unknown kdf", "aes256-ctr", "argon2", S(SALT "\0\0\0\20"), 1, 0, 7, PAD, "", ERR_SYNTAX,
		  "deriving" },
		{ "unknown cipher", "rot13", "bcrypt", S(SALT "\0\0\0\20"), 1, 0, 7, PAD, "", ERR_SYNTAX, "cipher" },
		{ "no options", "aes256-ctr", "bcrypt", S(""), 1, 0, 7, PAD, "", ERR_SYNTAX, "options" },
		{ "options cut", "aes256-ctr", "bcrypt", S(SALT "\0\0\0"), 1, 0, 7, PAD, "", ERR_SYNTAX, "options" },
		{ "options too long", "aes256-ctr", "bcrypt", S(SALT "\0\0\0\20x"), 1, 0, 7, PAD, "", ERR_SYNTAX,
		  "options" },
		{ "empty salt", "aes256-ctr", "bcrypt", S("\0\0\0\0\0\0\0\20"), 1, 0, 7, PAD, "", ERR_SYNTAX,
		  "options" },
		{ "no rounds", "aes256-ctr", "bcrypt", S(SALT "\0\0\0\0"), 1, 0, 7, PAD, "", ERR_SYNTAX, "options" },
		{ "2049 rounds", "aes256-ctr", "bcrypt", S(SALT "\0\0\10\1"), 1, 0, 7, PAD, "", ERR_LIMIT,
		  "2049 rounds" },
		{ "2^32-1 rounds", "aes256-ctr", "bcrypt", S(SALT "\377\377\377\377"), 1, 0, 7, PAD, "", ERR_LIMIT,
		  "4294967295 rounds" },
		{ "not whole blocks", "aes256-ctr", "bcrypt", S(SALT "\0\0\0\1"), 1, 0, 7, S("\1\2"), "", ERR_SYNTAX,
		  "length" },
		{ "tag missing", "aes256-gcm@openssh.com", "bcrypt", S(SALT "\0\0\0\1"), 1, 0, 7, PAD16, "", ERR_SYNTAX,
		  "length" },
		{ "tag too long", "aes256-gcm@openssh.com", "bcrypt", S(SALT "\0\0\0\1"), 1, 0, 7, PAD16,
		  "12345678901234567", ERR_SYNTAX, "length" },
		{ "tag wrong", "aes256-gcm@openssh.com", "bcrypt", S(SALT "\0\0\0\1"), 1, 0, 7, PAD16,
		  "1234567890123456", ERR_PASSPHRASE, "wrong" },
		{ "tag wrong", "chacha20-poly1305@openssh.com", "bcrypt", S(SALT "\0\0\0\1"), 1, 0, 7, PAD,
		  "1234567890123456", ERR_PASSPHRASE, "wrong" },
		{ "good", "none", "none", S(""), 1, 0, 7, PAD, "", OK, "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf text = BUF(65536);
		struct why why = { "" };
		int err;

		build(&text, &rows[i]);
		err = parse(buf_span(&text), PASS, &why);
		if (err != rows[i].err || !strstr(why.text, rows[i].why))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		buf_fini(&text);
	}
}

static void foreign_text_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "empty", "" },
		{ "a word", "key" },
		{ "a public key", "ssh-ed25519 AAAA me\n" },
		{ "only the first line", "-----BEGIN OPENSSH PRIVATE KEY-----\n" },
		{ "nothing inside", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n" },
		{ "not base64", "-----BEGIN OPENSSH PRIVATE KEY-----\n%%%%\n-----END OPENSSH PRIVATE KEY-----\n" },
		{ "other magic", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				 "-----END OPENSSH PRIVATE KEY-----\n" },
		{ "PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\n" },
		{ "PEM without end", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n" },
		{ "empty PEM", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n" },
		{ "PEM certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n" },
		{ "PEM with an unknown cipher", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
						"DEK-Info: ROT13,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct why why = { "" };
		int err = parse(span_str(rows[i].text), PASS, &why);

		if (err != ERR_SYNTAX || !why.text[0])
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
	}
}

/* Cut at every byte, plain and encrypted, openssh and PEM: never a key. */
static void truncated_files_are_refused(void **state)
{
	static const char *const how[] = {
		"-t ed25519 -N ''",
		"-t ecdsa -N ''",
		"-t ecdsa -m PEM -N ''",
		"-t ecdsa -m PKCS8 -N ''",
		"-t ed25519 -a 1 -N '" PASS "'",
	};

	(void)state;
	for (size_t i = 0; i < LEN(how); i++) {
		struct buf text = BUF(KEYFILE_MAX);
		size_t last;

		assert_true(sh("rm -f k k.pub; ssh-keygen -q -f k %s", how[i]));
		slurp("k", &text);
		/* Without the line's end, and the last dash of PEM, it is still whole. */
		for (last = text.n; text.p[last - 1] == '\n' || text.p[last - 1] == '-'; last--)
			;
		for (size_t n = 0; n < last; n++)
			if (parse(span(text.p, n), PASS, NULL) == OK)
				fail_msg("%s: accepted when cut at %zu", how[i], n);
		assert_int_equal(parse(buf_span(&text), PASS, NULL), OK);
		buf_fini(&text);
	}
}

/* One bit changed in each byte of the binary: never the key of that file with another private half. */
static void damaged_files_are_refused(void **state)
{
	static const struct parts good = { "", "none", "none", S(""), 1, 0, 7, PAD, "", OK, "" };
	struct buf text = BUF(65536), bytes = BUF(65536);
	size_t head = strlen("-----BEGIN OPENSSH PRIVATE KEY-----"),
	       tail = strlen("-----END OPENSSH PRIVATE KEY-----") + 1;

	(void)state;
	build(&text, &good);
	assert_int_equal(b64_decode(&bytes, span(text.p + head, text.n - head - tail)), OK);
	for (size_t n = 0; n < bytes.n; n++) {
		bool comment = n >= bytes.n - 5 && n < bytes.n - 3;

		bytes.p[n] ^= 4;
		buf_clear(&text);
		armor(&text, buf_span(&bytes));
		if ((parse(buf_span(&text), NULL, NULL) == OK) != comment)
			fail_msg("changed at %zu of %zu", n, bytes.n);
		bytes.p[n] ^= 4;
	}
	buf_fini(&text);
	buf_fini(&bytes);
}

static void failing_allocations_leak_nothing(void **state)
{
	static const char *const how[] = { "-t ecdsa -N ''", "-t rsa -m PEM -N ''", "-t ed25519 -a 1 -N '" PASS "'" };

	(void)state;
	for (size_t i = 0; i < LEN(how); i++) {
		struct buf words = BUF(100);
		int err = ERR_NOMEM;
		long n;

		assert_true(sh("rm -f k k.pub; ssh-keygen -q -f k %s", how[i]));
		for (n = 0; err; n++) {
			long before = live;
			struct pkey *key = NULL;

			assert_true(n < 1000);
			fail_at = n;
			err = keyfile_load(in_dir("k"), crypto, PASS, &key, &words, NULL);
			fail_at = -1;
			pkey_free(key);
			buf_fini(&words);
			if (live != before || (err && err != ERR_NOMEM && err != ERR_CRYPTO))
				fail_msg("%s, allocation %ld: %d, %ld lost", how[i], n, err, live - before);
		}
		assert_true(n > 3);
	}
}

/* --- files --- */

static void open_files_are_refused(void **state)
{
	static const struct {
		mode_t mode;
		int err;
	} rows[] = { { 0644, ERR_DENIED }, { 0640, ERR_DENIED }, { 0604, ERR_DENIED },
		     { 0620, ERR_DENIED }, { 0601, ERR_DENIED }, { 0777, ERR_DENIED },
		     { 0600, OK },	   { 0400, OK },	 { 0700, OK } };

	(void)state;
	assert_true(sh("rm -f k k.pub; ssh-keygen -q -t ed25519 -N '' -f k"));
	for (size_t i = 0; i < LEN(rows); i++) {
		struct pkey *key = NULL;
		char line[256];
		struct why why = { "" };
		int err;

		assert_int_equal(chmod(in_dir("k"), rows[i].mode), 0);
		err = keyfile_load(in_dir("k"), crypto, NULL, &key, NULL, &why);
		assert_int_equal(err, rows[i].err);
		pkey_free(key);
		snprintf(line, sizeof(line), "\nPermissions 0%3.3o for '%s' are too open.\n", (unsigned)rows[i].mode,
			 in_dir("k"));
		if (err) {
			assert_non_null(strstr(why.text, "WARNING: UNPROTECTED PRIVATE KEY FILE!"));
			assert_non_null(strstr(why.text, line));
			assert_non_null(strstr(why.text, "\nThis private key will be ignored."));
		}
	}
}

static void foreign_files_are_refused(void **state)
{
	static const struct {
		const char *name, *make;
		int err;
	} rows[] = {
		{ "absent", "true", ERR_NOT_FOUND },
		{ "below a file", "true", ERR_NOT_FOUND },
		{ "directory", "mkdir -m 700 f", ERR_IO },
		{ "fifo", "mkfifo -m 600 f", ERR_IO },
		{ "device", "ln -s /dev/zero f", ERR_IO },
		{ "loop", "ln -s f f", ERR_IO },
		{ "empty", "(umask 77; : > f)", ERR_SYNTAX },
		{ "1 MiB of zeros", "(umask 77; head -c 1048576 /dev/zero > f)", ERR_SYNTAX },
		{ "1 MiB and a byte", "(umask 77; head -c 1048577 /dev/zero > f)", ERR_LIMIT },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf blob = BUF(PKEY_BLOB_MAX);
		struct pkey *key = NULL;
		struct why why = { "" }, public = { "" };
		int err, public_err;

		assert_true(sh("rm -rf f; %s", rows[i].make));
		err = keyfile_load(in_dir(i == 1 ? "log/f" : "f"), crypto, NULL, &key, NULL, &why);
		public_err = keyfile_load_public(in_dir(i == 1 ? "log/f" : "f"), &blob, NULL, &public);
		if (err != rows[i].err || public_err != rows[i].err || !strstr(why.text, keygen_dir) ||
		    !strstr(public.text, keygen_dir))
			fail_msg("%s: %d (%s), %d (%s)", rows[i].name, err, why.text, public_err, public.text);
		assert_int_equal(blob.n, 0);
	}
}

/* --- what must work --- */

static const char *const types[] = { "ed25519",	    "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521",
				     "rsa -b 1024", "rsa -b 2048",  "rsa -b 4096" };

static void every_type_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(types); i++) {
		assert_true(sh("rm -f k k.pub; ssh-keygen -q -t %s -N '' -C 'it is me' -f k", types[i]));
		check_file(NULL, "it is me", types[i]);
	}
}

static void every_cipher(void **state)
{
	static const char *const ciphers[] = {
		"3des-cbc",
		"aes128-cbc",
		"aes192-cbc",
		"aes256-cbc",
		"aes128-ctr",
		"aes192-ctr",
		"aes256-ctr",
		"aes128-gcm@openssh.com",
		"aes256-gcm@openssh.com",
		"chacha20-poly1305@openssh.com",
	};

	(void)state;
	for (size_t i = 0; i < LEN(ciphers); i++) {
		struct buf blob = BUF(PKEY_BLOB_MAX), pub = BUF(PKEY_BLOB_MAX), words = BUF(1024);

		assert_true(sh("rm -f k k.pub; ssh-keygen -q -t %s -a 2 -Z %s -N '" PASS "' -C '' -f k", types[i % 4],
			       ciphers[i]));
		check_file(PASS, "", ciphers[i]);
		assert_int_equal(keyfile_load_public(in_dir("k.pub"), &pub, NULL, NULL), OK);
		assert_true(sh("rm k.pub"));
		assert_int_equal(keyfile_public_of(in_dir("k"), &blob, &words, NULL), OK);
		assert_true(span_eq(buf_span(&blob), buf_span(&pub)));
		buf_fini(&blob);
		buf_fini(&pub);
		buf_fini(&words);
	}
}

static void every_pem(void **state)
{
	static const char *const formats[] = { "PEM", "PKCS8" };

	(void)state;
	for (size_t i = 0; i < LEN(types) * LEN(formats); i++) {
		const char *type = types[i / 2], *format = formats[i % 2];
		struct buf blob = BUF(PKEY_BLOB_MAX);
		struct why why;

		if (strcmp(type, "ed25519") == 0 && strcmp(format, "PEM") == 0)
			continue;
		assert_true(sh("rm -f k k.pub; ssh-keygen -q -t %s -m %s -N '' -f k", type, format));
		check_file(NULL, NULL, format);
		assert_true(sh("ssh-keygen -q -p -m %s -P '' -N '" PASS "' -f k", format));
		check_file(PASS, NULL, format);
		assert_int_equal(keyfile_public_of(in_dir("k"), &blob, NULL, &why), OK);
		assert_true(sh("rm k.pub"));
		buf_clear(&blob);
		if (strcmp(type, "ed25519") != 0)
			assert_int_equal(keyfile_public_of(in_dir("k"), &blob, NULL, &why), ERR_SYNTAX);
		buf_fini(&blob);
	}
}

/* k.pub as the key itself has it. */
static void write_public(const struct pkey *key)
{
	struct buf text = BUF(4096);

	buf_bytes(&text, pkey_type(pkey_blob(key)));
	buf_u8(&text, ' ');
	b64_encode(&text, pkey_blob(key));
	spill("k.pub", buf_span(&text), 0644);
	buf_fini(&text);
}

/* What ssh-keygen does not write but people have. */
static void odd_files_of_openssl(void **state)
{
	static const struct {
		const char *name, *make, *pass;
		int err; /* 1: good, but ssh-keygen cannot read it */
	} rows[] = {
		{ "dsa", "ssh-keygen -q -t dsa -N '' -f k && mv k.pub unused", NULL, ERR_SYNTAX },
		{ "another curve", "openssl ecparam -name secp256k1 -genkey -noout -out k", NULL, ERR_SYNTAX },
		{ "rsa of 512 bits", "openssl genrsa -out k 512", NULL, ERR_CRYPTO },
		{ "rsa-pss", "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 -out k", NULL,
		  ERR_SYNTAX },
		{ "x25519", "openssl genpkey -algorithm X25519 -out k", NULL, ERR_SYNTAX },
		{ "public key", "openssl genrsa -out p 1024 && openssl rsa -in p -pubout -out k", NULL, ERR_SYNTAX },
		{ "ed25519 in PKCS#8", "openssl genpkey -algorithm ED25519 -out k", NULL, 1 },
		{ "parameters in front", "openssl ecparam -name prime256v1 -genkey -out k", NULL, OK },
		{ "compressed point", "openssl ecparam -name secp384r1 -genkey -noout -conv_form compressed -out k",
		  NULL, OK },
		{ "PKCS#8 by scrypt",
		  "openssl genpkey -algorithm ED25519 -out p && openssl pkcs8 -topk8 -scrypt -in p "
		  "-out k -passout 'pass:" PASS "'",
		  PASS, 1 },
		{ "traditional, aes", "openssl genrsa -traditional -aes128 -passout 'pass:" PASS "' -out k 1024", PASS,
		  OK },
		{ "carriage returns", "ssh-keygen -q -t ed25519 -N '' -f k && sed -i 's/$/\\r/' k", NULL, 1 },
		{ "no last line feed", "ssh-keygen -q -t ed25519 -N '' -f k && printf %%s \"$(cat k)\" > p && mv p k",
		  NULL, 1 },
	};

	(void)state;
	if (!sh("command -v openssl"))
		fail_msg("openssl is missing: install openssl");
	for (size_t i = 0; i < LEN(rows); i++) {
		struct pkey *key = NULL;
		struct why why = { "" };
		char command[512];
		int err;

		snprintf(command, sizeof(command), rows[i].make, "%s");
		if (!sh("umask 77; rm -f k k.pub p; { %s; } && chmod 600 k", command))
			fail_msg("%s: could not be made", rows[i].name);
		err = keyfile_load(in_dir("k"), crypto, rows[i].pass, &key, NULL, &why);
		if (err != (rows[i].err == 1 ? OK : rows[i].err))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		if (rows[i].err == 1)
			write_public(key);
		else if (!err && !sh("ssh-keygen -y -P '%s' -f k > k.pub", rows[i].pass ? PASS : ""))
			fail_msg("%s: ssh-keygen does not read it", rows[i].name);
		if (!err)
			check_key(key, rows[i].name);
		pkey_free(key);
	}
}

static void public_lines(void **state)
{
#define BLOB "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
	static const struct {
		const char *name, *text, *comment;
		int err;
	} rows[] = {
		{ "empty", "", "", ERR_SYNTAX },
		{ "only comments", "# a\n\n#b", "", ERR_SYNTAX },
		{ "type alone", "ssh-ed25519\n", "", ERR_SYNTAX },
		{ "no type", BLOB " me\n", "", ERR_SYNTAX },
		{ "another type", "ssh-rsa " BLOB "\n", "", ERR_SYNTAX },
		{ "unknown type", "ssh-dss AAAAB3NzaC1kc3M=\n", "", ERR_SYNTAX },
		{ "cut", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGC\n", "", ERR_SYNTAX },
		{ "not base64", "ssh-ed25519 AAAA%%%%\n", "", ERR_SYNTAX },
		{ "trailing bytes", "ssh-ed25519 " BLOB "AAAA\n", "", ERR_SYNTAX },
		{ "other white space", "ssh-ed25519\v" BLOB "\n", "", ERR_SYNTAX },
		{ "a private key", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "", ERR_SYNTAX },
		{ "good", "ssh-ed25519 " BLOB " me@here and there\n", "me@here and there", OK },
		{ "good, without comment", "ssh-ed25519 " BLOB, "", OK },
		{ "good, CR LF and blanks", "\r\n# x\r\nssh-ed25519 \t" BLOB "  me  \r\nrest\n", "me", OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf blob = BUF(PKEY_BLOB_MAX), words = BUF(1024), want = BUF(256);
		struct why why = { "" };
		int err = keyfile_parse_public(span_str(rows[i].text), &blob, &words, &why);

		put_fields(&want, false);
		if (err != rows[i].err || !span_is(buf_span(&words), rows[i].comment) || (err && !why.text[0]) ||
		    !span_eq(buf_span(&blob), err ? span(NULL, 0) : buf_span(&want)))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		buf_fini(&blob);
		buf_fini(&words);
		buf_fini(&want);
	}
}

static void certificate_beside_the_key(void **state)
{
	struct buf blob = BUF(PKEY_BLOB_MAX), plain = BUF(PKEY_BLOB_MAX), words = BUF(1024);
	struct pkey *key = NULL;
	struct cert cert;

	(void)state;
	assert_true(sh("rm -f k k.pub ca ca.pub; ssh-keygen -q -t rsa -b 2048 -N '' -C me -f k && ssh-keygen -q -t "
		       "ed25519 -N '' -f ca && ssh-keygen -q -s ca -I id -n root k.pub"));
	assert_int_equal(keyfile_load_public(in_dir("k-cert.pub"), &blob, &words, NULL), OK);
	assert_true(span_is(buf_span(&words), "me"));
	assert_int_equal(cert_parse(&cert, crypto, buf_span(&blob), NULL), OK);
	assert_int_equal(cert_plain_blob(buf_span(&blob), &plain), OK);
	assert_int_equal(keyfile_load(in_dir("k"), crypto, NULL, &key, NULL, NULL), OK);
	assert_true(span_eq(pkey_blob(key), buf_span(&plain)));
	pkey_free(key);
	buf_fini(&blob);
	buf_fini(&plain);
	buf_fini(&words);
}

/* What is there stays as it is; a key that was made is read by us and by ssh-keygen, and only its owner may read it. */
static void new_files(void **state)
{
	static const char *const made[] = { "ssh-ed25519", "ecdsa-sha2-nistp384", "ssh-rsa" };
	struct why why = { "" };

	(void)state;
	for (size_t i = 0; i < LEN(made); i++) {
		struct pkey *key = NULL, *again = NULL;
		struct buf words = BUF(1024);

		assert_true(sh("rm -f k k.pub"));
		assert_int_equal(pkey_generate(&key, crypto, made[i]), OK);
		assert_int_equal(keyfile_create(in_dir("no/such/k"), key, "me", &why), ERR_IO);
		assert_true(sh("touch k.pub"));
		assert_int_equal(keyfile_create(in_dir("k"), key, "me", &why), ERR_IO);
		assert_true(sh("test ! -e k && test ! -s k.pub && rm k.pub"));
		assert_int_equal(keyfile_create(in_dir("k"), key, "me", &why), OK);
		assert_int_equal(keyfile_create(in_dir("k"), key, "me", &why), ERR_IO);
		assert_true(sh("test \"$(stat -c %%a k)\" = 600 && ssh-keygen -y -f k > p && cmp p k.pub"));
		assert_int_equal(keyfile_load(in_dir("k"), crypto, NULL, &again, &words, &why), OK);
		assert_true(span_eq(pkey_blob(key), pkey_blob(again)) && span_is(buf_span(&words), "me"));
		pkey_free(key);
		pkey_free(again);
		buf_fini(&words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_files),
		cmocka_unit_test(wrong_envelopes_are_refused),
		cmocka_unit_test(foreign_text_is_refused),
		cmocka_unit_test(truncated_files_are_refused),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(failing_allocations_leak_nothing),
		cmocka_unit_test(open_files_are_refused),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(every_type_plain),
		cmocka_unit_test(every_cipher),
		cmocka_unit_test(every_pem),
		cmocka_unit_test(odd_files_of_openssl),
		cmocka_unit_test(public_lines),
		cmocka_unit_test(certificate_beside_the_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
