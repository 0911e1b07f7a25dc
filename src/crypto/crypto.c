/* Fetches the algorithms of libcrypto, once per process. Not for using them. */
#include "crypto/lib.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* Each row: libcrypto's name, how to fetch and free it, and where it is kept. */
typedef void *fetch_fn(const char *name);
typedef void free_fn(void *alg);

static void *fetch_cipher(const char *name)
{
	return EVP_CIPHER_fetch(NULL, name, NULL);
}

static void *fetch_md(const char *name)
{
	return EVP_MD_fetch(NULL, name, NULL);
}

static void *fetch_mac(const char *name)
{
	return EVP_MAC_fetch(NULL, name, NULL);
}

static void free_cipher(void *alg)
{
	EVP_CIPHER_free(alg);
}

static void free_md(void *alg)
{
	EVP_MD_free(alg);
}

static void free_mac(void *alg)
{
	EVP_MAC_free(alg);
}

static const struct kind {
	fetch_fn *fetch;
	free_fn *free;
} cipher = { fetch_cipher, free_cipher }, md = { fetch_md, free_md }, mac = { fetch_mac, free_mac };

static const struct row {
	const char *name;
	const struct kind *kind;
	size_t at;
} rows[] = {
	{ "AES-128-GCM", &cipher, offsetof(struct crypto, gcm[0]) },
	{ "AES-256-GCM", &cipher, offsetof(struct crypto, gcm[1]) },
	{ "AES-128-CTR", &cipher, offsetof(struct crypto, ctr[0]) },
	{ "AES-192-CTR", &cipher, offsetof(struct crypto, ctr[1]) },
	{ "AES-256-CTR", &cipher, offsetof(struct crypto, ctr[2]) },
	{ "ChaCha20", &cipher, offsetof(struct crypto, chacha20) },
	{ "SHA1", &md, offsetof(struct crypto, md[HASH_SHA1]) },
	{ "SHA2-256", &md, offsetof(struct crypto, md[HASH_SHA256]) },
	{ "SHA2-384", &md, offsetof(struct crypto, md[HASH_SHA384]) },
	{ "SHA2-512", &md, offsetof(struct crypto, md[HASH_SHA512]) },
	{ "MD5", &md, offsetof(struct crypto, md[HASH_MD5]) },
	{ "HMAC", &mac, offsetof(struct crypto, hmac) },
	{ "POLY1305", &mac, offsetof(struct crypto, poly1305) },
};

/* The pointers have different types, so they are moved as bytes. */
static void *get(const struct crypto *c, const struct row *r)
{
	void *alg;

	memcpy(&alg, (const char *)c + r->at, sizeof(alg));
	return alg;
}

static bool fetch(struct crypto *c, const struct row *r)
{
	void *alg = r->kind->fetch(r->name);

	memcpy((char *)c + r->at, &alg, sizeof(alg));
	return alg;
}

int crypto_new(struct crypto **out, struct why *why)
{
	struct crypto *c = calloc(1, sizeof(*c));

	if (!c)
		return why_set(why, ERR_NOMEM, "no memory for the cryptographic algorithms");
	for (size_t i = 0; i < LEN(rows); i++) {
		if (fetch(c, &rows[i]))
			continue;
		crypto_free(c);
		return why_set(why, lib_fail(ERR_CRYPTO), "%s has no %s; check openssl.cnf and its providers",
			       crypto_version(), rows[i].name);
	}
	backend_start(c);
	*out = c;
	return OK;
}

void crypto_free(struct crypto *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < LEN(rows); i++)
		rows[i].kind->free(get(c, &rows[i]));
	gcm_mb_stop(&c->mb);
	free(c);
}

/* libcrypto tells which CPU features it will use: the bits of both AES and the carry-less multiplication of GCM. */
static const struct cpu {
	const char *prefix;
	uint64_t aes;
} cpus[] = {
	{ "OPENSSL_ia32cap=", 1ull << 57 | 1ull << 33 }, /* CPUID.1:ECX 25 and 1, in the upper half */
	{ "OPENSSL_armcap=", 1u << 2 | 1u << 5 },
};

bool crypto_cpu_has_aes(void)
{
	const char *found = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);

	for (size_t i = 0; found && i < LEN(cpus); i++) {
		size_t n = strlen(cpus[i].prefix);

		if (!strncmp(found, cpus[i].prefix, n))
			return (strtoull(found + n, NULL, 16) & cpus[i].aes) == cpus[i].aes;
	}
	return false;
}

const char *crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
