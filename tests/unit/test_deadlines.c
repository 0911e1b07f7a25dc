/* The deadlines of the forwarding layer, with a clock that the test moves: a SOCKS request that does not come, a local
 * socket that does not take the rest of its stream, an SSH socket that takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fwd/dynamic.h"
#include "fwd/forwards.h"
#include "fwd_rig.h"

/* Far more than the socket buffers of a loopback pair grow to; and how close to a deadline the tests go. */
enum { LOTS = 32 << 20, NEAR_MS = 2000 };

/* The time passes, and what is due by then happens. */
static void pass(struct rig *r, uint64_t ms)
{
	uint64_t before = loop_clock(r->loop);

	clock_skip(ms);
	assert_true(loop_clock(r->loop) >= before + ms); /* the loop does read this clock */
	rig_settle(r);
}

static const uint8_t *zeros(void)
{
	static const uint8_t bytes[LOTS];

	return bytes;
}

/* ---- Sockets that have lost their channel ---- */

struct desk {
	struct lingers ls;
	size_t before;
};

static void linger_up(struct rig *r, struct desk *d, enum linger_end end)
{
	struct backlog rest;
	struct iovec iov = { (void *)(uintptr_t)zeros(), LOTS };

	rig_up(r);
	tcp_pair(&r->app, &r->ours);
	assert_int_equal(lingers_init(&d->ls, r->loop, NULL), OK);
	backlog_init(&rest);
	assert_int_equal(backlog_add(&rest, &iov, 1, 0), OK);
	linger(&d->ls, r->ours, &rest, end);
	r->mine = d;
	rig_settle(r);
	assert_true(lingers_any(&d->ls));
}

static bool progress(struct rig *r)
{
	const struct desk *d = r->mine;

	(void)drain(r->app, &r->count);
	timer_at(r->tick, loop_now(r->loop) + 1); /* the loop does not watch this end */
	return d->ls.bytes < d->before;
}

/* The application reads on, but not to the end. */
static void read_some(struct rig *r)
{
	struct desk *d = r->mine;

	d->before = d->ls.bytes;
	rig_until(r, progress);
	rig_settle(r);
}

static bool let_go(struct rig *r)
{
	return !lingers_any(&((const struct desk *)r->mine)->ls);
}

/* The last bytes never came, and the application knows. */
static void linger_is_over(struct rig *r)
{
	rig_until(r, let_go);
	assert_int_equal(drain(r->app, &r->count), WAS_RESET);
	assert_true(r->count < LOTS);
	lingers_fini(&((struct desk *)r->mine)->ls);
	rig_down(r);
}

static void test_linger_without_progress(void **state)
{
	static const struct {
		enum linger_end end;
		uint64_t limit_ms;
	} rows[] = { { LINGER_RESET, LINGER_BROKEN_MS }, { LINGER_CLOSE, LINGER_CLEAN_MS } };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct desk d;
		struct rig r;

		linger_up(&r, &d, rows[i].end);
		pass(&r, rows[i].limit_ms - NEAR_MS);
		assert_true(lingers_any(&d.ls));
		clock_skip(NEAR_MS);
		linger_is_over(&r);
	}
}

/* A broken stream gets its time altogether, however well it is read. */
static void test_linger_broken_with_progress(void **state)
{
	struct desk d;
	struct rig r;

	(void)state;
	linger_up(&r, &d, LINGER_RESET);
	pass(&r, LINGER_BROKEN_MS - NEAR_MS);
	read_some(&r);
	assert_true(lingers_any(&d.ls));
	clock_skip(NEAR_MS);
	linger_is_over(&r);
}

/* A stream that ended gets it again whenever something was taken. */
static void test_linger_clean_with_progress(void **state)
{
	struct desk d;
	struct rig r;

	(void)state;
	linger_up(&r, &d, LINGER_CLOSE);
	pass(&r, LINGER_CLEAN_MS - NEAR_MS);
	read_some(&r);
	pass(&r, LINGER_CLEAN_MS - NEAR_MS);
	assert_true(lingers_any(&d.ls));
	clock_skip(LINGER_CLEAN_MS); /* bytes trickle for a moment when somebody has read */
	linger_is_over(&r);
}

/* ---- An SSH socket that takes nothing ---- */

enum { LINK_STALL_MS = 60000 };

/* Much waits to be written, and nothing may be read before it is gone. */
static void stall_up(struct rig *r, bool rx_stops)
{
	rig_up(r);
	r->conn->no_room = rx_stops;
	buf_bytes(&r->conn->wire, span(zeros(), LOTS));
	assert_int_equal(write(r->net, "x", 1), 1);
	rig_settle(r);
	assert_in_range(r->conn->wire.n, 1, LOTS - 1);
}

static bool failed(struct rig *r)
{
	return r->failures > 0;
}

static void stall_is_over(struct rig *r)
{
	rig_until(r, failed);
	assert_string_equal(r->failed_text, "Connection timed out");
	rig_down(r);
}

static void test_stalled_write(void **state)
{
	struct rig r;

	(void)state;
	stall_up(&r, true);
	pass(&r, LINK_STALL_MS - NEAR_MS);
	assert_int_equal(r.failures, 0);
	clock_skip(NEAR_MS);
	stall_is_over(&r);
}

static bool peer_has_read(struct rig *r)
{
	(void)drain(r->net, &r->count);
	timer_at(r->tick, loop_now(r->loop) + 1); /* the loop does not watch this end */
	return r->conn->wire.n < *(size_t *)r->mine;
}

static void test_slow_write(void **state)
{
	struct rig r;
	size_t before;

	(void)state;
	stall_up(&r, true);
	before = r.conn->wire.n;
	r.mine = &before;
	pass(&r, LINK_STALL_MS - NEAR_MS);
	rig_until(&r, peer_has_read);
	rig_settle(&r);
	pass(&r, LINK_STALL_MS - NEAR_MS);
	assert_int_equal(r.failures, 0);
	clock_skip(LINK_STALL_MS); /* as above */
	stall_is_over(&r);
}

/* While the engine reads, a slow peer is the keepalives' business. */
static void test_stalled_write_while_reading(void **state)
{
	struct rig r;

	(void)state;
	stall_up(&r, false);
	pass(&r, (uint64_t)2 * LINK_STALL_MS);
	assert_int_equal(r.failures, 0);
	rig_down(&r);
}

/* ---- A SOCKS request that does not come ---- */

struct socks {
	struct rig rig;
	struct forwards *f;
	struct forwards_opts opts;
	struct fwdspec spec;
};

static void on_report(void *user, enum forward_report kind, const struct fwdspec *spec, const char *text)
{
	struct socks *s = user;

	(void)spec;
	if (kind == FORWARD_NOTE)
		snprintf(s->rig.text, sizeof(s->rig.text), "%s", text);
}

static bool permit_all(void *user, const char *host, uint16_t port)
{
	(void)user;
	(void)host;
	(void)port;
	return true;
}

static bool as_many_answers(struct rig *r)
{
	return r->conn->answered == r->conn->chans;
}

/* One more client of the far side. */
static void socks_client(struct socks *s)
{
	fake_asks(s->rig.conn, TARGET_FORWARDED_TCPIP, "localhost", 1080);
	rig_until(&s->rig, as_many_answers);
	assert_true(s->rig.conn->answers[s->rig.conn->answered - 1].yes);
}

static void socks_up(struct socks *s)
{
	*s = (struct socks){ .opts = { .report = on_report, .permit = permit_all, .user = s },
			     .spec = { .side = FWD_REMOTE, .kind = FWD_TCP, .dynamic = true, .listen.port = 1080 } };
	rig_up(&s->rig);
	assert_int_equal(forwards_new(&s->f, s->rig.link, &s->opts), OK);
	assert_int_equal(forwards_add(s->f, &s->spec), OK);
	fake_event(s->rig.conn, &(struct event){ .kind = EV_REPLY, .user = s->rig.conn->global_user[0], .ok = true });
	rig_settle(&s->rig);
	socks_client(s);
}

static void socks_down(struct socks *s)
{
	forwards_free(s->f);
	rig_down(&s->rig);
}

static bool closed(const struct socks *s, uint32_t chan)
{
	return s->rig.conn->chan[chan].closed;
}

static bool first_closed(struct rig *r)
{
	return r->conn->chan[0].closed;
}

static void test_socks_too_slow(void **state)
{
	static const struct {
		const char *in;
		size_t n;
	} rows[] = { { "", 0 }, { "\5", 1 }, { "\5\1\0", 3 }, { "\5\1\0\5\1\0\3\4host\0", 12 }, { "\4\1\0\1", 4 } };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct socks s;

		socks_up(&s);
		pass(&s.rig, SOCKS_MS - NEAR_MS);
		fake_data(s.rig.conn, 0, rows[i].in, rows[i].n); /* a beginning buys no time */
		rig_settle(&s.rig);
		assert_false(closed(&s, 0));
		clock_skip(NEAR_MS);
		rig_until(&s.rig, first_closed);
		assert_non_null(strstr(s.rig.text, "socks: no request within 10 seconds"));
		assert_false(s.rig.conn->chan[0].eof);
		socks_down(&s);
	}
}

static void test_socks_each_its_time(void **state)
{
	struct socks s;

	(void)state;
	socks_up(&s);
	pass(&s.rig, SOCKS_MS / 2);
	socks_client(&s);
	pass(&s.rig, SOCKS_MS / 2);
	assert_true(closed(&s, 0));
	assert_false(closed(&s, 1));
	pass(&s.rig, SOCKS_MS / 2);
	assert_true(closed(&s, 1));
	socks_down(&s);
}

static bool connected(struct rig *r)
{
	return r->conn->chan[0].sent.n == 12;
}

static void test_socks_in_time(void **state)
{
	uint8_t bytes[] = { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 0 };
	struct socks s;
	uint16_t to;
	int l = tcp_listener(&to);

	(void)state;
	bytes[11] = (uint8_t)(to >> 8);
	bytes[12] = (uint8_t)to;
	socks_up(&s);
	pass(&s.rig, SOCKS_MS - NEAR_MS);
	fake_data(s.rig.conn, 0, bytes, sizeof(bytes));
	rig_until(&s.rig, connected);
	pass(&s.rig, (uint64_t)10 * SOCKS_MS);
	assert_false(closed(&s, 0));
	close(l);
	socks_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linger_without_progress),
		cmocka_unit_test(test_linger_broken_with_progress),
		cmocka_unit_test(test_linger_clean_with_progress),
		cmocka_unit_test(test_stalled_write),
		cmocka_unit_test(test_slow_write),
		cmocka_unit_test(test_stalled_write_while_reading),
		cmocka_unit_test(test_socks_too_slow),
		cmocka_unit_test(test_socks_each_its_time),
		cmocka_unit_test(test_socks_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
