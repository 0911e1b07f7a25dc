/* Where this server itself listens, as its workers know it: a forward that leads back into it is a loop, which holds
 * two channels and a connection for every turn, and comes from an address that nobody counts. */
#ifndef ADIT_APP_SELF_H
#define ADIT_APP_SELF_H

#include "base/ip.h"

enum { DOORS_MAX = 64 }; /* listening sockets of one server */

struct self_door {
	struct ip ip; /* as it is bound: 0.0.0.0 and :: are every address of the family */
	uint16_t port;
	bool dual; /* :: of IPv4, too */
};

struct self {
	struct self_door doors[DOORS_MAX];
	size_t n;
};

/* Would a connection to this address, also in one of the disguises of ip_unwrap(), come to this door? Asks the kernel
 * which addresses the host has when the door is for all of them. */
bool self_door_takes(const struct self_door *d, const struct ip *a, uint16_t port);
/* The same for any of them. */
bool self_takes(const struct self *s, const struct ip *a, uint16_t port);

#endif
