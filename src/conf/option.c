/* Rows are found by name; first value wins. */
#include "conf/option.h"

#include <string.h>

#include "base/str.h"
#include "conf/lex.h"
#include "crypto/crypto.h"

#define CHOICES(field) const struct choice choices_##field[]

CHOICES(yesno) = { { "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 }, { NULL, 0 } };
CHOICES(family) = { { "inet", FAMILY_INET }, { "inet6", FAMILY_INET6 }, { "any", FAMILY_ANY }, { NULL, 0 } };
CHOICES(crypto_backend) = {
	{ "auto", CRYPTO_AUTO }, { "openssl", CRYPTO_OPENSSL }, { "ipsec-mb", CRYPTO_IPSEC_MB }, { NULL, 0 }
};
CHOICES(log_level) = {
	{ "SILENT", LOG_LEVEL_QUIET },
	{ "QUIET", LOG_LEVEL_QUIET },
	{ "FATAL", LOG_LEVEL_FATAL },
	{ "ERROR", LOG_LEVEL_ERROR },
	{ "INFO", LOG_LEVEL_INFO },
	{ "VERBOSE", LOG_LEVEL_VERBOSE },
	{ "DEBUG", LOG_LEVEL_DEBUG1 },
	{ "DEBUG1", LOG_LEVEL_DEBUG1 },
	{ "DEBUG2", LOG_LEVEL_DEBUG2 },
	{ "DEBUG3", LOG_LEVEL_DEBUG3 },
	{ NULL, 0 },
};

const struct origin origin_default = { "default", 0 };
const struct origin origin_command_line = { "command-line", 0 };

unsigned option_find(const struct table *t, const char *keyword)
{
	for (unsigned i = 0; i < t->n; i++)
		if (str_eq_nocase(t->rows[i].name, keyword))
			return i;
	for (size_t i = 0; i < t->n_aliases; i++)
		if (str_eq_nocase(t->aliases[i].old, keyword))
			return t->aliases[i].opt;
	return t->n;
}

static struct origin *at_of(const struct table *t, void *conf, unsigned opt)
{
	return (struct origin *)(void *)((char *)conf + t->at) + opt;
}

const struct origin *option_at(const struct table *t, const void *conf, unsigned opt)
{
	return (const struct origin *)(const void *)((const char *)conf + t->at) + opt;
}

bool option_said(const struct table *t, const void *conf, unsigned opt)
{
	const char *file = option_at(t, conf, opt)->file;

	return file && file != origin_default.file;
}

/* Fields are copied in and out, because an int among them is not aligned as the union is. */
static void put(const struct table *t, void *conf, unsigned opt, const union value *v)
{
	memcpy((char *)conf + t->rows[opt].offset, v, value_size(t->rows[opt].type));
}

void option_get(union value *v, const struct table *t, const void *conf, unsigned opt)
{
	value_load(v, (const char *)conf + t->rows[opt].offset, t->rows[opt].type);
}

int option_add(const struct store *s, unsigned opt, union value *more, struct origin at, struct why *why)
{
	struct origin *said = at_of(s->table, s->conf, opt);
	union value v;

	option_get(&v, s->table, s->conf, opt);
	int err = value_add(&v, more, s->table->rows[opt].type, why);
	put(s->table, s->conf, opt, &v);
	if (!err && !said->file)
		*said = at;
	return err;
}

int option_set(const struct store *s, unsigned opt, const struct args *args, struct origin at, bool wanted,
	       struct why *why)
{
	const struct option *o = &s->table->rows[opt];
	struct origin *said = at_of(s->table, s->conf, opt);
	union value v;
	int err = value_parse(&v, o, &s->ours, args, why);

	if (err)
		return err;
	if (!wanted || (said->file && !value_adds(o->type))) {
		value_fini(&v, o->type);
		return OK;
	}
	if (value_adds(o->type))
		return option_add(s, opt, &v, at, why);
	put(s->table, s->conf, opt, &v);
	*said = at;
	return OK;
}

int option_set_word(const struct store *s, unsigned opt, const char *word, struct origin at, struct why *why)
{
	struct args args = { .line = word };
	int err = strs_add(&args.words, word);

	err = err ? why_set(why, err, "out of memory") : option_set(s, opt, &args, at, true, why);
	strs_fini(&args.words);
	return err;
}

int option_set_default(const struct store *s, unsigned opt, struct why *why)
{
	const char *text = s->table->rows[opt].def;
	struct args args = { .line = text };
	int err = lex_words(&args.words, text);

	assert(err != ERR_SYNTAX);
	err = err ? why_set(why, err, "out of memory") : option_set(s, opt, &args, origin_default, true, why);
	strs_fini(&args.words);
	return err;
}

int option_set_defaults(const struct store *s, struct why *why)
{
	int err = OK;

	for (unsigned opt = 0; !err && opt < s->table->n; opt++)
		if (!option_at(s->table, s->conf, opt)->file && s->table->rows[opt].def)
			err = option_set_default(s, opt, why);
	return err;
}

void option_unset(const struct table *t, void *conf, unsigned opt)
{
	union value v;

	option_get(&v, t, conf, opt);
	value_fini(&v, t->rows[opt].type);
	put(t, conf, opt, &v);
	*at_of(t, conf, opt) = (struct origin){ 0 };
}

void option_unset_all(const struct table *t, void *conf)
{
	for (unsigned opt = 0; opt < t->n; opt++)
		option_unset(t, conf, opt);
}
