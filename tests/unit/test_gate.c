/* The gate over an engine that does what the test says: what a policy lets a client do, what it refuses, and the record
 * of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fwd/gate.h"
#include "fwd/share.h"
#include "fwd_rig.h"
#include "io/sock.h"

enum { QUESTION = 900 }; /* the first one of a global request */

/* The calloc() that fails, counted down; 0 = none. */
static unsigned fail_at;
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m)
{
	return fail_at && --fail_at == 0 ? NULL : __real_calloc(n, m);
}

/* Names that no resolver knows; libuv's thread finds this one in the program before it finds libc's. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(host, "one.example") == 0 && !(hints->ai_flags & AI_NUMERICHOST))
		host = "127.0.0.2";
	if (strcmp(host, "meta.example") == 0 && !(hints->ai_flags & AI_NUMERICHOST))
		host = "169.254.169.254";
	if (strcmp(host, "none.example") == 0)
		return EAI_NONAME;
	return real(host, service, hints, out);
}

/* The rig's text collects the records: "refused direct-tcpip a:1 (words);". */
struct hall {
	struct rig rig;
	struct gate *gate;
	struct policy policy;
	struct gate_record last; /* its text is gone */
	char from[64], actual[128];
	unsigned records, asks, unused;
	/* what was asked outside, and whether the answer comes from within the question */
	uint32_t ticket;
	char outside[256];
	bool at_once;
	uint16_t own_port; /* on 127.0.0.1, and ours; 0 = none */
	char dir[64];
};

static void on_record(void *user, const struct gate_record *r)
{
	struct hall *h = user;
	size_t n = strlen(h->rig.text);

	h->records++;
	h->last = *r;
	snprintf(h->from, sizeof(h->from), "%s", r->from);
	snprintf(h->actual, sizeof(h->actual), "%s", r->actual);
	snprintf(h->rig.text + n, sizeof(h->rig.text) - n, "%s %s %s:%u", gate_how_text(r->how),
		 gate_kind_text(r->kind), r->host, r->port);
	n = strlen(h->rig.text);
	snprintf(h->rig.text + n, sizeof(h->rig.text) - n, *r->words ? " (%s);" : ";", r->words);
}

static void note_outside(struct hall *h, const char *what, uint32_t ticket, const char *host, uint16_t port)
{
	size_t n = strlen(h->outside);

	h->ticket = ticket;
	snprintf(h->outside + n, sizeof(h->outside) - n, "%s %s:%u;", what, host, port);
}

static void on_bind(void *user, uint32_t ticket, const char *host, uint16_t port)
{
	struct hall *h = user;

	note_outside(h, "bind", ticket, host, port);
	if (h->at_once)
		gate_bound(h->gate, ticket, NULL, 0, ERR_IO, "not today");
}

static void on_take_over(void *user, uint32_t ticket, const char *host, uint16_t port)
{
	struct hall *h = user;

	note_outside(h, "take", ticket, host, port);
	if (h->at_once)
		gate_retry(h->gate, ticket);
}

static void on_unused(void *user)
{
	((struct hall *)user)->unused++;
}

static bool leads_back(void *user, const struct ip *a, uint16_t port)
{
	static const struct ip_range own = { { 4, { 127, 0, 0, 1 } }, 32 };
	const struct hall *h = user;
	struct ip inner = ip_unmap(*a);

	return port == h->own_port && ip_in(&inner, &own);
}

static const struct gate_calls calls = { .record = on_record,
					 .bind_privileged = on_bind,
					 .take_over = on_take_over,
					 .leads_back = leads_back,
					 .unused = on_unused };

static void hall_new(struct hall *h)
{
	assert_int_equal(gate_new(&h->gate, h->rig.link, &h->policy, &calls, h), OK);
}

/* Everything is allowed; a test takes away what it is about, before hall_new(). */
static void hall_up(struct hall *h)
{
	*h = (struct hall){ .policy = { .tcp = POLICY_LOCAL | POLICY_REMOTE,
					.streamlocal = POLICY_LOCAL | POLICY_REMOTE,
					.bind_mask = 0177,
					.max_listeners = 4,
					.max_opens = 4 } };
	snprintf(h->dir, sizeof(h->dir), "/tmp/adit-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	rig_up(&h->rig);
}

static void hall_down(struct hall *h)
{
	gate_free(h->gate);
	rig_down(&h->rig);
	assert_int_equal(rmdir(h->dir), 0); /* nothing is left in it */
}

static bool answered(struct rig *r)
{
	return r->conn->answered > 0;
}

static bool two_answered(struct rig *r)
{
	return r->conn->answered == 2;
}

static bool chan_closed(struct rig *r)
{
	return r->conn->chan[0].closed;
}

static bool five_bytes(struct rig *r)
{
	drain(r->app, &r->count);
	return r->count == 5;
}

static bool three_sent(struct rig *r)
{
	return r->conn->chan[0].sent.n == 3;
}

/* ---- Channels that the client opens ---- */

static void ask_open(struct hall *h, enum target_kind kind, struct span host, uint32_t port)
{
	struct conn *c = h->rig.conn;
	const struct event ev = { .kind = EV_OPEN,
				  .chan = c->chans,
				  .question = c->chans + 1,
				  .target = { .kind = kind,
					      .host = host,
					      .port = port,
					      .origin_host = span_str("10.0.0.1\033"),
					      .origin_port = 4711 } };

	c->chan[c->chans++] = (struct fake_chan){ .used = true, .window = c->start_window, .sent = BUF(1 << 20) };
	fake_event(c, &ev);
}

#define H(s)                                        \
	(struct span)                               \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_opens_refused(void **state)
{
	const struct {
		const char *name;
		enum target_kind kind;
		struct span host;
		uint32_t port;
		unsigned tcp, streamlocal;
		const char *want;
	} rows[] = {
		{ "empty", TARGET_DIRECT_TCPIP, H(""), 80, 3, 3, "bad name: empty" },
		{ "NUL", TARGET_DIRECT_TCPIP, H("127.0.0.1\0.x"), 80, 3, 3, "bad name: " },
		{ "space", TARGET_DIRECT_TCPIP, H("127.0.0.1 "), 80, 3, 3, "bad name: " },
		{ "newline", TARGET_DIRECT_TCPIP, H("a\nb"), 80, 3, 3, "bad name: " },
		{ "DEL", TARGET_DIRECT_TCPIP, H("a\x7f"), 80, 3, 3, "bad name: " },
		{ "circled digits", TARGET_DIRECT_TCPIP, H("\xe2\x91\xa0.0.0.1"), 80, 3, 3, "bad name: " },
		{ "254 bytes", TARGET_DIRECT_TCPIP,
		  H(A64 A64 A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 80, 3, 3,
		  "bad name: " },
		{ "port 0", TARGET_DIRECT_TCPIP, H("127.0.0.1"), 0, 3, 3, "bad port 0" },
		{ "only remote", TARGET_DIRECT_TCPIP, H("127.0.0.1"), 80, POLICY_REMOTE, 3, "AllowTcpForwarding" },
		{ "only unix", TARGET_DIRECT_TCPIP, H("127.0.0.1"), 80, 0, 3, "AllowTcpForwarding" },
		{ "no path", TARGET_DIRECT_STREAMLOCAL, H(""), 0, 3, 3, "bad path: empty" },
		{ "relative", TARGET_DIRECT_STREAMLOCAL, H("run/s"), 0, 3, 3, "the path is not absolute" },
		{ "abstract", TARGET_DIRECT_STREAMLOCAL, H("\0run"), 0, 3, 3, "bad path: " },
		{ "NUL in path", TARGET_DIRECT_STREAMLOCAL, H("/run\0/s"), 0, 3, 3, "bad path: " },
		{ "108 bytes", TARGET_DIRECT_STREAMLOCAL, H("/" A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0,
		  3, 3, "bad path: " },
		{ "only remote unix", TARGET_DIRECT_STREAMLOCAL, H("/run/s"), 0, 3, POLICY_REMOTE,
		  "AllowStreamLocalForwarding" },
		{ "only tcp", TARGET_DIRECT_STREAMLOCAL, H("/run/s"), 0, 3, 0, "AllowStreamLocalForwarding" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct hall h;

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.policy.tcp = rows[i].tcp;
		h.policy.streamlocal = rows[i].streamlocal;
		hall_new(&h);
		ask_open(&h, rows[i].kind, rows[i].host, rows[i].port);
		rig_until(&h.rig, answered);
		assert_false(h.rig.conn->answers[0].yes);
		assert_int_equal(h.rig.conn->answers[0].reason, OPEN_PROHIBITED);
		assert_string_equal(h.rig.conn->answer_text[0], "open failed");
		assert_int_equal(h.records, 1);
		assert_int_equal(h.last.how, GATE_REFUSED);
		assert_non_null(strstr(h.rig.text, rows[i].want));
		assert_string_equal(h.from, "10.0.0.1\\x1b");
		assert_int_equal(h.last.from_port, 4711);
		assert_int_equal(gate_facts(h.gate).channels, 0);
		hall_down(&h);
	}
}

static char *fixed(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* The lists of the policy, before and after the name is looked up: what is refused is the same words for the client,
 * and the rule for the record. */
static void test_lists(void **state)
{
	static const struct {
		const char *name, *host, *permit, *deny, *want; /* NULL: it is connected */
	} rows[] = {
		{ "another host", "127.0.0.1", "mail.example:110", NULL, "(PermitOpen)" },
		{ "another spelling", "127.1", "127.0.0.1:*", NULL, "(PermitOpen)" },
		{ "nothing", "127.0.0.1", "none", NULL, "(PermitOpen)" },
		{ "denied", "127.0.0.1", NULL, "127.0.0.0/8", "(DenyOpen 127.0.0.0/8)" },
		{ "denied, mapped", "::ffff:127.0.0.1", NULL, "127.0.0.0/8", "(DenyOpen 127.0.0.0/8)" },
		{ "denied, old spelling", "127.1", NULL, "127.0.0.0/8", "(DenyOpen 127.0.0.0/8)" },
		{ "denied, number", "2130706433", NULL, "127.0.0.0/8", "(DenyOpen 127.0.0.0/8)" },
		{ "metadata", "169.254.169.254", NULL, NULL, "(guarded: " },
		{ "metadata as a number", "2852039166", NULL, NULL, "(guarded: " },
		{ "a name for it", "meta.example", NULL, NULL, "(guarded: " },
		{ "a name for it, permitted by name", "meta.example", "meta.example:*", NULL, "(guarded: " },
		{ "unspecified", "0", NULL, NULL, "(guarded: " },
		{ "permitted", "127.0.0.1", "127.0.0.1:*", NULL, NULL },
		{ "old spelling, nothing against it", "127.1", NULL, "10.0.0.0/8", NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		char *permit[] = { fixed(rows[i].permit) }, *deny[] = { fixed(rows[i].deny) };
		struct hall h;
		uint16_t to;
		int l = tcp_listener(&to);

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.policy.permit_open[POLICY_ADMIN] = (struct strs){ permit, rows[i].permit != NULL };
		h.policy.deny_open = (struct strs){ deny, rows[i].deny != NULL };
		hall_new(&h);
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, rows[i].host, to);
		rig_until(&h.rig, answered);
		assert_int_equal(h.rig.conn->answers[0].yes, !rows[i].want);
		if (rows[i].want) {
			assert_int_equal(h.rig.conn->answers[0].reason, OPEN_PROHIBITED);
			assert_string_equal(h.rig.conn->answer_text[0], "open failed");
			assert_int_equal(h.last.how, GATE_REFUSED);
			assert_non_null(strstr(h.rig.text, rows[i].want));
		}
		close(l);
		hall_down(&h);
	}
}

/* A forward into the server itself: the client hears why, the record has a rule, and the administrator may want it. */
static void test_no_way_back(void **state)
{
	static const struct {
		const char *name, *host, *permit;
		bool yes;
	} rows[] = {
		{ "its address", "127.0.0.1", NULL, false },
		{ "in disguise", "::ffff:127.0.0.1", NULL, false },
		{ "old spelling", "127.1", NULL, false },
		{ "permitted in general", "127.0.0.1", "127.0.0.0/8:*", false },
		{ "permitted for every port", "127.0.0.1", "127.0.0.1:*", false },
		{ "permitted", "127.0.0.1", "127.0.0.1:%u", true },
		{ "another port", "127.0.0.1", NULL, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		char word[32], *permit[] = { word };
		struct hall h;
		uint16_t to;
		int l = tcp_listener(&to);

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.own_port = strstr(rows[i].name, "another") ? to - 1 : to;
		snprintf(word, sizeof(word), rows[i].permit ? rows[i].permit : "", to);
		h.policy.permit_open[POLICY_ADMIN] = (struct strs){ permit, rows[i].permit != NULL };
		hall_new(&h);
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, rows[i].host, to);
		rig_until(&h.rig, answered);
		assert_int_equal(h.rig.conn->answers[0].yes, rows[i].yes);
		if (!rows[i].yes) {
			assert_int_equal(h.rig.conn->answers[0].reason, OPEN_PROHIBITED);
			assert_string_equal(h.rig.conn->answer_text[0], "this server itself listens there");
			assert_int_equal(h.last.how, GATE_REFUSED);
			assert_non_null(strstr(h.rig.text, "(guarded: an address where this server itself listens)"));
		}
		close(l);
		hall_down(&h);
	}
}

static void test_target_refuses(void **state)
{
	char want[256];
	struct hall h;
	uint16_t to;

	(void)state;
	close(tcp_listener(&to));
	hall_up(&h);
	hall_new(&h);
	fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
	rig_until(&h.rig, answered);
	assert_int_equal(h.rig.conn->answers[0].reason, OPEN_CONNECT_FAILED);
	assert_string_equal(h.rig.conn->answer_text[0], "Connection refused");
	snprintf(want, sizeof(want), "failed direct-tcpip 127.0.0.1:%u (Connection refused);", to);
	assert_string_equal(h.rig.text, want);
	hall_down(&h);
}

/* The ways an open channel ends, and what the record says of it. */
static void test_ends(void **state)
{
	static const struct {
		const char *name;
		enum gate_how want;
	} rows[] = {
		{ "clean", GATE_CLEAN },     { "socket reset", GATE_RESET }, { "no EOF", GATE_BROKEN },
		{ "connection", GATE_LOST }, { "gate freed", GATE_LOST },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct hall h;
		uint16_t to;
		int l = tcp_listener(&to);

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		hall_new(&h);
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
		rig_until(&h.rig, answered);
		assert_true(h.rig.conn->answers[0].yes);
		h.rig.app = accept(l, NULL, NULL);
		fcntl(h.rig.app, F_SETFL, O_NONBLOCK);
		fake_data(h.rig.conn, 0, "hello", 5);
		rig_until(&h.rig, five_bytes);
		assert_int_equal(write(h.rig.app, "bye", 3), 3);
		rig_until(&h.rig, three_sent);
		assert_int_equal(h.records, 0);
		assert_int_equal(gate_facts(h.gate).channels, 1);
		assert_int_equal(gate_facts(h.gate).rx_bytes, 5);
		assert_int_equal(gate_facts(h.gate).tx_bytes, 3);
		if (i == 0) {
			shutdown(h.rig.app, SHUT_WR);
			fake_simple(h.rig.conn, EV_EOF, 0);
			rig_until(&h.rig, chan_closed);
			fake_closed(h.rig.conn, 0, true);
		} else if (i == 1) {
			sock_reset(h.rig.app);
			h.rig.app = -1;
			rig_until(&h.rig, chan_closed);
			fake_closed(h.rig.conn, 0, false);
		} else if (i == 2) {
			fake_closed(h.rig.conn, 0, false);
		} else if (i == 3) {
			fake_fail(h.rig.conn, ERR_CLOSED, "gone");
		} else {
			gate_free(h.gate);
			h.gate = NULL;
		}
		rig_settle(&h.rig);
		assert_int_equal(h.records, 1);
		assert_int_equal(h.last.how, rows[i].want);
		assert_int_equal(h.last.kind, GATE_DIRECT_TCPIP);
		assert_int_equal(h.last.rx_bytes, 5);
		assert_int_equal(h.last.tx_bytes, 3);
		assert_string_equal(h.actual, "127.0.0.1");
		assert_int_equal(h.last.actual_port, to);
		assert_true(h.last.end_ms >= h.last.start_ms);
		if (h.gate) {
			assert_int_equal(gate_facts(h.gate).channels, 0);
			assert_int_equal(gate_facts(h.gate).rx_bytes, 5);
		}
		close(l);
		hall_down(&h);
	}
}

static int unix_socket(const char *path, bool to_listen)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (to_listen) {
		assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
		assert_int_equal(listen(fd, 8), 0);
	} else {
		assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	}
	return fd;
}

static void test_direct_unix(void **state)
{
	char path[100];
	struct hall h;
	int l;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	snprintf(path, sizeof(path), "%s/s", h.dir);
	l = unix_socket(path, true);
	ask_open(&h, TARGET_DIRECT_STREAMLOCAL, span_str(path), 0);
	rig_until(&h.rig, answered);
	assert_true(h.rig.conn->answers[0].yes);
	close(l);
	unlink(path);
	h.rig.conn->answered = 0;
	ask_open(&h, TARGET_DIRECT_STREAMLOCAL, span_str(path), 0);
	rig_until(&h.rig, answered);
	assert_string_equal(h.rig.conn->answer_text[0], "No such file or directory");
	hall_down(&h);
}

static bool four_dials(struct rig *r)
{
	return gate_facts(((struct hall *)r->mine)->gate).dials == 4;
}

/* A target that does not answer: so many connects at a time, the rest waits; all are answered when the gate goes. */
static void test_dials_are_bounded(void **state)
{
	struct hall h;
	int hole[8];
	uint16_t to;
	int l = tcp_listener(&to);

	(void)state;
	assert_int_equal(listen(l, 0), 0);
	for (size_t i = 0; i < LEN(hole); i++)
		hole[i] = tcp_start(to);
	hall_up(&h);
	hall_new(&h);
	h.rig.mine = &h;
	for (int i = 0; i < 300; i++)
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
	rig_until(&h.rig, four_dials);
	rig_settle(&h.rig);
	assert_int_equal(gate_facts(h.gate).dials, 4);
	assert_int_equal(gate_facts(h.gate).channels, 300);
	assert_int_equal(h.rig.conn->answered, 0);
	gate_free(h.gate);
	h.gate = NULL;
	assert_int_equal(h.rig.conn->answered, 300);
	assert_int_equal(h.records, 300);
	for (size_t i = 0; i < LEN(hole); i++)
		close(hole[i]);
	close(l);
	hall_down(&h);
}

/* ---- Descriptors that run out ---- */

/* So many descriptors are left from here on; returns the limit of before. */
static struct rlimit leave_descriptors(rlim_t n)
{
	int lowest = dup(STDIN_FILENO);
	struct rlimit old, few;

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)lowest + n;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	return old;
}

/* Two opens in one turn: the reserve is kept at the door and again when a connect begins. */
static void test_reserve(void **state)
{
	static const struct {
		const char *name;
		rlim_t left;
		unsigned yes;
		const char *words;
	} rows[] = {
		{ "none", 0, 0, "(no descriptors left)" },
		{ "the reserve", GATE_RESERVE, 0, "(no descriptors left)" },
		{ "one more", GATE_RESERVE + 1, 1, "(Too many open files)" },
		{ "enough", GATE_RESERVE + 32, 2, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct rlimit old;
		struct hall h;
		uint16_t to;
		int l = tcp_listener(&to);

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		hall_new(&h);
		old = leave_descriptors(rows[i].left);
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
		rig_until(&h.rig, two_answered);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		for (unsigned k = 0; k < 2; k++) {
			const struct answer *a = &h.rig.conn->answers[k];

			assert_int_equal(a->yes, k >= 2 - rows[i].yes);
			assert_true(a->yes || a->reason == OPEN_SHORTAGE);
		}
		assert_int_equal(h.records, 2 - rows[i].yes);
		if (rows[i].words) {
			assert_int_equal(h.last.how, GATE_FAILED);
			assert_non_null(strstr(h.rig.text, rows[i].words));
		}
		close(l);
		hall_down(&h);
	}
}

/* ---- Listeners ---- */

static void ask(struct hall *h, enum global_kind kind, struct span host, uint32_t port, bool want_reply)
{
	const struct event ev = { .kind = EV_GLOBAL,
				  .question = QUESTION + h->asks++,
				  .global = { .kind = kind, .host = host, .port = port, .want_reply = want_reply } };

	fake_event(h->rig.conn, &ev);
	rig_settle(&h->rig);
}

static const struct answer *answer(const struct hall *h, unsigned i)
{
	assert_true(h->rig.conn->answered > i);
	return &h->rig.conn->answers[i];
}

static void listen_on(struct hall *h, const char *host, uint16_t port)
{
	ask(h, GLOBAL_TCPIP_FORWARD, span_str(host), port, true);
}

static void test_listeners_refused(void **state)
{
	const struct {
		const char *name;
		enum global_kind kind;
		struct span host;
		uint32_t port;
		bool want_reply;
		unsigned tcp, streamlocal, listeners;
		enum gateway_ports gateway;
		const char *want;
	} rows[] = {
		{ "NUL", 1, H("127.0.0.1\0"), 0, true, 3, 3, 4, 0, "NUL" },
		{ "space", 1, H("127.0.0.1 "), 0, true, 3, 3, 4, 0, "bad name: " },
		{ "ESC", 1, H("\033[2J"), 0, true, 3, 3, 4, 0, "bad name: " },
		{ "long", 1, H(A64 A64 A64 A64), 0, true, 3, 3, 4, 0, "bad name: " },
		{ "port 0 unanswered", 1, H("localhost"), 0, false, 3, 3, 4, 0, "port 0" },
		{ "only local", 1, H("localhost"), 0, true, POLICY_LOCAL, 3, 4, 0, "AllowTcpForwarding" },
		{ "only unix", 1, H("localhost"), 0, true, 0, 3, 4, 0, "AllowTcpForwarding" },
		{ "no listeners", 1, H("localhost"), 0, true, 3, 3, 0, 0, "MaxListeners" },
		{ "a broadcast address", 1, H("255.255.255.255"), 0, true, 3, 3, 4, GATEWAY_CLIENT, "guarded: " },
		{ "relative", 3, H("s"), 0, true, 3, 3, 4, 0, "not absolute" },
		{ "no path", 3, H(""), 0, true, 3, 3, 4, 0, "bad path: " },
		{ "NUL in path", 3, H("/tmp/\0"), 0, true, 3, 3, 4, 0, "NUL" },
		{ "108 bytes", 3, H("/" A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0, true, 3, 3, 4, 0,
		  "bad path: " },
		{ "only tcp", 3, H("/tmp/s"), 0, true, 3, POLICY_LOCAL, 4, 0, "AllowStreamLocalForwarding" },
		{ "no unix listeners", 3, H("/tmp/s"), 0, true, 3, 3, 0, 0, "MaxListeners" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct hall h;

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.policy.tcp = rows[i].tcp;
		h.policy.streamlocal = rows[i].streamlocal;
		h.policy.max_listeners = rows[i].listeners;
		h.policy.gateway = rows[i].gateway;
		hall_new(&h);
		ask(&h, rows[i].kind, rows[i].host, rows[i].port, rows[i].want_reply);
		assert_false(answer(&h, 0)->yes);
		assert_int_equal(h.records, 1);
		assert_int_equal(h.last.how, GATE_REFUSED);
		assert_non_null(strstr(h.rig.text, rows[i].want));
		assert_null(strchr(h.rig.text, '\033'));
		assert_int_equal(gate_facts(h.gate).listeners, 0);
		hall_down(&h);
	}
}

static void test_gateway_ports(void **state)
{
	/* What the client is told; %u is the port. */
	static const char no[] = "debug GatewayPorts no: the listener for %s port %u is on loopback only;",
			  yes[] = "debug! GatewayPorts yes: the listener for %s port %u is on every address;";
	static const struct {
		const char *host;
		struct {
			const char *bound, *told;
		} as[3]; /* by enum gateway_ports: no, yes, clientspecified */
	} rows[] = {
		{ "", { { "localhost", no }, { "*", NULL }, { "*", NULL } } },
		{ "*", { { "localhost", no }, { "*", NULL }, { "*", NULL } } },
		{ "0.0.0.0", { { "localhost", no }, { "*", NULL }, { "0.0.0.0", NULL } } },
		{ "localhost", { { "localhost", NULL }, { "*", yes }, { "localhost", NULL } } },
		{ "127.0.0.1", { { "127.0.0.1", NULL }, { "*", yes }, { "127.0.0.1", NULL } } },
		{ "127.0.0.2", { { "localhost", NULL }, { "*", yes }, { "127.0.0.2", NULL } } },
		{ "one.example", { { "localhost", no }, { "*", yes }, { "127.0.0.2", NULL } } },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		for (int k = 0; k < 3; k++) {
			const char *told = rows[i].as[k].told, *host = rows[i].host;
			struct hall h;
			char want[256];

			hall_up(&h);
			h.policy.gateway = (enum gateway_ports)k;
			hall_new(&h);
			listen_on(&h, host, 0);
			rig_until(&h.rig, answered);
			assert_true(answer(&h, 0)->yes);
			assert_int_equal(h.last.how, GATE_LISTENING);
			assert_string_equal(h.actual, rows[i].as[k].bound);
			assert_int_equal(h.last.actual_port, answer(&h, 0)->port);
			assert_true(h.last.actual_port >= 1024);
			snprintf(want, sizeof(want), told ? told : "", *host ? host : "*", h.last.actual_port);
			if (told) /* before the answer */
				assert_true(strstr(h.rig.conn->log, want) < strstr(h.rig.conn->log, "answer "));
			assert_int_equal(strstr(h.rig.conn->log, told ? want : "debug") != NULL, told != NULL);
			hall_down(&h);
		}
}

/* A name that does not exist is refused, and what comes behind it waits for that. */
static void test_name_that_fails(void **state)
{
	static const char want[] = "failed tcpip-forward none.example:0 (Name or service not known);";
	struct hall h;

	(void)state;
	hall_up(&h);
	h.policy.gateway = GATEWAY_CLIENT;
	hall_new(&h);
	listen_on(&h, "none.example", 0);
	listen_on(&h, "localhost", 0);
	rig_until(&h.rig, two_answered);
	assert_false(answer(&h, 0)->yes);
	assert_true(answer(&h, 1)->yes);
	assert_ptr_equal(strstr(h.rig.text, want), h.rig.text);
	hall_down(&h);
}

/* The connection goes while a name is looked up. */
static void test_gone_while_looking_up(void **state)
{
	struct hall h;

	(void)state;
	hall_up(&h);
	h.policy.gateway = GATEWAY_CLIENT;
	hall_new(&h);
	fake_event(h.rig.conn, &(struct event){ .kind = EV_GLOBAL,
						.question = QUESTION,
						.global = { .kind = GLOBAL_TCPIP_FORWARD,
							    .host = span_str("one.example"),
							    .want_reply = true } });
	fake_fail(h.rig.conn, ERR_CLOSED, "gone");
	rig_settle(&h.rig);
	assert_int_equal(gate_facts(h.gate).listeners, 0);
	assert_int_equal(h.records, 0);
	hall_down(&h);
}

static bool one_open(struct rig *r)
{
	return r->conn->chans == 1;
}

static bool refused_to_connect(uint16_t port)
{
	struct addr a;
	int fd = socket(AF_INET, SOCK_STREAM, 0), e;
	const struct ip here = { .family = 4, .bytes = { 127, 0, 0, 1 } };

	addr_of_ip(&a, &here, port);
	e = connect(fd, (struct sockaddr *)&a.sa, a.len) ? errno : 0;
	close(fd);
	return e == ECONNREFUSED;
}

/* Who connects becomes a channel that names the address as it was asked for, byte for byte, and the real port; cancel
 * takes the listener away, not the channel. */
static void test_forwarded(void **state)
{
	char want[256];
	struct hall h;
	uint16_t port;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	listen_on(&h, "LocalHost.", 0);
	port = (uint16_t)answer(&h, 0)->port;
	h.rig.app = tcp_connect(port);
	rig_until(&h.rig, one_open);
	snprintf(want, sizeof(want), "open 0 LocalHost.:%u;", port);
	assert_non_null(strstr(h.rig.conn->log, want));
	fake_simple(h.rig.conn, EV_OPENED, 0);
	fake_data(h.rig.conn, 0, "hello", 5);
	rig_until(&h.rig, five_bytes);

	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("localhost"), port, true);
	assert_false(answer(&h, 1)->yes);
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("LocalHost."), 0, true);
	assert_false(answer(&h, 2)->yes);
	ask(&h, GLOBAL_CANCEL_STREAMLOCAL_FORWARD, span_str("LocalHost."), 0, true);
	assert_false(answer(&h, 3)->yes);
	assert_int_equal(gate_facts(h.gate).listeners, 1);
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("LocalHost."), port, true);
	assert_true(answer(&h, 4)->yes);
	assert_int_equal(h.last.how, GATE_CANCELLED);
	assert_int_equal(gate_facts(h.gate).listeners, 0);
	assert_true(refused_to_connect(port));
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("LocalHost."), port, true);
	assert_false(answer(&h, 5)->yes);

	assert_int_equal(write(h.rig.app, "bye", 3), 3);
	rig_until(&h.rig, three_sent);
	fake_closed(h.rig.conn, 0, true);
	rig_settle(&h.rig);
	assert_int_equal(h.last.how, GATE_CLEAN);
	assert_int_equal(h.last.kind, GATE_FORWARDED_TCPIP);
	assert_int_equal(h.last.rx_bytes, 5);
	assert_int_equal(h.last.tx_bytes, 3);
	assert_int_equal(h.last.port, port);
	assert_string_equal(h.from, "127.0.0.1");
	assert_true(h.last.from_port != 0);
	hall_down(&h);
}

/* A listener leaves the reserve alone, and those that stand do too: who connects waits. */
static void test_listeners_and_reserve(void **state)
{
	static const char want[] = "failed tcpip-forward localhost:0 (no descriptors left);";
	struct rlimit old;
	struct hall h;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	listen_on(&h, "127.0.0.1", 0);
	h.rig.app = tcp_connect((uint16_t)answer(&h, 0)->port);
	old = leave_descriptors(GATE_RESERVE);
	listen_on(&h, "localhost", 0);
	assert_false(answer(&h, 1)->yes);
	assert_non_null(strstr(h.rig.text, want));
	rig_settle(&h.rig);
	assert_int_equal(h.rig.conn->chans, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	rig_until(&h.rig, one_open);
	hall_down(&h);
}

static void test_client_declines(void **state)
{
	struct hall h;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	listen_on(&h, "localhost", 0);
	h.rig.app = tcp_connect((uint16_t)answer(&h, 0)->port);
	rig_until(&h.rig, one_open);
	fake_event(h.rig.conn,
		   &(struct event){ .kind = EV_REFUSED, .reason = OPEN_CONNECT_FAILED, .text = span_str("\033no") });
	rig_settle(&h.rig);
	assert_int_equal(h.last.how, GATE_DECLINED);
	assert_non_null(strstr(h.rig.text, "(connect failed: \\x1bno)"));
	assert_int_equal(gate_facts(h.gate).channels, 0);
	hall_down(&h);
}

static void test_connection_lost(void **state)
{
	struct hall h;
	uint16_t port;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	listen_on(&h, "localhost", 0);
	port = (uint16_t)answer(&h, 0)->port;
	h.rig.app = tcp_connect(port);
	rig_until(&h.rig, one_open);
	fake_fail(h.rig.conn, ERR_CLOSED, "gone");
	rig_settle(&h.rig);
	assert_int_equal(h.records, 3); /* the listener's begin and end, and the channel */
	assert_int_equal(h.last.how, GATE_LOST);
	assert_true(refused_to_connect(port));
	hall_down(&h);
}

static void test_many_listeners(void **state)
{
	struct hall h;
	uint16_t port;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	for (unsigned i = 0; i < 5; i++) {
		listen_on(&h, "127.0.0.1", 0);
		assert_int_equal(answer(&h, i)->yes, i < 4);
	}
	assert_int_equal(h.last.how, GATE_REFUSED);
	port = (uint16_t)answer(&h, 0)->port;
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("127.0.0.1"), port, false);
	listen_on(&h, "127.0.0.1", 0);
	assert_true(answer(&h, 6)->yes);
	hall_down(&h);
}

/* ---- What a user's connections have together ---- */

/* Two connections of one user: together they get what one may have, and others are served meanwhile. */
static void test_listeners_of_one_user(void **state)
{
	struct bank all = { .limit = 1 << 20 };
	struct share *table = NULL, *one = share_join(&table, "digger", &all),
		     *two = share_join(&table, "sapper", &all);
	struct share *of[] = { one, one, two };
	struct hall h[3];

	(void)state;
	one->listeners = SHARE_LISTENERS_MAX - 2;
	for (size_t i = 0; i < LEN(h); i++) {
		hall_up(&h[i]);
		hall_new(&h[i]);
		gate_shares(h[i].gate, of[i]);
		listen_on(&h[i], "localhost", 0);
		assert_true(answer(&h[i], 0)->yes);
	}
	listen_on(&h[1], "localhost", 0);
	assert_false(answer(&h[1], 1)->yes);
	assert_int_equal(h[1].last.how, GATE_REFUSED);
	assert_non_null(strstr(h[1].rig.text, "(listeners of one user: 4096 stand already)"));
	listen_on(&h[2], "localhost", 0);
	assert_true(answer(&h[2], 1)->yes);
	ask(&h[0], GLOBAL_CANCEL_TCPIP_FORWARD, span_str("localhost"), answer(&h[0], 0)->port, true);
	listen_on(&h[1], "localhost", 0);
	assert_true(answer(&h[1], 2)->yes);
	for (size_t i = 0; i < LEN(h); i++)
		hall_down(&h[i]);
	assert_int_equal(one->listeners, SHARE_LISTENERS_MAX - 2);
	assert_int_equal(two->listeners, 0);
	one->listeners = 0;
	share_leave(one);
	share_leave(two);
}

/* The last place goes while the request waits for its port: it is refused all the same, and the sockets are closed. */
static void test_place_lost_meanwhile(void **state)
{
	struct bank all = { .limit = 1 << 20 };
	struct share *table = NULL, *share = share_join(&table, "digger", &all);
	struct hall h;
	uint16_t port;
	int fd = tcp_listener(&port);

	(void)state;
	share->listeners = SHARE_LISTENERS_MAX - 1;
	hall_up(&h);
	h.policy.root = true;
	hall_new(&h);
	gate_shares(h.gate, share);
	listen_on(&h, "localhost", 80);
	assert_int_equal(h.rig.conn->answered, 0);
	share_listens(share);
	gate_bound(h.gate, h.ticket, &fd, 1, OK, "");
	assert_false(answer(&h, 0)->yes);
	assert_int_equal(h.last.how, GATE_REFUSED);
	assert_non_null(strstr(h.rig.text, "(listeners of one user: 4096 stand already)"));
	assert_true(refused_to_connect(port));
	hall_down(&h);
	assert_int_equal(share->listeners, SHARE_LISTENERS_MAX);
	share->listeners = 0;
	share_leave(share);
}

/* Refused by the engine, before anybody was asked. */
static void test_turned_away(void **state)
{
	const struct event ev = { .kind = EV_TURNED_AWAY,
				  .reason = OPEN_SHORTAGE,
				  .target = { .kind = TARGET_DIRECT_TCPIP,
					      .host = H("mail\033"),
					      .port = 25,
					      .origin_host = H("10.0.0.1"),
					      .origin_port = 4711 } };
	struct hall h;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	gate_turned_away(h.gate, &ev, "WindowBank: a rule");
	assert_string_equal(h.rig.text, "refused direct-tcpip mail\\x1b:25 (WindowBank: a rule);");
	assert_string_equal(h.from, "10.0.0.1");
	assert_int_equal(h.rig.conn->answered, 0);
	hall_down(&h);
}

/* ---- Ports of the privileged, and of others ---- */

static void test_privileged(void **state)
{
	uint16_t port;
	struct hall h;
	int fd;

	(void)state;
	hall_up(&h);
	h.policy.root = true;
	hall_new(&h);
	listen_on(&h, "", 80);
	listen_on(&h, "localhost", 0); /* comes behind, whatever it wants */
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("localhost"), 1, true);
	assert_string_equal(h.outside, "bind localhost:80;");
	assert_int_equal(h.rig.conn->answered, 0);

	fd = tcp_listener(&port);
	gate_bound(h.gate, h.ticket + 1, &fd, 1, OK, NULL); /* not that one: let go */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	gate_retry(h.gate, 0);
	assert_int_equal(h.rig.conn->answered, 0);

	fd = tcp_listener(&port);
	gate_bound(h.gate, h.ticket, &fd, 1, OK, NULL);
	assert_int_equal(h.rig.conn->answered, 3);
	assert_true(answer(&h, 0)->yes);
	assert_int_equal(answer(&h, 0)->port, port);
	assert_true(answer(&h, 1)->yes);
	assert_false(answer(&h, 2)->yes);
	h.rig.app = tcp_connect(port);
	rig_until(&h.rig, one_open);
	gate_bound(h.gate, h.ticket, NULL, 0, ERR_IO, "late"); /* nobody waits */
	assert_int_equal(h.rig.conn->answered, 3);

	h.at_once = true;
	for (int i = 0; i < 3; i++)
		listen_on(&h, "", 443);
	assert_string_equal(h.outside, "bind localhost:80;bind localhost:443;bind localhost:443;bind localhost:443;");
	assert_int_equal(h.rig.conn->answered, 6);
	assert_false(answer(&h, 5)->yes);
	assert_non_null(strstr(h.rig.text, "failed tcpip-forward :443 (not today);"));
	hall_down(&h);
}

static void test_privileged_by_name(void **state)
{
	char *words[] = { fixed("localhost:80") };
	struct hall h;

	(void)state;
	hall_up(&h);
	h.policy.permit_listen[POLICY_ADMIN] = (struct strs){ words, 1 };
	hall_new(&h);
	listen_on(&h, "localhost", 81);
	assert_false(answer(&h, 0)->yes);
	listen_on(&h, "localhost", 80);
	assert_string_equal(h.outside, "bind localhost:80;");
	hall_down(&h);
}

static void test_privileged_refused(void **state)
{
	struct hall h;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	listen_on(&h, "localhost", 1023);
	assert_false(answer(&h, 0)->yes);
	assert_string_equal(h.outside, "");
	assert_int_equal(h.last.how, GATE_REFUSED);
	assert_non_null(strstr(h.rig.text, "(port 1023 is root's: no PermitListen names it)"));
	hall_down(&h);
}

/* The connection goes while the answer is still to come. */
static void test_gone_while_waiting(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		struct hall h;
		uint16_t port;
		int fd = tcp_listener(&port);

		hall_up(&h);
		h.policy.root = true;
		hall_new(&h);
		listen_on(&h, "", 80);
		listen_on(&h, "", 0);
		if (how == 0) {
			fake_fail(h.rig.conn, ERR_CLOSED, "gone");
			rig_settle(&h.rig);
			gate_bound(h.gate, h.ticket, &fd, 1, OK, NULL);
			assert_int_equal(fcntl(fd, F_GETFD), -1);
		} else {
			close(fd);
		}
		assert_int_equal(gate_facts(h.gate).listeners, 0);
		hall_down(&h);
	}
}

static void test_take_over(void **state)
{
	static const struct {
		const char *name;
		uint32_t takeover_ms;
		bool freed, retry, at_once, want;
		const char *outside;
	} rows[] = {
		{ "off", 0, false, false, false, false, "" },
		{ "no", 3000, false, false, false, false, "take" },
		{ "still held", 3000, false, true, false, false, "take" },
		{ "still held, at once", 3000, false, true, true, false, "take" },
		{ "freed", 3000, true, true, false, true, "take" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		char outside[64] = "";
		struct hall h;
		uint16_t port;
		int fd = tcp_listener(&port);

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.policy.takeover_ms = rows[i].takeover_ms;
		h.at_once = rows[i].at_once;
		hall_new(&h);
		listen_on(&h, "127.0.0.1", port);
		if (rows[i].freed)
			close(fd);
		if (*rows[i].outside)
			snprintf(outside, sizeof(outside), "take 127.0.0.1:%u;", port);
		if (rows[i].takeover_ms && !rows[i].at_once) {
			assert_int_equal(h.rig.conn->answered, 0);
			if (rows[i].retry)
				gate_retry(h.gate, h.ticket);
			else
				gate_bound(h.gate, h.ticket, NULL, 0, ERR_IN_USE, "it lives");
		}
		assert_string_equal(h.outside, outside);
		assert_int_equal(h.rig.conn->answered, 1);
		assert_int_equal(answer(&h, 0)->yes, rows[i].want);
		assert_int_equal(h.last.how, rows[i].want ? GATE_LISTENING : GATE_FAILED);
		if (!rows[i].freed)
			close(fd);
		hall_down(&h);
	}
}

/* A privileged port that is taken: the other one is asked first, then the binder again. */
static void test_privileged_take_over(void **state)
{
	struct hall h;

	(void)state;
	hall_up(&h);
	h.policy.root = true;
	h.policy.takeover_ms = 3000;
	hall_new(&h);
	listen_on(&h, "127.0.0.1", 80);
	gate_bound(h.gate, h.ticket, NULL, 0, ERR_IN_USE, "taken");
	gate_retry(h.gate, h.ticket);
	gate_bound(h.gate, h.ticket, NULL, 0, ERR_IN_USE, "still taken");
	assert_string_equal(h.outside, "bind 127.0.0.1:80;take 127.0.0.1:80;bind 127.0.0.1:80;");
	assert_string_equal(h.rig.text, "failed tcpip-forward 127.0.0.1:80 (still taken);");
	hall_down(&h);
}

/* ---- Unix listeners ---- */

static void test_unix_listener(void **state)
{
	char path[100], other[100];
	struct stat st;
	struct hall h;
	int fd;

	(void)state;
	hall_up(&h);
	hall_new(&h);
	snprintf(path, sizeof(path), "%s/s", h.dir);
	snprintf(other, sizeof(other), "%s/other", h.dir);
	ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_true(answer(&h, 0)->yes);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	h.rig.app = unix_socket(path, false);
	rig_until(&h.rig, one_open);
	assert_non_null(strstr(h.rig.conn->log, path));
	ask(&h, GLOBAL_CANCEL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_true(answer(&h, 1)->yes);
	assert_int_equal(stat(path, &st), -1);

	/* What somebody else has put there stays. */
	ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_true(answer(&h, 2)->yes);
	assert_int_equal(rename(path, other), 0);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	ask(&h, GLOBAL_CANCEL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_int_equal(stat(path, &st), 0);
	ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_false(answer(&h, 4)->yes); /* not a socket */
	unlink(path);

	/* A socket left behind goes only when the policy says so. */
	assert_int_equal(rename(other, path), 0);
	ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_false(answer(&h, 5)->yes);
	h.policy.bind_unlink = true;
	ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
	assert_true(answer(&h, 6)->yes);
	hall_down(&h); /* and nothing is left */
}

/* A path that somebody listens on is asked for as records show it, once; what is no socket is not asked for. */
static void test_take_over_of_a_path(void **state)
{
	static const struct {
		const char *name, *file;
		uint32_t takeover_ms;
		bool socket, freed, unlink, want;
		const char *outside;
	} rows[] = {
		{ "off", "s", 0, true, false, false, false, "" },
		{ "a file", "s", 3000, false, false, false, false, "" },
		{ "still held", "s", 3000, true, false, false, false, "s:0;" },
		{ "freed", "s", 3000, true, true, false, true, "s:0;" },
		{ "freed, odd name", "\033 s", 3000, true, true, false, true, "\\x1b s:0;" },
		{ "replaced without asking", "s", 3000, true, false, true, true, "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		char path[100], outside[200] = "";
		struct hall h;
		int fd;

		print_message("%s\n", rows[i].name);
		hall_up(&h);
		h.policy.takeover_ms = rows[i].takeover_ms;
		h.policy.bind_unlink = rows[i].unlink;
		hall_new(&h);
		snprintf(path, sizeof(path), "%s/%s", h.dir, rows[i].file);
		fd = rows[i].socket ? unix_socket(path, true) : open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		ask(&h, GLOBAL_STREAMLOCAL_FORWARD, span_str(path), 0, true);
		if (*rows[i].outside) {
			snprintf(outside, sizeof(outside), "take %s/%s", h.dir, rows[i].outside);
			assert_int_equal(h.rig.conn->answered, 0);
			if (rows[i].freed)
				unlink(path);
			gate_retry(h.gate, h.ticket);
		}
		assert_string_equal(h.outside, outside);
		assert_int_equal(h.rig.conn->answered, 1);
		assert_int_equal(answer(&h, 0)->yes, rows[i].want);
		assert_int_equal(h.last.how, rows[i].want ? GATE_LISTENING : GATE_FAILED);
		close(fd);
		if (!rows[i].want)
			unlink(path);
		hall_down(&h);
	}
}

/* ---- Time ---- */

/* Bytes for the first channel in every turn, until the other one is closed. */
static bool other_closed(struct rig *r)
{
	fake_data(r->conn, 0, "x", 1);
	timer_at(r->tick, loop_now(r->loop) + 50);
	return r->conn->chan[1].closed;
}

/* Of two channels the one on which nothing moves is closed. */
static void test_idle(void **state)
{
	struct hall h;
	uint16_t to;
	int l = tcp_listener(&to);

	(void)state;
	hall_up(&h);
	h.policy.idle_seconds[POLICY_DIRECT_TCPIP] = 1;
	hall_new(&h);
	for (int i = 0; i < 2; i++)
		fake_asks(h.rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
	rig_until(&h.rig, two_answered);
	rig_until(&h.rig, other_closed);
	assert_false(h.rig.conn->chan[0].closed);
	fake_closed(h.rig.conn, 1, false);
	rig_settle(&h.rig);
	assert_int_equal(h.records, 1);
	assert_int_equal(h.last.how, GATE_IDLE);
	assert_true(h.last.end_ms - h.last.start_ms >= 1000);
	close(l);
	hall_down(&h);
}

static bool told_unused(struct rig *r)
{
	return ((struct hall *)r->mine)->unused > 0;
}

static void test_unused(void **state)
{
	struct hall h;
	uint64_t begin;

	(void)state;
	hall_up(&h);
	h.policy.unused_seconds = 1;
	hall_new(&h);
	h.rig.mine = &h;
	listen_on(&h, "127.0.0.1", 0);
	ask(&h, GLOBAL_CANCEL_TCPIP_FORWARD, span_str("127.0.0.1"), answer(&h, 0)->port, true);
	begin = loop_now(h.rig.loop);
	rig_until(&h.rig, told_unused);
	assert_true(loop_now(h.rig.loop) - begin >= 990);
	hall_down(&h);
}

/* ---- Memory ---- */

/* A channel each way and a listener. What cannot be had is refused. */
static void some_of_everything(struct hall *h, uint16_t to)
{
	if (gate_new(&h->gate, h->rig.link, &h->policy, &calls, h))
		return;
	fake_asks(h->rig.conn, TARGET_DIRECT_TCPIP, "127.0.0.1", to);
	ask(h, GLOBAL_TCPIP_FORWARD, span_str("127.0.0.1"), 0, true);
	rig_until(&h->rig, two_answered);
	for (unsigned i = 0; i < 2; i++)
		if (answer(h, i)->yes && answer(h, i)->port)
			h->rig.app = tcp_connect((uint16_t)answer(h, i)->port);
	rig_settle(&h->rig);
}

static void test_every_allocation_fails_once(void **state)
{
	unsigned at = 0;
	bool failed;

	(void)state;
	do {
		uint16_t to;
		int l = tcp_listener(&to);
		struct hall h;

		hall_up(&h);
		fail_at = ++at;
		some_of_everything(&h, to);
		failed = !fail_at;
		fail_at = 0;
		close(l);
		hall_down(&h);
	} while (failed);
	print_message("%u allocations\n", at);
	assert_true(at > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_refused),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_no_way_back),
		cmocka_unit_test(test_target_refuses),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_direct_unix),
		cmocka_unit_test(test_dials_are_bounded),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_listeners_refused),
		cmocka_unit_test(test_listeners_and_reserve),
		cmocka_unit_test(test_gateway_ports),
		cmocka_unit_test(test_name_that_fails),
		cmocka_unit_test(test_gone_while_looking_up),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_client_declines),
		cmocka_unit_test(test_connection_lost),
		cmocka_unit_test(test_many_listeners),
		cmocka_unit_test(test_listeners_of_one_user),
		cmocka_unit_test(test_place_lost_meanwhile),
		cmocka_unit_test(test_turned_away),
		cmocka_unit_test(test_privileged),
		cmocka_unit_test(test_privileged_by_name),
		cmocka_unit_test(test_privileged_refused),
		cmocka_unit_test(test_gone_while_waiting),
		cmocka_unit_test(test_take_over),
		cmocka_unit_test(test_privileged_take_over),
		cmocka_unit_test(test_unix_listener),
		cmocka_unit_test(test_take_over_of_a_path),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
