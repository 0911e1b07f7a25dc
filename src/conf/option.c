/* Rows are made from options.def; first value wins. */
#include "conf/option.h"

#include <string.h>

#include "base/str.h"

#define CHOICES(field) static const struct choice choices_##field[]

CHOICES(yesno) = { { "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 }, { NULL, 0 } };
CHOICES(family) = { { "inet", FAMILY_INET }, { "inet6", FAMILY_INET6 }, { "any", FAMILY_ANY }, { NULL, 0 } };
CHOICES(strict_host_key) = {
	{ "true", CHECK_YES },
	{ "false", CHECK_NO },
	{ "yes", CHECK_YES },
	{ "no", CHECK_NO },
	{ "ask", CHECK_ASK },
	{ "off", CHECK_NO },
	{ "accept-new", CHECK_ACCEPT_NEW },
	{ NULL, 0 },
};
CHOICES(update_host_keys) = {
	{ "true", ANSWER_YES }, { "false", ANSWER_NO }, { "yes", ANSWER_YES },
	{ "no", ANSWER_NO },	{ "ask", ANSWER_ASK },	{ NULL, 0 },
};
CHOICES(crypto_backend) = {
	{ "auto", CRYPTO_AUTO }, { "openssl", CRYPTO_OPENSSL }, { "ipsec-mb", CRYPTO_IPSEC_MB }, { NULL, 0 }
};
/* The two extra words say how a signature is bound to the connection, which here is always the plain way: both mean on.
 */
CHOICES(pubkey_auth) = { { "true", 1 },	   { "false", 0 },	{ "yes", 1 }, { "no", 0 },
			 { "unbound", 2 }, { "host-bound", 3 }, { NULL, 0 } };
CHOICES(session_type) = {
	{ "none", SESSION_NONE }, { "subsystem", SESSION_SUBSYSTEM }, { "default", SESSION_DEFAULT }, { NULL, 0 }
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
CHOICES(canonicalize) = { { "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 }, { "always", 2 }, { NULL, 0 } };
CHOICES(tunnel) = { { "ethernet", 2 }, { "point-to-point", 1 },
		    { "true", 1 },     { "false", 0 },
		    { "yes", 1 },      { "no", 0 },
		    { NULL, 0 } };

/* Types with a field, and types without, for which `field` is empty. */
#define AT(field)	  offsetof(struct client_conf, field)
#define OFFSET_YESNO(f)	  AT(f)
#define OFFSET_CHOICE(f)  AT(f)
#define OFFSET_NUMBER(f)  AT(f)
#define OFFSET_COUNT(f)	  AT(f)
#define OFFSET_PORT(f)	  AT(f)
#define OFFSET_SECONDS(f) AT(f)
#define OFFSET_MASK(f)	  AT(f)
#define OFFSET_WORD(f)	  AT(f)
#define OFFSET_LINE(f)	  AT(f)
#define OFFSET_KEX(f)	  AT(f)
#define OFFSET_CIPHER(f)  AT(f)
#define OFFSET_MAC(f)	  AT(f)
#define OFFSET_SIG(f)	  AT(f)
#define OFFSET_WORDS(f)	  AT(f)
#define OFFSET_TARGETS(f) AT(f)
#define OFFSET_EACH(f)	  AT(f)
#define OFFSET_FORWARD(f) AT(f)
#define OFFSET_REKEY(f)	  AT(f)
#define OFFSET_QOS(f)	  AT(f)
#define OFFSET_SKIP(f)	  0
#define OFFSET_HOST(f)	  0
#define OFFSET_MATCH(f)	  0
#define OFFSET_INCLUDE(f) 0

#define CHOICES_YESNO(f)   choices_yesno
#define CHOICES_CHOICE(f)  choices_##f
#define CHOICES_NUMBER(f)  NULL
#define CHOICES_COUNT(f)   NULL
#define CHOICES_PORT(f)	   NULL
#define CHOICES_SECONDS(f) NULL
#define CHOICES_MASK(f)	   NULL
#define CHOICES_WORD(f)	   NULL
#define CHOICES_LINE(f)	   NULL
#define CHOICES_KEX(f)	   NULL
#define CHOICES_CIPHER(f)  NULL
#define CHOICES_MAC(f)	   NULL
#define CHOICES_SIG(f)	   NULL
#define CHOICES_WORDS(f)   NULL
#define CHOICES_TARGETS(f) NULL
#define CHOICES_EACH(f)	   NULL
#define CHOICES_FORWARD(f) NULL
#define CHOICES_REKEY(f)   NULL
#define CHOICES_QOS(f)	   NULL
#define CHOICES_SKIP(f)	   NULL
#define CHOICES_HOST(f)	   NULL
#define CHOICES_MATCH(f)   NULL
#define CHOICES_INCLUDE(f) NULL

static const struct option rows[] = {
#define OPT(name, type, field, standing, def, help) \
	[OPT_##name] = { #name, T_##type, standing, OFFSET_##type(field), CHOICES_##type(field), def, help },
#include "conf/options.def"
};

static const struct {
	const char *old;
	enum conf_opt opt;
} aliases[] = {
#define ALIAS(old, name) { #old, OPT_##name },
#include "conf/options.def"
};

const struct origin origin_default = { "default", 0 };

const struct option *option_row(enum conf_opt opt)
{
	return &rows[opt];
}

const char *conf_opt_name(enum conf_opt opt)
{
	return rows[opt].name;
}

enum conf_opt option_find(const char *keyword)
{
	for (size_t i = 0; i < LEN(rows); i++)
		if (str_eq_nocase(rows[i].name, keyword))
			return (enum conf_opt)i;
	for (size_t i = 0; i < LEN(aliases); i++)
		if (str_eq_nocase(aliases[i].old, keyword))
			return aliases[i].opt;
	return OPT_COUNT;
}

/* Fields are copied in and out, because an int among them is not aligned as the union is. */
static void put(struct client_conf *conf, enum conf_opt opt, const union value *v)
{
	memcpy((char *)conf + rows[opt].offset, v, value_size(rows[opt].type));
}

void option_get(union value *v, const struct client_conf *conf, enum conf_opt opt)
{
	value_load(v, (const char *)conf + rows[opt].offset, rows[opt].type);
}

int option_add(struct client_conf *conf, enum conf_opt opt, union value *more, struct origin at, struct why *why)
{
	union value v;

	option_get(&v, conf, opt);
	int err = value_add(&v, more, rows[opt].type, why);
	put(conf, opt, &v);
	if (!err && !conf->at[opt].file)
		conf->at[opt] = at;
	return err;
}

int option_set(struct client_conf *conf, enum conf_opt opt, const struct args *args, struct origin at, bool wanted,
	       struct why *why)
{
	const struct option *o = &rows[opt];
	bool first = !conf->at[opt].file;
	union value v;
	int err = value_parse(&v, o, conf, args, why);

	if (err)
		return err;
	if (!wanted || (!first && !value_adds(o->type))) {
		value_fini(&v, o->type);
		return OK;
	}
	if (value_adds(o->type))
		return option_add(conf, opt, &v, at, why);
	put(conf, opt, &v);
	conf->at[opt] = at;
	return OK;
}

int option_set_word(struct client_conf *conf, enum conf_opt opt, const char *word, struct origin at, struct why *why)
{
	struct args args = { .line = word };
	int err = strs_add(&args.words, word);

	err = err ? why_set(why, err, "out of memory") : option_set(conf, opt, &args, at, true, why);
	strs_fini(&args.words);
	return err;
}

void option_unset(struct client_conf *conf, enum conf_opt opt)
{
	union value v;

	option_get(&v, conf, opt);
	value_fini(&v, rows[opt].type);
	put(conf, opt, &v);
	conf->at[opt] = (struct origin){ 0 };
}
