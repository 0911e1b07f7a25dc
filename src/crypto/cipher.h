/* Sealing and opening one SSH packet in place (RFC 4253 section 6, RFC 4344, OpenSSH's PROTOCOL and
 * PROTOCOL.chacha20poly1305).
 *
 * A packet in memory:   len4 | pad1 payload padding | tag
 * "len" in the functions below counts len4 .. padding, that is 4 + packet_length; the tag lies behind it. */
#ifndef ADIT_CRYPTO_CIPHER_H
#define ADIT_CRYPTO_CIPHER_H

#include "crypto/crypto.h"

enum { CIPHER_KEY_MAX = 64, CIPHER_IV_MAX = 16, MAC_KEY_MAX = 64, TAG_MAX = 64, CIPHER_HEAD_MAX = 16 };

/* One row of the cipher table. */
struct cipher_alg {
	const char *name; /* as negotiated */
	uint8_t key_len, iv_len;
	uint8_t block;		      /* padding alignment: 8 or 16 */
	bool aead;		      /* brings its own tag; the MAC lists are ignored */
	const struct cipher_ops *ops; /* private to crypto/ */
	uint64_t rekey_bytes;	      /* default volume for one key and direction: 64 GiB, 1 GiB for chacha20 */
};

/* One row of the MAC table. */
struct mac_alg {
	const char *name;
	uint8_t key_len, tag_len;
	bool etm; /* the MAC covers the clear length and the ciphertext */
	int hash; /* enum hash_id */
};

/* All ciphers, the fast one for this CPU first: the default proposal is this order. The table ends with name NULL. */
const struct cipher_alg *cipher_table(bool cpu_has_aes);
const struct mac_alg *mac_table(void);
/* NULL when unknown. */
const struct cipher_alg *cipher_find(struct span name);
const struct mac_alg *mac_find(struct span name);

enum cipher_dir { CIPHER_SEAL, CIPHER_OPEN };

struct cipher; /* keys and contexts of one direction */

/* The state before the first NEWKEYS: no encryption, block 8, no tag. OK or ERR_NOMEM. */
int cipher_new_none(struct cipher **out) MUST_CHECK;

/* `key` has alg->key_len bytes, `iv` alg->iv_len; `mac` and `mac_key` (mac->key_len bytes) are ignored by AEADs.
 * `crypto` must outlive the cipher. OK, ERR_NOMEM or ERR_CRYPTO; nothing half-made is left. */
int cipher_new(struct cipher **out, const struct crypto *crypto, const struct cipher_alg *alg,
	       const struct mac_alg *mac, enum cipher_dir dir, const uint8_t *key, const uint8_t *iv,
	       const uint8_t *mac_key) MUST_CHECK;
/* NULL is allowed; wipes the keys. */
void cipher_free(struct cipher *c);

/* Padding aligns to this many bytes: 8 or 16. */
size_t cipher_block(const struct cipher *c);
/* Bytes behind the padding. */
size_t cipher_tag(const struct cipher *c);
/* True when the four length bytes are not counted by the alignment (AEAD and -etm): packet_length itself is then a
 * multiple of the block, otherwise 4 + packet_length is. */
bool cipher_length_apart(const struct cipher *c);
/* Bytes that cipher_length() needs to see: 4, or one block where the length is inside the stream. */
size_t cipher_head(const struct cipher *c);

/* Encrypts pkt[0..len) in place and writes the tag to pkt + len. `seq` is the packet's sequence number; AES-GCM counts
 * by itself. The caller has written all of len4, pad1, payload and padding, to a whole number of blocks. OK or
 * ERR_CRYPTO. */
int cipher_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len) MUST_CHECK;

/* Reads packet_length from the first cipher_head() bytes without changing them. May be called again for the same
 * packet; the number is not yet authenticated. OK or ERR_CRYPTO. */
int cipher_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length) MUST_CHECK;

/* Verifies the tag at pkt + len in constant time and decrypts pkt[0..len) in place (pkt[4..len) is what the caller may
 * then use). OK; ERR_MAC when the packet was changed, or its length is no whole number of blocks; ERR_CRYPTO. After an
 * error the content must not be looked at, and the cipher not be used again. */
int cipher_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len) MUST_CHECK;

#endif
