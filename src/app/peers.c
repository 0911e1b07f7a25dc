/* A table by number, and a short list of listeners for each. */
#include "app/peers.h"

#include <stdlib.h>

#include "base/table.h"

enum { LISTENERS_MAX = 65536 };

struct node {
	struct peer_entry entry;
	size_t listeners;
	UT_hash_handle hh;
};

struct peers {
	struct node *all;
	uint64_t last;
};

static struct node *node_of(const struct peer_entry *e)
{
	return CONTAINER((struct peer_entry *)(uintptr_t)e, struct node, entry);
}

int peers_new(struct peers **out)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	*out = p;
	return OK;
}

void peers_free(struct peers *p)
{
	struct node *n, *next;

	if (!p)
		return;
	TABLE_EACH (n, next, p->all)
		peers_del(p, &n->entry);
	free(p);
}

struct peer_entry *peers_add(struct peers *p, struct worker_slot *worker, const struct ends *ends)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->entry = (struct peer_entry){ .id = ++p->last, .worker = worker, .ends = *ends };
	list_init(&n->entry.listeners);
	HASH_ADD(hh, p->all, entry.id, sizeof(n->entry.id), n);
	if (!n->hh.tbl) {
		free(n);
		return NULL;
	}
	return &n->entry;
}

struct peer_entry *peers_find(const struct peers *p, uint64_t id)
{
	struct node *n;

	HASH_FIND(hh, p->all, &id, sizeof(id), n);
	return n ? &n->entry : NULL;
}

static void listener_free(struct peer_entry *e, struct peer_listener *l)
{
	list_del(&l->node);
	node_of(e)->listeners--;
	free(l);
}

void peers_del(struct peers *p, struct peer_entry *e)
{
	struct node *n = node_of(e);

	LIST_EACH_SAFE (l, &e->listeners)
		listener_free(e, CONTAINER(l, struct peer_listener, node));
	HASH_DEL(p->all, n);
	free(n);
}

size_t peers_count(const struct peers *p)
{
	return HASH_COUNT(p->all);
}

struct peer_entry *peers_next(const struct peers *p, const struct peer_entry *e)
{
	struct node *n = e ? node_of(e)->hh.next : p->all;

	return n ? &n->entry : NULL;
}

static bool is_at(const struct peer_listener *l, struct span host, uint16_t port)
{
	return l->port == port && span_is(host, l->host);
}

int peer_listens(struct peer_entry *e, struct span host, uint16_t port)
{
	struct peer_listener *l;

	if (node_of(e)->listeners >= LISTENERS_MAX)
		return ERR_LIMIT;
	l = calloc(1, sizeof(*l) + host.n + 1);
	if (!l)
		return ERR_NOMEM;
	l->port = port;
	if (host.n)
		memcpy(l->host, host.p, host.n);
	list_add_tail(&e->listeners, &l->node);
	node_of(e)->listeners++;
	return OK;
}

void peer_unlistens(struct peer_entry *e, struct span host, uint16_t port)
{
	LIST_EACH_SAFE (l, &e->listeners) {
		struct peer_listener *at = CONTAINER(l, struct peer_listener, node);

		if (is_at(at, host, port)) {
			listener_free(e, at);
			return;
		}
	}
}

/* Two different addresses may share a port, or not: the port decides whom to ask, and binding again decides the rest.
 */
static bool holds(const struct peer_entry *e, struct span host, uint16_t port)
{
	LIST_EACH (l, &e->listeners) {
		const struct peer_listener *at = CONTAINER(l, struct peer_listener, node);

		if (port ? at->port == port : is_at(at, host, 0))
			return true;
	}
	return false;
}

struct peer_entry *peers_holder(const struct peers *p, const struct peer_entry *asker, struct span host, uint16_t port)
{
	struct node *n, *next;

	TABLE_EACH (n, next, p->all) {
		const struct peer_entry *e = &n->entry;

		if (e != asker && e->logged_in && asker->logged_in &&
		    memcmp(e->identity, asker->identity, IDENTITY_LEN) == 0 && holds(e, host, port))
			return &n->entry;
	}
	return NULL;
}
