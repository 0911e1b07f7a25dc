/* The MAC of packets: HMAC (RFC 2104) over the sequence number and the packet (RFC 4253 section 6.4, RFC 6668).
 * Private to crypto/; AEADs have their own tag. */
#ifndef ADIT_CRYPTO_PKTMAC_H
#define ADIT_CRYPTO_PKTMAC_H

#include "crypto/cipher.h"
#include "crypto/lib.h"

enum { HASH_BLOCK_MAX = 128 };

/* The key, masked for the inner and for the outer pass, and the digest of either. */
struct pktmac {
	uint8_t inner[HASH_BLOCK_MAX], outer[HASH_BLOCK_MAX];
	EVP_MD_CTX *work;
	size_t block, tag;
};

/* OK, ERR_NOMEM or ERR_CRYPTO; pktmac_fini() in any case, also for zero. */
int pktmac_init(struct pktmac *m, const struct crypto *c, const struct mac_alg *alg, const uint8_t *key) MUST_CHECK;
void pktmac_fini(struct pktmac *m);

/* Writes the tag of pkt[0..len). OK or ERR_CRYPTO. */
int pktmac_make(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag) MUST_CHECK;
/* OK, ERR_MAC when the tag is another (constant time), ERR_CRYPTO. */
int pktmac_check(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, const uint8_t *tag) MUST_CHECK;

#endif
