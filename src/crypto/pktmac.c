/* HMAC for packets, made of two digests whose first block, the masked key, is hashed once. Not libcrypto's own HMAC,
 * which hash.c uses: its early 3.0 releases cannot begin a second message without hashing the key again. */
#include "crypto/pktmac.h"

#include "base/buf.h"

enum { HASH_BLOCK_MAX = 128, INNER = 0x36, OUTER = 0x5c };

/* A digest that has seen the first block. */
static int start(EVP_MD_CTX **ctx, const EVP_MD *md, const uint8_t *key, size_t key_len, uint8_t mask)
{
	size_t size = (size_t)EVP_MD_get_block_size(md);
	uint8_t block[HASH_BLOCK_MAX] = { 0 };
	bool good;

	assert(size <= sizeof(block) && key_len <= size); /* RFC 2104 section 2: a longer key would be hashed */
	*ctx = EVP_MD_CTX_new();
	if (!*ctx)
		return lib_fail(ERR_NOMEM);
	memcpy(block, key, key_len);
	for (size_t i = 0; i < size; i++)
		block[i] ^= mask;
	good = EVP_DigestInit_ex2(*ctx, md, NULL) == 1 && EVP_DigestUpdate(*ctx, block, size) == 1;
	wipe(block, sizeof(block));
	return good ? OK : lib_fail(ERR_CRYPTO);
}

int pktmac_init(struct pktmac *m, const struct crypto *c, const struct mac_alg *alg, const uint8_t *key)
{
	const EVP_MD *md = c->md[alg->hash];
	int err = start(&m->inner, md, key, alg->key_len, INNER);

	if (!err)
		err = start(&m->outer, md, key, alg->key_len, OUTER);
	if (err)
		return err;
	m->tag = alg->tag_len;
	m->work = EVP_MD_CTX_new();
	return m->work ? OK : lib_fail(ERR_NOMEM);
}

void pktmac_fini(struct pktmac *m)
{
	EVP_MD_CTX_free(m->inner);
	EVP_MD_CTX_free(m->outer);
	EVP_MD_CTX_free(m->work);
	*m = (struct pktmac){ 0 };
}

int pktmac_make(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag)
{
	uint8_t number[4], sum[HASH_MAX];
	bool good;

	put_u32(number, seq);
	good = EVP_MD_CTX_copy_ex(m->work, m->inner) == 1 && EVP_DigestUpdate(m->work, number, sizeof(number)) == 1 &&
	       EVP_DigestUpdate(m->work, pkt, len) == 1 && EVP_DigestFinal_ex(m->work, sum, NULL) == 1 &&
	       EVP_MD_CTX_copy_ex(m->work, m->outer) == 1 && EVP_DigestUpdate(m->work, sum, m->tag) == 1 &&
	       EVP_DigestFinal_ex(m->work, tag, NULL) == 1;
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
