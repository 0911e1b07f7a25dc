/* Packets on their way in (RFC 4253 section 6).
 *
 * One buffer; packets are opened where they lie, and stay there. Plain reads end at a line that leaves room behind it
 * for one packet, so that the one that crosses the line can end where it began:
 *
 *     0               line          cap
 *     |  opened ...  |  unfinished..:  |      the next read fills the rest of it, and goes on at the front, where all
 * is
 *     |<- then here  |              ^ first to here
 *
 * Only when a packet is larger than all before it, or what waits is less than its length field, it is moved to the
 * front. Memory is never taken because a length field said so. */
#include "ssh/engine.h"

#include <stdlib.h>

enum { RX_SMALL = 36 * 1024, PARK_MS = 1000 };

/* Strangers get a small buffer of their own; a pool chunk serves everybody else. */
static bool stranger(const struct conn *c)
{
	return c->life < LIFE_AUTH || (c->role == ROLE_SERVER && c->life == LIFE_AUTH);
}

static void rx_release(struct conn *c)
{
	struct rx *r = &c->rx;

	if (r->pooled)
		pool_put(c->pool, r->mem);
	else
		free(r->mem);
	r->mem = NULL;
	r->cap = r->start = r->end = 0;
}

/* The right buffer for this phase; one that is new has the unread bytes at its front. */
static bool rx_prepare(struct conn *c)
{
	struct rx *r = &c->rx;
	bool pooled = !stranger(c);
	size_t unread = r->end - r->start;
	uint8_t *mem;

	if (r->mem && (r->pooled || !pooled))
		return true;
	mem = pooled ? pool_get(c->pool) : malloc(RX_SMALL);
	if (!mem)
		return false;
	if (unread)
		memcpy(mem, r->mem + r->start, unread);
	rx_release(c);
	r->mem = mem;
	r->end = unread;
	r->pooled = pooled;
	r->pooled_ms = c->now_ms;
	r->cap = pooled ? POOL_CHUNK : RX_SMALL;
	return true;
}

/* What came behind the line is read: what came at the front is next. */
static void unwrap(struct rx *r)
{
	if (r->start < r->end)
		return;
	r->start = 0;
	r->end = r->wrap;
	r->wrap = 0;
}

/* Where the unfinished packet at `start` will end, if it may end where it is; 0 = there is none, or it may not. */
static size_t end_in_place(const struct conn *c)
{
	const struct rx *r = &c->rx;
	size_t end = r->length && r->pooled ? r->start + 4 + r->length + cipher_tag(r->cipher) : 0;

	return end > r->end && end <= r->cap ? end : 0;
}

static void to_front(struct rx *r)
{
	memmove(r->mem, r->mem + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
}

/* The pieces that the next read fills: on to the line, or to the end of this packet and then the front; whichever is
 * more. Returns their number. */
static size_t rx_plan(struct conn *c, struct iovec iov[2])
{
	struct rx *r = &c->rx;
	size_t line = r->pooled ? r->cap - MIN(r->largest, r->cap / 2) : r->cap, front, end;

	unwrap(r);
	front = MIN(r->start, line) - r->wrap;
	r->goal = r->end;
	if (r->wrap) {
		iov[0] = (struct iovec){ r->mem + r->wrap, front };
		return front > 0;
	}
	end = end_in_place(c);
	if (!end && r->start) {
		to_front(r);
		end = end_in_place(c);
		front = 0;
	}
	if (end && end - r->end + front > MAX(line, r->end) - r->end) {
		r->goal = end;
		iov[1] = (struct iovec){ r->mem, front };
	} else {
		r->goal = MAX(line, r->end);
		front = 0;
	}
	iov[0] = (struct iovec){ r->mem + r->end, r->goal - r->end };
	return (r->goal > r->end) + (front > 0);
}

size_t conn_rx_room(struct conn *c, struct iovec *iov, size_t max)
{
	struct iovec pieces[2];
	size_t n;

	if (c->err || c->rx.ended || c->rx.held.n)
		return 0;
	if (!rx_prepare(c)) {
		conn_fail(c, ERR_NOMEM, "no memory to receive");
		return 0;
	}
	n = MIN(rx_plan(c, pieces), max);
	memcpy(iov, pieces, n * sizeof(iov[0]));
	return n;
}

void conn_rx_done(struct conn *c, size_t n)
{
	struct rx *r = &c->rx;
	size_t here = MIN(n, r->goal - r->end);

	if (c->err)
		return;
	r->end += here;
	r->wrap += n - here;
	r->bytes += n;
	assert(r->end <= r->cap && r->wrap <= r->start);
}

size_t rx_unread(const struct conn *c)
{
	return c->rx.end - c->rx.start + c->rx.wrap;
}

void conn_rx_eof(struct conn *c, int err, const char *words)
{
	struct rx *r = &c->rx;
	char escaped[128];

	r->ended = true;
	r->end_err = err;
	if (!words || r->end_words)
		return;
	str_escape(escaped, sizeof(escaped), span_str(words));
	r->end_words = strdup(escaped);
}

/* RFC 4253 section 6: aligned, at least one block, and within what we are ready to hold. */
static bool length_fits(const struct conn *c, uint32_t length)
{
	size_t block = cipher_block(c->rx.cipher);
	size_t aligned = cipher_length_apart(c->rx.cipher) ? length : (size_t)length + 4;
	uint32_t most = stranger(c) ? PACKET_PREAUTH_MAX : PACKET_MAX;

	return length >= 5 && length <= most && aligned >= block && aligned % block == 0;
}

static int rx_length(struct conn *c, const uint8_t *pkt)
{
	uint32_t length;
	int err = cipher_length(c->rx.cipher, c->rx.seq, pkt, &length);

	if (err)
		return conn_fail(c, err, "cannot decrypt a packet length");
	if (!length_fits(c, length))
		return conn_fail(c, c->life > LIFE_KEX ? ERR_MAC : ERR_PROTO, "bad packet length %u", length);
	c->rx.length = length;
	c->rx.largest = MAX(c->rx.largest, 4 + length + cipher_tag(c->rx.cipher));
	return OK;
}

static int rx_open(struct conn *c, uint8_t *pkt, size_t len, struct span *payload)
{
	struct rx *r = &c->rx;
	size_t pad;
	int err = cipher_open(r->cipher, r->seq, pkt, len);

	if (err)
		return conn_fail(c, err, "message authentication code incorrect");
	pad = pkt[4];
	if (pad < 4 || pad + 2 > len - 4)
		return conn_fail(c, ERR_PROTO, "bad packet padding %zu", pad);
	*payload = span(pkt + 5, len - 5 - pad);
	r->last_ms = c->now_ms;
	c->alive_missed = 0; /* any packet is a sign of life */
	r->seq++;
	r->key_packets++;
	r->packets++;
	return OK;
}

int rx_packet(struct conn *c, struct span *payload)
{
	struct rx *r = &c->rx;
	size_t have, len, wire;
	uint8_t *pkt;

	if (r->held.n) {
		*payload = r->held;
		r->held = span(NULL, 0);
		return 1;
	}
	unwrap(r);
	have = r->end - r->start;
	if (!have)
		return 0;
	pkt = r->mem + r->start;
	if (!r->length && have >= cipher_head(r->cipher) && rx_length(c, pkt) != OK)
		return c->err;
	len = (size_t)r->length + 4;
	wire = len + cipher_tag(r->cipher);
	if (!r->length || have < wire)
		return 0;
	if (rx_open(c, pkt, len, payload) != OK)
		return c->err;
	r->start += wire;
	r->key_bytes += wire;
	r->length = 0;
	return 1;
}

void rx_rekey(struct conn *c, struct cipher *next, bool reset_seq)
{
	cipher_free(c->rx.cipher);
	c->rx.cipher = next;
	c->rx.key_bytes = c->rx.key_packets = 0;
	if (reset_seq)
		c->rx.seq = 0;
}

/* All that is here is the beginning of a packet. */
static bool unfinished(const struct conn *c)
{
	return c->rx.pooled && rx_unread(c) && !c->rx.wrap && !c->rx.held.n && conn_may_open(c);
}

uint64_t rx_deadline(const struct conn *c)
{
	return unfinished(c) ? c->rx.pooled_ms + PARK_MS : UINT64_MAX;
}

/* A peer that stops in the middle of a packet costs us what it has sent, not a chunk. Once in a while only, because it
 * is copied. */
static void park(struct conn *c)
{
	struct rx *r = &c->rx;
	size_t unread = r->end - r->start;
	uint8_t *mem = malloc(unread);

	if (!mem)
		return; /* then it stays where it is */
	memcpy(mem, r->mem + r->start, unread);
	rx_release(c);
	r->mem = mem;
	r->cap = r->end = unread;
	r->pooled = false;
}

void rx_idle(struct conn *c)
{
	if (c->rx.mem && !rx_unread(c))
		rx_release(c);
	else if (rx_deadline(c) <= c->now_ms)
		park(c);
}

void rx_fini(struct conn *c)
{
	if (c->rx.mem)
		rx_release(c);
	free(c->rx.end_words);
	cipher_free(c->rx.cipher);
}
