/* The words of PerSourcePenalties. Not for who is punished. */
#ifndef ADIT_CONF_PENALTIES_H
#define ADIT_CONF_PENALTIES_H

#include "conf/types.h"

/* One word, "crash:90s" or "overflow:deny-all", also yes and no. What was said before in *p stays. OK or ERR_SYNTAX. */
int penalties_read(struct penalties *p, const char *word) MUST_CHECK;
/* "grace-exceeded"; enum penalty. */
const char *penalties_name(size_t penalty);
/* "permissive"; enum penalty_overflow. */
const char *penalties_overflow_name(int overflow);

#endif
