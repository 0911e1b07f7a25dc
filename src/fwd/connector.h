/* A channel that the peer asks for (-R): connects to the target first, then answers.
 * Not for which target it is (forwards.h), nor for SOCKS (dynamic.h). */
#ifndef ADIT_FWD_CONNECTOR_H
#define ADIT_FWD_CONNECTOR_H

#include "fwd/dialer.h"
#include "fwd/link.h"

/* One line for a person; `trace` = only with -v. `text` is the forward's name, "remote localhost:1234 -> localhost:23".
 */
typedef void forward_say_fn(void *user, bool trace, const char *text, const char *what);

struct connector {
	struct link *link;
	struct dialer dialer;
	struct list calls; /* what is being connected */
	forward_say_fn *say;
	void *user;
};

void connector_init(struct connector *k, struct link *l, forward_say_fn *say, void *user);
/* Refuses what is still being connected. */
void connector_fini(struct connector *k);

/* Answers the EV_OPEN: yes with a pump when the connection to `to` stands, no with OPEN_CONNECT_FAILED and the reason
 * otherwise, at once or later. The strings of `to`, and `text`, must outlive the connector. */
void connector_open(struct connector *k, const struct event *ev, const struct dial_spec *to, const char *text);

/* Answers no. */
void refuse_open(struct link *l, uint32_t question, enum open_reason reason, const char *words);

#endif
