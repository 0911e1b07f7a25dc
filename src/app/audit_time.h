/* Points in time for records. Pure: no clock, no zone. */
#ifndef ADIT_APP_AUDIT_TIME_H
#define ADIT_APP_AUDIT_TIME_H

#include "base/base.h"

enum { AUDIT_TIME = 64 }; /* room for any text, more than the 25 bytes that are needed */

/* Milliseconds since 1970 as "2026-11-25T09:30:00.125Z" (RFC 3339 section 5.6). A day after the year 9999 becomes its
 * last one. Returns `out`. */
const char *audit_time(char out[AUDIT_TIME], uint64_t ms);

#endif
