/* A listener changes hands: a user comes back, and the port is still held by a connection of theirs that has gone
 * quiet. The old one is asked for a sign of life; without one it is closed and the new one may bind.
 * Decides only; memos are sent by the master. */
#ifndef ADIT_APP_TAKEOVER_H
#define ADIT_APP_TAKEOVER_H

#include "app/peers.h"

struct takeovers {
	struct list all;
	/* Ask this connection for a sign of life; its end or takeover_probed() follows. */
	void (*probe)(void *user, struct peer_entry *holder);
	/* Close it: it did not answer. */
	void (*evict)(void *user, struct peer_entry *holder, const struct peer_entry *asker);
	/* The asker may try again to bind, or is told that the port stays taken. */
	void (*answer)(void *user, uint64_t asker, uint32_t ticket, bool yes);
	void *user;
};

void takeovers_init(struct takeovers *t);
void takeovers_fini(struct takeovers *t);

/* `answer` follows, perhaps at once: no, when the asker has another question under way; yes, when no connection of its
 * user and key listens there. */
void takeover_ask(struct takeovers *t, const struct peers *peers, const struct peer_entry *asker, uint32_t ticket,
		  struct span host, uint16_t port);
/* The holder has answered, or has been silent for long enough. */
void takeover_probed(struct takeovers *t, const struct peers *peers, struct peer_entry *holder, bool alive);
/* A connection is over, as holder or as asker. */
void takeover_gone(struct takeovers *t, uint64_t peer);

#endif
