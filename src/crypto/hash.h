/* Digests and HMAC. */
#ifndef ADIT_CRYPTO_HASH_H
#define ADIT_CRYPTO_HASH_H

#include "crypto/crypto.h"

enum hash_id { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_MD5 };
enum { HASH_MAX = 64 };

/* Bytes of digest. */
size_t hash_size(enum hash_id id);

/* Digest of the concatenation of n spans; out has hash_size() bytes. OK or ERR_CRYPTO.
 * SHA-1 serves only hashed known_hosts names and lists of revoked keys, MD5 only old fingerprints and PEM keys. */
int hash_spans(const struct crypto *c, enum hash_id id, const struct span *s, size_t n, uint8_t *out) MUST_CHECK;

/* HMAC over one span; out has hash_size() bytes. */
int hmac(const struct crypto *c, enum hash_id id, struct span key, struct span data, uint8_t *out) MUST_CHECK;

/* Constant-time compare of n bytes. */
bool secret_eq(const void *a, const void *b, size_t n);

#endif
