/* The engine that does what the test says. It allocates with malloc() only, so that tests may let calloc() fail. */
#include "fake_conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct queued {
	struct list node;
	struct event ev;
	uint8_t data[];
};

static void PRINTF_LIKE(2, 3) note(struct conn *c, const char *fmt, ...)
{
	size_t n = strlen(c->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->log + n, sizeof(c->log) - n, fmt, ap);
	va_end(ap);
}

struct conn *fake_new(void)
{
	struct conn *c = calloc(1, sizeof(*c));

	assert(c);
	c->start_window = 1 << 30;
	c->deadline = UINT64_MAX;
	c->globals_max = 64;
	list_init(&c->events);
	list_init(&c->kept);
	c->wire = BUF((size_t)1 << 30);
	return c;
}

static void drop_kept(struct conn *c)
{
	struct list *l;

	while ((l = list_pop(&c->kept)))
		free(CONTAINER(l, struct queued, node));
}

void conn_free(struct conn *c)
{
	struct list *l;

	if (!c)
		return;
	while ((l = list_pop(&c->events)))
		free(CONTAINER(l, struct queued, node));
	drop_kept(c);
	for (uint32_t i = 0; i < c->chans; i++)
		buf_fini(&c->chan[i].sent);
	buf_fini(&c->wire);
	free(c->loan);
	free(c);
}

/* ---- What the test says ---- */

static struct queued *queue(struct conn *c, const struct event *ev, size_t n)
{
	struct queued *q = malloc(sizeof(*q) + n);

	assert(q);
	*q = (struct queued){ .ev = *ev };
	list_add_tail(&c->events, &q->node);
	return q;
}

void fake_event(struct conn *c, const struct event *ev)
{
	struct queued *q = queue(c, ev, ev->text.n);

	if (ev->text.n)
		memcpy(q->data, ev->text.p, ev->text.n);
	q->ev.text = span(q->data, ev->text.n);
}

void fake_data(struct conn *c, uint32_t chan, const void *bytes, size_t n)
{
	struct queued *q = queue(c, &(struct event){ .kind = EV_DATA, .chan = chan, .bytes = n, .iovs = 2 }, n);

	if (n)
		memcpy(q->data, bytes, n);
	q->ev.iov[0] = (struct iovec){ q->data, n / 3 }; /* two pieces, as of two packets */
	q->ev.iov[1] = (struct iovec){ q->data + n / 3, n - n / 3 };
}

void fake_simple(struct conn *c, enum event_kind kind, uint32_t chan)
{
	fake_event(c, &(struct event){ .kind = kind, .chan = chan });
}

void fake_closed(struct conn *c, uint32_t chan, bool clean)
{
	fake_event(c, &(struct event){ .kind = EV_CLOSED, .chan = chan, .clean = clean });
}

static uint32_t new_chan(struct conn *c, void *user)
{
	uint32_t id = c->chans++;

	assert(id < FAKE_CHANNELS);
	c->chan[id] = (struct fake_chan){ .user = user, .used = true, .window = c->start_window };
	c->chan[id].sent = BUF((size_t)1 << 30);
	return id;
}

uint32_t fake_asks(struct conn *c, enum target_kind kind, const char *host, uint32_t port)
{
	uint32_t id = new_chan(c, NULL);

	fake_event(c, &(struct event){ .kind = EV_OPEN,
				       .chan = id,
				       .question = id + 1,
				       .target = { .kind = kind,
						   .host = span_str(host),
						   .port = port,
						   .origin_host = span_str("10.0.0.1\033"),
						   .origin_port = 4711 } });
	return id;
}

void fake_fail(struct conn *c, int err, const char *text)
{
	c->err = err;
	snprintf(c->text, sizeof(c->text), "%s", text);
}

void fake_room(struct conn *c, uint32_t chan, size_t n)
{
	c->chan[chan].window += n;
	if (c->chan[chan].starved)
		fake_simple(c, EV_ROOM, chan);
	c->chan[chan].starved = false;
}

/* ---- What the engine does ---- */

size_t conn_rx_room(struct conn *c, struct iovec *iov, size_t max)
{
	iov[0] = (struct iovec){ c->rx, sizeof(c->rx) };
	return c->no_room ? 0 : MIN(max, (size_t)1);
}

void conn_rx_done(struct conn *c, size_t n)
{
	c->rx_bytes += n;
}

void conn_rx_eof(struct conn *c, int err, const char *words)
{
	fake_fail(c, ERR_CLOSED, err ? words : "end of file");
}

size_t conn_tx_out(struct conn *c, struct iovec *iov, size_t max)
{
	assert(max);
	if (!c->wire.n)
		return 0;
	iov[0] = (struct iovec){ c->wire.p, c->wire.n };
	return 1;
}

void conn_tx_done(struct conn *c, size_t n)
{
	buf_drop(&c->wire, n);
}

size_t conn_tx_pending(const struct conn *c)
{
	return c->wire.n;
}

uint64_t conn_deadline(const struct conn *c)
{
	return c->deadline;
}

void conn_clock(struct conn *c, uint64_t now_ms)
{
	(void)c, (void)now_ms;
}

void conn_tick(struct conn *c, uint64_t now_ms)
{
	(void)now_ms;
	c->ticks++;
}

int conn_next(struct conn *c, struct event *ev)
{
	struct list *l = list_pop(&c->events);
	struct queued *q;

	drop_kept(c);
	if (!l)
		return c->err;
	q = CONTAINER(l, struct queued, node);
	list_add_tail(&c->kept, l);
	*ev = q->ev;
	if (!ev->user && ev->kind >= EV_OPENED && ev->kind <= EV_CLOSED)
		ev->user = c->chan[ev->chan].user;
	if (ev->kind == EV_DATA)
		c->chan[ev->chan].given += ev->bytes;
	return 1;
}

int conn_answer(struct conn *c, uint32_t question, const struct answer *a)
{
	unsigned k = c->answered++ % 16;

	if (c->err)
		return ERR_NOT_FOUND;
	c->answers[k] = *a;
	snprintf(c->answer_text[k], sizeof(c->answer_text[k]), "%.*s", (int)a->data.n, (const char *)a->data.p);
	note(c, "answer %u %s;", question - 1, a->yes ? "yes" : "no");
	if (a->yes)
		c->chan[question - 1].user = a->user;
	return OK;
}

int conn_debug(struct conn *c, enum debug_display display, struct span text)
{
	note(c, "debug%s %.*s;", display == DEBUG_ALWAYS ? "!" : "", (int)text.n, (const char *)text.p);
	return c->err ? ERR_CLOSED : OK;
}

int conn_open(struct conn *c, const struct target *t, void *user, uint32_t *chan)
{
	if (c->err)
		return ERR_CLOSED;
	if (c->no_opens)
		return ERR_LIMIT;
	*chan = new_chan(c, user);
	note(c, "open %u %.*s:%u;", *chan, (int)t->host.n, (const char *)t->host.p, t->port);
	return OK;
}

bool conn_tx_open(const struct conn *c)
{
	return !c->err && !c->shut;
}

size_t conn_lend(struct conn *c, uint32_t chan, size_t quantum, struct iovec *iov, size_t max)
{
	struct fake_chan *ch = &c->chan[chan];
	size_t n = MIN(quantum, ch->window), k = 0;

	ch->lends++;
	if (!conn_tx_open(c) || ch->eof || ch->closed)
		return 0;
	ch->starved = !n;
	free(c->loan);
	c->loan = malloc(n ? n : 1);
	assert(c->loan);
	c->loan_n = 0;
	for (; c->loan_n < n && k < max; k++) {
		iov[k] = (struct iovec){ c->loan + c->loan_n, MIN(n - c->loan_n, FAKE_PACKET) };
		c->loan_n += iov[k].iov_len;
	}
	return k;
}

void conn_seal(struct conn *c, uint32_t chan, size_t n)
{
	if (c->err)
		return;
	assert(n <= c->loan_n);
	buf_bytes(&c->chan[chan].sent, span(c->loan, n));
	buf_bytes(&c->wire, span(c->loan, n));
	c->chan[chan].window -= n;
	c->loan_n = 0;
}

void conn_consumed(struct conn *c, uint32_t chan, size_t n)
{
	struct fake_chan *ch = &c->chan[chan];

	ch->consumed += n;
	assert(ch->consumed <= ch->given);
}

void conn_eof(struct conn *c, uint32_t chan)
{
	if (c->err || c->chan[chan].eof || c->chan[chan].closed)
		return;
	c->chan[chan].eof = true;
	note(c, "eof %u;", chan);
}

void conn_close(struct conn *c, uint32_t chan)
{
	if (c->err || c->chan[chan].closed)
		return;
	c->chan[chan].closed = true;
	note(c, "close %u;", chan);
}

int conn_global(struct conn *c, const struct global_request *r, void *user, uint32_t *ticket)
{
	if (c->err)
		return ERR_CLOSED;
	if (c->globals >= c->globals_max)
		return ERR_LIMIT;
	*ticket = c->globals;
	c->global[c->globals] = *r;
	c->global_user[c->globals++] = user;
	note(c, "global %d %.*s:%u;", (int)r->kind, (int)r->host.n, (const char *)r->host.p, r->port);
	return OK;
}

void conn_disconnect(struct conn *c, const char *text)
{
	buf_cstring(&c->wire, text);
	fake_fail(c, ERR_CLOSED, text);
}

int conn_error(const struct conn *c)
{
	return c->err;
}

const char *conn_error_text(const struct conn *c)
{
	return c->text;
}
