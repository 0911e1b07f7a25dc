/* Preloaded into whoever looks names up: the name in TEST_NAME has the address in TEST_ADDRESS, and that in TEST_STUCK
 * is answered after a minute, as by a server that does not answer. Only for tests. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { STUCK_MS = 60 * 1000 };

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int is(const char *name, const char *variable)
{
	const char *value = getenv(variable);

	return name && value && strcmp(name, value) == 0;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");

	if (!real)
		return EAI_SYSTEM;
	if (is(name, "TEST_STUCK") && !(hints && hints->ai_flags & AI_NUMERICHOST)) {
		poll(NULL, 0, STUCK_MS);
		return EAI_AGAIN;
	}
	return real(is(name, "TEST_NAME") ? getenv("TEST_ADDRESS") : name, service, hints, out);
}
