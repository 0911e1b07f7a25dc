/* Floods, silence and greed: what a hostile peer can make us keep, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

enum { SECOND = 1000, MIB = 1 << 20, CHEAP = 50000, PEER = 70 };

#define PLAY(f)	  AT_OPEN, { 0 }, f
#define FINE	  OK, 0, SAYS_ANYTHING
#define QUIET	  OK, 0, SAYS_NOTHING
#define TIMES_OUT ERR_TIMEOUT, DISC_BY_APPLICATION
#define ALIVE(max)                                                     \
	{                                                              \
		.limits = {.alive_ms = 15 * SECOND, .alive_max = max } \
	}

/* ---- messages that carry nothing: many of them are read slowly ---- */

struct nothing {
	const char *name;
	unsigned ours;
	const char *format;
	uint8_t type;
	uint32_t u[2];
};

static const struct nothing nothings[] = {
	{ "IGNORE", OURS_BOTH, "bu", MSG_IGNORE, { 0 } },
	{ "DEBUG", OURS_BOTH, "buuu", MSG_DEBUG, { 0 } },
	{ "UNIMPLEMENTED", OURS_BOTH, "bu", MSG_UNIMPLEMENTED, { 0 } },
	{ "unknown message", OURS_BOTH, "b", 200, { 0 } },
	{ "surplus REQUEST_SUCCESS", OURS_BOTH, "b", MSG_REQUEST_SUCCESS, { 0 } },
	{ "surplus REQUEST_FAILURE", OURS_BOTH, "bu", MSG_REQUEST_FAILURE, { 0 } },
	{ "surplus CHANNEL_SUCCESS", OURS_BOTH, "bu", MSG_CHANNEL_SUCCESS, { 0 } },
	{ "surplus CHANNEL_FAILURE", OURS_BOTH, "bu", MSG_CHANNEL_FAILURE, { 0 } },
	{ "ADJUST by 1", OURS_BOTH, "buu", MSG_CHANNEL_WINDOW_ADJUST, { 0, 1 } },
	{ "ADJUST by 0", OURS_BOTH, "buu", MSG_CHANNEL_WINDOW_ADJUST, { 0, 0 } },
	{ "data without a byte", OURS_BOTH, "buu", MSG_CHANNEL_DATA, { 0, 0 } },
	{ "login request after the login", OURS_SERVER, "b", MSG_USERAUTH_REQUEST, { 0 } },
};

/* The peer is silent while it is read slowly, and then everything is read. */
static void flood_slowed(struct evil *e, struct span payload)
{
	uint64_t before = e->us->rx.packets;

	e->us->rx.cheap_ms = e->now_ms;
	e->us->rx.cheap = CHEAP - 10;
	for (int i = 0; i < 20; i++)
		evil_queue(e, payload);
	evil_run(e);
	assert_int_equal(conn_error(e->us), OK);
	assert_int_equal(e->us->rx.packets - before, 10);
	assert_int_equal(conn_deadline(e->us), e->now_ms + SECOND);
	evil_wait(e, SECOND - 1);
	assert_int_equal(e->us->rx.packets - before, 10);
	evil_wait(e, 1);
	assert_int_equal(e->us->rx.packets - before, 20);
}

static void test_nothings(void **state)
{
	struct buf out = BUF(100);
	struct evil e;

	(void)state;
	for (size_t i = 0; i < LEN(nothings) * 2; i++) {
		const struct nothing *n = &nothings[i / 2];
		struct evil_setup setup = { .role = i % 2 ? ROLE_SERVER : ROLE_CLIENT };

		if (!(n->ours & (i % 2 ? OURS_SERVER : OURS_CLIENT)))
			continue;
		evil_init(&e, &setup);
		evil_reach(&e, AT_OPEN);
		evil_open(&e, PEER, 1000, 1000);
		if (n->type == MSG_DEBUG) /* boolean and two empty strings */
			evil_build(&out, "bbuu", n->type, 0, 0u, 0u);
		else
			evil_build(&out, n->format, n->type, n->u[0], n->u[1]);
		flood_slowed(&e, buf_span(&out));
		evil_fini(&e);
	}
	buf_fini(&out);
}

static void extended_without_a_byte(struct evil *e)
{
	struct buf out = BUF(100);

	evil_open(e, PEER, 1000, 1000);
	flood_slowed(e, evil_build(&out, "buuu", MSG_CHANNEL_EXTENDED_DATA, 0u, 1u, 0u));
	buf_fini(&out);
}

static void eof_again(struct evil *e)
{
	struct buf out = BUF(100);

	evil_open(e, PEER, 1000, 1000);
	evil_say(e, "bu", MSG_CHANNEL_EOF, 0u);
	flood_slowed(e, evil_build(&out, "bu", MSG_CHANNEL_EOF, 0u));
	buf_fini(&out);
}

static void channel_requests(struct evil *e)
{
	struct buf out = BUF(100);

	evil_open(e, PEER, 1000, 1000);
	flood_slowed(e, evil_build(&out, "busb", MSG_CHANNEL_REQUEST, 0u, "unheard@of", 0));
	buf_fini(&out);
}

static void global_requests(struct evil *e)
{
	struct buf out = BUF(100);

	flood_slowed(e, evil_build(&out, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 0));
	buf_fini(&out);
}

static void host_keys(struct evil *e)
{
	struct buf out = BUF(100);

	flood_slowed(e, evil_build(&out, "bsb", MSG_GLOBAL_REQUEST, "hostkeys-00@openssh.com", 0));
	buf_fini(&out);
}

/* In earnest: a hundred thousand take two seconds, and no memory. */
static void flood(struct evil *e)
{
	static const uint8_t ignore[5] = { MSG_IGNORE };
	uint64_t before = e->us->rx.packets;

	for (int i = 0; i < 2 * CHEAP; i++)
		evil_queue(e, span(ignore, sizeof(ignore)));
	evil_run(e);
	assert_int_equal(e->us->rx.packets - before, CHEAP);
	assert_in_range(evil_memory(e), 1, MIB);
	evil_wait(e, SECOND);
	assert_int_equal(e->us->rx.packets - before, 2 * CHEAP);
	evil_wait(e, SECOND);
	assert_int_equal(e->wire.n, 0);
}

/* ---- answers that the peer does not read ---- */

struct asking {
	const char *name;
	unsigned ours;
	uint8_t answer;
	size_t budget; /* so many are answered: 1024 and one, as often as less than 64 KiB wait behind them */
};

enum { ASK_GLOBAL, ASK_CHANNEL, ASK_OPEN, ASK_UNKNOWN, ASK_PING };

static const struct asking askings[] = {
	[ASK_GLOBAL] = { "global requests", OURS_BOTH, MSG_REQUEST_FAILURE, 2050 },
	[ASK_CHANNEL] = { "channel requests", OURS_BOTH, MSG_CHANNEL_FAILURE, 2050 },
	[ASK_OPEN] = { "channels that are refused", OURS_BOTH, MSG_CHANNEL_OPEN_FAILURE, 2050 },
	[ASK_UNKNOWN] = { "unknown messages", OURS_BOTH, MSG_UNIMPLEMENTED, 2050 },
	[ASK_PING] = { "PING", OURS_SERVER, MSG_PONG, 64 },
};

static void put_asking(struct evil *e, size_t which, struct buf *out)
{
	static const uint8_t zeros[1024];

	if (which == ASK_GLOBAL)
		evil_build(out, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 1);
	else if (which == ASK_CHANNEL)
		evil_build(out, "busb", MSG_CHANNEL_REQUEST, 0u, "unheard@of", 1);
	else if (which == ASK_OPEN)
		evil_put_open(e, out, PEER, 1000, 1000);
	else if (which == ASK_UNKNOWN)
		evil_build(out, "b", 200);
	else
		evil_build(out, "bS", MSG_PING, span(zeros, sizeof(zeros)));
}

static void start_asking(struct evil *e, size_t which, enum role role)
{
	struct evil_setup setup = { .role = role };
	uint64_t before;
	struct buf out = BUF(2000);

	evil_init(e, &setup);
	evil_reach(e, AT_OPEN);
	evil_open(e, PEER, 1000, 1000);
	e->setup.open = SAY_NO;
	evil_mark(e);
	e->deaf = true;
	before = e->us->rx.packets;
	put_asking(e, which, &out);
	for (int i = 0; i < 3000; i++)
		evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_int_equal(conn_error(e->us), OK);
	assert_int_equal(e->us->rx.packets - before, askings[which].budget);
	assert_in_range(evil_memory(e), 1, 2 * MIB);
	buf_fini(&out);
}

static void test_askings(void **state)
{
	const struct asking *a = *state;
	size_t which = (size_t)(a - askings);
	struct evil e;

	for (int role = ROLE_CLIENT; role <= ROLE_SERVER; role++) {
		if (!(a->ours & (role == ROLE_SERVER ? OURS_SERVER : OURS_CLIENT)))
			continue;
		start_asking(&e, which, (enum role)role); /* it reads after all */
		evil_wait(&e, 59 * SECOND);
		e.deaf = false;
		evil_run(&e);
		evil_wait(&e, 1);
		assert_int_equal(evil_count(&e, a->answer), 3000);
		assert_int_equal(evil_count(&e, 0), 3000);
		evil_wait(&e, 3600 * SECOND);
		assert_int_equal(conn_error(e.us), OK);
		evil_fini(&e);
		start_asking(&e, which, (enum role)role); /* it never reads */
		evil_wait(&e, 60 * SECOND);
		e.deaf = false;
		evil_run(&e);
		evil_dead(&e, ERR_TIMEOUT, DISC_BY_APPLICATION);
		evil_fini(&e);
	}
}

/* Whoever reads a little now and then is alive. */
static void reads_slowly(struct evil *e)
{
	struct buf out = BUF(100);

	e->reads = 1;
	evil_build(&out, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 1);
	for (int i = 0; i < 3000; i++)
		evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_true(tx_choked(e->us));
	for (int i = 0; i < 20; i++) {
		e->deaf = true;
		evil_wait(e, 50 * SECOND);
		e->deaf = false;
		evil_run(e);
	}
	assert_int_equal(conn_error(e->us), OK);
	assert_true(tx_choked(e->us));
	buf_fini(&out);
}

static void send_data(struct evil *e)
{
	struct iovec iov[8];
	size_t n = conn_lend(e->us, 0, 16384, iov, LEN(iov));

	for (size_t i = 0; i < n; i++)
		memset(iov[i].iov_base, 'x', iov[i].iov_len);
	if (n)
		conn_seal(e->us, 0, iov[0].iov_len);
}

/* Nothing but data that nobody reads: that is what windows are for, and no fault. */
static void data_that_nobody_reads(struct evil *e)
{
	evil_open(e, PEER, UINT32_MAX, 32768);
	e->deaf = true;
	for (int i = 0; i < 100; i++)
		send_data(e);
	assert_false(conn_tx_open(e->us));
	assert_in_range(evil_memory(e), 1, 2 * MIB);
	evil_wait(e, 24 * 3600 * SECOND);
	assert_int_equal(conn_error(e->us), OK);
}

/* Answers are gone when the bytes behind which they stand are gone, however much data follows them. */
static void answers_among_data(struct evil *e)
{
	struct buf out = BUF(100);

	evil_open(e, PEER, UINT32_MAX, 32768);
	evil_mark(e);
	e->deaf = true;
	for (int i = 0; i < 100; i++)
		send_data(e);
	evil_build(&out, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 1);
	for (int i = 0; i < 3000; i++)
		evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_true(tx_choked(e->us));
	e->deaf = false;
	e->reads = 8192;
	for (int i = 0; i < 1000; i++) {
		send_data(e);
		evil_run(e);
		assert_true(conn_tx_pending(e->us) > CONTROL_MAX);
	}
	assert_int_equal(evil_count(e, MSG_REQUEST_FAILURE), 3000);
	buf_fini(&out);
}

/* A channel that comes and goes leaves two messages each time, and nobody pays for them any more. */
static void comes_and_goes(struct evil *e)
{
	int i = 0;

	e->deaf = true;
	while (!tx_choked(e->us)) {
		assert_in_range(++i, 1, 1000); /* 64 KiB may wait in any case */
		evil_say(e, "bu", MSG_CHANNEL_CLOSE, evil_open(e, PEER, 1000, 1000));
	}
	assert_in_range(evil_memory(e), 1, MIB);
	e->deaf = false;
	evil_run(e);
	assert_false(tx_choked(e->us));
	assert_int_equal(e->events[EV_OPEN], i);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), i);
}

/* Behind a question that our application takes long to answer. */
static void asks_behind_a_question(struct evil *e)
{
	struct buf out = BUF(100);

	evil_say(e, "bsbsu", MSG_GLOBAL_REQUEST, "tcpip-forward", 1, "localhost", 0u);
	evil_build(&out, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 1);
	for (int i = 0; i < 3000; i++)
		evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_int_equal(e->us->peer_global_count, 1024);
	evil_wait(e, 3600 * SECOND); /* it is not the peer's fault */
	evil_answer(e, true);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 3001);
	assert_int_equal(evil_said(e, 0, 0).p[0], MSG_REQUEST_SUCCESS);
	assert_int_equal(evil_count(e, MSG_REQUEST_FAILURE), 3000);
	buf_fini(&out);
}

static void listeners_without_answer(struct evil *e)
{
	struct buf out = BUF(100);

	evil_build(&out, "bsbsu", MSG_GLOBAL_REQUEST, "tcpip-forward", 1, "localhost", 80u);
	for (int i = 0; i < 3000; i++)
		evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_int_equal(e->events[EV_GLOBAL], 1024);
	buf_fini(&out);
}

static void opens_without_answer(struct evil *e)
{
	struct buf out = BUF(1000);

	for (uint32_t i = 0; i < 10010; i++) {
		evil_put_open(e, &out, i, 1000, 1000);
		evil_queue(e, buf_span(&out));
	}
	evil_run(e);
	assert_int_equal(e->events[EV_OPEN], 10000);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_FAILURE), 10);
	assert_in_range(evil_memory(e), 1, 4 * MIB);
	buf_fini(&out);
}

/* ---- signs of life ---- */

static void dies(struct evil *e)
{
	evil_wait(e, 15 * SECOND - 1);
	assert_int_equal(evil_count(e, 0), 0);
	for (unsigned i = 1; i <= 3; i++) {
		evil_wait(e, 1);
		assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), i);
		evil_wait(e, 15 * SECOND - 1);
		assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), i);
	}
	assert_int_equal(conn_error(e->us), OK);
	evil_wait(e, 1);
}

static void answers(struct evil *e)
{
	for (unsigned i = 1; i <= 50; i++) {
		evil_wait(e, 15 * SECOND);
		assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), i);
		evil_say(e, "b", MSG_REQUEST_FAILURE);
	}
}

static void answers_the_third(struct evil *e)
{
	for (unsigned i = 1; i <= 20; i++) {
		evil_wait(e, 45 * SECOND);
		assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 3 * i);
		evil_say(e, "b", MSG_REQUEST_FAILURE);
	}
}

static void talks(struct evil *e)
{
	for (int i = 0; i < 50; i++) {
		evil_wait(e, 15 * SECOND - 1);
		evil_say(e, "bs", MSG_IGNORE, "");
	}
}

/* Bytes that nobody has authenticated prove nothing. */
static void half_a_packet(struct evil *e)
{
	static const uint8_t ignore[200] = { MSG_IGNORE };
	struct buf packet = BUF(1000);

	evil_seal(e, span(ignore, sizeof(ignore)), &packet);
	for (int i = 0; i < 13; i++) {
		evil_wait(e, 5 * SECOND);
		evil_raw(e, span(packet.p + i, 1));
	}
	buf_fini(&packet);
}

static void silent_for_days(struct evil *e)
{
	evil_wait(e, 3 * 24 * 3600 * SECOND);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), GLOBALS_PENDING_MAX);
	assert_int_equal(e->us->globals_out, GLOBALS_PENDING_MAX);
	assert_true(list_empty(&e->us->globals_waiting));
}

static void silent_before_the_login(struct evil *e)
{
	evil_wait(e, 3600 * SECOND);
}

/* ---- packets that never become whole ---- */

/* The first `much` bytes of an IGNORE of 200 000; the rest is left in `rest`. */
static void begin_packet(struct evil *e, size_t much, struct buf *rest)
{
	static const uint8_t ignore[200000] = { MSG_IGNORE, 0, 3, 0x0d, 0x3b };
	struct buf out = BUF(MIB);

	*rest = BUF(MIB);
	evil_seal(e, span(ignore, sizeof(ignore)), &out);
	evil_raw(e, span(out.p, much));
	buf_bytes(rest, span(out.p + much, out.n - much));
	buf_fini(&out);
}

/* What has come is kept, the memory for the rest is not. */
static void half_of_a_packet(struct evil *e)
{
	struct buf rest;
	uint64_t packets;

	begin_packet(e, 1000, &rest);
	packets = e->us->rx.packets;
	assert_in_range(evil_memory(e), POOL_CHUNK, MIB);
	evil_wait(e, SECOND);
	assert_in_range(evil_memory(e), 1000, 20000);
	evil_raw(e, buf_span(&rest));
	assert_int_equal(e->us->rx.packets, packets + 1);
	assert_in_range(evil_memory(e), 1000, 20000);
	buf_fini(&rest);
}

/* A byte at a time is not copied each time. */
static void trickle(struct evil *e)
{
	struct buf rest;
	unsigned chunks = 0;

	begin_packet(e, 100000, &rest);
	for (size_t i = 0; i < 500; i++) { /* 5 s */
		bool before = e->us->rx.pooled;

		evil_raw(e, span(rest.p + i, 1));
		evil_wait(e, 10);
		chunks += before && !e->us->rx.pooled;
	}
	assert_in_range(chunks, 4, 5);
	evil_raw(e, span(rest.p + 500, rest.n - 500));
	assert_false(e->us->rx.mem);
	buf_fini(&rest);
}

/* ---- windows ---- */

struct ledger {
	uint64_t granted[64], sent[64];
	uint32_t ours[64]; /* our number of a channel, by the peer's */
	bool live[64];
	size_t unread[64];
};

/* Takes in what we granted: CONFIRMATION begins, ADJUST adds. */
static void read_grants(struct evil *e, struct ledger *l)
{
	struct rd in = rd(buf_span(&e->said));

	while (in.n) {
		struct rd m = rd(rd_string(&in));
		uint8_t type = rd_u8(&m);
		uint32_t id = rd_u32(&m);

		if (type == MSG_CHANNEL_OPEN_CONFIRMATION) {
			l->ours[id] = rd_u32(&m);
			l->granted[id] = rd_u32(&m);
		} else if (type == MSG_CHANNEL_WINDOW_ADJUST) {
			l->granted[id] += rd_u32(&m);
		}
	}
	evil_mark(e);
}

static void check_bank(const struct evil *e, const struct ledger *l, uint64_t bank)
{
	uint64_t out = 0;

	for (size_t i = 0; i < LEN(l->live); i++)
		if (l->live[i])
			out += l->granted[i] - l->sent[i];
	assert_in_range(out, 0, bank);
	assert_in_range(e->us->bank_used, out, bank);
}

static void trade(struct evil *e, struct ledger *l, size_t id, unsigned what, size_t much)
{
	static const uint8_t zeros[32768];

	if (!l->live[id]) {
		l->live[id] = true;
		l->sent[id] = l->unread[id] = 0;
		evil_open(e, (uint32_t)id, 1000, 1000);
	} else if (what < 60) {
		much = MIN(much, l->granted[id] - l->sent[id]);
		l->sent[id] += much;
		l->unread[id] += much;
		evil_say(e, "buS", MSG_CHANNEL_DATA, l->ours[id], span(zeros, much));
	} else if (what < 95) {
		much = MIN(2 * much, l->unread[id]);
		l->unread[id] -= much;
		conn_consumed(e->us, l->ours[id], much);
		evil_run(e);
	} else {
		evil_say(e, "bu", MSG_CHANNEL_CLOSE, l->ours[id]);
		l->live[id] = false;
	}
}

/* Whatever channels do, the sum of what the peer may still send stays within the bank. */
static void bank_in_trade(struct evil *e)
{
	struct ledger l = { 0 };
	uint64_t random = 88172645463325252u;

	e->hoard = true;
	for (int i = 0; i < 20000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		trade(e, &l, random % 50, (unsigned)(random >> 8) % 100, (random >> 16) % 32769);
		assert_int_equal(conn_error(e->us), OK);
		read_grants(e, &l);
		check_bank(e, &l, MIB);
	}
}

/* The last channel gets a window too, while all others hold theirs; and closing gives everything back. */
static void channels_of(struct evil *e, uint32_t count, uint64_t bank)
{
	struct buf out = BUF(1000);
	uint64_t sum = 0;

	e->deaf = true; /* confirmations and closes of this many are no flood */
	for (uint32_t i = 0; i <= count; i++) {
		evil_put_open(e, &out, i, 1000, 1000);
		evil_queue(e, buf_span(&out));
	}
	evil_run(e);
	assert_int_equal(e->events[EV_OPEN], count);
	assert_in_range(e->us->bank_used, 1, bank);
	for (uint32_t i = 0; i < count; i++)
		evil_queue(e, evil_build(&out, "bu", MSG_CHANNEL_CLOSE, i));
	evil_run(e);
	assert_int_equal(e->events[EV_CLOSED], count);
	assert_int_equal(e->us->bank_used, 0);
	assert_in_range(evil_memory(e), 1, 4 * MIB);
	e->deaf = false;
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), count);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_FAILURE), 1);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), count);
	for (struct rd in = rd(buf_span(&e->said)); in.n;) {
		struct span m = rd_string(&in);

		if (m.p[0] != MSG_CHANNEL_OPEN_CONFIRMATION)
			continue;
		assert_in_range(get_u32(m.p + 9), 1024, 2 * MIB);
		sum += get_u32(m.p + 9);
	}
	assert_in_range(sum, 1, bank);
	buf_fini(&out);
}

static void channels_100(struct evil *e)
{
	channels_of(e, 100, MIB);
}

static void channels_10000(struct evil *e)
{
	channels_of(e, 10000, 128 * MIB);
}

static const struct evil_row rows[] = {
	{ "extended data without a byte", OURS_BOTH, PLAY(extended_without_a_byte), FINE },
	{ "EOF again and again", OURS_BOTH, PLAY(eof_again), FINE },
	{ "requests on a channel", OURS_BOTH, PLAY(channel_requests), FINE },
	{ "global requests", OURS_BOTH, PLAY(global_requests), FINE },
	{ "host keys again and again", OURS_CLIENT, PLAY(host_keys), FINE },
	{ "100 000 times IGNORE", OURS_BOTH, PLAY(flood), QUIET },
	{ "reads answers slowly", OURS_BOTH, PLAY(reads_slowly), FINE },
	{ "data that nobody reads", OURS_BOTH, PLAY(data_that_nobody_reads), FINE },
	{ "answers among data", OURS_BOTH, PLAY(answers_among_data), FINE },
	{ "channels that come and go", OURS_BOTH, PLAY(comes_and_goes), FINE, { .limits = { .max_channels = 10 } } },
	{ "requests behind an open question",
	  OURS_SERVER,
	  PLAY(asks_behind_a_question),
	  FINE,
	  { .global = SAY_NOTHING } },
	{ "listeners that nobody answers",
	  OURS_SERVER,
	  PLAY(listeners_without_answer),
	  FINE,
	  { .global = SAY_NOTHING } },
	{ "channels that nobody answers", OURS_BOTH, PLAY(opens_without_answer), FINE, { .open = SAY_NOTHING } },

	{ "silence", OURS_BOTH, PLAY(dies), TIMES_OUT, 0, ALIVE(3) },
	{ "answers each keepalive", OURS_BOTH, PLAY(answers), FINE, ALIVE(3) },
	{ "answers at the last moment", OURS_BOTH, PLAY(answers_the_third), FINE, ALIVE(3) },
	{ "talks without answering", OURS_BOTH, PLAY(talks), QUIET, ALIVE(3) },
	{ "half a packet", OURS_BOTH, PLAY(half_a_packet), TIMES_OUT, 0, ALIVE(3) },
	{ "silence that is allowed", OURS_BOTH, PLAY(silent_for_days), FINE, ALIVE(0) },
	{ "silence, no keepalive", OURS_BOTH, PLAY(silent_before_the_login), QUIET },
	{ "no keepalive before the login", OURS_BOTH, AT_AUTH, { 0 }, silent_before_the_login, QUIET, ALIVE(3) },

	{ "half of a packet", OURS_BOTH, PLAY(half_of_a_packet), FINE },
	{ "a packet byte by byte", OURS_BOTH, PLAY(trickle), FINE },
	{ "windows in trade", OURS_BOTH, PLAY(bank_in_trade), FINE, { .limits = { .max_channels = 50, .bank = MIB } } },
	{ "100 channels and a small bank",
	  OURS_BOTH,
	  PLAY(channels_100),
	  FINE,
	  { .limits = { .max_channels = 100, .bank = MIB } } },
	{ "10 000 channels", OURS_BOTH, PLAY(channels_10000), FINE },
};

int main(void)
{
	struct CMUnitTest tests[LEN(askings) + 1];
	int failed;

	if (evil_begin())
		return 1;
	for (size_t i = 0; i < LEN(askings); i++)
		tests[i] = (struct CMUnitTest){ askings[i].name, test_askings, NULL, NULL,
						(void *)(uintptr_t)&askings[i] };
	tests[LEN(askings)] = (struct CMUnitTest)cmocka_unit_test(test_nothings);
	failed = cmocka_run_group_tests_name("answers that nobody reads", tests, NULL, NULL);
	failed += evil_rows("floods and silence", rows, LEN(rows));
	evil_end();
	return failed;
}
