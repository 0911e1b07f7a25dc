/* What the two ends of a key exchange agree on, and the exchange hash over it (RFC 4253 section 8, RFC 5656 section 4).
 * No connection is needed: a process that holds the host key recomputes the hash of what it is asked to sign. */
#ifndef ADIT_SSH_EXCHANGE_H
#define ADIT_SSH_EXCHANGE_H

#include "crypto/kexalg.h"

struct exchange {
	const struct kex_alg *kex;		/* the method, and with it the hash; kex_find() has it by name */
	struct span client_ident, server_ident; /* V_C, V_S: version lines without CR LF */
	struct span client_init, server_init;	/* I_C, I_S: payloads of the KEXINITs, with their message number */
	struct span host_key;			/* K_S: the public blob */
	struct span client_share, server_share; /* Q_C, Q_S, or what the method has in their place */
	struct span secret;			/* K in its encoding, mpint or string, with its length */
	bool first;				/* the hash becomes the session identifier. Not hashed */
};

/* H: *n bytes, the digest of the method, at `out`, which has room for HASH_MAX. OK or ERR_CRYPTO, and then *n is as it
 * was. Contents are not judged: whoever signs H decides whether they are plausible. */
int kexhash_of(const struct crypto *c, const struct exchange *x, uint8_t *out, size_t *n) MUST_CHECK;

#endif
