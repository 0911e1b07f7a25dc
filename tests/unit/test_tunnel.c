/* The whole forwarding layer over two real engines and loopback sockets, in one process and one loop: streams arrive
 * whole in both directions, through key exchanges too, end as they should, and cost no allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fwd/forwards.h"
#include "fwd/gate.h"
#include "io/sock.h"
#include "tcp.h"

enum { MANY = 200, LOTS = 48 << 20, HUNDRED = 100 << 20, DIALS = 16 };

static const struct policy policy = { .tcp = POLICY_LOCAL | POLICY_REMOTE, .max_listeners = 10, .max_opens = DIALS };

static size_t allocations;
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t m);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t m);
void *__wrap_malloc(size_t n)
{
	allocations++;
	return __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t m)
{
	allocations++;
	return __real_calloc(n, m);
}

/* Copies of our own code in user space. With a sanitizer the compiler calls others, and nothing is counted. */
static size_t copied;
void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap___memcpy_chk(void *to, const void *from, size_t n, size_t room);
void *__wrap___memmove_chk(void *to, const void *from, size_t n, size_t room);
void *__wrap_memcpy(void *to, const void *from, size_t n)
{
	copied += n;
	return __real_memcpy(to, from, n);
}
void *__wrap_memmove(void *to, const void *from, size_t n)
{
	copied += n;
	return __real_memmove(to, from, n);
}
void *__wrap___memcpy_chk(void *to, const void *from, size_t n, size_t room)
{
	assert_true(n <= room);
	return __wrap_memcpy(to, from, n);
}
void *__wrap___memmove_chk(void *to, const void *from, size_t n, size_t room)
{
	assert_true(n <= room);
	return __wrap_memmove(to, from, n);
}

/* Bytes on the heap now. */
static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

/* Text that nobody writes to, for the fields of a fwdspec. */
static char *fixed(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* ---- Both ends ---- */

/* One direction of one stream: a pattern that depends on the position. */
struct flow_test {
	int from, to;
	size_t total, sent, got;
	bool ended;
};

struct world {
	struct loop *loop;
	struct crypto *crypto;
	struct pool pool;
	struct pkey *host_key;
	struct link *client, *server;
	struct forwards *forwards; /* the client's */
	struct gate *gate;	   /* the server's */
	struct gate_record record; /* the last one */
	unsigned records;
	struct turn *turn;
	struct timer *guard;
	bool (*until)(struct world *w);
	bool logged_in;
	unsigned failures;
	char text[1024];
	int listener, app, target;
	uint16_t target_port;
	struct flow_test flow[2];
	int many[MANY][2];
	unsigned opened;
};

static void sign(struct world *w, const struct event *ev)
{
	struct buf sig = BUF(PKEY_SIG_MAX);

	assert_int_equal(pkey_sign(w->host_key, w->crypto, ev->alg, ev->text, &sig), OK);
	conn_answer(link_conn(w->server), ev->question, &(struct answer){ .data = buf_span(&sig) });
	buf_fini(&sig);
}

static void client_event(void *user, const struct event *ev)
{
	struct world *w = user;
	struct answer a = { .yes = true, .try = { .method = AUTH_NONE } };

	if (ev->kind == EV_HOST_KEY || ev->kind == EV_AUTH)
		assert_int_equal(conn_answer(link_conn(w->client), ev->question, &a), OK);
	w->logged_in |= ev->kind == EV_LOGGED_IN;
}

static void on_record(void *user, const struct gate_record *r)
{
	struct world *w = user;

	w->records++;
	w->record = *r; /* its text is gone after this call */
}

static void server_event(void *user, const struct event *ev)
{
	struct world *w = user;

	if (ev->kind == EV_SIGN)
		sign(w, ev);
	if (ev->kind == EV_LOGIN)
		conn_answer(link_conn(w->server), ev->question, &(struct answer){ .verdict = LOGIN_GRANT });
}

static void on_failed(void *user, int err, const char *text)
{
	struct world *w = user;

	(void)err;
	if (!w->failures++)
		snprintf(w->text, sizeof(w->text), "%s", text);
}

static void on_done(void *user)
{
	(void)user;
}

static void on_report(void *user, enum forward_report kind, const struct fwdspec *spec, const char *text)
{
	struct world *w = user;

	(void)spec;
	if (kind != FORWARD_TRACE)
		snprintf(w->text, sizeof(w->text), "%s", text);
}

static void on_turn(void *user)
{
	struct world *w = user;

	if (w->until && w->until(w)) {
		w->until = NULL;
		loop_stop(w->loop);
	}
}

static void on_guard(void *user)
{
	loop_stop(((struct world *)user)->loop);
}

/* ---- Setting up ---- */

static void until(struct world *w, bool (*cond)(struct world *w))
{
	w->until = cond;
	timer_at(w->guard, loop_clock(w->loop) + 30000);
	loop_run(w->loop);
	timer_at(w->guard, UINT64_MAX);
	if (w->until)
		print_message("stopped: %s\n", w->text);
	assert_null(w->until);
}

static bool logged_in(struct world *w)
{
	return w->logged_in;
}

static struct link *new_link(struct world *w, enum role role, int fd, uint64_t rekey_bytes)
{
	const struct link_calls calls = { .event = role == ROLE_CLIENT ? client_event : server_event,
					  .failed = on_failed,
					  .done = on_done };
	struct span blob = pkey_blob(w->host_key);
	struct conn_setup setup = { .role = role,
				    .crypto = w->crypto,
				    .pool = &w->pool,
				    .seed = { (uint8_t)(role + 1) },
				    .now_ms = loop_now(w->loop),
				    .software = "adit_test",
				    .algs = { .host_key = "ssh-ed25519" },
				    .user = "u",
				    .rekey_bytes = rekey_bytes,
				    .host_keys = &blob,
				    .host_key_count = 1 };
	struct link *l;
	struct conn *c;

	assert_int_equal(conn_new(&c, &setup), OK);
	assert_int_equal(link_new(&l, w->loop, fd, c, &calls, w), OK);
	return l;
}

static void world_up(struct world *w, uint64_t rekey_bytes)
{
	static const struct gate_calls calls = { .record = on_record };
	struct forwards_opts opts = { .report = on_report, .user = w };
	int a, b;

	*w = (struct world){ .app = -1, .target = -1 };
	assert_int_equal(loop_new(&w->loop, NULL), OK);
	assert_int_equal(crypto_new(&w->crypto, NULL), OK);
	assert_int_equal(pool_init(&w->pool, 8), OK);
	assert_int_equal(pkey_generate(&w->host_key, w->crypto, "ssh-ed25519"), OK);
	assert_int_equal(timer_new(&w->guard, w->loop, on_guard, w), OK);
	tcp_pair(&a, &b);
	w->client = new_link(w, ROLE_CLIENT, a, rekey_bytes);
	w->server = new_link(w, ROLE_SERVER, b, 0);
	assert_int_equal(turn_new(&w->turn, w->loop, on_turn, w), OK);
	until(w, logged_in);
	assert_int_equal(gate_new(&w->gate, w->server, &policy, &calls, w), OK);
	assert_int_equal(forwards_new(&w->forwards, w->client, &opts), OK);
	w->listener = tcp_listener(&w->target_port);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void world_down(struct world *w)
{
	forwards_free(w->forwards);
	gate_free(w->gate);
	link_free(w->client);
	link_free(w->server);
	turn_free(w->turn);
	timer_free(w->guard);
	close_fd(&w->app);
	close_fd(&w->target);
	close(w->listener);
	pkey_free(w->host_key);
	loop_free(w->loop);
	pool_fini(&w->pool);
	crypto_free(w->crypto);
}

static bool forward_stands(struct world *w)
{
	return forwards_count(w->forwards).up == 1;
}

static bool target_reached(struct world *w)
{
	fcntl(w->listener, F_SETFL, O_NONBLOCK);
	w->target = accept(w->listener, NULL, NULL);
	return w->target >= 0;
}

/* The forward, and one stream through it: `app` at the near end, `target` at the far one. */
static void tunnel(struct world *w, struct fwdspec *spec, enum fwd_side side)
{
	unsigned port = 0;

	*spec = (struct fwdspec){ .side = side,
				  .kind = FWD_TCP,
				  .listen = { .host = fixed("127.0.0.1") },
				  .connect = { .host = fixed("127.0.0.1"), .port = w->target_port } };
	assert_int_equal(forwards_add(w->forwards, spec), OK);
	until(w, forward_stands);
	assert_int_equal(sscanf(strchr(w->text, ':'), ":%u", &port), 1);
	w->app = tcp_connect((uint16_t)port);
	until(w, target_reached);
	fcntl(w->target, F_SETFL, O_NONBLOCK);
}

/* ---- Moving bytes ---- */

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ 0x5a);
}

static void push(struct flow_test *f)
{
	static uint8_t out[128 * 1024];

	while (f->sent < f->total) {
		size_t n = MIN(sizeof(out), f->total - f->sent);
		ssize_t put;

		for (size_t i = 0; i < n; i++)
			out[i] = byte_at(f->sent + i);
		put = write(f->from, out, n);
		if (put < 0)
			return;
		f->sent += (size_t)put;
		if (f->sent == f->total)
			shutdown(f->from, SHUT_WR);
	}
}

static void take(struct flow_test *f)
{
	static uint8_t in[128 * 1024];
	ssize_t n;

	while ((n = read(f->to, in, sizeof(in))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (in[i] != byte_at(f->got + (size_t)i))
				fail_msg("byte %zu is wrong", f->got + (size_t)i);
		f->got += (size_t)n;
	}
	f->ended |= n == 0;
}

static bool moved(struct world *w)
{
	bool all = true;

	for (size_t i = 0; i < LEN(w->flow); i++) {
		if (w->flow[i].total) {
			push(&w->flow[i]);
			take(&w->flow[i]);
		}
		all &= w->flow[i].got == w->flow[i].total && (w->flow[i].ended || !w->flow[i].total);
	}
	return all;
}

static void set_flows(struct world *w, size_t there, size_t back)
{
	w->flow[0] = (struct flow_test){ .from = w->app, .to = w->target, .total = there };
	w->flow[1] = (struct flow_test){ .from = w->target, .to = w->app, .total = back };
}

static bool no_channels(struct world *w)
{
	struct conn_stats a = { 0 }, b = { 0 };

	conn_stats(link_conn(w->client), &a);
	conn_stats(link_conn(w->server), &b);
	return !a.channels && !b.channels;
}

/* ---- Tests ---- */

static void test_target_refuses(void **state)
{
	struct fwdspec spec = { .side = FWD_LOCAL, .kind = FWD_TCP, .listen = { .host = fixed("127.0.0.1") } };
	struct world w;
	unsigned port;
	size_t n = 0;

	(void)state;
	world_up(&w, 0);
	close(w.listener);
	spec.connect = (struct fwd_end){ .host = fixed("127.0.0.1"), .port = w.target_port };
	assert_int_equal(forwards_add(w.forwards, &spec), OK);
	assert_int_equal(sscanf(strchr(w.text, ':'), ":%u", &port), 1);
	w.app = tcp_connect((uint16_t)port);
	while (!strstr(w.text, "open failed"))
		until(&w, no_channels);
	assert_non_null(strstr(w.text, ": open failed: connect failed: Connection refused"));
	assert_int_equal(drain(w.app, &n), WAS_RESET);
	assert_int_equal(w.records, 1);
	assert_int_equal(w.record.how, GATE_FAILED);
	w.listener = tcp_listener(&w.target_port);
	world_down(&w);
}

static bool app_is_reset(struct world *w)
{
	size_t n = 0;

	return drain(w->app, &n) == WAS_RESET;
}

/* A reset at the far end is one here too. */
static void test_target_resets(void **state)
{
	struct fwdspec spec;
	struct world w;

	(void)state;
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	sock_reset(w.target);
	w.target = -1;
	until(&w, app_is_reset);
	until(&w, no_channels);
	assert_int_equal(w.record.how, GATE_RESET);
	world_down(&w);
}

static bool both_failed(struct world *w)
{
	return w->failures == 2;
}

static void test_connection_ends(void **state)
{
	struct fwdspec spec;
	struct world w;

	(void)state;
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	link_disconnect(w.client, "disconnected by user");
	until(&w, app_is_reset);
	until(&w, both_failed);
	assert_non_null(strstr(w.text, "disconnected by user"));
	assert_int_equal(w.record.how, GATE_LOST);
	assert_int_equal(gate_facts(w.gate).channels, 0);
	world_down(&w);
}

/* Both directions at once, both kinds of forward, with and without many key exchanges. */
static void test_streams(void **state)
{
	static const struct {
		enum fwd_side side;
		uint64_t rekey_bytes;
		size_t there, back;
	} rows[] = {
		{ FWD_LOCAL, 0, 1, 1 },
		{ FWD_LOCAL, 0, LOTS, 0 },
		{ FWD_LOCAL, 0, 0, LOTS },
		{ FWD_LOCAL, 0, LOTS, LOTS },
		{ FWD_REMOTE, 0, LOTS, LOTS },
		{ FWD_LOCAL, 4 << 20, LOTS, LOTS },
		{ FWD_REMOTE, 1 << 20, LOTS, LOTS },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct negotiated names;
		struct fwdspec spec;
		struct world w;

		print_message("row %zu\n", i);
		world_up(&w, rows[i].rekey_bytes);
		tunnel(&w, &spec, rows[i].side);
		set_flows(&w, rows[i].there, rows[i].back);
		until(&w, moved);
		conn_negotiated(link_conn(w.client), &names);
		assert_true((names.rekeys > 5) == (rows[i].rekey_bytes != 0));
		close_fd(&w.app);
		close_fd(&w.target);
		until(&w, no_channels);
		assert_int_equal(w.failures, 0);
		assert_int_equal(w.record.how, GATE_CLEAN);
		assert_int_equal(w.record.rx_bytes, rows[i].side == FWD_LOCAL ? rows[i].there : rows[i].back);
		assert_int_equal(w.record.tx_bytes, rows[i].side == FWD_LOCAL ? rows[i].back : rows[i].there);
		assert_int_equal(gate_facts(w.gate).rx_bytes, w.record.rx_bytes);
		world_down(&w);
	}
}

/* Nor is anything copied: once, the rest of the first packet that is larger than all before it; and small messages. */
static void test_no_allocation_per_packet(void **state)
{
	struct fwdspec spec;
	struct world w;
	size_t before, copied_before;

	(void)state;
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	set_flows(&w, HUNDRED, 0);
	before = allocations;
	copied_before = copied;
	until(&w, moved);
	print_message("%zu allocations, %zu bytes copied\n", allocations - before, copied - copied_before);
	assert_true(allocations - before < 20);
	assert_true(copied - copied_before < 64 * 1024);
	world_down(&w);
}

static bool many_opened(struct world *w)
{
	while (w->opened < MANY && (w->many[w->opened][1] = accept(w->listener, NULL, NULL)) >= 0)
		fcntl(w->many[w->opened++][1], F_SETFL, O_NONBLOCK);
	return w->opened == MANY;
}

static bool many_echoed(struct world *w)
{
	bool all = true;

	for (int i = 0; i < MANY; i++) {
		char c;

		if (read(w->many[i][1], &c, 1) == 1)
			assert_int_equal(write(w->many[i][1], &c, 1), 1);
		if (w->many[i][0] >= 0 && read(w->many[i][0], &c, 1) == 1)
			close_fd(&w->many[i][0]);
		all &= w->many[i][0] < 0;
	}
	return all;
}

/* Many channels at once, closed from one side: nothing is left of them. */
static void test_many_channels(void **state)
{
	struct fwdspec spec;
	struct world w;
	unsigned port;

	(void)state;
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	close_fd(&w.app);
	close_fd(&w.target);
	assert_int_equal(sscanf(strchr(w.text, ':'), ":%u", &port), 1);
	for (int i = 0; i < MANY; i++)
		w.many[i][0] = tcp_connect((uint16_t)port);
	until(&w, many_opened);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(write(w.many[i][0], "x", 1), 1);
	until(&w, many_echoed);
	for (int i = 0; i < MANY; i++)
		close_fd(&w.many[i][1]);
	until(&w, no_channels);
	assert_int_equal(w.failures, 0);
	world_down(&w);
}

/* ---- A flood ---- */

enum { FLOOD = 9900, WISHES = 5000 };

/* What becomes of an open in the flood. */
struct drop {
	struct owner owner;
};

static void on_drop(struct owner *o, const struct event *ev)
{
	(void)ev;
	link_leave(o);
}

static bool flood_arrived(struct world *w)
{
	return gate_facts(w->gate).channels >= FLOOD;
}

/* Opens to a target that does not answer: few are connected at a time, the others hold little, and streams that are
 * there are served. */
static void test_flood_of_opens(void **state)
{
	static struct drop drops[FLOOD];
	struct fwdspec spec;
	struct world w;
	int hole[8];
	uint16_t port;
	int silent = tcp_listener(&port);
	struct target t = { .kind = TARGET_DIRECT_TCPIP, .host = span_str("127.0.0.1"), .port = port };
	size_t before;

	(void)state;
	assert_int_equal(listen(silent, 0), 0);
	for (size_t i = 0; i < LEN(hole); i++)
		hole[i] = tcp_start(port); /* the queue is full: the kernel drops what comes next */
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	before = allocated();
	for (size_t i = 0; i < FLOOD; i++) {
		uint32_t id;

		drops[i].owner.event = on_drop;
		assert_int_equal(conn_open(link_conn(w.client), &t, &drops[i].owner, &id), OK);
		link_join(w.client, &drops[i].owner);
	}
	until(&w, flood_arrived);
	print_message("%zu bytes for each open, both ends\n", (allocated() - before) / FLOOD);
	assert_true((allocated() - before) / FLOOD < 2048);
	assert_int_equal(gate_facts(w.gate).dials, DIALS);
	set_flows(&w, LOTS, LOTS);
	until(&w, moved);
	assert_true(gate_facts(w.gate).channels >= FLOOD);
	link_disconnect(w.client, "enough");
	until(&w, both_failed);
	assert_int_equal(gate_facts(w.gate).channels, 0);
	assert_int_equal(w.records, FLOOD + 1);
	for (size_t i = 0; i < LEN(hole); i++)
		close(hole[i]);
	close(silent);
	world_down(&w);
}

/* A request for a listener in the flood, and what became of all. */
struct wish {
	struct owner owner;
	unsigned *yes, *no;
};

static void on_wish(struct owner *o, const struct event *ev)
{
	struct wish *wish = CONTAINER(o, struct wish, owner);

	link_leave(o);
	++*(ev->ok ? wish->yes : wish->no);
}

static bool all_answered(struct world *w)
{
	return w->records == WISHES;
}

/* Requests for listeners without end: as many as the policy grants stand, each of the others is refused with a record,
 * and streams go on. */
static void test_flood_of_requests(void **state)
{
	static struct wish wishes[WISHES];
	const struct global_request request = { .kind = GLOBAL_TCPIP_FORWARD, .host = span_str("localhost") };
	unsigned yes = 0, no = 0;
	struct fwdspec spec;
	struct world w;

	(void)state;
	world_up(&w, 0);
	tunnel(&w, &spec, FWD_LOCAL);
	for (size_t i = 0; i < WISHES; i++) {
		uint32_t ticket;

		wishes[i] = (struct wish){ .owner = { .event = on_wish }, .yes = &yes, .no = &no };
		link_join(w.client, &wishes[i].owner);
		assert_int_equal(conn_global(link_conn(w.client), &request, &wishes[i].owner, &ticket), OK);
	}
	until(&w, all_answered);
	set_flows(&w, LOTS, LOTS);
	until(&w, moved);
	assert_int_equal(yes, policy.max_listeners);
	assert_int_equal(no, WISHES - yes);
	assert_int_equal(gate_facts(w.gate).listeners, yes);
	assert_int_equal(w.failures, 0);
	world_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_refuses),		 cmocka_unit_test(test_target_resets),
		cmocka_unit_test(test_connection_ends),		 cmocka_unit_test(test_streams),
		cmocka_unit_test(test_no_allocation_per_packet), cmocka_unit_test(test_many_channels),
		cmocka_unit_test(test_flood_of_opens),		 cmocka_unit_test(test_flood_of_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
