/* The parser of configuration files. */
#include "conf/parse.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/lex.h"

enum { SHOW = 200 };

/* Puts "FILE line N: " in front of the sentence. */
static int located(const struct place *p, int err, struct why *why)
{
	char show[SHOW];

	if (!err)
		return OK;
	return why_prefix(why, err, "%s line %u", str_escape(show, sizeof(show), span_str(p->at.file)), p->at.line);
}

static int refuse(const struct place *p, struct why *why, const char *what)
{
	return located(p, why_set(why, ERR_SYNTAX, "%s", what), why);
}

/* ---- Include -------------------------------------------------------------------------------------------------- */

/* What an included file says about Host and Match ends with it: it gets a copy of the place. */
static int include_files(const struct place *p, char *const *paths, size_t n, struct why *why)
{
	struct place inside = *p;
	int err = OK;

	inside.depth++;
	p->grammar->enter(&inside);
	for (size_t i = 0; !err && i < n; i++) {
		err = parse_file(inside, paths[i], p->grammar->included, why);
		if (err == ERR_NOT_FOUND) /* it went away, or is a dangling link */
			err = OK;
	}
	return err;
}

static int include_word(const struct place *p, const char *word, struct why *why)
{
	char *pattern;
	glob_t found = { 0 };
	int err = p->grammar->pattern(p, word, &pattern, why);

	if (err)
		return located(p, err, why);
	int result = glob(pattern, 0, NULL, &found);
	free(pattern);
	if (result == 0)
		err = include_files(p, found.gl_pathv, found.gl_pathc, why);
	else if (result != GLOB_NOMATCH)
		err = refuse(p, why, "Include: the files cannot be listed");
	globfree(&found);
	return err;
}

static int do_include(struct place *p, const struct args *args, struct why *why)
{
	int err = OK;

	if (p->depth >= CONF_DEPTH_MAX)
		return refuse(p, why, "Too many recursive configuration includes");
	for (size_t i = 0; !err && i < args->words.n; i++)
		err = *args->words.v[i] ? include_word(p, args->words.v[i], why)
					: refuse(p, why, "keyword include empty argument");
	return err;
}

/* ---- Lines ---------------------------------------------------------------------------------------------------- */

static int do_keyword(struct place *p, unsigned opt, const struct args *args, struct why *why)
{
	const struct option *o = &p->grammar->table->rows[opt];
	bool steers = o->type == T_HOST || o->type == T_MATCH || o->type == T_INCLUDE;

	if (steers && p->at.line == 0)
		return why_set(why, ERR_SYNTAX, "%s directive not supported as a command-line option", o->name);
	if (o->type == T_INCLUDE)
		return do_include(p, args, why);
	return located(p, p->grammar->keyword(p, opt, args, why), why);
}

static int unknown(const struct place *p, const char *keyword, struct why *why)
{
	char file[SHOW], show[SHOW];
	int tolerated = p->grammar->tolerates ? p->grammar->tolerates(p, keyword) : 0;

	if (tolerated)
		return tolerated > 0 ? OK : why_set(why, ERR_NOMEM, "out of memory");
	return why_set(why, ERR_SYNTAX, "%s: line %u: Bad configuration option: %s",
		       str_escape(file, sizeof(file), span_str(p->at.file)), p->at.line,
		       str_escape(show, sizeof(show), span_str(keyword)));
}

static void cut_tail(char *line)
{
	size_t n = strlen(line);

	while (n && strchr(LEX_BLANK "\f", line[n - 1]))
		n--;
	line[n] = 0;
}

int parse_line(struct place *p, char *line, struct why *why)
{
	char *rest = line, *keyword, show[SHOW];
	struct args args = { 0 };

	cut_tail(line);
	keyword = lex_item(&rest);
	if (keyword && !*keyword)
		keyword = lex_item(&rest); /* there was white space in front */
	if (!keyword && rest)
		return refuse(p, why, "invalid quotes");
	if (!keyword || !*keyword || *keyword == '#')
		return OK;
	str_lower(keyword);
	args.line = rest ? rest + strspn(rest, LEX_BLANK) : "";
	if (!*args.line)
		return located(p,
			       why_set(why, ERR_SYNTAX, "no argument after keyword \"%s\"",
				       str_escape(show, sizeof(show), span_str(keyword))),
			       why);
	unsigned opt = option_find(p->grammar->table, keyword);
	if (opt == p->grammar->table->n)
		return unknown(p, keyword, why);
	int err = lex_words(&args.words, args.line);
	if (err)
		err = err == ERR_SYNTAX ? refuse(p, why, "invalid quotes") : why_set(why, err, "out of memory");
	else
		err = do_keyword(p, opt, &args, why);
	strs_fini(&args.words);
	return err;
}

/* One line of a text, without its LF. */
static int parse_span(struct place *p, struct span line, struct why *why)
{
	char *copy;

	if (line.n > CONF_LINE_MAX)
		return refuse(p, why, "the line is longer than 65536 bytes");
	if (line.n && memchr(line.p, 0, line.n))
		return refuse(p, why, "there is a NUL byte in the line");
	copy = str_from_span(line);
	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = parse_line(p, copy, why);
	free(copy);
	return err;
}

int parse_text(struct place *p, struct span text, struct why *why)
{
	int err = OK;

	while (!err && text.n) {
		const uint8_t *lf = memchr(text.p, '\n', text.n);
		size_t n = lf ? (size_t)(lf - text.p) : text.n;

		p->at.line++;
		err = parse_span(p, span(text.p, n), why);
		n += lf != NULL;
		text = span(text.p + n, text.n - n);
	}
	return err;
}

int parse_said(struct place *p, const char *line, struct why *why)
{
	char *copy = strdup(line);

	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = parse_line(p, copy, why);
	free(copy);
	return err;
}

int parse_file(struct place p, const char *path, enum file_trust trust, struct why *why)
{
	struct buf text = FILE_BUF;
	int err = files_read(p.files, &text, path, p.grammar->what, trust, why);

	if (!err) {
		p.at = (struct origin){ files_name(p.files, path), 0 };
		err = p.at.file ? parse_text(&p, buf_span(&text), why) : why_set(why, ERR_NOMEM, "out of memory");
	}
	buf_fini(&text);
	return err;
}
