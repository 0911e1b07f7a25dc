/* What a client may write where a host stands, and what both sides of permit*.c share. Only for them. */
#ifndef ADIT_CONF_PERMIT_HOST_H
#define ADIT_CONF_PERMIT_HOST_H

#include "conf/permit_word.h"

/* A request that was looked at once. */
struct permit_host {
	char text[PERMIT_HOST_MAX + 1];
	struct ip ip; /* family 0: a name */
	bool zone;    /* "fe80::1%eth0" */
};

/* At most PERMIT_HOST_MAX bytes of visible ASCII; a zone only behind a link-local address. False: `rule` says why not.
 */
bool permit_host_read(struct permit_host *out, struct span host, struct why *rule);
/* The side of policy.tcp or policy.streamlocal: false and a sentence when it is not allowed. */
bool permit_side(uint32_t allowed, enum policy_side side, const char *keyword, struct why *rule);
/* A path without NUL that fits into sun_path. */
bool permit_path_read(char out[PERMIT_PATH_MAX + 1], struct span path, struct why *rule);

/* Refuses: the sentence, and false. */
bool permit_refuse(struct why *rule, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
