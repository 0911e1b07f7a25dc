/* The connections that the master knows: which worker has them, who logged in, and which listeners they hold. Only
 * numbers and names that other processes have reported; nothing here is read from the network. */
#ifndef ADIT_APP_PEERS_H
#define ADIT_APP_PEERS_H

#include "app/memo.h"
#include "base/list.h"

struct peers;
struct worker_slot; /* of children.h: whoever has the connection */

struct peer_entry {
	uint64_t id;
	struct worker_slot *worker;
	struct ends ends;
	bool counted;			/* still in the admission's count */
	bool logged_in;			/* then the identity counts */
	enum offence offence;		/* what the guard has blamed it for */
	uint8_t identity[IDENTITY_LEN]; /* user and key */
	struct list listeners;		/* of struct peer_listener */
};

struct peer_listener {
	struct list node;
	uint16_t port; /* 0: a unix socket, then host is its path */
	char host[];   /* as it was asked for */
};

int peers_new(struct peers **out) MUST_CHECK;
/* NULL is allowed. */
void peers_free(struct peers *p);

/* A new number for a new connection; NULL without memory. */
struct peer_entry *peers_add(struct peers *p, struct worker_slot *worker, const struct ends *ends);
/* NULL when there is none. */
struct peer_entry *peers_find(const struct peers *p, uint64_t id);
void peers_del(struct peers *p, struct peer_entry *e);
size_t peers_count(const struct peers *p);
/* All of them in turn: start with NULL. The current one may be deleted before the next is asked for only if `next` was
 * taken first. */
struct peer_entry *peers_next(const struct peers *p, const struct peer_entry *e);

/* A listener that it holds. OK, ERR_NOMEM; ERR_LIMIT beyond 65536 of them. */
int peer_listens(struct peer_entry *e, struct span host, uint16_t port) MUST_CHECK;
/* Nothing when there is none. */
void peer_unlistens(struct peer_entry *e, struct span host, uint16_t port);
/* Another connection of the same user and key that holds this port (0: this path); NULL = none. */
struct peer_entry *peers_holder(const struct peers *p, const struct peer_entry *asker, struct span host, uint16_t port);

#endif
