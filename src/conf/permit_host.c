/* Strict reading of what a client asked for, so that every later comparison is about visible text. */
#include "conf/permit_host.h"

#include <stdarg.h>
#include <stdio.h>

bool permit_refuse(struct why *rule, const char *fmt, ...)
{
	struct why text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text.text, sizeof(text.text), fmt, ap);
	va_end(ap);
	if (rule)
		*rule = text;
	return false;
}

/* The address in front of a zone. */
static bool read_literal(struct permit_host *h)
{
	char *percent = strchr(h->text, '%');
	int err;

	if (percent)
		*percent = 0;
	err = ip_parse(&h->ip, h->text);
	if (percent)
		*percent = '%';
	h->zone = percent != NULL;
	return err == OK;
}

bool permit_host_read(struct permit_host *out, struct span host, struct why *rule)
{
	struct permit_host h = { .zone = false };

	if (host.n > PERMIT_HOST_MAX)
		return permit_refuse(rule, "bad name: longer than %d bytes", PERMIT_HOST_MAX);
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' || host.p[i] >= 0x7f)
			return permit_refuse(rule, "bad name: a byte that no host name has");
	if (host.n)
		memcpy(h.text, host.p, host.n);
	if (!read_literal(&h) && h.zone)
		return permit_refuse(rule, "bad name: a zone without an address");
	if (h.zone && (h.ip.family != 6 || ip_kind_of(&h.ip) != IP_LINK_LOCAL))
		return permit_refuse(rule, "bad name: a zone at an address that is not link-local");
	*out = h;
	return true;
}

bool permit_side(uint32_t allowed, enum policy_side side, const char *keyword, struct why *rule)
{
	static const char *const said[] = { "no", "local", "remote" };

	if (allowed & side)
		return true;
	if (!(allowed & (POLICY_LOCAL | POLICY_REMOTE)))
		return permit_refuse(rule, "no forwarding (%s, DisableForwarding, the key or the certificate)",
				     keyword);
	return permit_refuse(rule, "%s %s", keyword, said[allowed & 3]);
}

bool permit_path_read(char out[PERMIT_PATH_MAX + 1], struct span path, struct why *rule)
{
	if (!path.n || path.n > PERMIT_PATH_MAX || memchr(path.p, 0, path.n))
		return permit_refuse(rule, "bad path: empty, longer than %d bytes, or with a NUL", PERMIT_PATH_MAX);
	memcpy(out, path.p, path.n);
	out[path.n] = 0;
	return true;
}
