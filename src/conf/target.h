/* How addresses, ranges, and host:port patterns are written in PermitOpen, PermitListen, DenyOpen, ListenAddress and
 * Match. Not for what they permit. */
#ifndef ADIT_CONF_TARGET_H
#define ADIT_CONF_TARGET_H

#include "base/err.h"

/* host:port: a pattern, an address ([v6]) or a range (10.0.0.0/8, [fe80::/10]) and behind the last colon a port, a
 * range of ports (8000-8099) or *. */
bool target_is_open(const char *word);
/* The same, or an address or range alone. */
bool target_is_deny(const char *word);
/* A port, a range of ports or *, with or without host: in front. */
bool target_is_listen(const char *word);
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
