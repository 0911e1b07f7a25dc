/* One channel and one local socket, joined: bytes and ends in both directions.
 * Not for who opened them (listener.h, connector.h), nor for whose turn it is (sched.h).
 *
 * The local socket ends as the channel did: EOF becomes FIN and the other way round, a broken stream becomes a reset
 * after what was received is delivered, and a local reset becomes CLOSE without EOF (RFC 4254 section 5.3). */
#ifndef ADIT_FWD_PUMP_H
#define ADIT_FWD_PUMP_H

#include "fwd/backlog.h"
#include "fwd/link.h"

enum { PUMP_SAY_MAX = 64 };

/* How a stream ended, as far as this side saw it: the first cause counts. */
enum pump_end {
	PUMP_ALIVE = 0,
	PUMP_CLEAN,   /* the channel was closed after both directions had ended, or at least the peer's had */
	PUMP_RESET,   /* the local socket broke */
	PUMP_BROKEN,  /* the peer closed without EOF */
	PUMP_REFUSED, /* the peer did not want the channel */
	PUMP_LOST,    /* the connection was lost */
	PUMP_MEMORY,  /* out of memory, or too many channels */
	PUMP_IDLE     /* nothing moved for too long; for whoever ends it for that reason */
};

struct pump;

/* Who keeps account of a stream. Embedded; lives until `ended`, or is taken off with pump_witness(). */
struct witness {
	struct pump *pump; /* while there is one */
	/* The channel is open, or bytes have moved. Must not end the pump. */
	void (*moved)(struct witness *w);
	/* The pump is about to go, or never was (p == NULL: no memory for it). Called once. ev is the EV_REFUSED behind
	 * PUMP_REFUSED, otherwise NULL. */
	void (*ended)(struct witness *w, const struct pump *p, const struct event *ev);
};

/* Who hears how the opening of a channel ended. Embedded in a listener. */
struct opener {
	struct list pending; /* pumps whose opening is under way */
	unsigned count;
	/* ev is EV_OPENED, EV_REFUSED, or EV_CLOSED when the connection died first. */
	void (*result)(struct opener *o, const struct event *ev);
};

struct pump {
	struct owner owner; /* the engine's `user` points to it */
	struct flow flow;
	struct list kin; /* in opener->pending */
	struct opener *opener;
	struct witness *witness; /* or NULL */
	struct link *link;
	struct watch *watch;
	struct backlog backlog;	     /* received, and not yet taken by the socket */
	void *stand_in;		     /* of whoever has replaced owner.event */
	uint64_t rx_bytes, tx_bytes; /* of payload: from the peer towards the socket, and from there to the peer */
	enum pump_end end;
	uint32_t chan;
	int fd;				  /* -1: none yet, or no more */
	unsigned armed;			  /* what the watch waits for */
	bool ending;			  /* conn_close() was called: EV_CLOSED is all that may come */
	bool sent_eof;			  /* the local socket ended, and the peer was told */
	bool got_eof;			  /* the peer will send no more */
	bool shut;			  /* and the local socket was told, after the last byte */
	bool deaf;			  /* the local socket takes nothing any more, but may still hold bytes for us */
	bool say_last;			  /* after `say`: EOF and CLOSE */
	uint8_t say_n, say[PUMP_SAY_MAX]; /* bytes of our own, in front of those of the socket */
};

void opener_init(struct opener *o, void (*result)(struct opener *o, const struct event *ev));
/* Nobody wants to know any more; the openings go on. */
void opener_fini(struct opener *o);

/* Opens a channel to the target for an accepted socket, which is the pump's in every case: a refusal resets it.
 * `w` may be NULL. OK, or what conn_open() said; then the socket is reset and `result` is not called, but w->ended was.
 */
int pump_open(struct link *l, int fd, const struct target *t, struct opener *o, struct witness *w) MUST_CHECK;

/* A pump without a socket yet, for a channel that the peer is opening: give its `owner` to conn_answer(). Until
 * pump_start() somebody else may stand in by replacing owner.event. NULL without memory. */
struct pump *pump_new(struct link *l, uint32_t chan);
/* Frees a pump whose channel the engine does not know, or has closed; its socket is reset. */
void pump_free(struct pump *p);
/* The channel is open and this is its socket, now the pump's; what came for it before is in the backlog. Without memory
 * channel and socket are ended. */
void pump_start(struct pump *p, int fd);
/* Bytes of our own for the peer; at most PUMP_SAY_MAX may wait. With `last` the channel ends after them. Only for a
 * pump without a socket. */
void pump_say(struct pump *p, struct span bytes, bool last);
/* From here on `w` keeps account, or nobody (NULL). */
void pump_witness(struct pump *p, struct witness *w);
/* Ends the stream as broken: CLOSE without EOF; the socket is reset. EV_CLOSED frees the pump. */
void pump_break(struct pump *p);

#endif
