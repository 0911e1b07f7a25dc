/* What a worker has asked its guard: one question per connection at a time, a bounded number under way, the rest waits
 * its turn. A question stays packed until it is answered, so that a new guard can be asked again. */
#ifndef ADIT_APP_ASK_H
#define ADIT_APP_ASK_H

#include "app/memo.h"
#include "base/list.h"
#include "io/ipc.h"

enum { ASKS_MAX = 64 }; /* under way */

struct asks {
	struct ipc *guard; /* NULL: none is there; then all wait */
	struct list waiting, under_way;
	unsigned count; /* of those under way */
};

/* Embedded in a connection; zero is nothing asked. */
struct ask {
	struct list node;
	struct buf memo;
	bool sent;
};

void asks_init(struct asks *a);
/* Another guard, or NULL. Everything that has no answer yet is asked again. */
void asks_guard(struct asks *a, struct ipc *guard);

/* Asks now or later. One at a time: the earlier one must have been answered. OK or ERR_NOMEM. */
int ask_put(struct asks *a, struct ask *q, const struct memo *m) MUST_CHECK;
/* It was answered, or nobody wants the answer. Nothing when nothing was asked. */
void ask_done(struct asks *a, struct ask *q);
bool ask_pending(const struct ask *q);

#endif
