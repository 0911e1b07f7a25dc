/* Listening sockets: which addresses a specification means, all of them or none, and errors that say what to do. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "io/holder.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "io/sockpath.h"

enum {
	BACKLOG = 4096,
	PORT_TRIES = 16 /* fresh ports, when the one that the first family got is taken in another */
};

static_assert((int)LISTEN_MAX >= (int)RESOLVE_MAX, "every address of a name fits");

struct plan {
	struct addr addr[RESOLVE_MAX];
	size_t n;
	bool lenient; /* a family that the host lacks does not count */
};

/* A failure of one address: the errno and whom it concerns. */
struct fault {
	int e;
	struct addr addr;
};

/* What has both families behind one word. */
static const struct both {
	const char *word, *v4, *v6;
} words[] = {
	{ "localhost", "127.0.0.1", "::1" },
	{ "*", "0.0.0.0", "::" },
	{ "", "0.0.0.0", "::" },
};

static void plan_both(struct plan *p, const struct both *b, const struct listen_spec *spec)
{
	const char *const text[] = { b->v4, b->v6 };

	p->lenient = true;
	for (size_t i = 0; i < LEN(text); i++)
		if (resolve_numeric(text[i], spec->port, spec->family, &p->addr[p->n]) == OK)
			p->n++;
}

static int plan_addresses(struct plan *p, const struct listen_spec *spec, struct why *why)
{
	const char *host = spec->host ? spec->host : "localhost";
	char safe[WHY_MAX / 2];
	int err;

	*p = (struct plan){ .n = 0 };
	for (size_t i = 0; i < LEN(words); i++)
		if (str_eq_nocase(host, words[i].word)) {
			plan_both(p, &words[i], spec);
			return OK;
		}
	err = resolve_wait(host, spec->port, spec->family, p->addr, &p->n, why);
	if (err)
		return why_prefix(why, err, "cannot listen on %s:%u", str_escape(safe, sizeof(safe), span_str(host)),
				  spec->port);
	return OK;
}

static int open_listener(const struct addr *a, int *fd)
{
	static const int on = 1;
	int e, s = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (s < 0)
		return errno;
	if (a->sa.ss_family != AF_UNIX) {
		(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	/* Without it a listener on :: would take the IPv4 port too, and the one for 0.0.0.0 would fail. */
	if ((a->sa.ss_family == AF_INET6 && setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
	    bind(s, (const struct sockaddr *)&a->sa, a->len) || listen(s, BACKLOG)) {
		e = errno;
		close(s);
		return e;
	}
	*fd = s;
	return 0;
}

static void close_all(int *fds, size_t *n)
{
	while (*n > 0)
		sock_close(fds[--*n]);
}

/* An IPv6 stack that is switched off still makes sockets, but has no address to bind. */
static bool family_missing(int e)
{
	return e == EAFNOSUPPORT || e == EADDRNOTAVAIL;
}

/* All or none. With port 0 the first address gets one from the kernel and the others have to take the same. */
static bool open_all(const struct plan *p, int *fds, size_t *n, uint16_t *port, struct fault *fault)
{
	struct addr name;

	*n = 0;
	*fault = (struct fault){ .e = EAFNOSUPPORT };
	for (size_t i = 0; i < p->n; i++) {
		struct addr a = p->addr[i];
		int e;

		if (*n > 0)
			addr_set_port(&a, *port);
		e = open_listener(&a, &fds[*n]);
		if (e)
			*fault = (struct fault){ e, a };
		if (p->lenient && family_missing(e))
			continue;
		if (e) {
			close_all(fds, n);
			return false;
		}
		sock_name(fds[(*n)++], &name);
		*port = addr_port(&name);
	}
	return *n > 0;
}

/* "127.0.0.1:80", "[::1]:80". */
static void where_text(const struct addr *a, char *out, size_t cap)
{
	char text[ADDR_TEXT];
	uint16_t port;

	addr_text(a, text, &port);
	snprintf(out, cap, a->sa.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

static unsigned first_free_port(void)
{
	unsigned port = 1024;
	FILE *in = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");

	if (in) {
		if (fscanf(in, "%u", &port) != 1)
			port = 1024;
		fclose(in);
	}
	return port;
}

static int tell(const struct fault *f, bool brief, struct why *why)
{
	char where[ADDR_TEXT * 4], holder[HOLDER_TEXT];

	if (!f->addr.len)
		return why_set(why, ERR_IO, "cannot listen: %s", strerror(f->e));
	where_text(&f->addr, where, sizeof(where));
	if (f->e == EACCES && addr_port(&f->addr) < first_free_port())
		return why_set(why, ERR_DENIED,
			       "cannot listen on %s: %s (ports below %u need root or CAP_NET_BIND_SERVICE)", where,
			       strerror(f->e), first_free_port());
	holder[0] = '\0';
	if (f->e == EADDRINUSE && !brief)
		holder_text(&f->addr, holder);
	return why_set(why, f->e == EADDRINUSE ? ERR_IN_USE : ERR_IO, "cannot listen on %s: %s%s%s%s", where,
		       strerror(f->e), *holder ? " (" : "", holder, *holder ? ")" : "");
}

static int path_taken(const struct addr *a, const struct sockpath *place, bool brief, struct why *why)
{
	char holder[HOLDER_TEXT];
	struct stat st;

	if (sockpath_stat(place, &st) && !S_ISSOCK(st.st_mode))
		return why_set(why, ERR_IO, "it exists and is not a socket");
	if (brief)
		return why_set(why, ERR_IN_USE, "%s", strerror(EADDRINUSE));
	holder_text(a, holder);
	return why_set(why, ERR_IN_USE, "%s (%s; StreamLocalBindUnlink=yes replaces it)", strerror(EADDRINUSE),
		       *holder ? holder : "left behind by a process that is gone");
}

/* The mask of the process counts when the file is made. */
static int bind_path(const struct addr *a, const struct sockpath *place, const struct listen_spec *spec, int *fd,
		     struct why *why)
{
	mode_t old = umask((mode_t)spec->mask & 0777);
	int e = open_listener(a, fd);

	umask(old);
	if (e == EADDRINUSE)
		return path_taken(a, place, spec->brief, why);
	if (e)
		return why_set(why, ERR_IO, "%s", strerror(e));
	if (sockpath_holds(place))
		return OK;
	sock_close(*fd);
	return why_set(why, ERR_IO, "its folder was exchanged meanwhile");
}

static int listen_at(const struct addr *a, const struct listen_spec *spec, int *fd, struct why *why)
{
	struct sockpath place;
	int err = sockpath_open(&place, spec->path, why);

	if (err)
		return err;
	err = sockpath_judge(&place, why);
	if (!err && spec->unlink)
		err = sockpath_clear(&place, why);
	if (!err)
		err = bind_path(a, &place, spec, fd, why);
	sockpath_close(&place);
	return err;
}

static int listen_unix(const struct listen_spec *spec, int *fd, struct why *why)
{
	char where[ADDR_TEXT * 4];
	struct addr a;
	int err = addr_unix(&a, spec->path, why);

	if (err)
		return why_prefix(why, err, "cannot listen");
	err = listen_at(&a, spec, fd, why);
	return err ? why_prefix(why, err, "cannot listen on %s", str_escape(where, sizeof(where), span_str(spec->path)))
		   : OK;
}

int sock_listen(const struct listen_spec *spec, int fds[LISTEN_MAX], size_t *n, uint16_t *port, struct why *why)
{
	int opened[RESOLVE_MAX], err;
	struct fault fault;
	struct plan plan;
	uint16_t got = 0;
	size_t k = 0;
	bool ok;

	if (spec->path) {
		err = listen_unix(spec, &fds[0], why);
		if (err)
			return err;
		*n = 1;
		*port = 0;
		return OK;
	}
	err = plan_addresses(&plan, spec, why);
	if (err)
		return err;
	ok = open_all(&plan, opened, &k, &got, &fault);
	for (int i = 1; !ok && spec->port == 0 && fault.e == EADDRINUSE && i < PORT_TRIES; i++)
		ok = open_all(&plan, opened, &k, &got, &fault);
	if (!ok)
		return tell(&fault, spec->brief, why);
	memcpy(fds, opened, k * sizeof(*fds));
	*n = k;
	*port = got;
	return OK;
}
