/* Version lines of a hostile peer (RFC 4253 section 4.2). */
#include "evil.h"

#include <stdio.h>

enum { SECOND = 1000 };

static void line_of(struct evil *e, size_t n)
{
	char line[600];

	memset(line, 'x', sizeof(line));
	memcpy(line, "SSH-2.0-", 8);
	line[n - 2] = '\r';
	line[n - 1] = '\n';
	evil_raw(e, span((uint8_t *)line, n));
}

static void line_254(struct evil *e)
{
	line_of(e, 254);
}

static void line_255(struct evil *e)
{
	line_of(e, 255);
}

static void line_256(struct evil *e)
{
	line_of(e, 256);
}

static void no_line_feed(struct evil *e)
{
	char junk[255];

	memset(junk, 'x', sizeof(junk));
	memcpy(junk, "SSH-2.0-", 8);
	evil_raw(e, span((uint8_t *)junk, sizeof(junk)));
}

static void flood_without_line_feed(struct evil *e)
{
	static const char junk[8193] = { 'x', 'x' };

	evil_raw(e, span((const uint8_t *)junk, sizeof(junk)));
}

static void lines_before(struct evil *e, size_t count, const char *line)
{
	for (size_t i = 0; i < count; i++)
		evil_raw(e, span_str(line));
	evil_raw(e, span_str("SSH-2.0-evil\r\n"));
}

static void lines_49(struct evil *e)
{
	lines_before(e, 49, "welcome\r\n");
}

static void lines_50(struct evil *e)
{
	lines_before(e, 50, "welcome\r\n");
}

static void lines_51(struct evil *e)
{
	lines_before(e, 51, "welcome\r\n");
}

static void bytes_8192(struct evil *e)
{
	char line[1025];

	snprintf(line, sizeof(line), "%1023s\n", "x");
	lines_before(e, 8, line);
}

static void bytes_8193(struct evil *e)
{
	char line[1026];

	snprintf(line, sizeof(line), "%1024s\n", "x");
	lines_before(e, 8, line);
}

static void byte_by_byte(struct evil *e)
{
	for (const char *p = "SSH-2.0-evil comment here\r\n"; *p; p++)
		evil_raw(e, span((const uint8_t *)p, 1));
}

/* KEXINIT and the line in one segment. */
static void with_first_packet(struct evil *e)
{
	struct buf all = BUF(4096);

	buf_bytes(&all, span_str("SSH-2.0-evil\r\n"));
	buf_bytes(&e->peer->our_ident, span_str(""));
	buf_clear(&e->peer->our_ident);
	buf_bytes(&e->peer->our_ident, span_str("SSH-2.0-evil"));
	buf_bytes(&e->wire, buf_span(&all));
	evil_offer(e, NULL);
	evil_ecdh(e);
	evil_newkeys(e);
	buf_fini(&all);
}

static void silence(struct evil *e)
{
	evil_wait(e, 60 * SECOND);
}

static void drip(struct evil *e)
{
	evil_raw(e, span_str("SSH-2.0-"));
	for (int i = 0; i < 6; i++) {
		evil_wait(e, 10 * SECOND);
		evil_raw(e, span_str("x"));
	}
}

static void just_in_time(struct evil *e)
{
	evil_wait(e, 60 * SECOND - 1);
	evil_raw(e, span_str("SSH-2.0-evil\r\n"));
}

static void server_silence(struct evil *e)
{
	assert(conn_deadline(e->us) == e->now_ms + 20 * SECOND);
	evil_wait(e, 20 * SECOND);
}

static void server_just_in_time(struct evil *e)
{
	evil_raw(e, span_str("SSH-2.0-"));
	evil_wait(e, 20 * SECOND - 1);
	evil_raw(e, span_str("evil\r\n"));
}

static void server_just_too_late(struct evil *e)
{
	evil_raw(e, span_str("SSH-2.0-"));
	evil_wait(e, 20 * SECOND);
	evil_raw(e, span_str("evil\r\n"));
}

static void server_drip(struct evil *e)
{
	evil_raw(e, span_str("SSH-2.0-"));
	for (int i = 0; i < 2; i++) {
		evil_wait(e, 10 * SECOND);
		evil_raw(e, span_str("x"));
	}
}

/* The time for a login does not begin anew with each attempt. */
static void attempts_in_time(struct evil *e)
{
	for (int i = 0; i < 12; i++) {
		evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
		evil_wait(e, 10 * SECOND - (i == 11));
	}
}

static void attempts_too_long(struct evil *e)
{
	attempts_in_time(e);
	assert(conn_error(e->us) == OK);
	evil_wait(e, 1);
}

/* Nor does it stand still while somebody decides, or signs. */
static void nobody_decides(struct evil *e)
{
	evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
	assert(e->events[EV_LOGIN] == 1);
	evil_wait(e, 120 * SECOND);
}

static void login_time(struct evil *e)
{
	for (int i = 0; i < 13; i++)
		evil_wait(e, 10 * SECOND);
}

static const struct evil_row rows[] = {
	{ "old protocol", OURS_BOTH, AT_IDENT, BYTES("SSH-1.5-old\r\n"), NULL, ERR_PROTO },
	{ "protocol 2.1", OURS_BOTH, AT_IDENT, BYTES("SSH-2.1-new\r\n"), NULL, ERR_PROTO },
	{ "protocol 99", OURS_BOTH, AT_IDENT, BYTES("SSH-99.0-new\r\n"), NULL, ERR_PROTO },
	{ "no software", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0\r\n"), NULL, ERR_PROTO },
	{ "empty software", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-\r\n"), NULL, ERR_PROTO },
	{ "only the prefix", OURS_BOTH, AT_IDENT, BYTES("SSH-\r\n"), NULL, ERR_PROTO },
	{ "NUL in the line", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-a\0b\r\n"), NULL, ERR_PROTO },
	{ "CR inside the line", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-a\rb\r\n"), NULL, ERR_PROTO },
	{ "two CR", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-a\r\r\n"), NULL, ERR_PROTO },
	{ "escape sequence", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-\x1b]0;owned\a\r\n"), NULL, ERR_PROTO },
	{ "not ASCII", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-\xc3\xa4\r\n"), NULL, ERR_PROTO },
	{ "lower case", OURS_SERVER, AT_IDENT, BYTES("ssh-2.0-evil\r\n"), NULL, ERR_PROTO },
	{ "HTTP", OURS_SERVER, AT_IDENT, BYTES("GET / HTTP/1.1\r\n"), NULL, ERR_PROTO },
	{ "PROXY", OURS_SERVER, AT_IDENT, BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), NULL, ERR_PROTO },
	{ "TLS hello with a line feed", OURS_SERVER, AT_IDENT, BYTES("\x16\x03\x01\x02\x00\n"), NULL, ERR_PROTO },
	{ "a client greets first", OURS_SERVER, AT_IDENT, BYTES("hello\r\nSSH-2.0-evil\r\n"), NULL, ERR_PROTO },
	{ "an empty line from a client", OURS_SERVER, AT_IDENT, BYTES("\r\n"), NULL, ERR_PROTO },
	{ "line of 254", OURS_BOTH, AT_IDENT, { 0 }, line_254, OK, 0, MSG_KEXINIT },
	{ "line of 255", OURS_BOTH, AT_IDENT, { 0 }, line_255, OK, 0, MSG_KEXINIT },
	{ "line of 256", OURS_BOTH, AT_IDENT, { 0 }, line_256, ERR_PROTO },
	{ "255 bytes without line feed", OURS_BOTH, AT_IDENT, { 0 }, no_line_feed, ERR_PROTO },
	{ "8193 bytes without line feed", OURS_BOTH, AT_IDENT, { 0 }, flood_without_line_feed, ERR_PROTO },
	{ "49 lines before", OURS_CLIENT, AT_IDENT, { 0 }, lines_49, OK, 0, MSG_KEXINIT },
	{ "50 lines before", OURS_CLIENT, AT_IDENT, { 0 }, lines_50, OK, 0, MSG_KEXINIT },
	{ "51 lines before", OURS_CLIENT, AT_IDENT, { 0 }, lines_51, ERR_PROTO },
	{ "8192 bytes before", OURS_CLIENT, AT_IDENT, { 0 }, bytes_8192, OK, 0, MSG_KEXINIT },
	{ "8200 bytes before", OURS_CLIENT, AT_IDENT, { 0 }, bytes_8193, ERR_PROTO },
	{ "escape sequences before", OURS_CLIENT, AT_IDENT, BYTES("\x1b[2J\n\0\xff\n"), NULL, OK, 0, SAYS_NOTHING },
	{ "server that also speaks 1.x", OURS_CLIENT, AT_IDENT, BYTES("SSH-1.99-both\r\n"), NULL, OK, 0, MSG_KEXINIT },
	{ "line feed alone", OURS_BOTH, AT_IDENT, BYTES("SSH-2.0-evil\n"), NULL, OK, 0, MSG_KEXINIT },
	{ "byte by byte", OURS_BOTH, AT_IDENT, { 0 }, byte_by_byte, OK, 0, MSG_KEXINIT },
	{ "packet in the same segment", OURS_BOTH, AT_IDENT, { 0 }, with_first_packet, OK, 0, SAYS_ANYTHING },
	{ "silence", OURS_BOTH, AT_IDENT, { 0 }, silence, ERR_TIMEOUT },
	{ "one byte now and then", OURS_BOTH, AT_IDENT, { 0 }, drip, ERR_TIMEOUT },
	{ "20 s of silence", OURS_SERVER, AT_IDENT, { 0 }, server_silence, ERR_TIMEOUT },
	{ "20 s, a byte now and then", OURS_SERVER, AT_IDENT, { 0 }, server_drip, ERR_TIMEOUT },
	{ "after 20 s", OURS_SERVER, AT_IDENT, { 0 }, server_just_too_late, ERR_TIMEOUT },
	{ "before 20 s", OURS_SERVER, AT_IDENT, { 0 }, server_just_in_time, OK, 0, MSG_KEXINIT },
	{ "at the last moment", OURS_CLIENT, AT_IDENT, { 0 }, just_in_time, OK, 0, MSG_KEXINIT },
	{ "silence for less than we allow",
	  OURS_CLIENT,
	  AT_IDENT,
	  { 0 },
	  silence,
	  OK,
	  0,
	  SAYS_NOTHING,
	  { .limits = { .ident_ms = 60001 } } },
	{ "silence for less than we allow",
	  OURS_SERVER,
	  AT_IDENT,
	  { 0 },
	  silence,
	  OK,
	  0,
	  MSG_KEXINIT,
	  { .limits = { .ident_ms = 60001 } } },
	{ "login takes too long",
	  OURS_BOTH,
	  AT_SERVICE,
	  { 0 },
	  login_time,
	  ERR_TIMEOUT,
	  DISC_BY_APPLICATION,
	  0,
	  { .limits = { .login_ms = 120 * SECOND } } },
	{ "attempts for too long",
	  OURS_SERVER,
	  AT_AUTH,
	  { 0 },
	  attempts_too_long,
	  ERR_TIMEOUT,
	  DISC_BY_APPLICATION,
	  0,
	  { .limits = { .login_ms = 120 * SECOND }, .login = SAY_NO } },
	{ "attempts, not for too long",
	  OURS_SERVER,
	  AT_AUTH,
	  { 0 },
	  attempts_in_time,
	  OK,
	  0,
	  SAYS_ANYTHING,
	  { .limits = { .login_ms = 120 * SECOND }, .login = SAY_NO } },
	{ "nobody decides about a login",
	  OURS_SERVER,
	  AT_AUTH,
	  { 0 },
	  nobody_decides,
	  ERR_TIMEOUT,
	  DISC_BY_APPLICATION,
	  0,
	  { .limits = { .login_ms = 120 * SECOND }, .login = SAY_NOTHING } },
};

int main(void)
{
	int failed = evil_begin() || evil_rows("version line", rows, LEN(rows));

	evil_end();
	return failed;
}
