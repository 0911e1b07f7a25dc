/* Channel and socket joined, over an engine that does what the test says: how streams end, what is credited, and that
 * nobody waits for a stuck one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fwd/pace.h"
#include "fwd/pump.h"
#include "fwd_rig.h"
#include "io/sock.h"

/* More than the socket buffers of a loopback pair take. */
enum { LOTS = 16 << 20, PIECE = 256 * 1024 };

static bool fail_large;
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
	return fail_large && n >= 4096 ? NULL : __real_malloc(n);
}

/* How often one descriptor was written to in this turn, and in the busiest one. */
static struct {
	int fd;
	unsigned now, worst;
	size_t all;
} writes = { .fd = -1 };

ssize_t __real_sock_writev(int fd, const struct iovec *iov, size_t n);
ssize_t __wrap_sock_writev(int fd, const struct iovec *iov, size_t n);
ssize_t __wrap_sock_writev(int fd, const struct iovec *iov, size_t n)
{
	if (fd == writes.fd) {
		writes.all++;
		writes.now++;
		writes.worst = MAX(writes.worst, writes.now);
	}
	return __real_sock_writev(fd, iov, n);
}

static const uint8_t *pattern(void)
{
	static uint8_t bytes[LOTS];

	if (!bytes[1])
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i * 7 + i / 251);
	return bytes;
}

/* A reset, not a FIN. */
static void reset_app(struct rig *r)
{
	sock_reset(r->app);
	r->app = -1;
}

static void open_one(struct rig *r, struct opener *o, void (*result)(struct opener *o, const struct event *ev))
{
	struct target t = { .kind = TARGET_DIRECT_TCPIP, .host = span_str("h"), .port = 23 };

	rig_up(r);
	tcp_pair(&r->app, &r->ours);
	opener_init(o, result);
	assert_int_equal(pump_open(r->link, r->ours, &t, o, NULL), OK);
	assert_int_equal(o->count, 1);
}

static enum event_kind last_result;
static enum open_reason last_reason;

static void on_result(struct opener *o, const struct event *ev)
{
	(void)o;
	last_result = ev->kind;
	last_reason = ev->reason;
}

static void up(struct rig *r)
{
	static struct opener o;

	open_one(r, &o, on_result);
	fake_simple(r->conn, EV_OPENED, 0);
	rig_settle(r);
	assert_int_equal(last_result, EV_OPENED);
	assert_int_equal(o.count, 0);
}

static struct fake_chan *chan(struct rig *r, uint32_t id)
{
	return &r->conn->chan[id];
}

static void give(struct rig *r, uint32_t id, size_t n)
{
	for (size_t at = 0; at < n; at += MIN((size_t)PIECE, n - at))
		fake_data(r->conn, id, pattern() + at, MIN((size_t)PIECE, n - at));
}

/* ---- Bad ends first ---- */

static bool app_ended(struct rig *r)
{
	enum socket_end e = drain(r->app, &r->count);

	snprintf(r->text, sizeof(r->text), "%s", e == WAS_RESET ? "reset" : e == ENDED ? "end" : "open");
	return e != STILL_OPEN;
}

static void test_refused(void **state)
{
	struct opener o;
	struct rig r;

	(void)state;
	open_one(&r, &o, on_result);
	fake_event(r.conn, &(struct event){ .kind = EV_REFUSED, .reason = OPEN_CONNECT_FAILED });
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_int_equal(last_result, EV_REFUSED);
	assert_int_equal(last_reason, OPEN_CONNECT_FAILED);
	assert_int_equal(o.count, 0);
	rig_down(&r);
}

static void test_open_impossible(void **state)
{
	struct target t = { .kind = TARGET_DIRECT_TCPIP, .host = span_str("h"), .port = 23 };
	struct opener o;
	struct rig r;

	(void)state;
	rig_up(&r);
	tcp_pair(&r.app, &r.ours);
	opener_init(&o, on_result);
	r.conn->no_opens = true;
	assert_int_equal(pump_open(r.link, r.ours, &t, &o, NULL), ERR_LIMIT);
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_int_equal(o.count, 0);
	rig_down(&r);
}

static void test_lost_while_opening(void **state)
{
	struct opener o;
	struct rig r;

	(void)state;
	open_one(&r, &o, on_result);
	fake_fail(r.conn, ERR_CLOSED, "gone");
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_int_equal(last_result, EV_CLOSED);
	assert_int_equal(r.failures, 1);
	rig_down(&r);
}

static bool channel_closed(struct rig *r)
{
	return chan(r, 0)->closed;
}

static void test_local_reset(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	reset_app(&r);
	rig_until(&r, channel_closed);
	assert_string_equal(r.conn->log, "open 0 h:23;close 0;"); /* no EOF */
	rig_down(&r);
}

static bool has_backlog(struct rig *r)
{
	return list_empty(&r->conn->events) && chan(r, 0)->consumed && chan(r, 0)->consumed < chan(r, 0)->given;
}

/* The peer closes without EOF while the local side has not read yet: everything arrives, then a reset. */
static void test_broken_with_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	rig_until(&r, has_backlog);
	fake_closed(r.conn, 0, false);
	rig_settle(&r);
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_int_equal(r.count, LOTS);
	rig_down(&r);
}

static void test_lost_with_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	rig_until(&r, has_backlog);
	fake_fail(r.conn, ERR_MAC, "bad packet");
	rig_settle(&r);
	assert_int_equal(r.failures, 1);
	assert_int_equal(r.failed, ERR_MAC);
	assert_string_equal(r.failed_text, "bad packet");
	assert_int_equal(r.dones, 0); /* not before the rest is delivered */
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_int_equal(r.count, LOTS);
	rig_settle(&r);
	assert_int_equal(r.dones, 1);
	rig_down(&r);
}

static void test_freed_with_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	rig_until(&r, has_backlog);
	link_free(r.link);
	r.link = NULL;
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset");
	assert_true(r.count < LOTS);
	rig_down(&r);
}

/* Only the backlog is larger than anything else that is allocated here. */
static void test_no_memory_for_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	fail_large = true;
	rig_until(&r, channel_closed);
	fail_large = false;
	assert_string_equal(r.conn->log, "open 0 h:23;close 0;");
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "reset"); /* after all that was taken */
	assert_true(r.count > 0 && r.count < LOTS);
	rig_down(&r);
}

static bool all_credited(struct rig *r)
{
	return list_empty(&r->conn->events) && chan(r, 0)->given && chan(r, 0)->consumed == chan(r, 0)->given;
}

/* The local side resets while bytes wait for it: they are credited, what comes later too, and the channel closes. */
static void test_reset_with_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	rig_until(&r, has_backlog);
	reset_app(&r);
	rig_until(&r, channel_closed);
	assert_string_equal(r.conn->log, "open 0 h:23;close 0;");
	assert_int_equal(chan(&r, 0)->consumed, chan(&r, 0)->given);
	give(&r, 0, PIECE);
	fake_closed(r.conn, 0, false);
	rig_settle(&r);
	rig_down(&r);
}

/* The local side sends, then closes without reading: what it sent still arrives although writing to it fails. */
static void test_write_error_keeps_what_was_sent(void **state)
{
	struct rig r;
	char reply[4096];

	(void)state;
	up(&r);
	r.conn->shut = true; /* a key exchange runs: nothing can be sealed yet */
	assert_int_equal(write(r.app, pattern(), 100000), 100000);
	fake_data(r.conn, 0, "hello", 5);
	rig_settle(&r);
	assert_int_equal(read(r.app, reply, 1), 1); /* and four bytes are left: closing now is a reset */
	close(r.app);
	r.app = -1;
	fake_data(r.conn, 0, "more", 4);
	fake_data(r.conn, 0, "more", 4);
	rig_until(&r, all_credited);
	r.conn->shut = false;
	rig_until(&r, channel_closed);
	assert_int_equal(chan(&r, 0)->sent.n, 100000);
	assert_memory_equal(chan(&r, 0)->sent.p, pattern(), 100000);
	assert_string_equal(r.conn->log, "open 0 h:23;close 0;");
	rig_down(&r);
}

/* ---- Good ends ---- */

static bool eof_sent(struct rig *r)
{
	return chan(r, 0)->eof;
}

static void test_half_close_local_first(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	assert_int_equal(write(r.app, "bye", 3), 3);
	shutdown(r.app, SHUT_WR);
	rig_until(&r, eof_sent);
	assert_int_equal(chan(&r, 0)->sent.n, 3);
	assert_false(chan(&r, 0)->closed);
	give(&r, 0, LOTS); /* the other direction goes on */
	fake_simple(r.conn, EV_EOF, 0);
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "end");
	assert_int_equal(r.count, LOTS);
	rig_until(&r, channel_closed);
	fake_closed(r.conn, 0, true);
	rig_settle(&r);
	assert_string_equal(r.conn->log, "open 0 h:23;eof 0;close 0;");
	assert_int_equal(chan(&r, 0)->consumed, LOTS);
	rig_down(&r);
}

static bool app_has_end(struct rig *r)
{
	return drain(r->app, &r->count) == ENDED;
}

static void test_half_close_peer_first(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	fake_data(r.conn, 0, "question", 8);
	fake_simple(r.conn, EV_EOF, 0);
	rig_until(&r, app_has_end);
	assert_int_equal(r.count, 8);
	assert_string_equal(r.conn->log, "open 0 h:23;");
	assert_int_equal(write(r.app, "answer", 6), 6);
	close(r.app);
	r.app = -1;
	rig_until(&r, channel_closed);
	assert_int_equal(chan(&r, 0)->sent.n, 6);
	assert_string_equal(r.conn->log, "open 0 h:23;eof 0;close 0;");
	rig_down(&r);
}

/* EOF and CLOSE arrive while the local side has not read: no byte is lost, and it ends as it should. */
static void test_closed_with_backlog(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	give(&r, 0, LOTS);
	fake_simple(r.conn, EV_EOF, 0);
	rig_until(&r, has_backlog);
	fake_closed(r.conn, 0, true);
	rig_settle(&r);
	rig_until(&r, app_ended);
	assert_string_equal(r.text, "end");
	assert_int_equal(r.count, LOTS);
	rig_down(&r);
}

/* ---- Flow ---- */

static void test_empty_data(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	for (int i = 0; i < 100; i++)
		fake_data(r.conn, 0, NULL, 0);
	rig_settle(&r);
	assert_int_equal(drain(r.app, &r.count), STILL_OPEN);
	assert_int_equal(r.count, 0);
	rig_down(&r);
}

static bool all_sent(struct rig *r)
{
	return chan(r, 0)->sent.n == r->count;
}

static void test_window_empty(void **state)
{
	struct opener o;
	struct rig r;
	unsigned lends;

	(void)state;
	open_one(&r, &o, on_result);
	chan(&r, 0)->window = 1000;
	fake_simple(r.conn, EV_OPENED, 0);
	assert_int_equal(write(r.app, pattern(), 5000), 5000);
	r.count = 1000;
	rig_until(&r, all_sent);
	rig_settle(&r);
	lends = chan(&r, 0)->lends;
	rig_settle(&r); /* it waits: nobody asks again and again */
	rig_settle(&r);
	assert_int_equal(chan(&r, 0)->lends, lends);
	fake_room(r.conn, 0, 3000);
	r.count = 4000;
	rig_until(&r, all_sent);
	fake_room(r.conn, 0, 3000);
	r.count = 5000;
	rig_until(&r, all_sent);
	assert_memory_equal(chan(&r, 0)->sent.p, pattern(), 5000);
	rig_down(&r);
}

static void test_tx_shut(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	r.conn->shut = true;
	assert_int_equal(write(r.app, pattern(), 5000), 5000);
	rig_settle(&r);
	assert_int_equal(chan(&r, 0)->sent.n, 0);
	r.conn->shut = false;
	fake_event(r.conn, &(struct event){ .kind = EV_NEGOTIATED });
	r.count = 5000;
	rig_until(&r, all_sent);
	rig_down(&r);
}

static void start_second(struct rig *r, int *app2)
{
	struct pump *p;
	int ours;

	fake_asks(r->conn, TARGET_FORWARDED_TCPIP, "h", 1);
	rig_settle(r);
	tcp_pair(app2, &ours);
	p = pump_new(r->link, 1);
	assert_non_null(p);
	assert_int_equal(conn_answer(r->conn, 2, &(struct answer){ .yes = true, .user = &p->owner }), OK);
	pump_start(p, ours);
}

static bool second_credited(struct rig *r)
{
	drain(*(int *)r->mine, &r->count);
	return r->count == LOTS && chan(r, 1)->consumed == LOTS;
}

/* One application that never reads does not keep the bytes of another one. */
static void test_stuck_reader(void **state)
{
	struct rig r;
	int app2;

	(void)state;
	up(&r);
	start_second(&r, &app2);
	give(&r, 0, LOTS);
	give(&r, 1, LOTS);
	r.mine = &app2;
	rig_until(&r, second_credited);
	assert_true(chan(&r, 0)->consumed < LOTS);
	close(app2);
	rig_down(&r);
}

static bool write_and_count(struct rig *r)
{
	static uint8_t junk[1 << 16];

	while (write(*(int *)r->mine, junk, sizeof(junk)) > 0)
		;
	while (write(r->app, junk, sizeof(junk)) > 0)
		;
	drain(r->net, &r->count);
	return chan(r, 0)->sent.n + chan(r, 1)->sent.n >= 8u << 20;
}

/* Two senders that could each fill the link: both get their half. */
static void test_two_senders_share(void **state)
{
	struct rig r;
	size_t a, b;
	int app2;

	(void)state;
	up(&r);
	start_second(&r, &app2);
	r.mine = &app2;
	rig_until(&r, write_and_count);
	a = chan(&r, 0)->sent.n;
	b = chan(&r, 1)->sent.n;
	assert_true(a > 3u << 20 && b > 3u << 20);
	close(app2);
	rig_down(&r);
}

static bool write_count_turn(struct rig *r)
{
	writes.now = 0;
	return write_and_count(r);
}

/* Whatever is ready goes out together: a turn writes to the network once at most. */
static void test_one_write_per_turn(void **state)
{
	struct rig r;
	int app2;

	(void)state;
	up(&r);
	start_second(&r, &app2);
	r.mine = &app2;
	writes.fd = r.ssh;
	rig_until(&r, write_count_turn);
	writes.fd = -1;
	assert_int_equal(writes.worst, 1);
	assert_true(writes.all > 10);
	close(app2);
	rig_down(&r);
}

static bool sent_all_lots(struct rig *r)
{
	size_t *at = r->mine;
	ssize_t n = *at < LOTS ? write(r->app, pattern() + *at, LOTS - *at) : 0;

	if (n > 0)
		*at += (size_t)n;
	drain(r->net, &r->count);
	assert_true(r->conn->wire.n <= PACE_MOST + SCHED_PACKET); /* sealed late: never more than a turn ahead */
	return chan(r, 0)->sent.n == LOTS && r->count == LOTS;
}

static void test_upload(void **state)
{
	struct rig r;
	size_t at = 0;

	(void)state;
	up(&r);
	r.mine = &at;
	rig_until(&r, sent_all_lots);
	assert_memory_equal(chan(&r, 0)->sent.p, pattern(), LOTS);
	rig_down(&r);
}

/* The SSH socket takes nothing: what is sealed stays within a turn. */
static void test_network_stuck(void **state)
{
	static uint8_t junk[1 << 16];
	struct rig r;
	int stuck = 0;

	(void)state;
	up(&r);
	while (stuck < 20) {
		while (write(r.app, junk, sizeof(junk)) > 0)
			;
		rig_settle(&r);
		stuck += r.conn->wire.n > 0;
	}
	assert_true(r.conn->wire.n <= PACE_MOST + SCHED_PACKET);
	rig_down(&r);
}

/* ---- The SSH socket ---- */

static bool failed(struct rig *r)
{
	return r->failures > 0;
}

static bool done(struct rig *r)
{
	return r->dones > 0;
}

static void test_network_end(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	shutdown(r.net, SHUT_WR);
	rig_until(&r, done);
	assert_string_equal(r.failed_text, "end of file");
	rig_settle(&r);
	assert_int_equal(r.dones, 1);
	assert_false(link_alive(r.link));
	rig_down(&r);
}

static void test_network_reset(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	sock_reset(r.net);
	r.net = -1;
	rig_until(&r, failed);
	assert_string_equal(r.failed_text, "Connection reset by peer");
	rig_down(&r);
}

static void test_disconnect(void **state)
{
	struct rig r;
	char got[64];

	(void)state;
	up(&r);
	link_disconnect(r.link, "disconnected by user");
	rig_until(&r, failed);
	assert_int_equal(r.failed, ERR_CLOSED);
	assert_int_equal(read(r.net, got, sizeof(got)), 24); /* it was still sent */
	rig_down(&r);
}

static void free_on_event(struct rig *r, const struct event *ev)
{
	(void)ev;
	link_free(r->link);
	r->link = NULL;
}

static bool link_is_gone(struct rig *r)
{
	return !r->link;
}

static void test_freed_in_event(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	r.on_event = free_on_event;
	fake_event(r.conn, &(struct event){ .kind = EV_DEBUG });
	give(&r, 0, PIECE);
	rig_until(&r, link_is_gone);
	assert_int_equal(r.failures, 0);
	rig_until(&r, app_ended);
	rig_down(&r);
}

static void free_on_failed(struct rig *r)
{
	free_on_event(r, NULL);
}

static void test_freed_in_failed(void **state)
{
	struct rig r;

	(void)state;
	up(&r);
	r.on_failed = free_on_failed;
	fake_fail(r.conn, ERR_CLOSED, "gone");
	rig_until(&r, link_is_gone);
	assert_int_equal(r.dones, 0);
	rig_down(&r);
}

static bool rx_taken(struct rig *r)
{
	return r->conn->rx_bytes == 10;
}

/* The engine has no room until an answer comes: the loop sleeps meanwhile, and reads on afterwards. */
static void test_rx_paused(void **state)
{
	struct rig r;
	unsigned turns;

	(void)state;
	up(&r);
	r.conn->no_room = true;
	assert_int_equal(write(r.net, "0123456789", 10), 10);
	rig_settle(&r);
	turns = r.turns;
	rig_settle(&r);
	assert_true(r.turns - turns <= 5);
	assert_int_equal(r.conn->rx_bytes, 0);
	r.conn->no_room = false;
	rig_until(&r, rx_taken);
	rig_down(&r);
}

static void next_turn(void *user)
{
	(void)user;
}

static bool ten_turns(struct rig *r)
{
	timer_at(r->mine, loop_now(r->loop));
	return r->turns > r->settle_from + 10;
}

/* Others may be busy: a link for which nothing is ready costs their turns nothing. */
static void test_idle_link_rests(void **state)
{
	struct rig r;
	struct timer *busy = NULL;
	unsigned ticks;

	(void)state;
	rig_up(&r);
	rig_settle(&r);
	assert_int_equal(timer_new(&busy, r.loop, next_turn, NULL), OK);
	r.mine = busy;
	r.settle_from = r.turns;
	ticks = r.conn->ticks;
	timer_at(busy, 0);
	rig_until(&r, ten_turns);
	assert_true(r.conn->ticks <= ticks + 1); /* rig_until() itself asks for one */
	timer_free(busy);
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_open_impossible),
		cmocka_unit_test(test_lost_while_opening),
		cmocka_unit_test(test_local_reset),
		cmocka_unit_test(test_broken_with_backlog),
		cmocka_unit_test(test_lost_with_backlog),
		cmocka_unit_test(test_freed_with_backlog),
		cmocka_unit_test(test_no_memory_for_backlog),
		cmocka_unit_test(test_reset_with_backlog),
		cmocka_unit_test(test_write_error_keeps_what_was_sent),
		cmocka_unit_test(test_half_close_local_first),
		cmocka_unit_test(test_half_close_peer_first),
		cmocka_unit_test(test_closed_with_backlog),
		cmocka_unit_test(test_empty_data),
		cmocka_unit_test(test_window_empty),
		cmocka_unit_test(test_tx_shut),
		cmocka_unit_test(test_stuck_reader),
		cmocka_unit_test(test_two_senders_share),
		cmocka_unit_test(test_one_write_per_turn),
		cmocka_unit_test(test_upload),
		cmocka_unit_test(test_network_stuck),
		cmocka_unit_test(test_network_end),
		cmocka_unit_test(test_network_reset),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_freed_in_event),
		cmocka_unit_test(test_freed_in_failed),
		cmocka_unit_test(test_rx_paused),
		cmocka_unit_test(test_idle_link_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
