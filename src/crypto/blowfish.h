/* Blowfish's key schedule and block function, as bcrypt_pbkdf.c needs them; not a cipher for anything else. */
#ifndef ADIT_CRYPTO_BLOWFISH_H
#define ADIT_CRYPTO_BLOWFISH_H

#include "base/base.h"

struct blowfish {
	uint32_t p[18];
	uint32_t s[4][256];
};

enum { BLOWFISH_KEY_WORDS = 16 };

/* The state before any key: the fraction of pi in binary, P first. Calculated in about 10 ms. OK or ERR_CRYPTO. */
int blowfish_init(struct blowfish *bf) MUST_CHECK;
/* Bcrypt's expensive key schedule with a key and a salt of 16 words each. */
void blowfish_expand(struct blowfish *bf, const uint32_t key[BLOWFISH_KEY_WORDS],
		     const uint32_t salt[BLOWFISH_KEY_WORDS]);
/* Encrypts one block. */
void blowfish_encrypt(const struct blowfish *bf, uint32_t block[2]);

#endif
