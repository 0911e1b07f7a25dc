/* Forwards over an engine that does what the test says: what is bound, asked for, matched, refused and reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fwd/forwards.h"
#include "fwd/listener.h"
#include "fwd_rig.h"

/* The calloc() that fails, counted down; 0 = none. */
static unsigned fail_at;
void *__real_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_calloc(size_t n, size_t m)
{
	return fail_at && --fail_at == 0 ? NULL : __real_calloc(n, m);
}

/* Text that nobody writes to, for the fields of a fwdspec. */
static char *fixed(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* The rig's text collects the reports: "up: ...;", "failed: ...;" and so on. */
struct desk {
	struct rig rig;
	struct forwards *f;
	struct forwards_opts opts;
	bool trace;
	bool forbidden;
	char dir[64];
};

static void on_report(void *user, enum forward_report kind, const struct fwdspec *spec, const char *text)
{
	static const char *const words[] = { "", "up", "allocated", "failed", "note", "trace" };
	struct desk *d = user;
	size_t n = strlen(d->rig.text);

	(void)spec;
	if (kind != FORWARD_TRACE || d->trace)
		snprintf(d->rig.text + n, sizeof(d->rig.text) - n, "%s: %s;", words[kind], text);
}

static bool on_permit(void *user, const char *host, uint16_t port)
{
	const struct desk *d = user;

	(void)host;
	(void)port;
	return !d->forbidden;
}

static void desk_up(struct desk *d)
{
	*d = (struct desk){ .opts = { .mask = 0177, .report = on_report, .permit = on_permit, .user = d } };
	snprintf(d->dir, sizeof(d->dir), "/tmp/adit-test-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	rig_up(&d->rig);
	assert_int_equal(forwards_new(&d->f, d->rig.link, &d->opts), OK);
}

static void desk_down(struct desk *d)
{
	forwards_free(d->f);
	rig_down(&d->rig);
	rmdir(d->dir);
}

static void add(struct desk *d, const struct fwdspec *spec)
{
	assert_int_equal(forwards_add(d->f, spec), OK);
}

static struct fwdspec local(const char *host, uint16_t port)
{
	return (struct fwdspec){ .side = FWD_LOCAL,
				 .kind = FWD_TCP,
				 .listen = { .host = fixed(host), .port = port },
				 .connect = { .host = fixed("mail"), .port = 110 } };
}

static struct fwdspec remote(const char *host, uint16_t port, uint16_t to)
{
	return (struct fwdspec){ .side = FWD_REMOTE,
				 .kind = FWD_TCP,
				 .listen = { .host = fixed(host), .port = port },
				 .connect = { .host = fixed("127.0.0.1"), .port = to } };
}

static void reply(struct desk *d, unsigned ticket, bool ok, uint32_t port)
{
	struct conn *c = d->rig.conn;

	fake_event(c, &(struct event){ .kind = EV_REPLY, .user = c->global_user[ticket], .ok = ok, .port = port });
	rig_settle(&d->rig);
}

/* The port in the text after the given words. */
static uint16_t port_after(const char *text, const char *words)
{
	const char *p = strstr(text, words);
	unsigned port = 0;

	assert_non_null(p);
	assert_int_equal(sscanf(p + strlen(words), "%u", &port), 1);
	return (uint16_t)port;
}

static bool answered(struct rig *r)
{
	return r->conn->answered > 0;
}

/* ---- Local ---- */

static void test_port_in_use(void **state)
{
	struct fwdspec spec;
	struct desk d;
	uint16_t port;
	int l = tcp_listener(&port);

	(void)state;
	desk_up(&d);
	spec = local("127.0.0.1", port);
	add(&d, &spec);
	assert_ptr_equal(strstr(d.rig.text, "failed: "), d.rig.text);
	assert_non_null(strstr(d.rig.text, "in use"));
	assert_int_equal(forwards_count(d.f).failed, 1);
	assert_int_equal(forwards_count(d.f).up, 0);
	close(l);
	desk_down(&d);
}

static bool one_open(struct rig *r)
{
	return r->conn->chans == 1;
}

static bool app_reset(struct rig *r)
{
	size_t n = 0;

	return drain(r->app, &n) == WAS_RESET;
}

static void test_refusals_in_words(void **state)
{
	static const struct {
		enum open_reason reason;
		const char *text, *want;
	} rows[] = {
		{ OPEN_PROHIBITED, "", "administratively prohibited" },
		{ OPEN_PROHIBITED, "open failed", "administratively prohibited: open failed" },
		{ OPEN_CONNECT_FAILED, "Connection refused", "connect failed: Connection refused" },
		{ OPEN_UNKNOWN_TYPE, "?", "unknown channel type: ?" },
		{ OPEN_SHORTAGE, "\033[2J", "resource shortage: \\x1b[2J" },
		{ 0, "zero", "unknown reason: zero" },
		{ (enum open_reason)4000000000u, "big", "unknown reason: big" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct fwdspec spec = local("127.0.0.1", 0);
		char want[256];
		struct desk d;
		uint16_t port;

		desk_up(&d);
		add(&d, &spec);
		port = port_after(d.rig.text, "up: 127.0.0.1:");
		d.rig.text[0] = '\0';
		d.rig.app = tcp_connect(port);
		rig_until(&d.rig, one_open);
		assert_string_equal(d.rig.conn->log, "open 0 mail:110;");
		fake_event(d.rig.conn, &(struct event){ .kind = EV_REFUSED,
							.reason = rows[i].reason,
							.text = span_str(rows[i].text) });
		rig_until(&d.rig, app_reset);
		snprintf(want, sizeof(want), "note: 127.0.0.1:%u -> mail:110: open failed: %s;", port, rows[i].want);
		assert_string_equal(d.rig.text, want);
		desk_down(&d);
	}
}

static bool as_many_opens(struct rig *r)
{
	return r->conn->chans == r->count;
}

/* A storm of clients: only so many opens are under way, the rest waits in the kernel, and nobody is lost. */
static void test_opens_are_bounded(void **state)
{
	struct fwdspec spec = local("127.0.0.1", 0);
	enum { CLIENTS = OPENS_MAX + 20 };
	int fd[CLIENTS];
	struct desk d;
	uint16_t port;

	(void)state;
	desk_up(&d);
	add(&d, &spec);
	port = port_after(d.rig.text, "up: 127.0.0.1:");
	for (int i = 0; i < CLIENTS; i++)
		fd[i] = tcp_connect(port);
	d.rig.count = OPENS_MAX;
	rig_until(&d.rig, as_many_opens);
	rig_settle(&d.rig);
	assert_int_equal(d.rig.conn->chans, OPENS_MAX);
	for (uint32_t i = 0; i < 20; i++)
		fake_simple(d.rig.conn, EV_OPENED, i);
	d.rig.count = CLIENTS;
	rig_until(&d.rig, as_many_opens);
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
	desk_down(&d);
}

static bool complained(struct rig *r)
{
	return strstr(r->text, "no descriptors") != NULL;
}

/* Without descriptors the listener pauses for a second instead of spinning, then goes on, and says both. */
static void test_no_descriptors(void **state)
{
	struct fwdspec spec = local("127.0.0.1", 0);
	struct rlimit old, few;
	struct desk d;
	unsigned turns;

	(void)state;
	desk_up(&d);
	add(&d, &spec);
	d.rig.app = tcp_connect(port_after(d.rig.text, "up: 127.0.0.1:"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)d.rig.app + 1;
	for (int fd = 0; fd < d.rig.app; fd++)
		assert_true(fcntl(fd, F_GETFD) >= 0 || dup2(d.rig.app, fd) >= 0); /* no gap below the limit */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rig_until(&d.rig, complained);
	turns = d.rig.turns;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	rig_until(&d.rig, one_open);
	assert_true(d.rig.turns - turns < 20);
	assert_non_null(strstr(d.rig.text, "accepting again"));
	desk_down(&d);
}

static void test_local_names(void **state)
{
	static const struct {
		const char *host;
		bool gateway;
		const char *want;
	} rows[] = {
		{ NULL, false, "up: 127.0.0.1:" }, { NULL, true, "up: *:" }, { "localhost", true, "up: 127.0.0.1:" },
		{ "*", false, "up: *:" },	   { "", false, "up: *:" },  { "127.0.0.2", true, "up: 127.0.0.2:" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct fwdspec spec = local(rows[i].host, 0);
		char want[128];
		struct desk d;
		uint16_t port;

		desk_up(&d);
		forwards_free(d.f);
		d.opts.gateway = rows[i].gateway;
		assert_int_equal(forwards_new(&d.f, d.rig.link, &d.opts), OK);
		add(&d, &spec);
		port = port_after(d.rig.text, rows[i].want);
		snprintf(want, sizeof(want),
			 "allocated: Allocated port %u for local forward to mail:110;%s%u -> mail:110;", port,
			 rows[i].want, port);
		assert_string_equal(d.rig.text, want);
		assert_int_equal(forwards_count(d.f).up, 1);
		desk_down(&d);
	}
}

static void test_unix_listener(void **state)
{
	char path[100], want[256];
	struct fwdspec spec = local(NULL, 0);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	struct desk d;

	(void)state;
	desk_up(&d);
	snprintf(path, sizeof(path), "%s/s", d.dir);
	spec.listen.path = path;
	spec.connect = (struct fwd_end){ .path = fixed("/run/far") };
	add(&d, &spec);
	snprintf(want, sizeof(want), "up: %s -> /run/far;", path);
	assert_string_equal(d.rig.text, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	d.rig.app = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(connect(d.rig.app, (struct sockaddr *)&un, sizeof(un)), 0);
	rig_until(&d.rig, one_open);
	assert_string_equal(d.rig.conn->log, "open 0 /run/far:0;");
	forwards_free(d.f);
	d.f = NULL;
	assert_int_equal(stat(path, &st), -1); /* nothing is left of it */
	desk_down(&d);
}

/* A listener goes while an open is under way: the stream goes on. */
static void test_freed_while_opening(void **state)
{
	struct fwdspec spec = local("127.0.0.1", 0);
	struct desk d;
	size_t n = 0;

	(void)state;
	desk_up(&d);
	add(&d, &spec);
	d.rig.app = tcp_connect(port_after(d.rig.text, "up: 127.0.0.1:"));
	rig_until(&d.rig, one_open);
	forwards_free(d.f);
	d.f = NULL;
	fake_simple(d.rig.conn, EV_OPENED, 0);
	fake_data(d.rig.conn, 0, "hello", 5);
	rig_settle(&d.rig);
	assert_int_equal(drain(d.rig.app, &n), STILL_OPEN);
	assert_int_equal(n, 5);
	desk_down(&d);
}

/* ---- Remote: asking ---- */

static void test_remote_refused(void **state)
{
	struct fwdspec tcp = remote(NULL, 1234, 1), file = remote(NULL, 0, 1);
	struct desk d;

	(void)state;
	desk_up(&d);
	file.listen.path = fixed("/run/x\033");
	add(&d, &tcp);
	add(&d, &file);
	assert_int_equal(forwards_count(d.f).waiting, 2);
	assert_string_equal(d.rig.conn->log, "global 1 localhost:1234;global 3 /run/x\033:0;");
	reply(&d, 0, false, 0);
	reply(&d, 1, false, 0);
	assert_string_equal(d.rig.text, "failed: remote port forwarding failed for listen port 1234;"
					"failed: remote port forwarding failed for listen path /run/x\\x1b;");
	assert_int_equal(forwards_count(d.f).failed, 2);
	assert_int_equal(forwards_count(d.f).waiting, 0);
	desk_down(&d);
}

static void test_remote_names(void **state)
{
	static const struct {
		const char *host, *log, *want;
	} rows[] = {
		{ NULL, "global 1 localhost:80;", "up: remote localhost:80 -> 127.0.0.1:23;" },
		{ "", "global 1 :80;", "up: remote *:80 -> 127.0.0.1:23;" },
		{ "*", "global 1 :80;", "up: remote *:80 -> 127.0.0.1:23;" },
		{ "0.0.0.0", "global 1 0.0.0.0:80;", "up: remote 0.0.0.0:80 -> 127.0.0.1:23;" },
		{ "::1", "global 1 ::1:80;", "up: remote [::1]:80 -> 127.0.0.1:23;" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct fwdspec spec = remote(rows[i].host, 80, 23);
		struct desk d;

		desk_up(&d);
		add(&d, &spec);
		assert_string_equal(d.rig.conn->log, rows[i].log);
		reply(&d, 0, true, 0);
		assert_string_equal(d.rig.text, rows[i].want);
		assert_int_equal(forwards_count(d.f).up, 1);
		desk_down(&d);
	}
}

static void test_remote_port_0(void **state)
{
	struct fwdspec spec = remote(NULL, 0, 23);
	struct desk d;

	(void)state;
	desk_up(&d);
	add(&d, &spec);
	reply(&d, 0, true, 40001);
	assert_string_equal(d.rig.text, "allocated: Allocated port 40001 for remote forward to 127.0.0.1:23;"
					"up: remote localhost:40001 -> 127.0.0.1:23;");
	desk_down(&d);
}

/* More requests than may be under way: the others follow in order. */
static void test_remote_queue(void **state)
{
	struct fwdspec spec[3];
	struct desk d;

	(void)state;
	desk_up(&d);
	d.rig.conn->globals_max = 1;
	for (int i = 0; i < 3; i++) {
		spec[i] = remote(NULL, (uint16_t)(100 + i), 23);
		add(&d, &spec[i]);
	}
	assert_string_equal(d.rig.conn->log, "global 1 localhost:100;");
	d.rig.conn->globals_max = 2;
	reply(&d, 0, true, 0);
	assert_string_equal(d.rig.conn->log, "global 1 localhost:100;global 1 localhost:101;");
	d.rig.conn->globals_max = 3;
	reply(&d, 1, false, 0);
	reply(&d, 2, true, 0);
	assert_int_equal(forwards_count(d.f).up, 2);
	assert_int_equal(forwards_count(d.f).failed, 1);
	assert_int_equal(forwards_count(d.f).waiting, 0);
	desk_down(&d);
}

static void test_freed_before_reply(void **state)
{
	struct fwdspec spec[2] = { remote(NULL, 1, 23), remote(NULL, 2, 23) };
	struct desk d;

	(void)state;
	desk_up(&d);
	add(&d, &spec[0]);
	add(&d, &spec[1]);
	forwards_free(d.f);
	d.f = NULL;
	reply(&d, 0, true, 0); /* the other one never comes */
	assert_string_equal(d.rig.text, "");
	desk_down(&d);
}

/* ---- Remote: what the peer opens ---- */

static void test_matching(void **state)
{
	static const struct {
		const char *name;
		enum target_kind kind;
		const char *host;
		uint32_t port;
		bool want;
	} rows[] = {
		{ "other port", TARGET_FORWARDED_TCPIP, "localhost", 81, false },
		{ "port + 2^16 is refused by its value", TARGET_FORWARDED_TCPIP, "localhost", 80 + 65536, false },
		{ "not answered yet", TARGET_FORWARDED_TCPIP, "localhost", 90, false },
		{ "refused by the peer", TARGET_FORWARDED_TCPIP, "localhost", 91, false },
		{ "path as host", TARGET_FORWARDED_TCPIP, "/run/x", 0, false },
		{ "other path", TARGET_FORWARDED_STREAMLOCAL, "/run/y", 0, false },
		{ "path with more", TARGET_FORWARDED_STREAMLOCAL, "/run/xx", 0, false },
		{ "host as path", TARGET_FORWARDED_STREAMLOCAL, "localhost", 80, false },
		{ "direct", TARGET_DIRECT_TCPIP, "localhost", 80, false },
		{ "exact", TARGET_FORWARDED_TCPIP, "localhost", 80, true },
		{ "another name for it", TARGET_FORWARDED_TCPIP, "127.0.0.1", 80, true },
		{ "path", TARGET_FORWARDED_STREAMLOCAL, "/run/x", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct fwdspec spec[4];
		uint16_t to;
		int l = tcp_listener(&to);
		struct desk d;

		print_message("%s\n", rows[i].name);
		spec[0] = remote(NULL, 80, to);
		spec[1] = remote(NULL, 90, to);
		spec[2] = remote(NULL, 91, to);
		spec[3] = remote(NULL, 0, to);
		spec[3].listen.path = fixed("/run/x");
		desk_up(&d);
		for (int k = 0; k < 4; k++)
			add(&d, &spec[k]);
		reply(&d, 0, true, 0);
		reply(&d, 2, false, 0);
		reply(&d, 3, true, 0);
		fake_asks(d.rig.conn, rows[i].kind, rows[i].host, rows[i].port);
		rig_until(&d.rig, answered);
		assert_int_equal(d.rig.conn->answers[0].yes, rows[i].want);
		if (!rows[i].want) {
			assert_int_equal(d.rig.conn->answers[0].reason, OPEN_PROHIBITED);
			assert_non_null(strstr(d.rig.text, "never asked for"));
		}
		close(l);
		desk_down(&d);
	}
}

/* Two listeners on the same port of different addresses: the address decides. */
static void test_exact_match_first(void **state)
{
	uint16_t a, b;
	int la = tcp_listener(&a), lb = tcp_listener(&b), got;
	struct fwdspec spec[2] = { remote("10.0.0.1", 80, a), remote("10.0.0.2", 80, b) };
	struct desk d;

	(void)state;
	desk_up(&d);
	add(&d, &spec[0]);
	add(&d, &spec[1]);
	reply(&d, 0, true, 0);
	reply(&d, 1, true, 0);
	fake_asks(d.rig.conn, TARGET_FORWARDED_TCPIP, "10.0.0.2", 80);
	rig_until(&d.rig, answered);
	got = accept(lb, NULL, NULL);
	assert_true(got >= 0);
	close(got);
	close(la);
	close(lb);
	desk_down(&d);
}

static void test_target_refuses(void **state)
{
	struct fwdspec spec;
	char want[256];
	struct desk d;
	uint16_t to;

	(void)state;
	close(tcp_listener(&to));
	desk_up(&d);
	spec = remote(NULL, 80, to);
	add(&d, &spec);
	reply(&d, 0, true, 0);
	d.rig.text[0] = '\0';
	d.trace = true;
	fake_asks(d.rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 80);
	rig_until(&d.rig, answered);
	assert_false(d.rig.conn->answers[0].yes);
	assert_int_equal(d.rig.conn->answers[0].reason, OPEN_CONNECT_FAILED);
	assert_string_equal(d.rig.conn->answer_text[0], "Connection refused");
	snprintf(want, sizeof(want),
		 "trace: remote localhost:80 -> 127.0.0.1:%u: connection from 10.0.0.1\\x1b port 4711;"
		 "note: remote localhost:80 -> 127.0.0.1:%u: connect failed: Connection refused;",
		 to, to);
	assert_string_equal(d.rig.text, want);
	desk_down(&d);
}

static bool five_bytes(struct rig *r)
{
	drain(r->app, &r->count);
	return r->count == 5;
}

static bool six_sent(struct rig *r)
{
	return r->conn->chan[0].sent.n == 6;
}

static void test_target_answers(void **state)
{
	struct fwdspec spec;
	struct desk d;
	uint16_t to;
	int l = tcp_listener(&to);

	(void)state;
	desk_up(&d);
	spec = remote(NULL, 80, to);
	add(&d, &spec);
	reply(&d, 0, true, 0);
	fake_asks(d.rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 80);
	rig_until(&d.rig, answered);
	assert_true(d.rig.conn->answers[0].yes);
	d.rig.app = accept(l, NULL, NULL);
	fcntl(d.rig.app, F_SETFL, O_NONBLOCK);
	fake_data(d.rig.conn, 0, "hello", 5);
	rig_until(&d.rig, five_bytes);
	assert_int_equal(write(d.rig.app, "answer", 6), 6);
	rig_until(&d.rig, six_sent);
	forwards_free(d.f); /* the stream lives on */
	d.f = NULL;
	fake_data(d.rig.conn, 0, "hello", 5);
	d.rig.count = 0;
	rig_until(&d.rig, five_bytes);
	close(l);
	desk_down(&d);
}

static bool lost(struct rig *r)
{
	return r->dones > 0;
}

/* The connection, or the forwards, go while connects are under way or wait for their turn. */
static void test_ends_while_connecting(void **state)
{
	(void)state;
	for (int how = 0; how < 2; how++) {
		uint16_t to;
		int l = tcp_listener(&to);
		struct fwdspec spec = remote(NULL, 80, to);
		struct desk d;

		desk_up(&d);
		add(&d, &spec);
		reply(&d, 0, true, 0);
		for (int i = 0; i < 300; i++) /* more than are connected at a time */
			fake_asks(d.rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 80);
		if (how == 0) {
			fake_fail(d.rig.conn, ERR_CLOSED, "gone");
			rig_until(&d.rig, lost);
			assert_int_equal(d.rig.conn->answered, 0);
		} else {
			rig_until(&d.rig, answered);
			forwards_free(d.f);
			d.f = NULL;
			assert_int_equal(d.rig.conn->answered, 300); /* each question once */
		}
		close(l);
		desk_down(&d);
	}
}

static bool all_300(struct rig *r)
{
	return r->conn->answered == 300;
}

static void test_waiting_connects_get_their_turn(void **state)
{
	uint16_t to;
	int l = tcp_listener(&to);
	struct fwdspec spec = remote(NULL, 80, to);
	struct desk d;

	(void)state;
	desk_up(&d);
	add(&d, &spec);
	reply(&d, 0, true, 0);
	for (int i = 0; i < 300; i++)
		fake_asks(d.rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 80);
	rig_until(&d.rig, all_300);
	assert_null(strstr(d.rig.conn->log, "no;"));
	close(l);
	desk_down(&d);
}

/* ---- Remote dynamic ---- */

static void dynamic_up(struct desk *d, struct fwdspec *spec)
{
	desk_up(d);
	*spec = remote(NULL, 1080, 0);
	spec->connect = (struct fwd_end){ 0 };
	spec->dynamic = true;
	add(d, spec);
	reply(d, 0, true, 0);
	assert_string_equal(d->rig.text, "up: remote localhost:1080 -> socks;");
	d->rig.text[0] = '\0';
	fake_asks(d->rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 1080);
	rig_until(&d->rig, answered);
	assert_true(d->rig.conn->answers[0].yes);
}

static bool chan_closed(struct rig *r)
{
	return r->conn->chan[0].closed;
}

static size_t request_v5(uint8_t out[32], uint16_t port)
{
	static const uint8_t head[] = { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1 };

	memcpy(out, head, sizeof(head));
	out[sizeof(head)] = (uint8_t)(port >> 8);
	out[sizeof(head) + 1] = (uint8_t)port;
	return sizeof(head) + 2;
}

static void test_dynamic_bad(void **state)
{
	static const struct {
		const char *name, *in;
		size_t n;
		bool forbidden;
		size_t replies;
		uint8_t last_code; /* in the second byte of the last reply */
		const char *note;
	} rows[] = {
		{ "http", "GET /", 5, false, 0, 0, "refused: neither SOCKS 4 nor SOCKS 5" },
		{ "bind", "\5\1\0\5\2\0\1\1\2\3\4\0\x50", 13, false, 12, 7, "refused: a command other than CONNECT" },
		{ "forbidden", "\5\1\0\5\1\0\1\1\2\3\4\0\x50", 13, true, 12, 2, "not permitted: 1.2.3.4 port 80" },
		{ "refused", NULL, 0, false, 12, 5, "connect failed: Connection refused" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct fwdspec spec;
		struct desk d;
		uint8_t bytes[32];
		uint16_t closed_port;
		const struct buf *sent;
		size_t n;

		print_message("%s\n", rows[i].name);
		close(tcp_listener(&closed_port));
		dynamic_up(&d, &spec);
		d.forbidden = rows[i].forbidden;
		n = rows[i].in ? rows[i].n : request_v5(bytes, closed_port);
		fake_data(d.rig.conn, 0, rows[i].in ? (const void *)rows[i].in : bytes, n);
		rig_until(&d.rig, chan_closed);
		sent = &d.rig.conn->chan[0].sent;
		assert_int_equal(sent->n, rows[i].replies);
		if (sent->n)
			assert_int_equal(sent->p[sent->n - 9], rows[i].last_code);
		assert_non_null(strstr(d.rig.text, rows[i].note));
		fake_data(d.rig.conn, 0, "late", 4);
		fake_closed(d.rig.conn, 0, false);
		rig_settle(&d.rig);
		assert_int_equal(d.rig.conn->chan[0].consumed, d.rig.conn->chan[0].given);
		desk_down(&d);
	}
}

static bool greeting_answered(struct rig *r)
{
	return r->conn->chan[0].sent.n == 2;
}

static bool reply_sent(struct rig *r)
{
	return r->conn->chan[0].sent.n == 12;
}

static void test_dynamic_good(void **state)
{
	struct fwdspec spec;
	struct desk d;
	uint8_t bytes[32];
	uint16_t to;
	int l = tcp_listener(&to);
	size_t n = request_v5(bytes, to);

	(void)state;
	dynamic_up(&d, &spec);
	fake_data(d.rig.conn, 0, bytes, 3);
	rig_until(&d.rig, greeting_answered);
	memcpy(bytes + n, "hel", 3);
	fake_data(d.rig.conn, 0, bytes + 3, n); /* the request and the first bytes behind it */
	fake_data(d.rig.conn, 0, "lo", 2);
	rig_until(&d.rig, reply_sent);
	assert_memory_equal(d.rig.conn->chan[0].sent.p, "\5\0\5\0\0\1\0\0\0\0\0\0", 12);
	d.rig.app = accept(l, NULL, NULL);
	fcntl(d.rig.app, F_SETFL, O_NONBLOCK);
	rig_until(&d.rig, five_bytes);
	assert_int_equal(d.rig.conn->chan[0].consumed, d.rig.conn->chan[0].given);
	assert_int_equal(write(d.rig.app, "!", 1), 1);
	close(l);
	rig_settle(&d.rig);
	assert_int_equal(d.rig.conn->chan[0].sent.n, 13);
	desk_down(&d);
}

/* The channel, the connection or the forwards go before the request is there. */
static void test_dynamic_gone(void **state)
{
	(void)state;
	for (int how = 0; how < 3; how++) {
		struct fwdspec spec;
		struct desk d;

		dynamic_up(&d, &spec);
		fake_data(d.rig.conn, 0, "\5", 1);
		if (how == 0)
			fake_closed(d.rig.conn, 0, true);
		if (how == 1)
			fake_fail(d.rig.conn, ERR_CLOSED, "gone");
		rig_settle(&d.rig);
		if (how == 2) {
			forwards_free(d.f);
			d.f = NULL;
			assert_true(chan_closed(&d.rig));
			fake_closed(d.rig.conn, 0, false);
			rig_settle(&d.rig);
		}
		desk_down(&d);
	}
}

/* ---- Memory ---- */

static bool settled(struct rig *r)
{
	size_t n = 0;

	return r->conn->answered == 2 && (r->conn->chans == 3 || (r->app >= 0 && drain(r->app, &n) != STILL_OPEN));
}

/* One of everything: a listener and a client of it, a remote forward and a dynamic one, each with a channel. What
 * cannot be had is refused or reported. */
static void one_of_everything(struct desk *d, struct fwdspec spec[3])
{
	if (forwards_new(&d->f, d->rig.link, &d->opts))
		return;
	for (int i = 0; i < 3; i++)
		if (forwards_add(d->f, &spec[i]))
			return;
	for (unsigned i = 0; i < d->rig.conn->globals; i++)
		reply(d, i, true, 0);
	if (forwards_count(d->f).up != 3)
		return;
	fake_asks(d->rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 80);
	fake_asks(d->rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 1080);
	d->rig.app = tcp_connect(port_after(d->rig.text, "up: 127.0.0.1:"));
	rig_until(&d->rig, settled);
}

static void test_every_allocation_fails_once(void **state)
{
	unsigned at = 0;
	bool failed;

	(void)state;
	do {
		uint16_t to;
		int l = tcp_listener(&to);
		struct fwdspec spec[3] = { local("127.0.0.1", 0), remote(NULL, 80, to), remote(NULL, 1080, 0) };
		struct desk d;

		spec[2].dynamic = true;
		desk_up(&d);
		forwards_free(d.f);
		d.f = NULL;
		fail_at = ++at;
		one_of_everything(&d, spec);
		failed = !fail_at;
		fail_at = 0;
		close(l);
		desk_down(&d);
	} while (failed);
	print_message("%u allocations\n", at);
	assert_true(at > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_refusals_in_words),
		cmocka_unit_test(test_opens_are_bounded),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_local_names),
		cmocka_unit_test(test_unix_listener),
		cmocka_unit_test(test_freed_while_opening),
		cmocka_unit_test(test_remote_refused),
		cmocka_unit_test(test_remote_names),
		cmocka_unit_test(test_remote_port_0),
		cmocka_unit_test(test_remote_queue),
		cmocka_unit_test(test_freed_before_reply),
		cmocka_unit_test(test_matching),
		cmocka_unit_test(test_exact_match_first),
		cmocka_unit_test(test_target_refuses),
		cmocka_unit_test(test_target_answers),
		cmocka_unit_test(test_ends_while_connecting),
		cmocka_unit_test(test_waiting_connects_get_their_turn),
		cmocka_unit_test(test_dynamic_bad),
		cmocka_unit_test(test_dynamic_good),
		cmocka_unit_test(test_dynamic_gone),
		cmocka_unit_test(test_every_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
