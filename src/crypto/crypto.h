/* What is fetched from libcrypto once at start, and which back end does AES-GCM. One object per process; everything
 * below takes it as an argument. */
#ifndef ADIT_CRYPTO_CRYPTO_H
#define ADIT_CRYPTO_CRYPTO_H

#include "base/err.h"
#include "base/span.h"

struct crypto; /* opaque; the fetched EVP_CIPHER, EVP_MD, EVP_MAC objects */

/* Fetches every algorithm, and makes the best back end do AES-GCM, as crypto_backend_set(CRYPTO_AUTO) does. ERR_CRYPTO
 * names the algorithm that is missing in `why`. Free with crypto_free(). */
int crypto_new(struct crypto **out, struct why *why) MUST_CHECK;
void crypto_free(struct crypto *c);

/* The back ends of AES-GCM. They do the same in the same place: each opens what the other has sealed. */
enum crypto_backend {
	CRYPTO_AUTO,	/* intel-ipsec-mb where it is to be had, else libcrypto */
	CRYPTO_OPENSSL, /* libcrypto */
	CRYPTO_IPSEC_MB
};

/* Who does AES-GCM in ciphers that are made from now on. CRYPTO_IPSEC_MB: ERR_NOT_FOUND where it is not to be had, and
 * `why` names the reason; nothing is changed then. The others are always OK. */
int crypto_backend_set(struct crypto *c, enum crypto_backend backend, struct why *why) MUST_CHECK;
/* "intel-ipsec-mb 1.3.0" or "libcrypto" */
const char *crypto_gcm_by(const struct crypto *c);
/* Why intel-ipsec-mb is not to be had ("this build has no intel-ipsec-mb"); NULL when it is. */
const char *crypto_mb_lack(const struct crypto *c);
/* It is there and gave a wrong answer to a known question: a fault of this machine that somebody should hear of. */
bool crypto_mb_wrong(const struct crypto *c);

/* Does the CPU encrypt AES in hardware (then AES-GCM is the fast cipher, else ChaCha20)? */
bool crypto_cpu_has_aes(void);
/* "OpenSSL 3.0.19 27 Jan 2026" */
const char *crypto_version(void);

#endif
