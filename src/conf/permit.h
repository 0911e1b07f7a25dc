/* May this login open that destination, or listen there? The words of PermitOpen, PermitListen and DenyOpen,
 * GatewayPorts, and the guard of addresses that nobody should reach by accident. Looks up no names, and opens nothing.
 */
#ifndef ADIT_CONF_PERMIT_H
#define ADIT_CONF_PERMIT_H

#include "base/ip.h"
#include "base/span.h"
#include "conf/policy.h"

enum { PERMIT_HOST_MAX = 253, PERMIT_PATH_MAX = 107 }; /* RFC 1035 section 2.3.4 without the root; sun_path */

/* ---- For readers of configuration and key files ----------------------------------------------------------------
 * OK or ERR_SYNTAX with "PermitOpen 'word': fault" in `why` (may be NULL).
 *   open     host:port, address:port, [IPv6]:port, any, none. Ours: ranges (10.0.0.0/8:80, [fd00::/8]:80), patterns
 *            (*.example.com:443), ranges of ports (host:8000-8099); /path:* for unix sockets, as in OpenSSH
 *   listen   [host:]port with the host a pattern, any, none. Ours: ranges of ports
 *   deny     host[:port] as in open; none */
int permit_open_word_check(const char *word, struct why *why) MUST_CHECK;
int permit_listen_word_check(const char *word, struct why *why) MUST_CHECK;
int deny_open_word_check(const char *word, struct why *why) MUST_CHECK;

/* ---- Opening ---------------------------------------------------------------------------------------------------
 * Two steps, because some words are about names and some about addresses. Whoever asks
 *   1. asks permit_open_request() with host and port as the client sent them;
 *   2. after PERMIT_ASK looks the name up once, asks permit_open_address() for each address, and connects to those that
 *      were allowed and to no other.
 * A refusal writes to `rule` (may be NULL) which rule refused, for the record: "DenyOpen 10.0.0.0/8", "PermitOpen",
 * "guarded: a link-local address". It is made for logs, not for the client. */
enum permit { PERMIT_NO, PERMIT_YES, PERMIT_ASK };

/* PERMIT_YES only for a host that is an address. A name is refused if nothing that it resolves to could be allowed. */
enum permit permit_open_request(const struct policy *p, struct span host, uint32_t port, struct why *rule) MUST_CHECK;
/* `host` and `port` as before; `a` as it would be connected to. Broadcast addresses of local networks are the caller's
 * to refuse. */
bool permit_open_address(const struct policy *p, struct span host, uint32_t port, const struct ip *a,
			 struct why *rule) MUST_CHECK;
/* Does a word of the administrator's PermitOpen have this very address and this very port? No range, pattern or name is
 * that. For addresses that the caller guards: where the server itself listens. */
bool permit_open_names(const struct policy *p, const struct ip *a, uint32_t port);
/* direct-streamlocal@openssh.com: AllowStreamLocalForwarding, and PermitOpen with * or the path itself as its host and
 * * as its port. */
bool permit_open_path(const struct policy *p, struct span path, struct why *rule) MUST_CHECK;

/* ---- Listening -------------------------------------------------------------------------------------------------- */

enum listen_where {
	LISTEN_LOOPBACK, /* 127.0.0.1 and ::1, on the same port */
	LISTEN_ADDRESS,	 /* `ip` alone; may be 0.0.0.0 or :: */
	LISTEN_NAME,	 /* what the requested name resolves to */
	LISTEN_ALL	 /* every address of both families */
};

/* What GatewayPorts made of the request, for the client to be told (DEBUG). */
enum listen_change {
	LISTEN_AS_ASKED,
	LISTEN_WIDENED, /* yes: every address instead of some */
	LISTEN_NARROWED /* no: loopback instead of more */
};

struct listen_place {
	enum listen_where where;
	struct ip ip; /* LISTEN_ADDRESS */
	enum listen_change change;
	bool privileged; /* port 1 to 1023 */
};

/* Where a request leads, by GatewayPorts alone (RFC 4254 section 7.1; docs/PROTOCOL.md): privileged stays false. The
 * name must have passed permit_listen_request() before anybody binds. */
struct listen_place listen_effective(enum gateway_ports gateway, struct span host);

/* Bind address and port of tcpip-forward as the client sent them. PERMIT_YES; PERMIT_ASK: look the name up and ask
 * permit_listen_address() about each address; PERMIT_NO. `out` is written unless it is no. Port 0 needs a word with *
 * as its port. A port below 1024 needs policy.root, or a word of the administrator's list that names it. What is bound
 * may not be wider than what the word named: localhost:80 does not allow every address because of GatewayPorts yes. */
enum permit permit_listen_request(const struct policy *p, struct span host, uint32_t port, struct listen_place *out,
				  struct why *rule) MUST_CHECK;
bool permit_listen_address(const struct policy *p, struct span host, uint32_t port, const struct ip *a,
			   struct why *rule) MUST_CHECK;
/* streamlocal-forward@openssh.com: AllowStreamLocalForwarding alone; PermitListen is not for paths. */
bool permit_listen_path(const struct policy *p, struct span path, struct why *rule) MUST_CHECK;

#endif
