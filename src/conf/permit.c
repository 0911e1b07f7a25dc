/* Destinations. What is permitted is compared as text, as OpenSSH does, so that another spelling can only be refused;
 * what is denied is judged by the binary address, so that another spelling does not help. */
#include "conf/permit.h"

#include "base/str.h"
#include "conf/permit_host.h"

int permit_open_word_check(const char *word, struct why *why)
{
	struct permit_word w;

	return permit_word_parse(&w, word, WORD_OPEN, why);
}

int permit_listen_word_check(const char *word, struct why *why)
{
	struct permit_word w;

	return permit_word_parse(&w, word, WORD_LISTEN, why);
}

int deny_open_word_check(const char *word, struct why *why)
{
	struct permit_word w;

	return permit_word_parse(&w, word, WORD_DENY, why);
}

/* What is asked. `a` is NULL before the name is resolved. */
struct ask {
	const struct policy *policy;
	struct permit_host host;
	uint32_t port;
	const struct ip *a;
	struct why *rule;
};

/* ---- Permits -------------------------------------------------------------------------------------------------- */

/* The kernel reaches ::ffff:10.0.0.1 as 10.0.0.1, so that is what a range must have. What a NAT64 or a relay makes of
 * an address is not known here: those count as they are written. */
static bool in_range(const struct ip *a, const struct ip_range *range)
{
	struct ip real = ip_unmap(*a);

	return ip_in(&real, range);
}

static enum permit word_permits(const struct permit_word *w, const struct ask *q)
{
	if (!permit_word_has_port(w, q->port))
		return PERMIT_NO;
	switch (w->kind) {
	case HOST_ALL:
	case HOST_STAR:
		return PERMIT_YES;
	case HOST_NAME:
	case HOST_LITERAL:
		return strcmp(w->host, q->host.text) == 0 ? PERMIT_YES : PERMIT_NO;
	case HOST_PATTERN:
		return str_match(w->host, q->host.text) ? PERMIT_YES : PERMIT_NO;
	case HOST_RANGE:
		if (!q->a)
			return PERMIT_ASK;
		return in_range(q->a, &w->range) ? PERMIT_YES : PERMIT_NO;
	default:
		return PERMIT_NO;
	}
}

/* An empty list allows all; a word that does not parse allows nothing. */
static enum permit list_permits(const struct strs *words, const struct ask *q)
{
	enum permit best = words->n ? PERMIT_NO : PERMIT_YES;

	for (size_t i = 0; i < words->n && best != PERMIT_YES; i++) {
		struct permit_word w;
		enum permit v = permit_word_parse(&w, words->v[i], WORD_OPEN, NULL) ? PERMIT_NO : word_permits(&w, q);

		if (v != PERMIT_NO)
			best = v;
	}
	return strs_has(words, "none") ? PERMIT_NO : best;
}

/* Both lists must allow it. */
static enum permit lists_permit(const struct ask *q)
{
	static const char *const keyword[POLICY_LISTS] = { "PermitOpen", "permitopen of the key" };
	enum permit verdict = PERMIT_YES;

	for (int i = 0; i < POLICY_LISTS; i++) {
		enum permit v = list_permits(&q->policy->permit_open[i], q);

		if (v == PERMIT_NO) {
			permit_refuse(q->rule, "%s", keyword[i]);
			return v;
		}
		if (v == PERMIT_ASK)
			verdict = v;
	}
	return verdict;
}

/* ---- Denials -------------------------------------------------------------------------------------------------- */

/* localhost. and LOCALHOST are the same name. */
static void normalize(char name[PERMIT_HOST_MAX + 1])
{
	size_t n = strlen(name);

	str_lower(name);
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = 0;
}

static bool same_name(const struct permit_word *w, const char *host)
{
	char pattern[PERMIT_HOST_MAX + 1], name[PERMIT_HOST_MAX + 1];

	memcpy(pattern, w->host, sizeof(pattern));
	memcpy(name, host, sizeof(name));
	normalize(pattern);
	normalize(name);
	return w->kind == HOST_PATTERN ? str_match(pattern, name) : strcmp(pattern, name) == 0;
}

static bool word_denies(const struct permit_word *w, const struct ask *q)
{
	struct ip inner;

	if (!permit_word_has_port(w, q->port))
		return false;
	switch (w->kind) {
	case HOST_STAR:
		return true;
	case HOST_NAME:
	case HOST_PATTERN:
		return same_name(w, q->host.text);
	case HOST_LITERAL:
	case HOST_RANGE:
		inner = q->a ? ip_unwrap(*q->a) : (struct ip){ 0 };
		return q->a && (ip_in(q->a, &w->range) || ip_in(&inner, &w->range));
	default:
		return false;
	}
}

/* A word that does not parse denies everything: it was meant to deny something. */
static bool denied(const struct ask *q)
{
	const struct strs *words = &q->policy->deny_open;
	char show[128];

	for (size_t i = 0; i < words->n; i++) {
		struct permit_word w;

		if (permit_word_parse(&w, words->v[i], WORD_DENY, NULL) || word_denies(&w, q)) {
			str_escape(show, sizeof(show), span_str(words->v[i]));
			permit_refuse(q->rule, "DenyOpen %s", show);
			return true;
		}
	}
	return false;
}

/* ---- The guard ------------------------------------------------------------------------------------------------ */

/* A word of the administrator that has this very address, or a range around it that is not everything. */
static bool names_address(const struct permit_word *w, const struct ask *q)
{
	return (w->kind == HOST_LITERAL || w->kind == HOST_RANGE) && w->range.bits > 0 &&
	       permit_word_has_port(w, q->port) && in_range(q->a, &w->range);
}

/* That address and no other, that port and no other. */
static bool names_exactly(const struct permit_word *w, const struct ask *q)
{
	return w->kind == HOST_LITERAL && !w->any_port && w->from == w->to && names_address(w, q);
}

static bool admin_names(const struct ask *q, bool (*names)(const struct permit_word *w, const struct ask *q))
{
	const struct strs *words = &q->policy->permit_open[POLICY_ADMIN];

	for (size_t i = 0; i < words->n; i++) {
		struct permit_word w;

		if (!permit_word_parse(&w, words->v[i], WORD_OPEN, NULL) && names(&w, q))
			return true;
	}
	return false;
}

static bool guarded(const struct ask *q)
{
	enum ip_kind kind = ip_kind_of(q->a);

	if (kind == IP_ORDINARY || admin_names(q, names_address))
		return false;
	permit_refuse(q->rule, "guarded: %s", ip_kind_text(kind));
	return true;
}

bool permit_open_names(const struct policy *p, const struct ip *a, uint32_t port)
{
	const struct ask q = { .policy = p, .port = port, .a = a };

	return admin_names(&q, names_exactly);
}

/* ---- The two steps -------------------------------------------------------------------------------------------- */

static bool begin(struct ask *q, struct span host)
{
	if (q->port == 0 || q->port > 65535)
		return permit_refuse(q->rule, "bad port %u", q->port);
	if (!host.n)
		return permit_refuse(q->rule, "bad name: empty");
	return permit_host_read(&q->host, host, q->rule) &&
	       permit_side(q->policy->tcp, POLICY_LOCAL, "AllowTcpForwarding", q->rule);
}

static bool address_allowed(const struct ask *q)
{
	return !denied(q) && lists_permit(q) == PERMIT_YES && !guarded(q);
}

enum permit permit_open_request(const struct policy *p, struct span host, uint32_t port, struct why *rule)
{
	struct ask q = { .policy = p, .port = port, .rule = rule };

	if (!begin(&q, host))
		return PERMIT_NO;
	if (q.host.ip.family) {
		q.a = &q.host.ip;
		return address_allowed(&q) ? PERMIT_YES : PERMIT_NO;
	}
	return denied(&q) || lists_permit(&q) == PERMIT_NO ? PERMIT_NO : PERMIT_ASK;
}

bool permit_open_address(const struct policy *p, struct span host, uint32_t port, const struct ip *a, struct why *rule)
{
	struct ask q = { .policy = p, .port = port, .a = a, .rule = rule };

	if (a->family != 4 && a->family != 6)
		return permit_refuse(rule, "no address");
	return begin(&q, host) && address_allowed(&q);
}

/* In OpenSSH a path is a host with a port that only * has. Our patterns are for names of hosts. */
static bool path_permitted(const struct strs *words, const char *path)
{
	bool yes = !words->n;

	for (size_t i = 0; i < words->n; i++) {
		struct permit_word w;

		if (!permit_word_parse(&w, words->v[i], WORD_OPEN, NULL) && w.any_port)
			yes |= w.kind == HOST_ALL || w.kind == HOST_STAR ||
			       (w.kind == HOST_PATH && strcmp(w.host, path) == 0);
	}
	return yes && !strs_has(words, "none");
}

bool permit_open_path(const struct policy *p, struct span path, struct why *rule)
{
	char text[PERMIT_PATH_MAX + 1];

	if (!permit_path_read(text, path, rule) ||
	    !permit_side(p->streamlocal, POLICY_LOCAL, "AllowStreamLocalForwarding", rule))
		return false;
	if (!path_permitted(&p->permit_open[POLICY_ADMIN], text))
		return permit_refuse(rule, "PermitOpen");
	return path_permitted(&p->permit_open[POLICY_KEY], text) || permit_refuse(rule, "permitopen of the key");
}
