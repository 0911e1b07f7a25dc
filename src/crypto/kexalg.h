/* The arithmetic of a key exchange (RFC 8731, RFC 5656 section 4). Messages and the exchange hash are ssh/kex.c's. */
#ifndef ADIT_CRYPTO_KEXALG_H
#define ADIT_CRYPTO_KEXALG_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

enum { KEX_BLOB_MAX = 2048 };

/* How K enters the exchange hash and the key derivation. */
enum kex_secret { KEX_MPINT, KEX_STRING };

/* One row of the table: post-quantum hybrids are further rows. */
struct kex_alg {
	const char *name;
	enum hash_id hash;
	enum kex_secret encoding;
	uint16_t client_len, server_len; /* exact length of the blobs */
	const struct kex_ops *ops;	 /* private to crypto/ */
	int curve;			 /* private to crypto/ */
};

/* In default order; ends with name NULL. */
const struct kex_alg *kex_table(void);
const struct kex_alg *kex_find(struct span name);

struct kex_key; /* the client's ephemeral private part */

/* Client: makes the ephemeral key and appends the public blob. OK, ERR_NOMEM or ERR_CRYPTO. */
int kex_begin(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct kex_key **key,
	      struct buf *blob) MUST_CHECK;
/* Client: K from the server's blob, appended to `secret` as raw big-endian bytes (KEX_MPINT: the caller encodes).
 * ERR_KEX for a wrong length, a point off the curve or at infinity, or an all-zero result. */
int kex_end(struct kex_key *key, const struct crypto *c, struct span server_blob, struct buf *secret) MUST_CHECK;
/* Server: both at once. ERR_KEX as above. */
int kex_reply(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct span client_blob,
	      struct buf *blob, struct buf *secret) MUST_CHECK;
/* NULL is allowed; wipes. */
void kex_key_free(struct kex_key *key);

/* RFC 4253 section 7.2: out_len bytes of HASH(K | H | letter | session_id) extended as needed. `k` is K already in its
 * encoding (mpint or string, with length). */
int kex_derive(const struct crypto *c, enum hash_id id, struct span k, struct span h, struct span session_id,
	       char letter, uint8_t *out, size_t out_len) MUST_CHECK;

#endif
