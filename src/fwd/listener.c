/* A listener of ours. It accepts while opens are within their limit and descriptors are to be had; otherwise clients
 * wait in the kernel's backlog. */
#include "fwd/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/descriptors.h"

enum { ACCEPTS_AT_ONCE = 64, NAME_MAX_LEN = 512, PEER_WORDS = 200 };

struct listener {
	struct opener opener;
	struct link *link;
	struct target target;
	void (*say)(void *user, bool trace, const char *text);
	struct witness *(*accepted)(void *user, int fd, const struct addr *from);
	void *user;
	struct timer *timer; /* ends a pause */
	bool paused;
	bool short_of; /* of descriptors or memory: that was said, and nothing was accepted since */
	unsigned reserve;
	size_t n;
	int fd[LISTEN_MAX];
	struct watch *watch[LISTEN_MAX];
	struct sock_file file;
	uint16_t port;
	char text[NAME_MAX_LEN];
};

static void say(const struct listener *ln, bool trace, const char *what, const char *detail)
{
	char line[WHY_MAX + NAME_MAX_LEN];

	snprintf(line, sizeof(line), "%s: %s%s", ln->text, what, detail);
	ln->say(ln->user, trace, line);
}

/* ---- Accepting ------------------------------------------------------------------------------------------------- */

static void arm(struct listener *ln)
{
	bool ready = !ln->paused && ln->opener.count < OPENS_MAX;

	for (size_t i = 0; i < ln->n; i++)
		watch_set(ln->watch[i], ready ? WATCH_IN : 0);
}

/* Said once, however often it is tried in vain. */
static void pause_accepting(struct listener *ln)
{
	if (!ln->short_of)
		say(ln, false, "no descriptors or memory left, accepting nothing until there are", "");
	ln->short_of = ln->paused = true;
	timer_at(ln->timer, loop_now(link_loop(ln->link)) + ACCEPT_PAUSE_MS);
}

static void on_timer(void *user)
{
	struct listener *ln = user;

	ln->paused = false;
	arm(ln);
}

/* Where the client came from, as the open message says it; a unix socket has no port, and says what ssh says. */
static void set_origin(struct target *t, const struct addr *from, char text[ADDR_TEXT])
{
	uint16_t port = 0;

	if (from->sa.ss_family == AF_UNIX) {
		snprintf(text, ADDR_TEXT, "127.0.0.1");
		port = UINT16_MAX;
	} else {
		addr_text(from, text, &port);
	}
	t->origin_host = span_str(text);
	t->origin_port = port;
}

static void forward(struct listener *ln, int fd, const struct addr *from)
{
	struct witness *w = ln->accepted ? ln->accepted(ln->user, fd, from) : NULL;
	struct target t = ln->target;
	char origin[ADDR_TEXT], where[ADDR_TEXT + 8];
	int err;

	if (ln->accepted && !w) {
		sock_reset(fd);
		return;
	}
	set_origin(&t, from, origin);
	err = pump_open(ln->link, fd, &t, &ln->opener, w);
	if (err) {
		say(ln, false,
		    "open failed: ", err == ERR_LIMIT ? "too many channels, or no receive window left" : err_name(err));
		return;
	}
	snprintf(where, sizeof(where), "%s port %u", origin, t.origin_port);
	say(ln, true, "connection from ", where);
}

static void accepts_again(struct listener *ln)
{
	if (ln->short_of)
		say(ln, false, "accepting again", "");
	ln->short_of = false;
}

static enum accept_result accept_one(const struct listener *ln, int listening, int *fd, struct addr *from)
{
	return descriptors_left(ln->reserve) ? sock_accept(listening, fd, from) : ACCEPT_FULL;
}

static void accept_some(struct listener *ln, int listening)
{
	struct addr from;
	int fd;

	for (int i = 0; i < ACCEPTS_AT_ONCE && ln->opener.count < OPENS_MAX; i++) {
		enum accept_result r = accept_one(ln, listening, &fd, &from);

		if (r == ACCEPT_FULL)
			pause_accepting(ln);
		if (r != ACCEPT_ONE)
			return;
		accepts_again(ln);
		forward(ln, fd, &from);
	}
}

static void on_ready(void *user, unsigned ready)
{
	struct listener *ln = user;

	(void)ready;
	for (size_t i = 0; i < ln->n && !ln->paused; i++)
		accept_some(ln, ln->fd[i]);
	arm(ln);
}

/* ---- What became of an opening --------------------------------------------------------------------------------- */

const char *open_reason_text(enum open_reason reason)
{
	static const char *const text[] = {
		[OPEN_PROHIBITED] = "administratively prohibited",
		[OPEN_CONNECT_FAILED] = "connect failed",
		[OPEN_UNKNOWN_TYPE] = "unknown channel type",
		[OPEN_SHORTAGE] = "resource shortage",
	};

	return reason < LEN(text) && text[reason] ? text[reason] : "unknown reason";
}

static void on_result(struct opener *o, const struct event *ev)
{
	struct listener *ln = CONTAINER(o, struct listener, opener);
	char words[PEER_WORDS], detail[PEER_WORDS + 64];

	if (ev->kind == EV_REFUSED) {
		str_escape(words, sizeof(words), ev->text);
		snprintf(detail, sizeof(detail), "%s%s%s", open_reason_text(ev->reason), *words ? ": " : "", words);
		say(ln, false, "open failed: ", detail);
	}
	arm(ln);
}

/* ---- Birth and death ------------------------------------------------------------------------------------------- */

/* "127.0.0.1:1234": the IPv4 address where several were bound. */
static void name_end(const struct listener *ln, const struct listen_spec *spec, char out[], size_t cap)
{
	struct addr a = { .len = 0 };
	char host[ADDR_TEXT];

	if (spec->path) {
		str_escape(out, cap, span_str(spec->path));
		return;
	}
	if (spec->host && (!*spec->host || strcmp(spec->host, "*") == 0)) {
		snprintf(out, cap, "*:%u", ln->port);
		return;
	}
	for (size_t i = 0; i < ln->n && a.sa.ss_family != AF_INET; i++)
		sock_name(ln->fd[i], &a);
	addr_text(&a, host, NULL);
	snprintf(out, cap, a.sa.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, ln->port);
}

static int watch_all(struct listener *ln)
{
	struct loop *loop = link_loop(ln->link);
	int err = timer_new(&ln->timer, loop, on_timer, ln);

	for (size_t i = 0; i < ln->n && !err; i++)
		err = watch_new(&ln->watch[i], loop, ln->fd[i], on_ready, ln);
	return err;
}

static void adopt(struct listener *ln, const struct listener_spec *spec)
{
	struct addr name;

	assert(spec->fd_n <= LISTEN_MAX);
	memcpy(ln->fd, spec->fds, spec->fd_n * sizeof(*ln->fd));
	ln->n = spec->fd_n;
	for (size_t i = 0; i < ln->n; i++)
		sock_prepare(ln->fd[i]);
	sock_name(ln->fd[0], &name);
	ln->port = addr_port(&name);
}

static int open_sockets(struct listener *ln, const struct listener_spec *spec, struct why *why)
{
	int err = OK;

	if (spec->fd_n)
		adopt(ln, spec);
	else
		err = sock_listen(&spec->listen, ln->fd, &ln->n, &ln->port, why);
	if (!err && spec->listen.path)
		sock_file_of(ln->fd[0], &ln->file);
	return err;
}

int listener_new(struct listener **out, struct link *l, const struct listener_spec *spec, struct why *why)
{
	struct listener *ln = calloc(1, sizeof(*ln));
	char end[NAME_MAX_LEN / 2];
	int err;

	if (!ln) {
		for (size_t i = 0; i < spec->fd_n; i++)
			sock_close(spec->fds[i]);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	ln->link = l;
	ln->target = spec->target;
	ln->say = spec->say;
	ln->accepted = spec->accepted;
	ln->user = spec->user;
	ln->reserve = spec->reserve;
	opener_init(&ln->opener, on_result);
	err = open_sockets(ln, spec, why);
	if (!err && (err = watch_all(ln)))
		why_set(why, err, "%s", err_name(err));
	if (err) {
		listener_free(ln);
		return err;
	}
	if (ln->target.kind == TARGET_FORWARDED_TCPIP && !ln->target.port)
		ln->target.port = ln->port;
	name_end(ln, &spec->listen, end, sizeof(end));
	snprintf(ln->text, sizeof(ln->text), "%s -> %s", end, spec->to);
	arm(ln);
	*out = ln;
	return OK;
}

void listener_free(struct listener *ln)
{
	if (!ln)
		return;
	opener_fini(&ln->opener);
	for (size_t i = 0; i < ln->n; i++) {
		watch_free(ln->watch[i]);
		sock_file_remove(ln->fd[i], &ln->file);
		sock_close(ln->fd[i]);
	}
	timer_free(ln->timer);
	free(ln);
}

const char *listener_text(const struct listener *ln)
{
	return ln->text;
}

uint16_t listener_port(const struct listener *ln)
{
	return ln->port;
}
