/* What a configuration says about one user: may they log in, where are their keys, how long may a channel be idle. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/number.h"
#include "conf/server_match.h"

enum { SHOW = 128, PATTERN_MAX = 1024, PATH_BYTES_MAX = 4096 };

/* ---- AllowUsers and its like ---------------------------------------------------------------------------------- */

/* "name" or "name@client", both patterns; a user name may have an '@' of its own, so the last one counts. */
static bool fits_user(const char *pattern, const struct server_who *who)
{
	const char *at = strrchr(pattern, '@');
	char name[PATTERN_MAX];
	size_t n = at ? (size_t)(at - pattern) : strlen(pattern);

	if (n >= sizeof(name))
		return false;
	memcpy(name, pattern, n);
	name[n] = 0;
	return str_match(name, who->user) && (!at || match_client(who, at + 1));
}

static const char *find_user(const struct strs *patterns, const struct server_who *who)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (fits_user(patterns->v[i], who))
			return patterns->v[i];
	return NULL;
}

static const char *find_group(const struct strs *patterns, const struct server_who *who)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (match_groups(who, patterns->v[i]))
			return patterns->v[i];
	return NULL;
}

int server_conf_admits(const struct server_conf *conf, const struct server_who *who, struct why *why)
{
	const char *denied = find_user(&conf->deny_users, who);
	char show[SHOW];

	if (denied)
		return why_set(why, ERR_DENIED, "DenyUsers %s", str_escape(show, sizeof(show), span_str(denied)));
	if (conf->allow_users.n && !find_user(&conf->allow_users, who))
		return why_set(why, ERR_DENIED, "AllowUsers does not have this user");
	denied = find_group(&conf->deny_groups, who);
	if (denied)
		return why_set(why, ERR_DENIED, "DenyGroups %s", str_escape(show, sizeof(show), span_str(denied)));
	if (conf->allow_groups.n && !find_group(&conf->allow_groups, who))
		return why_set(why, ERR_DENIED, "AllowGroups has none of the user's groups");
	return OK;
}

/* ---- ChannelTimeout ------------------------------------------------------------------------------------------- */

static bool is_for(const char *pattern, const char *type)
{
	return strcmp(type, "global") == 0 ? strcmp(pattern, type) == 0 : str_match(pattern, type);
}

int server_conf_idle_seconds(const struct server_conf *conf, const char *type)
{
	for (size_t i = 0; i < conf->channel_timeouts.n; i++) {
		const char *word = conf->channel_timeouts.v[i], *equals = strchr(word, '=');
		size_t n = (size_t)(equals - word);
		char pattern[PATTERN_MAX];
		int seconds;

		if (n >= sizeof(pattern))
			continue;
		memcpy(pattern, word, n);
		pattern[n] = 0;
		if (is_for(pattern, type) && number_seconds(equals + 1, &seconds) == OK)
			return seconds;
	}
	return 0;
}

/* ---- Paths ---------------------------------------------------------------------------------------------------- */

/* One user's path at work. */
struct work {
	const char *user, *home;
	uid_t uid;
	struct buf out;
	struct why *why;
};

static int put_home(struct work *w)
{
	if (!w->home)
		return why_set(w->why, ERR_NOT_FOUND, "the user has no home directory");
	buf_printf(&w->out, "%s", w->home);
	return OK;
}

static int put_user(struct work *w)
{
	if (strchr(w->user, '/') || !*w->user || *w->user == '.')
		return why_set(w->why, ERR_DENIED, "this name cannot be part of a path");
	buf_printf(&w->out, "%s", w->user);
	return OK;
}

static int put_token(struct work *w, char token)
{
	switch (token) {
	case 'h':
		return put_home(w);
	case 'u':
		return put_user(w);
	case 'U':
		if (!w->home)
			return why_set(w->why, ERR_NOT_FOUND, "the user has no number");
		buf_printf(&w->out, "%lu", (unsigned long)w->uid);
		return OK;
	case '%':
		buf_u8(&w->out, '%');
		return OK;
	}
	return why_set(w->why, ERR_SYNTAX, "a token that is not %%h, %%u, %%U or %%%%");
}

static int put_path(struct work *w, const char *path)
{
	bool relative = *path != '/' && strncmp(path, "%h", 2) != 0;
	int err = relative ? put_home(w) : OK;

	if (relative)
		buf_u8(&w->out, '/');
	for (; !err && *path; path++) {
		if (*path != '%') {
			buf_u8(&w->out, (uint8_t)*path);
			continue;
		}
		err = put_token(w, path[1]);
		path += path[1] != 0;
	}
	return err;
}

int server_conf_path(char **out, const char *path, const char *user, const char *home, uid_t uid, struct why *why)
{
	struct work w = { user, home, uid, BUF(PATH_BYTES_MAX), why };
	int err = put_path(&w, path);
	char *text = err || buf_err(&w.out) ? NULL : str_from_span(buf_span(&w.out));

	buf_fini(&w.out);
	if (err)
		return err;
	if (!text)
		return why_set(why, ERR_NOMEM, "out of memory, or a path of more than %d bytes", PATH_BYTES_MAX);
	*out = text;
	return OK;
}
