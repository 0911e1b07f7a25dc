/* Host patterns and Match criteria. A criterion after one that failed is read but not tried: exec runs nothing then. */
#include "conf/client_match.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/expand.h"
#include "conf/lex.h"

enum { SHOW = 128 };

static const struct client_conf *conf_of(const struct place *p)
{
	return p->conf;
}

bool match_host(const struct place *p, const struct strs *patterns)
{
	bool found = false;

	for (size_t i = 0; i < patterns->n; i++) {
		const char *pattern = patterns->v[i];
		bool negated = *pattern == '!';

		if (!str_match(pattern + negated, p->host))
			continue;
		if (negated)
			return false;
		found = true;
	}
	return found;
}

int match_real_host(const struct place *p, char **host, struct why *why)
{
	const struct client_conf *conf = p->conf;
	const char *name = p->final ? NULL : conf->host_name;

	return expand(host, conf, p->host, name ? name : p->host, name ? TOKENS_HOST : TOKENS_NONE, 0, why);
}

/* ---- Criteria with an argument -------------------------------------------------------------------------------- */

static int try_list(const char *subject, const char *patterns, bool *holds)
{
	*holds = str_match_list(patterns, subject ? subject : "") == LIST_YES;
	return OK;
}

static int on_host(struct place *p, const char *arg, bool *holds, struct why *why)
{
	char *host;
	int err = match_real_host(p, &host, why);

	if (err)
		return err;
	err = try_list(host, arg, holds);
	free(host);
	return err;
}

static int on_original(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why;
	return try_list(conf_of(p)->host_arg, arg, holds);
}

static int on_user(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why;
	return try_list(expand_user(conf_of(p)), arg, holds);
}

static int on_local_user(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why;
	return try_list(conf_of(p)->facts->local_user, arg, holds);
}

static int on_tag(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why;
	return try_list(conf_of(p)->tag, arg, holds);
}

static int on_version(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why;
	return try_list(conf_of(p)->facts->version, arg, holds);
}

/* There is never a remote command and never a session. */
static int on_command(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why, (void)p;
	return try_list("", arg, holds);
}

static int on_session_type(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)why, (void)p;
	return try_list("none", arg, holds);
}

static int on_exec(struct place *p, const char *arg, bool *holds, struct why *why)
{
	const struct conf_facts *facts = conf_of(p)->facts;
	char *host, *command;

	if (!facts->exec)
		return why_set(why, ERR_SYNTAX, "Match exec is not possible here");
	int err = match_real_host(p, &host, why);
	if (err)
		return err;
	err = expand(&command, p->conf, host, arg, TOKENS_MOST, 0, why);
	free(host);
	if (err)
		return err;
	err = facts->exec(facts->user, command, why);
	free(command);
	*holds = err > 0;
	return err < 0 ? err : OK;
}

static int on_local_network(struct place *p, const char *arg, bool *holds, struct why *why)
{
	(void)p, (void)arg, (void)holds;
	return why_set(why, ERR_SYNTAX, "Match localnetwork is not supported; use Match exec");
}

static const struct criterion {
	const char *name;
	int (*try)(struct place *p, const char *arg, bool *holds, struct why *why);
} criteria_table[] = {
	{ "host", on_host },
	{ "originalhost", on_original },
	{ "user", on_user },
	{ "localuser", on_local_user },
	{ "exec", on_exec },
	{ "tagged", on_tag },
	{ "version", on_version },
	{ "command", on_command },
	{ "sessiontype", on_session_type },
	{ "localnetwork", on_local_network },
};

/* ---- The line ------------------------------------------------------------------------------------------------- */

/* The line at work. */
struct criteria {
	struct place *p;
	char *rest;
	struct why *why;
	size_t seen;
	bool holds, over;
};

static void and (struct criteria * c, bool yes, bool negated)
{
	c->holds = c->holds && yes != negated;
}

/* "all" stands alone, or behind one other: canonical and final are meant, and ssh takes any. */
static int on_all(struct criteria *c, bool negated)
{
	char *next = lex_item(&c->rest);

	if (c->seen > 1 || (next && *next && *next != '#'))
		return why_set(c->why, ERR_SYNTAX, "'all' cannot be combined with other Match attributes");
	and(c, true, negated);
	c->over = true;
	return OK;
}

static int on_pass(struct criteria *c, const char *name, bool negated)
{
	if (str_eq_nocase(name, "final"))
		((struct client_conf *)c->p->conf)->wants_final_pass = true;
	c->seen++;
	and(c, c->p->final, negated);
	return OK;
}

static const struct criterion *find(const char *name)
{
	for (size_t i = 0; i < LEN(criteria_table); i++)
		if (str_eq_nocase(criteria_table[i].name, name))
			return &criteria_table[i];
	return NULL;
}

static int on_criterion(struct criteria *c, const char *name, bool negated)
{
	const struct criterion *k = find(name);
	char show[SHOW], *arg;
	bool yes = false;

	if (!k)
		return why_set(c->why, ERR_SYNTAX, "Unsupported Match attribute %s",
			       str_escape(show, sizeof(show), span_str(name)));
	arg = lex_item(&c->rest);
	if (!arg || !*arg || *arg == '#')
		return why_set(c->why, ERR_SYNTAX, "missing argument for Match '%s'", k->name);
	c->seen++;
	if (!c->holds)
		return OK;
	int err = k->try(c->p, arg, &yes, c->why);
	if (!err)
		and(c, yes, negated);
	return err;
}

static int on_item(struct criteria *c, char *item)
{
	bool negated = *item == '!';
	const char *name = item + negated;

	if (str_eq_nocase(name, "all"))
		return on_all(c, negated);
	if (str_eq_nocase(name, "final") || str_eq_nocase(name, "canonical"))
		return on_pass(c, name, negated);
	return on_criterion(c, name, negated);
}

int match_criteria(struct place *p, char *criteria, bool *holds, struct why *why)
{
	/* Nothing is tried where nothing can count, but faults are still found. */
	struct criteria c = { .p = p, .rest = criteria, .why = why, .holds = !p->never };
	char *item = NULL;
	int err = OK;

	while (!err && !c.over && (item = lex_item(&c.rest)) && *item && *item != '#')
		err = on_item(&c, item);
	if (err)
		return err;
	if (!c.over && !item && c.rest)
		return why_set(why, ERR_SYNTAX, "invalid quotes");
	if (!c.over && !c.seen)
		return why_set(why, ERR_SYNTAX, "One or more attributes required for Match");
	*holds = c.holds;
	return OK;
}
