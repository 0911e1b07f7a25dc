/* The two ways in which ssh_config(5) splits a line: items for keywords and Match, words for everything else. */
#include "conf/lex.h"

#include <stdlib.h>
#include <string.h>

static char *skip_blank(char *s)
{
	return s + strspn(s, LEX_BLANK);
}

/* The item ends in a quoted piece, which begins at `quote`; what stands before it belongs to the item too. */
static char *quoted_item(char **s, char *quote)
{
	char *start = *s, *close = strchr(quote + 1, '"');

	*s = quote;
	if (!close)
		return NULL;
	size_t n = (size_t)(close - quote - 1);
	memmove(quote, quote + 1, n);
	quote[n] = 0;
	*s = skip_blank(close + 1);
	return start;
}

char *lex_item(char **s)
{
	char *start = *s;

	if (!start)
		return NULL;
	char *end = start + strcspn(start, LEX_BLANK "\"=");
	if (*end == '"')
		return quoted_item(s, end);
	if (!*end) {
		*s = NULL;
		return start;
	}
	bool equals = *end == '=';
	*end = 0;
	end = skip_blank(end + 1);
	if (!equals && *end == '=')
		end = skip_blank(end + 1);
	*s = end;
	return start;
}

/* Does the backslash at s make the next byte ordinary? Elsewhere a backslash stands for itself. */
static bool escapes(const char *s, char quote)
{
	return s[0] == '\\' && (s[1] == '\'' || s[1] == '"' || s[1] == '\\' || (!quote && s[1] == ' '));
}

/* Copies one word without its quotes; gives the place behind it, or NULL where a quote has no partner. */
static const char *copy_word(char *to, const char *s)
{
	char quote = 0;

	for (; *s; s++) {
		if (escapes(s, quote))
			*to++ = *++s;
		else if (!quote && (*s == ' ' || *s == '\t'))
			break;
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
		else if (quote && *s == quote)
			quote = 0;
		else
			*to++ = *s;
	}
	*to = 0;
	return quote ? NULL : s;
}

int lex_words(struct strs *out, const char *s)
{
	for (s += strspn(s, " \t"); *s && *s != '#'; s += strspn(s, " \t")) {
		char *word = malloc(strlen(s) + 1);

		if (!word)
			return ERR_NOMEM;
		s = copy_word(word, s);
		if (!s) {
			free(word);
			return ERR_SYNTAX;
		}
		int err = strs_take(out, word);
		if (err)
			return err;
	}
	return OK;
}
