/* Keywords as rows of a table, one table for each program, and the precedence of what is said about them. */
#ifndef ADIT_CONF_OPTION_H
#define ADIT_CONF_OPTION_H

#include "conf/value.h"

struct alias {
	const char *old;
	unsigned opt;
};

/* A keyword is its number in here: enum conf_opt of the client, enum server_opt of the server. */
struct table {
	const struct option *rows;
	unsigned n;
	const struct alias *aliases;
	size_t n_aliases;
	size_t at; /* offset of the configuration's struct origin[n] */
};

/* A configuration at work. */
struct store {
	const struct table *table;
	void *conf; /* the struct that the table's offsets are of */
	struct alg_lists ours;
};

/* Where a value comes from that nobody said. */
extern const struct origin origin_default;
extern const struct origin origin_command_line;

/* By its name or an old one, in any case; table->n when there is none. */
unsigned option_find(const struct table *t, const char *keyword);

/* Where it was said; file NULL = nowhere yet. */
const struct origin *option_at(const struct table *t, const void *conf, unsigned opt);
/* Was it said anywhere, or is its value the default (or not there yet)? */
bool option_said(const struct table *t, const void *conf, unsigned opt);
/* Copies the field; its strings stay the configuration's. Zero for types without one. */
void option_get(union value *v, const struct table *t, const void *conf, unsigned opt);

/* Parses and, where `wanted` and nothing was said before (or the type adds), keeps the value and where it came from.
 * OK, ERR_SYNTAX, ERR_NOMEM. */
int option_set(const struct store *s, unsigned opt, const struct args *args, struct origin at, bool wanted,
	       struct why *why) MUST_CHECK;
/* Adds a value that is there already, for types that add; it is empty afterwards in any case. */
int option_add(const struct store *s, unsigned opt, union value *more, struct origin at, struct why *why) MUST_CHECK;
/* option_set() for one word that is not quoted. */
int option_set_word(const struct store *s, unsigned opt, const char *word, struct origin at,
		    struct why *why) MUST_CHECK;
/* The row's default, kept as option_set() keeps it. The row has one. */
int option_set_default(const struct store *s, unsigned opt, struct why *why) MUST_CHECK;
/* Every keyword of which nothing was said gets its row's default, where there is one. */
int option_set_defaults(const struct store *s, struct why *why) MUST_CHECK;
/* Takes what is said back. */
void option_unset(const struct table *t, void *conf, unsigned opt);
/* The same for all keywords. */
void option_unset_all(const struct table *t, void *conf);

/* ---- What the user should know (report.c) --------------------------------------------------------------------- */

/* Was something said but no, none or false? For types with a field that is a number, a text or a list. */
bool option_asks(const struct table *t, const void *conf, unsigned opt);
/* ERR_DENIED for the first keyword that is REFUSED and asks for something; the sentence has keyword, file and line. */
int option_supported(const struct table *t, const void *conf, struct why *why) MUST_CHECK;
/* "FILE line N: KEYWORD is ignored: ..." for every keyword that is IGNORED and was said. */
void option_notes(const struct table *t, const void *conf, conf_emit *emit, void *user);
/* "keyword value" for every keyword that is not IGNORED. OK or ERR_NOMEM. */
int option_dump(const struct table *t, const void *conf, conf_emit *emit, void *user) MUST_CHECK;

#endif
