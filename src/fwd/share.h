/* What all connections of one user in this process may have together, beside what each may have by itself: who opens
 * more connections gets no more of it. Not for names that are looked up (lookups in io/resolve.h). */
#ifndef ADIT_FWD_SHARE_H
#define ADIT_FWD_SHARE_H

#include "base/table.h"
#include "fwd/dialer.h"
#include "ssh/conn.h"

enum {
	SHARE_LISTENERS_MAX = 4096,
	SHARE_DIALS_MAX = 1024,	      /* connects under way; further ones wait */
	SHARE_BANK_PARTS = 4,	      /* a quarter of the receive windows that the process may grant, */
	SHARE_BANK_LEAST = 2048 << 10 /* but not less than this: one stream is hardly slower for it */
};

struct share {
	struct bank bank; /* of receive windows; for conn_set_terms() */
	struct dial_quota dials;
	unsigned listeners;
	unsigned refs;
	struct share **table;
	UT_hash_handle hh;
	char user[];
};

/* The share of this user, in a table that is empty at first and holds those that somebody has joined. `whole` is the
 * bank that it is a part of, and outlives it. NULL without memory. */
struct share *share_join(struct share **table, const char *user, struct bank *whole);
/* Once for each join, when nothing of that connection is left: gate and engine. NULL is allowed. */
void share_leave(struct share *s);

/* Is there a place for one more listener? False: `why` says so. With NULL for a share there always is. */
bool share_has_place(const struct share *s, struct why *why);
/* Takes that place, or gives it back. NULL is allowed. */
void share_listens(struct share *s);
void share_unlistens(struct share *s);

#endif
