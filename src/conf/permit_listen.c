/* Listeners: what GatewayPorts makes of the requested address, and whether the lists have a word for it that is not
 * narrower. */
#include "conf/permit.h"

#include "base/str.h"
#include "conf/permit_host.h"

/* ---- GatewayPorts --------------------------------------------------------------------------------------------- */

/* The rows of the table: what the requested address is. */
enum request { ASKED_ALL, ASKED_LOCALHOST, ASKED_LOOPBACK, ASKED_ADDRESS, ASKED_NAME, REQUESTS };

/* RFC 4254 section 7.1, and how OpenSSH's GatewayPorts bends it. */
static const enum listen_where leads_to[REQUESTS][3] = {
	/*                    GATEWAY_NO       GATEWAY_YES GATEWAY_CLIENT */
	[ASKED_ALL] = { LISTEN_LOOPBACK, LISTEN_ALL, LISTEN_ALL },
	[ASKED_LOCALHOST] = { LISTEN_LOOPBACK, LISTEN_ALL, LISTEN_LOOPBACK },
	[ASKED_LOOPBACK] = { LISTEN_ADDRESS, LISTEN_ALL, LISTEN_ADDRESS },
	[ASKED_ADDRESS] = { LISTEN_LOOPBACK, LISTEN_ALL, LISTEN_ADDRESS },
	[ASKED_NAME] = { LISTEN_LOOPBACK, LISTEN_ALL, LISTEN_NAME },
};

/* Only 127.0.0.1 and ::1 as they are written here are loopback addresses without GatewayPorts, as in OpenSSH. */
static enum request classify(const char *host, const struct ip *ip)
{
	if (!host[0] || strcmp(host, "*") == 0)
		return ASKED_ALL;
	if (str_eq_nocase(host, "localhost"))
		return ASKED_LOCALHOST;
	if (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0)
		return ASKED_LOOPBACK;
	return ip->family ? ASKED_ADDRESS : ASKED_NAME;
}

/* 0.0.0.0 goes for every address, as in OpenSSH; 127.0.0.2 gets both loopback addresses, which is no less. */
static enum listen_change change_of(enum request asked, enum gateway_ports gateway, const struct permit_host *h)
{
	bool every = asked == ASKED_ALL || strcmp(h->text, "0.0.0.0") == 0;
	bool beyond = every || asked == ASKED_NAME || (asked == ASKED_ADDRESS && !ip_is_loopback(&h->ip));

	if (gateway == GATEWAY_YES && !every)
		return LISTEN_WIDENED;
	return gateway == GATEWAY_NO && beyond ? LISTEN_NARROWED : LISTEN_AS_ASKED;
}

static struct listen_place place_of(enum gateway_ports gateway, const struct permit_host *h)
{
	enum request asked = classify(h->text, &h->ip);
	struct listen_place place = { .where = leads_to[asked][gateway] };

	if (place.where == LISTEN_ADDRESS)
		place.ip = h->ip;
	place.change = change_of(asked, gateway, h);
	return place;
}

struct listen_place listen_effective(enum gateway_ports gateway, struct span host)
{
	struct permit_host h;

	if (!permit_host_read(&h, host, NULL))
		return (struct listen_place){ .where = LISTEN_LOOPBACK };
	return place_of(gateway, &h);
}

/* ---- How wide ------------------------------------------------------------------------------------------------- */

enum width { WIDTH_LOOPBACK, WIDTH_ADDRESS, WIDTH_FAMILY, WIDTH_ALL };

static enum width address_width(const struct ip *a)
{
	if (ip_is_loopback(a))
		return WIDTH_LOOPBACK;
	return ip_kind_of(a) == IP_UNSPECIFIED ? WIDTH_FAMILY : WIDTH_ADDRESS;
}

static enum width place_width(const struct listen_place *place)
{
	static const enum width width[] = {
		[LISTEN_LOOPBACK] = WIDTH_LOOPBACK, [LISTEN_NAME] = WIDTH_ADDRESS, [LISTEN_ALL] = WIDTH_ALL
	};

	return place->where == LISTEN_ADDRESS ? address_width(&place->ip) : width[place->where];
}

static enum width word_width(const struct permit_word *w)
{
	if (w->kind == HOST_LITERAL)
		return address_width(&w->range.base);
	if (w->kind == HOST_NAME)
		return strcmp(w->host, "localhost") == 0 ? WIDTH_LOOPBACK : WIDTH_ADDRESS;
	return WIDTH_ALL;
}

/* ---- The lists ------------------------------------------------------------------------------------------------ */

struct ask {
	const struct policy *policy;
	struct permit_host host;
	char lower[PERMIT_HOST_MAX + 1]; /* OpenSSH matches the request in lower case */
	uint32_t port;
	struct listen_place place;
	struct why *rule;
};

/* Port 0 is any port, so only * has it: a range would be overrun by what the kernel chooses. */
static bool fits(const struct permit_word *w, const struct ask *q)
{
	bool host = w->kind == HOST_ALL || w->kind == HOST_STAR || str_match(w->host, q->lower);

	return w->kind != HOST_NONE && host && permit_word_has_port(w, q->port);
}

/* True when a word fits that is wide enough. *narrow is a word that fits and is not. */
static bool list_permits(const struct strs *words, const struct ask *q, const char **narrow)
{
	if (strs_has(words, "none"))
		return false;
	for (size_t i = 0; i < words->n; i++) {
		struct permit_word w;

		if (permit_word_parse(&w, words->v[i], WORD_LISTEN, NULL) || !fits(&w, q))
			continue;
		if (place_width(&q->place) <= word_width(&w))
			return true;
		*narrow = words->v[i];
	}
	return !words->n;
}

static bool lists_permit(const struct ask *q)
{
	static const char *const keyword[POLICY_LISTS] = { "PermitListen", "permitlisten of the key" };
	char show[128];

	for (int i = 0; i < POLICY_LISTS; i++) {
		const char *narrow = NULL;

		if (list_permits(&q->policy->permit_listen[i], q, &narrow))
			continue;
		if (!narrow)
			return permit_refuse(q->rule, "%s", keyword[i]);
		str_escape(show, sizeof(show), span_str(narrow));
		return permit_refuse(q->rule, "%s %s: GatewayPorts would bind more than it names", keyword[i], show);
	}
	return true;
}

/* The administrator's words alone: a user's file must not open the ports that are root's (RFC 4254 section 7.1). */
static bool names_port(const struct ask *q)
{
	const struct strs *words = &q->policy->permit_listen[POLICY_ADMIN];

	for (size_t i = 0; i < words->n; i++) {
		struct permit_word w;

		if (!permit_word_parse(&w, words->v[i], WORD_LISTEN, NULL) && fits(&w, q) && !w.any_port)
			return true;
	}
	return false;
}

static bool port_allowed(struct ask *q)
{
	q->place.privileged = q->port > 0 && q->port < 1024;
	if (!q->place.privileged || q->policy->root || names_port(q))
		return true;
	return permit_refuse(q->rule, "port %u is root's: no PermitListen names it", q->port);
}

/* ---- The questions -------------------------------------------------------------------------------------------- */

/* Nobody binds these by their own wish; 0.0.0.0 and :: as such are somebody's wish. */
static bool bindable(const struct ip *a, struct why *rule)
{
	static const struct ip any4 = { 4, { 0 } }, any6 = { 6, { 0 } };
	enum ip_kind kind = ip_kind_of(a);

	if (kind == IP_ORDINARY || kind == IP_LINK_LOCAL || ip_equal(a, &any4) || ip_equal(a, &any6))
		return true;
	return permit_refuse(rule, "guarded: %s", ip_kind_text(kind));
}

static bool begin(struct ask *q, struct span host)
{
	if (q->port > 65535)
		return permit_refuse(q->rule, "bad port %u", q->port);
	if (!permit_host_read(&q->host, host, q->rule))
		return false;
	if (q->host.zone)
		return permit_refuse(q->rule, "bad name: a zone");
	memcpy(q->lower, q->host.text, sizeof(q->lower));
	str_lower(q->lower);
	q->place = place_of(q->policy->gateway, &q->host);
	return permit_side(q->policy->tcp, POLICY_REMOTE, "AllowTcpForwarding", q->rule) && port_allowed(q);
}

enum permit permit_listen_request(const struct policy *p, struct span host, uint32_t port, struct listen_place *out,
				  struct why *rule)
{
	struct ask q = { .policy = p, .port = port, .rule = rule };

	if (!begin(&q, host) || !lists_permit(&q))
		return PERMIT_NO;
	if (q.place.where == LISTEN_ADDRESS && !bindable(&q.place.ip, rule))
		return PERMIT_NO;
	*out = q.place;
	return q.place.where == LISTEN_NAME ? PERMIT_ASK : PERMIT_YES;
}

bool permit_listen_address(const struct policy *p, struct span host, uint32_t port, const struct ip *a,
			   struct why *rule)
{
	struct ask q = { .policy = p, .port = port, .rule = rule };

	if (!begin(&q, host))
		return false;
	if (q.place.where == LISTEN_NAME && (!bindable(a, rule) || address_width(a) == WIDTH_FAMILY))
		return permit_refuse(rule, "guarded: a name that stands for %s", ip_kind_text(ip_kind_of(a)));
	return lists_permit(&q);
}

bool permit_listen_path(const struct policy *p, struct span path, struct why *rule)
{
	char text[PERMIT_PATH_MAX + 1];

	return permit_path_read(text, path, rule) &&
	       permit_side(p->streamlocal, POLICY_REMOTE, "AllowStreamLocalForwarding", rule);
}
