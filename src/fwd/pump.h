/* One channel and one local socket, joined: bytes and ends in both directions.
 * Not for who opened them (listener.h, connector.h), nor for whose turn it is (sched.h).
 *
 * The local socket ends as the channel did: EOF becomes FIN and the other way round, a broken stream becomes a reset
 * after what was received is delivered, and a local reset becomes CLOSE without EOF (RFC 4254 section 5.3). */
#ifndef ADIT_FWD_PUMP_H
#define ADIT_FWD_PUMP_H

#include "fwd/backlog.h"
#include "fwd/link.h"

enum { PUMP_SAY_MAX = 32 };

/* Who hears how the opening of a channel ended. Embedded in a listener. */
struct opener {
	struct list pending; /* pumps whose opening is under way */
	unsigned count;
	/* ev is EV_OPENED, EV_REFUSED, or EV_CLOSED when the connection died first. `from` as given to pump_open(). */
	void (*result)(struct opener *o, const struct event *ev);
};

struct pump {
	struct owner owner; /* first: what the engine's `user` points to */
	struct flow flow;
	struct list kin; /* in opener->pending */
	struct opener *opener;
	struct link *link;
	struct watch *watch;
	struct backlog backlog;
	uint32_t chan;
	int fd;
	unsigned armed; /* what the watch waits for */
	bool open;	/* the channel is open: data may be sent */
	bool sent_eof, got_eof, shut;
	uint8_t say_n, say[PUMP_SAY_MAX]; /* bytes of our own that go before those of the socket */
	bool say_last;			  /* nothing follows them: EOF and CLOSE */
};

void opener_init(struct opener *o, void (*result)(struct opener *o, const struct event *ev));
/* Nobody wants to know any more; the openings go on. */
void opener_fini(struct opener *o);

/* Opens a channel to the target for an accepted socket, which is the pump's in every case: a refusal resets it.
 * OK, or what conn_open() said; then `result` is not called. */
int pump_open(struct link *l, int fd, const struct target *t, struct opener *o) MUST_CHECK;

/* A pump without a socket yet, for a channel that the peer is opening: the caller answers the question with its
 * `owner` as user. NULL without memory. */
struct pump *pump_new(struct link *l, uint32_t chan);
/* The channel is open and this is its socket, now the pump's. What came before is in the backlog.
 * Failure ends channel, socket and pump. */
void pump_start(struct pump *p, int fd);
/* Bytes of our own for the peer, in front of everything that the socket sends; at most PUMP_SAY_MAX at a time are
 * waiting. With `last` the channel ends after them and the pump has no socket. */
void pump_say(struct pump *p, const void *bytes, size_t n, bool last);
/* Ends the pump without a word: the channel with CLOSE when it is open, the socket with a reset. */
void pump_abort(struct pump *p);

#endif
