/* What crypto/ keeps of libcrypto: the algorithms fetched once, so that no packet and no key fetches again.
 * Private to crypto/; no other layer includes an <openssl/...> header. */
#ifndef ADIT_CRYPTO_LIB_H
#define ADIT_CRYPTO_LIB_H

#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/crypto.h"
#include "crypto/gcm_mb.h"
#include "crypto/hash.h"

struct crypto {
	EVP_CIPHER *gcm[2]; /* AES-128, AES-256 */
	EVP_CIPHER *ctr[3]; /* AES-128, AES-192, AES-256 */
	EVP_CIPHER *chacha20;
	EVP_MD *md[5]; /* by enum hash_id */
	EVP_MAC *hmac, *poly1305;
	struct mb mb;
	const struct cipher_ops *gcm_by; /* the back end of AES-GCM: gcm_ops or mb.ops */
};

/* Looks for the second back end of AES-GCM, asks it known questions, and lets the better one do the work. `c` has its
 * algorithms; gcm_mb_stop() undoes it. */
void backend_start(struct crypto *c);

/* For the error paths: libcrypto's queue is emptied, so that no later error is blamed on this one. */
static inline int lib_fail(int err)
{
	ERR_clear_error();
	return err;
}

#endif
