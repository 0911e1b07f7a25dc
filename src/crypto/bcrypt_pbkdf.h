/* bcrypt_pbkdf: the key derivation of passphrase-protected openssh-key-v1 files. */
#ifndef ADIT_CRYPTO_BCRYPT_PBKDF_H
#define ADIT_CRYPTO_BCRYPT_PBKDF_H

#include "crypto/hash.h"

enum { BCRYPT_ROUNDS_MAX = 2048 };

/* Fills key. 1 <= rounds <= BCRYPT_ROUNDS_MAX, 1 <= key_len <= 1024, salt 1..64 bytes, pass not empty;
 * ERR_SYNTAX otherwise. ERR_NOMEM, ERR_CRYPTO. Takes about 10 ms per round. */
int bcrypt_pbkdf(const struct crypto *c, struct span pass, struct span salt, uint32_t rounds, uint8_t *key,
		 size_t key_len) MUST_CHECK;

/* Decrypts the private part of an openssh-key-v1 file in place: cipher by ssh-keygen's name (aes128/192/256-ctr,
 * aes128/192/256-cbc, aes128/256-gcm@openssh.com, chacha20-poly1305@openssh.com, 3des-cbc). `key` holds key then iv as
 * derived; `tag` follows the data for AEADs. ERR_NOT_FOUND for a foreign cipher, ERR_PASSPHRASE for a bad tag. */
int keyfile_cipher_sizes(struct span name, size_t *key_len, size_t *iv_len, size_t *block, size_t *tag_len) MUST_CHECK;
int keyfile_decrypt(const struct crypto *c, struct span name, const uint8_t *key, uint8_t *data, size_t n,
		    struct span tag) MUST_CHECK;

#endif
