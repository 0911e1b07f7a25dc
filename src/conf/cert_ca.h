/* How a CA may have signed, for certificates of hosts and of users alike. Which CA is trusted is the caller's. */
#ifndef ADIT_CONF_CERT_CA_H
#define ADIT_CONF_CERT_CA_H

#include "crypto/pkey.h"

/* For a certificate that cert_parse() has found rightly signed. `algs` is CASignatureAlgorithms, comma-separated (NULL:
 * all that can be checked), `min_bits` RequiredRSASize. OK, or ERR_DENIED with "its CA ...". */
int cert_ca_check(const struct cert *cert, const char *algs, unsigned min_bits, struct why *why) MUST_CHECK;

#endif
