/* RevokedHostKeys and RevokedKeys: a file of public keys that are not accepted any more, one a line; or a binary list
 * of keys, certificates and fingerprints, as ssh-keygen -k makes it. */
#ifndef ADIT_CONF_REVOKED_H
#define ADIT_CONF_REVOKED_H

#include "crypto/pkey.h"

/* Bytes of a binary list. */
enum { REVOKED_BINARY_MAX = 16 << 20 };

enum revoked_whose { REVOKED_HOST, REVOKED_USER };

/* OK when neither the key nor the CA of the certificate is in it, nor the certificate by its serial number or key ID;
 * ERR_HOST_KEY (REVOKED_HOST) or ERR_DENIED (REVOKED_USER) when one is. ERR_IO, ERR_SYNTAX, ERR_LIMIT, ERR_CRYPTO,
 * ERR_NOMEM when the file cannot be read or understood: then no key may be accepted. A certificate counts for what it
 * says, whoever signed it; one that cannot be read is ERR_SYNTAX or ERR_CRYPTO. */
int revoked_check(const char *path, enum revoked_whose whose, struct span blob, const struct crypto *c,
		  struct why *why) MUST_CHECK;

#endif
