/* Connecting: first the addresses (ours to bind, then the target's), then the race of RFC 8305 over them. */
#include "io/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/descriptors.h"
#include "io/resolve.h"

enum {
	ATTEMPT_DELAY_MS = 250,	     /* RFC 8305 section 8 */
	UNIX_RETRY_MS = 20,	     /* the queue of a unix listener is full: connect() does not wait for it */
	UNIX_PATIENCE_MS = 10 * 1000 /* and how long that is tried when the caller set no limit */
};

struct attempt {
	struct dial *dial;
	struct watch *watch; /* NULL: not under way */
	int fd;
};

struct dial {
	struct loop *loop;
	dial_fn *fn;
	void *user;
	char *host, *path, *bind_host, *bind_if;
	uint16_t port;
	int family;
	bool (*judge)(void *user, const struct addr *a, struct why *why);
	void *judge_user;
	unsigned reserve;
	struct lookups *asker;
	struct resolve *lookup;
	struct timer *step;	/* begins, and starts the next attempt */
	struct timer *deadline; /* NULL without a limit */
	struct addr source[RESOLVE_MAX];
	size_t sources;
	struct addr target[RESOLVE_MAX];
	size_t targets, next;
	struct attempt attempt[RESOLVE_MAX];
	size_t under_way;
	int worst; /* the errno that will be told when all fail */
};

static void free_dial(struct dial *d)
{
	resolve_cancel(d->lookup);
	timer_free(d->step);
	timer_free(d->deadline);
	for (size_t i = 0; i < d->next; i++)
		if (d->attempt[i].watch) {
			watch_free(d->attempt[i].watch);
			close(d->attempt[i].fd);
		}
	free(d->host);
	free(d->path);
	free(d->bind_host);
	free(d->bind_if);
	free(d);
}

static void succeed(struct dial *d, int fd, const struct addr *target)
{
	const struct addr peer = *target;
	dial_fn *fn = d->fn;
	void *user = d->user;

	free_dial(d);
	fn(user, fd, &peer, NULL);
}

static void fail(struct dial *d, int err, const struct why *why)
{
	dial_fn *fn = d->fn;
	void *user = d->user;

	free_dial(d);
	fn(user, err, NULL, why);
}

/* What we lack ourselves is not the target's fault. */
static int err_of(int e)
{
	static const int lacking[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS };

	for (size_t i = 0; i < LEN(lacking); i++)
		if (e == lacking[i])
			return ERR_NOMEM;
	return ERR_IO;
}

static void fail_errno(struct dial *d, int e)
{
	struct why why;

	fail(d, why_set(&why, err_of(e), "%s", strerror(e)), &why);
}

/* What a target answered says more than what the way to it said, and that more than what we lack ourselves. */
static void note_error(struct dial *d, int e)
{
	static const int least_first[] = { EAFNOSUPPORT, EADDRNOTAVAIL, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT };
	size_t old = LEN(least_first), new = LEN(least_first);

	for (size_t i = 0; i < LEN(least_first); i++) {
		if (least_first[i] == d->worst)
			old = i;
		if (least_first[i] == e)
			new = i;
	}
	if (!d->worst || new > old || (new == old && d->worst != ECONNREFUSED))
		d->worst = e;
}

/* A closed port of ours in the ephemeral range can be "reached" by connecting to itself (simultaneous open). */
static bool connected_to_itself(int fd)
{
	struct addr mine, peer = { .len = sizeof(peer.sa) };

	sock_name(fd, &mine);
	if (mine.sa.ss_family == AF_UNIX || getpeername(fd, (struct sockaddr *)&peer.sa, &peer.len))
		return false;
	return mine.len == peer.len && memcmp(&mine.sa, &peer.sa, mine.len) == 0;
}

static int bind_source(const struct dial *d, int fd, int family)
{
	static const int on = 1;

	if (d->sources == 0 || family == AF_UNIX)
		return 0;
	for (size_t i = 0; i < d->sources; i++) {
		const struct addr *a = &d->source[i];

		if (a->sa.ss_family != family)
			continue;
		/* connect() chooses the port: then one port serves many targets. */
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		return bind(fd, (const struct sockaddr *)&a->sa, a->len) ? errno : 0;
	}
	return EADDRNOTAVAIL;
}

/* 0: *fd is connected; EINPROGRESS: it will be; otherwise *fd is untouched. */
static int open_attempt(const struct dial *d, const struct addr *a, int *fd)
{
	int e, s = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (s < 0)
		return errno;
	if (!descriptor_leaves(s, d->reserve)) {
		close(s);
		return EMFILE;
	}
	sock_prepare(s);
	e = bind_source(d, s, a->sa.ss_family);
	if (!e && connect(s, (const struct sockaddr *)&a->sa, a->len))
		e = errno;
	if (e && e != EINPROGRESS)
		close(s);
	else
		*fd = s;
	return e;
}

static void attempt_ready(void *user, unsigned ready);

/* True: it failed at once and the next may begin. False: something is under way, or the dial is gone. */
static bool start_attempt(struct dial *d)
{
	struct attempt *t = &d->attempt[d->next];
	const struct addr *a = &d->target[d->next];
	int e = open_attempt(d, a, &t->fd);

	if (e == EAGAIN && a->sa.ss_family == AF_UNIX) {
		timer_at(d->step, loop_now(d->loop) + UNIX_RETRY_MS);
		return false;
	}
	d->next++;
	if (e == 0) {
		succeed(d, t->fd, a);
		return false;
	}
	if (e != EINPROGRESS) {
		note_error(d, e);
		return true;
	}
	t->dial = d;
	if (watch_new(&t->watch, d->loop, t->fd, attempt_ready, t)) {
		close(t->fd);
		note_error(d, ENOMEM);
		return true;
	}
	watch_set(t->watch, WATCH_OUT);
	d->under_way++;
	timer_at(d->step, loop_now(d->loop) + ATTEMPT_DELAY_MS);
	return false;
}

static void race(struct dial *d)
{
	while (d->next < d->targets)
		if (!start_attempt(d))
			return;
	if (d->under_way == 0)
		fail_errno(d, d->worst);
}

static void attempt_ready(void *user, unsigned ready)
{
	struct attempt *t = user;
	struct dial *d = t->dial;
	socklen_t n = sizeof(int);
	int e = 0, fd = t->fd;

	(void)ready;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n))
		e = errno;
	if (!e && connected_to_itself(fd))
		e = ECONNREFUSED;
	watch_free(t->watch);
	t->watch = NULL;
	d->under_way--;
	if (!e) {
		succeed(d, fd, &d->target[t - d->attempt]);
		return;
	}
	close(fd);
	note_error(d, e);
	race(d);
}

/* RFC 8305 section 4: the families take turns, beginning with the one that the resolver put first. */
static void interleave(struct dial *d, const struct addr *list, size_t n)
{
	const int first = list[0].sa.ss_family;
	size_t same = 0, other = 0;

	for (bool turn = true; d->targets < n; turn = !turn) {
		size_t *at = turn ? &same : &other;

		while (*at < n && (list[*at].sa.ss_family == first) != turn)
			++*at;
		if (*at < n)
			d->target[d->targets++] = list[(*at)++];
	}
}

/* The addresses that may be connected to, in their order. */
static size_t permitted(const struct dial *d, const struct addr *list, size_t n, struct addr out[], struct why *why)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!d->judge || d->judge(d->judge_user, &list[i], why))
			out[k++] = list[i];
	return k;
}

static void got_targets(void *user, const struct addr *list, size_t n, const struct why *why)
{
	struct addr may[RESOLVE_MAX];
	struct why denied = { "not permitted" };
	struct dial *d = user;
	size_t k;

	d->lookup = NULL;
	if (n == 0) {
		fail(d, ERR_NOT_FOUND, why);
		return;
	}
	k = permitted(d, list, n, may, &denied);
	if (k == 0) {
		fail(d, ERR_DENIED, &denied);
		return;
	}
	interleave(d, may, k);
	race(d);
}

static void look_up(struct dial *d, const char *host, uint16_t port, resolve_fn *fn)
{
	struct addr a;
	struct why why;

	if (resolve_numeric(host, port, d->family, &a) == OK)
		fn(d, &a, 1, NULL);
	else if (resolve_new(&d->lookup, d->loop, d->asker, host, port, d->family, fn, d, &why))
		fail(d, ERR_NOT_FOUND, &why);
}

static void got_sources(void *user, const struct addr *list, size_t n, const struct why *why)
{
	struct dial *d = user;
	struct why told;

	d->lookup = NULL;
	if (n == 0) {
		told = *why;
		why_prefix(&told, ERR_NOT_FOUND, "BindAddress %s", d->bind_host);
		fail(d, ERR_IO, &told);
		return;
	}
	memcpy(d->source, list, n * sizeof(*list));
	d->sources = n;
	look_up(d, d->host, d->port, got_targets);
}

static void begin(struct dial *d)
{
	struct why why;

	if (d->path) {
		if (addr_unix(&d->target[0], d->path, &why)) {
			fail(d, ERR_IO, &why);
			return;
		}
		d->targets = 1;
		race(d);
	} else if (d->bind_host) {
		look_up(d, d->bind_host, 0, got_sources);
	} else if (d->bind_if && resolve_interface(d->bind_if, d->family, d->source, &d->sources, &why)) {
		fail(d, ERR_IO, &why);
	} else {
		look_up(d, d->host, d->port, got_targets);
	}
}

static void step_due(void *user)
{
	struct dial *d = user;

	if (d->targets == 0)
		begin(d);
	else
		race(d);
}

static void deadline_passed(void *user)
{
	struct dial *d = user;
	struct why why;

	if (d->lookup) {
		why_set(&why, ERR_TIMEOUT, "the lookup of the name timed out");
		fail(d, ERR_NOT_FOUND, &why);
	} else {
		fail_errno(d, ETIMEDOUT);
	}
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return !from || *to;
}

int dial_new(struct dial **out, struct loop *l, const struct dial_spec *spec, dial_fn *fn, void *user)
{
	uint64_t limit = spec->timeout_ms ? spec->timeout_ms : spec->path ? UNIX_PATIENCE_MS : 0;
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return ERR_NOMEM;
	d->loop = l;
	d->fn = fn;
	d->user = user;
	d->port = spec->port;
	d->family = spec->family;
	d->asker = spec->asker;
	d->judge = spec->judge;
	d->judge_user = spec->judge_user;
	d->reserve = spec->reserve;
	if (!copy(&d->host, spec->host) || !copy(&d->path, spec->path) || !copy(&d->bind_host, spec->bind_host) ||
	    !copy(&d->bind_if, spec->bind_if) || timer_new(&d->step, l, step_due, d) ||
	    (limit && timer_new(&d->deadline, l, deadline_passed, d))) {
		free_dial(d);
		return ERR_NOMEM;
	}
	timer_at(d->step, loop_clock(l));
	if (limit)
		timer_at(d->deadline, loop_now(l) + limit);
	*out = d;
	return OK;
}

void dial_cancel(struct dial *d)
{
	if (d)
		free_dial(d);
}
