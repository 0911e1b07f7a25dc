/* Remote dynamic forwards (-R port): the far side's client speaks SOCKS through the channel, and we connect to where it
 * says. Not for parsing SOCKS (proto/socks.h), nor for deciding who may go where. */
#ifndef ADIT_FWD_DYNAMIC_H
#define ADIT_FWD_DYNAMIC_H

#include "fwd/connector.h"

enum { SOCKS_MS = 10000 }; /* until the request must be whole */

struct dynamic {
	struct connector *connector; /* its link, its limit of connects, its sentences */
	struct list asking;	     /* oldest first */
	struct list dialing;
	struct timer *timer;
	int family;
	/* May the far side go there? `user` is the connector's. */
	bool (*permit)(void *user, const char *host, uint16_t port);
};

/* OK or ERR_NOMEM. */
int dynamic_init(struct dynamic *d, struct connector *k, int family,
		 bool (*permit)(void *user, const char *host, uint16_t port)) MUST_CHECK;
/* Ends the channels that have no connection yet. Before connector_fini(). */
void dynamic_fini(struct dynamic *d);
/* Answers yes at once: the request comes through the channel. `text` must outlive the dynamic. */
void dynamic_open(struct dynamic *d, const struct event *ev, const char *text);

#endif
