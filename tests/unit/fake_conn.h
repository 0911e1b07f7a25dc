/* An engine that does what the test says: events are put in by hand, calls are written down. Stands in for ssh/conn.c
 * in the tests of the forwarding layer. */
#ifndef ADIT_TESTS_FAKE_CONN_H
#define ADIT_TESTS_FAKE_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "ssh/conn.h"

enum { FAKE_CHANNELS = 1024, FAKE_PACKET = 32 * 1024, FAKE_LOG = 4096 };

struct fake_chan {
	void *user;
	bool used, eof, closed, starved;
	size_t window;	 /* what may still be sent */
	size_t given;	 /* bytes of EV_DATA handed out */
	size_t consumed; /* bytes given back */
	unsigned lends;	 /* calls of conn_lend() */
	struct buf sent; /* what was sealed */
};

struct conn {
	struct fake_chan chan[FAKE_CHANNELS];
	uint32_t chans;
	size_t start_window; /* of a channel to come */
	struct list events;
	struct list kept; /* the event handed out last: its spans are valid until the next one */
	bool shut;	  /* conn_tx_open() says no */
	bool no_room;	  /* conn_rx_room() says no */
	bool no_opens;	  /* conn_open() says ERR_LIMIT */
	unsigned globals_max, globals;
	void *global_user[64];
	struct global_request global[64];
	struct buf wire; /* to be written to the network */
	uint8_t rx[65536];
	size_t rx_bytes;
	uint8_t *loan;
	size_t loan_n;
	uint64_t deadline;
	int err;
	char text[256];
	char log[FAKE_LOG]; /* "open 0 localhost:23;eof 0;close 0;" */
	struct answer answers[16];
	char answer_text[16][64];
	unsigned answered;
	unsigned ticks;
};

struct conn *fake_new(void);
/* Queues an event; the data are copied. The user of a channel's event is filled in. */
void fake_event(struct conn *c, const struct event *ev);
void fake_data(struct conn *c, uint32_t chan, const void *bytes, size_t n);
void fake_simple(struct conn *c, enum event_kind kind, uint32_t chan);
void fake_closed(struct conn *c, uint32_t chan, bool clean);
/* A channel that the peer opens; returns its number, which is the question's too (plus one). */
uint32_t fake_asks(struct conn *c, enum target_kind kind, const char *host, uint32_t port);
/* The connection is lost after the events that are queued. */
void fake_fail(struct conn *c, int err, const char *text);
/* More window, with EV_ROOM where it was waited for. */
void fake_room(struct conn *c, uint32_t chan, size_t n);

#endif
