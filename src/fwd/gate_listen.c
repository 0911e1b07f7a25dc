/* Listeners that stand for the client: each connection that comes in is a forwarded channel of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "fwd/gate_impl.h"

static void record(const struct post *p, enum gate_how how)
{
	char host[GATE_TEXT];
	const struct gate_record r = {
		.kind = p->kind,
		.how = how,
		.host = str_escape(host, sizeof(host), span_str(p->host)),
		.port = p->asked_port,
		.actual = p->bind,
		.actual_port = p->port,
		.start_ms = p->start_ms,
	};

	gate_tell(p->gate, &r);
}

/* Ours are always numeric; a unix socket does not say who connected. */
static struct witness *on_accepted(void *user, int fd, const struct addr *from)
{
	struct post *p = user;
	bool tcp = p->kind == GATE_TCPIP_FORWARD;
	enum gate_kind kind = tcp ? GATE_FORWARDED_TCPIP : GATE_FORWARDED_STREAMLOCAL;
	struct stream *s = stream_new(p->gate, kind, p->host, p->port);
	struct addr here;
	uint16_t port = 0;

	if (!s)
		return NULL;
	if (tcp) {
		sock_name(fd, &here);
		addr_text(&here, s->actual, &s->actual_port);
		addr_text(from, s->from, &port);
		s->from_port = port;
	}
	return &s->witness;
}

static void on_say(void *user, bool trace, const char *text)
{
	const struct gate *g = ((const struct post *)user)->gate;

	if (!trace && g->calls.note)
		g->calls.note(g->user, text);
}

static int listen_for(struct post *p, const int *fds, size_t n, struct why *why)
{
	const struct policy *policy = p->gate->policy;
	bool tcp = p->kind == GATE_TCPIP_FORWARD;
	const struct listener_spec spec = {
		.listen = { .host = p->bind,
			    .port = p->asked_port,
			    .path = tcp ? NULL : p->host,
			    .mask = policy->bind_mask,
			    .unlink = policy->bind_unlink,
			    .brief = true },
		.fds = fds,
		.fd_n = n,
		/* RFC 4254 section 7.2: the address as the client wrote it, and the port that was really bound. */
		.target = { .kind = tcp ? TARGET_FORWARDED_TCPIP : TARGET_FORWARDED_STREAMLOCAL,
			    .host = span_str(p->host) },
		.to = "the client",
		.say = on_say,
		.accepted = on_accepted,
		.user = p,
		.reserve = GATE_RESERVE,
	};

	return listener_new(&p->listener, p->gate->link, &spec, why);
}

static void post_free(struct post *p)
{
	listener_free(p->listener);
	free(p->host);
	free(p);
}

static struct post *post_alloc(struct gate *g, enum gate_kind kind, const char *host, uint16_t port)
{
	struct post *p = calloc(1, sizeof(*p));

	if (p)
		p->host = strdup(host);
	if (!p || !p->host) {
		free(p);
		return NULL;
	}
	p->gate = g;
	p->kind = kind;
	p->asked_port = port;
	p->start_ms = loop_now(link_loop(g->link));
	return p;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sock_close(fds[i]);
}

/* The place was free when the request came, but a bind may take its time, and others ask meanwhile. */
static int begin(struct post *p, const struct post_spec *spec, struct why *why)
{
	if (!share_has_place(p->gate->share, why)) {
		close_all(spec->fds, spec->fd_n);
		return ERR_LIMIT;
	}
	snprintf(p->bind, sizeof(p->bind), "%s", spec->bind);
	return listen_for(p, spec->fds, spec->fd_n, why);
}

int post_new(struct gate *g, const struct post_spec *spec, uint16_t *port, struct why *why)
{
	struct post *p = post_alloc(g, spec->kind, spec->host, spec->port);
	int err;

	if (!p) {
		close_all(spec->fds, spec->fd_n);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	err = begin(p, spec, why);
	if (err) {
		post_free(p);
		return err;
	}
	p->port = listener_port(p->listener);
	*port = p->port;
	list_add_tail(&g->posts, &p->node);
	g->post_count++;
	share_listens(g->share);
	gate_clock(g);
	record(p, GATE_LISTENING);
	return OK;
}

struct post *post_find(const struct gate *g, enum gate_kind kind, const char *host, uint16_t port)
{
	LIST_EACH (l, &g->posts) {
		struct post *p = CONTAINER(l, struct post, node);

		if (p->kind == kind && p->port == port && strcmp(p->host, host) == 0)
			return p;
	}
	return NULL;
}

void post_end(struct post *p, enum gate_how how)
{
	struct gate *g = p->gate;

	record(p, how);
	list_del(&p->node);
	g->post_count--;
	share_unlistens(g->share);
	g->unused_ms = loop_now(link_loop(g->link));
	gate_clock(g);
	post_free(p);
}
