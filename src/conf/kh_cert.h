/* May this certificate speak for this host? (OpenSSH's PROTOCOL.certkeys) Whether its CA is trusted is known_hosts.c's.
 */
#ifndef ADIT_CONF_KH_CERT_H
#define ADIT_CONF_KH_CERT_H

#include "crypto/pkey.h"

/* OK when it is a host certificate without critical options, valid at `now` (seconds since 1970), with a principal that
 * matches `host` (lower case; principals may have * and ?). ERR_HOST_KEY with a sentence otherwise. */
int kh_cert_check(const struct cert *cert, const char *host, uint64_t now, struct why *why) MUST_CHECK;

#endif
