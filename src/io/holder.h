/* Who holds a port or a socket file, for the sentence of an error. Reads /proc; shows nothing that is not there. */
#ifndef ADIT_IO_HOLDER_H
#define ADIT_IO_HOLDER_H

#include "io/sock.h"

enum { HOLDER_TEXT = 128 };

/* "held by nginx, pid 812", "held by this process", "held by a process of user www-data", or "" when nobody is known to
 * hold it. `a` is an IP address with port, or a unix path. */
void holder_text(const struct addr *a, char out[HOLDER_TEXT]);

#endif
