/* Sockets that have lost their channel. One timer serves them all; a watch exists while bytes wait to be written. */
#include "fwd/linger.h"

#include <stdlib.h>

#include "io/sock.h"

enum { PAUSE_LEAST_MS = 5, PAUSE_MOST_MS = 320 };

struct lingering {
	struct list node;
	struct lingers *set;
	struct watch *watch;
	struct backlog rest;
	int fd;
	enum linger_end end;
	uint64_t deadline;
	uint64_t reset_ms; /* not before: the reader may not have got round to what its kernel holds */
};

static void gone(struct lingering *g, bool reset)
{
	list_del(&g->node);
	if (g->set->turn)
		turn_wake(g->set->turn);
	watch_free(g->watch);
	g->set->bytes -= g->rest.n;
	backlog_fini(&g->rest);
	if (reset)
		sock_reset(g->fd);
	else
		sock_close(g->fd);
	free(g);
}

/* Writes what goes. Returns false when the socket is done with and freed. */
static bool push(struct lingering *g)
{
	size_t before = g->rest.n;
	ssize_t n = backlog_write(&g->rest, g->fd);

	g->set->bytes -= before - g->rest.n;
	if (n == SOCK_BROKEN) {
		gone(g, true);
		return false;
	}
	if (n > 0 && g->end == LINGER_CLOSE)
		g->deadline = loop_now(g->set->loop) + LINGER_CLEAN_MS;
	watch_set(g->watch, g->rest.n ? WATCH_OUT : 0);
	return true;
}

/* Is everything delivered, or the time over? */
static void settle(struct lingering *g)
{
	if (loop_now(g->set->loop) >= g->deadline)
		gone(g, true);
	else if (!g->rest.n && g->end == LINGER_CLOSE)
		gone(g, false);
	else if (!g->rest.n && !sock_unsent(g->fd) && loop_now(g->set->loop) >= g->reset_ms)
		gone(g, true);
}

static void on_ready(void *user, unsigned ready)
{
	struct lingering *g = user;

	(void)ready;
	if (push(g))
		settle(g);
}

static void on_timer(void *user)
{
	struct lingers *ls = user;

	if (!lingers_any(ls))
		return;
	LIST_EACH_SAFE (l, &ls->all)
		settle(CONTAINER(l, struct lingering, node));
	ls->pause_ms = MIN(ls->pause_ms * 2, (uint64_t)PAUSE_MOST_MS);
	if (lingers_any(ls))
		timer_at(ls->timer, loop_now(ls->loop) + ls->pause_ms);
}

int lingers_init(struct lingers *ls, struct loop *loop, struct turn *turn)
{
	*ls = (struct lingers){ .loop = loop, .turn = turn };
	list_init(&ls->all);
	return timer_new(&ls->timer, loop, on_timer, ls);
}

void lingers_fini(struct lingers *ls)
{
	while (!list_empty(&ls->all))
		gone(CONTAINER(ls->all.next, struct lingering, node), true);
	timer_free(ls->timer);
	ls->timer = NULL;
}

bool lingers_any(const struct lingers *ls)
{
	return !list_empty(&ls->all);
}

static void make_room(struct lingers *ls, size_t n)
{
	while (lingers_any(ls) && ls->bytes + n > LINGER_BYTES)
		gone(CONTAINER(ls->all.next, struct lingering, node), true);
}

static struct lingering *lingering_new(struct lingers *ls, int fd, enum linger_end end)
{
	struct lingering *g = calloc(1, sizeof(*g));

	if (!g || watch_new(&g->watch, ls->loop, fd, on_ready, g)) {
		free(g);
		return NULL;
	}
	g->set = ls;
	g->fd = fd;
	g->end = end;
	g->reset_ms = loop_now(ls->loop) + LINGER_GRACE_MS;
	g->deadline = loop_now(ls->loop) + (end == LINGER_RESET ? LINGER_BROKEN_MS : LINGER_CLEAN_MS);
	backlog_init(&g->rest);
	return g;
}

void linger(struct lingers *ls, int fd, struct backlog *rest, enum linger_end end)
{
	struct lingering *g;

	if (!rest->n && end == LINGER_CLOSE) {
		sock_close(fd);
		return;
	}
	make_room(ls, rest->n);
	g = lingering_new(ls, fd, end);
	if (!g) {
		backlog_fini(rest);
		sock_reset(fd);
		return;
	}
	ls->bytes += rest->n;
	backlog_move(&g->rest, rest);
	watch_set(g->watch, g->rest.n ? WATCH_OUT : 0);
	list_add_tail(&ls->all, &g->node);
	ls->pause_ms = PAUSE_LEAST_MS;
	timer_at(ls->timer, loop_now(ls->loop) + ls->pause_ms);
}
