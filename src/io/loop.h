/* The event loop: descriptors, timers, signals. The only headers that see libuv are the .c files of this folder. */
#ifndef ADIT_IO_LOOP_H
#define ADIT_IO_LOOP_H

#include "base/err.h"

struct loop;

/* OK or ERR_NOMEM / ERR_IO. Raises the soft limit of descriptors to the hard one (hostile.md D-05). */
int loop_new(struct loop **out, struct why *why) MUST_CHECK;
/* Every watch, timer and signal must have been freed. */
void loop_free(struct loop *l);
/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Milliseconds of a monotonic clock, as of this turn. */
uint64_t loop_now(const struct loop *l);
/* The same clock, read now: for work that takes long within one turn. */
uint64_t loop_clock(struct loop *l);

/* `fn` is called once per turn, after all ready descriptors and timers and before the loop sleeps. */
typedef void turn_fn(void *user);
struct turn;
int turn_new(struct turn **out, struct loop *l, turn_fn *fn, void *user) MUST_CHECK;
void turn_free(struct turn *t);

/* A descriptor. Level-triggered. The watch does not own the descriptor, which may be closed right after watch_free().
 * WATCH_ERR is reported together with, or instead of, IN and OUT; it need not be asked for. */
enum { WATCH_IN = 1, WATCH_OUT = 2, WATCH_ERR = 4 };
typedef void watch_fn(void *user, unsigned ready);
struct watch;
int watch_new(struct watch **out, struct loop *l, int fd, watch_fn *fn, void *user) MUST_CHECK;
/* What to wait for: WATCH_IN | WATCH_OUT, or 0. Costs nothing when it does not change. */
void watch_set(struct watch *w, unsigned events);
/* NULL is allowed. No callback afterwards, not even one of this turn. */
void watch_free(struct watch *w);

/* A single shot. */
typedef void timer_fn(void *user);
struct timer;
int timer_new(struct timer **out, struct loop *l, timer_fn *fn, void *user) MUST_CHECK;
/* At loop_now() >= at_ms; replaces an earlier setting. UINT64_MAX stops it. */
void timer_at(struct timer *t, uint64_t at_ms);
void timer_free(struct timer *t);

typedef void signal_fn(void *user, int signo);
struct sigwatch;
int sigwatch_new(struct sigwatch **out, struct loop *l, int signo, signal_fn *fn, void *user) MUST_CHECK;
void sigwatch_free(struct sigwatch *s);

#endif
