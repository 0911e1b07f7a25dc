/* HMAC for packets, made of two digests over masked keys. Not libcrypto's own HMAC, which hash.c uses: it copies a
 * digest for every message, and a copy is an allocation. Hashing the masked key again costs less. */
#include "crypto/pktmac.h"

#include "base/buf.h"

enum { INNER = 0x36, OUTER = 0x5c };

static void mask(uint8_t *block, size_t size, const uint8_t *key, size_t key_len, uint8_t with)
{
	memcpy(block, key, key_len);
	for (size_t i = 0; i < size; i++)
		block[i] ^= with;
}

int pktmac_init(struct pktmac *m, const struct crypto *c, const struct mac_alg *alg, const uint8_t *key)
{
	const EVP_MD *md = c->md[alg->hash];
	size_t size = (size_t)EVP_MD_get_block_size(md);

	*m = (struct pktmac){ .block = size, .tag = alg->tag_len };
	assert(size <= sizeof(m->inner) && alg->key_len <= size); /* RFC 2104 section 2: a longer key would be hashed */
	mask(m->inner, size, key, alg->key_len, INNER);
	mask(m->outer, size, key, alg->key_len, OUTER);
	m->work = EVP_MD_CTX_new();
	if (!m->work)
		return lib_fail(ERR_NOMEM);
	return EVP_DigestInit_ex2(m->work, md, NULL) == 1 ? OK : lib_fail(ERR_CRYPTO);
}

void pktmac_fini(struct pktmac *m)
{
	EVP_MD_CTX_free(m->work);
	wipe(m, sizeof(*m));
}

/* The digest is not named again: naming it would make libcrypto begin with new memory. */
static bool begin(struct pktmac *m, const uint8_t *masked)
{
	return EVP_DigestInit_ex2(m->work, NULL, NULL) == 1 && EVP_DigestUpdate(m->work, masked, m->block) == 1;
}

int pktmac_make(struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag)
{
	uint8_t number[4], sum[HASH_MAX];
	bool good;

	put_u32(number, seq);
	good = begin(m, m->inner) && EVP_DigestUpdate(m->work, number, sizeof(number)) == 1 &&
	       EVP_DigestUpdate(m->work, pkt, len) == 1 && EVP_DigestFinal_ex(m->work, sum, NULL) == 1 &&
	       begin(m, m->outer) && EVP_DigestUpdate(m->work, sum, m->tag) == 1 &&
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
