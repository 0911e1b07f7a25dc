/* Random bytes by fast key erasure: each refill first replaces the key, so that what was given out cannot be computed
 * from what is kept. Not for seeding: the caller brings the entropy. */
#include "crypto/rng.h"

#include "base/buf.h"
#include "crypto/lib.h"

void rng_init(struct rng *r, const struct crypto *c, const uint8_t seed[RNG_SEED])
{
	*r = (struct rng){ .crypto = c, .used = RNG_BLOCK };
	memcpy(r->key, seed, RNG_SEED);
}

/* The next n bytes of the key stream. */
static bool stream(EVP_CIPHER_CTX *ctx, uint8_t *p, int n)
{
	int len = 0;

	memset(p, 0, (size_t)n);
	return EVP_EncryptUpdate(ctx, p, &len, p, n) == 1 && len == n;
}

/* A key is used for one block only, so the nonce may be constant. The cipher is named once: naming it again would make
 * libcrypto begin with a new context. */
static bool start(struct rng *r)
{
	static const uint8_t nonce[16];
	const EVP_CIPHER *first = r->ctx ? NULL : r->crypto->chacha20;

	if (!r->ctx)
		r->ctx = EVP_CIPHER_CTX_new();
	return r->ctx && EVP_EncryptInit_ex2(r->ctx, first, r->key, nonce, NULL) == 1;
}

static int refill(struct rng *r)
{
	if (!start(r) || !stream(r->ctx, r->key, RNG_SEED) || !stream(r->ctx, r->block, RNG_BLOCK))
		return lib_fail(ERR_CRYPTO);
	r->used = 0;
	return OK;
}

int rng_bytes(struct rng *r, void *p, size_t n)
{
	for (uint8_t *to = p; n;) {
		size_t k;

		if (r->used == RNG_BLOCK && refill(r) != OK)
			return ERR_CRYPTO;
		k = MIN(n, RNG_BLOCK - r->used);
		memcpy(to, r->block + r->used, k);
		wipe(r->block + r->used, k);
		r->used += k;
		to += k;
		n -= k;
	}
	return OK;
}

void rng_fini(struct rng *r)
{
	EVP_CIPHER_CTX_free(r->ctx);
	wipe(r, sizeof(*r));
}
