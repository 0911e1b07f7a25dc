/* Streams with known bytes. */
#include "traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t byte_at(uint64_t key, uint64_t pos)
{
	uint64_t x = (pos >> 3) * 0x9e3779b97f4a7c15u ^ key;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint8_t)(x >> ((pos & 7) * 8));
}

static void end_init(struct traffic *t, struct end *e, struct side *s, struct end *other, uint64_t bytes, bool abort)
{
	*e = (struct end){ .traffic = t, .side = s, .other = other, .key = world_random(t->world), .abort = abort };
	e->send = bytes;
}

static void on_data(struct end *e, const struct event *ev)
{
	for (size_t i = 0; i < ev->iovs; i++) {
		const uint8_t *p = ev->iov[i].iov_base;

		for (size_t j = 0; j < ev->iov[i].iov_len; j++)
			if (p[j] != byte_at(e->other->key, e->got + j))
				fail_msg("stream %zu: wrong byte at %llu", (size_t)(e - e->traffic->ends) / 2,
					 (unsigned long long)(e->got + j));
		e->got += ev->iov[i].iov_len;
	}
	e->unread += ev->bytes;
	e->traffic->moved += ev->bytes;
	assert_true(e->got <= e->other->sent);
	assert_false(e->eof_got);
}

/* A clean end must come after every byte; a broken one may come early, but only if somebody broke it. */
static void on_gone(struct end *e, bool clean)
{
	if (clean && !e->aborted)
		assert_int_equal(e->got, e->other->sent);
	else if (!clean)
		assert_true(e->aborted || e->other->aborted);
	e->gone = true;
	e->traffic->closed++;
}

static void on_channel(struct end *e, const struct event *ev)
{
	switch (ev->kind) {
	case EV_OPENED:
		e->open = true;
		break;
	case EV_REFUSED:
		e->gone = e->other->gone = true;
		e->traffic->refused++;
		break;
	case EV_DATA:
		on_data(e, ev);
		break;
	case EV_EOF:
		assert_int_equal(e->got, e->other->send);
		e->eof_got = true;
		break;
	case EV_CLOSED:
		on_gone(e, ev->clean);
		break;
	default:
		break;
	}
}

static struct traffic *current; /* tests run one world at a time */

/* The server's end is found by the port number of the request. */
static void on_server_open(struct side *s, const struct event *ev)
{
	struct end *e = &current->ends[2 * ev->target.port + 1];
	struct answer a = { .yes = e->send != UINT64_MAX, .user = e, .reason = OPEN_CONNECT_FAILED };

	a.data = span_str("Connection refused");
	assert_true(ev->target.port < current->streams);
	if (a.yes) {
		e->open = true;
		e->chan = ev->chan;
	}
	assert_int_equal(conn_answer(s->conn, ev->question, &a), OK);
}

static void on_event(struct side *s, const struct event *ev)
{
	struct answer a = { .yes = true, .port = 4711 };

	if (ev->kind == EV_OPEN) {
		on_server_open(s, ev);
	} else if (ev->kind == EV_GLOBAL) {
		assert_int_equal(conn_answer(s->conn, ev->question, &a), OK);
	} else if (ev->kind == EV_REPLY) {
		assert_true(ev->ok);
		current->forwards_answered++;
	} else if (ev->user) {
		on_channel(ev->user, ev);
	}
}

int traffic_init(struct traffic *t, struct world *w, const struct traffic_setup *s)
{
	*t = (struct traffic){ .world = w, .streams = s->streams, .lazy = s->lazy };
	t->ends = calloc(2 * s->streams, sizeof(*t->ends));
	if (!t->ends)
		return ERR_NOMEM;
	for (size_t i = 0; i < s->streams; i++) {
		struct end *c = &t->ends[2 * i], *v = c + 1;
		bool refused = s->refusals && world_pick(w, 8) == 0;

		end_init(t, c, &w->client, v, world_pick(w, s->bytes_max + 1), s->aborts && world_pick(w, 6) == 0);
		end_init(t, v, &w->server, c, refused ? UINT64_MAX : world_pick(w, s->bytes_max + 1),
			 s->aborts && world_pick(w, 6) == 0);
	}
	current = t;
	w->client.event = w->server.event = on_event;
	return OK;
}

void traffic_fini(struct traffic *t)
{
	free(t->ends);
	t->ends = NULL;
}

static bool open_next(struct traffic *t)
{
	struct end *e = &t->ends[2 * t->opened];
	struct target target = { .kind = TARGET_DIRECT_TCPIP,
				 .host = span_str("localhost"),
				 .port = (uint32_t)t->opened,
				 .origin_host = span_str("127.0.0.1"),
				 .origin_port = 5 };
	int err;

	if (t->opened == t->streams || !t->world->client.logged_in)
		return false;
	err = conn_open(t->world->client.conn, &target, e, &e->chan);
	if (err)
		return false;
	t->opened++;
	return true;
}

static bool ask_forward(struct traffic *t)
{
	struct global_request r = { .kind = GLOBAL_TCPIP_FORWARD, .host = span_str("localhost") };
	uint32_t ticket;

	if (!t->world->client.logged_in || t->forwards_asked >= 100)
		return false;
	r.port = t->forwards_asked % 2 ? 8080 : 0;
	if (conn_global(t->world->client.conn, &r, NULL, &ticket) != OK)
		return false;
	t->forwards_asked++;
	return true;
}

static bool send_some(struct end *e)
{
	struct world *w = e->traffic->world;
	struct iovec iov[8];
	size_t quantum = 1 + world_pick(w, world_pick(w, 3) ? 300000 : 200), fill, n;
	uint64_t left = e->send - e->sent;

	if (!e->open || e->gone || e->eof_sent)
		return false;
	if (e->abort && world_pick(w, 20) == 0) {
		conn_close(e->side->conn, e->chan);
		e->eof_sent = e->aborted = true;
		return true;
	}
	if (!left) {
		conn_eof(e->side->conn, e->chan);
		e->eof_sent = true;
		return true;
	}
	n = conn_lend(e->side->conn, e->chan, MIN(quantum, left), iov, LEN(iov));
	if (!n)
		return false;
	fill = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < iov[i].iov_len && fill < left; j++)
			((uint8_t *)iov[i].iov_base)[j] = byte_at(e->key, e->sent + fill++);
	fill = world_pick(w, 4) ? fill : world_pick(w, fill + 1);
	conn_seal(e->side->conn, e->chan, fill);
	e->sent += fill;
	return fill > 0;
}

static bool consume_some(struct end *e)
{
	struct world *w = e->traffic->world;
	size_t n = e->unread;

	if (!n || e->gone || (e->traffic->lazy && world_pick(w, 10)))
		return false;
	if (e->traffic->lazy)
		n = 1 + world_pick(w, n);
	conn_consumed(e->side->conn, e->chan, n);
	e->unread -= n;
	return true;
}

/* When both directions have ended, the client's end closes. */
static bool close_finished(struct end *e)
{
	if (!e->open || e->gone || e->aborted || !e->eof_sent || !e->eof_got || e->unread)
		return false;
	conn_close(e->side->conn, e->chan);
	e->open = false;
	return true;
}

bool traffic_turn(struct traffic *t)
{
	struct world *w = t->world;
	bool any = open_next(t);

	if (world_pick(w, 50) == 0)
		any |= ask_forward(t);
	for (size_t i = 0; i < 2 * t->opened; i++) {
		struct end *e = &t->ends[i];

		any |= consume_some(e);
		any |= world_pick(w, 2) && send_some(e);
		any |= close_finished(e);
	}
	return any;
}

bool traffic_done(const struct traffic *t)
{
	return t->opened == t->streams && t->closed + 2 * t->refused == 2 * t->streams &&
	       t->forwards_asked == t->forwards_answered;
}
