/* Preloaded into Dropbear, which looks for authorized_keys nowhere but in the user's home: gives it another home and a
 * shell that may log in. Only for tests. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pwd.h>
#include <stdlib.h>

struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) = (struct passwd * (*)(const char *)) dlsym(RTLD_NEXT, "getpwnam");
	struct passwd *user = real ? real(name) : NULL;

	if (user && getenv("TEST_HOME")) {
		user->pw_dir = getenv("TEST_HOME");
		user->pw_shell = "/bin/sh";
		user->pw_passwd = "*";
	}
	return user;
}
