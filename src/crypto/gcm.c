/* aes128-gcm@openssh.com and aes256-gcm@openssh.com (RFC 5647 as OpenSSH's PROTOCOL 1.6 uses it): the length is sent in
 * clear and is the associated data. This is the back end on libcrypto; gcm_mb.c is the other one. */
#include "crypto/cipher_impl.h"

#include <openssl/core_names.h>

struct gcm {
	struct cipher base;
	EVP_CIPHER_CTX *ctx;
	uint8_t iv[GCM_IV]; /* of the next packet */
};

static struct gcm *gcm(struct cipher *c)
{
	return CONTAINER(c, struct gcm, base);
}

static int gcm_init(struct cipher *c, const struct cipher_setup *s)
{
	memcpy(gcm(c)->iv, s->iv, GCM_IV);
	return cipher_ctx(&gcm(c)->ctx, s->crypto->gcm[s->alg->key_len == 32], s->key);
}

static void gcm_fini(struct cipher *c)
{
	EVP_CIPHER_CTX_free(gcm(c)->ctx);
}

static int gcm_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	EVP_CIPHER_CTX *ctx = gcm(c)->ctx;
	int n = 0;

	(void)seq;
	if (EVP_EncryptInit_ex2(ctx, NULL, NULL, gcm(c)->iv, NULL) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, pkt, 4) != 1 ||
	    EVP_EncryptUpdate(ctx, pkt + 4, &n, pkt + 4, (int)(len - 4)) != 1 || (size_t)n != len - 4 ||
	    EVP_EncryptFinal_ex(ctx, pkt + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, pkt + len) != 1)
		return lib_fail(ERR_CRYPTO);
	gcm_next_iv(gcm(c)->iv);
	return OK;
}

static int gcm_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	EVP_CIPHER_CTX *ctx = gcm(c)->ctx;
	OSSL_PARAM tag[] = {
		OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, pkt + len, AEAD_TAG),
		OSSL_PARAM_construct_end(),
	};
	int n = 0;

	(void)seq;
	if (EVP_DecryptInit_ex2(ctx, NULL, NULL, gcm(c)->iv, tag) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, pkt, 4) != 1 ||
	    EVP_DecryptUpdate(ctx, pkt + 4, &n, pkt + 4, (int)(len - 4)) != 1 || (size_t)n != len - 4)
		return lib_fail(ERR_CRYPTO);
	if (EVP_DecryptFinal_ex(ctx, pkt + len, &n) != 1) /* compares the tags in constant time */
		return lib_fail(ERR_MAC);
	gcm_next_iv(gcm(c)->iv);
	return OK;
}

const struct cipher_ops gcm_ops = { sizeof(struct gcm), gcm_init, gcm_fini, gcm_seal, gcm_length, gcm_open };
