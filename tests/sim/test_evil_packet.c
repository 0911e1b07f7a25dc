/* Packets of a hostile peer: framing, integrity, sizes and the small messages of the transport layer (RFC 4253 sections
 * 6 and 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

/* ---- sizes and padding ---- */

static void frame(struct evil *e, uint32_t length, uint8_t padding, size_t body)
{
	struct buf out = BUF(1 << 20), bytes = BUF(1 << 20);

	if (body)
		memset(buf_add(&bytes, body), 0, body);
	if (body)
		bytes.p[0] = MSG_IGNORE;
	evil_frame(e, length, padding, buf_span(&bytes), &out);
	evil_raw(e, buf_span(&out));
	buf_fini(&bytes);
	buf_fini(&out);
}

/* Of a small packet that is whole in itself. */
static size_t whole(const struct evil *e)
{
	return cipher_length_apart(e->peer->tx.cipher) ? 31 : 27;
}

/* Only a header, whose length is not to be believed. */
#define LENGTH_OF(name, length)                            \
	static void length_##name(struct evil *e)          \
	{                                                  \
		frame(e, (uint32_t)(length), 4, whole(e)); \
	}
LENGTH_OF(0, 0)
LENGTH_OF(1, 1)
LENGTH_OF(4, 4)
LENGTH_OF(11, 11)
LENGTH_OF(13, 13)
LENGTH_OF(8, 8)
LENGTH_OF(17, 17)
LENGTH_OF(2g, 0x80000000)
LENGTH_OF(4g, 0xffffffff)
LENGTH_OF(4g4, 0xfffffffc)
LENGTH_OF(35004, 35004)
LENGTH_OF(35008, 35008)
LENGTH_OF(262160, 262160)
LENGTH_OF(262156, 262156)

/* A whole packet: IGNORE whose content fills it. */
#define PACKET_OF(length)                                \
	static void packet_##length(struct evil *e)      \
	{                                                \
		frame(e, length, 4, (size_t)(length)-1); \
	}
PACKET_OF(12)
PACKET_OF(16)
PACKET_OF(34992)
PACKET_OF(34996)
PACKET_OF(262144)
PACKET_OF(262140)

#define PADDING_OF(name, length, padding)                      \
	static void padding_##name(struct evil *e)             \
	{                                                      \
		frame(e, length, padding, (size_t)(length)-1); \
	}
PADDING_OF(0, 32, 0)
PADDING_OF(3, 32, 3)
PADDING_OF(4, 32, 4)
PADDING_OF(all_but_one, 32, 30)
PADDING_OF(all, 32, 31)
PADDING_OF(more, 32, 32)
PADDING_OF(255, 32, 255)
PADDING_OF(0_plain, 28, 0)
PADDING_OF(3_plain, 28, 3)
PADDING_OF(all_but_one_plain, 28, 26)
PADDING_OF(all_plain, 28, 27)
PADDING_OF(more_plain, 28, 28)

#define PLAIN               \
	{                   \
		.lax = true \
	}
#define SUITE(c, m)                                            \
	{                                                      \
		.limits = {.algs = { .cipher = c, .mac = m } } \
	}
#define GCM    SUITE("aes128-gcm@openssh.com", "hmac-sha2-256")
#define CHACHA SUITE("chacha20-poly1305@openssh.com", "hmac-sha2-256")
#define ETM    SUITE("aes128-ctr", "hmac-sha2-256-etm@openssh.com")
#define EAM    SUITE("aes128-ctr", "hmac-sha2-512")

#define BAD_PLAIN(f)	  OURS_BOTH, AT_VERSION, { 0 }, f, ERR_PROTO, DISC_PROTOCOL_ERROR, 0, PLAIN
#define GOOD_PLAIN(f)	  OURS_BOTH, AT_VERSION, { 0 }, f, OK, 0, SAYS_NOTHING, PLAIN
#define BAD_PADDING(f, s) OURS_BOTH, AT_OPEN, { 0 }, f, ERR_PROTO, DISC_PROTOCOL_ERROR, 0, s
#define BAD_LENGTH(f, s)  OURS_BOTH, AT_OPEN, { 0 }, f, ERR_MAC, DISC_MAC_ERROR, 0, s
#define GOOD(f, s)	  OURS_BOTH, AT_OPEN, { 0 }, f, OK, 0, SAYS_NOTHING, s

static const struct evil_row sizes[] = {
	{ "plain: length 0", BAD_PLAIN(length_0) },
	{ "plain: length 1", BAD_PLAIN(length_1) },
	{ "plain: length 4", BAD_PLAIN(length_4) },
	{ "plain: length 11", BAD_PLAIN(length_11) },
	{ "plain: length 12", GOOD_PLAIN(packet_12) },
	{ "plain: length 13", BAD_PLAIN(length_13) },
	{ "plain: length 34996", GOOD_PLAIN(packet_34996) },
	{ "plain: length 35004", BAD_PLAIN(length_35004) },
	{ "plain: length 2^31", BAD_PLAIN(length_2g) },
	{ "plain: length 2^32-4", BAD_PLAIN(length_4g4) },
	{ "plain: length 2^32-1", BAD_PLAIN(length_4g) },
	{ "plain: padding 0", BAD_PLAIN(padding_0_plain) },
	{ "plain: padding 3", BAD_PLAIN(padding_3_plain) },
	{ "plain: no payload", BAD_PLAIN(padding_all_plain) },
	{ "plain: padding beyond the packet", BAD_PLAIN(padding_more_plain) },
	{ "plain: one byte of payload", GOOD_PLAIN(padding_all_but_one_plain) },
	{ "gcm: length 0", BAD_LENGTH(length_0, GCM) },
	{ "gcm: length 1", BAD_LENGTH(length_1, GCM) },
	{ "gcm: length 8", BAD_LENGTH(length_8, GCM) },
	{ "gcm: length 16", GOOD(packet_16, GCM) },
	{ "gcm: length 17", BAD_LENGTH(length_17, GCM) },
	{ "gcm: length 262144", GOOD(packet_262144, GCM) },
	{ "gcm: length 262160", BAD_LENGTH(length_262160, GCM) },
	{ "gcm: length 2^31", BAD_LENGTH(length_2g, GCM) },
	{ "gcm: length 2^32-1", BAD_LENGTH(length_4g, GCM) },
	{ "gcm: padding 0", BAD_PADDING(padding_0, GCM) },
	{ "gcm: padding 3", BAD_PADDING(padding_3, GCM) },
	{ "gcm: padding 4", GOOD(padding_4, GCM) },
	{ "gcm: one byte of payload", GOOD(padding_all_but_one, GCM) },
	{ "gcm: no payload", BAD_PADDING(padding_all, GCM) },
	{ "gcm: padding beyond the packet", BAD_PADDING(padding_more, GCM) },
	{ "gcm: padding 255", BAD_PADDING(padding_255, GCM) },
	{ "chacha: length 0", BAD_LENGTH(length_0, CHACHA) },
	{ "chacha: length 1", BAD_LENGTH(length_1, CHACHA) },
	{ "chacha: length 4", BAD_LENGTH(length_4, CHACHA) },
	{ "chacha: length 16", GOOD(packet_16, CHACHA) },
	{ "chacha: length 17", BAD_LENGTH(length_17, CHACHA) },
	{ "chacha: length 262144", GOOD(packet_262144, CHACHA) },
	{ "chacha: length 262160", BAD_LENGTH(length_262160, CHACHA) },
	{ "chacha: length 2^31", BAD_LENGTH(length_2g, CHACHA) },
	{ "chacha: padding 3", BAD_PADDING(padding_3, CHACHA) },
	{ "chacha: no payload", BAD_PADDING(padding_all, CHACHA) },
	{ "chacha: padding 255", BAD_PADDING(padding_255, CHACHA) },
	{ "etm: length 0", BAD_LENGTH(length_0, ETM) },
	{ "etm: length 8", BAD_LENGTH(length_8, ETM) },
	{ "etm: length 16", GOOD(packet_16, ETM) },
	{ "etm: length 262144", GOOD(packet_262144, ETM) },
	{ "etm: length 262160", BAD_LENGTH(length_262160, ETM) },
	{ "etm: padding 3", BAD_PADDING(padding_3, ETM) },
	{ "etm: no payload", BAD_PADDING(padding_all, ETM) },
	{ "mac: length 0", BAD_LENGTH(length_0, EAM) },
	{ "mac: length 4", BAD_LENGTH(length_4, EAM) },
	{ "mac: length 12", GOOD(packet_12, EAM) },
	{ "mac: length 13", BAD_LENGTH(length_13, EAM) },
	{ "mac: length 262140", GOOD(packet_262140, EAM) },
	{ "mac: length 262156", BAD_LENGTH(length_262156, EAM) },
	{ "mac: padding 0", BAD_PADDING(padding_0_plain, EAM) },
	{ "mac: no payload", BAD_PADDING(padding_all_plain, EAM) },
	{ "stranger: length 34992", OURS_SERVER, AT_AUTH, { 0 }, packet_34992, OK, 0, SAYS_NOTHING, GCM },
	{ "stranger: length 35008", OURS_SERVER, AT_AUTH, { 0 }, length_35008, ERR_MAC, DISC_MAC_ERROR, 0, GCM },
	{ "server before the login: length 262144",
	  OURS_CLIENT,
	  AT_SERVICE,
	  { 0 },
	  packet_262144,
	  OK,
	  0,
	  SAYS_NOTHING,
	  GCM },
	{ "server before the login: length 262160",
	  OURS_CLIENT,
	  AT_SERVICE,
	  { 0 },
	  length_262160,
	  ERR_MAC,
	  DISC_MAC_ERROR,
	  0,
	  GCM },
};

/* ---- integrity ---- */

static const uint8_t debug[10] = { MSG_DEBUG, 1 };

/* Two packets, with the second one's bytes before the first one's. */
static void reorder(struct evil *e)
{
	struct buf first = BUF(1000), second = BUF(1000);

	evil_seal(e, span(debug, sizeof(debug)), &first);
	evil_seal(e, span(debug, sizeof(debug)), &second);
	evil_raw(e, buf_span(&second));
	evil_raw(e, buf_span(&first));
	buf_fini(&first);
	buf_fini(&second);
}

static void repeat(struct evil *e)
{
	struct buf packet = BUF(1000);

	evil_seal(e, span(debug, sizeof(debug)), &packet);
	evil_raw(e, buf_span(&packet));
	assert_int_equal(e->events[EV_DEBUG], 1);
	evil_mark(e);
	evil_raw(e, buf_span(&packet));
	assert_int_equal(e->events[EV_DEBUG], 0);
	buf_fini(&packet);
}

static void leave_out(struct evil *e)
{
	struct buf packet = BUF(1000);

	evil_seal(e, span(debug, sizeof(debug)), &packet);
	evil_send(e, span(debug, sizeof(debug)));
	buf_fini(&packet);
}

static void cut_tag(struct evil *e)
{
	struct buf packet = BUF(1000);

	evil_seal(e, span(debug, sizeof(debug)), &packet);
	evil_raw(e, span(packet.p, packet.n - 1));
	assert_int_equal(conn_error(e->us), OK);
	evil_send(e, span(debug, sizeof(debug)));
	buf_fini(&packet);
}

/* Whatever length the shifted bytes seem to have, the end comes at the latest with a packet of the greatest size. */
static void junk(struct evil *e)
{
	struct buf bytes = BUF(1 << 20);

	memset(buf_add(&bytes, PACKET_MAX + 100), 'x', PACKET_MAX + 100);
	if (!conn_error(e->us))
		evil_raw(e, buf_span(&bytes));
	buf_fini(&bytes);
}

static void extra_byte(struct evil *e)
{
	static const uint8_t zero;

	evil_raw(e, span(&zero, 1));
	evil_send(e, span(debug, sizeof(debug)));
	junk(e);
}

/* Messages before NEWKEYS that somebody in between has made up count for nothing afterwards: numbers start anew. */
static void truncate_prefix(struct evil *e)
{
	struct buf first = BUF(1000);

	evil_seal(e, span(debug, sizeof(debug)), &first);
	buf_clear(&first);
	evil_say(e, "bs", MSG_IGNORE, "");
	buf_fini(&first);
}

#define TAMPERED(f, s) OURS_BOTH, AT_OPEN, { 0 }, f, ERR_MAC, DISC_MAC_ERROR, 0, s
#define IN_ALL(name, f)                                                               \
	{ "gcm: " name, TAMPERED(f, GCM) }, { "chacha: " name, TAMPERED(f, CHACHA) }, \
		{ "etm: " name, TAMPERED(f, ETM) },                                   \
	{                                                                             \
		"mac: " name, TAMPERED(f, EAM)                                        \
	}

static const struct evil_row integrity[] = {
	IN_ALL("packets in another order", reorder),
	IN_ALL("a packet twice", repeat),
	IN_ALL("a packet left out", leave_out),
	IN_ALL("tag cut", cut_tag),
	IN_ALL("a byte between packets", extra_byte),
	{ "first packet after NEWKEYS left out",
	  OURS_BOTH,
	  AT_SERVICE,
	  { 0 },
	  truncate_prefix,
	  ERR_MAC,
	  DISC_MAC_ERROR,
	  0,
	  GCM },
	{ "the same, chacha", OURS_BOTH, AT_SERVICE, { 0 }, truncate_prefix, ERR_MAC, DISC_MAC_ERROR, 0, CHACHA },
	{ "the same in a rekey", OURS_BOTH, AT_REKEY_NEWKEYS, { 0 }, leave_out, ERR_MAC, DISC_MAC_ERROR, 0, CHACHA },
};

/* One bit of every byte of a packet, in turn. A length that has become greater makes us wait, but not for ever. */
static size_t flip(const struct evil_setup *setup, size_t at)
{
	struct buf packet = BUF(1000);
	struct evil e;
	size_t n;

	evil_init(&e, setup);
	evil_reach(&e, AT_SERVICE);
	evil_seal(&e, span(debug, sizeof(debug)), &packet);
	n = packet.n;
	packet.p[MIN(at, n - 1)] ^= (uint8_t)(1 << at % 8);
	evil_raw(&e, buf_span(&packet));
	junk(&e);
	assert_int_equal(e.events[EV_DEBUG], 0);
	evil_dead(&e, ERR_MAC, DISC_MAC_ERROR);
	evil_fini(&e);
	buf_fini(&packet);
	return n;
}

static void test_flips(void **state)
{
	const char *const suites[][2] = { { "aes128-gcm@openssh.com" },
					  { "aes256-gcm@openssh.com" },
					  { "chacha20-poly1305@openssh.com" },
					  { "aes128-ctr", "hmac-sha2-256-etm@openssh.com" },
					  { "aes256-ctr", "hmac-sha2-512-etm@openssh.com" },
					  { "aes192-ctr", "hmac-sha2-256" },
					  { "aes256-ctr", "hmac-sha2-512" } };

	(void)state;
	for (size_t i = 0; i < LEN(suites) * 2; i++) {
		struct evil_setup setup = { .role = i % 2 ? ROLE_SERVER : ROLE_CLIENT };

		setup.limits.algs.cipher = suites[i / 2][0];
		setup.limits.algs.mac = suites[i / 2][1];
		for (size_t at = 0; at < flip(&setup, at); at++)
			;
	}
}

/* ---- numbers of packets and bytes before the login ---- */

static void packets_until(struct evil *e, uint64_t count)
{
	while (e->us->rx.packets < count && !conn_error(e->us))
		evil_say(e, "bs", MSG_IGNORE, "");
}

static void packets_512(struct evil *e)
{
	packets_until(e, 512);
}

static void packets_513(struct evil *e)
{
	packets_until(e, 513);
}

static void bytes_until(struct evil *e, uint64_t bytes)
{
	struct buf fill = BUF(40000);
	size_t n = 16384, small;

	while (e->us->rx.bytes + n + 100 < bytes) {
		buf_clear(&fill);
		memset(buf_add(&fill, n), 0, n);
		evil_say(e, "bS", MSG_IGNORE, buf_span(&fill));
	}
	/* length and tag stand apart from the blocks; number, string length and the least padding are in them */
	small = (bytes - e->us->rx.bytes - 20) / 16 * 16 - 10;
	buf_clear(&fill);
	memset(buf_add(&fill, small), 0, small);
	evil_say(e, "bS", MSG_IGNORE, buf_span(&fill));
	buf_fini(&fill);
}

static void bytes_1m(struct evil *e)
{
	bytes_until(e, 1 << 20);
	assert_in_range(e->us->rx.bytes, (1 << 20) - 15, 1 << 20);
}

static void bytes_more(struct evil *e)
{
	bytes_until(e, (1 << 20) + 17);
}

static void bytes_more_client(struct evil *e)
{
	bytes_until(e, 2 << 20);
}

/* ---- small messages ---- */

static void goodbye(struct evil *e)
{
	struct buf text = BUF(1 << 20), bye = BUF(1 << 20);
	static const char bad[] = "\x1b[2J\n\xff\xc2\x9b";

	while (text.n < 34000)
		buf_bytes(&text, span((const uint8_t *)bad, sizeof(bad) - 1));
	evil_queue(e, evil_build(&bye, "buSs", MSG_DISCONNECT, 4711u, buf_span(&text), ""));
	evil_queue(e, span(debug, sizeof(debug)));
	evil_run(e);
	assert_in_range(strlen(conn_error_text(e->us)), 20, 300);
	assert_int_equal(e->events[EV_DEBUG], 0);
	buf_fini(&text);
	buf_fini(&bye);
}

static void ping(struct evil *e, size_t n)
{
	struct buf data = BUF(1 << 20);

	if (n)
		memset(buf_add(&data, n), 'p', n);
	evil_say(e, "bS", MSG_PING, buf_span(&data));
	if (!conn_error(e->us))
		assert_int_equal(evil_said(e, MSG_PONG, 0).n, 5 + n);
	buf_fini(&data);
}

static void ping_1024(struct evil *e)
{
	ping(e, 1024);
}

static void ping_1025(struct evil *e)
{
	ping(e, 1025);
}

static void ping_250k(struct evil *e)
{
	ping(e, 250000);
}

static void ext_info(struct evil *e, uint32_t claimed, uint32_t there)
{
	struct buf out = BUF(1 << 20);

	buf_u8(&out, MSG_EXT_INFO);
	buf_u32(&out, claimed);
	for (uint32_t i = 0; i < there; i++) {
		buf_cstring(&out, "a@b");
		buf_cstring(&out, "");
	}
	evil_send(e, buf_span(&out));
	buf_fini(&out);
}

static void ext_63(struct evil *e)
{
	ext_info(e, 63, 63);
}

static void ext_64(struct evil *e)
{
	ext_info(e, 64, 64);
}

static void ext_65(struct evil *e)
{
	ext_info(e, 65, 65);
}

static void ext_4g(struct evil *e)
{
	ext_info(e, UINT32_MAX, 10);
}

static void ext_less(struct evil *e)
{
	ext_info(e, 3, 2);
}

static void ext_twice(struct evil *e)
{
	ext_info(e, 1, 1);
	ext_info(e, 1, 1);
}

static void ext_thrice(struct evil *e)
{
	ext_twice(e);
	ext_info(e, 1, 1);
}

static void ignore_big(struct evil *e)
{
	struct buf noise = BUF(1 << 20);

	memset(buf_add(&noise, 200000), 0xff, 200000);
	evil_say(e, "bS", MSG_IGNORE, buf_span(&noise));
	buf_fini(&noise);
}

static void debug_big(struct evil *e)
{
	struct buf text = BUF(1 << 20);

	memset(buf_add(&text, 200000), 0x1b, 200000);
	evil_say(e, "bbSs", MSG_DEBUG, 77, buf_span(&text), ""); /* any byte but 0 is true */
	assert_int_equal(e->events[EV_DEBUG], 1);
	assert_int_equal(e->text.n, 1024);
	buf_fini(&text);
}

#define DENIED(b) BYTES(b), NULL, ERR_PROTO, DISC_PROTOCOL_ERROR

static const struct evil_row messages[] = {
	{ "string longer than the packet", OURS_BOTH, AT_OPEN, DENIED("\4\1\0\0\0\1") },
	{ "string of 2^32-1", OURS_BOTH, AT_OPEN, DENIED("\4\1\xff\xff\xff\xff\0\0\0\0") },
	{ "string of 2^32-4", OURS_BOTH, AT_OPEN, DENIED("\4\1\xff\xff\xff\xfc\0\0\0\0") },
	{ "message 0", OURS_BOTH, AT_OPEN, DENIED("\0") },
	{ "goodbye, then more", OURS_BOTH, AT_OPEN, { 0 }, goodbye, ERR_CLOSED },
	{ "goodbye, before the keys", OURS_BOTH, AT_VERSION, { 0 }, goodbye, ERR_CLOSED },
	{ "goodbye, in a strict exchange", OURS_BOTH, AT_KEX, { 0 }, goodbye, ERR_CLOSED },
	{ "goodbye, cut short", OURS_BOTH, AT_OPEN, BYTES("\1\0\0"), NULL, ERR_CLOSED },
	{ "goodbye of a foreign length", OURS_BOTH, AT_OPEN, BYTES("\1\0\0\0\2\xff\xff\xff\xff"), NULL, ERR_CLOSED },
	{ "a big IGNORE", OURS_BOTH, AT_OPEN, { 0 }, ignore_big, OK, 0, SAYS_NOTHING },
	{ "a big DEBUG", OURS_BOTH, AT_OPEN, { 0 }, debug_big, OK, 0, SAYS_NOTHING },
	{ "UNIMPLEMENTED for a packet to come", OURS_BOTH, AT_OPEN, BYTES("\3\xff\xff\xff\xff"), NULL, OK, 0,
	  SAYS_NOTHING },
	{ "UNIMPLEMENTED in the first exchange",
	  OURS_BOTH,
	  AT_KEX,
	  BYTES("\3\0\0\0\0"),
	  NULL,
	  ERR_KEX,
	  DISC_KEX_FAILED,
	  0,
	  { .lax = true } },
	{ "PING of 1024", OURS_SERVER, AT_OPEN, { 0 }, ping_1024, OK, 0, MSG_PONG },
	{ "PING of 1025", OURS_SERVER, AT_OPEN, { 0 }, ping_1025, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "PING of 250 000", OURS_SERVER, AT_OPEN, { 0 }, ping_250k, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "PING to a client", OURS_CLIENT, AT_OPEN, BYTES("\xc0\0\0\0\0"), NULL, OK, 0, MSG_UNIMPLEMENTED },
	{ "EXT_INFO of 63", OURS_BOTH, AT_SERVICE, { 0 }, ext_63, OK, 0, SAYS_NOTHING },
	{ "EXT_INFO of 64", OURS_BOTH, AT_SERVICE, { 0 }, ext_64, OK, 0, SAYS_NOTHING },
	{ "EXT_INFO of 65", OURS_BOTH, AT_SERVICE, { 0 }, ext_65, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "EXT_INFO of 2^32-1", OURS_BOTH, AT_SERVICE, { 0 }, ext_4g, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "EXT_INFO with less than it says", OURS_BOTH, AT_SERVICE, { 0 }, ext_less, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "EXT_INFO twice from a server", OURS_CLIENT, AT_SERVICE, { 0 }, ext_twice, OK, 0, SAYS_NOTHING },
	{ "EXT_INFO thrice from a server", OURS_CLIENT, AT_SERVICE, { 0 }, ext_thrice, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "EXT_INFO twice from a client", OURS_SERVER, AT_SERVICE, { 0 }, ext_twice, ERR_PROTO, DISC_PROTOCOL_ERROR },
	{ "EXT_INFO before the keys", OURS_BOTH, AT_NEWKEYS, DENIED("\7\0\0\0\0") },
	{ "EXT_INFO before the keys, not strict",
	  OURS_BOTH,
	  AT_NEWKEYS,
	  BYTES("\7\0\0\0\0"),
	  NULL,
	  ERR_PROTO,
	  DISC_PROTOCOL_ERROR,
	  0,
	  { .lax = true } },
	{ "EXT_INFO after the login", OURS_BOTH, AT_OPEN, DENIED("\7\0\0\0\0") },
	{ "EXT_INFO of a client in the middle of the login", OURS_SERVER, AT_AUTH, DENIED("\7\0\0\0\0") },
	{ "512 packets before the login", OURS_BOTH, AT_SERVICE, { 0 }, packets_512, OK, 0, SAYS_NOTHING },
	{ "513 packets before the login", OURS_BOTH, AT_SERVICE, { 0 }, packets_513, ERR_LIMIT, DISC_PROTOCOL_ERROR },
	{ "512 packets before the keys", OURS_BOTH, AT_VERSION, { 0 }, packets_512, OK, 0, SAYS_NOTHING, PLAIN },
	{ "513 packets before the keys",
	  OURS_BOTH,
	  AT_VERSION,
	  { 0 },
	  packets_513,
	  ERR_LIMIT,
	  DISC_PROTOCOL_ERROR,
	  0,
	  PLAIN },
	{ "1 MiB before the login", OURS_SERVER, AT_SERVICE, { 0 }, bytes_1m, OK, 0, SAYS_NOTHING, GCM },
	{ "more than 1 MiB before the login",
	  OURS_SERVER,
	  AT_SERVICE,
	  { 0 },
	  bytes_more,
	  ERR_LIMIT,
	  DISC_PROTOCOL_ERROR,
	  0,
	  GCM },
	{ "2 MiB from a server", OURS_CLIENT, AT_SERVICE, { 0 }, bytes_more_client, OK, 0, SAYS_NOTHING, GCM },
};

int main(void)
{
	const struct CMUnitTest flips[] = { cmocka_unit_test(test_flips) };
	int failed;

	if (evil_begin())
		return 1;
	failed = evil_rows("packet sizes", sizes, LEN(sizes));
	failed += evil_rows("packet integrity", integrity, LEN(integrity));
	failed += cmocka_run_group_tests_name("packets with a flipped bit", flips, NULL, NULL);
	failed += evil_rows("transport messages", messages, LEN(messages));
	evil_end();
	return failed;
}
