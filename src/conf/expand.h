/* ~, %-tokens and ${VARIABLE} in values (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES). */
#ifndef ADIT_CONF_EXPAND_H
#define ADIT_CONF_EXPAND_H

#include "conf/client_conf.h"

/* The tokens of most keywords; without r where the user name itself is being made. */
#define TOKENS_MOST "CdhijkLlnpru"
#define TOKENS_USER "dhijkLlnpu"
#define TOKENS_HOST "h"
#define TOKENS_NONE ""

enum { EXPAND_TILDE = 1, EXPAND_ENV = 2 };

/* Tokens take their values from the configuration as it stands; %h is `host`.
 * OK: *out is the caller's. ERR_SYNTAX: unknown token, unset variable, no such home; ERR_CRYPTO; ERR_NOMEM. */
int expand(char **out, const struct client_conf *conf, const char *host, const char *text, const char *tokens,
	   unsigned flags, struct why *why) MUST_CHECK;

/* Expands a string of the configuration in place. */
int expand_field(char **field, const struct client_conf *conf, const char *tokens, unsigned flags,
		 struct why *why) MUST_CHECK;

/* What the values are while nothing was said. */
const char *expand_user(const struct client_conf *conf);

#endif
