/* The ways in which ssh_config(5) writes numbers. */
#ifndef ADIT_CONF_NUMBER_H
#define ADIT_CONF_NUMBER_H

#include "base/err.h"

/* Seconds: digits with s, m, h, d or w behind (either case), several in a row add up. OK or ERR_SYNTAX, also beyond
 * INT_MAX. */
int number_seconds(const char *s, int *seconds) MUST_CHECK;
/* Bytes: digits with K, M or G behind. OK or ERR_SYNTAX. */
int number_bytes(const char *s, uint64_t *bytes) MUST_CHECK;
/* Octal digits, at most 0777. OK or ERR_SYNTAX. */
int number_mask(const char *s, int *mask) MUST_CHECK;
/* IPQoS: af11, cs1, ef, le, lowdelay, throughput, reliability, none (QOS_NONE), or 0..255 also in hex. OK or
 * ERR_SYNTAX. */
int number_qos(const char *s, int *tos) MUST_CHECK;
/* The name for it, or NULL. */
const char *number_qos_name(int tos);

#endif
