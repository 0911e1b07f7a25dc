/* A loop, a link over the fake engine, and waiting for conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fwd_rig.h"

static void on_turn(void *user)
{
	struct rig *r = user;

	r->turns++;
	if (r->until && r->until(r)) {
		r->until = NULL;
		loop_stop(r->loop);
	}
}

static void on_guard(void *user)
{
	loop_stop(((struct rig *)user)->loop);
}

/* A test that has changed the fake engine wants a turn of the link, as whoever asks a real one gets. */
static void wake_link(void *user)
{
	struct rig *r = user;

	if (r->link)
		link_conn(r->link);
}

static void on_event(void *user, const struct event *ev)
{
	struct rig *r = user;

	r->events++;
	if (r->on_event)
		r->on_event(r, ev);
}

static void on_failed(void *user, int err, const char *text)
{
	struct rig *r = user;

	r->failures++;
	r->failed = err;
	snprintf(r->failed_text, sizeof(r->failed_text), "%s", text);
	if (r->on_failed)
		r->on_failed(r);
}

static void on_done(void *user)
{
	((struct rig *)user)->dones++;
}

void rig_up(struct rig *r)
{
	static const struct link_calls calls = { .event = on_event, .failed = on_failed, .done = on_done };

	*r = (struct rig){ .app = -1, .ours = -1 };
	assert_int_equal(loop_new(&r->loop, NULL), OK);
	assert_int_equal(timer_new(&r->guard, r->loop, on_guard, r), OK);
	assert_int_equal(timer_new(&r->tick, r->loop, wake_link, r), OK);
	tcp_pair(&r->net, &r->ssh);
	r->conn = fake_new();
	assert_int_equal(link_new(&r->link, r->loop, r->ssh, r->conn, &calls, r), OK);
	assert_int_equal(turn_new(&r->turn, r->loop, on_turn, r), OK); /* behind the link's */
}

void rig_down(struct rig *r)
{
	link_free(r->link);
	turn_free(r->turn);
	timer_free(r->guard);
	timer_free(r->tick);
	close(r->net);
	if (r->app >= 0)
		close(r->app);
	loop_free(r->loop);
}

void rig_until(struct rig *r, bool (*until)(struct rig *r))
{
	r->until = until;
	wake_link(r);
	timer_at(r->guard, loop_clock(r->loop) + 10000);
	loop_run(r->loop);
	timer_at(r->guard, UINT64_MAX);
	assert_null(r->until); /* otherwise the ten seconds were over */
}

static bool two_turns(struct rig *r)
{
	if (list_empty(&r->conn->events) && r->turns > r->settle_from + 2)
		return true;
	timer_at(r->tick, loop_now(r->loop));
	return false;
}

void rig_settle(struct rig *r)
{
	r->settle_from = r->turns;
	timer_at(r->tick, loop_now(r->loop));
	rig_until(r, two_turns);
}
