/* What kexalg.c and the files of the single key exchanges share. Private to crypto/. */
#ifndef ADIT_CRYPTO_KEX_IMPL_H
#define ADIT_CRYPTO_KEX_IMPL_H

#include "crypto/kexalg.h"
#include "crypto/lib.h"

enum curve_id { CURVE_X25519, CURVE_P256, CURVE_P384, CURVE_P521 };

/* Zeroed before begin(), and freed with all that begin() left in it. */
struct kex_key {
	const struct kex_alg *alg;
	EVP_PKEY *own;
};

/* As kex_begin(), kex_end() and kex_reply(), the length of the peer's blob already checked. */
struct kex_ops {
	int (*begin)(struct kex_key *key, const struct crypto *c, struct rng *rng, struct buf *blob);
	int (*end)(const struct kex_key *key, const struct crypto *c, struct span server_blob, struct buf *secret);
	int (*reply)(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct span client_blob,
		     struct buf *blob, struct buf *secret);
};

/* Diffie-Hellman on an elliptic curve: both sides do the same. */
extern const struct kex_ops dh_ops;

/* An ephemeral key pair on a NIST curve: the private number is made of bytes of `rng`, the public point is appended to
 * `blob` in uncompressed form. OK, ERR_NOMEM or ERR_CRYPTO. */
int ecp_own(EVP_PKEY **own, enum curve_id curve, struct rng *rng, struct buf *blob) MUST_CHECK;
/* A peer's point; NULL unless it is uncompressed, on the curve and not at infinity. */
EVP_PKEY *ecp_peer(enum curve_id curve, struct span point);

#endif
