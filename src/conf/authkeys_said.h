/* One option of a key as it is written. Only for authkeys*.c. */
#ifndef ADIT_CONF_AUTHKEYS_SAID_H
#define ADIT_CONF_AUTHKEYS_SAID_H

#include "conf/authkeys.h"

/* The strings are the reader's to free, also after an error. */
struct said {
	char *name;
	char *value; /* NULL for a flag */
	bool on;     /* no "no-" in front */
	struct why *why;
};

/* name or name="value" at the front of *text, which moves behind it. OK, ERR_SYNTAX with a sentence, ERR_NOMEM. */
int said_read(struct said *s, struct span *text) MUST_CHECK;

#endif
