/* The text of options: names, quotes and backslashes. */
#include "conf/authkeys_said.h"

#include <stdlib.h>

#include "base/str.h"

/* Bytes up to the quote that ends the text, a backslash taking away the meaning of the next quote; the whole text when
 * there is none. */
static size_t quoted_length(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n && text.p[i + 1] == '"')
			i++;
		else if (text.p[i] == '"')
			return i;
	}
	return text.n;
}

size_t key_options_length(struct span line)
{
	size_t i = 0;

	while (i < line.n && line.p[i] != ' ' && line.p[i] != '\t') {
		size_t skip = line.p[i] == '"' ? quoted_length(span(line.p + i + 1, line.n - i - 1)) + 1 : 0;

		i = MIN(i + skip, line.n);
		i += i < line.n;
	}
	return i;
}

static struct span after(struct span s, size_t n)
{
	return span(s.p + n, s.n - n);
}

/* Without the backslashes in front of quotes. */
static char *unquote(struct span in)
{
	char *text = str_from_span(in), *to = text;

	for (const char *from = text; text && *from; from++) {
		from += from[0] == '\\' && from[1] == '"';
		*to++ = *from;
	}
	if (text)
		*to = 0;
	return text;
}

/* "quoted" at the front of *text, which moves behind it. */
static int read_value(struct span *text, char **value, struct why *why)
{
	struct span in = after(*text, 1);
	size_t n;

	if (!text->n || text->p[0] != '"')
		return why_set(why, ERR_SYNTAX, "a value without quotes");
	n = quoted_length(in);
	if (n == in.n)
		return why_set(why, ERR_SYNTAX, "a quote that does not end");
	*value = unquote(span(in.p, n));
	*text = after(in, n + 1);
	return *value ? OK : ERR_NOMEM;
}

static bool name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

int said_read(struct said *s, struct span *text)
{
	size_t n = 0;
	char show[64];

	while (n < text->n && name_byte(text->p[n]))
		n++;
	if (!n)
		return why_set(s->why, ERR_SYNTAX, "no option at '%s'", str_escape(show, sizeof(show), *text));
	s->name = str_from_span(span(text->p, n));
	if (!s->name)
		return ERR_NOMEM;
	*text = after(*text, n);
	if (!text->n || text->p[0] != '=')
		return OK;
	*text = after(*text, 1);
	return read_value(text, &s->value, s->why);
}
