/* The event loop: descriptors, timers, signals. libuv stands behind it and is seen by the .c files of this folder only.
 * Everything may be freed inside any callback, its own too. */
#ifndef ADIT_IO_LOOP_H
#define ADIT_IO_LOOP_H

#include "base/err.h"

struct loop;

/* OK or ERR_NOMEM / ERR_IO. Raises the soft limit of descriptors to the hard one. */
int loop_new(struct loop **out, struct why *why) MUST_CHECK;
/* Every watch, timer, turn and signal must have been freed. NULL is allowed. A name that is still being looked up is
 * not waited for: its memory stays, and exit() would wait for its thread, so leave with _exit() in that case. */
void loop_free(struct loop *l);
/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Milliseconds of a monotonic clock, as of this turn. */
uint64_t loop_now(const struct loop *l);
/* The same clock, read now, which loop_now() gives from here on: after work that took long within one turn. */
uint64_t loop_clock(struct loop *l);

/* In a child right after fork(), for the loop of the parent: its signals are the parent's from here on. Their handlers
 * are process-wide and would write into pipes that both processes share. The loop and what is on it must not be used
 * again, nor freed; it costs the memory that it has. A loop_new() makes the child's own. */
void loop_abandon(struct loop *l);

/* For the other .c files of this folder. */
struct uv_loop_s *loop_uv(struct loop *l);

/* `fn` is called once per turn, after all ready descriptors and timers and before the loop sleeps; in the order of
 * turn_new(). It does not keep the loop running. OK or ERR_NOMEM. */
typedef void turn_fn(void *user);
struct turn;
int turn_new(struct turn **out, struct loop *l, turn_fn *fn, void *user) MUST_CHECK;
/* NULL is allowed. */
void turn_free(struct turn *t);
/* Not called any more until turn_wake(): thousands that have nothing to do cost a turn nothing. */
void turn_rest(struct turn *t);
/* Called again at the end of this turn, before those that were awake; from within another one's call: right after it.
 * Nothing for one that is awake. */
void turn_wake(struct turn *t);

/* A descriptor. Level-triggered. The watch does not own the descriptor, which may be closed right after watch_free().
 * WATCH_ERR comes together with what was asked for, so that the next read or write meets the error; it need not be
 * asked for, and is not reported while nothing is. */
enum { WATCH_IN = 1, WATCH_OUT = 2, WATCH_ERR = 4 };
typedef void watch_fn(void *user, unsigned ready);
struct watch;
/* Waits for nothing yet. One watch per descriptor. OK, ERR_NOMEM, or ERR_IO for what cannot be polled (a file). */
int watch_new(struct watch **out, struct loop *l, int fd, watch_fn *fn, void *user) MUST_CHECK;
/* What to wait for: WATCH_IN | WATCH_OUT, or 0. Takes effect at once for callbacks; the kernel is told once per turn,
 * and only when the mask really changed. */
void watch_set(struct watch *w, unsigned events);
/* NULL is allowed. No callback afterwards, not even one of this turn. */
void watch_free(struct watch *w);

/* A single shot. OK or ERR_NOMEM. */
typedef void timer_fn(void *user);
struct timer;
int timer_new(struct timer **out, struct loop *l, timer_fn *fn, void *user) MUST_CHECK;
/* At loop_now() >= at_ms; replaces an earlier setting. UINT64_MAX stops it. */
void timer_at(struct timer *t, uint64_t at_ms);
/* NULL is allowed. */
void timer_free(struct timer *t);

/* A signal; does not keep the loop running. OK, ERR_NOMEM or ERR_IO. */
typedef void signal_fn(void *user, int signo);
struct sigwatch;
int sigwatch_new(struct sigwatch **out, struct loop *l, int signo, signal_fn *fn, void *user) MUST_CHECK;
/* NULL is allowed. The signal has its default action again when its last watch is gone. */
void sigwatch_free(struct sigwatch *s);

#endif
