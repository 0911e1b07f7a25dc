/* HMAC for packets, made of two digests. libcrypto's own HMAC is hash.c's: for each message it copies digest contexts,
 * which allocates, and a packet must not. */
#include "crypto/pktmac.h"

#include "base/buf.h"

int pktmac_init(struct pktmac *m, const struct crypto *c, const struct mac_alg *alg, const uint8_t *key)
{
	const EVP_MD *md = c->md[alg->hash];

	m->block = (size_t)EVP_MD_get_block_size(md);
	m->tag = alg->tag_len;
	assert(m->block <= HASH_BLOCK_MAX && alg->key_len <= m->block); /* else RFC 2104 hashes the key first */
	memcpy(m->inner, key, alg->key_len);
	memcpy(m->outer, key, alg->key_len);
	for (size_t i = 0; i < m->block; i++) {
		m->inner[i] ^= 0x36;
		m->outer[i] ^= 0x5c;
	}
	m->ctx = EVP_MD_CTX_new();
	if (!m->ctx)
		return lib_fail(ERR_NOMEM);
	return EVP_DigestInit_ex2(m->ctx, md, NULL) == 1 ? OK : lib_fail(ERR_CRYPTO);
}

void pktmac_fini(struct pktmac *m)
{
	EVP_MD_CTX_free(m->ctx);
	wipe(m, sizeof(*m));
}

/* Starts again with the digest that the context has, and the first block. */
static bool start(struct pktmac *m, const uint8_t *block)
{
	return EVP_DigestInit_ex2(m->ctx, NULL, NULL) == 1 && EVP_DigestUpdate(m->ctx, block, m->block) == 1;
}

int pktmac_make(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag)
{
	uint8_t number[4], sum[HASH_MAX];
	bool good;

	put_u32(number, seq);
	good = start(m, m->inner) && EVP_DigestUpdate(m->ctx, number, sizeof(number)) == 1 &&
	       EVP_DigestUpdate(m->ctx, pkt, len) == 1 && EVP_DigestFinal_ex(m->ctx, sum, NULL) == 1 &&
	       start(m, m->outer) && EVP_DigestUpdate(m->ctx, sum, m->tag) == 1 &&
	       EVP_DigestFinal_ex(m->ctx, tag, NULL) == 1;
	return good ? OK : lib_fail(ERR_CRYPTO);
}

int pktmac_check(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, const uint8_t *tag)
{
	uint8_t mine[TAG_MAX];
	int err = pktmac_make(m, seq, pkt, len, mine);

	if (err)
		return err;
	return secret_eq(mine, tag, m->tag) ? OK : ERR_MAC;
}
