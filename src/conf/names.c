/* Host and user names that may go into a shell line: OpenSSH's rules since 9.6. */
#include "conf/names.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

enum { SHOW = 200 };

/* What a shell line could take for its own, should a name ever get into one. */
static const char shell_host[] = "'`\"$\\;&<>|(){}";
static const char shell_user[] = "'`\";&<>|(){}";

static bool host_is_clean(const char *s)
{
	if (!*s || *s == '-' || strpbrk(s, shell_host))
		return false;
	for (; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
			return false;
	return true;
}

/* A backslash is allowed (DOMAIN\user), but not at the end; so is a space, but no '-' behind it. */
static bool user_is_clean(const char *s)
{
	if (!*s || *s == '-' || strpbrk(s, shell_user) || s[strlen(s) - 1] == '\\')
		return false;
	for (; *s; s++)
		if (iscntrl((unsigned char)*s) || (isspace((unsigned char)*s) && s[1] == '-'))
			return false;
	return true;
}

int name_check_host(const char *host, struct why *why)
{
	char show[SHOW];

	if (!*host)
		return why_set(why, ERR_SYNTAX, "the host name is empty");
	if (host_is_clean(host))
		return OK;
	return why_set(why, ERR_SYNTAX, "hostname contains invalid characters: '%s'",
		       str_escape(show, sizeof(show), span_str(host)));
}

int name_check_user(const char *user, struct why *why)
{
	char show[SHOW];

	if (!user || user_is_clean(user))
		return OK;
	return why_set(why, ERR_SYNTAX, "remote username contains invalid characters: '%s'",
		       str_escape(show, sizeof(show), span_str(user)));
}
