/* A conversation with ssh-agent over its unix socket: one request, one answer, in turn. The messages are
 * proto/agent.c's. */
#ifndef ADIT_IO_AGENTSOCK_H
#define ADIT_IO_AGENTSOCK_H

#include "base/span.h"
#include "io/loop.h"

enum { AGENTSOCK_MAX = 256 * 1024 }; /* longest answer, without its length */

struct agentsock;

/* err OK: `answer` is the message without its length, valid during the call. ERR_IO, ERR_CLOSED, ERR_PROTO (a length
 * of zero or above AGENTSOCK_MAX) or ERR_NOMEM: `why` says what happened, and the socket is of no further use.
 * The callback may ask again, or free the agentsock. */
typedef void agentsock_fn(void *user, int err, struct span answer, const struct why *why);

/* Connects to the socket at `path` ($SSH_AUTH_SOCK). OK, ERR_NOMEM, ERR_NOT_FOUND (no such socket, or nobody listens)
 * or ERR_IO; nothing is left open then. */
int agentsock_new(struct agentsock **out, struct loop *l, const char *path, struct why *why) MUST_CHECK;
/* Sends a request, which has its length in front and is copied, and calls `fn` once, later and from the loop. There
 * is no deadline: a person may be asked to confirm or to touch a token. One at a time: not while an answer is still
 * out. OK or ERR_NOMEM; ERR_CLOSED after a failure. */
int agentsock_ask(struct agentsock *s, struct span request, agentsock_fn *fn, void *user) MUST_CHECK;
/* No callback then. NULL is allowed. */
void agentsock_free(struct agentsock *s);

#endif
