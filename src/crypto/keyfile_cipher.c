/* The ciphers of openssh-key-v1 files, decrypting only. Packets have their own in cipher.c: here is CBC too, no
 * sequence number, no MAC, and no speed. */
#include "crypto/bcrypt_pbkdf.h"

#include <openssl/core_names.h>

#include "crypto/lib.h"

enum mode { PLAIN, GCM, CHACHA };

static const struct row {
	const char *name; /* ssh-keygen -Z */
	const char *evp;
	enum mode mode;
	uint8_t key, iv, block, tag;
} rows[] = {
	{ "aes256-ctr", "AES-256-CTR", PLAIN, 32, 16, 16, 0 },
	{ "aes192-ctr", "AES-192-CTR", PLAIN, 24, 16, 16, 0 },
	{ "aes128-ctr", "AES-128-CTR", PLAIN, 16, 16, 16, 0 },
	{ "aes256-cbc", "AES-256-CBC", PLAIN, 32, 16, 16, 0 },
	{ "aes192-cbc", "AES-192-CBC", PLAIN, 24, 16, 16, 0 },
	{ "aes128-cbc", "AES-128-CBC", PLAIN, 16, 16, 16, 0 },
	{ "3des-cbc", "DES-EDE3-CBC", PLAIN, 24, 8, 8, 0 },
	{ "aes256-gcm@openssh.com", "AES-256-GCM", GCM, 32, 12, 16, 16 },
	{ "aes128-gcm@openssh.com", "AES-128-GCM", GCM, 16, 12, 16, 16 },
	{ "chacha20-poly1305@openssh.com", "ChaCha20", CHACHA, 64, 0, 8, 16 },
};

static const struct row *find(struct span name)
{
	for (size_t i = 0; i < LEN(rows); i++)
		if (span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

int keyfile_cipher_sizes(struct span name, size_t *key_len, size_t *iv_len, size_t *block, size_t *tag_len)
{
	const struct row *r = find(name);

	if (!r)
		return ERR_NOT_FOUND;
	*key_len = r->key;
	*iv_len = r->iv;
	*block = r->block;
	*tag_len = r->tag;
	return OK;
}

/* One pass over the data in place. `tag` is checked when it is not empty. ERR_PASSPHRASE when it is wrong. */
static int run(const char *evp, const uint8_t *key, const uint8_t *iv, uint8_t *data, size_t n, struct span tag)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, evp, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t copy[16];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, copy, sizeof(copy)),
		OSSL_PARAM_construct_end(),
	};
	int len = 0, rest = 0, err = ERR_CRYPTO;

	if (tag.n)
		memcpy(copy, tag.p, sizeof(copy));
	if (cipher && ctx && EVP_DecryptInit_ex2(ctx, cipher, key, iv, tag.n ? params : NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && EVP_DecryptUpdate(ctx, data, &len, data, (int)n) == 1 &&
	    (size_t)len == n)
		err = EVP_DecryptFinal_ex(ctx, data + len, &rest) == 1 && !rest ? OK : ERR_PASSPHRASE;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	ERR_clear_error();
	return err;
}

static int poly1305(const struct crypto *c, const uint8_t key[32], const uint8_t *data, size_t n, uint8_t tag[16])
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(c->poly1305);
	size_t len = 0;
	bool good = ctx && EVP_MAC_init(ctx, key, 32, NULL) == 1 && EVP_MAC_update(ctx, data, n) == 1 &&
		    EVP_MAC_final(ctx, tag, &len, 16) == 1 && len == 16;

	EVP_MAC_CTX_free(ctx);
	return good ? OK : lib_fail(ERR_CRYPTO);
}

/* OpenSSH's packet construction for packet 0 without a length: only the first half of the key is used; block 0 of the
 * key stream is the Poly1305 key, the data begin at block 1. */
static int run_chacha(const struct crypto *c, const uint8_t *key, uint8_t *data, size_t n, struct span tag)
{
	uint8_t mac_key[32] = { 0 }, real[16], iv[16] = { 0 };
	int err = run("ChaCha20", key, iv, mac_key, sizeof(mac_key), span(NULL, 0));

	if (!err)
		err = poly1305(c, mac_key, data, n, real);
	if (!err && !secret_eq(real, tag.p, sizeof(real)))
		err = ERR_PASSPHRASE;
	iv[0] = 1;
	return err ? err : run("ChaCha20", key, iv, data, n, span(NULL, 0));
}

int keyfile_decrypt(const struct crypto *c, struct span name, const uint8_t *key, uint8_t *data, size_t n,
		    struct span tag)
{
	const struct row *r = find(name);

	if (!r)
		return ERR_NOT_FOUND;
	if (!n || n > INT32_MAX || n % r->block || tag.n != r->tag)
		return ERR_SYNTAX;
	if (r->mode == CHACHA)
		return run_chacha(c, key, data, n, tag);
	return run(r->evp, key, key + r->key, data, n, tag);
}
