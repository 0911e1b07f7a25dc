/* How channels end, and the requests on them (RFC 4254 sections 5.3 and 5.4). */
#include "ssh/engine.h"

static int send_short(struct conn *c, enum msg type, uint32_t peer_id)
{
	uint8_t msg[5] = { (uint8_t)type };

	put_u32(msg + 1, peer_id);
	return tx_control(c, span(msg, sizeof(msg)));
}

void conn_eof(struct conn *c, uint32_t id)
{
	struct chan *ch = chan_find(c, id);

	if (c->err || !ch || ch->state != CHAN_OPEN || ch->eof_sent || ch->close_sent)
		return;
	ch->eof_sent = true;
	send_short(c, MSG_CHANNEL_EOF, ch->peer_id);
}

void conn_close(struct conn *c, uint32_t id)
{
	static const struct answer given_up = { .reason = OPEN_CONNECT_FAILED };
	struct chan *ch = chan_find(c, id);

	if (c->err || !ch || ch->close_sent)
		return;
	if (ch->state == CHAN_ASKED) {
		chan_open_answer(c, ch, &given_up);
		return;
	}
	if (ch->state == CHAN_OPENING) {
		ch->abandoned = true;
		list_del(&ch->timed);
		return;
	}
	ch->close_sent = true;
	ch->since_ms = c->now_ms;
	list_del(&ch->room);
	list_add_tail(&c->closing, &ch->timed);
	send_short(c, MSG_CHANNEL_CLOSE, ch->peer_id);
}

int on_channel_eof(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));

	if (!rd_done(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "CHANNEL_EOF malformed or for no open channel");
	if (ch->eof_got || ch->close_sent) {
		ch->eof_got = true;
		count_cheap(c);
		return OK;
	}
	ch->eof_got = true;
	ev->kind = EV_EOF;
	ev->chan = ch->id;
	ev->user = ch->user;
	return OK;
}

/* Data before the CLOSE were given out already; what we had not sent yet nobody would take. */
int on_channel_close(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	uint8_t msg[5] = { MSG_CHANNEL_CLOSE };

	if (!rd_done(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "CHANNEL_CLOSE malformed or for no open channel");
	put_u32(msg + 1, ch->peer_id);
	if (!ch->close_sent && tx_courtesy(c, span(msg, sizeof(msg))) != OK)
		return c->err;
	if (!ch->abandoned)
		ev->kind = EV_CLOSED;
	ev->chan = ch->id;
	ev->user = ch->user;
	ev->clean = ch->eof_got || (c->quirks & QUIRK_NO_EOF && ch->eof_sent);
	chan_free(c, ch);
	return OK;
}

/* A forward knows no requests; OpenSSH and PuTTY send some for the sake of the answer. */
int on_channel_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	uint8_t msg[5] = { MSG_CHANNEL_FAILURE };
	bool want_reply;

	(void)ev;
	rd_string(in);
	want_reply = rd_bool(in);
	rd_rest(in);
	if (!rd_ok(in) || !ch || ch->state != CHAN_OPEN)
		return conn_fail(c, ERR_PROTO, "CHANNEL_REQUEST malformed or for no open channel");
	count_cheap(c);
	if (!want_reply || ch->close_sent)
		return OK;
	put_u32(msg + 1, ch->peer_id);
	return tx_reply(c, span(msg, sizeof(msg)));
}

/* We send no channel requests, so every answer to one is surplus. */
int on_channel_reply(struct conn *c, struct rd *in, struct event *ev)
{
	uint32_t id = rd_u32(in);

	(void)ev;
	if (!rd_done(in) || (!chan_find(c, id) && !chan_gone(c, id)))
		return conn_fail(c, ERR_PROTO, "channel reply malformed or for no channel");
	count_cheap(c);
	return OK;
}

/* ---- time ---- */

static struct chan *oldest(const struct list *head)
{
	return list_empty(head) ? NULL : CONTAINER(head->next, struct chan, timed);
}

uint64_t chan_deadline(const struct conn *c)
{
	const struct chan *opening = oldest(&c->opening), *closing = oldest(&c->closing);

	return MIN(opening ? opening->since_ms + OPEN_MS : UINT64_MAX,
		   closing ? closing->since_ms + CLOSING_MS : UINT64_MAX);
}

bool chan_tick(struct conn *c, struct event *ev)
{
	struct chan *ch = oldest(&c->closing);

	if (ch && ch->since_ms + CLOSING_MS <= c->now_ms) {
		conn_fail(c, ERR_TIMEOUT, "the peer did not answer the CLOSE of a channel");
		return false;
	}
	ch = oldest(&c->opening);
	if (!ch || ch->since_ms + OPEN_MS > c->now_ms)
		return false;
	conn_close(c, ch->id);
	ev->kind = EV_REFUSED;
	ev->chan = ch->id;
	ev->user = ch->user;
	ev->reason = OPEN_CONNECT_FAILED;
	ev->text = span_str("no answer");
	return true;
}
