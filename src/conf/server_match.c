/* What is not known about a connection matches nothing, as with sshd -C. No memory is needed to judge. */
#include "conf/server_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/addrlist.h"
#include "conf/lex.h"

enum { SHOW = 128, NAME_MAX_BYTES = 1024 };

struct criterion {
	const struct kind *kind;
	char *arg;
	bool yes; /* of those that are settled when they are read */
};

static bool matches(const char *patterns, const char *subject)
{
	return subject && str_match_list(patterns, subject) == LIST_YES;
}

/* Lists were checked when they were read. */
static enum list_match match_address(const char *list, const struct ip *ip)
{
	enum list_match m = LIST_NO;

	return ip->family && addrlist_match(list, ip, &m) == OK ? m : LIST_NO;
}

/* ---- Names ---------------------------------------------------------------------------------------------------- */

/* Host names have no case. */
static enum list_match match_name(const char *patterns, const char *name)
{
	char lower_patterns[NAME_MAX_BYTES], lower_name[NAME_MAX_BYTES];
	size_t n = strlen(patterns), m = strlen(name);

	if (n >= sizeof(lower_patterns) || m >= sizeof(lower_name))
		return LIST_NO;
	memcpy(lower_patterns, patterns, n + 1);
	memcpy(lower_name, name, m + 1);
	str_lower(lower_patterns);
	str_lower(lower_name);
	return str_match_list(lower_patterns, lower_name);
}

/* Without a name the address as text stands for it. */
static enum list_match match_host(const struct server_who *who, const char *patterns)
{
	char text[IP_TEXT];

	if (who->host)
		return match_name(patterns, who->host);
	return who->address.family ? match_name(patterns, ip_text(&who->address, text)) : LIST_NO;
}

bool match_client(const struct server_who *who, const char *patterns)
{
	enum list_match by_address = match_address(patterns, &who->address);
	enum list_match by_name = match_host(who, patterns);

	return by_address != LIST_NEGATED && by_name != LIST_NEGATED && (by_address == LIST_YES || by_name == LIST_YES);
}

bool match_groups(const struct server_who *who, const char *patterns)
{
	const struct strs *groups = who->user && who->groups ? who->groups(who->ctx) : NULL;
	bool found = false;

	for (size_t i = 0; groups && i < groups->n; i++) {
		enum list_match m = str_match_list(patterns, groups->v[i]);

		if (m == LIST_NEGATED)
			return false;
		found = found || m == LIST_YES;
	}
	return found;
}

/* ---- Criteria ------------------------------------------------------------------------------------------------- */

static bool on_user(const struct criterion *c, const struct server_who *who)
{
	return matches(c->arg, who->user);
}

static bool on_group(const struct criterion *c, const struct server_who *who)
{
	return match_groups(who, c->arg);
}

static bool on_host(const struct criterion *c, const struct server_who *who)
{
	return match_host(who, c->arg) == LIST_YES;
}

static bool on_address(const struct criterion *c, const struct server_who *who)
{
	return match_address(c->arg, &who->address) == LIST_YES;
}

static bool on_local_address(const struct criterion *c, const struct server_who *who)
{
	return match_address(c->arg, &who->local_address) == LIST_YES;
}

static bool on_local_port(const struct criterion *c, const struct server_who *who)
{
	uint64_t port;

	return str_u64(c->arg, 1, 65535, &port) == OK && port == who->local_port;
}

static bool on_invalid_user(const struct criterion *c, const struct server_who *who)
{
	(void)c;
	return who->user && who->no_such_user;
}

static bool on_settled(const struct criterion *c, const struct server_who *who)
{
	(void)who;
	return c->yes;
}

/* ---- Checks of the argument: OK or ERR_SYNTAX ----------------------------------------------------------------- */

static int check_port(const char *arg)
{
	uint64_t port;

	return str_u64(arg, 1, 65535, &port);
}

static int check_host(const char *arg)
{
	return strlen(arg) < NAME_MAX_BYTES ? OK : ERR_SYNTAX;
}

static int check_never(const char *arg)
{
	(void)arg;
	return ERR_SYNTAX;
}

static const struct kind {
	const char *name;
	bool (*holds)(const struct criterion *c, const struct server_who *who);
	bool alone; /* no argument */
	int (*check)(const char *arg);
} kinds[] = {
	{ "user", on_user, false, NULL },
	{ "group", on_group, false, NULL },
	{ "host", on_host, false, check_host },
	{ "address", on_address, false, addrlist_check },
	{ "localaddress", on_local_address, false, addrlist_check },
	{ "localport", on_local_port, false, check_port },
	{ "invalid-user", on_invalid_user, true, NULL },
	{ "version", on_settled, false, NULL },
	{ "rdomain", on_settled, false, check_never },
};

/* ---- The line ------------------------------------------------------------------------------------------------- */

static const struct kind *find(const char *name)
{
	for (size_t i = 0; i < LEN(kinds); i++)
		if (str_eq_nocase(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

static bool is_end(const char *item)
{
	return !item || !*item || *item == '#';
}

static int add(struct criteria *out, const struct kind *kind, const char *arg, const struct server_facts *facts,
	       struct why *why)
{
	struct criterion *v = realloc(out->v, (out->n + 1) * sizeof(*v));

	if (!v)
		return why_set(why, ERR_NOMEM, "out of memory");
	out->v = v;
	v += out->n;
	*v = (struct criterion){ .kind = kind, .arg = strdup(arg) };
	if (!v->arg)
		return why_set(why, ERR_NOMEM, "out of memory");
	v->yes = kind->holds == on_settled && matches(arg, facts->version);
	out->n++;
	return OK;
}

static int on_item(struct criteria *out, char **rest, const char *name, const struct server_facts *facts,
		   struct why *why)
{
	const struct kind *kind = find(name);
	const char *arg = kind && kind->alone ? "" : NULL;
	char show[SHOW];

	if (!kind)
		return why_set(why, ERR_SYNTAX, "Unsupported Match attribute %s",
			       str_escape(show, sizeof(show), span_str(name)));
	if (!kind->alone) {
		arg = lex_item(rest);
		if (is_end(arg))
			return why_set(why, ERR_SYNTAX, "missing argument for Match '%s'", kind->name);
	}
	if (kind->check && kind->check(arg))
		return why_set(why, ERR_SYNTAX, "Match %s: '%s' is not understood", kind->name,
			       str_escape(show, sizeof(show), span_str(arg)));
	return add(out, kind, arg, facts, why);
}

static int read_items(struct criteria *out, char *line, const struct server_facts *facts, struct why *why)
{
	char *rest = line, *item = NULL;
	int err = OK;

	while (!err && !is_end(item = lex_item(&rest))) {
		if (!str_eq_nocase(item, "all")) {
			err = on_item(out, &rest, item, facts, why);
			continue;
		}
		if (out->n || !is_end(lex_item(&rest)))
			return why_set(why, ERR_SYNTAX, "'all' cannot be combined with other Match attributes");
		out->all = true;
		return OK;
	}
	if (err)
		return err;
	if (!item && rest)
		return why_set(why, ERR_SYNTAX, "invalid quotes");
	return out->n ? OK : why_set(why, ERR_SYNTAX, "One or more attributes required for Match");
}

int criteria_read(struct criteria *out, char *line, const struct server_facts *facts, struct why *why)
{
	struct criteria read = { 0 };
	int err = read_items(&read, line, facts, why);

	if (err)
		criteria_fini(&read);
	*out = read;
	return err;
}

void criteria_fini(struct criteria *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].arg);
	free(c->v);
	*c = (struct criteria){ 0 };
}

bool criteria_hold(const struct criteria *c, const struct server_who *who)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->v[i].kind->holds(&c->v[i], who))
			return false;
	return true;
}
