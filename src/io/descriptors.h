/* How many descriptors this process may have open, and a reserve: the highest numbers, which those who ask here leave
 * to all others. The kernel gives the lowest free number, so one from the reserve means that all below it are taken. */
#ifndef ADIT_IO_DESCRIPTORS_H
#define ADIT_IO_DESCRIPTORS_H

#include "base/base.h"

/* The soft limit (RLIMIT_NOFILE); loop_new() has raised it to the hard one. UINT64_MAX = none is known. */
uint64_t descriptors_limit(void);

/* Would the next descriptor leave the last `reserve` numbers free? Always yes for 0. */
bool descriptors_left(unsigned reserve);
/* Does one that was opened leave them free? Always yes for 0. */
bool descriptor_leaves(int fd, unsigned reserve);

#endif
