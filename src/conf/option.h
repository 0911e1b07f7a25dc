/* The keywords of options.def as rows, and the precedence of what is said about them. */
#ifndef ADIT_CONF_OPTION_H
#define ADIT_CONF_OPTION_H

#include "conf/value.h"

/* Where a value comes from that nobody said. */
extern const struct origin origin_default;

const struct option *option_row(enum conf_opt opt);
/* By its name or an old one, in any case; OPT_COUNT when there is none. */
enum conf_opt option_find(const char *keyword);

/* Copies the field; its strings stay the configuration's. Zero for types without one. */
void option_get(union value *v, const struct client_conf *conf, enum conf_opt opt);

/* Parses and, where `wanted` and nothing was said before (or the type adds), keeps the value and where it came from.
 * OK, ERR_SYNTAX, ERR_NOMEM. */
int option_set(struct client_conf *conf, enum conf_opt opt, const struct args *args, struct origin at, bool wanted,
	       struct why *why) MUST_CHECK;
/* Adds a value that is there already, for types that add; it is empty afterwards in any case. */
int option_add(struct client_conf *conf, enum conf_opt opt, union value *more, struct origin at,
	       struct why *why) MUST_CHECK;
/* option_set() for one word that is not quoted. */
int option_set_word(struct client_conf *conf, enum conf_opt opt, const char *word, struct origin at,
		    struct why *why) MUST_CHECK;
/* Takes what is said back. */
void option_unset(struct client_conf *conf, enum conf_opt opt);

#endif
