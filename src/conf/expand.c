/* Expansion in one pass: what a token or a variable brings in is not looked at again. */
#include "conf/expand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "crypto/hash.h"

enum { EXPANDED_MAX = 64 * 1024, SHOW = 128 };

/* One expansion at work. */
struct work {
	const struct client_conf *conf;
	const char *host;
	struct buf out;
	struct why *why;
};

const char *expand_user(const struct client_conf *conf)
{
	return conf->user_name ? conf->user_name : conf->facts->local_user;
}

static int port_of(const struct client_conf *conf)
{
	return conf->at[OPT_Port].file ? conf->port : 22;
}

/* %C: SHA-1 over %l%h%p%r%j in hex. It only names files. */
static int put_hash(struct work *w)
{
	char port[8];
	uint8_t digest[HASH_MAX];

	snprintf(port, sizeof(port), "%d", port_of(w->conf));
	const struct span parts[] = { span_str(w->conf->facts->hostname), span_str(w->host), span_str(port),
				      span_str(expand_user(w->conf)) };
	int err = hash_spans(w->conf->facts->crypto, HASH_SHA1, parts, LEN(parts), digest);
	if (err)
		return why_set(w->why, err, "cannot make the hash for %%C");
	for (size_t i = 0; i < hash_size(HASH_SHA1); i++)
		buf_printf(&w->out, "%02x", digest[i]);
	return OK;
}

static int put_home(struct work *w)
{
	const char *home = w->conf->facts->home;

	if (!home)
		return why_set(w->why, ERR_SYNTAX, "there is no home directory for user %s",
			       w->conf->facts->local_user);
	buf_printf(&w->out, "%s", home);
	return OK;
}

static int put_token(struct work *w, char token)
{
	const struct client_conf *conf = w->conf;
	const struct conf_facts *facts = conf->facts;
	const char *text = NULL;

	switch (token) {
	case 'C':
		return put_hash(w);
	case 'd':
		return put_home(w);
	case 'h':
		text = w->host;
		break;
	case 'i':
		buf_printf(&w->out, "%lu", (unsigned long)facts->uid);
		return OK;
	case 'j': /* the jump host: there is none */
		return OK;
	case 'k':
		text = conf->host_key_alias ? conf->host_key_alias : conf->host_arg;
		break;
	case 'L':
		buf_bytes(&w->out, span(facts->hostname, strcspn(facts->hostname, ".")));
		return OK;
	case 'l':
		text = facts->hostname;
		break;
	case 'n':
		text = conf->host_arg;
		break;
	case 'p':
		buf_printf(&w->out, "%d", port_of(conf));
		return OK;
	case 'r':
		text = expand_user(conf);
		break;
	case 'u':
		text = facts->local_user;
		break;
	}
	buf_printf(&w->out, "%s", text ? text : "");
	return OK;
}

/* s points behind "${"; gives the place of the '}' that ends it. */
static const char *put_env(struct work *w, const char *s)
{
	const char *end = strchr(s, '}'), *value;
	char show[SHOW], *name;

	if (!end || end == s) {
		(void)why_set(w->why, ERR_SYNTAX, "'${' without a name and '}'");
		return NULL;
	}
	name = str_from_span(span(s, (size_t)(end - s)));
	if (!name) {
		w->out.err = ERR_NOMEM;
		return end;
	}
	value = w->conf->facts->env ? w->conf->facts->env(w->conf->facts->user, name) : NULL;
	str_escape(show, sizeof(show), span_str(name));
	free(name);
	if (!value) {
		(void)why_set(w->why, ERR_SYNTAX, "env var ${%s} has no value", show);
		return NULL;
	}
	buf_printf(&w->out, "%s", value);
	return end;
}

/* The part up to the first '/': "~" or "~name", where only one's own name can be resolved. */
static int put_tilde(struct work *w, const char **s)
{
	size_t n = strcspn(*s, "/");
	struct span name = span(*s + 1, n - 1);
	char show[SHOW];

	if (name.n && !span_is(name, w->conf->facts->local_user))
		return why_set(w->why, ERR_SYNTAX, "the home of user %s is not looked up; write the whole path",
			       str_escape(show, sizeof(show), name));
	*s += n;
	return put_home(w);
}

static int put_all(struct work *w, const char *s, const char *tokens, unsigned flags)
{
	int err = (flags & EXPAND_TILDE) && *s == '~' ? put_tilde(w, &s) : OK;

	for (; !err && *s; s++) {
		if ((flags & EXPAND_ENV) && s[0] == '$' && s[1] == '{') {
			s = put_env(w, s + 2);
			if (!s)
				return ERR_SYNTAX;
		} else if (*s != '%' || !*tokens) {
			buf_u8(&w->out, (uint8_t)*s);
		} else if (*++s == '%') {
			buf_u8(&w->out, '%');
		} else if (!*s || !strchr(tokens, *s)) {
			char show[8];

			return why_set(w->why, ERR_SYNTAX, "unknown token %%%s (tokens here: %s)",
				       str_escape(show, sizeof(show), span(s, *s != 0)), tokens);
		} else {
			err = put_token(w, *s);
		}
	}
	return err;
}

int expand(char **out, const struct client_conf *conf, const char *host, const char *text, const char *tokens,
	   unsigned flags, struct why *why)
{
	struct work w = { conf, host, BUF(EXPANDED_MAX), why };
	int err = put_all(&w, text, tokens, flags);

	if (!err && buf_err(&w.out))
		err = why_set(why, ERR_NOMEM, "out of memory, or longer than %d bytes after expansion", EXPANDED_MAX);
	char *result = err ? NULL : str_from_span(buf_span(&w.out));
	buf_fini(&w.out);
	if (err)
		return err;
	if (!result)
		return why_set(why, ERR_NOMEM, "out of memory");
	*out = result;
	return OK;
}

int expand_field(char **field, const struct client_conf *conf, const char *tokens, unsigned flags, struct why *why)
{
	char *text;

	if (!*field)
		return OK;
	int err = expand(&text, conf, conf->host, *field, tokens, flags, why);
	if (err)
		return err;
	free(*field);
	*field = text;
	return OK;
}
