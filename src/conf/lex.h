/* Words of a configuration line: quotes, backslashes, comments, "keyword=value". Not for what the words mean. */
#ifndef ADIT_CONF_LEX_H
#define ADIT_CONF_LEX_H

#include "conf/strs.h"

#define LEX_BLANK " \t\r\n"

/* Cuts the next item out of *s in place: up to white space or one '=' (with white space around it), or a double-quoted
 * piece. *s moves behind it, NULL at the end. NULL: nothing is left, or a double quote has no partner (then *s is not
 * NULL and points to it). For keywords and for Match. */
char *lex_item(char **s);

/* Splits the arguments of a keyword: white space separates, ' and " hold together, a backslash makes a quote, a
 * backslash or (outside quotes) a space ordinary, # at the start of a word begins a comment. The words are appended.
 * ERR_SYNTAX: a quote has no partner. ERR_NOMEM. */
int lex_words(struct strs *out, const char *s) MUST_CHECK;

#endif
