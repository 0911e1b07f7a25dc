/* One SSH connection on the loop: the socket and the engine, events to their owners, the turn that serves and writes.
 * Not for what the events mean: channels belong to pumps, questions to the program. */
#ifndef ADIT_FWD_LINK_H
#define ADIT_FWD_LINK_H

#include "base/list.h"
#include "fwd/linger.h"
#include "fwd/sched.h"
#include "io/loop.h"
#include "ssh/conn.h"

struct link;

/* Whoever stands behind a channel or a pending conn_global(): the `user` pointer given to the engine must point to
 * one of these. It is told EV_OPENED, EV_REFUSED, EV_DATA, EV_ROOM, EV_EOF, EV_CLOSED and EV_REPLY of its own, and may
 * free itself then. When the connection dies, every owner gets one EV_CLOSED with clean = false and chan as last seen
 * by nobody: it must let go of the engine. */
struct owner {
	void (*event)(struct owner *o, const struct event *ev);
	struct list node; /* of all owners of the link */
};

struct link_calls {
	/* An event that has no owner: notes, EV_HOST_KEY, EV_AUTH, EV_SIGN, EV_PROMPT, EV_LOGIN, EV_PROVE, and EV_OPEN
	 * and EV_GLOBAL when link_on_open() named nobody. Questions may be answered at once or later with
	 * conn_answer(link_conn(l),
	 * ...). */
	void (*event)(void *user, const struct event *ev);
	/* The connection has failed or was ended: called once, with the engine's code and sentence. Sockets with
	 * undelivered data live on for at most a few seconds; `done` follows. */
	void (*failed)(void *user, int err, const char *text);
	/* Nothing of the link is left but its memory: called once after `failed`, perhaps in the same turn. */
	void (*done)(void *user);
};

/* The socket (connected, non-blocking) and the engine belong to the link from here on, also when this fails.
 * The clock of the engine must be loop_now(). OK, ERR_NOMEM or ERR_IO. */
int link_new(struct link **out, struct loop *loop, int fd, struct conn *c, const struct link_calls *calls,
	     void *user) MUST_CHECK;
/* Resets every local socket that is still there, frees the engine, closes the socket. May be called from within any
 * callback of the link: then it happens at the end of the turn, and no callback follows. NULL is allowed. Owners that
 * are not pumps (struct forwards) must be freed before. */
void link_free(struct link *l);

/* IPQoS: the DSCP byte of the connection. */
void link_tos(struct link *l, int tos);

/* Ends the connection politely: DISCONNECT with this text, then `failed` with ERR_CLOSED and `done`. */
void link_disconnect(struct link *l, const char *text);

struct conn *link_conn(struct link *l);
struct loop *link_loop(struct link *l);
/* False once the connection has failed. */
bool link_alive(const struct link *l);

/* Who decides EV_OPEN and EV_GLOBAL, what the peer wants; one per link, NULL takes it away. */
typedef void link_open_fn(void *user, const struct event *ev);
void link_on_open(struct link *l, link_open_fn *fn, void *user);

/* For owners: enter and leave the list of those who hear of the connection's death. */
void link_join(struct link *l, struct owner *o);
void link_leave(struct owner *o);
/* For pumps: the queue of readable sockets, and the place for sockets whose stream broke. */
struct sched *link_sched(struct link *l);
struct lingers *link_lingers(struct link *l);

#endif
