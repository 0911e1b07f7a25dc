/* One entry per question; few are ever under way. */
#include "app/takeover.h"

#include <stdlib.h>

struct takeover {
	struct list node;
	uint64_t asker, holder;
	uint32_t ticket;
};

void takeovers_init(struct takeovers *t)
{
	list_init(&t->all);
}

static void drop(struct takeover *o)
{
	list_del(&o->node);
	free(o);
}

void takeovers_fini(struct takeovers *t)
{
	LIST_EACH_SAFE (l, &t->all)
		drop(CONTAINER(l, struct takeover, node));
}

static bool is_asked(const struct takeovers *t, uint64_t holder)
{
	LIST_EACH (l, &t->all)
		if (CONTAINER(l, struct takeover, node)->holder == holder)
			return true;
	return false;
}

/* One at a time is what a connection has; a worker that is not ours any more could have millions. */
static bool is_asking(const struct takeovers *t, uint64_t asker)
{
	LIST_EACH (l, &t->all)
		if (CONTAINER(l, struct takeover, node)->asker == asker)
			return true;
	return false;
}

void takeover_ask(struct takeovers *t, const struct peers *peers, const struct peer_entry *asker, uint32_t ticket,
		  struct span host, uint16_t port)
{
	bool asking = is_asking(t, asker->id);
	struct peer_entry *holder = asking ? NULL : peers_holder(peers, asker, host, port);
	struct takeover *o = holder ? calloc(1, sizeof(*o)) : NULL;
	bool asked = holder && is_asked(t, holder->id);

	if (!o) { /* the holder may have left since the asker tried: it tries once more, and then knows */
		t->answer(t->user, asker->id, ticket, !asking && !holder);
		return;
	}
	*o = (struct takeover){ .asker = asker->id, .holder = holder->id, .ticket = ticket };
	list_add_tail(&t->all, &o->node);
	if (!asked)
		t->probe(t->user, holder);
}

/* Tells everybody who waits for this holder. */
static void answer_all(struct takeovers *t, uint64_t holder, bool yes)
{
	LIST_EACH_SAFE (l, &t->all) {
		struct takeover o = *CONTAINER(l, struct takeover, node);

		if (o.holder != holder)
			continue;
		drop(CONTAINER(l, struct takeover, node));
		t->answer(t->user, o.asker, o.ticket, yes);
	}
}

static const struct peer_entry *first_asker(const struct takeovers *t, const struct peers *peers, uint64_t holder)
{
	LIST_EACH (l, &t->all) {
		const struct takeover *o = CONTAINER(l, struct takeover, node);

		if (o->holder == holder)
			return peers_find(peers, o->asker);
	}
	return NULL;
}

void takeover_probed(struct takeovers *t, const struct peers *peers, struct peer_entry *holder, bool alive)
{
	const struct peer_entry *asker = first_asker(t, peers, holder->id);

	if (!asker)
		return; /* nobody wants it any more */
	if (alive)
		answer_all(t, holder->id, false);
	else
		t->evict(t->user, holder, asker); /* takeover_gone() follows */
}

void takeover_gone(struct takeovers *t, uint64_t peer)
{
	LIST_EACH_SAFE (l, &t->all) {
		struct takeover *o = CONTAINER(l, struct takeover, node);

		if (o->asker == peer)
			drop(o);
	}
	answer_all(t, peer, true);
}
