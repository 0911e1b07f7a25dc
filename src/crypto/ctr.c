/* aes128-ctr, aes192-ctr, aes256-ctr (RFC 4344 section 4) with a MAC beside them: over the plaintext (RFC 4253
 * section 6.4) or, in the -etm@openssh.com form, over the clear length and the ciphertext. */
#include "crypto/cipher_impl.h"

#include "crypto/pktmac.h"

enum { BLOCK = 16 };

struct ctr {
	struct cipher base;
	EVP_CIPHER_CTX *ctx;
	uint8_t counter[BLOCK]; /* of the next packet; libcrypto's is set from it, so that a look ahead changes nothing
				 */
	struct pktmac mac;
};

static struct ctr *ctr(struct cipher *c)
{
	return CONTAINER(c, struct ctr, base);
}

static int ctr_init(struct cipher *c, const struct cipher_setup *s)
{
	pktmac_init(&ctr(c)->mac, s->mac, s->mac_key);
	memcpy(ctr(c)->counter, s->iv, BLOCK);
	return cipher_ctx(&ctr(c)->ctx, s->crypto->ctr[s->alg->key_len / 8 - 2], s->key);
}

static void ctr_fini(struct cipher *c)
{
	EVP_CIPHER_CTX_free(ctr(c)->ctx);
	pktmac_fini(&ctr(c)->mac);
}

/* A big-endian number of 128 bits. */
static void advance(uint8_t counter[BLOCK], size_t blocks)
{
	for (size_t i = BLOCK; i-- > 0 && blocks;) {
		blocks += counter[i];
		counter[i] = (uint8_t)blocks;
		blocks >>= 8;
	}
}

static bool look(struct ctr *x, uint8_t *out, const uint8_t *in, size_t n)
{
	return cipher_nonce(x->ctx, x->counter) && cipher_stream(x->ctx, out, in, n);
}

/* Encrypts or decrypts in place all that is encrypted, and moves on. */
static int run(struct ctr *x, uint8_t *pkt, size_t len)
{
	size_t clear = x->base.apart ? 4 : 0;

	if (!look(x, pkt + clear, pkt + clear, len - clear))
		return lib_fail(ERR_CRYPTO);
	advance(x->counter, (len - clear) / BLOCK);
	return OK;
}

static int ctr_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct ctr *x = ctr(c);
	int err;

	if (c->apart) {
		err = run(x, pkt, len);
		if (!err)
			pktmac_make(&x->mac, seq, pkt, len, pkt + len);
		return err;
	}
	pktmac_make(&x->mac, seq, pkt, len, pkt + len);
	return run(x, pkt, len);
}

static int ctr_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length)
{
	uint8_t first[BLOCK];

	(void)seq;
	if (c->apart)
		memcpy(first, pkt, 4);
	else if (!look(ctr(c), first, pkt, BLOCK))
		return lib_fail(ERR_CRYPTO);
	*packet_length = get_u32(first);
	return OK;
}

static int ctr_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct ctr *x = ctr(c);
	int err;

	if (c->apart) {
		err = pktmac_check(&x->mac, seq, pkt, len, pkt + len);
		return err ? err : run(x, pkt, len);
	}
	err = run(x, pkt, len);
	return err ? err : pktmac_check(&x->mac, seq, pkt, len, pkt + len);
}

const struct cipher_ops ctr_ops = { sizeof(struct ctr), ctr_init, ctr_fini, ctr_seal, ctr_length, ctr_open };
