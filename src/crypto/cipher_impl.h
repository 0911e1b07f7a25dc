/* What cipher.c and the files of the single ciphers share. Private to crypto/. */
#ifndef ADIT_CRYPTO_CIPHER_IMPL_H
#define ADIT_CRYPTO_CIPHER_IMPL_H

#include "base/buf.h"
#include "crypto/cipher.h"
#include "crypto/lib.h"

enum { AEAD_TAG = 16, GCM_IV = 12, GCM_IV_FIXED = 4 };

/* The arguments of cipher_new(). */
struct cipher_setup {
	const struct crypto *crypto;
	const struct cipher_alg *alg;
	const struct mac_alg *mac;
	const uint8_t *key, *iv, *mac_key;
	bool seals, opens;
};

/* The head of every cipher's object. It is zeroed and filled in before init(); fini() takes also what init() left half
 * made. seal(), length() and open() are those of cipher.h, the length already checked. */
struct cipher {
	const struct cipher_ops *ops;
	uint8_t block, tag, head;
	bool apart;
	bool seals, opens; /* a key that does both would use a key stream twice */
};

struct cipher_ops {
	size_t size; /* of the whole object */
	int (*init)(struct cipher *, const struct cipher_setup *);
	void (*fini)(struct cipher *);
	int (*seal)(struct cipher *, uint32_t seq, uint8_t *pkt, size_t len);
	int (*length)(struct cipher *, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length);
	int (*open)(struct cipher *, uint32_t seq, uint8_t *pkt, size_t len);
};

/* A row of the cipher table with gcm_ops means AES-GCM by the back end that crypto_backend_set() chose. */
extern const struct cipher_ops gcm_ops, chachapoly_ops, ctr_ops;

/* Does AES-GCM by `ops` answer known questions as it should, and refuse what was changed? OK; ERR_CRYPTO: it does not;
 * ERR_NOMEM. */
int gcm_answers(const struct crypto *c, const struct cipher_ops *ops) MUST_CHECK;

/* RFC 5647 section 7.1: the last eight bytes are a big-endian number that grows by one per packet and wraps around
 * without touching the fixed field. It is no sequence number: each key starts it anew. */
static inline void gcm_next_iv(uint8_t iv[GCM_IV])
{
	for (size_t i = GCM_IV; i-- > GCM_IV_FIXED && ++iv[i] == 0;)
		;
}

/* length() of AES-GCM: it stands in clear. */
static inline int gcm_length(struct cipher *c, uint32_t seq, const uint8_t *pkt, uint32_t *packet_length)
{
	(void)c;
	(void)seq;
	*packet_length = get_u32(pkt);
	return OK;
}

/* EVP_CIPHER_CTX_new() with its key: OK, ERR_NOMEM or ERR_CRYPTO. */
static inline int cipher_ctx(EVP_CIPHER_CTX **ctx, const EVP_CIPHER *alg, const uint8_t *key)
{
	*ctx = EVP_CIPHER_CTX_new();
	if (!*ctx)
		return lib_fail(ERR_NOMEM);
	return EVP_EncryptInit_ex2(*ctx, alg, key, NULL, NULL) == 1 ? OK : lib_fail(ERR_CRYPTO);
}

/* Starts a key stream: the key stays, the nonce is new. */
static inline bool cipher_nonce(EVP_CIPHER_CTX *ctx, const uint8_t *nonce)
{
	return EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1;
}

/* The next n bytes of the key stream, over `in`. */
static inline bool cipher_stream(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t n)
{
	int done = 0;

	return EVP_EncryptUpdate(ctx, out, &done, in, (int)n) == 1 && (size_t)done == n;
}

#endif
