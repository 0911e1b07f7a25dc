/* A channel that the peer asks for: connects to the target first, then answers. For both sides: the client's -R and the
 * server's direct-tcpip. Not for which target it is (forwards.h, gate.h), nor for SOCKS (dynamic.h). */
#ifndef ADIT_FWD_CONNECTOR_H
#define ADIT_FWD_CONNECTOR_H

#include "fwd/dialer.h"
#include "fwd/link.h"
#include "fwd/pump.h"

struct connector {
	struct link *link;
	struct dialer dialer;
	struct list calls; /* what is being connected */
};

/* A question that waits for a connect. Embedded in whoever decided where it goes. */
struct call {
	struct owner owner; /* hears of the death of the connection */
	struct dial_job job;
	struct list node;
	struct connector *set;
	uint32_t question, chan;
	const char *denied; /* what the peer hears when the judge of the dial said no; NULL = OpenSSH's words */
	/* What became of it; called once, the call is the callee's to free. A pump: the channel is open, the pump runs
	 * on its own, and `peer` is the address that answered. No pump: `err` and the sentence say why, and the peer
	 * was refused with them; ERR_CLOSED means that the connector or the connection ended first. */
	void (*done)(struct call *call, struct pump *p, const struct addr *peer, int err, const struct why *why);
};

/* At most `dials` connects are under way at a time. */
void connector_init(struct connector *k, struct link *l, unsigned dials);
/* Refuses what is still being connected. */
void connector_fini(struct connector *k);

/* Answers the EV_OPEN: yes with a pump when the connection stands, no with OPEN_CONNECT_FAILED and the reason, with
 * OPEN_SHORTAGE where descriptors or memory have run out, or with OPEN_PROHIBITED and call->denied where the judge of
 * the dial said no; at once or later. The caller has filled in call->done and, but for the time, call->job.spec, whose
 * strings live as long as the call. */
void connector_open(struct connector *k, struct call *call, const struct event *ev);

/* Answers no. */
void refuse_open(struct link *l, uint32_t question, enum open_reason reason, const char *words);

#endif
