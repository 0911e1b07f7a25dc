/* HMAC for packets. The digest of each masked key is kept and copied for every packet, as plain memory: OpenSSL 3.0's
 * EVP interface, its HMAC included, allocates a new digest for every message. Hence the old interface, for SHA-2 only.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/pktmac.h"

#include "base/buf.h"

enum { HASH_BLOCK_MAX = SHA512_CBLOCK, INNER = 0x36, OUTER = 0x5c };

static void start256(union pktmac_digest *d)
{
	SHA256_Init(&d->sha256);
}

static void add256(union pktmac_digest *d, const void *p, size_t n)
{
	SHA256_Update(&d->sha256, p, n);
}

static void end256(union pktmac_digest *d, uint8_t *sum)
{
	SHA256_Final(sum, &d->sha256);
}

static void start512(union pktmac_digest *d)
{
	SHA512_Init(&d->sha512);
}

static void add512(union pktmac_digest *d, const void *p, size_t n)
{
	SHA512_Update(&d->sha512, p, n);
}

static void end512(union pktmac_digest *d, uint8_t *sum)
{
	SHA512_Final(sum, &d->sha512);
}

struct pktmac_ops {
	size_t block;
	void (*start)(union pktmac_digest *d);
	void (*add)(union pktmac_digest *d, const void *p, size_t n);
	void (*end)(union pktmac_digest *d, uint8_t *sum);
};

static const struct pktmac_ops table[] = {
	[HASH_SHA256] = { SHA256_CBLOCK, start256, add256, end256 },
	[HASH_SHA512] = { SHA512_CBLOCK, start512, add512, end512 },
};

/* A digest that has seen the first block. */
static void start(const struct pktmac_ops *ops, union pktmac_digest *d, const uint8_t *key, size_t key_len,
		  uint8_t mask)
{
	uint8_t block[HASH_BLOCK_MAX] = { 0 };

	memcpy(block, key, key_len);
	for (size_t i = 0; i < ops->block; i++)
		block[i] ^= mask;
	ops->start(d);
	ops->add(d, block, ops->block);
	wipe(block, sizeof(block));
}

void pktmac_init(struct pktmac *m, const struct mac_alg *alg, const uint8_t *key)
{
	const struct pktmac_ops *ops = &table[alg->hash];

	/* RFC 2104 section 2: a longer key would be hashed */
	assert((size_t)alg->hash < LEN(table) && ops->block && alg->key_len <= ops->block);
	*m = (struct pktmac){ .ops = ops, .tag = alg->tag_len };
	start(ops, &m->inner, key, alg->key_len, INNER);
	start(ops, &m->outer, key, alg->key_len, OUTER);
}

void pktmac_fini(struct pktmac *m)
{
	wipe(m, sizeof(*m));
}

void pktmac_make(const struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, uint8_t *tag)
{
	union pktmac_digest d = m->inner;
	uint8_t number[4], sum[HASH_MAX];

	put_u32(number, seq);
	m->ops->add(&d, number, sizeof(number));
	m->ops->add(&d, pkt, len);
	m->ops->end(&d, sum);
	d = m->outer;
	m->ops->add(&d, sum, m->tag);
	m->ops->end(&d, tag);
}

int pktmac_check(const struct pktmac *m, uint32_t seq, const uint8_t *pkt, size_t len, const uint8_t *tag)
{
	uint8_t mine[TAG_MAX];

	pktmac_make(m, seq, pkt, len, mine);
	return secret_eq(mine, tag, m->tag) ? OK : ERR_MAC;
}
