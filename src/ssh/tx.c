/* Packets on their way out (RFC 4253 section 6).
 *
 * Finished packets lie one behind the other in pool chunks, and writev() takes them from there. A packet is
 *     len4 | pad1 | payload | padding | tag
 * and for channel data the payload begins with 94 | chan4 | dlen4, so HEADER = 14 bytes stand before the bytes that a
 * local socket filled in. Nothing is moved after it was sealed. Control messages wait as plain text in tx.control, so
 * that they overtake data that is not sealed yet and stay back while keys are exchanged. */
#include "ssh/engine.h"

#include <stdlib.h>

enum { REPLIES_IN_KEX = 16 };

static struct tx_chunk *chunk_new(struct conn *c)
{
	uint8_t *mem = pool_get(c->pool);
	struct tx_chunk *k = &c->tx.chunk[c->tx.chunks];

	if (!mem)
		return NULL;
	*k = (struct tx_chunk){ .mem = mem };
	c->tx.chunks++;
	return k;
}

static void chunk_drop_first(struct conn *c)
{
	struct tx *t = &c->tx;

	pool_put(c->pool, t->chunk[0].mem);
	t->chunks--;
	memmove(&t->chunk[0], &t->chunk[1], t->chunks * sizeof(t->chunk[0]));
}

struct tx_chunk *tx_room(struct conn *c, size_t n, size_t max_chunks)
{
	struct tx_chunk *k = c->tx.chunks ? &c->tx.chunk[c->tx.chunks - 1] : NULL;

	if (k && POOL_CHUNK - k->end >= n)
		return k;
	if (n > POOL_CHUNK || c->tx.chunks >= MIN(max_chunks, TX_CHUNKS))
		return NULL;
	return chunk_new(c);
}

void tx_room_unused(struct conn *c)
{
	struct tx *t = &c->tx;

	if (t->chunks && t->chunk[t->chunks - 1].start == t->chunk[t->chunks - 1].end)
		pool_put(c->pool, t->chunk[--t->chunks].mem);
}

size_t tx_wire_size(const struct conn *c, size_t payload, size_t *padding)
{
	size_t block = cipher_block(c->tx.cipher);
	size_t aligned = 1 + payload + (cipher_length_apart(c->tx.cipher) ? 0 : 4);
	size_t pad = block - aligned % block;

	if (pad < 4)
		pad += block;
	if (padding)
		*padding = pad;
	return 4 + 1 + payload + pad + cipher_tag(c->tx.cipher);
}

int tx_seal(struct conn *c, struct tx_chunk *k, uint8_t *pkt, size_t payload)
{
	struct tx *t = &c->tx;
	size_t pad, wire = tx_wire_size(c, payload, &pad);
	size_t len = wire - cipher_tag(t->cipher);
	int err;

	put_u32(pkt, (uint32_t)(len - 4));
	pkt[4] = (uint8_t)pad;
	err = rng_bytes(&c->rng, pkt + 5 + payload, pad);
	if (!err)
		err = cipher_seal(t->cipher, t->seq, pkt, len);
	if (err)
		return conn_fail(c, err, "cannot encrypt a packet");
	if (!t->pending)
		t->progress_ms = c->now_ms;
	t->seq++;
	t->key_packets++;
	t->packets++;
	t->key_bytes += wire;
	t->pending += wire;
	k->end = (uint32_t)((size_t)(pkt - k->mem) + wire);
	return OK;
}

int tx_now(struct conn *c, struct span payload)
{
	struct tx_chunk *k = tx_room(c, tx_wire_size(c, payload.n, NULL), TX_CHUNKS);
	uint8_t *pkt;

	if (!k)
		return conn_fail(c, ERR_NOMEM, "no memory to send a packet");
	pkt = k->mem + k->end;
	memcpy(pkt + 5, payload.p, payload.n);
	return tx_seal(c, k, pkt, payload.n);
}

int tx_control(struct conn *c, struct span payload)
{
	if (c->err)
		return c->err;
	buf_string(&c->tx.control, payload);
	if (buf_err(&c->tx.control))
		return conn_fail(c, ERR_NOMEM, "no memory for a control message");
	return OK;
}

int tx_reply(struct conn *c, struct span payload)
{
	c->tx.replies += payload.n;
	c->tx.reply_count++;
	return tx_control(c, payload);
}

int tx_built(struct conn *c, struct buf *message, int (*send)(struct conn *c, struct span payload))
{
	int err = buf_err(message) ? conn_fail(c, ERR_NOMEM, "no memory for a message") : send(c, buf_span(message));

	buf_fini(message);
	return err;
}

/* Between our KEXINIT and the peer's no reply can leave, and the peer's must still be read: it gets more room then. */
int tx_courtesy(struct conn *c, struct span payload)
{
	c->tx.courtesies++;
	return tx_control(c, payload);
}

bool tx_choked(const struct conn *c)
{
	size_t times = kex_holds_tx(c) ? REPLIES_IN_KEX : 1;
	const struct tx *t = &c->tx;

	return t->replies > times * CONTROL_MAX || t->reply_count > times * CONTROL_MESSAGES_MAX ||
	       t->courtesies > times * 2 * c->setup.max_channels;
}

/* Replies stay charged until the kernel has taken them: little is pending then, or only data that was sealed later. */
static void settle_replies(struct conn *c)
{
	struct tx *t = &c->tx;

	if (t->control.n == 0 && (t->pending < CONTROL_MAX || t->bytes >= t->replies_end))
		t->replies = t->reply_count = t->courtesies = 0;
}

int tx_flush_control(struct conn *c)
{
	struct rd in = rd(buf_span(&c->tx.control));
	size_t done = 0;

	if (c->err || c->tx.loan.lent || kex_holds_tx(c) || (c->life <= LIFE_KEX && !c->kex.newkeys_sent))
		return c->err;
	if (c->life == LIFE_OPEN && chan_send_owed(c) != OK)
		return c->err;
	in = rd(buf_span(&c->tx.control));
	while (in.n && c->tx.pending < TX_HIGH_WATER) {
		if (tx_now(c, rd_string(&in)) != OK)
			return c->err;
		done = c->tx.control.n - in.n;
	}
	if (done == c->tx.control.n)
		buf_fini(&c->tx.control); /* wipes passwords; and an idle connection needs none */
	else
		buf_drop(&c->tx.control, done);
	if (done)
		c->tx.replies_end = c->tx.bytes + c->tx.pending;
	settle_replies(c);
	return OK;
}

size_t conn_tx_out(struct conn *c, struct iovec *iov, size_t max)
{
	size_t n = 0;

	tx_flush_control(c);
	for (size_t i = 0; i < c->tx.chunks && n < max; i++) {
		struct tx_chunk *k = &c->tx.chunk[i];

		if (k->end > k->start)
			iov[n++] = (struct iovec){ k->mem + k->start, k->end - k->start };
	}
	return n;
}

void conn_tx_done(struct conn *c, size_t n)
{
	struct tx *t = &c->tx;

	assert(n <= t->pending && !t->loan.lent);
	t->pending -= n;
	t->bytes += n;
	if (n)
		t->progress_ms = c->now_ms;
	while (t->chunks) {
		struct tx_chunk *k = &t->chunk[0];
		size_t here = MIN(n, k->end - k->start);

		k->start += (uint32_t)here;
		n -= here;
		if (k->start < k->end)
			break;
		chunk_drop_first(c);
	}
	settle_replies(c);
}

size_t conn_tx_pending(const struct conn *c)
{
	return c->tx.pending;
}

void tx_rekey(struct conn *c, struct cipher *next, bool reset_seq)
{
	cipher_free(c->tx.cipher);
	c->tx.cipher = next;
	c->tx.key_bytes = c->tx.key_packets = 0;
	if (reset_seq)
		c->tx.seq = 0;
}

void tx_fini(struct conn *c)
{
	while (c->tx.chunks)
		chunk_drop_first(c);
	buf_fini(&c->tx.control);
	cipher_free(c->tx.cipher);
}
