/* Messages between processes: what a bad sender may try, then order, the queue, descriptors, and freeing in callbacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/ipc.h"

enum { NUMBERS = 3000 };

struct rig {
	struct loop *loop;
	struct timer *guard; /* ends a test that hangs */
	struct ipc *ipc;     /* the end under test */
	int raw;	     /* the other end, for what ipc_send() would not do */
	bool late;

	/* what came */
	int messages, ends, err;
	size_t bytes;
	uint32_t last; /* the number in the last message, if it has one */
	bool disorder; /* numbers that did not follow each other */
	int fd;	       /* what the last message brought */
	struct why why;

	/* what the callback does */
	bool take;	   /* keeps the descriptor */
	bool free_self;	   /* frees `ipc` */
	int stop_at;	   /* stops the loop at so many messages */
	struct ipc *drain; /* drains this one first */
	struct rig *other; /* whose count then is kept in `seen` */
	int seen;
};

static void guard_due(void *user)
{
	struct rig *r = user;

	r->late = true;
	loop_stop(r->loop);
}

static void on_message(void *user, struct span m, int *fd)
{
	struct rig *r = user;

	if (r->drain) {
		ipc_drain(r->drain);
		r->seen = r->other->messages;
	}
	r->messages++;
	r->bytes += m.n;
	r->fd = *fd;
	if (r->take)
		*fd = IPC_NO_FD;
	if (m.n >= sizeof(r->last)) {
		uint32_t number;

		memcpy(&number, m.p, sizeof(number));
		r->disorder |= r->messages > 1 && number != r->last + 1;
		r->last = number;
	}
	if (r->free_self) {
		ipc_free(r->ipc);
		r->ipc = NULL;
	}
	if (r->messages == r->stop_at)
		loop_stop(r->loop);
}

static void on_end(void *user, int err, const struct why *why)
{
	struct rig *r = user;

	r->ends++;
	r->err = err;
	r->why = *why;
	if (r->free_self) {
		ipc_free(r->ipc);
		r->ipc = NULL;
	}
	loop_stop(r->loop);
}

static void rig_up(struct rig *r)
{
	int fds[2];

	*r = (struct rig){ .fd = IPC_NO_FD };
	assert_int_equal(loop_new(&r->loop, NULL), OK);
	assert_int_equal(timer_new(&r->guard, r->loop, guard_due, r), OK);
	timer_at(r->guard, loop_clock(r->loop) + 20000);
	assert_int_equal(ipc_pair(fds, NULL), OK);
	assert_int_equal(ipc_new(&r->ipc, r->loop, fds[0], on_message, on_end, r), OK);
	r->raw = fds[1];
}

static void rig_run(struct rig *r)
{
	loop_run(r->loop);
	assert_false(r->late);
}

static void rig_down(struct rig *r)
{
	ipc_free(r->ipc);
	if (r->raw >= 0)
		close(r->raw);
	timer_free(r->guard);
	loop_free(r->loop);
}

static int open_count(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* n bytes and `k` copies of a descriptor. */
static void send_raw(int to, size_t n, size_t k)
{
	static uint8_t bytes[IPC_MESSAGE_MAX + 1];
	union {
		struct cmsghdr head;
		uint8_t room[CMSG_SPACE(16 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { bytes, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_true(k <= 16);
	if (k) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(k * sizeof(int));
		control.head = (struct cmsghdr){ CMSG_LEN(k * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		for (size_t i = 0; i < k; i++)
			memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &(int){ STDERR_FILENO }, sizeof(int));
	}
	assert_int_equal(sendmsg(to, &m, 0), n);
}

static void bad_senders_are_found_out(void **state)
{
	static const struct {
		const char *name;
		size_t bytes, fds;
		int err, messages;
		const char *why;
	} cases[] = {
		{ "a byte too long", IPC_MESSAGE_MAX + 1, 0, ERR_PROTO, 0, "a message longer than 131072 bytes" },
		{ "too long with a descriptor", IPC_MESSAGE_MAX + 1, 1, ERR_PROTO, 0,
		  "a message longer than 131072 bytes" },
		{ "two descriptors", 1, 2, ERR_PROTO, 0, "more than one descriptor in a message" },
		{ "as many as there is room for", 1, 4, ERR_PROTO, 0, "more than one descriptor in a message" },
		{ "more than there is room for", 1, 16, ERR_PROTO, 0, "more than one descriptor in a message" },
		{ "empty", 0, 0, ERR_CLOSED, 0, "the other process is gone" },
		{ "empty with a descriptor", 0, 1, ERR_CLOSED, 0, "the other process is gone" },
		{ "the longest", IPC_MESSAGE_MAX, 0, ERR_CLOSED, 1, "the other process is gone" },
		{ "a descriptor that nobody takes", 5, 1, ERR_CLOSED, 1, "the other process is gone" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct rig r;

		rig_up(&r);
		int before = open_count();

		send_raw(r.raw, cases[i].bytes, cases[i].fds);
		send_raw(r.raw, 1, 0); /* must not be handled after a violation */
		shutdown(r.raw, SHUT_WR);
		rig_run(&r);
		if (cases[i].messages)
			assert_int_equal(r.bytes, cases[i].bytes + 1);
		assert_int_equal(r.messages, cases[i].messages * 2);
		assert_int_equal(r.ends, 1);
		assert_int_equal(r.err, cases[i].err);
		assert_string_equal(r.why.text, cases[i].why);
		assert_int_equal(open_count(), before);
		assert_int_equal(ipc_send(r.ipc, span("x", 1), IPC_NO_FD), ERR_CLOSED);
		ipc_drain(r.ipc);
		assert_int_equal(r.ends, 1);
		rig_down(&r);
	}
}

static void what_cannot_be_sent(void **state)
{
	static const uint8_t bytes[IPC_MESSAGE_MAX + 1];
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_int_equal(ipc_send(r.ipc, span(bytes, 0), IPC_NO_FD), ERR_LIMIT);
	assert_int_equal(ipc_send(r.ipc, span(bytes, sizeof(bytes)), IPC_NO_FD), ERR_LIMIT);
	assert_int_equal(ipc_send(r.ipc, span(bytes, 1), 9999), ERR_IO); /* no such descriptor */
	assert_int_equal(ipc_send(r.ipc, span(bytes, IPC_MESSAGE_MAX), IPC_NO_FD), OK);
	close(r.raw);
	r.raw = -1;
	assert_int_equal(ipc_send(r.ipc, span(bytes, 1), IPC_NO_FD), ERR_CLOSED);
	assert_int_equal(r.ends, 0);
	rig_run(&r);
	assert_int_equal(r.err, ERR_CLOSED);
	ipc_free(NULL);
	rig_down(&r);
}

/* The other end went without reading what we sent: its own last words still count. */
static void last_words(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r);
	assert_int_equal(ipc_send(r.ipc, span("unread", 6), IPC_NO_FD), OK);
	send_raw(r.raw, 3, 0);
	close(r.raw);
	r.raw = -1;
	rig_run(&r);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.err, ERR_CLOSED);
	rig_down(&r);
}

static void the_queue_has_a_ceiling(void **state)
{
	static const uint8_t bytes[IPC_MESSAGE_MAX];
	static const size_t sizes[] = { 1, IPC_MESSAGE_MAX };

	(void)state;
	for (size_t i = 0; i < LEN(sizes); i++) {
		struct rig r;
		int sent = 0, err;

		rig_up(&r);
		int before = open_count(), fd = dup(STDERR_FILENO);

		while ((err = ipc_send(r.ipc, span(bytes, sizes[i]), IPC_NO_FD)) == OK && sent < 100000)
			sent++;
		assert_int_equal(err, ERR_LIMIT);
		assert_true(i ? sent >= 32 && sent < 48
			      : sent >= IPC_QUEUE_MESSAGES && sent < IPC_QUEUE_MESSAGES + 2000);
		assert_int_equal(ipc_send(r.ipc, span(bytes, sizes[i]), fd), ERR_LIMIT);
		assert_int_equal(close(fd), 0); /* still ours */
		assert_int_equal(open_count(), before);
		rig_down(&r);
	}
}

/* Both ends on one loop, as in no real program. */
struct two {
	struct rig a;
	struct rig b;
};

static void two_up(struct two *t)
{
	rig_up(&t->a);
	t->b = (struct rig){ .loop = t->a.loop, .raw = -1, .fd = IPC_NO_FD };
	assert_int_equal(ipc_new(&t->b.ipc, t->b.loop, t->a.raw, on_message, on_end, &t->b), OK);
	t->a.raw = -1;
}

static void two_down(struct two *t)
{
	ipc_free(t->b.ipc);
	rig_down(&t->a);
}

static void the_order_stays_when_the_socket_is_full(void **state)
{
	struct two t;
	uint32_t next = 0;

	(void)state;
	two_up(&t);
	t.b.stop_at = NUMBERS;
	while (next < 1000) {
		assert_int_equal(ipc_send(t.a.ipc, span(&next, sizeof(next)), IPC_NO_FD), OK);
		next++;
	}
	while (next < NUMBERS) {
		while (next < NUMBERS && ipc_send(t.a.ipc, span(&next, sizeof(next)), IPC_NO_FD) == OK)
			next++;
		t.b.stop_at = next;
		rig_run(&t.a);
	}
	assert_int_equal(t.b.messages, NUMBERS);
	assert_false(t.b.disorder);
	two_down(&t);
}

static void a_descriptor_waits_with_its_message(void **state)
{
	static const uint8_t filler[IPC_MESSAGE_MAX];
	struct two t;
	int ends[2], fillers = 0;

	(void)state;
	two_up(&t);
	for (; fillers < 8; fillers++)
		assert_int_equal(ipc_send(t.a.ipc, span(filler, sizeof(filler)), IPC_NO_FD), OK);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(ipc_send(t.a.ipc, span("fd", 2), ends[0]), OK);
	assert_true(fcntl(ends[0], F_GETFD) >= 0);
	t.b.take = true;
	t.b.stop_at = fillers + 1;
	rig_run(&t.a);
	assert_true(t.b.fd >= 0);
	assert_true(fcntl(t.b.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(read(t.b.fd, &(char){ 0 }, 1), 1);
	close(t.b.fd);
	close(ends[1]);
	two_down(&t);
}

static void no_number_left_for_a_descriptor(void **state)
{
	struct rlimit old, none;
	struct rig r;

	(void)state;
	rig_up(&r);
	send_raw(r.raw, 2, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r.stop_at = 1;
	rig_run(&r);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r.messages, 1);
	assert_int_equal(r.fd, IPC_FD_LOST);
	assert_int_equal(r.ends, 0);
	rig_down(&r);
}

static void freed_inside_its_callbacks(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;

		rig_up(&r);
		r.free_self = true;
		if (i) {
			r.stop_at = 1;
			send_raw(r.raw, 1, 1);
			send_raw(r.raw, 1, 0); /* not handled any more */
		} else {
			shutdown(r.raw, SHUT_WR);
		}
		rig_run(&r);
		assert_int_equal(r.messages, i);
		assert_int_equal(r.ends, !i);
		assert_null(r.ipc);
		rig_down(&r);
	}
}

/* The guard's case: a message of `a` says something that is judged only with what `b` has said before. */
static void draining_another_one(void **state)
{
	struct two t;
	int fds[2];

	(void)state;
	rig_up(&t.a);
	t.b = (struct rig){ .loop = t.a.loop };
	assert_int_equal(ipc_pair(fds, NULL), OK);
	assert_int_equal(ipc_new(&t.b.ipc, t.b.loop, fds[0], on_message, on_end, &t.b), OK);
	t.b.raw = fds[1];
	for (int i = 0; i < 200; i++)
		send_raw(t.b.raw, 1, 0);
	t.a.drain = t.b.ipc;
	t.a.other = &t.b;
	t.a.stop_at = 1;
	send_raw(t.a.raw, 1, 0);
	rig_run(&t.a);
	assert_int_equal(t.a.seen, 200);
	ipc_drain(t.b.ipc);
	assert_int_equal(t.b.messages, 200);
	close(t.b.raw);
	ipc_free(t.b.ipc);
	rig_down(&t.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_senders_are_found_out),
		cmocka_unit_test(what_cannot_be_sent),
		cmocka_unit_test(last_words),
		cmocka_unit_test(the_queue_has_a_ceiling),
		cmocka_unit_test(the_order_stays_when_the_socket_is_full),
		cmocka_unit_test(a_descriptor_waits_with_its_message),
		cmocka_unit_test(no_number_left_for_a_descriptor),
		cmocka_unit_test(freed_inside_its_callbacks),
		cmocka_unit_test(draining_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
