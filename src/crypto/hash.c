/* Digests and HMAC over whole messages. The MAC of packets is packetmac.c's. */
#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "crypto/lib.h"

static const struct row {
	uint8_t size;
	const char *name;
} rows[] = {
	[HASH_SHA1] = { 20, "SHA1" },	    [HASH_SHA256] = { 32, "SHA2-256" }, [HASH_SHA384] = { 48, "SHA2-384" },
	[HASH_SHA512] = { 64, "SHA2-512" }, [HASH_MD5] = { 16, "MD5" },
};

size_t hash_size(enum hash_id id)
{
	assert((size_t)id < LEN(rows));
	return rows[id].size;
}

static bool digest(EVP_MD_CTX *ctx, const EVP_MD *md, const struct span *s, size_t n, uint8_t *out)
{
	if (EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (EVP_DigestUpdate(ctx, s[i].p, s[i].n) != 1)
			return false;
	return EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

int hash_spans(const struct crypto *c, enum hash_id id, const struct span *s, size_t n, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && digest(ctx, c->md[id], s, n, out);

	EVP_MD_CTX_free(ctx);
	return good ? OK : lib_fail(ERR_CRYPTO);
}

int hmac(const struct crypto *c, enum hash_id id, struct span key, struct span data, uint8_t *out)
{
	/* libcrypto does not write to the name. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)rows[id].name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(c->hmac);
	/* An empty key is a key; NULL would mean "the last one". */
	const uint8_t *k = key.n ? key.p : (const uint8_t *)"";
	size_t size = hash_size(id), len = 0;
	bool good = ctx && EVP_MAC_init(ctx, k, key.n, params) == 1 && EVP_MAC_update(ctx, data.p, data.n) == 1 &&
		    EVP_MAC_final(ctx, out, &len, size) == 1 && len == size;

	EVP_MAC_CTX_free(ctx);
	return good ? OK : lib_fail(ERR_CRYPTO);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
