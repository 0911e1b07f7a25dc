/* Which host and user names are taken. Not for looking them up. */
#ifndef ADIT_CONF_NAMES_H
#define ADIT_CONF_NAMES_H

#include "base/err.h"

/* No white space, no control characters, nothing that a shell would take for its own, no '-' in front, not empty. OK or
 * ERR_SYNTAX. */
int name_check_host(const char *host, struct why *why) MUST_CHECK;
/* The same, but a backslash is allowed inside, and a space that no '-' follows. NULL is OK. */
int name_check_user(const char *user, struct why *why) MUST_CHECK;

#endif
