/* A list of strings that it owns. Zero is a valid empty list. */
#ifndef ADIT_CONF_STRS_H
#define ADIT_CONF_STRS_H

#include "base/err.h"

struct strs {
	char **v;
	size_t n;
};

void strs_fini(struct strs *s);
/* Takes over `text`, which may be NULL after a failed strdup(); frees it when it fails. OK or ERR_NOMEM. */
int strs_take(struct strs *s, char *text) MUST_CHECK;
/* Appends a copy. OK or ERR_NOMEM. */
int strs_add(struct strs *s, const char *text) MUST_CHECK;
bool strs_has(const struct strs *s, const char *text);

#endif
