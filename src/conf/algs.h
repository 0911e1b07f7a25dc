/* Lists of algorithm names as Ciphers, MACs and the like write them, with the + - ^ forms. Knows names, not what they
 * mean. */
#ifndef ADIT_CONF_ALGS_H
#define ADIT_CONF_ALGS_H

#include "base/err.h"

enum alg_family { ALG_KEX = 1, ALG_CIPHER, ALG_MAC, ALG_SIG };

/* Applies `list` to `ours`, all that we have, best first: "+a" appends, "^a" puts in front, "-a" takes away, else the
 * list stands for itself. Names that OpenSSH has and we have not are dropped; a name that nobody has is an error, and
 * so is a list of which nothing is left. Patterns are allowed behind '-' and for signatures.
 * OK: *out is the caller's. ERR_SYNTAX, ERR_NOMEM. */
int algs_assemble(char **out, enum alg_family family, const char *ours, const char *list, struct why *why) MUST_CHECK;

#endif
