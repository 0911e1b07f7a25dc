/* RevokedHostKeys and RevokedKeys: a file of public keys that are not accepted any more, one a line. */
#ifndef ADIT_CONF_REVOKED_H
#define ADIT_CONF_REVOKED_H

#include "crypto/pkey.h"

enum revoked_whose { REVOKED_HOST, REVOKED_USER };

/* OK when neither the key nor the CA of the certificate is in it; ERR_HOST_KEY (REVOKED_HOST) or ERR_DENIED
 * (REVOKED_USER) when it is; ERR_IO or ERR_SYNTAX when the file cannot be read or understood: then no key may be
 * accepted; ERR_NOMEM. Binary revocation lists (ssh-keygen -k) are refused with a sentence. */
int revoked_check(const char *path, enum revoked_whose whose, struct span blob, const struct crypto *c,
		  struct why *why) MUST_CHECK;

#endif
