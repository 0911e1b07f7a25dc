/* What only a server does: it tells and proves its host keys, refuses sessions, shows banners, ends logins, says
 * what was made of a request and asks whether a client is still there (OpenSSH's PROTOCOL, RFC 4252). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

#define DENIED	 ERR_PROTO, DISC_PROTOCOL_ERROR
#define ANYTHING OK, 0, SAYS_ANYTHING
#define PLAY(f)	 { 0 }, f

/* ---- which keys are told ---- */

static struct span keys[HOST_KEYS_MAX + 1];
static uint8_t blobs[HOST_KEYS_MAX + 1][2048];

/* Keys that nobody signs with, of n bytes each. */
static void make_keys(size_t n)
{
	struct buf b = BUF(4096);

	for (size_t i = 0; i < LEN(keys); i++) {
		evil_build(&b, "s", "ssh-ed25519");
		memset(blobs[i], (int)i, sizeof(blobs[i]));
		memcpy(blobs[i], b.p, b.n);
		keys[i] = span(blobs[i], n);
	}
	keys[0] = pkey_blob(evil_host_key);
	buf_fini(&b);
}

static void login_with(struct evil *e, size_t count, const char *software)
{
	struct evil_setup s = { .role = ROLE_SERVER, .software = software };

	s.limits.host_keys = keys;
	s.limits.host_key_count = count;
	evil_init(e, &s);
	evil_reach(e, AT_AUTH);
	evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
	e->next = AT_OPEN + 1;
	assert_int_equal(conn_error(e->us), OK);
	assert_int_equal(evil_said(e, 0, 0).p[0], MSG_USERAUTH_SUCCESS);
}

/* The blobs of the hostkeys-00 that came, and how many there are. */
static size_t told(struct evil *e, struct span *list)
{
	struct rd in = rd(evil_said(e, MSG_GLOBAL_REQUEST, 0));
	size_t n = 0;

	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 1);
	rd_u8(&in);
	assert_true(span_is(rd_string(&in), "hostkeys-00@openssh.com"));
	assert_false(rd_bool(&in));
	assert_in_range(in.n, 1, PROVE_MAX);
	while (in.n)
		list[n++] = rd_string(&in);
	assert_true(rd_done(&in));
	return n;
}

static void test_told(void **state)
{
	struct span list[HOST_KEYS_MAX];
	struct buf cert = BUF(200);
	struct evil e;

	(void)state;
	make_keys(60);
	keys[1] = evil_build(&cert, "ss", "ssh-ed25519-cert-v01@openssh.com", "no key for known_hosts");
	login_with(&e, 4, NULL);
	assert_int_equal(told(&e, list), 3);
	assert_true(span_eq(list[0], keys[0]));
	assert_true(span_eq(list[1], keys[2]));
	assert_true(span_eq(list[2], keys[3]));
	evil_fini(&e);
	buf_fini(&cert);
}

/* All of them would not fit into a packet that every client takes. */
static void test_told_as_many_as_fit(void **state)
{
	struct span list[HOST_KEYS_MAX];
	struct evil e;

	(void)state;
	make_keys(2048);
	login_with(&e, HOST_KEYS_MAX, NULL);
	assert_in_range(told(&e, list), 15, 16);
	evil_fini(&e);
}

static void test_too_many_keys(void **state)
{
	struct pool pool;
	struct conn_setup s = { .role = ROLE_SERVER, .crypto = evil_crypto, .pool = &pool, .software = "x" };
	struct conn *c = NULL;

	(void)state;
	make_keys(60);
	assert_int_equal(pool_init(&pool, 1), OK);
	s.host_keys = keys;
	s.host_key_count = HOST_KEYS_MAX + 1;
	assert_int_equal(conn_new(&c, &s), ERR_LIMIT);
	assert_null(c);
	s.host_key_count = HOST_KEYS_MAX;
	assert_int_equal(conn_new(&c, &s), OK);
	conn_free(c);
	pool_fini(&pool);
}

static void test_not_told_to(void **state)
{
	static const struct {
		const char *software;
		bool told;
	} rows[] = {
		{ "TTSSH/1.5.4", false },      { "TTSSH/2.7 Win32", false },
		{ "TTSSH/2.65 Win32", false }, { "TTSSH/2.72 Win32", false },
		{ "Cisco-1.25", false },       { "TTSSH/2.73 Win32", true },
		{ "TTSSH/2.8 Win32", true },   { "TTSSH/2.92 Win32", true },
		{ "TTSSH/3.1 Win32", true },   { "TTSSH", true },
		{ "Cisco-2.0", true },	       { "OpenSSH_9.2p1", true },
	};
	struct evil e;

	(void)state;
	make_keys(60);
	for (size_t i = 0; i < LEN(rows); i++) {
		login_with(&e, 1, rows[i].software);
		if (evil_count(&e, MSG_GLOBAL_REQUEST) != rows[i].told)
			fail_msg("%s", rows[i].software);
		evil_fini(&e);
	}
}

/* ---- which are proved ---- */

enum { A = 1, B, UNKNOWN, CUT };

struct prove_row {
	const char *name;
	uint8_t asked[4]; /* the keys, in this order */
	bool no_reply;
	bool before; /* A was proved before */
	bool question;
};

static const struct prove_row prove_rows[] = {
	{ "no key" },
	{ "a key that is none of ours", { UNKNOWN } },
	{ "a key of ours, and another", { A, UNKNOWN } },
	{ "a key twice", { A, A } },
	{ "a key cut short", { A, CUT } },
	{ "a key that was proved before", { A }, .before = true },
	{ "a key that was proved before, and another", { B, A }, .before = true },
	{ "nobody would see it", { A }, .no_reply = true },
	{ "one key", { A }, .question = true },
	{ "both keys", { B, A }, .question = true },
	{ "one after the other", { B }, .before = true, .question = true },
};

static void prove(struct evil *e, const struct prove_row *row, struct buf *list)
{
	list->max = 1000;
	for (size_t i = 0; i < LEN(row->asked); i++) {
		if (row->asked[i] == CUT)
			buf_u32(list, 50);
		else if (row->asked[i] == UNKNOWN)
			buf_cstring(list, "unknown");
		else if (row->asked[i])
			buf_string(list, keys[row->asked[i] - A]);
	}
	evil_say(e, "bsbr", MSG_GLOBAL_REQUEST, "hostkeys-prove-00@openssh.com", !row->no_reply, buf_span(list));
}

static void answer_proof(struct evil *e, bool yes, struct span data)
{
	const struct answer a = { .yes = yes, .data = data };

	assert_int_equal(conn_answer(e->us, e->last.question, &a), OK);
	evil_run(e);
}

static void test_proof(void **state)
{
	const struct prove_row *row = *state, first = { "", { A } };
	struct buf list = { 0 }, before = { 0 };
	struct evil e;

	make_keys(60);
	login_with(&e, 2, NULL);
	if (row->before) {
		prove(&e, &first, &before);
		answer_proof(&e, true, span_str("proof"));
	}
	evil_mark(&e);
	prove(&e, row, &list);
	assert_int_equal(e.events[EV_PROVE], row->question);
	if (row->question) {
		assert_true(span_eq(buf_span(&e.text), buf_span(&list)));
		answer_proof(&e, true, span_str("signatures"));
		assert_true(span_is(evil_said(&e, 0, 0), "\x51signatures"));
	}
	assert_int_equal(evil_count(&e, MSG_REQUEST_FAILURE), !row->question && !row->no_reply);
	assert_int_equal(evil_count(&e, 0), !row->no_reply);
	buf_fini(&list);
	buf_fini(&before);
	evil_fini(&e);
}

/* One signature for each key, however often it is asked for. */
static void test_asked_1000_times(void **state)
{
	const struct prove_row ask = { "", { A } };
	struct evil e;

	(void)state;
	make_keys(60);
	login_with(&e, 2, NULL);
	evil_mark(&e);
	for (size_t i = 0; i < 1000; i++) {
		struct buf list = { 0 };

		prove(&e, &ask, &list);
		buf_fini(&list);
	}
	assert_int_equal(e.events[EV_PROVE], 1);
	assert_int_equal(evil_count(&e, 0), 0); /* they wait for the first, in order */
	answer_proof(&e, true, span_str("proof"));
	assert_int_equal(evil_count(&e, 0), 1000);
	assert_int_equal(evil_said(&e, 0, 0).p[0], MSG_REQUEST_SUCCESS);
	assert_int_equal(evil_count(&e, MSG_REQUEST_FAILURE), 999);
	evil_fini(&e);
}

/* Nothing to show, or too much of it, is no proof; the answer waits for those before it. */
static void test_no_proof(void **state)
{
	static uint8_t much[65 * 1024];
	const struct {
		bool yes;
		struct span data;
		uint8_t reply;
	} rows[] = {
		{ false, span_str("signature"), MSG_REQUEST_FAILURE },
		{ true, span(NULL, 0), MSG_REQUEST_FAILURE },
		{ true, span(much, sizeof(much)), MSG_REQUEST_FAILURE },
		{ true, span(much, 64 * 1024), MSG_REQUEST_SUCCESS },
	};
	const struct prove_row ask = { "", { A } };

	(void)state;
	make_keys(60);
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf list = { 0 };
		struct evil e;

		login_with(&e, 2, NULL);
		evil_mark(&e);
		e.setup.global = SAY_NOTHING;
		evil_say(&e, "bsbsu", MSG_GLOBAL_REQUEST, "tcpip-forward", 1, "", 80u);
		prove(&e, &ask, &list);
		answer_proof(&e, rows[i].yes, rows[i].data);
		assert_int_equal(evil_count(&e, 0), 0);
		evil_answer(&e, true);
		evil_run(&e);
		assert_int_equal(evil_said(&e, 0, 0).p[0], MSG_REQUEST_SUCCESS);
		assert_int_equal(evil_said(&e, 0, 1).p[0], rows[i].reply);
		buf_fini(&list);
		evil_fini(&e);
	}
}

/* ---- sessions ---- */

static void open_type(struct evil *e, const char *type)
{
	evil_say(e, "bsuuu", MSG_CHANNEL_OPEN, type, 7u, 1000u, 1000u);
}

static void no_more(struct evil *e)
{
	evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "no-more-sessions@openssh.com", 0);
	assert_int_equal(evil_count(e, 0), 0);
}

static void session_after_no_more(struct evil *e)
{
	no_more(e);
	open_type(e, "session");
}

static void no_more_with_more(struct evil *e)
{
	evil_say(e, "bsbb", MSG_GLOBAL_REQUEST, "no-more-sessions@openssh.com", 0, 1);
}

static void no_more_with_reply(struct evil *e)
{
	evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "no-more-sessions@openssh.com", 1);
}

static void forward_after_no_more(struct evil *e)
{
	no_more(e);
	evil_open(e, 1, 1000, 1000);
	open_type(e, "x11");
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 1);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_FAILURE), 1);
}

static void turned_away(struct evil *e)
{
	static const struct {
		const char *type;
		enum open_reason reason;
	} rows[] = {
		{ "", OPEN_UNKNOWN_TYPE },
		{ "x11", OPEN_UNKNOWN_TYPE },
		{ "session@unknown", OPEN_UNKNOWN_TYPE },
		{ "session", OPEN_PROHIBITED },
		{ "forwarded-tcpip", OPEN_PROHIBITED },
	};

	for (size_t i = 0; i < LEN(rows); i++) {
		open_type(e, rows[i].type);
		assert_int_equal(e->last.kind, EV_TURNED_AWAY);
		assert_int_equal(e->last.reason, rows[i].reason);
		assert_int_equal(e->last.question, 0);
		assert_true(span_is(buf_span(&e->text), rows[i].type));
		assert_int_equal(get_u32(evil_said(e, MSG_CHANNEL_OPEN_FAILURE, i).p + 5), rows[i].reason);
	}
	assert_int_equal(evil_count(e, 0), LEN(rows));
}

static void too_many_channels(struct evil *e)
{
	evil_open(e, 1, 1000, 1000);
	evil_open(e, 2, 1000, 1000);
	assert_int_equal(e->events[EV_OPEN], 1);
	assert_int_equal(e->last.kind, EV_TURNED_AWAY);
	assert_int_equal(e->last.reason, OPEN_SHORTAGE);
}

/* ---- banners and ends of a login ---- */

static void none(struct evil *e)
{
	evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
}

static void banner_too_early(struct evil *e)
{
	assert_int_equal(conn_banner(e->us, span_str("welcome")), ERR_LIMIT);
	evil_run(e);
}

static void banner_too_late(struct evil *e)
{
	banner_too_early(e);
}

static void banner_too_long(struct evil *e)
{
	static const char text[BANNER_MAX + 1];

	none(e);
	assert_int_equal(conn_banner(e->us, span(text, sizeof(text))), ERR_LIMIT);
	assert_int_equal(conn_banner(e->us, span(text, BANNER_MAX)), OK);
	evil_run(e);
	assert_int_equal(evil_said(e, MSG_USERAUTH_BANNER, 0).n, 1 + 4 + BANNER_MAX + 4);
}

static void banner(struct evil *e)
{
	static const char want[] = "\x35\0\0\0\7welcome\0\0\0";

	none(e);
	assert_int_equal(conn_banner(e->us, span_str("welcome")), OK);
	evil_answer(e, false);
	evil_run(e);
	assert_int_equal(evil_count(e, 0), 2);
	assert_true(span_eq(evil_said(e, 0, 0), span(want, sizeof(want))));
	assert_int_equal(evil_said(e, 0, 1).p[0], MSG_USERAUTH_FAILURE);
}

static void end_login(struct evil *e, const char *text, const char *want)
{
	const struct answer a = { .verdict = LOGIN_END, .data = span_str(text) };
	struct rd in;

	none(e);
	assert_int_equal(conn_answer(e->us, e->question, &a), OK);
	assert_string_equal(conn_error_text(e->us), want);
	assert_int_equal(conn_banner(e->us, span_str("welcome")), ERR_CLOSED);
	evil_run(e);
	in = rd(evil_said(e, MSG_DISCONNECT, 0));
	rd_u8(&in);
	rd_u32(&in);
	assert_true(span_is(rd_string(&in), want));
}

static void too_many_failures(struct evil *e)
{
	end_login(e, "", "Too many authentication failures");
}

static void shut_out(struct evil *e)
{
	end_login(e, "come back tomorrow", "come back tomorrow");
}

static void counted(struct evil *e, const char *method, unsigned requests, unsigned queries)
{
	struct buf out = BUF(1000);

	evil_build(&out, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", method);
	if (span_is(span_str(method), "publickey"))
		evil_say(e, "rbsS", buf_span(&out), 0, "ssh-ed25519", pkey_blob(evil_user_key));
	else
		evil_send(e, buf_span(&out));
	assert_int_equal(e->last.kind, EV_LOGIN);
	assert_int_equal(e->last.requests, requests);
	assert_int_equal(e->last.queries, queries);
	buf_fini(&out);
}

static void requests_are_counted(struct evil *e)
{
	counted(e, "none", 1, 0);
	counted(e, "publickey", 2, 1);
	counted(e, "none", 3, 1);
	counted(e, "publickey", 4, 2);
	counted(e, "keyboard-interactive", 5, 2);
}

/* ---- is the client still there? ---- */

static void probe(struct evil *e)
{
	assert_int_equal(conn_probe(e->us, 3000), OK);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 1);
	assert_int_equal(e->events[EV_ALIVE], 0);
}

static void is(struct evil *e, bool alive)
{
	assert_int_equal(e->events[EV_ALIVE], 1);
	assert_int_equal(e->last.kind, EV_ALIVE);
	assert_int_equal(e->last.ok, alive);
	evil_wait(e, 10000);
	assert_int_equal(e->events[EV_ALIVE], 1);
}

static void probe_too_early(struct evil *e)
{
	assert_int_equal(conn_probe(e->us, 3000), ERR_LIMIT);
	assert_int_equal(conn_deadline(e->us), UINT64_MAX);
}

static void silent(struct evil *e)
{
	probe(e);
	assert_int_equal(conn_deadline(e->us), e->now_ms + 3000);
	evil_wait(e, 2999);
	assert_int_equal(e->events[EV_ALIVE], 0);
	evil_wait(e, 1);
	is(e, false);
}

/* The head of a packet that never becomes whole is no sign of life. */
static void half_a_packet(struct evil *e)
{
	static const uint8_t ignore[200] = { MSG_IGNORE, 0, 0, 0, 195 };
	struct buf out = BUF(1000);

	probe(e);
	evil_seal(e, span(ignore, sizeof(ignore)), &out);
	evil_raw(e, span(out.p, out.n - 1));
	evil_wait(e, 3000);
	is(e, false);
	buf_fini(&out);
}

/* A packet that came before, and was not looked at because new keys are being signed, is none either. */
static void stale_packet(struct evil *e)
{
	static const uint8_t ignore[5] = { MSG_IGNORE };

	e->setup.sign = SAY_NOTHING;
	evil_offer(e, NULL);
	evil_ecdh(e);
	evil_send(e, span(ignore, sizeof(ignore)));
	assert_int_equal(conn_probe(e->us, 3000), OK);
	evil_wait(e, 10000);
	assert_int_equal(e->events[EV_ALIVE], 0);
}

static void stale_then_silent(struct evil *e)
{
	struct answer a = { 0 };
	struct buf sig = BUF(PKEY_SIG_MAX);

	stale_packet(e);
	assert_int_equal(
		pkey_sign(evil_host_key, evil_crypto, sig_find(span_str("ssh-ed25519")), buf_span(&e->text), &sig), OK);
	a.data = buf_span(&sig);
	assert_int_equal(conn_answer(e->us, e->question, &a), OK);
	evil_run(e);
	is(e, false);
	buf_fini(&sig);
}

static void answers(struct evil *e)
{
	probe(e);
	evil_wait(e, 2999);
	evil_say(e, "b", MSG_REQUEST_FAILURE);
	is(e, true);
	assert_int_equal(e->events[EV_REPLY], 0);
}

static void says_something_else(struct evil *e)
{
	probe(e);
	evil_say(e, "bu", MSG_IGNORE, 0u);
	is(e, true);
}

/* It was asked together with others, and answers the first of them. */
static void asked_much(struct evil *e)
{
	const struct global_request r = { .kind = GLOBAL_TCPIP_FORWARD, .host = span_str("localhost") };
	uint32_t ticket;

	for (size_t i = 0; i < 2 * GLOBALS_PENDING_MAX; i++)
		assert_int_equal(conn_global(e->us, &r, NULL, &ticket), OK);
	assert_int_equal(conn_probe(e->us, 3000), OK);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), GLOBALS_PENDING_MAX);
	evil_say(e, "b", MSG_REQUEST_FAILURE);
	assert_int_equal(e->events[EV_ALIVE], 1);
	assert_true(e->last.ok);
}

static void asked_twice(struct evil *e)
{
	probe(e);
	evil_wait(e, 1000);
	assert_int_equal(conn_probe(e->us, 3000), OK);
	evil_wait(e, 2000);
	is(e, false);
	assert_int_equal(evil_count(e, MSG_GLOBAL_REQUEST), 1);
	evil_mark(e);
	probe(e);
	evil_say(e, "bu", MSG_IGNORE, 0u);
	is(e, true);
}

static void new_keys_count(struct evil *e)
{
	probe(e);
	evil_offer(e, NULL);
	is(e, true);
}

static void probe_then_gone(struct evil *e)
{
	probe(e);
	evil_say(e, "buss", MSG_DISCONNECT, 11u, "bye", "");
	assert_int_equal(e->events[EV_ALIVE], 0);
	assert_int_equal(conn_probe(e->us, 3000), ERR_CLOSED);
}

/* ---- a line for the person at the other end ---- */

static void debug_too_early(struct evil *e)
{
	assert_int_equal(conn_debug(e->us, DEBUG_ALWAYS, span_str("x")), ERR_LIMIT);
	evil_run(e);
}

static void debug(struct evil *e)
{
	static const uint8_t want[] = "\4\1\0\0\0\5hello\0\0\0";
	uint8_t text[DEBUG_TEXT_MAX + 1] = { 0 };

	assert_int_equal(conn_debug(e->us, DEBUG_ALWAYS, span(text, sizeof(text))), ERR_LIMIT);
	assert_int_equal(conn_debug(e->us, DEBUG_ALWAYS, span_str("hello")), OK);
	assert_int_equal(conn_debug(e->us, DEBUG_IF_WANTED, span(text, DEBUG_TEXT_MAX)), OK);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_DEBUG), 2);
	assert_true(span_eq(evil_said(e, MSG_DEBUG, 0), span(want, sizeof(want))));
	assert_int_equal(evil_said(e, MSG_DEBUG, 1).p[1], 0);
}

/* Between our KEXINIT and our NEWKEYS nothing else may be said (RFC 4253 section 7.1). */
static void debug_waits(struct evil *e)
{
	assert_int_equal(conn_debug(e->us, DEBUG_ALWAYS, span_str("hello")), OK);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_DEBUG), 0);
	evil_rekey(e);
	assert_int_equal(evil_count(e, MSG_DEBUG), 1);
}

static void debug_then_gone(struct evil *e)
{
	evil_say(e, "buss", MSG_DISCONNECT, 11u, "bye", "");
	assert_int_equal(conn_debug(e->us, DEBUG_ALWAYS, span_str("x")), ERR_CLOSED);
}

#define ONE_CHANNEL                            \
	{                                      \
		.limits = {.max_channels = 1 } \
	}
#define ASKS                         \
	{                            \
		.login = SAY_NOTHING \
	}
#define SERVER OURS_SERVER

static const struct evil_row rows[] = {
	{ "session after no-more-sessions", SERVER, AT_OPEN, PLAY(session_after_no_more), DENIED },
	{ "no-more-sessions with a byte too many", SERVER, AT_OPEN, PLAY(no_more_with_more), DENIED },
	{ "no-more-sessions with a reply", SERVER, AT_OPEN, PLAY(no_more_with_reply), OK, 0, MSG_REQUEST_SUCCESS },
	{ "no-more-sessions, then a forward", SERVER, AT_OPEN, PLAY(forward_after_no_more), ANYTHING },
	{ "types that are not served", SERVER, AT_OPEN, PLAY(turned_away), ANYTHING },
	{ "a channel too many", SERVER, AT_OPEN, PLAY(too_many_channels), ANYTHING, ONE_CHANNEL },

	{ "banner before the service", SERVER, AT_SERVICE, PLAY(banner_too_early), OK, 0, SAYS_NOTHING },
	{ "banner after the login", SERVER, AT_OPEN, PLAY(banner_too_late), OK, 0, SAYS_NOTHING },
	{ "banner of a client", OURS_CLIENT, AT_AUTH, PLAY(banner_too_early), OK, 0, SAYS_NOTHING },
	{ "banner of 32001 and of 32000", SERVER, AT_AUTH, PLAY(banner_too_long), ANYTHING, ASKS },
	{ "banner", SERVER, AT_AUTH, PLAY(banner), ANYTHING, ASKS },
	{ "too many failures", SERVER, AT_AUTH, PLAY(too_many_failures), ERR_AUTH, DISC_NO_MORE_AUTH_METHODS, 0, ASKS },
	{ "shut out", SERVER, AT_AUTH, PLAY(shut_out), ERR_AUTH, DISC_NO_MORE_AUTH_METHODS, 0, ASKS },
	{ "requests are counted", SERVER, AT_AUTH, PLAY(requests_are_counted), ANYTHING, { .login = SAY_NO } },

	{ "debug before the login", OURS_BOTH, AT_AUTH, PLAY(debug_too_early), OK, 0, SAYS_NOTHING },
	{ "debug: gone", OURS_BOTH, AT_OPEN, PLAY(debug_then_gone), ERR_CLOSED },
	{ "debug", OURS_BOTH, AT_OPEN, PLAY(debug), ANYTHING },
	{ "debug waits for new keys", OURS_BOTH, AT_REKEY_SENT, PLAY(debug_waits), ANYTHING },

	{ "probe before the login", OURS_BOTH, AT_SERVICE, PLAY(probe_too_early), OK, 0, SAYS_NOTHING },
	{ "probe: silence", OURS_BOTH, AT_OPEN, PLAY(silent), ANYTHING },
	{ "probe: half a packet", OURS_BOTH, AT_OPEN, PLAY(half_a_packet), ANYTHING },
	{ "probe: only what came before", SERVER, AT_OPEN, PLAY(stale_then_silent), ANYTHING },
	{ "probe: gone", OURS_BOTH, AT_OPEN, PLAY(probe_then_gone), ERR_CLOSED },
	{ "probe: answer", OURS_BOTH, AT_OPEN, PLAY(answers), ANYTHING },
	{ "probe: another message", OURS_BOTH, AT_OPEN, PLAY(says_something_else), ANYTHING },
	{ "probe: behind many questions", OURS_BOTH, AT_OPEN, PLAY(asked_much), ANYTHING },
	{ "probe: twice", OURS_BOTH, AT_OPEN, PLAY(asked_twice), ANYTHING },
	{ "probe: KEXINIT", OURS_BOTH, AT_OPEN, PLAY(new_keys_count), ANYTHING },
};

int main(void)
{
	struct CMUnitTest tests[LEN(prove_rows) + 6] = {
		cmocka_unit_test(test_too_many_keys), cmocka_unit_test(test_told_as_many_as_fit),
		cmocka_unit_test(test_told),	      cmocka_unit_test(test_not_told_to),
		cmocka_unit_test(test_no_proof),      cmocka_unit_test(test_asked_1000_times),
	};
	int failed = evil_begin();

	for (size_t i = 0; i < LEN(prove_rows); i++)
		tests[6 + i] = (struct CMUnitTest){ prove_rows[i].name, test_proof, NULL, NULL,
						    (void *)(uintptr_t)&prove_rows[i] };
	failed = failed || cmocka_run_group_tests_name("host keys", tests, NULL, NULL) ||
		 evil_rows("a server's own", rows, LEN(rows));
	evil_end();
	return failed;
}
