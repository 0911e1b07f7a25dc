/* The text of private key files taken apart: openssh-key-v1 (OpenSSH's PROTOCOL.key), PEM by way of crypto/. Opening
 * files is keyfile.c's, public lines are keyfile_public.c's. */
#include "conf/keyfile.h"

#include "base/rd.h"
#include "crypto/b64.h"
#include "crypto/bcrypt_pbkdf.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END   "-----END OPENSSH PRIVATE KEY-----"

enum { DERIVED_MAX = 64 + 16, PLAIN_BLOCK = 8 };

/* The outer layer of an openssh-key-v1 file, with the numbers that its cipher stands for. */
struct envelope {
	struct span cipher, salt, blob, secret, tag;
	uint32_t rounds;
	bool encrypted;
	size_t key_len, iv_len, block, tag_len;
};

static bool starts_with(struct span s, const char *what)
{
	size_t n = strlen(what);

	return s.n >= n && memcmp(s.p, what, n) == 0;
}

/* Appends what stands in base64 between the BEGIN and END lines. */
static int dearmor(struct span text, struct buf *out, struct why *why)
{
	size_t head = strlen(BEGIN);
	struct span body = { text.p + head, text.n - head };
	const uint8_t *end = memmem(body.p, body.n, END, strlen(END));

	if (!end)
		return why_set(why, ERR_SYNTAX, "the line \"%s\" is missing: the file is cut short", END);
	body.n = (size_t)(end - body.p);
	if (b64_decode(out, body) || buf_err(out))
		return why_set(why, buf_err(out) ? ERR_NOMEM : ERR_SYNTAX, "damaged: the text is not base64");
	return OK;
}

/* string salt, uint32 rounds */
static int read_kdf(struct envelope *e, struct span kdf, struct span options, struct why *why)
{
	struct rd in = rd(options);

	e->encrypted = !span_is(e->cipher, "none");
	if (e->encrypted != span_is(kdf, "bcrypt") || (!e->encrypted && !span_is(kdf, "none")))
		return why_set(why, ERR_SYNTAX, "an unknown way of deriving the key from the passphrase");
	if (!e->encrypted) {
		e->block = PLAIN_BLOCK;
		return options.n ? why_set(why, ERR_SYNTAX, "damaged: options where none belong") : OK;
	}
	if (keyfile_cipher_sizes(e->cipher, &e->key_len, &e->iv_len, &e->block, &e->tag_len))
		return why_set(why, ERR_SYNTAX, "encrypted with a cipher that is not supported");
	e->salt = rd_string(&in);
	e->rounds = rd_u32(&in);
	if (!rd_done(&in) || !e->salt.n || e->salt.n > 64 || !e->rounds)
		return why_set(why, ERR_SYNTAX, "damaged: malformed options of the key derivation");
	if (e->rounds > BCRYPT_ROUNDS_MAX)
		return why_set(why, ERR_LIMIT, "asks for %u rounds of key derivation; at most %d are accepted",
			       e->rounds, BCRYPT_ROUNDS_MAX);
	return OK;
}

static int read_envelope(struct envelope *out, struct span bytes, struct why *why)
{
	static const char magic[] = "openssh-key-v1";
	struct rd in = rd(bytes);
	struct span id = rd_bytes(&in, sizeof(magic)), kdf, options;
	struct envelope e = { .cipher = rd_string(&in) };
	uint32_t keys;
	int err;

	kdf = rd_string(&in);
	options = rd_string(&in);
	keys = rd_u32(&in);
	e.blob = rd_string(&in);
	e.secret = rd_string(&in);
	e.tag = rd_rest(&in);
	if (!rd_ok(&in) || !span_eq(id, span(magic, sizeof(magic))))
		return why_set(why, ERR_SYNTAX, "damaged: not an openssh-key-v1 file, or cut short");
	if (keys != 1)
		return why_set(why, ERR_SYNTAX, "a file with %u keys; exactly one is supported", keys);
	err = read_kdf(&e, kdf, options, why);
	if (err)
		return err;
	if (!e.secret.n || e.secret.n % e.block || e.tag.n != e.tag_len)
		return why_set(why, ERR_SYNTAX, "damaged: the private part has a wrong length");
	*out = e;
	return OK;
}

/* Decrypts `secret`, a copy of e->secret, in place. */
static int decrypt(const struct envelope *e, const struct crypto *c, const char *pass, struct buf *secret,
		   struct why *why)
{
	uint8_t derived[DERIVED_MAX];
	int err;

	if (!pass)
		return why_set(why, ERR_PASSPHRASE, "the key is encrypted: a passphrase is needed");
	if (!*pass)
		return why_set(why, ERR_PASSPHRASE, "the passphrase is wrong");
	err = bcrypt_pbkdf(c, span_str(pass), e->salt, e->rounds, derived, e->key_len + e->iv_len);
	if (!err)
		err = keyfile_decrypt(c, e->cipher, derived, secret->p, secret->n, e->tag);
	wipe(derived, sizeof(derived));
	if (err == ERR_PASSPHRASE)
		return why_set(why, err, "the passphrase is wrong");
	return err ? why_set(why, err, "cannot be decrypted: %s", err_name(err)) : OK;
}

/* Padding counts 1, 2, 3, ... */
static bool is_padding(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != i + 1)
			return false;
	return true;
}

static int key_error(int err, struct why *why)
{
	if (err == ERR_NOT_FOUND)
		return why_set(why, ERR_SYNTAX,
			       "a kind of key that is not supported (Ed25519, ECDSA and RSA are; a "
			       "security key works through an agent)");
	if (err == ERR_SYNTAX)
		return why_set(why, err, "damaged: malformed private key");
	if (err == ERR_CRYPTO)
		return why_set(why, err, "not a sound key: its parts do not fit, or its size is not allowed");
	return why_set(why, err, "%s", err_name(err));
}

/* uint32 check, uint32 check, key, string comment, padding */
static int read_secret(const struct envelope *e, struct span secret, const struct crypto *c, struct pkey **key,
		       struct buf *comment, struct why *why)
{
	struct rd in = rd(secret);
	uint32_t check = rd_u32(&in), again = rd_u32(&in);
	struct span words;
	struct pkey *k;
	int err;

	if (check != again && e->encrypted)
		return why_set(why, ERR_PASSPHRASE, "the passphrase is wrong");
	if (check != again)
		return why_set(why, ERR_SYNTAX, "damaged: the check numbers differ");
	err = pkey_from_fields(&k, c, &in);
	if (err)
		return key_error(err, why);
	words = rd_string(&in);
	if (!rd_ok(&in) || in.n > 255 || !is_padding(rd_rest(&in)))
		err = why_set(why, ERR_SYNTAX, "damaged: wrong padding behind the private key");
	else if (!span_eq(e->blob, pkey_blob(k)))
		err = why_set(why, ERR_CRYPTO, "the public key in the file does not belong to the private one");
	if (!err && comment) {
		buf_bytes(comment, words);
		err = buf_err(comment);
	}
	if (err)
		pkey_free(k);
	else
		*key = k;
	return err;
}

static int parse_openssh(struct span text, const struct crypto *c, const char *pass, struct pkey **key,
			 struct buf *comment, struct why *why)
{
	struct buf bytes = BUF(KEYFILE_MAX), secret = BUF(KEYFILE_MAX);
	struct envelope e;
	int err = dearmor(text, &bytes, why);

	if (!err)
		err = read_envelope(&e, buf_span(&bytes), why);
	if (!err) {
		buf_bytes(&secret, e.secret);
		err = buf_err(&secret);
	}
	if (!err && e.encrypted)
		err = decrypt(&e, c, pass, &secret, why);
	if (!err)
		err = read_secret(&e, buf_span(&secret), c, key, comment, why);
	buf_fini(&secret);
	buf_fini(&bytes);
	return err;
}

static int parse_pem(struct span text, const struct crypto *c, const char *pass, struct pkey **key, struct why *why)
{
	int err = pkey_from_pem(key, c, text, pass);

	if (err == ERR_PASSPHRASE)
		return why_set(why, err,
			       pass ? "the passphrase is wrong" : "the key is encrypted: a passphrase is needed");
	return err ? key_error(err, why) : OK;
}

int keyfile_parse(struct span text, const struct crypto *c, const char *pass, struct pkey **key, struct buf *comment,
		  struct why *why)
{
	if (text.n > KEYFILE_MAX)
		return why_set(why, ERR_LIMIT, "larger than any key file");
	if (starts_with(text, BEGIN))
		return parse_openssh(text, c, pass, key, comment, why);
	if (starts_with(text, "PuTTY-User-Key-File-"))
		return why_set(why, ERR_SYNTAX, "a PuTTY key; convert it: puttygen FILE -O private-openssh -o NEWFILE");
	if (text.n && memmem(text.p, text.n, "-----BEGIN ", 11))
		return parse_pem(text, c, pass, key, why);
	return why_set(why, ERR_SYNTAX, "not a private key file");
}

int keyfile_parse_envelope(struct span text, struct buf *blob, struct why *why)
{
	struct buf bytes = BUF(KEYFILE_MAX);
	struct envelope e;
	int err;

	if (text.n > KEYFILE_MAX || !starts_with(text, BEGIN))
		return why_set(why, ERR_SYNTAX, "not an openssh-key-v1 file");
	err = dearmor(text, &bytes, why);
	if (!err)
		err = read_envelope(&e, buf_span(&bytes), why);
	if (!err && pkey_check(e.blob, why))
		err = ERR_SYNTAX;
	if (!err) {
		buf_bytes(blob, e.blob);
		err = buf_err(blob);
	}
	buf_fini(&bytes);
	return err;
}
