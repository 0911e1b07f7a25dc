/* Opening channels, from our side and from the peer's (RFC 4254 sections 5.1 and 7.2, streamlocal@openssh.com). */
#include "ssh/engine.h"

#include <stdlib.h>

enum { OPEN_TEXT_MAX = 256, HOST_MAX = 1024 };

/* Which types exist, who may open them, and whether a port follows each name. */
struct type {
	const char *name;
	enum target_kind kind;
	enum role opener;
	bool tcp;
	bool reserved_port; /* streamlocal: string reserved, and uint32 reserved when the client opens */
};

static const struct type types[] = {
	{ "direct-tcpip", TARGET_DIRECT_TCPIP, ROLE_CLIENT, true, true },
	{ "forwarded-tcpip", TARGET_FORWARDED_TCPIP, ROLE_SERVER, true, true },
	{ "direct-streamlocal@openssh.com", TARGET_DIRECT_STREAMLOCAL, ROLE_CLIENT, false, true },
	{ "forwarded-streamlocal@openssh.com", TARGET_FORWARDED_STREAMLOCAL, ROLE_SERVER, false, false },
};

static const struct type *type_of_kind(enum target_kind kind)
{
	for (size_t i = 0; i < LEN(types); i++)
		if (types[i].kind == kind)
			return &types[i];
	return NULL;
}

static const struct type *type_of_name(struct span name)
{
	for (size_t i = 0; i < LEN(types); i++)
		if (span_is(name, types[i].name))
			return &types[i];
	return NULL;
}

/* ---- ours ---- */

static void put_open(struct buf *out, const struct chan *ch, const struct type *type, const struct target *t,
		     uint32_t packet)
{
	buf_u8(out, MSG_CHANNEL_OPEN);
	buf_cstring(out, type->name);
	buf_u32(out, ch->id);
	buf_u32(out, ch->rx_window);
	buf_u32(out, packet);
	buf_string(out, t->host);
	if (type->tcp)
		buf_u32(out, t->port);
	buf_string(out, type->tcp ? t->origin_host : span(NULL, 0));
	if (type->reserved_port)
		buf_u32(out, type->tcp ? t->origin_port : 0);
}

int conn_open(struct conn *c, const struct target *t, void *user, uint32_t *id)
{
	const struct type *type = type_of_kind(t->kind);
	struct buf out = BUF(4096);
	struct chan *ch;
	int err;

	assert(type && type->opener == c->role);
	if (c->err || c->life != LIFE_OPEN)
		return c->err ? ERR_CLOSED : ERR_LIMIT;
	err = chan_new(c, &ch);
	if (err)
		return err;
	ch->state = CHAN_OPENING;
	ch->user = user;
	put_open(&out, ch, type, t, chan_packet_max(c));
	err = buf_err(&out) ? ERR_NOMEM : tx_control(c, buf_span(&out));
	buf_fini(&out);
	if (err) {
		chan_free(c, ch);
		return err;
	}
	list_add_tail(&c->opening, &ch->timed);
	*id = ch->id;
	return OK;
}

int on_open_confirmation(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	uint32_t peer_id = rd_u32(in), window = rd_u32(in), packet = rd_u32(in);

	rd_rest(in); /* RFC 4254 section 5.1: type-specific data may follow */
	if (!rd_ok(in) || !ch || ch->state != CHAN_OPENING)
		return conn_fail(c, ERR_PROTO, "OPEN_CONFIRMATION malformed or for a channel we did not open");
	if (packet < CHAN_PACKET_LEAST)
		return conn_fail(c, ERR_PROTO, "the peer allows only %u bytes in a packet", packet);
	ch->peer_id = peer_id;
	ch->tx_window = window;
	ch->tx_packet = packet;
	ch->state = CHAN_OPEN;
	list_del(&ch->timed);
	if (ch->abandoned) {
		conn_close(c, ch->id);
		return c->err;
	}
	ev->kind = EV_OPENED;
	ev->chan = ch->id;
	ev->user = ch->user;
	return OK;
}

int on_open_failure(struct conn *c, struct rd *in, struct event *ev)
{
	struct chan *ch = chan_find(c, rd_u32(in));
	uint32_t reason = rd_u32(in);
	struct span text = rd_string(in);

	rd_string(in);
	if (!rd_done(in) || !ch || ch->state != CHAN_OPENING)
		return conn_fail(c, ERR_PROTO, "OPEN_FAILURE malformed or for a channel we did not open");
	if (!ch->abandoned)
		ev->kind = EV_REFUSED;
	ev->chan = ch->id;
	ev->user = ch->user;
	ev->reason = (enum open_reason)reason;
	ev->text = text;
	chan_free(c, ch);
	return OK;
}

/* ---- the peer's ---- */

static int refuse(struct conn *c, uint32_t peer_id, enum open_reason reason, struct span text)
{
	struct buf out = BUF(OPEN_TEXT_MAX + 32);

	buf_u8(&out, MSG_CHANNEL_OPEN_FAILURE);
	buf_u32(&out, peer_id);
	buf_u32(&out, reason);
	buf_string(&out, span(text.p, MIN(text.n, OPEN_TEXT_MAX)));
	buf_cstring(&out, "");
	return tx_built(c, &out, tx_reply);
}

/* Refuses without asking anybody; a server hears of it. */
static int turn_away(struct conn *c, struct event *ev, uint32_t peer_id, struct span type, enum open_reason reason,
		     const char *text)
{
	if (c->role == ROLE_SERVER) {
		ev->kind = EV_TURNED_AWAY;
		ev->text = type;
		ev->reason = reason;
		ev->extra = span_str(text);
	}
	return refuse(c, peer_id, reason, span_str(text));
}

static const char *shortage(const struct conn *c)
{
	if (c->chans.used >= c->chans.limit)
		return "too many channels";
	return conn_spent_bank(c) ? "no receive window is left" : "out of memory";
}

/* Types that other SSH programs serve and we do not get a sentence that helps. */
static int refuse_type(struct conn *c, struct event *ev, uint32_t peer_id, struct span name)
{
	if (c->role == ROLE_CLIENT || !span_is(name, "session"))
		return turn_away(c, ev, peer_id, name, OPEN_UNKNOWN_TYPE, "unknown channel type");
	if (c->no_sessions) /* it is not the client's user who asks for it now (OpenSSH's PROTOCOL 2.2) */
		return conn_fail(c, ERR_PROTO, "a session was asked for after no-more-sessions");
	return turn_away(c, ev, peer_id, name, OPEN_PROHIBITED, "this server only forwards ports: use -N");
}

static bool read_target(struct rd *in, const struct type *type, struct target *t)
{
	t->kind = type->kind;
	t->host = rd_string(in);
	t->port = type->tcp ? rd_u32(in) : 0;
	t->origin_host = rd_string(in);
	t->origin_port = type->reserved_port ? rd_u32(in) : 0;
	if (!type->tcp)
		rd_rest(in); /* reserved for the future */
	return rd_done(in) && t->host.n <= HOST_MAX && t->port <= UINT16_MAX;
}

int on_channel_open(struct conn *c, struct rd *in, struct event *ev)
{
	struct span name = rd_string(in);
	uint32_t peer_id = rd_u32(in), window = rd_u32(in), packet = rd_u32(in);
	const struct type *type = type_of_name(name);
	struct chan *ch;

	if (!rd_ok(in))
		return conn_fail(c, ERR_PROTO, "malformed CHANNEL_OPEN");
	if (!type || type->opener == c->role) {
		rd_rest(in);
		return type ? turn_away(c, ev, peer_id, name, OPEN_PROHIBITED, "not in this direction")
			    : refuse_type(c, ev, peer_id, name);
	}
	if (!read_target(in, type, &ev->target)) {
		if (!rd_ok(in) || in->n)
			return conn_fail(c, ERR_PROTO, "malformed CHANNEL_OPEN for %s", type->name);
		return turn_away(c, ev, peer_id, name, OPEN_PROHIBITED, "bad address or port");
	}
	if (packet < CHAN_PACKET_LEAST)
		return turn_away(c, ev, peer_id, name, OPEN_PROHIBITED, "the packet size is too small");
	if (chan_new(c, &ch))
		return turn_away(c, ev, peer_id, name, OPEN_SHORTAGE, shortage(c));
	ch->state = CHAN_ASKED;
	ch->peer_id = peer_id;
	ch->tx_window = window;
	ch->tx_packet = packet;
	ch->question = question_new(c);
	list_add_tail(&c->asked, &ch->timed);
	ev->kind = EV_OPEN;
	ev->question = ch->question;
	ev->chan = ch->id;
	return OK;
}

static int confirm(struct conn *c, struct chan *ch)
{
	uint8_t msg[17] = { MSG_CHANNEL_OPEN_CONFIRMATION };

	put_u32(msg + 1, ch->peer_id);
	put_u32(msg + 5, ch->id);
	put_u32(msg + 9, ch->rx_window);
	put_u32(msg + 13, chan_packet_max(c));
	return tx_courtesy(c, span(msg, sizeof(msg)));
}

int chan_open_answer(struct conn *c, struct chan *ch, const struct answer *a)
{
	uint32_t peer_id = ch->peer_id;

	list_del(&ch->timed);
	ch->question = 0;
	if (!a->yes) {
		chan_free(c, ch);
		return refuse(c, peer_id, a->reason, a->data);
	}
	ch->state = CHAN_OPEN;
	ch->user = a->user;
	return confirm(c, ch);
}

struct chan *chan_by_question(struct conn *c, uint32_t question)
{
	LIST_EACH (l, &c->asked) {
		struct chan *ch = CONTAINER(l, struct chan, timed);

		if (ch->question == question)
			return ch;
	}
	return NULL;
}
