/* Many SSH connections in one client process, on the engine itself: one epoll, no sockets of our own behind the
 * channels, so that a server can be driven at little cost beside it. The server is believed to be the right one. */
#ifndef ADIT_BENCH_FLEET_H
#define ADIT_BENCH_FLEET_H

#include "base/list.h"
#include "base/pool.h"
#include "crypto/pkey.h"
#include "ssh/conn.h"

/* Work in many like parts, so many of them at the same time. */
struct job {
	unsigned total, started, done, failed;
	uint64_t *took; /* ns, of each that is done: `total` places */
	char why[256];	/* of the first failure */
};

struct fleet {
	int epoll;
	struct crypto *crypto;
	struct pool pool;
	struct pkey *key;
	const char *user;
	uint16_t port;
	struct conn_algs algs;
	struct list members;
	unsigned member_count; /* logged in */
	unsigned ever;	       /* connections that were begun */
	unsigned lost;	       /* that ended after their login, and nobody wanted it */
	uint64_t ticked_ms;    /* when all of them last heard what time it is */
	struct job *job;       /* what the present work is counted in; NULL between */
};

enum member_state { MEMBER_LOGIN, MEMBER_IN, MEMBER_OVER };

/* One connection. */
struct member {
	struct list node;
	struct fleet *fleet;
	struct conn *conn;
	int fd;
	enum member_state state;
	bool leaves;	 /* it is to end as soon as it has logged in */
	uint64_t began;	 /* ns */
	uint32_t events; /* that epoll looks for */
	struct list streams, senders;
};

/* One channel. */
struct stream {
	struct list node, sender; /* of the member's lists */
	struct member *member;
	uint32_t chan;
	bool over;		/* its channel is gone */
	bool busy;		/* part of the job */
	uint64_t began;		/* ns, its part */
	uint64_t send, receive; /* bytes that are still to go and to come */
};

/* Dies when something that it needs is not there. `key` is the path of a key without passphrase. */
void fleet_init(struct fleet *f, uint16_t port, const char *user, const char *key);
void fleet_fini(struct fleet *f);
/* One wait for whatever is ready; true: `other`, a descriptor beside (-1: none), is readable. */
bool fleet_turn(struct fleet *f, int timeout_ms);
void fleet_watch(struct fleet *f, int other);
/* Frees connections and channels that are over: between two jobs, because a job may still have their address. */
void fleet_tidy(struct fleet *f);

/* Each of them starts one part of f->job, which ends, sooner or later, in job_end(). */
void member_start(struct fleet *f, bool leaves);
void stream_open(struct member *m, uint16_t port);
void stream_move(struct stream *s, uint64_t bytes); /* to an echo server and back */
void stream_close(struct stream *s);

/* `why` NULL: it is done. */
void job_end(struct fleet *f, uint64_t began, const char *why);

/* stream.c, for fleet.c: an event of a channel; data that may be sent now; the end of all streams of a connection;
 * freeing those that are over. */
void stream_event(struct member *m, const struct event *ev);
void streams_send(struct member *m);
void streams_lost(struct member *m, const char *why);
void streams_tidy(struct member *m);
/* fleet.c, for stream.c: after something was asked of the engine. */
void member_work(struct member *m);

#endif
