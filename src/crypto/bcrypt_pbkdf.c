/* bcrypt_pbkdf, the key derivation of OpenBSD and of openssh-key-v1 files: PBKDF2's shape around a bcrypt that is fed
 * with SHA-512 digests. */
#include "crypto/bcrypt_pbkdf.h"

#include <stdlib.h>

#include "base/buf.h"
#include "crypto/blowfish.h"

enum { SHA512 = 64, BLOCK = 32, KEY_MAX = 1024, SALT_LIMIT = 64, COST = 64 };

/* Everything secret in one place, on the heap and wiped at the end. */
struct work {
	struct blowfish initial, bf;
	uint8_t pass[SHA512], salt[SHA512];
	uint8_t tmp[BLOCK], sum[BLOCK];
};

static void load(uint32_t words[BLOWFISH_KEY_WORDS], const uint8_t digest[SHA512])
{
	for (size_t i = 0; i < BLOWFISH_KEY_WORDS; i++)
		words[i] = get_u32(digest + 4 * i);
}

/* The bcrypt in the middle: w->tmp from w->pass and w->salt. */
static void bcrypt_hash(struct work *w)
{
	static const uint8_t magic[BLOCK + 1] = "OxychromaticBlowfishSwatDynamite";
	static const uint32_t zero[BLOWFISH_KEY_WORDS];
	uint32_t pass[BLOWFISH_KEY_WORDS], salt[BLOWFISH_KEY_WORDS];

	load(pass, w->pass);
	load(salt, w->salt);
	w->bf = w->initial;
	blowfish_expand(&w->bf, pass, salt);
	for (int i = 0; i < COST; i++) {
		blowfish_expand(&w->bf, salt, zero);
		blowfish_expand(&w->bf, pass, zero);
	}
	for (size_t i = 0; i < BLOCK; i += 8) {
		uint32_t block[2] = { get_u32(magic + i), get_u32(magic + i + 4) };

		for (int k = 0; k < COST; k++)
			blowfish_encrypt(&w->bf, block);
		for (size_t k = 0; k < 8; k++) /* little-endian, unlike everything else */
			w->tmp[i + k] = (uint8_t)(block[k / 4] >> 8 * (k % 4));
	}
	wipe(pass, sizeof(pass));
}

/* One block of output to w->sum; count starts at 1. */
static int block(struct work *w, const struct crypto *c, struct span salt, uint32_t count, uint32_t rounds)
{
	uint8_t be[4];

	put_u32(be, count);
	struct span first[] = { salt, span(be, sizeof(be)) }, next = span(w->tmp, BLOCK);
	int err = hash_spans(c, HASH_SHA512, first, LEN(first), w->salt);
	if (err)
		return err;
	bcrypt_hash(w);
	memcpy(w->sum, w->tmp, BLOCK);
	for (uint32_t i = 1; i < rounds; i++) {
		err = hash_spans(c, HASH_SHA512, &next, 1, w->salt);
		if (err)
			return err;
		bcrypt_hash(w);
		for (size_t k = 0; k < BLOCK; k++)
			w->sum[k] ^= w->tmp[k];
	}
	return OK;
}

/* The blocks are interleaved, so that no part of the key can be had without calculating all of them. */
static int derive(struct work *w, const struct crypto *c, struct span pass, struct span salt, uint32_t rounds,
		  uint8_t *key, size_t key_len)
{
	size_t stride = (key_len + BLOCK - 1) / BLOCK;
	int err = blowfish_init(&w->initial);

	if (!err)
		err = hash_spans(c, HASH_SHA512, &pass, 1, w->pass);
	for (size_t b = 0; !err && b < stride; b++) {
		err = block(w, c, salt, (uint32_t)b + 1, rounds);
		for (size_t i = 0; !err && i < BLOCK && i * stride + b < key_len; i++)
			key[i * stride + b] = w->sum[i];
	}
	return err;
}

int bcrypt_pbkdf(const struct crypto *c, struct span pass, struct span salt, uint32_t rounds, uint8_t *key,
		 size_t key_len)
{
	struct work *w;
	int err;

	if (!pass.n || !salt.n || salt.n > SALT_LIMIT || !rounds || rounds > BCRYPT_ROUNDS_MAX || !key_len ||
	    key_len > KEY_MAX)
		return ERR_SYNTAX;
	w = malloc(sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	err = derive(w, c, pass, salt, rounds, key, key_len);
	wipe(w, sizeof(*w));
	free(w);
	return err;
}
