/* The event loop over libuv: epoll, the timer heap, signals and the hook at the end of a turn. Streams of libuv are not
 * used: the users of a watch read and write their descriptors themselves. */
#include "io/loop.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/list.h"

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;	/* libuv calls it between the timers and the sleep */
	struct list turns;	/* those that are awake */
	struct list *turn_next; /* the turn to call next, so that any of them may go away meanwhile */
	struct list changed;	/* watches whose mask the kernel has not been told yet */
	struct list signals;
};

struct turn {
	struct list node;
	struct loop *loop;
	turn_fn *fn;
	void *user;
};

struct watch {
	uv_poll_t uv; /* first: freed through it */
	struct list node;
	struct loop *loop;
	watch_fn *fn;
	void *user;
	unsigned wanted;  /* what the user waits for */
	unsigned applied; /* what the kernel was told */
};

struct timer {
	uv_timer_t uv; /* first: freed through it */
	timer_fn *fn;
	void *user;
	uint64_t at_ms; /* UINT64_MAX when it is not running */
};

struct sigwatch {
	uv_signal_t uv; /* first: freed through it */
	struct list node;
	signal_fn *fn;
	void *user;
};

static int uv_why(struct why *why, int status, const char *what)
{
	return why_set(why, status == UV_ENOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", what, uv_strerror(status));
}

static int uv_err(int status)
{
	return uv_why(NULL, status, "");
}

/* libuv still has the handle in its lists until the end of the turn. */
static void free_handle(uv_handle_t *h)
{
	free(h);
}

static void watch_ready(uv_poll_t *uv, int status, int events);

/* Only now, once per turn: a mask that went there and back within a turn costs no system call. */
static void apply_changes(struct loop *l)
{
	struct list *node;

	while ((node = list_pop(&l->changed))) {
		struct watch *w = CONTAINER(node, struct watch, node);
		int mask = (w->wanted & WATCH_IN ? UV_READABLE : 0) | (w->wanted & WATCH_OUT ? UV_WRITABLE : 0);

		if (w->applied == w->wanted)
			continue;
		int status = mask ? uv_poll_start(&w->uv, mask, watch_ready) : uv_poll_stop(&w->uv);

		assert(status == 0); /* it could only be a second watch of the same descriptor */
		w->applied = w->wanted;
	}
	uv_unref((uv_handle_t *)&l->prepare);
}

/* A change that is not applied yet keeps the loop running, as the watch itself will afterwards. */
static void note_change(struct watch *w)
{
	if (list_linked(&w->node))
		return;
	list_add_tail(&w->loop->changed, &w->node);
	uv_ref((uv_handle_t *)&w->loop->prepare);
}

static void end_turn(uv_prepare_t *prepare)
{
	struct loop *l = CONTAINER(prepare, struct loop, prepare);

	for (struct list *node = l->turns.next; node != &l->turns; node = l->turn_next) {
		struct turn *t = CONTAINER(node, struct turn, node);

		l->turn_next = node->next;
		t->fn(t->user);
	}
	l->turn_next = NULL;
	apply_changes(l);
}

static void raise_descriptor_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r); /* refused: then the lower limit stands */
}

int loop_new(struct loop **out, struct why *why)
{
	struct loop *l = calloc(1, sizeof(*l));
	int status;

	if (!l)
		return why_set(why, ERR_NOMEM, "event loop: out of memory");
	status = uv_loop_init(&l->uv);
	if (status) {
		free(l);
		return uv_why(why, status, "event loop");
	}
	raise_descriptor_limit();
	list_init(&l->turns);
	list_init(&l->changed);
	list_init(&l->signals);
	uv_prepare_init(&l->uv, &l->prepare);
	uv_prepare_start(&l->prepare, end_turn);
	uv_unref((uv_handle_t *)&l->prepare);
	*out = l;
	return OK;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(list_empty(&l->turns));
	uv_close((uv_handle_t *)&l->prepare, NULL);
	/* Closed handles are freed in the turn that follows; a signal on its way takes one more. */
	for (int turn = 0; turn < 4; turn++) {
		uv_run(&l->uv, UV_RUN_NOWAIT);
		if (uv_loop_close(&l->uv) == 0) {
			free(l);
			return;
		}
	}
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

uint64_t loop_now(const struct loop *l)
{
	return uv_now(&l->uv);
}

uint64_t loop_clock(struct loop *l)
{
	uv_update_time(&l->uv);
	return uv_now(&l->uv);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
	return &l->uv;
}

int turn_new(struct turn **out, struct loop *l, turn_fn *fn, void *user)
{
	struct turn *t = malloc(sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	*t = (struct turn){ .loop = l, .fn = fn, .user = user };
	list_add_tail(&l->turns, &t->node);
	*out = t;
	return OK;
}

void turn_free(struct turn *t)
{
	if (!t)
		return;
	turn_rest(t);
	free(t);
}

void turn_rest(struct turn *t)
{
	if (t->loop->turn_next == &t->node)
		t->loop->turn_next = t->node.next;
	list_del(&t->node);
}

void turn_wake(struct turn *t)
{
	struct loop *l = t->loop;

	if (list_linked(&t->node))
		return;
	if (!l->turn_next) {
		list_add_head(&l->turns, &t->node);
		return;
	}
	list_add_tail(l->turn_next, &t->node);
	l->turn_next = &t->node;
}

/* libuv reports an error of the descriptor as a bad status and has stopped waiting by then. */
static void watch_ready(uv_poll_t *uv, int status, int events)
{
	struct watch *w = CONTAINER(uv, struct watch, uv);
	unsigned ready = (events & UV_READABLE ? WATCH_IN : 0u) | (events & UV_WRITABLE ? WATCH_OUT : 0u);

	if (status < 0) {
		ready = WATCH_IN | WATCH_OUT | WATCH_ERR;
		w->applied = 0;
		note_change(w);
	}
	ready &= w->wanted ? w->wanted | WATCH_ERR : 0;
	if (ready)
		w->fn(w->user, ready);
}

int watch_new(struct watch **out, struct loop *l, int fd, watch_fn *fn, void *user)
{
	struct watch *w = calloc(1, sizeof(*w));
	int status;

	if (!w)
		return ERR_NOMEM;
	status = uv_poll_init(&l->uv, &w->uv, fd);
	if (status) {
		free(w); /* a handle that failed to start is in no list of libuv */
		return uv_err(status);
	}
	w->loop = l;
	w->fn = fn;
	w->user = user;
	*out = w;
	return OK;
}

void watch_set(struct watch *w, unsigned events)
{
	events &= WATCH_IN | WATCH_OUT;
	if (events == w->wanted)
		return;
	w->wanted = events;
	note_change(w);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	list_del(&w->node);
	uv_close((uv_handle_t *)&w->uv, free_handle);
}

static void timer_due(uv_timer_t *uv)
{
	struct timer *t = CONTAINER(uv, struct timer, uv);

	t->at_ms = UINT64_MAX;
	t->fn(t->user);
}

int timer_new(struct timer **out, struct loop *l, timer_fn *fn, void *user)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	uv_timer_init(&l->uv, &t->uv);
	t->fn = fn;
	t->user = user;
	t->at_ms = UINT64_MAX;
	*out = t;
	return OK;
}

void timer_at(struct timer *t, uint64_t at_ms)
{
	uint64_t now = uv_now(t->uv.loop);

	if (at_ms == t->at_ms)
		return;
	t->at_ms = at_ms;
	if (at_ms == UINT64_MAX)
		uv_timer_stop(&t->uv);
	else
		uv_timer_start(&t->uv, timer_due, at_ms > now ? at_ms - now : 0, 0);
}

void timer_free(struct timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, free_handle);
}

static void signal_came(uv_signal_t *uv, int signo)
{
	struct sigwatch *s = CONTAINER(uv, struct sigwatch, uv);

	s->fn(s->user, signo);
}

int sigwatch_new(struct sigwatch **out, struct loop *l, int signo, signal_fn *fn, void *user)
{
	struct sigwatch *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return ERR_NOMEM;
	status = uv_signal_init(&l->uv, &s->uv); /* fails before the handle is in any list */
	if (status) {
		free(s);
		return uv_err(status);
	}
	s->fn = fn;
	s->user = user;
	list_add_tail(&l->signals, &s->node);
	status = uv_signal_start(&s->uv, signal_came, signo);
	if (status) {
		sigwatch_free(s);
		return uv_err(status);
	}
	uv_unref((uv_handle_t *)&s->uv);
	*out = s;
	return OK;
}

void sigwatch_free(struct sigwatch *s)
{
	if (!s)
		return;
	list_del(&s->node);
	uv_close((uv_handle_t *)&s->uv, free_handle);
}

void loop_abandon(struct loop *l)
{
	/* Stopping touches libuv's table of all signals and the handlers, and nothing that the parent shares. */
	LIST_EACH (node, &l->signals)
		uv_signal_stop(&CONTAINER(node, struct sigwatch, node)->uv);
}
