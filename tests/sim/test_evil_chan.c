/* Channels and global requests with a hostile peer (RFC 4254). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

#define DENIED	ERR_PROTO, DISC_PROTOCOL_ERROR
#define WINDOW	ERR_WINDOW, DISC_PROTOCOL_ERROR
#define NOTE(b) BYTES(b), NULL
#define PLAY(f) AT_OPEN, { 0 }, f
#define FINE	OK, 0, SAYS_ANYTHING
#define QUIET	OK, 0, SAYS_NOTHING

enum { PEER = 70, MIB = 1 << 20, PACKET = 32768 };

/* ---- a channel in each of its states; the number is always 0 ---- */

static void opening(struct evil *e)
{
	assert_int_equal(evil_opening(e), 0);
	evil_mark(e);
}

static void asked(struct evil *e)
{
	e->setup.open = SAY_NOTHING;
	assert_int_equal(evil_open(e, PEER, 1000, 1000), 0);
	evil_mark(e);
}

static void opened(struct evil *e)
{
	assert_int_equal(evil_open(e, PEER, 1000, 1000), 0);
	evil_mark(e);
}

static void ours_opened(struct evil *e)
{
	opening(e);
	evil_say(e, "buuuu", MSG_CHANNEL_OPEN_CONFIRMATION, 0u, PEER, 1000u, 1000u);
	assert_int_equal(e->events[EV_OPENED], 1);
	evil_mark(e);
}

static void eof_got(struct evil *e)
{
	opened(e);
	evil_say(e, "bu", MSG_CHANNEL_EOF, 0u);
	assert_int_equal(e->events[EV_EOF], 1);
	evil_mark(e);
}

static void eof_sent(struct evil *e)
{
	opened(e);
	conn_eof(e->us, 0);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_EOF), 1);
	evil_mark(e);
}

static void close_sent(struct evil *e)
{
	opened(e);
	conn_close(e->us, 0);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), 1);
	evil_mark(e);
}

static void closed(struct evil *e)
{
	opened(e);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	assert_int_equal(e->events[EV_CLOSED], 1);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), 1);
	evil_mark(e);
}

static void never(struct evil *e)
{
	evil_mark(e);
}

/* ---- every message in every state ---- */

/* What must come of it: a letter for each message. D denied, I ignored, otherwise the event that it gives: d data,
 * e EOF, c closed (and CLOSE is answered), C closed (and CLOSE was out), o opened, r refused, f answered by FAILURE,
 * k CLOSE goes out because nobody wants the channel any more. */
struct life_row {
	const char *name;
	void (*reach)(struct evil *e);
	const char *fates; /* CONFIRMATION FAILURE ADJUST DATA EXTENDED EOF CLOSE REQUEST SUCCESS FAILURE */
};

static void abandoned(struct evil *e)
{
	opening(e);
	conn_close(e->us, 0);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 0);
}

static const struct life_row lives[] = {
	{ "never opened", never, "DDDDDDDDDD" },
	{ "we are opening", opening, "orDDDDDDII" },
	{ "we gave up opening", abandoned, "kIDDDDDDII" },
	{ "the peer is opening", asked, "DDDDDDDDII" },
	{ "open", opened, "DDIdIecfII" },
	{ "open, by us", ours_opened, "DDIdIecfII" },
	{ "EOF came", eof_got, "DDIDDIcfII" },
	{ "we sent EOF", eof_sent, "DDIdIecfII" },
	{ "we sent CLOSE", close_sent, "DDIIIICIII" },
	{ "CLOSE came", closed, "DDIDDDDDII" },
};

static void send_number(struct evil *e, size_t i, uint32_t id)
{
	switch (MSG_CHANNEL_OPEN_CONFIRMATION + i) {
	case MSG_CHANNEL_OPEN_CONFIRMATION:
		evil_say(e, "buuuu", MSG_CHANNEL_OPEN_CONFIRMATION, id, PEER, 1000u, 1000u);
		break;
	case MSG_CHANNEL_OPEN_FAILURE:
		evil_say(e, "buuss", MSG_CHANNEL_OPEN_FAILURE, id, 4711u, "\x1b[2J", "");
		break;
	case MSG_CHANNEL_WINDOW_ADJUST:
		evil_say(e, "buu", MSG_CHANNEL_WINDOW_ADJUST, id, 1u);
		break;
	case MSG_CHANNEL_DATA:
		evil_say(e, "bus", MSG_CHANNEL_DATA, id, "data");
		break;
	case MSG_CHANNEL_EXTENDED_DATA:
		evil_say(e, "buus", MSG_CHANNEL_EXTENDED_DATA, id, 1u, "data");
		break;
	case MSG_CHANNEL_REQUEST:
		evil_say(e, "busb", MSG_CHANNEL_REQUEST, id, "winadj@putty.projects.tartarus.org", 1);
		break;
	default:
		evil_say(e, "bu", (int)(MSG_CHANNEL_OPEN_CONFIRMATION + i), id);
	}
}

static enum event_kind event_of(char fate)
{
	static const char letters[] = "decCor";
	static const enum event_kind kinds[] = { EV_DATA, EV_EOF, EV_CLOSED, EV_CLOSED, EV_OPENED, EV_REFUSED };
	const char *at = strchr(letters, fate);

	return at ? kinds[at - letters] : 0;
}

static uint8_t answer_of(char fate)
{
	return fate == 'c' || fate == 'k' ? MSG_CHANNEL_CLOSE : fate == 'f' ? MSG_CHANNEL_FAILURE : 0;
}

static void check_fate(struct evil *e, char fate)
{
	enum event_kind kind = event_of(fate);
	uint8_t answer = answer_of(fate);
	unsigned events = 0;

	if (fate == 'D') {
		evil_dead(e, ERR_PROTO, DISC_PROTOCOL_ERROR);
		return;
	}
	assert_int_equal(conn_error(e->us), OK);
	for (size_t i = 0; i < LEN(e->events); i++)
		events += e->events[i];
	assert_int_equal(events, kind ? 1 : 0);
	assert_int_equal(e->events[kind], kind ? 1 : 0);
	assert_int_equal(evil_count(e, 0), answer ? 1 : 0);
	if (answer)
		assert_int_equal(get_u32(evil_said(e, answer, 0).p + 1), PEER);
}

static void test_life(void **state)
{
	const struct life_row *row = *state;
	struct evil_setup setup = { 0 };
	struct evil e;

	for (int role = ROLE_CLIENT; role <= ROLE_SERVER; role++) {
		for (size_t i = 0; row->fates[i]; i++) {
			char fate = row->fates[i];

			setup.role = (enum role)role;
			evil_init(&e, &setup);
			evil_reach(&e, AT_OPEN);
			row->reach(&e);
			send_number(&e, i, 0);
			check_fate(&e, fate);
			evil_fini(&e);
		}
	}
}

/* Numbers that no channel ever had. */
static void test_numbers(void **state)
{
	static const uint32_t ids[] = { 1, 8, 9999, 10000, 0x7fffffff, 0x80000000, 0xffffffff };
	struct evil_setup setup = { 0 };
	struct evil e;

	(void)state;
	for (size_t k = 0; k < LEN(ids) * 2; k++) {
		for (size_t i = 0; i <= MSG_CHANNEL_FAILURE - MSG_CHANNEL_OPEN_CONFIRMATION; i++) {
			setup.role = k % 2 ? ROLE_SERVER : ROLE_CLIENT;
			evil_init(&e, &setup);
			evil_reach(&e, AT_OPEN);
			opened(&e);
			send_number(&e, i, ids[k / 2]);
			evil_dead(&e, ERR_PROTO, DISC_PROTOCOL_ERROR);
			evil_fini(&e);
		}
	}
}

/* ---- opening ---- */

static uint32_t refused_because(const struct evil *e)
{
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_FAILURE), 1);
	assert_int_equal(e->events[EV_OPEN], 0);
	assert_int_equal(get_u32(evil_said(e, MSG_CHANNEL_OPEN_FAILURE, 0).p + 1), PEER);
	return get_u32(evil_said(e, MSG_CHANNEL_OPEN_FAILURE, 0).p + 5);
}

static void packet_0(struct evil *e)
{
	evil_open(e, PEER, 1000, 0);
	assert_int_equal(refused_because(e), OPEN_PROHIBITED);
}

static void packet_255(struct evil *e)
{
	evil_open(e, PEER, 1000, 255);
	assert_int_equal(refused_because(e), OPEN_PROHIBITED);
}

static void packet_256(struct evil *e)
{
	evil_open(e, PEER, 1000, 256);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 1);
}

/* Sends all that may be sent at once, and returns the greatest packet in it. */
static size_t fill(struct evil *e, uint32_t id, size_t *sum)
{
	struct iovec iov[8];
	size_t n, greatest = 0;

	*sum = 0;
	evil_mark(e);
	while ((n = conn_lend(e->us, id, 1 << 20, iov, LEN(iov)))) {
		size_t bytes = 0;

		for (size_t i = 0; i < n; i++) {
			memset(iov[i].iov_base, 'x', iov[i].iov_len);
			bytes += iov[i].iov_len;
			greatest = MAX(greatest, iov[i].iov_len);
		}
		conn_seal(e->us, id, bytes);
		*sum += bytes;
		evil_run(e);
	}
	return greatest;
}

static void packet_4g(struct evil *e)
{
	size_t sum;

	evil_open(e, PEER, 1000000, UINT32_MAX);
	assert_in_range(fill(e, 0, &sum), 1, 128 * 1024);
	assert_int_equal(sum, 1000000);
}

static void confirmed(struct evil *e, uint32_t window, uint32_t packet)
{
	opening(e);
	evil_say(e, "buuuur", MSG_CHANNEL_OPEN_CONFIRMATION, 0u, PEER, window, packet, span_str("more of this type"));
}

static void confirmed_packet_0(struct evil *e)
{
	confirmed(e, 1000, 0);
}

static void confirmed_packet_255(struct evil *e)
{
	confirmed(e, 1000, 255);
}

static void confirmed_packet_256(struct evil *e)
{
	size_t sum;

	confirmed(e, 1000, 256);
	assert_int_equal(fill(e, 0, &sum), 256);
	assert_int_equal(sum, 1000);
}

static void confirmed_packet_4g(struct evil *e)
{
	size_t sum;

	confirmed(e, UINT32_MAX, UINT32_MAX);
	e->us->tx.pending = 0;
	assert_int_equal(conn_lend(e->us, 0, 100, (struct iovec[1]){ { 0 } }, 1), 1);
	conn_seal(e->us, 0, 0);
	(void)sum;
}

/* A window of 0 is legal: nothing is sent, nothing spins, and room is told once. */
static void window_0(struct evil *e)
{
	struct iovec iov;
	size_t sum;

	evil_open(e, PEER, 0, 1000);
	assert_int_equal(conn_lend(e->us, 0, 100, &iov, 1), 0);
	assert_int_equal(conn_deadline(e->us), UINT64_MAX);
	evil_say(e, "buu", MSG_CHANNEL_WINDOW_ADJUST, 0u, 0u);
	assert_int_equal(e->events[EV_ROOM], 0);
	evil_say(e, "buu", MSG_CHANNEL_WINDOW_ADJUST, 0u, 300u);
	evil_say(e, "buu", MSG_CHANNEL_WINDOW_ADJUST, 0u, 300u);
	assert_int_equal(e->events[EV_ROOM], 1);
	fill(e, 0, &sum);
	assert_int_equal(sum, 600);
}

static void adjust(struct evil *e, uint32_t window, uint32_t add)
{
	evil_open(e, PEER, window, 1000);
	evil_mark(e);
	evil_say(e, "buu", MSG_CHANNEL_WINDOW_ADJUST, 0u, add);
}

static void adjust_to_the_limit(struct evil *e)
{
	adjust(e, UINT32_MAX - 1, 1);
}

static void adjust_beyond(struct evil *e)
{
	adjust(e, UINT32_MAX, 1);
}

static void adjust_by_4g(struct evil *e)
{
	adjust(e, 1, UINT32_MAX);
}

static void adjust_by_0(struct evil *e)
{
	adjust(e, UINT32_MAX, 0);
}

static void open_type(struct evil *e, struct span type, uint32_t reason)
{
	evil_say(e, "bSuuur", MSG_CHANNEL_OPEN, type, PEER, 1000u, 1000u, span_str("whatever"));
	assert_int_equal(refused_because(e), reason);
}

static void foreign_types(struct evil *e)
{
	static const char *const types[] = { "x11",	    "auth-agent@openssh.com", "tun@openssh.com", "",
					     "direct-tcpi", "direct-tcpip2",	      "\x1b[2J" };

	for (size_t i = 0; i < LEN(types); i++) {
		evil_mark(e);
		open_type(e, span_str(types[i]), OPEN_UNKNOWN_TYPE);
	}
	evil_mark(e);
	open_type(e, span((const uint8_t *)"direct-tcpip\0x", 14), OPEN_UNKNOWN_TYPE);
}

static void long_type(struct evil *e)
{
	struct buf type = BUF(1 << 16);

	memset(buf_add(&type, 30000), 't', 30000);
	open_type(e, buf_span(&type), OPEN_UNKNOWN_TYPE);
	buf_fini(&type);
}

static void session(struct evil *e)
{
	open_type(e, span_str("session"), e->setup.role == ROLE_SERVER ? OPEN_PROHIBITED : OPEN_UNKNOWN_TYPE);
}

static void wrong_direction(struct evil *e)
{
	bool server = e->setup.role == ROLE_SERVER;

	open_type(e, span_str(server ? "forwarded-tcpip" : "direct-tcpip"), OPEN_PROHIBITED);
	evil_mark(e);
	open_type(e, span_str(server ? "forwarded-streamlocal@openssh.com" : "direct-streamlocal@openssh.com"),
		  OPEN_PROHIBITED);
}

static void open_target(struct evil *e, size_t host, uint32_t port)
{
	const char *type = e->setup.role == ROLE_SERVER ? "direct-tcpip" : "forwarded-tcpip";
	struct buf name = BUF(1 << 16);

	if (host)
		memset(buf_add(&name, host), 'h', host);
	evil_say(e, "bsuuuSusu", MSG_CHANNEL_OPEN, type, PEER, 1000u, 1000u, buf_span(&name), port, "\x1b[2J",
		 UINT32_MAX);
	buf_fini(&name);
}

static void host_1024(struct evil *e)
{
	open_target(e, 1024, 65535);
	assert_int_equal(e->events[EV_OPEN], 1);
	assert_int_equal(e->last.target.host.n, 1024);
}

static void host_1025(struct evil *e)
{
	open_target(e, 1025, 80);
	assert_int_equal(refused_because(e), OPEN_PROHIBITED);
}

static void port_65536(struct evil *e)
{
	open_target(e, 4, 65536);
	assert_int_equal(refused_because(e), OPEN_PROHIBITED);
}

static void port_4g(struct evil *e)
{
	open_target(e, 4, UINT32_MAX);
	assert_int_equal(refused_because(e), OPEN_PROHIBITED);
}

static void streamlocal(struct evil *e)
{
	bool server = e->setup.role == ROLE_SERVER;

	evil_say(e, server ? "bsuuussu" : "bsuuuss", MSG_CHANNEL_OPEN,
		 server ? "direct-streamlocal@openssh.com" : "forwarded-streamlocal@openssh.com", PEER, 1000u, 1000u,
		 "/run/sock", "reserved", 0u);
	assert_int_equal(e->events[EV_OPEN], 1);
	assert_int_equal(e->last.target.port, 0);
}

/* A number of the peer's own twice: its problem, and we answer both. */
static void same_number_twice(struct evil *e)
{
	assert_int_equal(evil_open(e, PEER, 1000, 1000), 0);
	assert_int_equal(evil_open(e, PEER, 1000, 1000), 1);
	evil_say(e, "bus", MSG_CHANNEL_DATA, 1u, "data");
	assert_int_equal(e->last.chan, 1);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 1u);
	assert_int_equal(e->events[EV_CLOSED], 2);
}

/* ---- limits of number ---- */

#define THREE                                  \
	{                                      \
		.limits = {.max_channels = 3 } \
	}

static void max_channels(struct evil *e)
{
	for (uint32_t i = 0; i < 3; i++)
		evil_open(e, PEER + i, 1000, 1000);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 3);
	evil_mark(e);
	evil_open(e, PEER, 1000, 1000);
	assert_int_equal(refused_because(e), OPEN_SHORTAGE);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 1u);
	evil_mark(e);
	evil_open(e, PEER, 1000, 1000);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 1);
}

/* A number is free only when both have closed: until then it counts, and is nobody else's. */
static void number_while_closing(struct evil *e)
{
	for (uint32_t i = 0; i < 3; i++)
		evil_open(e, PEER + i, 1000, 1000);
	conn_close(e->us, 1);
	evil_run(e);
	evil_mark(e);
	evil_open(e, PEER, 1000, 1000);
	assert_int_equal(refused_because(e), OPEN_SHORTAGE);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 1u);
	for (uint32_t i = 0; i < 40; i++) { /* 0 and 2 live on, and nobody gets their numbers */
		uint32_t id = evil_open(e, PEER, 1000, 1000);

		assert_int_not_equal(id, 0);
		assert_int_not_equal(id, 2);
		evil_say(e, "bu", MSG_CHANNEL_CLOSE, id);
	}
	assert_int_equal(e->events[EV_CLOSED], 41);
}

/* What was just freed is used last. */
static void numbers_rest(struct evil *e)
{
	opened(e);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	assert_int_not_equal(evil_open(e, PEER, 1000, 1000), 0);
}

static void refused_leave_nothing(struct evil *e)
{
	size_t before = 0;

	e->setup.open = SAY_NO;
	for (int i = 0; i < 2000; i++) {
		evil_open(e, PEER, 1000, 1000);
		before = before ? before : evil_memory(e);
	}
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_FAILURE), 2000);
	assert_int_equal(evil_memory(e), before);
	assert_int_equal(e->us->chans.used, 0);
	assert_int_equal(e->us->bank_used, 0);
}

/* The application need not answer: it may close, and the question is gone. */
static void asked_and_given_up(struct evil *e)
{
	struct answer yes = { .yes = true };

	asked(e);
	conn_close(e->us, 0);
	conn_close(e->us, 0);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 1);
	assert_int_equal(get_u32(evil_said(e, MSG_CHANNEL_OPEN_FAILURE, 0).p + 1), PEER);
	assert_int_equal(get_u32(evil_said(e, MSG_CHANNEL_OPEN_FAILURE, 0).p + 5), OPEN_CONNECT_FAILED);
	assert_int_equal(conn_answer(e->us, e->question, &yes), ERR_NOT_FOUND);
	e->setup.open = SAY_YES;
	evil_open(e, PEER, 1000, 1000);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 1);
}

static void opening_too_long(struct evil *e)
{
	opening(e);
	evil_wait(e, OPEN_MS - 1);
	assert_int_equal(e->events[EV_REFUSED], 0);
	evil_wait(e, 1);
	assert_int_equal(e->events[EV_REFUSED], 1);
	evil_say(e, "buuuu", MSG_CHANNEL_OPEN_CONFIRMATION, 0u, PEER, 1000u, 1000u); /* too late: closed at once */
	assert_int_equal(e->events[EV_OPENED], 0);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), 1);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	assert_int_equal(e->events[EV_CLOSED], 0);
	assert_int_equal(e->us->chans.used, 0);
}

static void closing_just_in_time(struct evil *e)
{
	close_sent(e);
	evil_wait(e, CLOSING_MS - 1);
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	evil_wait(e, CLOSING_MS);
	assert_int_equal(e->events[EV_CLOSED], 1);
}

static void closing_too_long(struct evil *e)
{
	close_sent(e);
	evil_wait(e, CLOSING_MS);
}

/* ---- data ---- */

static void data(struct evil *e, uint32_t id, size_t n)
{
	struct buf bytes = BUF(1 << 20);

	if (n)
		memset(buf_add(&bytes, n), 'd', n);
	evil_say(e, "buS", MSG_CHANNEL_DATA, id, buf_span(&bytes));
	buf_fini(&bytes);
}

static void packet_of_32768(struct evil *e)
{
	opened(e);
	data(e, 0, PACKET);
	assert_int_equal(e->got, PACKET);
}

static void packet_of_32769(struct evil *e)
{
	opened(e);
	data(e, 0, PACKET + 1);
}

static void packet_of_200000(struct evil *e)
{
	opened(e);
	data(e, 0, 200000);
}

/* We keep all of it, so that the window is not given back. */
static void window_used_up(struct evil *e)
{
	e->hoard = true;
	opened(e);
	for (int i = 0; i < 2 * MIB / PACKET; i++)
		data(e, 0, PACKET);
	assert_int_equal(e->got, 2 * MIB);
	assert_int_equal(evil_count(e, MSG_CHANNEL_WINDOW_ADJUST), 0);
}

static void window_one_more(struct evil *e)
{
	window_used_up(e);
	data(e, 0, 1);
}

static void window_all_but_one(struct evil *e)
{
	e->hoard = true;
	opened(e);
	for (int i = 0; i < 2 * MIB / PACKET - 1; i++)
		data(e, 0, PACKET);
	data(e, 0, PACKET - 1);
}

static void window_one_left(struct evil *e)
{
	window_all_but_one(e);
	data(e, 0, 2);
}

static void extended_counts_too(struct evil *e)
{
	window_used_up(e);
	evil_say(e, "buus", MSG_CHANNEL_EXTENDED_DATA, 0u, 1u, "x");
}

/* What is given back can be used again, and no more than that. */
static void window_given_back(struct evil *e)
{
	window_used_up(e);
	conn_consumed(e->us, 0, 2 * MIB);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_WINDOW_ADJUST), 1);
	assert_int_equal(get_u32(evil_said(e, MSG_CHANNEL_WINDOW_ADJUST, 0).p + 5), 2 * MIB);
	for (int i = 0; i < 2 * MIB / PACKET; i++)
		data(e, 0, PACKET);
	data(e, 0, 1);
}

/* A peer that is as fast as it may be, and everything it sends is passed on at once: the window stays below what
 * OpenSSH can hold of a channel. */
static void window_ceiling(struct evil *e)
{
	enum { CEILING = 15 * MIB };
	uint64_t window, id = evil_open(e, PEER, 1000, 1000);

	assert_int_equal(id, 0);
	window = get_u32(evil_said(e, MSG_CHANNEL_OPEN_CONFIRMATION, 0).p + 9);
	for (int i = 0; i < 3 * CEILING / PACKET; i++) {
		evil_mark(e);
		assert_in_range(window, PACKET, CEILING);
		data(e, 0, PACKET);
		window -= PACKET;
		for (size_t k = 0; k < evil_count(e, MSG_CHANNEL_WINDOW_ADJUST); k++)
			window += get_u32(evil_said(e, MSG_CHANNEL_WINDOW_ADJUST, k).p + 5);
	}
}

static void nothing_in_it(struct evil *e)
{
	opened(e);
	for (int i = 0; i < 1000; i++)
		data(e, 0, 0);
	assert_int_equal(e->events[EV_DATA], 0);
}

static void extended_is_dropped(struct evil *e)
{
	static const uint32_t types[] = { 0, 1, 2, UINT32_MAX };
	struct buf bytes = BUF(1 << 20);
	uint32_t given = 0;

	opened(e);
	memset(buf_add(&bytes, PACKET), 'd', PACKET);
	for (int i = 0; i < 2 * MIB / PACKET; i++)
		evil_say(e, "buuS", MSG_CHANNEL_EXTENDED_DATA, 0u, types[i % 4], buf_span(&bytes));
	for (size_t i = 0; i < evil_count(e, MSG_CHANNEL_WINDOW_ADJUST); i++)
		given += get_u32(evil_said(e, MSG_CHANNEL_WINDOW_ADJUST, i).p + 5);
	assert_in_range(given, MIB, 2 * MIB);
	assert_int_equal(e->events[EV_DATA], 0);
	buf_fini(&bytes);
}

/* In flight when we close: dropped, but it must fit the window all the same. */
static void data_after_our_close(struct evil *e)
{
	close_sent(e);
	for (int i = 0; i < 2 * MIB / PACKET; i++)
		data(e, 0, PACKET);
	assert_int_equal(e->events[EV_DATA], 0);
	assert_int_equal(evil_count(e, 0), 0);
	data(e, 0, 1);
}

static void eof_twice(struct evil *e)
{
	eof_got(e);
	evil_say(e, "bu", MSG_CHANNEL_EOF, 0u);
	assert_int_equal(e->events[EV_EOF], 0);
}

static void closes(struct evil *e)
{
	evil_say(e, "bu", MSG_CHANNEL_CLOSE, 0u);
	assert_int_equal(e->events[EV_CLOSED], 1);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), 1);
}

static void close_after_eof(struct evil *e)
{
	eof_got(e);
	closes(e);
	assert_true(e->last.clean);
}

static void close_without_eof(struct evil *e)
{
	opened(e);
	closes(e);
	assert_false(e->last.clean);
}

static void nothing_after_our_end(struct evil *e)
{
	struct iovec iov;

	eof_sent(e);
	assert_int_equal(conn_lend(e->us, 0, 100, &iov, 1), 0);
	conn_eof(e->us, 0);
	conn_close(e->us, 0);
	conn_close(e->us, 0);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_EOF), 0);
	assert_int_equal(evil_count(e, MSG_CHANNEL_CLOSE), 1);
	assert_int_equal(conn_lend(e->us, 0, 100, &iov, 1), 0);
}

/* ---- requests on channels ---- */

static void channel_request(struct evil *e, const char *type, bool want_reply, size_t n)
{
	struct buf rest = BUF(1 << 16);

	if (n)
		memset(buf_add(&rest, n), 0xff, n);
	evil_mark(e);
	evil_say(e, "busbr", MSG_CHANNEL_REQUEST, 0u, type, want_reply ? 2 : 0, buf_span(&rest));
	assert_int_equal(evil_count(e, MSG_CHANNEL_FAILURE), want_reply);
	assert_int_equal(evil_count(e, 0), want_reply);
	buf_fini(&rest);
}

static void channel_requests(struct evil *e)
{
	static const char *const types[] = { "exit-status",
					     "exit-signal",
					     "eow@openssh.com",
					     "keepalive@openssh.com",
					     "shell",
					     "exec",
					     "pty-req",
					     "window-change",
					     "",
					     "\x1b[2J" };

	opened(e);
	for (size_t i = 0; i < LEN(types) * 5; i++) {
		channel_request(e, types[i / 5], true, i % 5);
		channel_request(e, types[i / 5], false, i % 5);
	}
	channel_request(e, "env", true, 32000);
	evil_mark(e);
}

static void winadj_after_eof(struct evil *e)
{
	eof_got(e);
	conn_eof(e->us, 0);
	evil_run(e);
	channel_request(e, "winadj@putty.projects.tartarus.org", true, 0);
}

/* ---- global requests ---- */

static uint32_t ask(struct evil *e, uint32_t port)
{
	const struct global_request g = { .kind = GLOBAL_TCPIP_FORWARD, .host = span_str("localhost"), .port = port };
	uint32_t ticket = 0;

	assert_int_equal(conn_global(e->us, &g, e, &ticket), OK);
	evil_run(e);
	return ticket;
}

static void port_reply(struct evil *e, struct span body)
{
	ask(e, 0);
	evil_mark(e);
	evil_say(e, "br", MSG_REQUEST_SUCCESS, body);
}

#define PORT_REPLY(name, bytes)                                                   \
	static void name(struct evil *e)                                          \
	{                                                                         \
		port_reply(e, span((const uint8_t *)(bytes), sizeof(bytes) - 1)); \
	}
PORT_REPLY(port_none, "")
PORT_REPLY(port_of_2, "\x12\x34")
PORT_REPLY(port_of_3, "\0\x12\x34")
PORT_REPLY(port_of_8, "\0\0\x12\x34\0\0\0\0")
PORT_REPLY(port_0, "\0\0\0\0")
PORT_REPLY(port_beyond, "\0\1\0\0")
PORT_REPLY(port_huge, "\xff\xff\xff\xff")

static void port_65535(struct evil *e)
{
	port_reply(e, span((const uint8_t *)"\0\0\xff\xff", 4));
	assert_int_equal(e->events[EV_REPLY], 1);
	assert_true(e->last.ok);
	assert_int_equal(e->last.port, 65535);
}

static void port_not_asked_for(struct evil *e)
{
	ask(e, 8080);
	evil_mark(e);
	evil_say(e, "br", MSG_REQUEST_SUCCESS, span_str("anything"));
	assert_true(e->last.ok);
	assert_int_equal(e->last.port, 0);
}

/* Keys are asked for as they are given, and the proof is passed on unread: whether it is one is not the engine's. */
static void prove_keys(struct evil *e)
{
	static const char keys[] = "\0\0\0\1a\0\0\0\2bc";
	const struct global_request g = { .kind = GLOBAL_PROVE_HOST_KEYS, .keys = span(keys, sizeof(keys) - 1) };
	struct buf want = BUF(1000);
	uint32_t ticket;

	assert_int_equal(conn_global(e->us, &g, e, &ticket), OK);
	evil_run(e);
	evil_build(&want, "bsbr", MSG_GLOBAL_REQUEST, "hostkeys-prove-00@openssh.com", 1, g.keys);
	assert_true(span_eq(evil_said(e, MSG_GLOBAL_REQUEST, 0), buf_span(&want)));
	buf_fini(&want);
	evil_say(e, "br", MSG_REQUEST_SUCCESS, span_str("a proof"));
	assert_int_equal(e->events[EV_REPLY], 1);
	assert_int_equal(e->last.ticket, ticket);
	assert_true(e->last.ok);
	assert_true(span_is(buf_span(&e->text), "a proof"));
}

static void prove_too_many(struct evil *e)
{
	static const uint8_t keys[PROVE_MAX + 1];
	struct global_request g = { .kind = GLOBAL_PROVE_HOST_KEYS, .keys = span(keys, sizeof(keys)) };
	uint32_t ticket;

	assert_int_equal(conn_global(e->us, &g, e, &ticket), ERR_LIMIT);
	g.keys.n--;
	assert_int_equal(conn_global(e->us, &g, e, &ticket), OK);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 1);
}

static void surplus_replies(struct evil *e)
{
	uint32_t ticket;

	for (int i = 0; i < 100; i++)
		evil_say(e, "b", i % 2 ? MSG_REQUEST_SUCCESS : MSG_REQUEST_FAILURE);
	ticket = ask(e, 8080);
	assert_int_equal(e->events[EV_REPLY], 0);
	evil_say(e, "b", MSG_REQUEST_FAILURE);
	assert_int_equal(e->events[EV_REPLY], 1);
	assert_int_equal(e->last.ticket, ticket);
	assert_false(e->last.ok);
}

static void replies_in_order(struct evil *e)
{
	uint32_t first = ask(e, 1), second = ask(e, 2);

	evil_say(e, "b", MSG_REQUEST_FAILURE);
	assert_int_equal(e->last.ticket, first);
	assert_false(e->last.ok);
	evil_say(e, "b", MSG_REQUEST_SUCCESS);
	assert_int_equal(e->last.ticket, second);
	assert_true(e->last.ok);
}

static void pending_64(struct evil *e)
{
	for (uint32_t i = 1; i <= 63; i++)
		ask(e, i);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 63);
	ask(e, 64);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 64);
	ask(e, 65);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 64);
	evil_say(e, "b", MSG_REQUEST_SUCCESS);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 65);
}

/* Given up after a while; its late answer is not the next one's. */
static void reply_too_late(struct evil *e)
{
	uint32_t first = ask(e, 1), second;

	evil_wait(e, GLOBAL_MS - 1);
	assert_int_equal(e->events[EV_REPLY], 0);
	evil_wait(e, 1);
	assert_int_equal(e->events[EV_REPLY], 1);
	assert_int_equal(e->last.ticket, first);
	assert_false(e->last.ok);
	second = ask(e, 2);
	evil_say(e, "b", MSG_REQUEST_SUCCESS);
	assert_int_equal(e->events[EV_REPLY], 1);
	evil_say(e, "b", MSG_REQUEST_FAILURE);
	assert_int_equal(e->events[EV_REPLY], 2);
	assert_int_equal(e->last.ticket, second);
	assert_false(e->last.ok);
}

static void unknown_globals(struct evil *e)
{
	static const char *const names[] = { "no-more-sessions@openssh.com",
					     "keepalive@openssh.com",
					     "hostkeys-prove-00@openssh.com",
					     "tcpip-forwar",
					     "tcpip-forward2",
					     "" };

	for (size_t i = 0; i < 600; i++)
		evil_say(e, "bsb", MSG_GLOBAL_REQUEST, names[i % LEN(names)], (int)(i & 1));
	assert_int_equal(evil_count(e, MSG_REQUEST_FAILURE), 300);
	assert_int_equal(evil_count(e, 0), 300);
}

static void forward_asked_of_a_client(struct evil *e)
{
	evil_say(e, "bsbsu", MSG_GLOBAL_REQUEST, "tcpip-forward", 1, "localhost", 8080u);
	assert_int_equal(e->events[EV_GLOBAL], 0);
}

static void forward(struct evil *e, size_t host, uint32_t port)
{
	struct buf name = BUF(1 << 16);

	if (host)
		memset(buf_add(&name, host), 'h', host);
	evil_say(e, "bsbSu", MSG_GLOBAL_REQUEST, "tcpip-forward", 1, buf_span(&name), port);
	buf_fini(&name);
}

static void forward_65535(struct evil *e)
{
	forward(e, 1024, 65535);
	assert_int_equal(e->events[EV_GLOBAL], 1);
	assert_int_equal(e->last.global.port, 65535);
	assert_int_equal(evil_said(e, MSG_REQUEST_SUCCESS, 0).n, 1);
}

static void forward_65536(struct evil *e)
{
	forward(e, 4, 65536);
	assert_int_equal(e->events[EV_GLOBAL], 0);
}

static void forward_4g(struct evil *e)
{
	forward(e, 4, UINT32_MAX);
	assert_int_equal(e->events[EV_GLOBAL], 0);
}

static void forward_host_1025(struct evil *e)
{
	forward(e, 1025, 80);
}

static void forward_port_0(struct evil *e)
{
	forward(e, 0, 0);
	assert_int_equal(evil_said(e, MSG_REQUEST_SUCCESS, 0).n, 5);
	assert_int_equal(get_u32(evil_said(e, MSG_REQUEST_SUCCESS, 0).p + 1), 4711);
}

static void forward_without_reply(struct evil *e)
{
	evil_say(e, "bsbsu", MSG_GLOBAL_REQUEST, "tcpip-forward", 0, "", 0u);
	assert_int_equal(e->events[EV_GLOBAL], 1);
}

/* An answer that is known waits behind one that is not. */
static void answers_in_order(struct evil *e)
{
	uint32_t first;

	forward(e, 4, 0);
	first = e->question;
	evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "unheard@of", 1);
	forward(e, 4, 80);
	evil_answer(e, false);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 0);
	e->question = first;
	evil_answer(e, true);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 3);
	assert_int_equal(evil_said(e, 0, 0).p[0], MSG_REQUEST_SUCCESS);
	assert_int_equal(evil_said(e, 0, 0).n, 5);
	assert_int_equal(evil_said(e, 0, 1).p[0], MSG_REQUEST_FAILURE);
	assert_int_equal(evil_said(e, 0, 2).p[0], MSG_REQUEST_FAILURE);
	evil_answer(e, true); /* a question is answered once */
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 3);
}

static void host_keys(struct evil *e)
{
	evil_say(e, "bsbs", MSG_GLOBAL_REQUEST, "hostkeys-00@openssh.com", 0, "not a key");
	assert_int_equal(e->events[EV_HOST_KEYS], e->setup.role == ROLE_CLIENT);
}

static const struct evil_row rows[] = {
	{ "OPEN with packet size 0", OURS_BOTH, PLAY(packet_0), FINE },
	{ "OPEN with packet size 255", OURS_BOTH, PLAY(packet_255), FINE },
	{ "OPEN with packet size 256", OURS_BOTH, PLAY(packet_256), FINE },
	{ "OPEN with packet size 2^32-1", OURS_BOTH, PLAY(packet_4g), FINE },
	{ "CONFIRMATION with packet size 0", OURS_BOTH, PLAY(confirmed_packet_0), DENIED },
	{ "CONFIRMATION with packet size 255", OURS_BOTH, PLAY(confirmed_packet_255), DENIED },
	{ "CONFIRMATION with packet size 256", OURS_BOTH, PLAY(confirmed_packet_256), FINE },
	{ "CONFIRMATION with all of 2^32-1", OURS_BOTH, PLAY(confirmed_packet_4g), FINE },
	{ "window 0", OURS_BOTH, PLAY(window_0), FINE },
	{ "ADJUST to 2^32-1", OURS_BOTH, PLAY(adjust_to_the_limit), QUIET },
	{ "ADJUST to 2^32", OURS_BOTH, PLAY(adjust_beyond), WINDOW },
	{ "ADJUST by 2^32-1", OURS_BOTH, PLAY(adjust_by_4g), WINDOW },
	{ "ADJUST by 0", OURS_BOTH, PLAY(adjust_by_0), QUIET },
	{ "types we do not serve", OURS_BOTH, PLAY(foreign_types), FINE },
	{ "type of 30 000", OURS_BOTH, PLAY(long_type), FINE },
	{ "session", OURS_BOTH, PLAY(session), FINE },
	{ "wrong direction", OURS_BOTH, PLAY(wrong_direction), FINE },
	{ "host of 1024, port 65535", OURS_BOTH, PLAY(host_1024), FINE },
	{ "host of 1025", OURS_BOTH, PLAY(host_1025), FINE },
	{ "port 65536", OURS_BOTH, PLAY(port_65536), FINE },
	{ "port 2^32-1", OURS_BOTH, PLAY(port_4g), FINE },
	{ "socket as target", OURS_BOTH, PLAY(streamlocal), FINE },
	{ "the peer's number twice", OURS_BOTH, PLAY(same_number_twice), FINE },
	{ "more channels than we allow", OURS_BOTH, PLAY(max_channels), FINE, THREE },
	{ "a number while it closes", OURS_BOTH, PLAY(number_while_closing), FINE, THREE },
	{ "numbers rest before they are used again", OURS_BOTH, PLAY(numbers_rest), FINE },
	{ "refused channels leave nothing", OURS_BOTH, PLAY(refused_leave_nothing), FINE },
	{ "we give up what the peer opens", OURS_BOTH, PLAY(asked_and_given_up), FINE },
	{ "no answer to OPEN", OURS_BOTH, PLAY(opening_too_long), FINE },
	{ "CLOSE just in time", OURS_BOTH, PLAY(closing_just_in_time), QUIET },
	{ "no answer to CLOSE", OURS_BOTH, PLAY(closing_too_long), ERR_TIMEOUT, DISC_BY_APPLICATION },

	{ "data of 32768", OURS_BOTH, PLAY(packet_of_32768), FINE },
	{ "data of 32769", OURS_BOTH, PLAY(packet_of_32769), WINDOW },
	{ "data of 200 000", OURS_BOTH, PLAY(packet_of_200000), WINDOW },
	{ "data up to the window", OURS_BOTH, PLAY(window_used_up), QUIET },
	{ "data up to the window and a byte", OURS_BOTH, PLAY(window_one_more), WINDOW },
	{ "all but a byte of the window", OURS_BOTH, PLAY(window_all_but_one), QUIET },
	{ "two bytes where one is left", OURS_BOTH, PLAY(window_one_left), WINDOW },
	{ "extended data beyond the window", OURS_BOTH, PLAY(extended_counts_too), WINDOW },
	{ "more than was given back", OURS_BOTH, PLAY(window_given_back), WINDOW },
	{ "no window beyond 15 MiB", OURS_BOTH, PLAY(window_ceiling), FINE },
	{ "data without a byte", OURS_BOTH, PLAY(nothing_in_it), QUIET },
	{ "extended data is dropped", OURS_BOTH, PLAY(extended_is_dropped), FINE },
	{ "data after our CLOSE", OURS_BOTH, PLAY(data_after_our_close), WINDOW },
	{ "EOF twice", OURS_BOTH, PLAY(eof_twice), QUIET },
	{ "CLOSE after EOF", OURS_BOTH, PLAY(close_after_eof), FINE },
	{ "CLOSE without EOF", OURS_BOTH, PLAY(close_without_eof), FINE },
	{ "nothing after our own end", OURS_BOTH, PLAY(nothing_after_our_end), FINE },
	{ "requests on a channel", OURS_BOTH, PLAY(channel_requests), QUIET },
	{ "winadj after EOF", OURS_BOTH, PLAY(winadj_after_eof), FINE },

	{ "port 0: no port in the answer", OURS_CLIENT, PLAY(port_none), DENIED },
	{ "port 0: two bytes", OURS_CLIENT, PLAY(port_of_2), DENIED },
	{ "port 0: three bytes", OURS_CLIENT, PLAY(port_of_3), DENIED },
	{ "port 0: eight bytes", OURS_CLIENT, PLAY(port_of_8), DENIED },
	{ "port 0: port 0", OURS_CLIENT, PLAY(port_0), DENIED },
	{ "port 0: port 65535", OURS_CLIENT, PLAY(port_65535), QUIET },
	{ "port 0: port 65536", OURS_CLIENT, PLAY(port_beyond), DENIED },
	{ "port 0: port 2^32-1", OURS_CLIENT, PLAY(port_huge), DENIED },
	{ "a port that was not asked for", OURS_CLIENT, PLAY(port_not_asked_for), QUIET },
	{ "proof of keys", OURS_CLIENT, PLAY(prove_keys), FINE },
	{ "proof of too many keys", OURS_CLIENT, PLAY(prove_too_many), FINE },
	{ "a server is asked for a proof", OURS_SERVER, AT_OPEN,
	  NOTE("\x50\0\0\0\x1dhostkeys-prove-00@openssh.com\1\0\0\0\1a"), OK, 0, MSG_REQUEST_FAILURE },
	{ "surplus replies", OURS_CLIENT, PLAY(surplus_replies), FINE },
	{ "replies in order", OURS_CLIENT, PLAY(replies_in_order), FINE },
	{ "64 of ours at a time", OURS_CLIENT, PLAY(pending_64), FINE },
	{ "a reply too late", OURS_CLIENT, PLAY(reply_too_late), FINE },
	{ "unknown requests", OURS_BOTH, PLAY(unknown_globals), FINE },
	{ "a client is asked for a listener", OURS_CLIENT, PLAY(forward_asked_of_a_client), OK, 0,
	  MSG_REQUEST_FAILURE },
	{ "listener, port 65535", OURS_SERVER, PLAY(forward_65535), OK, 0, MSG_REQUEST_SUCCESS },
	{ "listener, port 65536", OURS_SERVER, PLAY(forward_65536), OK, 0, MSG_REQUEST_FAILURE },
	{ "listener, port 2^32-1", OURS_SERVER, PLAY(forward_4g), OK, 0, MSG_REQUEST_FAILURE },
	{ "listener, host of 1025", OURS_SERVER, PLAY(forward_host_1025), DENIED },
	{ "listener, port 0", OURS_SERVER, PLAY(forward_port_0), OK, 0, MSG_REQUEST_SUCCESS },
	{ "listener, nobody wants to know", OURS_SERVER, PLAY(forward_without_reply), QUIET },
	{ "listener, trailing byte", OURS_SERVER, AT_OPEN, NOTE("\x50\0\0\0\x0dtcpip-forward\1\0\0\0\0\0\0\0\0\0"),
	  DENIED },
	{ "answers in order", OURS_SERVER, PLAY(answers_in_order), FINE, { .global = SAY_NOTHING } },
	{ "host keys", OURS_BOTH, PLAY(host_keys), QUIET },
};

int main(void)
{
	struct CMUnitTest tests[LEN(lives) + 1];
	int failed;

	if (evil_begin())
		return 1;
	for (size_t i = 0; i < LEN(lives); i++)
		tests[i] = (struct CMUnitTest){ lives[i].name, test_life, NULL, NULL, (void *)(uintptr_t)&lives[i] };
	tests[LEN(lives)] = (struct CMUnitTest)cmocka_unit_test(test_numbers);
	failed = cmocka_run_group_tests_name("channel messages in every state of a channel", tests, NULL, NULL);
	failed += evil_rows("channels", rows, LEN(rows));
	evil_end();
	return failed;
}
