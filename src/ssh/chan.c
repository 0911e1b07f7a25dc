/* The life and the data path of a channel (RFC 4254 sections 5.1 and 5.2). Opening is chan_open.c's, ending and
 * requests are chan_end.c's. */
#include "ssh/engine.h"

#include <stdlib.h>

enum {
	TX_DATA_MAX = 128 * 1024, /* we never seal more in one packet */
	TX_BATCH = 256 * 1024,	  /* sealed and unsent data, beyond which local sockets are left alone */
	/* No window may ever be larger: OpenSSH holds 16 MiB of a channel's input at most (8.9 and later), and is slow
	 * when that is full. */
	WINDOW_MOST = 15 << 20,
	ADJUST_LEAST = 64 * 1024
};

struct chan *chan_find(struct conn *c, uint32_t id)
{
	return slots_get(&c->chans, id);
}

bool chan_gone(const struct conn *c, uint32_t id)
{
	return id < c->chan_high && !slots_get(&c->chans, id);
}

uint32_t chan_packet_max(const struct conn *c)
{
	(void)c;
	return CHAN_PACKET;
}

/* The peer uses the window up and our side passes everything on at once: then it is the window that holds the stream
 * back. What is added here goes out with the next adjust. */
static void grow(struct conn *c, struct chan *ch)
{
	uint32_t in_hand = ch->rx_size - ch->rx_window - ch->rx_owed;
	uint32_t more;

	if (ch->rx_window > ch->rx_size / 2 || in_hand > ch->rx_size / 4)
		return;
	more = bank_grow(c, ch->rx_size);
	ch->rx_size += more;
	ch->rx_owed += more;
	assert(ch->rx_size <= WINDOW_MOST);
}

int chan_new(struct conn *c, struct chan **out)
{
	struct chan *ch = calloc(1, sizeof(*ch));
	int err = ch ? bank_open(c, &ch->rx_size) : ERR_NOMEM;

	if (!err)
		err = slots_add(&c->chans, ch, &ch->id);
	if (err) {
		bank_give_back(c, ch ? ch->rx_size : 0);
		free(ch);
		return err;
	}
	c->chan_high = MAX(c->chan_high, ch->id + 1);
	ch->rx_window = ch->rx_size;
	ch->since_ms = c->now_ms;
	list_init(&ch->room);
	list_init(&ch->owed);
	list_init(&ch->timed);
	*out = ch;
	return OK;
}

void chan_free(struct conn *c, struct chan *ch)
{
	list_del(&ch->room);
	list_del(&ch->owed);
	list_del(&ch->timed);
	bank_give_back(c, ch->rx_size);
	slots_del(&c->chans, ch->id);
	if (c->tx.loan.lent && c->tx.loan.chan == ch->id)
		c->tx.loan.lent = 0;
	free(ch);
}

/* ---- sending ---- */

bool conn_tx_open(const struct conn *c)
{
	return !c->err && c->life == LIFE_OPEN && !kex_holds_tx(c) && c->tx.pending < TX_BATCH;
}

static bool may_send(const struct chan *ch)
{
	return ch && ch->state == CHAN_OPEN && !ch->eof_sent && !ch->close_sent;
}

/* Slots for full packets, one behind the other; the last may be shorter. Returns how many fit. */
static size_t lay_slots(struct conn *c, struct tx_chunk *k, size_t packet, size_t want, struct iovec *iov, size_t max)
{
	size_t slot = tx_wire_size(c, 9 + packet, NULL), at = k->end, n = 0, sum = 0;

	while (n < max && sum < want && POOL_CHUNK - at >= slot) {
		size_t here = MIN(packet, want - sum);

		iov[n++] = (struct iovec){ k->mem + at + HEADER, here };
		sum += here;
		at += slot;
	}
	c->tx.loan.lent = sum;
	return n;
}

size_t conn_lend(struct conn *c, uint32_t id, size_t quantum, struct iovec *iov, size_t max)
{
	struct chan *ch = chan_find(c, id);
	struct tx_chunk *k;
	size_t packet, want;

	if (!conn_tx_open(c) || !may_send(ch) || !max || !quantum)
		return 0;
	if (!ch->tx_window) {
		ch->wants_room = true;
		return 0;
	}
	if (tx_flush_control(c) != OK || !conn_tx_open(c)) /* control messages go before data */
		return 0;
	packet = MIN(ch->tx_packet, TX_DATA_MAX);
	want = MIN(quantum, ch->tx_window);
	packet = MIN(packet, want);
	k = tx_room(c, tx_wire_size(c, 9 + packet, NULL), TX_CHUNKS / 2);
	if (!k) {
		conn_fail(c, ERR_NOMEM, "no memory to send a packet");
		return 0;
	}
	c->tx.loan = (struct loan){ .chan = id, .packet = packet };
	return lay_slots(c, k, packet, want, iov, max);
}

static int seal_slot(struct conn *c, struct chan *ch, struct tx_chunk *k, size_t n)
{
	uint8_t *pkt = k->mem + k->end;

	pkt[5] = MSG_CHANNEL_DATA;
	put_u32(pkt + 6, ch->peer_id);
	put_u32(pkt + 10, (uint32_t)n);
	ch->tx_window -= (uint32_t)n;
	return tx_seal(c, k, pkt, 9 + n);
}

void conn_seal(struct conn *c, uint32_t id, size_t n)
{
	struct loan loan = c->tx.loan;
	struct chan *ch = chan_find(c, id);
	struct tx_chunk *k = c->tx.chunks ? &c->tx.chunk[c->tx.chunks - 1] : NULL;

	c->tx.loan.lent = 0;
	if (c->err || !ch || !k)
		return;
	assert(loan.chan == id && n <= loan.lent);
	if (!n)
		tx_room_unused(c);
	while (n && !c->err) {
		size_t here = MIN(n, loan.packet);

		seal_slot(c, ch, k, here);
		n -= here;
	}
	kex_consider(c);
}

int on_window_adjust(struct conn *c, struct rd *in, struct event *ev)
{
	uint32_t id = rd_u32(in), add = rd_u32(in);
	struct chan *ch = chan_find(c, id);

	(void)ev;
	if (rd_done(in) && chan_gone(c, id)) { /* some peers credit a channel that has just ended */
		count_cheap(c);
		return OK;
	}
	if (!rd_done(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "WINDOW_ADJUST malformed or for no open channel");
	if (add > UINT32_MAX - ch->tx_window) /* RFC 4254 section 5.2: at most 2^32 - 1 */
		return conn_fail(c, ERR_WINDOW, "the peer's window would pass 2^32-1");
	ch->tx_window += add;
	if (add < CHAN_PACKET_LEAST)
		count_cheap(c);
	if (add && ch->wants_room && !list_linked(&ch->room)) {
		ch->wants_room = false;
		list_add_tail(&c->rooms, &ch->room);
	}
	return OK;
}

/* ---- receiving ---- */

/* The peer may not send more than the window, nor a packet larger than we allowed; either would be lost bytes. */
static int account(struct conn *c, struct chan *ch, size_t n)
{
	if (n > chan_packet_max(c))
		return conn_fail(c, ERR_WINDOW, "channel data of %zu bytes, more than the packet size we allowed", n);
	if (n > ch->rx_window)
		return conn_fail(c, ERR_WINDOW, "channel data beyond the window");
	if (ch->eof_got)
		return conn_fail(c, ERR_PROTO, "channel data after EOF");
	ch->rx_window -= (uint32_t)n;
	return OK;
}

static void owe(struct conn *c, struct chan *ch, size_t n)
{
	assert(n <= ch->rx_size - ch->rx_window - ch->rx_owed);
	ch->rx_owed += (uint32_t)n;
	if (ch->rx_owed >= MIN(MAX(ch->rx_size / 8, ADJUST_LEAST), ch->rx_size / 3) && !list_linked(&ch->owed))
		list_add_tail(&c->owed, &ch->owed);
}

int on_channel_data(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	struct span data = rd_string(in);

	if (!rd_done(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "CHANNEL_DATA malformed or for no open channel");
	if (account(c, ch, data.n) != OK)
		return c->err;
	if (!data.n)
		count_cheap(c);
	if (!data.n || ch->close_sent) { /* what is on the way when we close is dropped, and credited */
		owe(c, ch, data.n);
		return OK;
	}
	ev->kind = EV_DATA;
	ev->chan = ch->id;
	ev->user = ch->user;
	ev->iov[ev->iovs++] = (struct iovec){ (void *)(uintptr_t)data.p, data.n };
	ev->bytes += data.n;
	return OK;
}

/* A forward has no second stream: its bytes are credited and forgotten. */
int on_extended_data(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	struct span data;

	(void)ev;
	rd_u32(in);
	data = rd_string(in);
	if (!rd_done(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "CHANNEL_EXTENDED_DATA malformed or for no open channel");
	if (account(c, ch, data.n) != OK)
		return c->err;
	if (!data.n)
		count_cheap(c);
	owe(c, ch, data.n);
	return OK;
}

void conn_consumed(struct conn *c, uint32_t id, size_t n)
{
	struct chan *ch = chan_find(c, id);

	if (!c->err && ch)
		owe(c, ch, n);
}

static int send_adjust(struct conn *c, struct chan *ch)
{
	uint8_t msg[9] = { MSG_CHANNEL_WINDOW_ADJUST };

	if (ch->eof_got || ch->state != CHAN_OPEN)
		return OK; /* nothing more will come */
	grow(c, ch);
	put_u32(msg + 1, ch->peer_id);
	put_u32(msg + 5, ch->rx_owed);
	ch->rx_window += ch->rx_owed;
	ch->rx_owed = 0;
	return tx_now(c, span(msg, sizeof(msg)));
}

/* One adjust per channel, made when it can be sent: they need no queue. After our CLOSE they must not be sent. */
int chan_send_owed(struct conn *c)
{
	struct list *l;

	while (!c->err && c->tx.pending < TX_HIGH_WATER && (l = list_pop(&c->owed))) {
		struct chan *ch = CONTAINER(l, struct chan, owed);

		if (!ch->close_sent)
			send_adjust(c, ch);
	}
	return c->err;
}
