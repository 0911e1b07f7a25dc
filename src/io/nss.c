/* /etc/nsswitch.conf as far as it names modules: "hosts: files resolve [!UNAVAIL=return] dns". */
#include "io/nss.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load(const char *service)
{
	char name[64];

	/* In brackets stand reactions; a module has a name of these characters only, and no path. */
	if (strspn(service, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(service))
		return;
	if ((size_t)snprintf(name, sizeof(name), "libnss_%s.so.2", service) < sizeof(name))
		(void)dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

static void load_line(char *line, const char *database)
{
	char *rest = line + strspn(line, " \t"), *word;
	size_t n = strlen(database);

	if (strncmp(rest, database, n) != 0 || rest[n] != ':')
		return;
	rest += n + 1;
	rest[strcspn(rest, "#")] = '\0';
	while ((word = strsep(&rest, " \t\r\n")))
		if (*word)
			load(word);
}

void nss_load(const char *database)
{
	FILE *f = fopen("/etc/nsswitch.conf", "re");
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		load_line(line, database);
	free(line);
	if (f)
		fclose(f);
}
