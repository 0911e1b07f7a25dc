/* Remote dynamic forwards (-R port): the far side's client speaks SOCKS through the channel, and we connect to where it
 * says. Not for parsing SOCKS (proto/socks.h), nor for deciding who may go where. */
#ifndef ADIT_FWD_DYNAMIC_H
#define ADIT_FWD_DYNAMIC_H

#include "fwd/dialer.h"
#include "fwd/link.h"

enum { SOCKS_MS = 10000 }; /* until the request must be whole */

struct dynamic_calls {
	/* May the far side go there? */
	bool (*permit)(void *user, const char *host, uint16_t port);
	/* One line for a person; `trace` = only with -v. `text` is that of dynamic_open(). */
	void (*say)(void *user, bool trace, const char *text, const char *what);
};

struct dynamic {
	struct link *link;
	struct dialer *dialer; /* its limit of connects */
	struct list asking;    /* oldest first */
	struct list dialing;
	struct timer *timer;
	int family;
	const struct dynamic_calls *calls;
	void *user;
};

/* The dialer and the calls outlive it. OK or ERR_NOMEM. */
int dynamic_init(struct dynamic *d, struct link *l, struct dialer *dialer, int family,
		 const struct dynamic_calls *calls, void *user) MUST_CHECK;
/* Ends the channels that have no connection yet. Before the dialer is closed. */
void dynamic_fini(struct dynamic *d);
/* Answers yes at once: the request comes through the channel. `text` must outlive the dynamic. */
void dynamic_open(struct dynamic *d, const struct event *ev, const char *text);

#endif
