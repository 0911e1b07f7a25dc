/* Preloaded into the client: the name in TEST_NAME has the address in TEST_ADDRESS. Only for tests. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	lookup *real = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
	const char *fake = getenv("TEST_NAME");

	if (!real)
		return EAI_SYSTEM;
	return real(name && fake && strcmp(name, fake) == 0 ? getenv("TEST_ADDRESS") : name, service, hints, out);
}
