/* A listener of ours (the client's -L, the server's side of -R): every connection that it accepts becomes a channel to
 * one target at the far side. Not for listeners of the peer (forwards.h). */
#ifndef ADIT_FWD_LISTENER_H
#define ADIT_FWD_LISTENER_H

#include "fwd/pump.h"
#include "io/sock.h"

enum {
	OPENS_MAX = 256, /* channels of one listener being opened at a time; further clients wait in the backlog */
	ACCEPT_PAUSE_MS = 1000 /* when descriptors have run out; then another try */
};

struct listener;

struct listener_spec {
	struct listen_spec listen;
	const int *fds;	      /* or sockets that listen already: the listener's, also when this fails. Then */
	size_t fd_n;	      /* `listen` is only for the name */
	struct target target; /* kind, host, port; the host must outlive the listener. Forwarded to a client (the
				 server's side of -R) port 0 stands for the one that was bound */
	const char *to;	      /* "localhost:23", for sentences; copied */
	/* One line for a person; `trace` = only with -v. Valid during the call; the listener must not be freed in it.
	 */
	void (*say)(void *user, bool trace, const char *text);
	/* Optional: who keeps account of this connection? NULL: nobody can, and it is reset. */
	struct witness *(*accepted)(void *user, int fd, const struct addr *from);
	void *user;
	unsigned reserve; /* descriptors that it leaves to others (descriptors.h) */
};

/* Binds and begins to accept. OK, ERR_NOMEM, or what sock_listen() said. */
int listener_new(struct listener **out, struct link *l, const struct listener_spec *spec, struct why *why) MUST_CHECK;
/* Closes it and removes a unix socket's file. Channels that it opened, or is opening, live on. NULL is allowed. */
void listener_free(struct listener *ln);

/* "127.0.0.1:1234 -> localhost:23"; lives as long as the listener. */
const char *listener_text(const struct listener *ln);
/* 0 for a unix socket. */
uint16_t listener_port(const struct listener *ln);

/* "administratively prohibited" and so on, as ssh says it. */
const char *open_reason_text(enum open_reason reason);

#endif
