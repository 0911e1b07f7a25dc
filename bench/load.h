/* The load generator's parts: flow.c moves bytes, ping.c measures delays, load.c is the command line. */
#ifndef ADIT_BENCH_LOAD_H
#define ADIT_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

enum { IO_SIZE = 256 * 1024, STREAMS_MAX = 4096 };

struct target {
	const char *host, *port;
};

/* How much to move: so many bytes, or for so long; neither: until the other side ends it. */
struct amount {
	uint64_t bytes, ns;
};

struct flow_options {
	struct amount amount;
	unsigned streams; /* connections at the same time, where we connect */
	uint64_t warm_ns; /* the receiver begins to measure so long after the first byte */
	bool hash;	  /* send a pattern instead of zeros, and hash what was moved */
};

/* A number with the suffix k, m, g (powers of 1024), or s for seconds; all of it. */
struct amount amount_of(const char *text);
/* A non-blocking listener on 127.0.0.1; prints its port as a line of JSON. */
int listen_on(const char *port);
/* A connected non-blocking socket with TCP_NODELAY. */
int connect_to(const struct target *t);
void set_up(int fd);

/* Servers: one line for each connection that ended. They run until they are killed. */
void flow_sink(int listener, const struct flow_options *o);
void flow_source(int listener, const struct flow_options *o);
void flow_echo(int listener);
/* Clients: one line for all streams. The exit code: 0, or 1 when a stream broke. */
int flow_send(const struct target *t, const struct flow_options *o);
int flow_recv(const struct target *t, const struct flow_options *o);

/* `count` requests of `size` bytes to an echo server, `rate` per second (0: each after the answer of the last). */
int ping(const struct target *t, unsigned count, unsigned size, unsigned rate);

#endif
