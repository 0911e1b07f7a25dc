/* The tables of ciphers and MACs, and the way to the one that was negotiated. The ciphers are in gcm.c, gcm_mb.c,
 * chachapoly.c and ctr.c; here is only the one that does nothing. */
#include "crypto/cipher.h"

#include <stdlib.h>

#include "crypto/cipher_impl.h"

#define GIB (1ull << 30)

/* Key, IV, block, AEAD, operations; volume per key: 2^32 blocks of AES (RFC 4344 section 3.2), OpenSSH's GiB of
 * ChaCha20. */
#define GCM(bits, key) "aes" bits "-gcm@openssh.com", key, 12, 16, true, &gcm_ops, 64 * GIB
#define CTR(bits, key) "aes" bits "-ctr", key, 16, 16, false, &ctr_ops, 64 * GIB
#define CHACHA	       "chacha20-poly1305@openssh.com", 64, 0, 8, true, &chachapoly_ops, GIB

static const struct cipher_alg aes_first[] = {
	{ GCM("128", 16) }, { GCM("256", 32) }, { CHACHA }, { CTR("128", 16) },
	{ CTR("192", 24) }, { CTR("256", 32) }, { 0 },
};
static const struct cipher_alg chacha_first[] = {
	{ CHACHA }, { GCM("128", 16) }, { GCM("256", 32) }, { CTR("128", 16) }, { CTR("192", 24) }, { CTR("256", 32) },
	{ 0 },
};

static const struct mac_alg macs[] = {
	{ "hmac-sha2-256-etm@openssh.com", 32, 32, true, HASH_SHA256 },
	{ "hmac-sha2-512-etm@openssh.com", 64, 64, true, HASH_SHA512 },
	{ "hmac-sha2-256", 32, 32, false, HASH_SHA256 },
	{ "hmac-sha2-512", 64, 64, false, HASH_SHA512 },
	{ 0 },
};

const struct cipher_alg *cipher_table(bool cpu_has_aes)
{
	return cpu_has_aes ? aes_first : chacha_first;
}

const struct mac_alg *mac_table(void)
{
	return macs;
}

const struct cipher_alg *cipher_find(struct span name)
{
	for (const struct cipher_alg *a = aes_first; a->name; a++)
		if (span_is(name, a->name))
			return a;
	return NULL;
}

const struct mac_alg *mac_find(struct span name)
{
	for (const struct mac_alg *m = macs; m->name; m++)
		if (span_is(name, m->name))
			return m;
	return NULL;
}

static int none_init(struct cipher *c, const struct cipher_setup *s)
{
	(void)c;
	(void)s;
	return OK;
}

static void none_fini(struct cipher *c)
{
	(void)c;
}

static int none_pass(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	(void)c;
	(void)seq;
	(void)pkt;
	(void)len;
	return OK;
}

static int none_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length)
{
	(void)c;
	(void)seq;
	*packet_length = get_u32(pkt);
	return OK;
}

static const struct cipher_ops none_ops = { sizeof(struct cipher), none_init, none_fini, none_pass,
					    none_length,	   none_pass };
static const struct cipher_alg none = { "none", 0, 0, 8, false, &none_ops, UINT64_MAX };
static const struct mac_alg no_mac = { "none", 0, 0, false, 0 };

static int make(struct cipher **out, const struct cipher_setup *s)
{
	const struct cipher_alg *alg = s->alg;
	const struct cipher_ops *ops = alg->ops == &gcm_ops ? s->crypto->gcm_by : alg->ops;
	struct cipher *c = calloc(1, ops->size);
	int err;

	if (!c)
		return ERR_NOMEM;
	c->ops = ops;
	c->seals = s->seals;
	c->opens = s->opens;
	c->block = alg->block;
	c->tag = alg->aead ? AEAD_TAG : s->mac->tag_len;
	c->apart = alg->aead || s->mac->etm;
	c->head = c->apart || alg == &none ? 4 : alg->block;
	err = c->ops->init(c, s);
	if (err)
		cipher_free(c);
	else
		*out = c;
	return err;
}

int cipher_new_none(struct cipher **out)
{
	return make(out, &(struct cipher_setup){ .alg = &none, .mac = &no_mac, .seals = true, .opens = true });
}

int cipher_new(struct cipher **out, const struct crypto *crypto, const struct cipher_alg *alg,
	       const struct mac_alg *mac, enum cipher_dir dir, const uint8_t *key, const uint8_t *iv,
	       const uint8_t *mac_key)
{
	bool seals = dir == CIPHER_SEAL;

	return make(out, &(struct cipher_setup){ crypto, alg, mac, key, iv, mac_key, seals, !seals });
}

void cipher_free(struct cipher *c)
{
	if (!c)
		return;
	c->ops->fini(c);
	wipe(c, c->ops->size);
	free(c);
}

size_t cipher_block(const struct cipher *c)
{
	return c->block;
}

size_t cipher_tag(const struct cipher *c)
{
	return c->tag;
}

bool cipher_length_apart(const struct cipher *c)
{
	return c->apart;
}

size_t cipher_head(const struct cipher *c)
{
	return c->head;
}

/* Whole blocks, at least one, and no more than libcrypto's int. */
static bool len_fits(const struct cipher *c, size_t len)
{
	size_t apart = c->apart ? 4 : 0;

	return len > apart && len <= INT32_MAX && (len - apart) % c->block == 0;
}

int cipher_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	assert(c->seals && len_fits(c, len));
	return c->ops->seal(c, seq, pkt, len);
}

int cipher_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length)
{
	return c->ops->length(c, seq, pkt, packet_length);
}

int cipher_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	assert(c->opens);
	/* The peer chose it: no packet that was sealed has such a length. */
	if (!len_fits(c, len))
		return ERR_MAC;
	return c->ops->open(c, seq, pkt, len);
}
