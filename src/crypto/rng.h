/* Random bytes for cookies, padding and ephemeral keys: ChaCha20 with fast key erasure, seeded by the caller, so that
 * the core needs no system call and the simulator is repeatable. */
#ifndef ADIT_CRYPTO_RNG_H
#define ADIT_CRYPTO_RNG_H

#include "crypto/crypto.h"

enum { RNG_SEED = 32, RNG_BLOCK = 1024 };

struct rng {
	const struct crypto *crypto;
	uint8_t key[RNG_SEED];
	uint8_t block[RNG_BLOCK]; /* unused output; used bytes are wiped */
	size_t used;
	struct evp_cipher_ctx_st *ctx; /* made at the first use and kept: nothing is allocated per packet */
};

/* `c` must outlive the generator. Equal seeds give equal bytes. End with rng_fini(), which also accepts zero. */
void rng_init(struct rng *r, const struct crypto *c, const uint8_t seed[RNG_SEED]);
/* Fills p with n random bytes. OK or ERR_CRYPTO. */
int rng_bytes(struct rng *r, void *p, size_t n) MUST_CHECK;
void rng_fini(struct rng *r);

#endif
