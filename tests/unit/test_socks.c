/* SOCKS requests as a server reads them: every row is fed whole and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/socks.h"

#define IN(s) s, sizeof(s) - 1
#define NAME_253                                                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row {
	const char *name;
	const char *in;
	size_t n;
	enum socks_result want;
	const char *host;
	uint16_t port;
	size_t rest;	     /* bytes behind the request */
	const char *replies; /* everything that is said on the way */
	size_t replies_n;
} rows[] = {
	{ "http", IN("GET / HTTP/1.0\r\n\r\n"), SOCKS_BAD, "", 0, 17, IN("") },
	{ "version 0", IN("\0"), SOCKS_BAD, "", 0, 0, IN("") },
	{ "nothing", IN(""), SOCKS_MORE, "", 0, 0, IN("") },
	{ "v4 truncated", IN("\4\1\0\x50\x7f\0\0\1user"), SOCKS_MORE, "", 0, 0, IN("") },
	{ "v4 bind", IN("\4\2\0\x50\x7f\0\0\1\0"), SOCKS_BAD, "127.0.0.1", 80, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4 port 0", IN("\4\1\0\0\x7f\0\0\1\0"), SOCKS_BAD, "127.0.0.1", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4a empty name", IN("\4\1\0\x50\0\0\0\1\0\0"), SOCKS_BAD, "", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4a name with space", IN("\4\1\0\x50\0\0\0\1\0a b\0"), SOCKS_BAD, "", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4a name with escape", IN("\4\1\0\x50\0\0\0\1\0a\033\0"), SOCKS_BAD, "", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4a name not ASCII", IN("\4\1\0\x50\0\0\0\1\0\xc3\xa4\0"), SOCKS_BAD, "", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v4a name of 254", IN("\4\1\0\x50\0\0\0\1\0a" NAME_253 "\0"), SOCKS_BAD, "", 0, 0, IN("\0\x5b\0\0\0\0\0\0") },
	{ "v5 no methods", IN("\5\0"), SOCKS_BAD, "", 0, 0, IN("\5\xff") },
	{ "v5 password only", IN("\5\1\2"), SOCKS_BAD, "", 0, 0, IN("\5\xff") },
	{ "v5 greeting truncated", IN("\5\3\1\2"), SOCKS_MORE, "", 0, 0, IN("") },
	{ "v5 then v4", IN("\5\1\0\4"), SOCKS_BAD, "", 0, 0, IN("\5\0\5\1\0\1\0\0\0\0\0\0") },
	{ "v5 bind", IN("\5\1\0\5\2\0\1\1\2\3\4\0\x50"), SOCKS_BAD, "1.2.3.4", 80, 0, IN("\5\0\5\7\0\1\0\0\0\0\0\0") },
	{ "v5 udp", IN("\5\1\0\5\3\0\1\1\2\3\4\0\x50"), SOCKS_BAD, "1.2.3.4", 80, 0, IN("\5\0\5\7\0\1\0\0\0\0\0\0") },
	{ "v5 port 0", IN("\5\1\0\5\1\0\1\1\2\3\4\0\0"), SOCKS_BAD, "1.2.3.4", 0, 0, IN("\5\0\5\2\0\1\0\0\0\0\0\0") },
	{ "v5 address type 2", IN("\5\1\0\5\1\0\2\1"), SOCKS_BAD, "", 0, 0, IN("\5\0\5\x08\0\1\0\0\0\0\0\0") },
	{ "v5 empty name", IN("\5\1\0\5\1\0\3\0\0\x50"), SOCKS_BAD, "", 0, 0, IN("\5\0\5\x08\0\1\0\0\0\0\0\0") },
	{ "v5 name with NUL", IN("\5\1\0\5\1\0\3\3a\0b\0\x50"), SOCKS_BAD, "", 0, 0, IN("\5\0\5\x08\0\1\0\0\0\0\0\0") },
	{ "v5 name of 254",
	  IN("\5\1\0\5\1\0\3\xfe"
	     "a" NAME_253 "\0\x50"),
	  SOCKS_BAD, "", 0, 0, IN("\5\0\5\x08\0\1\0\0\0\0\0\0") },
	{ "v5 name truncated", IN("\5\1\0\5\1\0\3\5host"), SOCKS_MORE, "", 0, 0, IN("\5\0") },
	{ "v4", IN("\4\1\0\x50\xc0\0\2\1user\0"), SOCKS_REQUEST, "192.0.2.1", 80, 0, IN("") },
	{ "v4 0.0.0.0", IN("\4\1\0\x50\0\0\0\0\0"), SOCKS_REQUEST, "0.0.0.0", 80, 0, IN("") },
	{ "v4 with data", IN("\4\1\0\x50\xc0\0\2\1\0GET"), SOCKS_REQUEST, "192.0.2.1", 80, 3, IN("") },
	{ "v4a", IN("\4\1\x1f\x90\0\0\0\1u\0example.com\0"), SOCKS_REQUEST, "example.com", 8080, 0, IN("") },
	{ "v4a name of 253", IN("\4\1\0\x50\0\0\0\1\0" NAME_253 "\0"), SOCKS_REQUEST, NAME_253, 80, 0, IN("") },
	{ "v5 v4", IN("\5\1\0\5\1\0\1\1\2\3\xff\xff\xff"), SOCKS_REQUEST, "1.2.3.255", 65535, 0, IN("\5\0") },
	{ "v5 second method", IN("\5\3\2\1\0\5\1\0\1\1\2\3\4\0\x50"), SOCKS_REQUEST, "1.2.3.4", 80, 0, IN("\5\0") },
	{ "v5 name, pipelined", IN("\5\1\0\5\1\0\3\4host\0\x16SSH-"), SOCKS_REQUEST, "host", 22, 4, IN("\5\0") },
	{ "v5 name of 253", IN("\5\1\0\5\1\0\3\xfd" NAME_253 "\0\x50"), SOCKS_REQUEST, NAME_253, 80, 0, IN("\5\0") },
	{ "v5 v6", IN("\5\1\0\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50"), SOCKS_REQUEST,
	  "2001:db8:0:0:0:0:0:1", 80, 0, IN("\5\0") },
};

static void feed(const struct row *row, size_t step)
{
	struct socks s = { 0 };
	uint8_t replies[64];
	size_t at = 0, said = 0, used;
	enum socks_result r = SOCKS_MORE;

	while (at < row->n && r == SOCKS_MORE) {
		/* A copy of just these bytes, so that a read behind them is found. */
		size_t n = MIN(step, row->n - at);
		uint8_t *piece = malloc(n);

		memcpy(piece, row->in + at, n);
		r = socks_put(&s, span(piece, n), &used);
		free(piece);
		at += used;
		memcpy(replies + said, s.reply, s.reply_n);
		said += s.reply_n;
		s.reply_n = 0;
	}
	assert_int_equal(r, row->want);
	assert_int_equal(row->n - at, row->rest);
	assert_int_equal(said, row->replies_n);
	assert_memory_equal(replies, row->replies, said);
	assert_string_equal(s.host, row->host);
	assert_int_equal(s.port, row->port);
	assert_true((r == SOCKS_BAD) == (s.fault != NULL));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		feed(&rows[i], 1);
		feed(&rows[i], rows[i].n + 1);
	}
}

/* A user id that never ends. */
static void test_bound(void **state)
{
	struct socks s = { 0 };
	size_t used, all = 0;
	enum socks_result r = SOCKS_MORE;

	(void)state;
	for (int i = 0; r == SOCKS_MORE && i < 10000; i++) {
		r = socks_put(&s, span(i ? "uuuu" : "\4\1\0\x50", 4), &used);
		all += used;
	}
	assert_int_equal(r, SOCKS_BAD);
	assert_int_equal(all, SOCKS_MAX);
	assert_int_equal(s.reply[1], 91);
}

static void test_replies(void **state)
{
	static const struct {
		uint8_t version;
		enum socks_code code;
		const char *want;
		size_t n;
	} table[] = {
		{ 4, SOCKS_FAILED, IN("\0\x5b\0\0\0\0\0\0") },
		{ 4, SOCKS_OK, IN("\0\x5a\0\0\0\0\0\0") },
		{ 5, SOCKS_FAILED, IN("\5\1\0\1\0\0\0\0\0\0") },
		{ 5, SOCKS_NOT_ALLOWED, IN("\5\2\0\1\0\0\0\0\0\0") },
		{ 5, SOCKS_UNREACHABLE, IN("\5\5\0\1\0\0\0\0\0\0") },
		{ 5, SOCKS_OK, IN("\5\0\0\1\0\0\0\0\0\0") },
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		struct socks s = { .version = table[i].version };
		uint8_t out[SOCKS_REPLY_MAX];

		assert_int_equal(socks_reply(&s, table[i].code, out), table[i].n);
		assert_memory_equal(out, table[i].want, table[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
