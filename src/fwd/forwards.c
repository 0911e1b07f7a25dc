/* The set of forwards of one connection. A local one is a listener; a remote one is a request to the peer, and the
 * memory of what was asked for: only what we asked for may be opened (RFC 4254 section 7.2). */
#include "fwd/forwards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fwd/connector.h"
#include "fwd/dynamic.h"
#include "fwd/listener.h"

enum { LINE_MAX_LEN = 3 * WHY_MAX, NAME_LEN = 512, ORIGIN_LEN = 64 };

struct forwards {
	struct link *link;
	struct forwards_opts opts;
	struct connector connector;
	struct dynamic dynamic;
	struct list locals, remotes;
	struct forwards_count count;
};

struct local {
	struct list node;
	struct forwards *set;
	const struct fwdspec *spec;
	struct listener *listener;
};

enum remote_state { REMOTE_QUEUED, REMOTE_ASKED, REMOTE_UP, REMOTE_FAILED };

struct remote {
	struct owner owner; /* of the global request */
	struct list node;
	struct forwards *set; /* NULL: the forwards are gone, and only the reply is waited for */
	const struct fwdspec *spec;
	enum remote_state state;
	const char *host; /* or path: as it is on the wire */
	uint32_t port;	  /* what was asked for; then what was got */
	char text[NAME_LEN];
};

static void report(struct forwards *f, enum forward_report kind, const struct fwdspec *spec, const char *text)
{
	f->opts.report(f->opts.user, kind, spec, text);
}

static void print_end(const struct fwd_end *e, char *out, size_t cap)
{
	char name[NAME_LEN / 2];

	str_escape(name, sizeof(name), span_str(e->path ? e->path : e->host));
	if (e->path)
		snprintf(out, cap, "%s", name);
	else
		snprintf(out, cap, strchr(name, ':') ? "[%s]:%u" : "%s:%u", name, e->port);
}

static void print_target(const struct fwdspec *spec, char *out, size_t cap)
{
	if (spec->dynamic)
		snprintf(out, cap, "socks");
	else
		print_end(&spec->connect, out, cap);
}

/* ssh's words; for the port that the system or the peer has chosen. */
static void report_port(struct forwards *f, const struct fwdspec *spec, uint32_t port)
{
	char to[NAME_LEN / 2], line[NAME_LEN];

	if (spec->listen.path || spec->listen.port)
		return;
	print_target(spec, to, sizeof(to));
	snprintf(line, sizeof(line), "Allocated port %u for %s forward to %s", port,
		 spec->side == FWD_LOCAL ? "local" : "remote", to);
	report(f, FORWARD_ALLOCATED, spec, line);
}

/* ---- Local ones ------------------------------------------------------------------------------------------------ */

static void local_say(void *user, bool trace, const char *text)
{
	const struct local *lo = user;

	report(lo->set, trace ? FORWARD_TRACE : FORWARD_NOTE, lo->spec, text);
}

static struct target target_of(const struct fwd_end *e)
{
	if (e->path)
		return (struct target){ .kind = TARGET_DIRECT_STREAMLOCAL, .host = span_str(e->path) };
	return (struct target){ .kind = TARGET_DIRECT_TCPIP, .host = span_str(e->host), .port = e->port };
}

static int listen_here(struct forwards *f, struct local *lo, struct why *why)
{
	const struct fwd_end *at = &lo->spec->listen;
	char to[NAME_LEN / 2];
	const struct listener_spec spec = {
		.listen = {
			.host = at->host || !f->opts.gateway ? at->host : "*",
			.port = at->port,
			.path = at->path,
			.family = f->opts.family,
			.mask = f->opts.mask,
			.unlink = f->opts.unlink,
		},
		.target = target_of(&lo->spec->connect),
		.to = to,
		.say = local_say,
		.user = lo,
	};

	print_target(lo->spec, to, sizeof(to));
	return listener_new(&lo->listener, f->link, &spec, why);
}

static int add_local(struct forwards *f, const struct fwdspec *spec)
{
	struct local *lo = calloc(1, sizeof(*lo));
	struct why why;

	if (!lo)
		return ERR_NOMEM;
	lo->set = f;
	lo->spec = spec;
	if (listen_here(f, lo, &why)) {
		free(lo);
		f->count.failed++;
		report(f, FORWARD_FAILED, spec, why.text);
		return OK;
	}
	list_add_tail(&f->locals, &lo->node);
	f->count.up++;
	report_port(f, spec, listener_port(lo->listener));
	report(f, FORWARD_UP, spec, listener_text(lo->listener));
	return OK;
}

/* ---- Remote ones: asking --------------------------------------------------------------------------------------- */

static void name_remote(struct remote *r)
{
	const struct fwd_end *at = &r->spec->listen;
	char from[NAME_LEN / 2], to[NAME_LEN / 2 - 16];
	struct fwd_end shown = { .host = (char *)(uintptr_t)(*r->host ? r->host : "*"),
				 .path = at->path,
				 .port = (uint16_t)r->port };

	print_end(&shown, from, sizeof(from) - 16);
	print_target(r->spec, to, sizeof(to));
	snprintf(r->text, sizeof(r->text), "remote %s -> %s", from, to);
}

static void remote_up(struct remote *r, const struct event *ev)
{
	struct forwards *f = r->set;

	if (!r->spec->listen.path && !r->port)
		r->port = ev->port;
	r->state = REMOTE_UP;
	name_remote(r);
	f->count.up++;
	report_port(f, r->spec, r->port);
	report(f, FORWARD_UP, r->spec, r->text);
}

static void remote_failed(struct remote *r)
{
	const char *path = r->spec->listen.path;
	struct forwards *f = r->set;
	char shown[NAME_LEN / 2], line[NAME_LEN];

	r->state = REMOTE_FAILED;
	f->count.failed++;
	str_escape(shown, sizeof(shown), span_str(path ? path : ""));
	if (path)
		snprintf(line, sizeof(line), "remote port forwarding failed for listen path %s", shown);
	else
		snprintf(line, sizeof(line), "remote port forwarding failed for listen port %u", r->spec->listen.port);
	report(f, FORWARD_FAILED, r->spec, line);
}

static void ask_waiting(struct forwards *f);

static void on_reply(struct owner *o, const struct event *ev)
{
	struct remote *r = CONTAINER(o, struct remote, owner);
	struct forwards *f = r->set;

	link_leave(o);
	if (!f) {
		free(r);
		return;
	}
	f->count.waiting--;
	if (ev->kind != EV_REPLY) {
		r->state = REMOTE_FAILED; /* the connection died: it says so itself */
		return;
	}
	if (ev->ok)
		remote_up(r, ev);
	else
		remote_failed(r);
	ask_waiting(f);
}

/* ERR_LIMIT: many requests are under way; the reply to one of them lets this one go. */
static int ask(struct remote *r)
{
	const struct global_request request = {
		.kind = r->spec->listen.path ? GLOBAL_STREAMLOCAL_FORWARD : GLOBAL_TCPIP_FORWARD,
		.host = span_str(r->host),
		.port = r->port,
	};
	uint32_t ticket;
	int err = conn_global(link_conn(r->set->link), &request, &r->owner, &ticket);

	if (!err) {
		r->state = REMOTE_ASKED;
		link_join(r->set->link, &r->owner);
	}
	return err;
}

static void ask_waiting(struct forwards *f)
{
	LIST_EACH (l, &f->remotes) {
		struct remote *r = CONTAINER(l, struct remote, node);
		int err = r->state == REMOTE_QUEUED ? ask(r) : OK;

		if (err == ERR_LIMIT)
			return;
		if (err) {
			f->count.waiting--;
			remote_failed(r);
		}
	}
}

static int add_remote(struct forwards *f, const struct fwdspec *spec)
{
	struct remote *r = calloc(1, sizeof(*r));
	const char *host = spec->listen.host;

	if (!r)
		return ERR_NOMEM;
	r->owner.event = on_reply;
	r->set = f;
	r->spec = spec;
	r->port = spec->listen.port;
	/* RFC 4254 section 7.1: "localhost" is loopback, "" is every address. */
	r->host = !host ? "localhost" : strcmp(host, "*") == 0 ? "" : host;
	if (spec->listen.path)
		r->host = spec->listen.path;
	name_remote(r);
	list_add_tail(&f->remotes, &r->node);
	f->count.waiting++;
	ask_waiting(f);
	return OK;
}

/* ---- Remote ones: what the peer opens -------------------------------------------------------------------------- */

static bool same_kind(const struct remote *r, const struct target *t)
{
	if (r->state != REMOTE_UP)
		return false;
	return t->kind == (r->spec->listen.path ? TARGET_FORWARDED_STREAMLOCAL : TARGET_FORWARDED_TCPIP);
}

/* The address should come back as we sent it; servers exist that send the one they bound, so the port decides then. */
static struct remote *find_remote(const struct forwards *f, const struct target *t)
{
	struct remote *by_port = NULL;

	LIST_EACH (l, &f->remotes) {
		struct remote *r = CONTAINER(l, struct remote, node);

		if (!same_kind(r, t) || (!r->spec->listen.path && r->port != t->port))
			continue;
		if (span_is(t->host, r->host))
			return r;
		if (!r->spec->listen.path && !by_port)
			by_port = r;
	}
	return by_port;
}

static void say_of(void *user, bool trace, const char *text, const char *what)
{
	struct forwards *f = user;
	char line[LINE_MAX_LEN];

	snprintf(line, sizeof(line), "%s: %s", text, what);
	report(f, trace ? FORWARD_TRACE : FORWARD_NOTE, NULL, line);
}

static void refuse_unknown(struct forwards *f, const struct event *ev)
{
	char host[ORIGIN_LEN], line[NAME_LEN];

	str_escape(host, sizeof(host), ev->target.host);
	snprintf(line, sizeof(line), "the server opened a channel for %s port %u, which was never asked for: refused",
		 host, ev->target.port);
	report(f, FORWARD_NOTE, NULL, line);
	refuse_open(f->link, ev->question, OPEN_PROHIBITED, "not a forward that was asked for");
}

static void trace_open(struct forwards *f, const struct remote *r, const struct event *ev)
{
	char origin[ORIGIN_LEN], what[ORIGIN_LEN + 64];

	str_escape(origin, sizeof(origin), ev->target.origin_host);
	if (*origin)
		snprintf(what, sizeof(what), "connection from %s port %u", origin, ev->target.origin_port);
	else
		snprintf(what, sizeof(what), "connection"); /* to a unix socket: nobody says from where */
	say_of(f, true, r->text, what);
}

/* A channel of a remote forward that is being connected. */
struct incoming {
	struct call call;
	struct forwards *set;
	const struct remote *remote;
};

static void on_connected(struct call *call, struct pump *p, const struct addr *peer, int err, const struct why *why)
{
	struct incoming *in = CONTAINER(call, struct incoming, call);
	char what[WHY_MAX + 32];

	(void)peer;
	if (!p && err != ERR_CLOSED) {
		snprintf(what, sizeof(what), "connect failed: %s", why->text);
		say_of(in->set, false, in->remote->text, what);
	}
	free(in);
}

static void connect_to(struct forwards *f, const struct remote *r, const struct event *ev)
{
	struct incoming *in = calloc(1, sizeof(*in));
	const struct fwd_end *to = &r->spec->connect;

	if (!in) {
		refuse_open(f->link, ev->question, OPEN_SHORTAGE, "out of memory");
		return;
	}
	in->set = f;
	in->remote = r;
	in->call.done = on_connected;
	in->call.job.spec = (struct dial_spec){
		.host = to->path ? NULL : to->host, .port = to->port, .path = to->path, .family = f->opts.family
	};
	connector_open(&f->connector, &in->call, ev);
}

static void on_open(void *user, const struct event *ev)
{
	struct forwards *f = user;
	const struct remote *r = find_remote(f, &ev->target);

	if (!r) {
		refuse_unknown(f, ev);
		return;
	}
	trace_open(f, r, ev);
	if (r->spec->dynamic) {
		dynamic_open(&f->dynamic, ev, r->text);
		return;
	}
	connect_to(f, r, ev);
}

/* ---- Birth, death, facts --------------------------------------------------------------------------------------- */

static bool permit(void *user, const char *host, uint16_t port)
{
	const struct forwards *f = user;

	return !f->opts.permit || f->opts.permit(f->opts.user, host, port);
}

static const struct dynamic_calls dynamic_calls = { .permit = permit, .say = say_of };

int forwards_new(struct forwards **out, struct link *l, const struct forwards_opts *opts)
{
	struct forwards *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	f->link = l;
	f->opts = *opts;
	list_init(&f->locals);
	list_init(&f->remotes);
	connector_init(&f->connector, l, DIALS_MAX);
	if (dynamic_init(&f->dynamic, l, &f->connector.dialer, opts->family, &dynamic_calls, f)) {
		free(f);
		return ERR_NOMEM;
	}
	link_on_open(l, on_open, f);
	*out = f;
	return OK;
}

static void free_remote(struct remote *r)
{
	list_del(&r->node);
	r->set = NULL;
	if (r->state != REMOTE_ASKED) /* otherwise the engine still holds the pointer, and on_reply() frees it */
		free(r);
}

void forwards_free(struct forwards *f)
{
	if (!f)
		return;
	link_on_open(f->link, NULL, NULL);
	dynamic_fini(&f->dynamic);
	connector_fini(&f->connector);
	while (!list_empty(&f->locals)) {
		struct local *lo = CONTAINER(f->locals.next, struct local, node);

		list_del(&lo->node);
		listener_free(lo->listener);
		free(lo);
	}
	while (!list_empty(&f->remotes))
		free_remote(CONTAINER(f->remotes.next, struct remote, node));
	free(f);
}

int forwards_add(struct forwards *f, const struct fwdspec *spec)
{
	return spec->side == FWD_LOCAL ? add_local(f, spec) : add_remote(f, spec);
}

struct forwards_count forwards_count(const struct forwards *f)
{
	return f->count;
}
