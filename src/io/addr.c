/* Socket addresses: text, ports, and their numbers for whoever judges them. */
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "io/sock.h"

void addr_text(const struct addr *a, char out[ADDR_TEXT], uint16_t *port)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->sa;

	if (port)
		*port = addr_port(a);
	if (a->len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNIX)
		snprintf(out, ADDR_TEXT, "unix");
	else if (getnameinfo(sa, a->len, out, ADDR_TEXT, NULL, 0, NI_NUMERICHOST))
		snprintf(out, ADDR_TEXT, "unknown");
}

uint16_t addr_port(const struct addr *a)
{
	switch (a->sa.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
	default:
		return 0;
	}
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.ss_family == AF_INET)
		((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
	else if (a->sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
}

int addr_unix(struct addr *a, const char *path, struct why *why)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
	size_t n = strlen(path);

	if (n == 0)
		return why_set(why, ERR_SYNTAX, "the path of a unix socket is empty");
	if (n >= sizeof(un->sun_path))
		return why_set(why, ERR_SYNTAX, "the path of a unix socket is longer than %zu bytes: %s",
			       sizeof(un->sun_path) - 1, path);
	memset(a, 0, sizeof(*a));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n + 1);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return OK;
}

bool addr_ip(const struct addr *a, struct ip *out)
{
	struct ip ip = { .family = 0 };

	if (a->sa.ss_family == AF_INET) {
		ip.family = 4;
		memcpy(ip.bytes, &((const struct sockaddr_in *)&a->sa)->sin_addr, 4);
	} else if (a->sa.ss_family == AF_INET6) {
		ip.family = 6;
		memcpy(ip.bytes, &((const struct sockaddr_in6 *)&a->sa)->sin6_addr, 16);
	} else {
		return false;
	}
	*out = ip;
	return true;
}

void addr_of_ip(struct addr *a, const struct ip *ip, uint16_t port)
{
	*a = (struct addr){ .len = ip->family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6) };
	a->sa.ss_family = ip->family == 4 ? AF_INET : AF_INET6;
	if (ip->family == 4)
		memcpy(&((struct sockaddr_in *)&a->sa)->sin_addr, ip->bytes, 4);
	else
		memcpy(&((struct sockaddr_in6 *)&a->sa)->sin6_addr, ip->bytes, 16);
	addr_set_port(a, port);
}

static bool has(const struct ifaddrs *i, const struct ip *a)
{
	struct addr one = { .len = 0 };
	struct ip ip;

	if (!i->ifa_addr)
		return false;
	if (i->ifa_addr->sa_family == AF_INET)
		one.len = sizeof(struct sockaddr_in);
	else if (i->ifa_addr->sa_family == AF_INET6)
		one.len = sizeof(struct sockaddr_in6);
	memcpy(&one.sa, i->ifa_addr, one.len);
	return one.len && addr_ip(&one, &ip) && ip_equal(&ip, a);
}

bool addr_is_here(const struct ip *a)
{
	struct ifaddrs *list;
	bool here = ip_is_loopback(a);

	if (here || getifaddrs(&list))
		return here;
	for (const struct ifaddrs *i = list; i && !here; i = i->ifa_next)
		here = has(i, a);
	freeifaddrs(list);
	return here;
}
