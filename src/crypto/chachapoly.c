/* chacha20-poly1305@openssh.com (OpenSSH's PROTOCOL.chacha20poly1305). It is not the construction of RFC 8439: the
 * nonce is the sequence number, the length is encrypted with a key of its own, and Poly1305 covers nothing but the
 * packet. */
#include "crypto/cipher_impl.h"

enum { KEY_HALF = 32, POLY_KEY = 32, CHACHA_BLOCK = 64, NONCE = 16 };

struct chachapoly {
	struct cipher base;
	EVP_CIPHER_CTX *body, *head; /* K_2 and K_1 */
	EVP_MAC_CTX *poly;
};

static struct chachapoly *self(struct cipher *c)
{
	return CONTAINER(c, struct chachapoly, base);
}

/* K_2 comes first. */
static int chachapoly_init(struct cipher *c, const struct cipher_setup *s)
{
	struct chachapoly *x = self(c);
	int err = cipher_ctx(&x->body, s->crypto->chacha20, s->key);

	if (!err)
		err = cipher_ctx(&x->head, s->crypto->chacha20, s->key + KEY_HALF);
	if (err)
		return err;
	x->poly = EVP_MAC_CTX_new(s->crypto->poly1305);
	return x->poly ? OK : lib_fail(ERR_NOMEM);
}

static void chachapoly_fini(struct cipher *c)
{
	EVP_CIPHER_CTX_free(self(c)->body);
	EVP_CIPHER_CTX_free(self(c)->head);
	EVP_MAC_CTX_free(self(c)->poly);
}

/* libcrypto's IV: the block counter, 64 bits little-endian and 0 here, then the nonce: the sequence number as 64 bits
 * big-endian. */
static bool start(EVP_CIPHER_CTX *ctx, uint32_t seq)
{
	uint8_t iv[NONCE] = { 0 };

	put_u32(iv + NONCE - 4, seq);
	return cipher_nonce(ctx, iv);
}

/* The first block of K_2's key stream makes the key of Poly1305; the stream is then at block 1, where the body begins.
 */
static bool start_body(struct chachapoly *x, uint32_t seq)
{
	uint8_t first[CHACHA_BLOCK] = { 0 };
	bool good = start(x->body, seq) && cipher_stream(x->body, first, first, sizeof(first)) &&
		    EVP_MAC_init(x->poly, first, POLY_KEY, NULL) == 1;

	wipe(first, sizeof(first));
	return good;
}

static bool head(struct chachapoly *x, uint32_t seq, uint8_t *out, const uint8_t *in)
{
	return start(x->head, seq) && cipher_stream(x->head, out, in, 4);
}

static bool poly(struct chachapoly *x, const uint8_t *pkt, size_t len, uint8_t tag[AEAD_TAG])
{
	size_t n = 0;

	return EVP_MAC_update(x->poly, pkt, len) == 1 && EVP_MAC_final(x->poly, tag, &n, AEAD_TAG) == 1 &&
	       n == AEAD_TAG;
}

static int chachapoly_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct chachapoly *x = self(c);

	if (!head(x, seq, pkt, pkt) || !start_body(x, seq) || !cipher_stream(x->body, pkt + 4, pkt + 4, len - 4) ||
	    !poly(x, pkt, len, pkt + len))
		return lib_fail(ERR_CRYPTO);
	return OK;
}

/* Into a local: the tag covers the encrypted length, so the packet stays as it came. */
static int chachapoly_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length)
{
	uint8_t plain[4];

	if (!head(self(c), seq, plain, pkt))
		return lib_fail(ERR_CRYPTO);
	*packet_length = get_u32(plain);
	return OK;
}

static int chachapoly_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct chachapoly *x = self(c);
	uint8_t tag[AEAD_TAG];

	if (!start_body(x, seq) || !poly(x, pkt, len, tag))
		return lib_fail(ERR_CRYPTO);
	if (!secret_eq(tag, pkt + len, sizeof(tag)))
		return ERR_MAC;
	return cipher_stream(x->body, pkt + 4, pkt + 4, len - 4) ? OK : lib_fail(ERR_CRYPTO);
}

const struct cipher_ops chachapoly_ops = {
	sizeof(struct chachapoly), chachapoly_init,   chachapoly_fini,
	chachapoly_seal,	   chachapoly_length, chachapoly_open,
};
