/* Connecting: name resolution that never blocks the loop, and RFC 8305's race of the addresses. */
#ifndef ADIT_IO_DIAL_H
#define ADIT_IO_DIAL_H

#include "io/loop.h"
#include "io/sock.h"

struct dial_spec {
	/* A name or an address, */
	const char *host;
	uint16_t port;
	struct lookups *asker; /* whose turn a name has to wait for, or NULL: see resolve.h; it outlives the dial */
	/* or a unix socket, for which all but the time is ignored. */
	const char *path;
	int family;	       /* AF_UNSPEC, AF_INET, AF_INET6 */
	uint64_t timeout_ms;   /* for everything; 0 = none */
	const char *bind_host; /* BindAddress or NULL */
	const char *bind_if;   /* BindInterface or NULL; bind_host wins */
	/* May this address be connected to? Asked about every address that the name has, or about the one that was
	 * written in digits, once and before anything is connected: a name that points elsewhere a moment later changes
	 * nothing. `why` gets the reason. It must not cancel the dial. NULL = any may. */
	bool (*judge)(void *user, const struct addr *a, struct why *why);
	void *judge_user;
	unsigned reserve; /* descriptors that it leaves to others (descriptors.h) */
};

/* fd >= 0 is the caller's now, with the address in `peer`; fd < 0 is the error, ERR_NOT_FOUND when the host's name has
 * no address, ERR_DENIED when the judge refused them all (with its last sentence), ERR_NOMEM when descriptors or memory
 * have run out, and ERR_IO otherwise: `why` has one sentence ("Connection refused", "Name or service not known", ...;
 * several addresses: the last error that says most). Called exactly once, from the loop, never from within dial_new().
 * The dial is gone afterwards. */
typedef void dial_fn(void *user, int fd, const struct addr *peer, const struct why *why);
struct dial;
/* The strings are copied. At most 16 addresses are tried; an address in digits is not looked up. A further attempt
 * begins 250 ms after the last one, or as soon as one failed (RFC 8305 section 5). OK or ERR_NOMEM. */
int dial_new(struct dial **out, struct loop *l, const struct dial_spec *spec, dial_fn *fn, void *user) MUST_CHECK;
/* No callback then. NULL is allowed. */
void dial_cancel(struct dial *d);

#endif
