/* The agent's socket on the loop: writes the request out, reads one length and one message back. */
#include "io/agentsock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

struct agentsock {
	int fd;
	struct watch *watch;
	struct buf tx, rx;
	size_t sent;
	agentsock_fn *fn; /* NULL when nothing was asked */
	void *user;
	bool failed;
};

/* Hands the answer out. The callback may free `s` or ask again: the answer's memory is therefore taken away first, and
 * `s` is not touched afterwards. */
static void finish(struct agentsock *s, int err, struct span answer, const struct why *why)
{
	struct buf rx = s->rx;
	agentsock_fn *fn = s->fn;

	s->rx = BUF(rx.max);
	s->fn = NULL;
	s->failed = err != OK;
	watch_set(s->watch, 0);
	fn(s->user, err, answer, why);
	buf_fini(&rx);
}

static void fail(struct agentsock *s, const struct why *why, int err)
{
	struct why copy = *why;

	why_prefix(&copy, err, "ssh-agent");
	finish(s, err, span(NULL, 0), &copy);
}

/* Sends what the socket takes. */
static int flush(struct agentsock *s, struct why *why)
{
	while (s->sent < s->tx.n) {
		ssize_t n = send(s->fd, s->tx.p + s->sent, s->tx.n - s->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return OK;
		if (n < 0)
			return why_set(why, ERR_IO, "%s", strerror(errno));
		s->sent += (size_t)n;
	}
	watch_set(s->watch, WATCH_IN);
	return OK;
}

/* How many bytes of the answer are still to come; the length comes first. SIZE_MAX when it is not acceptable. */
static size_t missing(const struct agentsock *s)
{
	uint32_t n;

	if (s->rx.n < 4)
		return 4 - s->rx.n;
	n = get_u32(s->rx.p);
	return n && n <= AGENTSOCK_MAX ? 4 + (size_t)n - s->rx.n : SIZE_MAX;
}

/* Reads once. Memory grows with what arrives, not with what the length announces. */
static ssize_t fill(struct agentsock *s, size_t want)
{
	uint8_t chunk[4096];
	ssize_t n = recv(s->fd, chunk, MIN(want, sizeof(chunk)), 0);

	if (n > 0)
		buf_bytes(&s->rx, span(chunk, (size_t)n));
	return n;
}

/* Reads what has arrived; *whole when the answer is complete. */
static int receive(struct agentsock *s, bool *whole, struct why *why)
{
	size_t want;

	for (want = missing(s); want && want != SIZE_MAX; want = missing(s)) {
		ssize_t n = fill(s, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return OK;
		if (n < 0)
			return why_set(why, ERR_IO, "%s", strerror(errno));
		if (n == 0)
			return why_set(why, ERR_CLOSED, "the agent closed the connection");
		if (buf_err(&s->rx))
			return why_set(why, ERR_NOMEM, "out of memory");
	}
	*whole = want == 0;
	return *whole ? OK : why_set(why, ERR_PROTO, "an answer of an impossible length");
}

static void on_ready(void *user, unsigned ready)
{
	struct agentsock *s = user;
	bool whole = false;
	struct why why;
	int err = OK;

	if (!s->fn) { /* an agent that speaks, or hangs up, unasked: the next request will find out */
		watch_set(s->watch, 0);
		return;
	}
	if (ready & WATCH_OUT)
		err = flush(s, &why);
	if (!err)
		err = receive(s, &whole, &why);
	if (err)
		fail(s, &why, err);
	else if (whole)
		finish(s, OK, span(s->rx.p + 4, s->rx.n - 4), NULL);
}

static int dial(const char *path, struct why *why)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(sa.sun_path))
		return why_set(why, ERR_IO, "ssh-agent: the path of the socket is too long: %s", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* A unix socket is connected at once or not at all. */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		close(fd);
	return why_set(why, saved == ENOENT || saved == ECONNREFUSED ? ERR_NOT_FOUND : ERR_IO, "ssh-agent: %s: %s",
		       path, strerror(saved));
}

int agentsock_new(struct agentsock **out, struct loop *l, const char *path, struct why *why)
{
	struct agentsock *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return why_set(why, ERR_NOMEM, "ssh-agent: out of memory");
	s->tx = s->rx = BUF(4 + AGENTSOCK_MAX);
	s->fd = dial(path, why);
	err = s->fd < 0 ? s->fd : watch_new(&s->watch, l, s->fd, on_ready, s);
	if (err) {
		if (s->fd >= 0)
			why_set(why, err, "ssh-agent: %s", err_name(err));
		agentsock_free(s);
		return err;
	}
	*out = s;
	return OK;
}

int agentsock_ask(struct agentsock *s, struct span request, agentsock_fn *fn, void *user)
{
	assert(!s->fn);
	if (s->failed)
		return ERR_CLOSED;
	buf_clear(&s->tx);
	buf_bytes(&s->tx, request);
	if (buf_err(&s->tx))
		return ERR_NOMEM;
	s->sent = 0;
	s->fn = fn;
	s->user = user;
	watch_set(s->watch, WATCH_OUT);
	return OK;
}

void agentsock_free(struct agentsock *s)
{
	if (!s)
		return;
	watch_free(s->watch);
	if (s->fd >= 0)
		close(s->fd);
	buf_fini(&s->tx);
	buf_fini(&s->rx);
	free(s);
}
