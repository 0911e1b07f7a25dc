/* What the files of the gate share. */
#ifndef ADIT_FWD_GATE_IMPL_H
#define ADIT_FWD_GATE_IMPL_H

#include "conf/permit.h"
#include "fwd/connector.h"
#include "fwd/gate.h"
#include "fwd/listener.h"
#include "fwd/share.h"

enum {
	GATE_TEXT = 1024, /* of what was asked for, escaped */
	GATE_ORIGIN = 64  /* of the originator that a client claims */
};

struct gate {
	struct owner owner; /* hears of the end of the connection */
	struct link *link;
	const struct policy *policy;
	struct gate_calls calls;
	void *user;
	struct connector connector;
	struct lookups *asker; /* or NULL */
	struct share *share;   /* or NULL */
	struct timer *timer;
	struct list streams;
	unsigned stream_count;
	struct list quiet[POLICY_CHANNELS]; /* open streams of a type: the one that moved longest ago is first */
	uint64_t moved_ms;		    /* when anything moved on any of them */
	uint64_t rx_bytes, tx_bytes;	    /* of streams that have ended */
	uint64_t unused_ms;		    /* since when there was nothing */
	struct list posts;
	unsigned post_count;
	struct list asks;	/* global requests, in order: only the first may wait for an answer from outside */
	uint32_t waiting;	/* its ticket, or 0 */
	struct resolve *lookup; /* of the address that it names */
	uint32_t tickets;	/* the last one given out */
	bool serving_asks;
};

/* ---- gate.c ---- */

/* For the record, where GATE_RESERVE is all that is left. */
extern const char gate_no_descriptors[];

/* Completes the record and hands it on: the end is now, the start too where it is 0, text that is missing is empty. The
 * text is safe already. */
void gate_tell(struct gate *g, const struct gate_record *r);
/* Is this path absolute? A relative one would mean the directory of the server. False: `why` says so. */
bool gate_absolute(struct span path, struct why *why);
/* Something began or ended: when is the next deadline? */
void gate_clock(struct gate *g);

/* ---- gate_stream.c: one forwarded connection, from the first word to the record ---- */

struct stream {
	struct witness witness;
	struct call call; /* direct ones */
	struct list node, quiet;
	struct gate *gate;
	enum gate_kind kind;
	char *host; /* as it was asked for */
	uint16_t port, actual_port;
	char actual[ADDR_TEXT], from[GATE_ORIGIN];
	uint32_t from_port;
	uint64_t start_ms, moved_ms;
	uint64_t rx_bytes, tx_bytes; /* once its pump is gone */
};

/* NULL without memory. The host is copied. */
struct stream *stream_new(struct gate *g, enum gate_kind kind, const char *host, uint16_t port);
/* The channel is open, and this is its pump. */
void stream_open(struct stream *s, struct pump *p);
/* Writes the record and frees it. A pump that it may have goes on without a witness. */
void stream_end(struct stream *s, enum gate_how how, const char *words);
/* Ends those that were idle for too long. */
void streams_expire(struct gate *g);
/* When the next one will have been; UINT64_MAX = none. */
uint64_t streams_deadline(const struct gate *g);
void streams_free(struct gate *g);

/* ---- gate_open.c ---- */

void gate_open(struct gate *g, const struct event *ev);

/* ---- gate_listen.c ---- */

/* A listener that stands for the client. */
struct post {
	struct list node;
	struct gate *gate;
	struct listener *listener;
	enum gate_kind kind;
	char *host;		   /* as it was asked for, and as forwarded-tcpip says it; or the path */
	char bind[IP_TEXT];	   /* what was bound: "localhost", "*" or an address; "" = a path */
	uint16_t asked_port, port; /* the latter is that of the listener */
	uint64_t start_ms;
};

struct post_spec {
	enum gate_kind kind;
	const char *host; /* copied */
	const char *bind; /* as struct listen_spec means a host; copied */
	uint16_t port;
	const int *fds; /* or sockets that listen already: the post's, also when this fails */
	size_t fd_n;
};

/* OK and the port of the listener; ERR_LIMIT: the user has as many as they may; or what listener_new() said. */
int post_new(struct gate *g, const struct post_spec *spec, uint16_t *port, struct why *why) MUST_CHECK;
/* By what was asked for and the port that was bound; NULL = there is none. */
struct post *post_find(const struct gate *g, enum gate_kind kind, const char *host, uint16_t port);
/* Closes the listener with its record; streams that came through it live on. */
void post_end(struct post *p, enum gate_how how);

/* ---- gate_ask.c: global requests ---- */

/* A global request that waits for its turn, or, as the first one, for an answer from outside. */
struct ask {
	struct list node;
	enum global_kind kind;
	char *host;	    /* or the path */
	char bind[IP_TEXT]; /* what is to be bound: "localhost", "*" or an address */
	uint16_t port;
	bool want_reply;
	enum listen_change change;
	bool privileged;
	bool took_over; /* that was asked for already */
	uint32_t question;
};

void gate_ask(struct gate *g, const struct event *ev);
/* Goes on with the next ones, unless the first waits. */
void asks_serve(struct gate *g);
/* Nobody will answer. */
void asks_free(struct gate *g);

/* ---- gate_bind.c ---- */

void ask_free(struct ask *a);
enum gate_kind ask_kind(enum global_kind kind);
void ask_reply(struct gate *g, uint32_t question, bool yes, uint32_t port);
/* Answers no, with a record, and frees it. */
void ask_deny(struct gate *g, struct ask *a, enum gate_how how, const char *words);
/* Listens on a->bind, or has somebody else see to it: answers and frees, now or later. */
void ask_bind(struct gate *g, struct ask *a);
/* The first request waits from here on. Returns the ticket. */
uint32_t ask_wait(struct gate *g);
/* The request that waits for this ticket; it waits no longer. NULL = none does. */
struct ask *ask_take(struct gate *g, uint32_t ticket);

#endif
