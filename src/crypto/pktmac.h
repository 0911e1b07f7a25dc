/* The MAC of packets: HMAC (RFC 2104) over the sequence number and the packet (RFC 4253 section 6.4, RFC 6668).
 * Private to crypto/; AEADs have their own tag. */
#ifndef ADIT_CRYPTO_PKTMAC_H
#define ADIT_CRYPTO_PKTMAC_H

#include <openssl/sha.h>

#include "crypto/cipher.h"
#include "crypto/lib.h"

union pktmac_digest {
	SHA256_CTX sha256;
	SHA512_CTX sha512;
};

/* The digest after the masked key, of the inner and of the outer pass. */
struct pktmac {
	const struct pktmac_ops *ops;
	union pktmac_digest inner, outer;
	size_t tag;
};

/* `key` has alg->key_len bytes. Nothing is allocated, here or later. */
void pktmac_init(struct pktmac *m, const struct mac_alg *alg, const uint8_t *key);
/* Wipes the key; also accepts zero. */
void pktmac_fini(struct pktmac *m);

/* Writes the tag of pkt[0..len). */
void pktmac_make(const struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag);
/* OK, or ERR_MAC when the tag is another (constant time). */
int pktmac_check(const struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, const uint8_t *tag) MUST_CHECK;

#endif
