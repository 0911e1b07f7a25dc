/* Host, Match, Include and IgnoreUnknown as ssh_config(5) has them. */
#include "conf/client_grammar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/client_match.h"
#include "conf/client_table.h"
#include "conf/expand.h"

static int do_host(struct place *p, const struct args *args, struct why *why)
{
	for (size_t i = 0; i < args->words.n; i++)
		if (!*args->words.v[i])
			return why_set(why, ERR_SYNTAX, "keyword host empty argument");
	if (!args->words.n)
		return why_set(why, ERR_SYNTAX, "keyword host without a pattern");
	p->inactive = !match_host(p, &args->words);
	return OK;
}

static int do_match(struct place *p, const struct args *args, struct why *why)
{
	char *copy;
	bool holds;

	copy = strdup(args->line);
	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = match_criteria(p, copy, &holds, why);
	free(copy);
	if (!err)
		p->inactive = !holds;
	return err;
}

static int keyword(struct place *p, unsigned opt, const struct args *args, struct why *why)
{
	struct store s = client_store(p->conf);

	if (opt == OPT_Host)
		return do_host(p, args, why);
	if (opt == OPT_Match)
		return do_match(p, args, why);
	return option_set(&s, opt, args, p->at, !p->inactive && !p->never, why);
}

/* The pattern with its ~, tokens and variables, and with the folder that a relative one stands in. */
static int include_pattern(const struct place *p, const char *word, char **pattern, struct why *why)
{
	const char *folder = p->user_file ? "~/.ssh/" : "/etc/ssh/";
	bool anchored = *word == '/' || *word == '~';
	char *whole, *host;

	if (*word == '~' && !p->user_file)
		return why_set(why, ERR_SYNTAX, "bad include path: ~ has no meaning in the system's file");
	size_t n = strlen(folder) + strlen(word) + 1;
	whole = malloc(n);
	if (!whole)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(whole, n, "%s%s", anchored ? "" : folder, word);
	int err = match_real_host(p, &host, why);
	if (!err) {
		err = expand(pattern, p->conf, host, whole, TOKENS_MOST, EXPAND_TILDE | EXPAND_ENV, why);
		free(host);
	}
	free(whole);
	return err;
}

static void enter(struct place *inside)
{
	inside->never = inside->never || inside->inactive;
}

/* Do the patterns of IgnoreUnknown cover this lower-case keyword? 1, 0, or ERR_NOMEM. */
static int tolerates(const struct place *p, const char *keyword)
{
	const struct client_conf *conf = p->conf;
	char *patterns;

	if (!conf->ignore_unknown)
		return 0;
	patterns = strdup(conf->ignore_unknown);
	if (!patterns)
		return ERR_NOMEM;
	str_lower(patterns);
	bool yes = str_match_list(patterns, keyword) == LIST_YES;
	free(patterns);
	return yes;
}

static const struct grammar grammar = {
	.table = &client_table,
	.what = "user config file",
	.included = TRUST_OWN,
	.keyword = keyword,
	.pattern = include_pattern,
	.enter = enter,
	.tolerates = tolerates,
};

struct place client_place(struct client_conf *conf, const char *host)
{
	return (struct place){ .grammar = &grammar, .conf = conf, .files = &conf->files, .host = host };
}
