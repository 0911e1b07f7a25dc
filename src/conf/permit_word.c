/* host:port and its relatives. OpenSSH's forms (sshd_config(5), PermitOpen and PermitListen), and our CIDR, port ranges
 * and patterns. */
#include "conf/permit_word.h"

#include "base/span.h"
#include "base/str.h"
#include "conf/policy.h"

/* The parts of a word, without brackets. A NULL port is one that was not said. */
struct cut {
	char text[POLICY_WORD_MAX + 1];
	char *host, *port;
	bool bracketed;
};

static int cut_bracketed(struct cut *c)
{
	char *end = strchr(c->text, ']');

	if (!end || (end[1] && end[1] != ':'))
		return ERR_SYNTAX;
	*end = 0;
	c->host = c->text + 1;
	c->port = end[1] ? end + 2 : NULL;
	c->bracketed = true;
	return OK;
}

/* Without brackets there is one colon. A range of IPv6 alone, which DenyOpen takes, has more and no port; "::1:80"
 * could be meant either way. */
static int cut_plain(struct cut *c)
{
	char *colon = strchr(c->text, ':');
	struct ip_range r;

	c->host = c->text;
	if (!colon)
		return OK;
	if (strchr(colon + 1, ':'))
		return strchr(colon, '/') ? ip_range_parse(&r, c->text) : ERR_SYNTAX;
	*colon = 0;
	c->port = colon + 1;
	return OK;
}

/* What it means that one part is missing: PermitListen has a port alone, DenyOpen a host alone. */
static int fill_in(struct cut *c, enum word_list list, struct why *why)
{
	static char star[] = "*";

	if (!c->port && list == WORD_LISTEN && !c->bracketed) {
		c->port = c->host;
		c->host = star;
	}
	if (!c->port && list == WORD_DENY)
		c->port = star;
	if (!c->port)
		return why_set(why, ERR_SYNTAX, "no port (host:port, or host:* for all)");
	return c->host[0] ? OK : why_set(why, ERR_SYNTAX, "no host (*:port for all)");
}

static int read_port(const char *s, uint32_t *out)
{
	uint64_t v;

	if (str_u64(s, 1, 65535, &v))
		return ERR_SYNTAX;
	*out = (uint32_t)v;
	return OK;
}

static int read_ports(struct permit_word *w, char *s, struct why *why)
{
	char *dash = strchr(s, '-');

	w->any_port = strcmp(s, "*") == 0;
	if (w->any_port)
		return OK;
	if (dash)
		*dash = 0;
	if (read_port(s, &w->from) || read_port(dash ? dash + 1 : s, &w->to) || w->from > w->to)
		return why_set(why, ERR_SYNTAX, "the port is not *, nor 1 to 65535, nor a range of such (8000-8099)");
	return OK;
}

static bool is_visible(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return false;
	return true;
}

static bool has_letter(const char *s)
{
	for (; *s; s++)
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))
			return true;
	return false;
}

/* A pattern of numbers matches 10.example.com as well as 10.0.0.1: who writes one means a range. */
static int check_pattern(const char *host, enum word_list list, struct why *why)
{
	if (list != WORD_LISTEN && (strchr(host, ':') || !has_letter(host)))
		return why_set(why, ERR_SYNTAX, "a pattern is for names; write a range of addresses as 10.0.0.0/8");
	return OK;
}

/* Denying "127.1" as a name would not deny 127.0.0.1. */
static int check_name(const char *host, enum word_list list, struct why *why)
{
	if (list == WORD_DENY && !has_letter(host))
		return why_set(why, ERR_SYNTAX, "the host is neither a name nor an address in full (127.0.0.1)");
	return OK;
}

/* "fe80::1%eth0" has the address in front. */
static bool is_literal(const char *host, struct ip_range *out)
{
	size_t n = strcspn(host, "%");
	char addr[IP_TEXT];

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, host, n);
	addr[n] = 0;
	return ip_range_parse(out, addr) == OK;
}

static int read_slashed(struct permit_word *w, enum word_list list, struct why *why)
{
	w->kind = w->host[0] == '/' ? HOST_PATH : HOST_RANGE;
	if (w->kind == HOST_PATH && list == WORD_OPEN)
		return OK;
	if (w->kind == HOST_RANGE && list != WORD_LISTEN && !ip_range_parse(&w->range, w->host))
		return OK;
	return why_set(why, ERR_SYNTAX, "the host is no range of addresses (10.0.0.0/8, bits behind the prefix zero)");
}

static int read_host(struct permit_word *w, enum word_list list, struct why *why)
{
	if (!is_visible(w->host) || strpbrk(w->host, "[]!,\"'\\"))
		return why_set(why, ERR_SYNTAX, "the host has characters that no host has");
	if (strchr(w->host, '/'))
		return read_slashed(w, list, why);
	if (is_literal(w->host, &w->range))
		w->kind = HOST_LITERAL;
	else if (strcmp(w->host, "*") == 0)
		w->kind = HOST_STAR;
	else
		w->kind = strpbrk(w->host, "*?") ? HOST_PATTERN : HOST_NAME;
	if (w->kind == HOST_NAME)
		return check_name(w->host, list, why);
	return w->kind == HOST_PATTERN ? check_pattern(w->host, list, why) : OK;
}

static int parse_parts(struct permit_word *w, const char *word, enum word_list list, struct why *why)
{
	struct cut c = { .port = NULL };
	int err;

	memcpy(c.text, word, strlen(word) + 1);
	if (word[0] == '[' ? cut_bracketed(&c) : cut_plain(&c))
		return why_set(why, ERR_SYNTAX, "not host:port (an IPv6 address belongs into [brackets])");
	err = fill_in(&c, list, why);
	if (err)
		return err;
	if (strlen(c.host) > PERMIT_HOST_MAX)
		return why_set(why, ERR_SYNTAX, "the host is longer than %d bytes", PERMIT_HOST_MAX);
	memcpy(w->host, c.host, strlen(c.host) + 1);
	err = read_host(w, list, why);
	return err ? err : read_ports(w, c.port, why);
}

static int parse(struct permit_word *w, const char *word, enum word_list list, struct why *why)
{
	if (strlen(word) > POLICY_WORD_MAX)
		return why_set(why, ERR_SYNTAX, "longer than %d bytes", POLICY_WORD_MAX);
	w->kind = HOST_NONE;
	if (strcmp(word, "none") == 0)
		return OK;
	w->kind = HOST_ALL;
	w->any_port = true;
	if (strcmp(word, "any") == 0)
		return list == WORD_DENY ? why_set(why, ERR_SYNTAX, "to deny everything, write *") : OK;
	return parse_parts(w, word, list, why);
}

int permit_word_parse(struct permit_word *out, const char *word, enum word_list list, struct why *why)
{
	static const char *const keyword[] = { "PermitOpen", "PermitListen", "DenyOpen" };
	struct permit_word w = { 0 };
	int err = parse(&w, word, list, why);
	char show[64];

	if (err)
		return why_prefix(why, err, "%s '%s'", keyword[list], str_escape(show, sizeof(show), span_str(word)));
	*out = w;
	return OK;
}
