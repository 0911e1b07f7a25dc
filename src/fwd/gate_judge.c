/* What the policy says about a request of the client, in sentences. */
#include <string.h>

#include "base/str.h"
#include "fwd/gate_impl.h"
#include "io/resolve.h"

enum { PATH_MAX_LEN = 107, PRIVILEGED = 1024 };

static bool no(struct why *why, const char *words)
{
	why_set(why, ERR_DENIED, "%s", words);
	return false;
}

/* Control bytes, spaces and what is not ASCII only ever try to be read as something else. */
static bool is_host(struct span host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= ' ' || host.p[i] > '~')
			return false;
	return host.n <= GATE_HOST_MAX;
}

static bool judge_path(struct span path, struct why *why)
{
	if (!path.n || path.p[0] != '/')
		return no(why, "the path is not absolute");
	if (memchr(path.p, '\0', path.n))
		return no(why, "a NUL byte in the path");
	return path.n <= PATH_MAX_LEN || no(why, "the path is longer than 107 bytes");
}

/* ---- Channels -------------------------------------------------------------------------------------------------- */

static bool judge_direct_path(const struct policy *p, struct span path, struct why *why)
{
	if (!(p->streamlocal & POLICY_LOCAL))
		return no(why, "AllowStreamLocalForwarding");
	return judge_path(path, why);
}

static bool judge_direct(const struct policy *p, const struct target *t, struct why *why)
{
	if (!(p->tcp & POLICY_LOCAL))
		return no(why, "AllowTcpForwarding");
	if (!t->host.n || !is_host(t->host))
		return no(why, "not a host name or address");
	return t->port || no(why, "port 0");
}

bool judge_open(const struct policy *p, const struct target *t, struct why *why)
{
	return t->kind == TARGET_DIRECT_TCPIP ? judge_direct(p, t, why) : judge_direct_path(p, t->host, why);
}

bool judge_address(const struct policy *p, const char *host, uint16_t port, const struct ip *ip, struct why *why)
{
	(void)p;
	(void)host;
	(void)port;
	(void)ip;
	(void)why;
	return true;
}

/* ---- Listeners ------------------------------------------------------------------------------------------------- */

bool judge_listen_path(const struct policy *p, const char *path, struct why *why)
{
	if (!(p->streamlocal & POLICY_REMOTE))
		return no(why, "AllowStreamLocalForwarding");
	return judge_path(span_str(path), why);
}

/* GatewayPorts: what is bound for what was asked for. NULL: names are not looked up, because that takes time, and what
 * they stand for is not what was judged. */
static const char *bind_for(enum gateway_ports gateway, const char *host)
{
	static const char loopback[] = "localhost", everywhere[] = "*";
	bool all = !*host || strcmp(host, "*") == 0;
	struct addr a;

	if (gateway == GATEWAY_YES)
		return everywhere;
	if (gateway == GATEWAY_NO)
		return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 ? host : loopback;
	if (all || str_eq_nocase(host, loopback))
		return all ? everywhere : loopback;
	return resolve_numeric(host, 0, AF_UNSPEC, &a) == OK ? host : NULL;
}

bool judge_listen(const struct policy *p, const char *host, uint16_t port, const char **bind, struct why *why)
{
	(void)port;
	if (!(p->tcp & POLICY_REMOTE))
		return no(why, "AllowTcpForwarding");
	if (!is_host(span_str(host)))
		return no(why, "not a bind address");
	*bind = bind_for(p->gateway, host);
	return *bind || no(why, "a bind address must be written in digits");
}
