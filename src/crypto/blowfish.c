/* Blowfish for bcrypt_pbkdf.c. Its 1042 initial words are the first 33344 bits behind the point of pi, which are
 * calculated here instead of being listed. */
#include "crypto/blowfish.h"

#include <openssl/bn.h>
#include <stdlib.h>

#include "base/buf.h"

enum {
	PI_BYTES = sizeof(struct blowfish),
	GUARD_BITS = 128, /* rounding of some thousand steps stays inside */
	POINT = 8 * PI_BYTES + GUARD_BITS,
	TERMS = POINT / 47 + 2, /* each term of the series gives 47.1 bits */
};

/* The Chudnovsky series: a(0) = 1, a(k) = -a(k-1) (6k-5)(2k-1)(6k-1) / (k^3 640320^3 / 24),
 * sum = 13591409 SUM a(k) + 545140134 SUM k a(k), pi = 426880 sqrt(10005) / sum. All numbers scaled by 2^POINT; every
 * factor fits in 32 bits, so that it works with libcrypto's small words too. */
static bool series(BIGNUM *sum, BIGNUM *a, BIGNUM *ak, BIGNUM *sums[2])
{
	bool good = BN_one(a) && BN_lshift(a, a, POINT) && BN_copy(sums[0], a);

	BN_zero(sums[1]);
	for (BN_ULONG k = 1; good && k < TERMS; k++) {
		good = BN_mul_word(a, (6 * k - 5) * (2 * k - 1)) && BN_mul_word(a, 6 * k - 1) &&
		       BN_div_word(a, 640320 * k) != (BN_ULONG)-1 && BN_div_word(a, 640320 * k) != (BN_ULONG)-1 &&
		       BN_div_word(a, 640320 / 24 * k) != (BN_ULONG)-1 && BN_copy(ak, a) && BN_mul_word(ak, k);
		BN_set_negative(ak, k & 1);
		BN_set_negative(a, k & 1);
		good = good && BN_add(sums[0], sums[0], a) && BN_add(sums[1], sums[1], ak);
		BN_set_negative(a, 0);
	}
	return good && BN_mul_word(sums[0], 13591409) && BN_mul_word(sums[1], 545140134) &&
	       BN_add(sum, sums[0], sums[1]);
}

/* root = sqrt(10005) scaled by 2^POINT: Newton from above, until it no longer falls. */
static bool root10005(BIGNUM *root, BIGNUM *square, BIGNUM *next, BN_CTX *ctx)
{
	bool good = BN_set_word(square, 10005) && BN_lshift(square, square, 2 * POINT) && BN_set_word(next, 101) &&
		    BN_lshift(next, next, POINT);

	do {
		good = good && BN_copy(root, next) && BN_div(next, NULL, square, root, ctx) &&
		       BN_add(next, next, root) && BN_rshift1(next, next);
	} while (good && BN_cmp(next, root) < 0);
	return good;
}

static bool pi_fraction(uint8_t out[PI_BYTES], BN_CTX *ctx)
{
	BIGNUM *pi = BN_CTX_get(ctx), *sum = BN_CTX_get(ctx), *t = BN_CTX_get(ctx), *u = BN_CTX_get(ctx);
	BIGNUM *sums[2] = { BN_CTX_get(ctx), BN_CTX_get(ctx) };

	return sums[1] && series(sum, t, u, sums) && root10005(pi, t, u, ctx) && BN_mul_word(pi, 426880) &&
	       BN_lshift(pi, pi, POINT) && BN_div(pi, NULL, pi, sum, ctx) && BN_mask_bits(pi, POINT) &&
	       BN_rshift(pi, pi, GUARD_BITS) && BN_bn2binpad(pi, out, PI_BYTES) == PI_BYTES;
}

int blowfish_init(struct blowfish *bf)
{
	BN_CTX *ctx = BN_CTX_new();
	uint8_t *pi = malloc(PI_BYTES);
	bool good = false;

	if (ctx && pi) {
		BN_CTX_start(ctx);
		good = pi_fraction(pi, ctx);
		BN_CTX_end(ctx);
	}
	for (size_t i = 0; good && i < LEN(bf->p); i++)
		bf->p[i] = get_u32(pi + 4 * i);
	for (size_t i = 0; good && i < 4 * 256; i++)
		bf->s[i / 256][i % 256] = get_u32(pi + sizeof(bf->p) + 4 * i);
	BN_CTX_free(ctx);
	free(pi);
	return good ? OK : ERR_CRYPTO;
}

static uint32_t mix(const struct blowfish *bf, uint32_t x)
{
	return ((bf->s[0][x >> 24] + bf->s[1][x >> 16 & 255]) ^ bf->s[2][x >> 8 & 255]) + bf->s[3][x & 255];
}

void blowfish_encrypt(const struct blowfish *bf, uint32_t block[2])
{
	uint32_t l = block[0] ^ bf->p[0], r = block[1];

	for (size_t i = 1; i < 17; i += 2) {
		r ^= mix(bf, l) ^ bf->p[i];
		l ^= mix(bf, r) ^ bf->p[i + 1];
	}
	block[0] = r ^ bf->p[17];
	block[1] = l;
}

/* Replaces n words by the running encryption; `at` is the place in the salt, which goes round. */
static void refill(struct blowfish *bf, uint32_t *words, size_t n, const uint32_t *salt, size_t at, uint32_t block[2])
{
	for (size_t i = 0; i < n; i += 2) {
		block[0] ^= salt[(at + i) % BLOWFISH_KEY_WORDS];
		block[1] ^= salt[(at + i + 1) % BLOWFISH_KEY_WORDS];
		blowfish_encrypt(bf, block);
		words[i] = block[0];
		words[i + 1] = block[1];
	}
}

void blowfish_expand(struct blowfish *bf, const uint32_t key[BLOWFISH_KEY_WORDS],
		     const uint32_t salt[BLOWFISH_KEY_WORDS])
{
	uint32_t block[2] = { 0, 0 };

	for (size_t i = 0; i < LEN(bf->p); i++)
		bf->p[i] ^= key[i % BLOWFISH_KEY_WORDS];
	refill(bf, bf->p, LEN(bf->p), salt, 0, block);
	for (size_t i = 0; i < 4; i++)
		refill(bf, bf->s[i], 256, salt, LEN(bf->p) + 256 * i, block);
	wipe(block, sizeof(block));
}
