/* Connecting: what fails and how it is told, the race of several addresses, sources, limits. The resolver is replaced
 * by a table, and a listener whose queue is full stands for an address that never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/dial.h"
#include "io/resolve.h"

/* Memory that runs out at the n-th allocation from now; negative: never. */
static int allocations_left = -1;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

static bool out_of_memory(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return out_of_memory() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return out_of_memory() ? NULL : __real_strdup(s);
}

/* The resolver: libuv's thread finds these two in the program before it finds libc's. */
static const struct name {
	const char *name;
	const char *addresses; /* separated by spaces, or NULL and */
	int eai;
} names[] = {
	{ "none.test", NULL, EAI_NONAME },
	{ "later.test", NULL, EAI_AGAIN },
	{ "localhost", "::1 127.0.0.1", 0 },
	{ "hole-first.test", "127.0.0.2 127.0.0.3", 0 },
	{ "twice.test", "127.0.0.3 127.0.0.3", 0 },
	{ "mixed.test", "127.0.0.4 127.0.0.5 ::1", 0 },
	{ "many.test",
	  "127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4 127.0.1.5 127.0.1.6 127.0.1.7 127.0.1.8 127.0.1.9 127.0.1.10 "
	  "127.0.1.11 127.0.1.12 127.0.1.13 127.0.1.14 127.0.1.15 127.0.1.16 127.0.0.3",
	  0 },
	{ "slow.test", "127.0.0.3", 0 },
};

static sem_t slow; /* "slow.test" is known when this is posted */

static struct addrinfo *one_address(const char *text, int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	bool is4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
	socklen_t n = is4 ? sizeof(v4) : sizeof(v6);
	struct addrinfo *a;

	if (!is4 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return NULL;
	if (family != AF_UNSPEC && family != (is4 ? AF_INET : AF_INET6))
		return NULL;
	a = __real_calloc(1, sizeof(*a) + n);
	assert(a);
	a->ai_family = is4 ? AF_INET : AF_INET6;
	a->ai_addrlen = n;
	a->ai_addr = (struct sockaddr *)(a + 1);
	memcpy(a->ai_addr, is4 ? (void *)&v4 : (void *)&v6, n);
	return a;
}

static int all_addresses(const char *addresses, int family, struct addrinfo **out)
{
	char text[1024], *save = NULL;
	struct addrinfo *head = NULL, **end = &head;

	snprintf(text, sizeof(text), "%s", addresses);
	for (char *one = strtok_r(text, " ", &save); one; one = strtok_r(NULL, " ", &save)) {
		*end = one_address(one, family);
		if (*end)
			end = &(*end)->ai_next;
	}
	*out = head;
	return head ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	(void)service;
	for (size_t i = 0; !(hints->ai_flags & AI_NUMERICHOST) && i < LEN(names); i++) {
		if (strcmp(host, names[i].name) != 0)
			continue;
		if (strcmp(host, "slow.test") == 0)
			sem_wait(&slow);
		return names[i].addresses ? all_addresses(names[i].addresses, hints->ai_family, out) : names[i].eai;
	}
	return all_addresses(host, hints->ai_family, out);
}

void freeaddrinfo(struct addrinfo *a)
{
	while (a) {
		struct addrinfo *next = a->ai_next;

		free(a);
		a = next;
	}
}

struct rig {
	struct loop *loop;
	struct timer *guard;
	struct dial *dial;
	bool late, creating;
	int calls, fd;
	char peer[ADDR_TEXT];
	struct why why;
	uint64_t took_ms;
};

static void guard_due(void *user)
{
	struct rig *r = user;

	r->late = true;
	loop_stop(r->loop);
}

static void done(void *user, int fd, const struct addr *peer, const struct why *why)
{
	struct rig *r = user;

	assert_false(r->creating);
	r->dial = NULL;
	r->calls++;
	r->fd = fd;
	if (fd >= 0)
		addr_text(peer, r->peer, NULL);
	else
		r->why = *why;
	loop_stop(r->loop);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	sem_init(&slow, 0, 0);
	r->fd = -1;
	assert_int_equal(loop_new(&r->loop, NULL), OK);
	assert_int_equal(timer_new(&r->guard, r->loop, guard_due, r), OK);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	sock_close(r->fd);
	timer_free(r->guard);
	loop_free(r->loop);
	free(r);
	return 0;
}

static void start(struct rig *r, const struct dial_spec *spec)
{
	sock_close(r->fd);
	r->fd = -1;
	r->calls = 0;
	r->why.text[0] = '\0';
	r->peer[0] = '\0';
	r->creating = true;
	assert_int_equal(dial_new(&r->dial, r->loop, spec, done, r), OK);
	r->creating = false;
}

static void finish(struct rig *r)
{
	uint64_t begin = loop_clock(r->loop);

	timer_at(r->guard, begin + 20000);
	loop_run(r->loop);
	assert_false(r->late);
	assert_int_equal(r->calls, 1);
	r->took_ms = loop_clock(r->loop) - begin;
}

static void run_dial(struct rig *r, const struct dial_spec *spec)
{
	start(r, spec);
	finish(r);
}

static void bound(const char *host, uint16_t port, int *fd, uint16_t *got)
{
	struct addr a, name;

	assert_int_equal(resolve_numeric(host, port, AF_UNSPEC, &a), OK);
	*fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a.sa, a.len), 0);
	sock_name(*fd, &name);
	*got = addr_port(&name);
}

/* A listener that lets nobody in any more: the kernel drops further SYNs while the queue is full. */
struct hole {
	int listener, client[4];
	uint16_t port;
};

static void dig_hole(struct hole *h, const char *host, uint16_t port)
{
	struct addr a;

	bound(host, port, &h->listener, &h->port);
	assert_int_equal(listen(h->listener, 0), 0);
	sock_name(h->listener, &a);
	for (size_t i = 0; i < LEN(h->client); i++) {
		h->client[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(connect(h->client[i], (struct sockaddr *)&a.sa, a.len) == 0 || errno == EINPROGRESS);
	}
}

static void fill_hole(struct hole *h)
{
	close(h->listener);
	for (size_t i = 0; i < LEN(h->client); i++)
		close(h->client[i]);
}

static void what_fails_at_once(void **state)
{
	static const struct {
		const char *name;
		struct dial_spec spec; /* port 1 stands for a port that refuses */
		const char *text;
	} cases[] = {
		{ "refused", { .host = "127.0.0.1", .port = 1 }, "Connection refused" },
		{ "both refuse", { .host = "localhost", .port = 1 }, "Connection refused" },
		{ "no such name", { .host = "none.test", .port = 1 }, "Name or service not known" },
		{ "resolver down", { .host = "later.test", .port = 1 }, "Temporary failure in name resolution" },
		{ "no such family",
		  { .host = "127.0.0.1", .port = 1, .family = AF_INET6 },
		  "Name or service not known" },
		{ "cap of 16", { .host = "many.test", .port = 1 }, "Connection refused" },
		{ "BindAddress unknown",
		  { .host = "127.0.0.1", .port = 1, .bind_host = "none.test" },
		  "BindAddress none.test: Name or service not known" },
		{ "BindAddress not ours",
		  { .host = "127.0.0.1", .port = 1, .bind_host = "203.0.113.7" },
		  "Cannot assign requested address" },
		{ "BindAddress, other family",
		  { .host = "127.0.0.1", .port = 1, .bind_host = "::1" },
		  "Cannot assign requested address" },
		{ "the answer says more",
		  { .host = "localhost", .port = 1, .bind_host = "127.0.0.1" },
		  "Connection refused" },
		{ "BindInterface unknown",
		  { .host = "127.0.0.1", .port = 1, .bind_if = "nosuch0" },
		  "interface nosuch0 has no usable address" },
		{ "no socket", { .path = "/nonexistent/s" }, "No such file or directory" },
		{ "empty path", { .path = "" }, "the path of a unix socket is empty" },
	};
	struct rig *r = *state;
	uint16_t port, good;
	int refuser, sixteen;

	bound("0.0.0.0", 0, &refuser, &port);
	/* The 17th address of many.test would let us in. */
	assert_int_equal(close(refuser), 0);
	bound("127.0.0.3", port, &sixteen, &good);
	assert_int_equal(listen(sixteen, 8), 0);
	bound("127.0.0.1", port, &refuser, &good);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct dial_spec spec = cases[i].spec;

		spec.port = port;
		run_dial(r, &spec);
		if (r->fd >= 0 || strcmp(r->why.text, cases[i].text) != 0)
			fail_msg("%s: fd %d \"%s\"", cases[i].name, r->fd, r->why.text);
	}
	close(sixteen);
	close(refuser);
}

/* What we lack is an error of its own: it says nothing about the target. */
static void no_descriptors(void **state)
{
	static const struct {
		const char *name, *host, *path;
		rlim_t left; /* numbers below the limit */
		unsigned reserve;
		int want;
	} cases[] = {
		{ "none", "127.0.0.1", NULL, 0, 0, ERR_NOMEM },
		{ "none, two addresses", "twice.test", NULL, 0, 0, ERR_NOMEM },
		{ "none, unix", NULL, "/nonexistent/s", 0, 0, ERR_NOMEM },
		{ "only the reserve", "127.0.0.1", NULL, 8, 8, ERR_NOMEM },
		{ "a reserve beyond the limit", "127.0.0.1", NULL, 8, 100000, ERR_NOMEM },
		{ "one", "127.0.0.1", NULL, 9, 8, ERR_IO },
	};
	struct rig *r = *state;
	struct rlimit old, few;
	uint16_t port;
	int refuser;

	bound("127.0.0.1", 0, &refuser, &port);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	run_dial(r, &(struct dial_spec){ .host = "twice.test", .port = port }); /* starts the resolver's threads */
	for (size_t i = 0; i < LEN(cases); i++) {
		int lowest = dup(refuser);

		close(lowest);
		few = old;
		few.rlim_cur = (rlim_t)lowest + cases[i].left;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		run_dial(r, &(struct dial_spec){ .host = cases[i].host,
						 .path = cases[i].path,
						 .port = port,
						 .reserve = cases[i].reserve });
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (r->fd != cases[i].want ||
		    strcmp(r->why.text, r->fd == ERR_NOMEM ? "Too many open files" : "Connection refused") != 0)
			fail_msg("%s: fd %d \"%s\"", cases[i].name, r->fd, r->why.text);
	}
	close(refuser);
}

static void nobody_answers(void **state)
{
	struct rig *r = *state;
	struct hole h;

	dig_hole(&h, "127.0.0.2", 0);
	run_dial(r, &(struct dial_spec){ .host = "127.0.0.2", .port = h.port, .timeout_ms = 30 });
	assert_string_equal(r->why.text, "Connection timed out");
	fill_hole(&h);
}

static void the_resolver_does_not_answer(void **state)
{
	struct rig *r = *state;

	run_dial(r, &(struct dial_spec){ .host = "slow.test", .port = 9, .timeout_ms = 30 });
	assert_string_equal(r->why.text, "the lookup of the name timed out");
	sem_post(&slow);
	timer_at(r->guard, UINT64_MAX);
	loop_run(r->loop); /* until the late answer has come, which nobody hears */
	assert_int_equal(r->calls, 1);
}

static void told(void *user, const struct addr *list, size_t n, const struct why *why)
{
	unsigned *count = user;

	(void)list, (void)n, (void)why;
	++*count;
}

static void ask(const struct rig *r, struct resolve **out, struct lookups *who, const char *host, unsigned *count)
{
	assert_int_equal(resolve_new(out, r->loop, who, host, 9, AF_UNSPEC, told, count, NULL), OK);
}

/* A few turns of the loop, until the count is reached. */
static void await(struct rig *r, const unsigned *count, unsigned wanted)
{
	for (int turn = 0; turn < 2000 && *count < wanted; turn++) {
		timer_at(r->guard, loop_clock(r->loop) + 1);
		loop_run(r->loop);
	}
	r->late = false;
	timer_at(r->guard, UINT64_MAX);
	assert_int_equal(*count, wanted);
}

/* Names that nobody answers for hold up whoever asked for them, and nobody else. */
static void askers_take_turns(void **state)
{
	struct rig *r = *state;
	struct lookups *table = NULL, *a = lookups_join(&table, "a"), *b = lookups_join(&table, "b");
	struct resolve *of_a[LOOKUPS_MAX + 2], *of_b;
	unsigned heard_a = 0, heard_b = 0;

	assert_ptr_equal(lookups_join(&table, "a"), a);
	assert_ptr_not_equal(a, b);
	for (size_t i = 0; i < LEN(of_a); i++)
		ask(r, &of_a[i], a, "slow.test", &heard_a);
	ask(r, &of_b, b, "hole-first.test", &heard_b);
	await(r, &heard_b, 1);
	assert_int_equal(heard_a, 0);
	resolve_cancel(of_a[0]);	   /* on a thread, and stays there */
	resolve_cancel(of_a[LOOKUPS_MAX]); /* waits */
	for (unsigned i = 0; i < LOOKUPS_MAX + 1; i++)
		sem_post(&slow);
	await(r, &heard_a, LOOKUPS_MAX);
	lookups_leave(b);
	lookups_leave(a);
	ask(r, &of_a[0], a, "slow.test", &heard_a);
	resolve_cancel(of_a[0]);
	lookups_leave(a);
	assert_ptr_equal(table, a); /* for the thread's sake */
	sem_post(&slow);
	timer_at(r->guard, UINT64_MAX);
	loop_run(r->loop);
	assert_null(table);
}

static void cancelled(void **state)
{
	struct rig *r = *state;
	struct hole h;

	dig_hole(&h, "127.0.0.2", 0);
	for (int when = 0; when < 2; when++) {
		start(r, &(struct dial_spec){ .host = "hole-first.test", .port = h.port });
		if (when == 1) { /* in the middle of the race */
			timer_at(r->guard, loop_clock(r->loop) + 20);
			loop_run(r->loop);
			assert_true(r->late);
		}
		r->late = false;
		dial_cancel(r->dial);
		timer_at(r->guard, UINT64_MAX);
		loop_run(r->loop);
		assert_int_equal(r->calls, 0);
	}
	start(r, &(struct dial_spec){ .host = "slow.test", .port = h.port });
	timer_at(r->guard, loop_clock(r->loop));
	loop_run(r->loop);
	r->late = false;
	dial_cancel(r->dial);
	sem_post(&slow);
	loop_run(r->loop);
	assert_int_equal(r->calls, 0);
	dial_cancel(NULL);
	fill_hole(&h);
}

struct verdicts {
	const char *refused; /* an address, or "*" */
	unsigned asked;
};

static bool on_judge(void *user, const struct addr *a, struct why *why)
{
	struct verdicts *v = user;
	char text[ADDR_TEXT];
	struct addr back;
	struct ip ip;

	v->asked++;
	assert_true(addr_ip(a, &ip));
	addr_of_ip(&back, &ip, addr_port(a));
	assert_memory_equal(&back, a, sizeof(back));
	addr_text(a, text, NULL);
	if (strcmp(v->refused, "*") != 0 && strcmp(v->refused, text) != 0)
		return true;
	why_set(why, ERR_DENIED, "%s is off limits", text);
	return false;
}

/* What the judge refuses is never connected to, whatever name leads there. */
static void judged(void **state)
{
	static const struct {
		const char *host, *refused, *peer, *why;
		int err;
		unsigned asked;
	} cases[] = {
		{ "127.0.0.3", "*", "", "127.0.0.3 is off limits", ERR_DENIED, 1 },
		{ "::1", "*", "", "::1 is off limits", ERR_DENIED, 1 },
		{ "hole-first.test", "*", "", "127.0.0.3 is off limits", ERR_DENIED, 2 },
		{ "many.test", "*", "", "127.0.1.16 is off limits", ERR_DENIED, RESOLVE_MAX },
		{ "hole-first.test", "127.0.0.3", "", "Connection refused", ERR_IO, 2 },
		{ "none.test", "*", "", "Name or service not known", ERR_NOT_FOUND, 0 },
		{ "hole-first.test", "127.0.0.2", "127.0.0.3", NULL, OK, 2 },
		{ "127.0.0.3", "127.0.0.2", "127.0.0.3", NULL, OK, 1 },
	};
	struct rig *r = *state;
	uint16_t port;
	int listener;

	bound("127.0.0.3", 0, &listener, &port);
	assert_int_equal(listen(listener, 16), 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct verdicts v = { .refused = cases[i].refused };

		run_dial(r, &(struct dial_spec){
				    .host = cases[i].host, .port = port, .judge = on_judge, .judge_user = &v });
		assert_int_equal(v.asked, cases[i].asked);
		assert_string_equal(r->peer, cases[i].peer);
		if (cases[i].err) {
			assert_int_equal(r->fd, cases[i].err);
			assert_string_equal(r->why.text, cases[i].why);
		}
	}
	close(listener);
}

static void memory_runs_out(void **state)
{
	static const struct dial_spec spec = { .host = "127.0.0.1", .bind_host = "127.0.0.1", .timeout_ms = 1000 };
	struct rig *r = *state;
	int err = ERR_NOMEM, n = 0;

	for (; err == ERR_NOMEM && n < 20; n++) {
		allocations_left = n;
		err = dial_new(&r->dial, r->loop, &spec, done, r);
	}
	allocations_left = -1;
	assert_int_equal(err, OK);
	assert_int_equal(n, 6); /* itself, two strings, two timers: five that failed */
	dial_cancel(r->dial);

	/* Later, it is told: the lookup, the watch. */
	for (n = 0; n < 2; n++) {
		start(r, &(struct dial_spec){ .host = n ? "127.0.0.1" : "none.test", .port = 1 });
		allocations_left = 0;
		finish(r);
		allocations_left = -1;
		assert_true(r->fd < 0);
		assert_true(r->why.text[0] != '\0');
	}
}

static void the_other_family_serves(void **state)
{
	struct rig *r = *state;
	int listener, on = 0;
	socklen_t n = sizeof(on);
	uint16_t port;

	bound("127.0.0.1", 0, &listener, &port);
	assert_int_equal(listen(listener, 8), 0);
	run_dial(r, &(struct dial_spec){ .host = "localhost", .port = port });
	assert_true(r->fd >= 0);
	assert_string_equal(r->peer, "127.0.0.1");
	assert_true(r->took_ms < 250); /* a refusal is not waited for */
	assert_int_equal(getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &on, &n), 0);
	assert_int_equal(on, 0);
	close(listener);
}

static void a_silent_address_is_overtaken(void **state)
{
	struct rig *r = *state;
	struct hole h;
	int listener;
	uint16_t port;

	dig_hole(&h, "127.0.0.2", 0);
	bound("127.0.0.3", h.port, &listener, &port);
	assert_int_equal(listen(listener, 8), 0);
	run_dial(r, &(struct dial_spec){ .host = "hole-first.test", .port = h.port, .timeout_ms = 15000 });
	assert_true(r->fd >= 0);
	assert_string_equal(r->peer, "127.0.0.3");
	assert_in_range(r->took_ms, 240, 10000);
	close(listener);
	fill_hole(&h);
}

/* The second family comes second, although the resolver named it last. */
static void families_take_turns(void **state)
{
	struct rig *r = *state;
	struct hole h;
	int six;
	struct addr a;

	dig_hole(&h, "127.0.0.4", 0);
	assert_int_equal(resolve_numeric("::1", h.port, AF_UNSPEC, &a), OK);
	six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (six < 0 || bind(six, (struct sockaddr *)&a.sa, a.len)) {
		sock_close(six);
		fill_hole(&h);
		skip(); /* no IPv6 on this host, or somebody has the port */
	}
	assert_int_equal(listen(six, 8), 0);
	run_dial(r, &(struct dial_spec){ .host = "mixed.test", .port = h.port });
	assert_string_equal(r->peer, "::1");
	close(six);
	fill_hole(&h);
}

static void sources(void **state)
{
	static const struct {
		const char *bind_host, *bind_if, *seen;
	} cases[] = {
		{ "127.0.0.9", NULL, "127.0.0.9" },  { "127.0.0.9", "nosuch0", "127.0.0.9" },
		{ "twice.test", NULL, "127.0.0.3" }, { NULL, "lo", "127.0.0.1" },
		{ NULL, NULL, "127.0.0.1" },
	};
	struct rig *r = *state;
	int listener;
	uint16_t port;

	bound("127.0.0.1", 0, &listener, &port);
	assert_int_equal(listen(listener, 8), 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct addr from;
		char text[ADDR_TEXT];
		int fd;

		run_dial(r, &(struct dial_spec){ .host = "127.0.0.1",
						 .port = port,
						 .bind_host = cases[i].bind_host,
						 .bind_if = cases[i].bind_if });
		assert_true(r->fd >= 0);
		assert_int_equal(sock_accept(listener, &fd, &from), ACCEPT_ONE);
		addr_text(&from, text, NULL);
		assert_string_equal(text, cases[i].seen);
		close(fd);
	}
	close(listener);
}

static void unix_sockets(void **state)
{
	char dir[] = "/tmp/test_dial.XXXXXX", path[64];
	struct rig *r = *state;
	int listener, filler[8], fd;
	struct addr a, from;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(addr_unix(&a, path, NULL), OK);
	assert_int_equal(bind(listener, (struct sockaddr *)&a.sa, a.len), 0);
	run_dial(r, &(struct dial_spec){ .path = path });
	assert_string_equal(r->why.text, "Connection refused");

	assert_int_equal(listen(listener, 1), 0);
	run_dial(r, &(struct dial_spec){ .path = path });
	assert_true(r->fd >= 0);
	assert_string_equal(r->peer, "unix");

	/* A full queue is waited for: in vain, and until there is room. */
	for (size_t i = 0; i < LEN(filler); i++) {
		filler[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(filler[i], (struct sockaddr *)&a.sa, a.len);
	}
	run_dial(r, &(struct dial_spec){ .path = path, .timeout_ms = 50 });
	assert_string_equal(r->why.text, "Connection timed out");
	start(r, &(struct dial_spec){ .path = path });
	timer_at(r->guard, loop_clock(r->loop) + 5);
	loop_run(r->loop);
	assert_true(r->late);
	r->late = false;
	while (sock_accept(listener, &fd, &from) == ACCEPT_ONE)
		close(fd);
	finish(r);
	assert_true(r->fd >= 0);
	for (size_t i = 0; i < LEN(filler); i++)
		close(filler[i]);
	close(listener);
	unlink(path);
	rmdir(dir);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_fails_at_once),
		T(no_descriptors),
		T(nobody_answers),
		T(the_resolver_does_not_answer),
		T(askers_take_turns),
		T(cancelled),
		T(judged),
		T(memory_runs_out),
		T(the_other_family_serves),
		T(a_silent_address_is_overtaken),
		T(families_take_turns),
		T(sources),
		T(unix_sockets),
	};

	lookups_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
