/* One criterion after the other; groups are asked for when a rule wants them. */
#include "app/whom.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int bad_criterion(const char *word, struct why *why)
{
	char show[128];

	return why_set(why, ERR_SYNTAX,
		       "-C: '%s' is none of user=name, addr=address, host=name, laddr=address, lport=port",
		       str_escape(show, sizeof(show), span_str(word)));
}

static int read_criterion(struct server_who *who, char *word, struct why *why)
{
	char *value = strchr(word, '=');
	uint64_t port;

	if (!value)
		return bad_criterion(word, why);
	*value++ = 0;
	if (strcmp(word, "user") == 0)
		who->user = value;
	else if (strcmp(word, "host") == 0)
		who->host = value;
	else if (strcmp(word, "addr") == 0 && ip_parse(&who->address, value) == OK)
		who->address = ip_unmap(who->address);
	else if (strcmp(word, "laddr") == 0 && ip_parse(&who->local_address, value) == OK)
		who->local_address = ip_unmap(who->local_address);
	else if (strcmp(word, "lport") == 0 && str_u64(value, 1, UINT16_MAX, &port) == OK)
		who->local_port = (uint16_t)port;
	else {
		value[-1] = '=';
		return bad_criterion(word, why);
	}
	return OK;
}

static int read_criteria(struct whom *w, const char *criteria, struct why *why)
{
	int err = OK;

	w->words = strdup(criteria);
	if (!w->words)
		return why_set(why, ERR_NOMEM, "out of memory");
	for (char *rest = w->words, *word; !err && (word = strsep(&rest, ",")) != NULL;)
		err = read_criterion(&w->who, word, why);
	return err;
}

static const struct strs *groups_of(void *ctx)
{
	struct whom *w = ctx;

	if (!w->err)
		w->err = users_groups(&w->account, &w->why);
	w->groups = (struct strs){ w->account.groups, w->account.n_groups };
	return &w->groups;
}

static int find_account(struct whom *w, struct why *why)
{
	int err = users_find(&w->account, w->who.user, why);

	w->who.no_such_user = err == ERR_NOT_FOUND;
	if (!err) {
		w->who.groups = groups_of;
		w->who.ctx = w;
	}
	return err == ERR_NOT_FOUND ? OK : err;
}

int whom_init(struct whom *w, const char *criteria, struct why *why)
{
	int err;

	*w = (struct whom){ 0 };
	err = criteria ? read_criteria(w, criteria, why) : OK;
	if (!err && w->who.user)
		err = find_account(w, why);
	if (err)
		whom_fini(w);
	return err;
}

int whom_check(const struct whom *w, struct why *why)
{
	return w->err ? why_set(why, w->err, "%s", w->why.text) : OK;
}

void whom_fini(struct whom *w)
{
	users_fini(&w->account);
	free(w->words);
	*w = (struct whom){ 0 };
}
