/* One SSH connection on the loop. What happens in a turn, in this order: ready sockets are read or put into the queue
 * of the scheduler (watches), then link_turn() tells the engine the time, pulls every event, lets the scheduler seal,
 * and writes once. A link for which nothing was ready and that nobody has touched rests: who gets at the engine through
 * link_conn(), or at the queue, may change something, and wakes it. Freeing the link waits for the end of its turn, so
 * no callback can pull it away from under that. */
#include "fwd/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fwd/gather.h"
#include "fwd/pace.h"
#include "io/sock.h"

enum { TX_PIECES = 64, STALL_MS = 60000, SMALL_READ = 16 * 1024 };

enum link_state { LINK_ALIVE, LINK_FAILED, LINK_DONE };

struct link {
	struct loop *loop;
	struct conn *conn;
	int fd; /* -1 once the connection has failed */
	struct watch *watch;
	struct turn *turn;
	struct timer *timer;
	struct link_calls calls;
	void *user;
	link_open_fn *open;
	void *open_user;
	struct list owners;
	struct sched sched;
	struct lingers lingers;
	struct pace pace;
	struct gather gather;
	size_t received; /* bytes read in this turn */
	enum link_state state;
	bool in_turn, doomed;
	bool rx_paused;	   /* the engine had no room: it waits for answers, or for its replies to be written */
	bool rx_ended;	   /* nothing more comes from the network */
	bool writable;	   /* the socket said so in this turn */
	bool ack_owed;	   /* little was read in this turn, and nothing was sent that would carry the acknowledgement */
	int tx_errno;	   /* writing is over; reading tells the rest */
	uint64_t moved_ms; /* when the socket last took something */
};

/* ---- Owners ---------------------------------------------------------------------------------------------------- */

void link_join(struct link *l, struct owner *o)
{
	list_add_tail(&l->owners, &o->node);
}

void link_leave(struct owner *o)
{
	list_del(&o->node);
}

static void dispatch(struct link *l, const struct event *ev)
{
	struct owner *o = ev->user;

	if (o)
		o->event(o, ev);
	else if ((ev->kind == EV_OPEN || ev->kind == EV_GLOBAL) && l->open)
		l->open(l->open_user, ev);
	else
		l->calls.event(l->user, ev);
}

static void tell_owners(struct link *l)
{
	static const struct event lost = { .kind = EV_CLOSED };
	struct list *node;

	while ((node = list_pop(&l->owners))) {
		struct owner *o = CONTAINER(node, struct owner, node);

		o->event(o, &lost);
	}
}

/* ---- The socket ------------------------------------------------------------------------------------------------ */

static void end_rx(struct link *l, int error)
{
	l->rx_ended = true;
	if (error)
		conn_rx_eof(l->conn, ERR_IO, strerror(error));
	else
		conn_rx_eof(l->conn, OK, NULL);
}

static void receive(struct link *l)
{
	struct iovec iov[2];
	size_t pieces = conn_rx_room(l->conn, iov, LEN(iov));
	ssize_t n;

	l->rx_paused = !pieces;
	if (!pieces)
		return;
	n = sock_readv(l->fd, iov, pieces);
	l->ack_owed = n > 0 && n < SMALL_READ;
	if (n > 0) {
		conn_rx_done(l->conn, (size_t)n);
		l->received += (size_t)n;
	} else if (n == 0) {
		end_rx(l, l->tx_errno); /* a reset that writing met first reads as an end of file */
	} else if (n == SOCK_BROKEN) {
		end_rx(l, errno);
	}
}

/* Its own turn needs no other one. The engine's time stood still meanwhile. */
static void wake(struct link *l)
{
	if (l->in_turn)
		return;
	conn_clock(l->conn, loop_now(l->loop));
	turn_wake(l->turn);
}

static void on_ready(void *user, unsigned ready)
{
	struct link *l = user;

	wake(l);
	if (ready & (WATCH_OUT | WATCH_ERR))
		l->writable = true;
	if (ready & (WATCH_IN | WATCH_ERR) && !l->rx_ended)
		receive(l);
}

/* The peer's last words may still be readable when writing has failed, so that is not the end yet. */
static void tx_broken(struct link *l, int error)
{
	l->tx_errno = error;
	if (l->rx_paused)
		end_rx(l, error);
}

/* One write. Returns what the socket took. */
static size_t send_once(struct link *l)
{
	struct iovec iov[TX_PIECES];
	size_t n = l->tx_errno ? 0 : conn_tx_out(l->conn, iov, TX_PIECES);
	ssize_t wrote = n ? sock_writev(l->fd, iov, n) : 0;

	if (wrote == SOCK_BROKEN)
		tx_broken(l, errno);
	if (wrote > 0 || !n)
		l->moved_ms = loop_now(l->loop);
	if (wrote <= 0)
		return 0;
	conn_tx_done(l->conn, (size_t)wrote);
	l->ack_owed = false;
	return (size_t)wrote;
}

/* ---- The end --------------------------------------------------------------------------------------------------- */

static void fail(struct link *l)
{
	send_once(l); /* the DISCONNECT, if it goes at once */
	l->state = LINK_FAILED;
	timer_at(l->timer, UINT64_MAX);
	watch_free(l->watch);
	l->watch = NULL;
	sock_close(l->fd);
	l->fd = -1;
	tell_owners(l);
	if (!l->doomed)
		l->calls.failed(l->user, conn_error(l->conn), conn_error_text(l->conn));
}

static void finish(struct link *l)
{
	if (l->doomed || l->state != LINK_FAILED || lingers_any(&l->lingers))
		return;
	l->state = LINK_DONE;
	l->calls.done(l->user);
}

static void destroy(struct link *l)
{
	tell_owners(l);
	lingers_fini(&l->lingers);
	watch_free(l->watch);
	turn_free(l->turn);
	timer_free(l->timer);
	conn_free(l->conn);
	if (l->fd >= 0)
		sock_close(l->fd);
	free(l);
}

/* ---- The turn -------------------------------------------------------------------------------------------------- */

/* Every event that the engine has. False when the connection has failed, or nobody wants it any more. */
static bool pull(struct link *l)
{
	struct event ev;
	int r;

	while ((r = conn_next(l->conn, &ev)) > 0) {
		dispatch(l, &ev);
		if (l->doomed)
			return false;
	}
	if (r < 0)
		fail(l);
	return r == 0;
}

/* Plaintext waits in the local sockets: it is sealed only when the SSH socket takes bytes, and never so much that more
 * than one turn's worth is ahead of what somebody else sends next. */
static void serve(struct link *l)
{
	size_t pending = conn_tx_pending(l->conn);

	if (sched_waiting(&l->sched) && pending < l->pace.size && (!pending || l->writable))
		sched_run(&l->sched, l->pace.size - pending);
}

static uint64_t next_turn(const struct link *l, bool pending)
{
	uint64_t deadline = MIN(conn_deadline(l->conn), gather_deadline(&l->gather));

	/* Flows of the queue are not watched: nothing else would wake the loop for them. */
	if (!pending && sched_waiting(&l->sched) && conn_tx_open(l->conn))
		return loop_now(l->loop);
	if (pending && l->rx_paused)
		return MIN(deadline, l->moved_ms + STALL_MS);
	return deadline;
}

/* The engine takes nothing in before its replies are out: a peer that does not read them cannot stay. */
static void check_stall(struct link *l)
{
	if (l->rx_paused && !l->rx_ended && conn_tx_pending(l->conn) && loop_now(l->loop) - l->moved_ms >= STALL_MS)
		end_rx(l, ETIMEDOUT);
}

/* Servers without TCP_NODELAY (sshd 9.2 to 10.0 with -N) hold the next small packet back until this one is
 * acknowledged, which the kernel delays by up to 40 ms. */
static void acknowledge(struct link *l)
{
	if (l->ack_owed)
		sock_ack_now(l->fd);
	l->ack_owed = false;
}

static void wait_for_more(struct link *l)
{
	bool pending = !l->tx_errno && conn_tx_pending(l->conn);
	struct iovec iov;

	l->rx_paused = l->rx_paused && !conn_rx_room(l->conn, &iov, 1);
	watch_set(l->watch,
		  (!l->rx_paused && !l->rx_ended ? (unsigned)WATCH_IN : 0u) | (pending ? (unsigned)WATCH_OUT : 0u));
	timer_at(l->timer, next_turn(l, pending));
}

static void work(struct link *l)
{
	size_t sent;

	conn_tick(l->conn, loop_now(l->loop));
	check_stall(l);
	if (!pull(l))
		return;
	serve(l);
	sent = send_once(l);
	if (pace_turn(&l->pace, loop_now(l->loop), sent, conn_tx_pending(l->conn) > 0))
		sock_unsent_limit(l->fd, (int)l->pace.size);
	if (gather_turn(&l->gather, loop_now(l->loop), l->received))
		sock_wake_at(l->fd, (int)l->gather.wake);
	l->received = 0;
	acknowledge(l);
	l->writable = false;
	wait_for_more(l);
}

static void link_turn(void *user)
{
	struct link *l = user;

	l->in_turn = true;
	turn_rest(l->turn);
	if (l->state == LINK_ALIVE)
		work(l);
	finish(l);
	l->in_turn = false;
	if (l->doomed)
		destroy(l);
}

/* The turn does the work; the timer only makes it happen. */
static void on_timer(void *user)
{
	wake(user);
}

/* ---- Birth and facts ------------------------------------------------------------------------------------------- */

static int set_up(struct link *l)
{
	int err = turn_new(&l->turn, l->loop, link_turn, l);

	if (!err)
		err = lingers_init(&l->lingers, l->loop, l->turn);
	if (!err)
		err = watch_new(&l->watch, l->loop, l->fd, on_ready, l);
	if (!err)
		err = timer_new(&l->timer, l->loop, on_timer, l);
	return err;
}

int link_new(struct link **out, struct loop *loop, int fd, struct conn *c, const struct link_calls *calls, void *user)
{
	struct link *l = calloc(1, sizeof(*l));
	int err;

	if (!l) {
		conn_free(c);
		sock_close(fd);
		return ERR_NOMEM;
	}
	*l = (struct link){ .loop = loop, .conn = c, .fd = fd, .calls = *calls, .user = user };
	list_init(&l->owners);
	list_init(&l->lingers.all);
	sched_init(&l->sched);
	err = set_up(l);
	if (err) {
		destroy(l);
		return err;
	}
	pace_init(&l->pace, loop_now(loop));
	gather_init(&l->gather, loop_now(loop));
	sock_unsent_limit(fd, (int)l->pace.size);
	l->moved_ms = loop_now(loop);
	watch_set(l->watch, WATCH_IN | WATCH_OUT);
	*out = l;
	return OK;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	l->doomed = true;
	if (!l->in_turn)
		destroy(l);
}

void link_tos(struct link *l, int tos)
{
	if (l->fd >= 0)
		sock_tos(l->fd, tos);
}

void link_disconnect(struct link *l, const char *text)
{
	wake(l);
	if (l->state == LINK_ALIVE)
		conn_disconnect(l->conn, text);
}

struct conn *link_conn(struct link *l)
{
	wake(l);
	return l->conn;
}

struct loop *link_loop(struct link *l)
{
	return l->loop;
}

bool link_alive(const struct link *l)
{
	return l->state == LINK_ALIVE && !l->doomed;
}

void link_on_open(struct link *l, link_open_fn *fn, void *user)
{
	l->open = fn;
	l->open_user = user;
}

struct sched *link_sched(struct link *l)
{
	wake(l);
	return &l->sched;
}

struct lingers *link_lingers(struct link *l)
{
	return &l->lingers;
}
