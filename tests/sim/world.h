/* Two engines, a pipe in each direction, and a clock that is only a number. Everything that happens is decided by one
 * seeded generator, so that a run can be repeated by its seed. Not for what the channels carry: that is traffic.h. */
#ifndef ADIT_TESTS_SIM_WORLD_H
#define ADIT_TESTS_SIM_WORLD_H

#include "base/buf.h"
#include "ssh/conn.h"

struct world;
struct side;

/* How the pipes behave. */
struct weather {
	size_t fragment;    /* a delivery has at most this many bytes; 0 = all that is there */
	uint64_t delay_ms;  /* bytes arrive this much later */
	unsigned stall;	    /* out of 100 turns, a pipe does nothing in so many */
	uint64_t cut_after; /* bytes after which the network dies; 0 = never */
	uint64_t flip_at;   /* byte number that arrives with one bit changed; 0 = none */
};

struct pipe {
	struct buf bytes;
	struct {
		uint64_t at_ms;
		size_t n;
	} batch[4096]; /* ring of what was sent when */
	size_t first, count;
	uint64_t carried;
	bool cut;
};

struct side {
	struct world *world;
	struct conn *conn;
	struct pipe out; /* towards the other side */
	struct pool pool;
	bool logged_in;
	int failed; /* code of the failure that was seen */
	size_t memory_peak;
	void (*event)(struct side *s, const struct event *ev); /* channel and global events */
};

struct world {
	uint64_t random;
	uint64_t now_ms;
	const struct crypto *crypto;
	struct weather weather;
	struct side client, server;
	struct pkey *host_key, *user_key;
	unsigned rekeys_seen;
};

struct world_setup {
	uint64_t seed;
	struct weather weather;
	const char *kex, *cipher, *mac; /* NULL = default */
	const char *server_kex;		/* NULL = the same as the client */
	uint64_t rekey_bytes;
	uint32_t max_channels;
	uint64_t bank;
	struct bank *shared_bank; /* of both sides */
};

/* The host key and the user's key are the caller's. OK or an engine error (allocation failures are injected). */
int world_init(struct world *w, const struct world_setup *s, const struct crypto *crypto, struct pkey *host_key,
	       struct pkey *user_key);
void world_fini(struct world *w);

uint64_t world_random(struct world *w);
/* 0 .. n - 1 */
size_t world_pick(struct world *w, size_t n);

/* One turn of both sides and both pipes. True when something moved; otherwise the clock has jumped to the next moment
 * at which something can. */
bool world_turn(struct world *w);
/* Both ends have failed: nothing will ever happen again. */
bool world_over(const struct world *w);

#endif
