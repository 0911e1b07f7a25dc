/* Error names and sentences. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
	[-OK] = "no error",
	[-ERR_NOMEM] = "out of memory",
	[-ERR_PROTO] = "protocol error",
	[-ERR_MAC] = "corrupted packet",
	[-ERR_KEX] = "key exchange failed",
	[-ERR_HOST_KEY] = "host key not accepted",
	[-ERR_AUTH] = "permission denied",
	[-ERR_WINDOW] = "window violated",
	[-ERR_LIMIT] = "limit exceeded",
	[-ERR_TIMEOUT] = "timed out",
	[-ERR_CLOSED] = "connection closed",
	[-ERR_CRYPTO] = "cryptographic failure",
	[-ERR_SYNTAX] = "syntax error",
	[-ERR_IO] = "system error",
	[-ERR_DENIED] = "not permitted",
	[-ERR_NOT_FOUND] = "not found",
	[-ERR_PASSPHRASE] = "wrong passphrase",
	[-ERR_IN_USE] = "address in use",
};

int why_set(struct why *why, int err, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return err;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return err;
}

int why_prefix(struct why *why, int err, const char *fmt, ...)
{
	struct why old;
	va_list ap;
	size_t n;

	if (!why)
		return err;
	old = *why;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof(why->text) - n, ": %s", old.text);
	return err;
}

const char *err_name(int err)
{
	if (err > 0 || (size_t)-err >= LEN(names))
		return "unknown error";
	return names[-err];
}
