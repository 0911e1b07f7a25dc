/* Names to addresses, as the system's resolver (NSS) has them. Not for connecting. */
#ifndef ADIT_IO_RESOLVE_H
#define ADIT_IO_RESOLVE_H

#include "io/loop.h"
#include "io/sock.h"

enum {
	RESOLVE_MAX = 16,     /* further addresses of a name are not looked at */
	RESOLVE_THREADS = 64, /* of a process that looks names up for many; half of them do so at a time, says libuv */
	LOOKUPS_MAX = 4	      /* of one asker at a time */
};

/* An address in digits; never asks anybody. OK, or ERR_NOT_FOUND when it is a name or of another family. */
int resolve_numeric(const char *host, uint16_t port, int family, struct addr *out) MUST_CHECK;

/* Asks while the caller waits. OK with at least one address, each once; or ERR_NOT_FOUND with the resolver's sentence.
 */
int resolve_wait(const char *host, uint16_t port, int family, struct addr out[RESOLVE_MAX], size_t *n,
		 struct why *why) MUST_CHECK;

/* The addresses of a network interface, those of wide scope first; port 0. OK with at least one, or ERR_NOT_FOUND. */
int resolve_interface(const char *name, int family, struct addr out[RESOLVE_MAX], size_t *n,
		      struct why *why) MUST_CHECK;

/* One of many askers. A name server that does not answer holds a thread for a long time, also when nobody waits for it
 * any more; so each asker gets a few threads, and what it asks beyond that waits for those and for nobody else's. */
struct lookups;
/* The asker `who` of this table, which is empty at first and holds those that somebody has joined or that are still on
 * a thread; NULL without memory. */
struct lookups *lookups_join(struct lookups **table, const char *who);
/* Once for each join, when the lookups of that join are done or cancelled. NULL is allowed. */
void lookups_leave(struct lookups *a);
/* Before the first lookup of a process with many askers. */
void lookups_prepare(void);

/* n = 0: `why` has the resolver's sentence. Called once, from the loop; the lookup is gone afterwards. */
typedef void resolve_fn(void *user, const struct addr *list, size_t n, const struct why *why);
struct resolve;
/* Asks on a thread of libuv's pool; with an asker, when it is this one's turn. OK, ERR_NOMEM, or ERR_NOT_FOUND for what
 * cannot be a name. */
int resolve_new(struct resolve **out, struct loop *l, struct lookups *asker, const char *host, uint16_t port,
		int family, resolve_fn *fn, void *user, struct why *why) MUST_CHECK;
/* No callback then. A lookup that is on its way finishes unseen. NULL is allowed. */
void resolve_cancel(struct resolve *r);

#endif
