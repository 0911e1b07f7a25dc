/* The loop: watches, timers, turns and signals, and that each of them may go away inside any callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/loop.h"

struct rig {
	struct loop *loop;
	int a, b; /* two ends of a stream */
	struct watch *wa, *wb;
	struct timer *guard; /* ends a test that hangs */
	unsigned ready;
	int calls;
	bool late;
};

static void guard_due(void *user)
{
	struct rig *r = user;

	r->late = true;
	loop_stop(r->loop);
}

static void rig_up(struct rig *r)
{
	int sv[2];

	*r = (struct rig){ .a = -1 };
	assert_int_equal(loop_new(&r->loop, NULL), OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	r->a = sv[0];
	r->b = sv[1];
	assert_int_equal(timer_new(&r->guard, r->loop, guard_due, r), OK);
	timer_at(r->guard, loop_clock(r->loop) + 10000);
}

static void rig_run(struct rig *r)
{
	loop_run(r->loop);
	assert_false(r->late);
}

static void rig_down(struct rig *r)
{
	watch_free(r->wa);
	watch_free(r->wb);
	timer_free(r->guard);
	close(r->a);
	close(r->b);
	loop_free(r->loop);
}

static void note_and_stop(void *user, unsigned ready)
{
	struct rig *r = user;

	r->ready = ready;
	r->calls++;
	loop_stop(r->loop);
}

static void must_not_run(void *user, unsigned ready)
{
	(void)user;
	fail_msg("a watch that must be silent reported %u", ready);
}

static void a_file_cannot_be_watched(void **state)
{
	struct rig r;
	struct watch *w = NULL;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	rig_up(&r);
	assert_true(fd >= 0);
	assert_int_equal(watch_new(&w, r.loop, fd, must_not_run, &r), ERR_IO);
	assert_int_equal(watch_new(&w, r.loop, -1, must_not_run, &r), ERR_IO);
	assert_null(w);
	close(fd);
	rig_down(&r);
}

static void no_handler_for_sigkill(void **state)
{
	struct rig r;
	struct sigwatch *s = NULL;

	(void)state;
	rig_up(&r);
	assert_int_equal(sigwatch_new(&s, r.loop, SIGKILL, NULL, &r), ERR_IO);
	assert_null(s);
	rig_down(&r);
}

static void freeing_nothing_is_allowed(void **state)
{
	(void)state;
	watch_free(NULL);
	timer_free(NULL);
	turn_free(NULL);
	sigwatch_free(NULL);
	loop_free(NULL);
}

static void a_loop_with_nothing_to_do_returns(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	timer_at(r.guard, UINT64_MAX);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, must_not_run, &r), OK);
	loop_run(r.loop);
	rig_down(&r);
}

/* Both ends become readable in the same turn; whoever comes first takes the other away and reuses its number. */
static void free_both(void *user, unsigned ready)
{
	struct rig *r = user;

	(void)ready;
	r->calls++;
	watch_free(r->wa);
	watch_free(r->wb);
	r->wa = r->wb = NULL;
	close(r->a);
	close(r->b);
	r->a = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r->b = -1;
	loop_stop(r->loop);
}

static void no_callback_after_free(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_int_equal(write(r.a, "x", 1), 1);
	assert_int_equal(write(r.b, "y", 1), 1);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, free_both, &r), OK);
	assert_int_equal(watch_new(&r.wb, r.loop, r.b, free_both, &r), OK);
	watch_set(r.wa, WATCH_IN);
	watch_set(r.wb, WATCH_IN);
	rig_run(&r);
	assert_int_equal(r.calls, 1);
	rig_down(&r);
}

/* A mask that is taken back within the turn counts at once. */
static void silence_the_other(void *user, unsigned ready)
{
	struct rig *r = user;

	(void)ready;
	r->calls++;
	watch_set(r->wa, 0);
	watch_set(r->wb, 0);
	loop_stop(r->loop);
}

static void no_callback_after_mask_zero(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_int_equal(write(r.a, "x", 1), 1);
	assert_int_equal(write(r.b, "y", 1), 1);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, silence_the_other, &r), OK);
	assert_int_equal(watch_new(&r.wb, r.loop, r.b, silence_the_other, &r), OK);
	watch_set(r.wa, WATCH_IN | WATCH_OUT);
	watch_set(r.wb, WATCH_IN | WATCH_OUT);
	rig_run(&r);
	assert_int_equal(r.calls, 1);
	rig_down(&r);
}

/* The same number with another socket behind it must be watched anew. */
static void a_descriptor_may_be_reused_at_once(void **state)
{
	struct rig r;
	int sv[2], again;

	(void)state;
	rig_up(&r);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, must_not_run, &r), OK);
	watch_set(r.wa, WATCH_IN);
	timer_at(r.guard, loop_now(r.loop)); /* one turn, so that the kernel knows the watch */
	loop_run(r.loop);
	assert_true(r.late);
	r.late = false;
	timer_at(r.guard, loop_clock(r.loop) + 10000);

	watch_free(r.wa);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	again = dup3(sv[0], r.a, O_CLOEXEC);
	assert_int_equal(again, r.a);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, note_and_stop, &r), OK);
	watch_set(r.wa, WATCH_IN);
	assert_int_equal(write(sv[1], "z", 1), 1);
	rig_run(&r);
	assert_int_equal(r.ready, WATCH_IN);
	close(sv[0]);
	close(sv[1]);
	rig_down(&r);
}

static void level_triggered(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, note_and_stop, &r), OK);
	assert_int_equal(write(r.b, "x", 1), 1);
	watch_set(r.wa, WATCH_IN);
	rig_run(&r);
	rig_run(&r);
	assert_int_equal(r.calls, 2);
	rig_down(&r);
}

/* An error of the descriptor comes again in every turn until somebody deals with it. */
static void errors_come_with_what_was_asked(void **state)
{
	struct rig r;
	int fds[2], e = 0;
	socklen_t n = sizeof(e);
	char c;

	(void)state;
	rig_up(&r);
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	close(fds[0]); /* the writing end of a pipe without a reader has EPOLLERR */
	assert_int_equal(watch_new(&r.wa, r.loop, fds[1], note_and_stop, &r), OK);
	watch_set(r.wa, WATCH_OUT);
	for (int i = 1; i <= 3; i++) {
		rig_run(&r);
		assert_int_equal(r.ready, WATCH_OUT | WATCH_ERR);
		assert_int_equal(r.calls, i);
	}
	watch_free(r.wa);
	r.wa = NULL;
	close(fds[1]);

	/* The other side is gone: readable, and read() tells. */
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, note_and_stop, &r), OK);
	watch_set(r.wa, WATCH_IN);
	close(r.b);
	r.b = -1;
	rig_run(&r);
	assert_true(r.ready & WATCH_IN);
	assert_int_equal(read(r.a, &c, 1), 0);
	assert_int_equal(getsockopt(r.a, SOL_SOCKET, SO_ERROR, &e, &n), 0);
	rig_down(&r);
}

/* The last watch goes and another one comes in the same turn: the loop must not take that for the end. */
static void swap_watch(void *user, unsigned ready)
{
	struct rig *r = user;

	(void)ready;
	r->calls++;
	watch_free(r->wa);
	r->wa = NULL;
	assert_int_equal(watch_new(&r->wb, r->loop, r->b, note_and_stop, r), OK);
	watch_set(r->wb, WATCH_OUT);
}

static void a_late_watch_keeps_the_loop(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	timer_at(r.guard, UINT64_MAX);
	assert_int_equal(watch_new(&r.wa, r.loop, r.a, swap_watch, &r), OK);
	watch_set(r.wa, WATCH_OUT);
	loop_run(r.loop);
	assert_int_equal(r.calls, 2);
	assert_int_equal(r.ready, WATCH_OUT);
	rig_down(&r);
}

struct order {
	struct loop *loop;
	struct timer *t[3];
	char seen[8];
	size_t n;
	uint64_t at;
};

static void first_due(void *user)
{
	struct order *o = user;

	o->seen[o->n++] = 'a';
	timer_free(o->t[0]); /* its own */
	o->t[0] = NULL;
}

static void second_due(void *user)
{
	struct order *o = user;

	o->seen[o->n++] = 'b';
	o->at = loop_now(o->loop);
	if (o->n < 4)
		timer_at(o->t[1], loop_now(o->loop) + 1); /* a single shot has to be set again */
}

static void never_due(void *user)
{
	(void)user;
	fail_msg("a stopped timer went off");
}

static void timers(void **state)
{
	struct order o = { 0 };
	uint64_t t0;

	(void)state;
	assert_int_equal(loop_new(&o.loop, NULL), OK);
	assert_int_equal(timer_new(&o.t[0], o.loop, first_due, &o), OK);
	assert_int_equal(timer_new(&o.t[1], o.loop, second_due, &o), OK);
	assert_int_equal(timer_new(&o.t[2], o.loop, never_due, &o), OK);
	t0 = loop_clock(o.loop);
	timer_at(o.t[2], t0);
	timer_at(o.t[2], UINT64_MAX);
	timer_at(o.t[1], t0 + 5000);
	timer_at(o.t[1], t0 + 20);
	timer_at(o.t[0], 0); /* the past is now */
	loop_run(o.loop);
	assert_string_equal(o.seen, "abbb");
	assert_true(o.at >= t0 + 22 && o.at < t0 + 5000);
	timer_free(o.t[1]);
	timer_free(o.t[2]);
	loop_free(o.loop);
}

struct hooks {
	struct rig rig;
	struct turn *t[3];
	char seen[16];
	size_t n;
};

static void hook_a(void *user)
{
	struct hooks *h = user;

	h->seen[h->n++] = 'a';
	turn_free(h->t[0]); /* itself, and the one that would be next */
	turn_free(h->t[1]);
	h->t[0] = h->t[1] = NULL;
}

static void hook_b(void *user)
{
	(void)user;
	fail_msg("a turn that was freed ran");
}

static void hook_c(void *user)
{
	struct hooks *h = user;

	h->seen[h->n++] = 'c';
}

static void data_came(void *user, unsigned ready)
{
	struct hooks *h = user;

	(void)ready;
	h->seen[h->n++] = 'd';
	watch_set(h->rig.wa, 0);
	timer_at(h->rig.guard, loop_now(h->rig.loop)); /* the next turn is the last */
}

static void the_turn_ends_after_descriptors_and_timers(void **state)
{
	struct hooks h = { 0 };

	(void)state;
	rig_up(&h.rig);
	assert_int_equal(turn_new(&h.t[0], h.rig.loop, hook_a, &h), OK);
	assert_int_equal(turn_new(&h.t[1], h.rig.loop, hook_b, &h), OK);
	assert_int_equal(turn_new(&h.t[2], h.rig.loop, hook_c, &h), OK);
	assert_int_equal(watch_new(&h.rig.wa, h.rig.loop, h.rig.a, data_came, &h), OK);
	watch_set(h.rig.wa, WATCH_IN);
	assert_int_equal(write(h.rig.b, "x", 1), 1);
	loop_run(h.rig.loop);
	assert_true(h.rig.late);
	assert_string_equal(h.seen, "acdc"); /* once before the sleep, data, once more */
	turn_free(h.t[2]);
	rig_down(&h.rig);
}

struct sleepers {
	struct rig rig;
	struct turn *t[2];
	char seen[16];
	size_t n;
};

static void sleeper(void *user)
{
	struct sleepers *s = user;

	s->seen[s->n++] = 's';
	turn_rest(s->t[0]);
	turn_rest(s->t[0]); /* nothing to do */
}

static void waker(void *user)
{
	struct sleepers *s = user;

	s->seen[s->n++] = 'w';
	if (s->n == 3) /* the second of its turns */
		turn_wake(s->t[0]);
	if (s->n < 5)
		timer_at(s->rig.guard, loop_now(s->rig.loop));
}

static void another_turn(void *user)
{
	(void)user;
}

static void a_turn_that_rests_is_not_called(void **state)
{
	struct sleepers s = { 0 };

	(void)state;
	assert_int_equal(loop_new(&s.rig.loop, NULL), OK);
	assert_int_equal(timer_new(&s.rig.guard, s.rig.loop, another_turn, &s), OK);
	assert_int_equal(turn_new(&s.t[0], s.rig.loop, sleeper, &s), OK);
	assert_int_equal(turn_new(&s.t[1], s.rig.loop, waker, &s), OK);
	timer_at(s.rig.guard, 0);
	loop_run(s.rig.loop);
	assert_string_equal(s.seen, "swwsw"); /* woken within a turn: right behind who did it */
	turn_wake(s.t[0]);
	turn_wake(s.t[0]); /* once is enough */
	timer_at(s.rig.guard, 0);
	loop_run(s.rig.loop);
	assert_string_equal(s.seen, "swwswsw"); /* woken between two: before those that were awake */
	turn_free(s.t[0]);			/* at rest */
	turn_free(s.t[1]);
	timer_free(s.rig.guard);
	loop_free(s.rig.loop);
}

static void signal_came(void *user, int signo)
{
	struct rig *r = user;

	r->calls += signo;
	loop_stop(r->loop);
}

static void signals(void **state)
{
	struct rig r;
	struct sigwatch *s = NULL;

	(void)state;
	rig_up(&r);
	assert_int_equal(sigwatch_new(&s, r.loop, SIGUSR1, signal_came, &r), OK);
	raise(SIGUSR1);
	rig_run(&r);
	assert_int_equal(r.calls, SIGUSR1);
	sigwatch_free(s);
	rig_down(&r);
}

static void the_descriptor_limit_is_raised(void **state)
{
	struct rlimit r;
	struct loop *l = NULL;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(loop_new(&l, NULL), OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(r.rlim_cur, r.rlim_max);
	loop_free(l);
}

static void no_descriptors_for_a_loop(void **state)
{
	struct rlimit old, r;
	struct loop *l = NULL;
	struct why why = { "" };

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	r = old;
	r.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
	assert_int_equal(loop_new(&l, &why), ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_null(l);
	assert_string_equal(why.text, "event loop: too many open files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_descriptors_for_a_loop),
		cmocka_unit_test(a_file_cannot_be_watched),
		cmocka_unit_test(no_handler_for_sigkill),
		cmocka_unit_test(freeing_nothing_is_allowed),
		cmocka_unit_test(a_loop_with_nothing_to_do_returns),
		cmocka_unit_test(no_callback_after_free),
		cmocka_unit_test(no_callback_after_mask_zero),
		cmocka_unit_test(a_descriptor_may_be_reused_at_once),
		cmocka_unit_test(level_triggered),
		cmocka_unit_test(errors_come_with_what_was_asked),
		cmocka_unit_test(a_late_watch_keeps_the_loop),
		cmocka_unit_test(timers),
		cmocka_unit_test(the_turn_ends_after_descriptors_and_timers),
		cmocka_unit_test(a_turn_that_rests_is_not_called),
		cmocka_unit_test(signals),
		cmocka_unit_test(the_descriptor_limit_is_raised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
