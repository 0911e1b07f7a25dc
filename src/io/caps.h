/* Capabilities of this process by system call: no more is needed of them than to have fewer. */
#ifndef ADIT_IO_CAPS_H
#define ADIT_IO_CAPS_H

#include <linux/capability.h>

#include "base/err.h"

#define CAPS_ONE(cap) (UINT64_C(1) << (cap))

struct caps {
	uint64_t permitted, effective;
};

/* OK or ERR_IO. */
int caps_get(struct caps *out, struct why *why) MUST_CHECK;
/* What is to be effective has to be permitted, and what is permitted has to be so already. Nothing is inheritable. OK,
 * ERR_DENIED or ERR_IO. */
int caps_set(const struct caps *c, struct why *why) MUST_CHECK;

/* From here on a change of user takes no capability and gives none: what the process has is said by caps_set() alone.
 * With CAP_SETPCAP for good and for its children, and with what is not in `keep` out of reach for any program that
 * would be executed; without it only as far as PR_SET_KEEPCAPS goes. OK or ERR_IO. */
int caps_fix(uint64_t keep, struct why *why) MUST_CHECK;

#endif
