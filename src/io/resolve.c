/* Name resolution, on a thread of libuv's pool or while the caller waits. */
#include "io/resolve.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/list.h"
#include "base/table.h"

struct lookups {
	struct lookups **table;
	unsigned refs;	  /* joins, and lookups that are on a thread */
	unsigned running; /* the latter */
	struct list waiting;
	UT_hash_handle hh;
	char who[];
};

struct resolve {
	uv_getaddrinfo_t uv; /* first: freed through it */
	struct list node;    /* while it waits for its turn */
	struct loop *loop;
	struct lookups *asker; /* or NULL */
	char *host;	       /* while it waits */
	resolve_fn *fn;	       /* NULL: cancelled */
	void *user;
	uint16_t port;
	int family;
};

static const struct addrinfo *wanted(struct addrinfo *hints, int family, int flags)
{
	*hints = (struct addrinfo){ .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	return hints;
}

static bool same(const struct addr *a, const struct addr *b)
{
	return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

/* A line may stand twice in /etc/hosts; nobody wants to bind or to try an address twice. */
static size_t collect(const struct addrinfo *from, uint16_t port, struct addr out[RESOLVE_MAX])
{
	size_t n = 0;

	for (; from && n < RESOLVE_MAX; from = from->ai_next) {
		struct addr a = { .len = from->ai_addrlen };
		size_t i = 0;

		if ((from->ai_family != AF_INET && from->ai_family != AF_INET6) || a.len > sizeof(a.sa))
			continue;
		memcpy(&a.sa, from->ai_addr, a.len);
		addr_set_port(&a, port);
		while (i < n && !same(&out[i], &a))
			i++;
		if (i == n)
			out[n++] = a;
	}
	return n;
}

int resolve_numeric(const char *host, uint16_t port, int family, struct addr *out)
{
	struct addrinfo hints, *list = NULL;
	struct addr found[RESOLVE_MAX];
	size_t n;

	if (getaddrinfo(host, NULL, wanted(&hints, family, AI_NUMERICHOST), &list))
		return ERR_NOT_FOUND;
	n = collect(list, port, found);
	freeaddrinfo(list);
	if (n == 0)
		return ERR_NOT_FOUND;
	*out = found[0];
	return OK;
}

int resolve_wait(const char *host, uint16_t port, int family, struct addr out[RESOLVE_MAX], size_t *n, struct why *why)
{
	struct addrinfo hints, *list = NULL;
	int e = getaddrinfo(host, NULL, wanted(&hints, family, 0), &list);

	if (e)
		return why_set(why, ERR_NOT_FOUND, "%s", e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
	*n = collect(list, port, out);
	freeaddrinfo(list);
	return *n ? OK : why_set(why, ERR_NOT_FOUND, "%s", gai_strerror(EAI_NONAME));
}

/* Addresses that reach no further than this host or this wire. */
static bool narrow(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a);
}

static size_t addr_size(int family)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static bool of_interface(const struct ifaddrs *i, const char *name, int family)
{
	if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) || strcmp(i->ifa_name, name) != 0)
		return false;
	if (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)
		return false;
	return family == AF_UNSPEC || i->ifa_addr->sa_family == family;
}

int resolve_interface(const char *name, int family, struct addr out[RESOLVE_MAX], size_t *n, struct why *why)
{
	struct ifaddrs *list;
	size_t k = 0;

	if (getifaddrs(&list))
		return why_set(why, ERR_NOT_FOUND, "addresses of interface %s: %s", name, strerror(errno));
	for (int pass = 0; pass < 2; pass++)
		for (const struct ifaddrs *i = list; i && k < RESOLVE_MAX; i = i->ifa_next)
			if (of_interface(i, name, family) && narrow(i->ifa_addr) == (pass == 1)) {
				out[k] = (struct addr){ .len = (socklen_t)addr_size(i->ifa_addr->sa_family) };
				memcpy(&out[k].sa, i->ifa_addr, out[k].len);
				k++;
			}
	freeifaddrs(list);
	*n = k;
	return k ? OK : why_set(why, ERR_NOT_FOUND, "interface %s has no usable address", name);
}

/* libuv has its own words for the resolver's errors; people know and search for the system's. */
static const char *sentence(int status)
{
	static const struct {
		int uv, eai;
	} map[] = {
		{ UV_EAI_ADDRFAMILY, EAI_ADDRFAMILY }, { UV_EAI_AGAIN, EAI_AGAIN },   { UV_EAI_FAIL, EAI_FAIL },
		{ UV_EAI_FAMILY, EAI_FAMILY },	       { UV_EAI_MEMORY, EAI_MEMORY }, { UV_EAI_NODATA, EAI_NODATA },
		{ UV_EAI_NONAME, EAI_NONAME },
	};

	for (size_t i = 0; i < LEN(map); i++)
		if (status == map[i].uv)
			return gai_strerror(map[i].eai);
	return uv_strerror(status);
}

/* ---- askers ---- */

struct lookups *lookups_join(struct lookups **table, const char *who)
{
	struct lookups *a;

	HASH_FIND_STR(*table, who, a);
	if (!a) {
		a = calloc(1, sizeof(*a) + strlen(who) + 1);
		if (!a)
			return NULL;
		a->table = table;
		list_init(&a->waiting);
		memcpy(a->who, who, strlen(who) + 1);
		HASH_ADD_STR(*table, who, a);
		if (!a->hh.tbl) {
			free(a);
			return NULL;
		}
	}
	a->refs++;
	return a;
}

void lookups_leave(struct lookups *a)
{
	if (!a || --a->refs)
		return;
	HASH_DEL(*a->table, a);
	free(a);
}

void lookups_prepare(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", RESOLVE_THREADS);
	(void)setenv("UV_THREADPOOL_SIZE", number, 0); /* without memory there are fewer */
}

/* ---- one lookup ---- */

static void answered(uv_getaddrinfo_t *uv, int status, struct addrinfo *list);

static int start(struct resolve *r, const char *host)
{
	struct addrinfo hints;
	sigset_t all, old;
	int status;

	/* The first request starts the threads, which inherit the mask: signals are for the main thread alone. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	status = uv_getaddrinfo(loop_uv(r->loop), &r->uv, answered, host, NULL, wanted(&hints, r->family, 0));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!status && r->asker) {
		r->asker->refs++;
		r->asker->running++;
	}
	return status;
}

/* The end of it: what was found, or why nothing was. */
static void tell(struct resolve *r, int status, const struct addrinfo *list)
{
	struct addr found[RESOLVE_MAX];
	size_t n = status ? 0 : collect(list, r->port, found);
	resolve_fn *fn = r->fn;
	void *user = r->user;
	struct why why;

	why_set(&why, ERR_NOT_FOUND, "%s", sentence(status ? status : UV_EAI_NONAME));
	free(r->host);
	free(r);
	if (fn)
		fn(user, found, n, &why);
}

/* A thread is free again: the next ones' turn. */
static void next_turn(struct lookups *a)
{
	struct list *node;
	int status;

	a->running--;
	while (a->running < LOOKUPS_MAX && (node = list_pop(&a->waiting))) {
		struct resolve *r = CONTAINER(node, struct resolve, node);

		status = start(r, r->host);
		if (status)
			tell(r, status, NULL);
	}
	lookups_leave(a);
}

static void answered(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
	struct resolve *r = CONTAINER(uv, struct resolve, uv);
	struct lookups *a = r->asker;

	tell(r, status, list);
	uv_freeaddrinfo(list);
	if (a)
		next_turn(a);
}

static int wait_for_turn(struct resolve *r, const char *host)
{
	r->host = strdup(host);
	if (!r->host)
		return UV_ENOMEM;
	list_add_tail(&r->asker->waiting, &r->node);
	return 0;
}

int resolve_new(struct resolve **out, struct loop *l, struct lookups *asker, const char *host, uint16_t port,
		int family, resolve_fn *fn, void *user, struct why *why)
{
	struct resolve *r = calloc(1, sizeof(*r));
	int status;

	if (!r)
		return why_set(why, ERR_NOMEM, "out of memory");
	r->loop = l;
	r->asker = asker;
	r->fn = fn;
	r->user = user;
	r->port = port;
	r->family = family;
	status = asker && asker->running >= LOOKUPS_MAX ? wait_for_turn(r, host) : start(r, host);
	if (status) {
		free(r);
		return why_set(why, status == UV_ENOMEM ? ERR_NOMEM : ERR_NOT_FOUND, "%s", sentence(status));
	}
	*out = r;
	return OK;
}

void resolve_cancel(struct resolve *r)
{
	if (!r)
		return;
	r->fn = NULL;
	if (list_linked(&r->node)) {
		list_del(&r->node);
		free(r->host);
		free(r);
		return;
	}
	(void)uv_cancel((uv_req_t *)&r->uv); /* already running: answered() comes later and tells nobody */
}
