/* Channel and socket, joined. To the peer: the scheduler calls serve(), the socket fills packets that the engine lends.
 * From the peer: EV_DATA is written where it lies, what the socket does not take is copied to the backlog, and the
 * window goes back as the socket takes it. A pump lives until EV_CLOSED; its socket may be gone before. */
#include "fwd/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/sock.h"

enum { PIECES = 64 };

static void arm(struct pump *p, unsigned bits)
{
	p->armed = bits;
	if (p->watch)
		watch_set(p->watch, bits);
}

/* ---- Ends ------------------------------------------------------------------------------------------------------ */

static void forget_opener(struct pump *p)
{
	if (p->opener)
		p->opener->count--;
	list_del(&p->kin);
	p->opener = NULL;
}

/* The first cause is the one that counts. */
static void end_as(struct pump *p, enum pump_end end)
{
	if (!p->end)
		p->end = end;
}

void pump_witness(struct pump *p, struct witness *w)
{
	if (p->witness)
		p->witness->pump = NULL;
	p->witness = w;
	if (w)
		w->pump = p;
}

static void moved(struct pump *p)
{
	if (p->witness)
		p->witness->moved(p->witness);
}

static void testify(struct pump *p, const struct event *ev)
{
	struct witness *w = p->witness;

	pump_witness(p, NULL);
	if (w)
		w->ended(w, p, ev);
}

/* Nothing watches the socket any more; it is the caller's now. */
static int take_socket(struct pump *p)
{
	int fd = p->fd;

	sched_del(link_sched(p->link), &p->flow);
	watch_free(p->watch);
	p->watch = NULL;
	p->armed = 0;
	p->fd = -1;
	return fd;
}

void pump_free(struct pump *p)
{
	end_as(p, PUMP_MEMORY);
	testify(p, NULL);
	forget_opener(p);
	link_leave(&p->owner);
	sock_reset(take_socket(p));
	backlog_fini(&p->backlog);
	free(p);
}

static void close_channel(struct pump *p)
{
	p->ending = true;
	conn_close(link_conn(p->link), p->chan);
}

void pump_break(struct pump *p)
{
	end_as(p, PUMP_RESET);
	close_channel(p);
	backlog_fini(&p->backlog);
	sock_reset(take_socket(p));
}

/* Both directions have ended as they should. */
static void finish_if_done(struct pump *p)
{
	if (!p->sent_eof || !p->shut || p->ending)
		return;
	end_as(p, PUMP_CLEAN);
	close_channel(p);
	sock_close(take_socket(p));
}

static void shut_if_done(struct pump *p)
{
	if (!p->got_eof || p->backlog.n || p->shut || p->fd < 0)
		return;
	p->shut = true;
	if (!p->deaf)
		sock_shut(p->fd);
	finish_if_done(p);
}

/* After a reset by the other side the socket takes nothing, but what it had sent before can still be read: go on with
 * that, and drop (and credit) what comes from the peer. Other errors end it at once. */
static void write_failed(struct pump *p, int error)
{
	size_t dropped = p->backlog.n;

	if (error != EPIPE && error != ECONNRESET) {
		pump_break(p);
		return;
	}
	p->deaf = true;
	end_as(p, PUMP_RESET);
	backlog_fini(&p->backlog);
	conn_consumed(link_conn(p->link), p->chan, dropped);
	arm(p, p->armed & ~(unsigned)WATCH_OUT);
	if (p->sent_eof)
		pump_break(p);
}

/* ---- From the socket to the peer ------------------------------------------------------------------------------- */

static enum served off(struct pump *p, unsigned in, bool bulk)
{
	p->flow.bulk = bulk;
	arm(p, (p->armed & ~(unsigned)WATCH_IN) | in);
	return SERVED_OFF;
}

/* A socket that has no watch waits in the queue, because we know that it has more; a watched one comes back by itself.
 */
static enum served more(struct pump *p)
{
	if (p->armed & WATCH_IN)
		return off(p, WATCH_IN, true);
	return SERVED_MORE;
}

static enum served local_end(struct pump *p)
{
	if (p->deaf) { /* what looks like an end follows a reset */
		pump_break(p);
		return SERVED_OFF;
	}
	p->sent_eof = true;
	conn_eof(link_conn(p->link), p->chan);
	off(p, 0, false);
	finish_if_done(p);
	return SERVED_OFF;
}

static enum served not_read(struct pump *p, ssize_t n)
{
	if (n == SOCK_AGAIN)
		return off(p, WATCH_IN, false);
	if (n == 0)
		return local_end(p);
	pump_break(p); /* the socket is dead: what is left in the backlog nobody can take */
	return SERVED_OFF;
}

static void say(struct pump *p, const struct iovec *iov)
{
	struct conn *c = link_conn(p->link);
	size_t n = MIN(iov->iov_len, p->say_n);

	memcpy(iov->iov_base, p->say, n);
	conn_seal(c, p->chan, n);
	p->say_n = (uint8_t)(p->say_n - n);
	memmove(p->say, p->say + n, p->say_n);
	if (p->say_n || !p->say_last)
		return;
	end_as(p, PUMP_CLEAN);
	conn_eof(c, p->chan);
	close_channel(p);
}

static enum served serve_say(struct pump *p, const struct iovec *iov)
{
	say(p, iov);
	if (p->say_n)
		return SERVED_MORE;
	return off(p, p->fd >= 0 ? WATCH_IN : 0, false);
}

static size_t sum(const struct iovec *iov, size_t n)
{
	size_t all = 0;

	while (n--)
		all += iov[n].iov_len;
	return all;
}

static enum served serve(struct flow *f, size_t share, size_t *sent)
{
	struct pump *p = CONTAINER(f, struct pump, flow);
	struct conn *c = link_conn(p->link);
	struct iovec iov[PIECES];
	size_t k = conn_lend(c, p->chan, share, iov, PIECES);
	ssize_t n;

	if (!k)
		return conn_tx_open(c) ? off(p, 0, f->bulk) : SERVED_SHUT; /* the former: until EV_ROOM */
	if (p->say_n)
		return serve_say(p, iov);
	n = sock_readv(p->fd, iov, k);
	conn_seal(c, p->chan, n > 0 ? (size_t)n : 0);
	if (n <= 0)
		return not_read(p, n);
	*sent = (size_t)n;
	p->tx_bytes += *sent;
	moved(p);
	return *sent == sum(iov, k) ? more(p) : off(p, WATCH_IN, *sent > SCHED_PACKET);
}

/* Readable again although it is still in the queue: the turn had no time for it, so the loop should not report it over
 * and over. */
static void readable(struct pump *p)
{
	if (sched_has(&p->flow))
		arm(p, p->armed & ~(unsigned)WATCH_IN);
	else
		sched_add(link_sched(p->link), &p->flow);
}

/* ---- From the peer to the socket ------------------------------------------------------------------------------- */

static void writable(struct pump *p)
{
	ssize_t n = backlog_write(&p->backlog, p->fd);

	if (n == SOCK_BROKEN) {
		write_failed(p, errno);
		return;
	}
	conn_consumed(link_conn(p->link), p->chan, (size_t)n);
	if (p->backlog.n)
		return;
	arm(p, p->armed & ~(unsigned)WATCH_OUT);
	shut_if_done(p);
}

static void on_ready(void *user, unsigned ready)
{
	struct pump *p = user;

	if (p->armed & ready & WATCH_OUT)
		writable(p);
	if (p->armed & ready & WATCH_IN)
		readable(p);
}

static void keep(struct pump *p, const struct event *ev, size_t skip)
{
	if (skip == ev->bytes)
		return;
	if (!backlog_add(&p->backlog, ev->iov, ev->iovs, skip)) {
		arm(p, p->armed | WATCH_OUT);
		return;
	}
	end_as(p, PUMP_MEMORY);
	close_channel(p); /* without memory the stream breaks; what it holds until here is still delivered */
	linger(link_lingers(p->link), take_socket(p), &p->backlog, LINGER_RESET);
}

static void on_data(struct pump *p, const struct event *ev)
{
	ssize_t n = 0;

	if (p->fd < 0 || p->deaf) {
		conn_consumed(link_conn(p->link), p->chan, ev->bytes);
		return;
	}
	p->rx_bytes += ev->bytes;
	moved(p);
	if (!p->backlog.n && ev->bytes)
		n = sock_writev(p->fd, ev->iov, ev->iovs);
	if (n == SOCK_BROKEN) {
		conn_consumed(link_conn(p->link), p->chan, ev->bytes);
		write_failed(p, errno);
		return;
	}
	if (n > 0)
		conn_consumed(link_conn(p->link), p->chan, (size_t)n);
	keep(p, ev, n > 0 ? (size_t)n : 0);
}

/* ---- Events ---------------------------------------------------------------------------------------------------- */

static void tell_opener(struct pump *p, const struct event *ev)
{
	struct opener *o = p->opener;

	forget_opener(p);
	if (o)
		o->result(o, ev);
}

static void on_opened(struct pump *p, const struct event *ev)
{
	arm(p, WATCH_IN);
	moved(p);
	tell_opener(p, ev);
}

static void on_refused(struct pump *p, const struct event *ev)
{
	end_as(p, PUMP_REFUSED);
	testify(p, ev);
	tell_opener(p, ev);
	pump_free(p);
}

static void on_room(struct pump *p, const struct event *ev)
{
	(void)ev;
	if ((p->fd >= 0 && !p->sent_eof) || p->say_n)
		sched_add(link_sched(p->link), &p->flow);
}

static void on_eof(struct pump *p, const struct event *ev)
{
	(void)ev;
	p->got_eof = true;
	shut_if_done(p);
}

/* Also the death of the connection, which may come while the channel is still being opened. */
static void on_closed(struct pump *p, const struct event *ev)
{
	end_as(p, !link_alive(p->link) ? PUMP_LOST : ev->clean ? PUMP_CLEAN : PUMP_BROKEN);
	tell_opener(p, ev);
	if (p->fd >= 0 && !p->deaf)
		linger(link_lingers(p->link), take_socket(p), &p->backlog, ev->clean ? LINGER_CLOSE : LINGER_RESET);
	pump_free(p);
}

static void pump_event(struct owner *o, const struct event *ev)
{
	static void (*const on[])(struct pump * p, const struct event *ev) = {
		[EV_OPENED] = on_opened, [EV_REFUSED] = on_refused, [EV_DATA] = on_data,
		[EV_ROOM] = on_room,	 [EV_EOF] = on_eof,	    [EV_CLOSED] = on_closed,
	};

	if (ev->kind < LEN(on) && on[ev->kind])
		on[ev->kind](CONTAINER(o, struct pump, owner), ev);
}

/* ---- Birth ----------------------------------------------------------------------------------------------------- */

void opener_init(struct opener *o, void (*result)(struct opener *o, const struct event *ev))
{
	list_init(&o->pending);
	o->count = 0;
	o->result = result;
}

void opener_fini(struct opener *o)
{
	while (!list_empty(&o->pending))
		forget_opener(CONTAINER(o->pending.next, struct pump, kin));
}

struct pump *pump_new(struct link *l, uint32_t chan)
{
	struct pump *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->owner.event = pump_event;
	p->flow.serve = serve;
	p->link = l;
	p->chan = chan;
	p->fd = -1;
	backlog_init(&p->backlog);
	link_join(l, &p->owner);
	return p;
}

static int attach(struct pump *p, int fd)
{
	p->fd = fd;
	return watch_new(&p->watch, link_loop(p->link), fd, on_ready, p);
}

int pump_open(struct link *l, int fd, const struct target *t, struct opener *o, struct witness *w)
{
	struct pump *p = pump_new(l, 0);
	int err;

	if (!p) {
		sock_reset(fd);
		if (w)
			w->ended(w, NULL, NULL);
		return ERR_NOMEM;
	}
	pump_witness(p, w);
	err = attach(p, fd);
	if (!err)
		err = conn_open(link_conn(l), t, &p->owner, &p->chan);
	if (err) {
		pump_free(p);
		return err;
	}
	p->opener = o;
	o->count++;
	list_add_tail(&o->pending, &p->kin);
	return OK;
}

void pump_start(struct pump *p, int fd)
{
	if (attach(p, fd)) {
		pump_break(p);
		return;
	}
	arm(p, WATCH_IN | (p->backlog.n ? (unsigned)WATCH_OUT : 0u));
	shut_if_done(p);
}

void pump_say(struct pump *p, struct span bytes, bool last)
{
	assert(bytes.n <= (size_t)(PUMP_SAY_MAX - p->say_n));
	memcpy(p->say + p->say_n, bytes.p, bytes.n);
	p->say_n = (uint8_t)(p->say_n + bytes.n);
	p->say_last |= last;
	sched_add(link_sched(p->link), &p->flow);
}
