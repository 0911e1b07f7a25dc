/* The table of memos, and the one layout that all of them have. */
#include "app/memo.h"

enum { VERSION = 1, NAME_MAX_LEN = 64, USER_MAX_LEN = 255, HOST_MAX_LEN = 1024, KEY_MAX_LEN = 64 * 1024 };

enum field {
	PEER = 1,
	NUMBER = 2,
	COUNT = 4,
	TICKET = 8,
	PORT = 16,
	YES = 32,
	ENDS = 64,
};

enum descriptor { FD_NEVER, FD_ALWAYS, FD_MAYBE };

/* Spans are there when their greatest length is not 0. */
struct row {
	enum memo_from from;
	unsigned fields;
	uint32_t number_max;
	enum descriptor fd;
	size_t text, name, alg, blob, data;
	bool any; /* from guard and worker alike */
};

static const struct row rows[MEMO_KINDS] = {
	[MEMO_READY] = { .any = true, .blob = KEY_MAX_LEN },
	[MEMO_WORKER] = { FROM_MASTER, NUMBER, UINT16_MAX, FD_ALWAYS },
	[MEMO_PEER] = { FROM_MASTER, PEER | NUMBER | YES | ENDS, UINT16_MAX },
	[MEMO_GONE] = { FROM_MASTER, PEER },
	[MEMO_SERVE] = { FROM_MASTER, PEER | ENDS, .fd = FD_ALWAYS },
	[MEMO_BOUND] = { FROM_MASTER, PEER | TICKET | NUMBER | COUNT, UINT8_MAX, FD_MAYBE, .text = HOST_MAX_LEN },
	[MEMO_PROBE] = { FROM_MASTER, PEER },
	[MEMO_EVICT] = { FROM_MASTER, PEER, .text = HOST_MAX_LEN },
	[MEMO_RETRY] = { FROM_MASTER, PEER | TICKET | YES },
	[MEMO_LOG] = { FROM_MASTER, NUMBER, 1, FD_ALWAYS },
	[MEMO_GUARD] = { FROM_MASTER, .fd = FD_ALWAYS },
	[MEMO_DRAIN] = { FROM_MASTER, YES },
	[MEMO_SIGN] = { FROM_WORKER, PEER, .alg = NAME_MAX_LEN, .data = MEMO_MAX },
	[MEMO_LOGIN] = { FROM_WORKER, PEER | YES, .text = USER_MAX_LEN, .name = NAME_MAX_LEN, .alg = NAME_MAX_LEN,
			 .blob = KEY_MAX_LEN, .data = KEY_MAX_LEN }, /* a stranger's, up to what a packet holds */
	[MEMO_PROVE] = { FROM_WORKER, PEER, .blob = KEY_MAX_LEN },
	[MEMO_BIND] = { FROM_WORKER, PEER | TICKET | PORT, .text = HOST_MAX_LEN },
	[MEMO_SIGNED] = { FROM_GUARD, PEER, .data = 8192 },
	[MEMO_VERDICT] = { FROM_GUARD, PEER | NUMBER, UINT8_MAX, .text = HOST_MAX_LEN, .data = MEMO_MAX },
	[MEMO_PROVED] = { FROM_GUARD, PEER, .data = KEY_MAX_LEN },
	[MEMO_UNBOUND] = { FROM_GUARD, PEER | TICKET, .text = HOST_MAX_LEN },
	[MEMO_BANNER] = { FROM_GUARD, PEER, .data = 32000 },
	[MEMO_BROKEN] = { FROM_GUARD, NUMBER, UINT16_MAX },
	[MEMO_USER] = { FROM_GUARD, PEER, .data = IDENTITY_LEN },
	[MEMO_OFFENCE] = { FROM_GUARD, PEER | NUMBER, OFFENCES - 1 },
	[MEMO_BIND_FOR] = { FROM_GUARD, PEER | TICKET | PORT, .name = HOST_MAX_LEN },
	[MEMO_CLOSED] = { FROM_WORKER, PEER | NUMBER, OFFENCES - 1 },
	[MEMO_LISTEN] = { FROM_WORKER, PEER | PORT, .text = HOST_MAX_LEN },
	[MEMO_UNLISTEN] = { FROM_WORKER, PEER | PORT, .text = HOST_MAX_LEN },
	[MEMO_TAKE_OVER] = { FROM_WORKER, PEER | TICKET | PORT, .text = HOST_MAX_LEN },
	[MEMO_PROBED] = { FROM_WORKER, PEER | YES },
};

static const struct row *row_of(enum memo_kind kind)
{
	const struct row *r = (unsigned)kind < MEMO_KINDS ? &rows[kind] : NULL;

	return r && kind ? r : NULL;
}

static void put_ip(struct buf *out, const struct ip *a, uint16_t port)
{
	buf_u8(out, a->family);
	buf_bytes(out, span(a->bytes, sizeof(a->bytes)));
	buf_u32(out, port);
}

void memo_pack(const struct memo *m, struct buf *out)
{
	const struct row *r = row_of(m->kind);
	const struct {
		size_t most;
		struct span s;
	} spans[] = { { r->text, m->text },
		      { r->name, m->name },
		      { r->alg, m->alg },
		      { r->blob, m->blob },
		      { r->data, m->data } };

	buf_u8(out, VERSION);
	buf_u8(out, (uint8_t)m->kind);
	if (r->fields & PEER)
		buf_u64(out, m->peer);
	if (r->fields & NUMBER)
		buf_u32(out, m->number);
	if (r->fields & COUNT)
		buf_u32(out, m->count);
	if (r->fields & TICKET)
		buf_u32(out, m->ticket);
	if (r->fields & PORT)
		buf_u32(out, m->port);
	if (r->fields & YES)
		buf_u8(out, m->yes);
	if (r->fields & ENDS) {
		put_ip(out, &m->ends.peer, m->ends.peer_port);
		put_ip(out, &m->ends.local, m->ends.local_port);
	}
	for (size_t i = 0; i < LEN(spans); i++)
		if (spans[i].most)
			buf_string(out, spans[i].s);
}

/* A number within its range; otherwise the cursor goes bad. */
static uint32_t get_u32_upto(struct rd *in, uint32_t most)
{
	uint32_t n = rd_u32(in);

	in->bad |= n > most;
	return n;
}

static void get_ip(struct rd *in, struct ip *a, uint16_t *port)
{
	struct span bytes;

	a->family = rd_u8(in);
	bytes = rd_bytes(in, sizeof(a->bytes));
	in->bad |= a->family != 0 && a->family != 4 && a->family != 6;
	if (bytes.n)
		memcpy(a->bytes, bytes.p, sizeof(a->bytes));
	*port = (uint16_t)get_u32_upto(in, UINT16_MAX);
}

static void get_span(struct rd *in, size_t most, struct span *out)
{
	if (!most)
		return;
	*out = rd_string(in);
	in->bad |= out->n > most;
}

static void get_fields(struct memo *m, struct rd *in, const struct row *r)
{
	if (r->fields & PEER)
		m->peer = rd_u64(in);
	if (r->fields & NUMBER)
		m->number = get_u32_upto(in, r->number_max);
	if (r->fields & COUNT)
		m->count = get_u32_upto(in, UINT8_MAX);
	if (r->fields & TICKET)
		m->ticket = rd_u32(in);
	if (r->fields & PORT)
		m->port = (uint16_t)get_u32_upto(in, UINT16_MAX);
	if (r->fields & YES)
		m->yes = rd_bool(in);
	if (r->fields & ENDS) {
		get_ip(in, &m->ends.peer, &m->ends.peer_port);
		get_ip(in, &m->ends.local, &m->ends.local_port);
	}
	get_span(in, r->text, &m->text);
	get_span(in, r->name, &m->name);
	get_span(in, r->alg, &m->alg);
	get_span(in, r->blob, &m->blob);
	get_span(in, r->data, &m->data);
	in->bad |= (r->fields & PEER) && !m->peer;
}

static bool may_send(const struct row *r, enum memo_from from)
{
	return r->any ? from != FROM_MASTER : r->from == from;
}

int memo_unpack(struct memo *m, struct span in, enum memo_from from, bool with_fd)
{
	struct rd cursor = rd(in);
	uint8_t version = rd_u8(&cursor), kind = rd_u8(&cursor);
	const struct row *r = row_of((enum memo_kind)kind);

	*m = (struct memo){ .kind = (enum memo_kind)kind };
	if (version != VERSION || !r || !may_send(r, from))
		return ERR_PROTO;
	if ((r->fd == FD_ALWAYS && !with_fd) || (r->fd == FD_NEVER && with_fd))
		return ERR_PROTO;
	get_fields(m, &cursor, r);
	return rd_done(&cursor) ? OK : ERR_PROTO;
}

void memo_put_exchange(struct buf *out, const struct exchange *x)
{
	const struct span parts[] = { x->client_ident, x->server_ident, x->client_init,	 x->server_init,
				      x->host_key,     x->client_share, x->server_share, x->secret };

	buf_cstring(out, x->kex->name);
	buf_u8(out, x->first);
	for (size_t i = 0; i < LEN(parts); i++)
		buf_string(out, parts[i]);
}

int memo_get_exchange(struct exchange *x, struct span in)
{
	struct span *const parts[] = { &x->client_ident, &x->server_ident, &x->client_init,  &x->server_init,
				       &x->host_key,	 &x->client_share, &x->server_share, &x->secret };
	struct rd cursor = rd(in);

	x->kex = kex_find(rd_string(&cursor));
	x->first = rd_bool(&cursor);
	for (size_t i = 0; i < LEN(parts); i++)
		*parts[i] = rd_string(&cursor);
	return rd_done(&cursor) && x->kex ? OK : ERR_PROTO;
}
