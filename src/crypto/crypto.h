/* What is fetched from libcrypto once at start. One object per process; everything below takes it as an argument. */
#ifndef ADIT_CRYPTO_CRYPTO_H
#define ADIT_CRYPTO_CRYPTO_H

#include "base/err.h"
#include "base/span.h"

struct crypto; /* opaque; the fetched EVP_CIPHER, EVP_MD, EVP_MAC objects */

/* Fetches every algorithm. ERR_CRYPTO names the one that is missing in `why`. Free with crypto_free(). */
int crypto_new(struct crypto **out, struct why *why) MUST_CHECK;
void crypto_free(struct crypto *c);

/* Does the CPU encrypt AES in hardware (then AES-GCM is the fast cipher, else ChaCha20)? */
bool crypto_cpu_has_aes(void);
/* "OpenSSL 3.0.19 27 Jan 2026" */
const char *crypto_version(void);

#endif
