/* Many SSH connections: logging in, the socket, the turn. */
#include "fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/keyfile.h"
#include "tool.h"

enum { SPARE_CHUNKS = 16, TICK_MS = 500, READS_AT_ONCE = 4, SOURCES = 200, PIECES = 64 };

static uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

/* ---- the job ---- */

void job_end(struct fleet *f, uint64_t began, const char *why)
{
	struct job *j = f->job;

	if (!j)
		return;
	if (!why) {
		j->took[j->done++] = now_ns() - began;
		return;
	}
	if (!j->failed++)
		snprintf(j->why, sizeof(j->why), "%s", why);
}

/* ---- the server's signature ---- */

int __wrap_pkey_verify(void);

/* Takes the place of the engine's at the link: the server is believed anyway, and to check its signatures would take a
 * tenth of the processors that both ends share. */
int __wrap_pkey_verify(void)
{
	return OK;
}

/* ---- the end of a connection; its memory stays until nobody can ask about it any more ---- */

static void member_over(struct member *m, const char *why)
{
	struct fleet *f = m->fleet;

	if (m->state == MEMBER_LOGIN)
		job_end(f, m->began, why);
	else if (m->state == MEMBER_IN)
		f->member_count--;
	if (m->state == MEMBER_IN && !m->leaves)
		f->lost++;
	m->state = MEMBER_OVER;
	streams_lost(m, why);
	close(m->fd);
}

static void member_free(struct member *m)
{
	list_del(&m->node);
	streams_tidy(m);
	conn_free(m->conn);
	free(m);
}

void fleet_tidy(struct fleet *f)
{
	LIST_EACH_SAFE (l, &f->members) {
		struct member *m = CONTAINER(l, struct member, node);

		if (m->state == MEMBER_OVER)
			member_free(m);
		else
			streams_tidy(m);
	}
}

/* ---- events ---- */

static void yes(struct member *m, const struct event *ev)
{
	conn_answer(m->conn, ev->question, &(struct answer){ .yes = true });
}

static void no(struct member *m, const struct event *ev)
{
	conn_answer(m->conn, ev->question, &(struct answer){ 0 });
}

static void on_auth(struct member *m, const struct event *ev)
{
	struct answer a = { .try = { .method = ev->methods.n ? AUTH_GIVE_UP : AUTH_PUBLICKEY } };

	a.try.blob = pkey_blob(m->fleet->key);
	a.try.alg = sig_find(pkey_type(a.try.blob));
	a.data = span_str("the server refuses the key");
	conn_answer(m->conn, ev->question, &a);
}

static void on_sign(struct member *m, const struct event *ev)
{
	struct buf sig = BUF(PKEY_SIG_MAX);

	if (pkey_sign(m->fleet->key, m->fleet->crypto, ev->alg, ev->text, &sig) != OK)
		die("cannot sign");
	conn_answer(m->conn, ev->question, &(struct answer){ .data = buf_span(&sig) });
	buf_fini(&sig);
}

static void on_logged_in(struct member *m, const struct event *ev)
{
	(void)ev;
	m->state = MEMBER_IN;
	m->fleet->member_count++;
	job_end(m->fleet, m->began, NULL);
	if (m->leaves)
		conn_disconnect(m->conn, "that was all");
}

static void on_event(struct member *m, const struct event *ev)
{
	static void (*const handlers[EV_KINDS])(struct member *, const struct event *) = {
		[EV_HOST_KEY] = yes,
		[EV_AUTH] = on_auth,
		[EV_SIGN] = on_sign,
		[EV_LOGGED_IN] = on_logged_in,
		[EV_OPENED] = stream_event,
		[EV_REFUSED] = stream_event,
		[EV_DATA] = stream_event,
		[EV_ROOM] = stream_event,
		[EV_EOF] = stream_event,
		[EV_CLOSED] = stream_event,
		[EV_OPEN] = no,
		[EV_GLOBAL] = no,
		[EV_PROMPT] = no,
	};

	if (handlers[ev->kind])
		handlers[ev->kind](m, ev);
}

/* ---- the turn of one connection ---- */

static size_t flush(struct member *m)
{
	struct iovec iov[PIECES];
	size_t n, total = 0;

	while ((n = conn_tx_out(m->conn, iov, PIECES)) > 0) {
		ssize_t wrote = writev(m->fd, iov, (int)n);

		if (wrote <= 0) /* an error is met again, with its reason, by reading */
			break;
		conn_tx_done(m->conn, (size_t)wrote);
		total += (size_t)wrote;
	}
	return total;
}

static void look_for(struct member *m)
{
	struct epoll_event e = { .data = { .ptr = m } };
	struct iovec room;

	e.events = (conn_rx_room(m->conn, &room, 1) ? EPOLLIN : 0u) | (conn_tx_pending(m->conn) ? EPOLLOUT : 0u);
	if (e.events == m->events)
		return;
	m->events = e.events;
	if (epoll_ctl(m->fleet->epoll, EPOLL_CTL_MOD, m->fd, &e))
		die("epoll_ctl: %s", strerror(errno));
}

void member_work(struct member *m)
{
	struct event ev;
	int r;

	if (m->state == MEMBER_OVER)
		return;
	conn_tick(m->conn, now_ms());
	while ((r = conn_next(m->conn, &ev)) > 0)
		on_event(m, &ev);
	do
		streams_send(m);
	while (flush(m) && !list_empty(&m->senders));
	if (r < 0)
		member_over(m, conn_error_text(m->conn));
	else
		look_for(m);
}

static void receive(struct member *m)
{
	struct iovec room[2];
	size_t pieces = conn_rx_room(m->conn, room, LEN(room));
	ssize_t n = pieces ? readv(m->fd, room, (int)pieces) : -1;

	if (n > 0)
		conn_rx_done(m->conn, (size_t)n);
	else if (n == 0)
		conn_rx_eof(m->conn, OK, NULL);
	else if (pieces && errno != EAGAIN && errno != EINTR)
		conn_rx_eof(m->conn, ERR_IO, strerror(errno));
}

/* ---- birth ---- */

static struct conn *new_conn(struct fleet *f)
{
	struct conn_setup setup = { .role = ROLE_CLIENT,
				    .crypto = f->crypto,
				    .pool = &f->pool,
				    .now_ms = now_ms(),
				    .software = "bench_0",
				    .user = f->user,
				    .algs = f->algs };
	struct conn *c = NULL;

	if (getrandom(setup.seed, sizeof(setup.seed), 0) != sizeof(setup.seed) || conn_new(&c, &setup) != OK)
		die("no connection could be made");
	return c;
}

/* The sources take turns, or their ports would run out: each is kept for a minute after its connection. */
static int new_socket(const struct fleet *f)
{
	const struct sockaddr_in from = { .sin_family = AF_INET,
					  .sin_addr = { htonl(INADDR_LOOPBACK + f->ever % SOURCES) } };
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_addr = { htonl(INADDR_LOOPBACK) },
					.sin_port = htons(f->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0 &&
	    (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS))
		return fd;
	close(fd);
	return -1;
}

void member_start(struct fleet *f, bool leaves)
{
	struct member *m = calloc(1, sizeof(*m));
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data = { .ptr = m } };

	if (!m)
		die("out of memory");
	f->ever++;
	*m = (struct member){
		.fleet = f, .leaves = leaves, .began = now_ns(), .events = e.events, .fd = new_socket(f)
	};
	if (m->fd < 0) {
		job_end(f, 0, strerror(errno));
		free(m);
		return;
	}
	list_init(&m->streams);
	list_init(&m->senders);
	m->conn = new_conn(f);
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, m->fd, &e))
		die("epoll_ctl: %s", strerror(errno));
	list_add_tail(&f->members, &m->node);
}

/* ---- all of them ---- */

/* The engine's deadlines are far away here: a look now and then is enough. */
static void tick_all(struct fleet *f)
{
	uint64_t now = now_ms();

	if (now - f->ticked_ms < TICK_MS)
		return;
	f->ticked_ms = now;
	LIST_EACH (l, &f->members)
		member_work(CONTAINER(l, struct member, node));
}

bool fleet_turn(struct fleet *f)
{
	struct epoll_event e[256];
	int n = epoll_wait(f->epoll, e, LEN(e), TICK_MS);
	bool other = false;

	if (n < 0 && errno != EINTR)
		die("epoll_wait: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		struct member *m = e[i].data.ptr;

		other |= !m;
		if (!m || m->state == MEMBER_OVER)
			continue;
		if (e[i].events & ~(uint32_t)EPOLLOUT)
			receive(m);
		member_work(m);
	}
	tick_all(f);
	return other;
}

void fleet_watch(struct fleet *f, int other)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };

	if (epoll_ctl(f->epoll, EPOLL_CTL_MOD, other, &e) && epoll_ctl(f->epoll, EPOLL_CTL_ADD, other, &e))
		die("epoll_ctl: %s", strerror(errno));
}

void fleet_init(struct fleet *f, uint16_t port, const char *user, const char *key)
{
	struct why why = { "" };

	*f = (struct fleet){ .epoll = epoll_create1(EPOLL_CLOEXEC), .port = port, .user = user };
	f->algs = (struct conn_algs){ .kex = "curve25519-sha256",
				      .host_key = "ssh-ed25519",
				      .cipher = "aes128-gcm@openssh.com" };
	list_init(&f->members);
	if (f->epoll < 0 || crypto_new(&f->crypto, &why) != OK || pool_init(&f->pool, SPARE_CHUNKS) != OK)
		die("cannot begin: %s", why.text);
	if (keyfile_load(key, f->crypto, NULL, &f->key, NULL, &why) != OK)
		die("%s: %s", key, why.text);
}

void fleet_fini(struct fleet *f)
{
	LIST_EACH (l, &f->members) {
		struct member *m = CONTAINER(l, struct member, node);

		if (m->state == MEMBER_OVER)
			continue;
		conn_disconnect(m->conn, "that was all");
		m->leaves = true;
		member_work(m);
	}
	fleet_tidy(f);
	pkey_free(f->key);
	pool_fini(&f->pool);
	crypto_free(f->crypto);
	close(f->epoll);
}
