/* How addresses and ranges are written in ListenAddress, Match and PerSourcePenaltyExemptList. Not for targets of
 * forwards (permit.h). */
#ifndef ADIT_CONF_TARGET_H
#define ADIT_CONF_TARGET_H

#include "base/err.h"

/* An address, a range, or a pattern of addresses, perhaps with ! in front. */
bool target_is_net(const char *word);

/* One of ListenAddress. */
struct listen_at {
	char *host;    /* address or name, IPv6 without brackets */
	uint16_t port; /* 0 = none was said */
};

/* "host", "host:port", "v6", "[v6]", "[v6]:port". OK: the caller frees out->host. ERR_SYNTAX, ERR_NOMEM. */
int target_read_listen_address(struct listen_at *out, const char *word) MUST_CHECK;

#endif
