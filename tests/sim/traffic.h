/* What the channels of a simulated connection carry: byte streams whose every byte is known in advance, in both
 * directions, with ends of every kind, and listeners that come and go. */
#ifndef ADIT_TESTS_SIM_TRAFFIC_H
#define ADIT_TESTS_SIM_TRAFFIC_H

#include "world.h"

enum { STREAMS_MAX = 4096 };

/* One end of one channel. */
struct end {
	struct traffic *traffic;
	struct side *side;
	struct end *other;
	uint32_t chan;
	bool open, gone;
	uint64_t key;	     /* of the bytes that it sends */
	uint64_t send, sent; /* bytes in all, and so far */
	uint64_t got;
	uint64_t unread; /* received and not yet consumed */
	bool eof_sent, eof_got;
	bool abort, aborted; /* it may close without EOF; it did */
};

struct traffic {
	struct world *world;
	struct end *ends; /* pairs: [2i] client's, [2i + 1] server's */
	size_t streams, opened, closed, refused;
	bool lazy; /* ends consume only now and then */
	unsigned forwards_asked, forwards_answered;
	uint64_t moved; /* payload bytes that arrived and were right */
};

struct traffic_setup {
	size_t streams;
	uint64_t bytes_max; /* per direction; each stream has its own number below it */
	bool lazy;
	bool aborts;   /* some ends close without EOF */
	bool refusals; /* the server refuses some */
};

int traffic_init(struct traffic *t, struct world *w, const struct traffic_setup *s);
void traffic_fini(struct traffic *t);
/* Opens, sends, consumes, ends a little. True when something was done. */
bool traffic_turn(struct traffic *t);
/* Every stream has come to its end. */
bool traffic_done(const struct traffic *t);

#endif
