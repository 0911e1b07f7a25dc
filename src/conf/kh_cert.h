/* May this certificate speak for this host? (OpenSSH's PROTOCOL.certkeys) Whether its CA is trusted is known_hosts.c's.
 */
#ifndef ADIT_CONF_KH_CERT_H
#define ADIT_CONF_KH_CERT_H

#include "conf/known_hosts.h"

/* OK when it is a host certificate without critical options, valid now, signed as the rules want it, with a principal
 * that matches `host` (lower case; principals may have * and ?). ERR_HOST_KEY with a sentence otherwise. */
int kh_cert_check(const struct cert *cert, const char *host, const struct kh_rules *rules, struct why *why) MUST_CHECK;

#endif
