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
/* A TCP port of at least `least`: digits, or the name of a TCP service (getservbyname(): /etc/services). OK; ERR_LIMIT
 * for a number that is out of range, ERR_NOT_FOUND for what is neither a number nor a service. */
int number_port(const char *s, uint64_t least, uint16_t *port) MUST_CHECK;
/* Why a name was not found: what to say behind "'name' is not a number, and ". */
const char *number_no_service(void);
/* IPQoS: af11, cs1, ef, le, lowdelay, throughput, reliability, none (QOS_NONE), or 0..255 also in hex. OK or
 * ERR_SYNTAX. */
int number_qos(const char *s, int *tos) MUST_CHECK;
/* The name for it, or NULL. */
const char *number_qos_name(int tos);

#endif
