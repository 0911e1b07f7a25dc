/* The parser of configuration files. A file is read whole before the first line counts, with a ceiling that does not
 * trust its size: a device or a pipe that never ends is no danger. */
#include "conf/parse.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "conf/expand.h"
#include "conf/lex.h"
#include "conf/match.h"
#include "conf/option.h"

enum { SHOW = 200, READ_AT_ONCE = 16384 };

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

/* ---- Host, Match, Include ------------------------------------------------------------------------------------- */

static int do_host(struct place *p, const struct args *args, struct why *why)
{
	if (p->at.line == 0)
		return why_set(why, ERR_SYNTAX, "Host directive not supported as a command-line option");
	for (size_t i = 0; i < args->words.n; i++)
		if (!*args->words.v[i])
			return refuse(p, why, "keyword host empty argument");
	if (!args->words.n)
		return refuse(p, why, "keyword host without a pattern");
	p->inactive = !match_host(p, &args->words);
	return OK;
}

static int do_match(struct place *p, const struct args *args, struct why *why)
{
	char *copy;
	bool holds;

	if (p->at.line == 0)
		return why_set(why, ERR_SYNTAX, "Match directive not supported as a command-line option");
	copy = strdup(args->line);
	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = match_criteria(p, copy, &holds, why);
	free(copy);
	if (!err)
		p->inactive = !holds;
	return located(p, err, why);
}

/* The pattern with its ~, tokens and variables, and with the folder that a relative one stands in. */
static int include_pattern(const struct place *p, const char *word, char **pattern, struct why *why)
{
	const char *folder = p->user_file ? "~/.ssh/" : "/etc/ssh/";
	bool anchored = *word == '/' || *word == '~';
	char *whole, *host;

	if (*word == '~' && !p->user_file)
		return why_set(why, ERR_SYNTAX, "bad include path: ~ has no meaning in the system's file");
	size_t n = strlen(folder) + strlen(word) + 1;
	whole = malloc(n);
	if (!whole)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(whole, n, "%s%s", anchored ? "" : folder, word);
	int err = match_real_host(p, &host, why);
	if (!err) {
		err = expand(pattern, p->conf, host, whole, TOKENS_MOST, EXPAND_TILDE | EXPAND_ENV, why);
		free(host);
	}
	free(whole);
	return err;
}

/* What an included file says about Host and Match ends with it. */
static int include_files(const struct place *p, char *const *paths, size_t n, struct why *why)
{
	struct place inside = *p;
	int err = OK;

	inside.depth++;
	inside.never = p->never || p->inactive;
	for (size_t i = 0; !err && i < n; i++) {
		err = parse_file(inside, paths[i], TRUST_OWN, why);
		if (err == ERR_NOT_FOUND) /* it went away, or is a dangling link */
			err = OK;
	}
	return err;
}

static int include_word(const struct place *p, const char *word, struct why *why)
{
	char *pattern;
	glob_t found = { 0 };
	int err = include_pattern(p, word, &pattern, why);

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

	if (p->at.line == 0)
		return why_set(why, ERR_SYNTAX, "Include directive not supported as a command-line option");
	if (p->depth >= CONF_DEPTH_MAX)
		return refuse(p, why, "Too many recursive configuration includes");
	for (size_t i = 0; !err && i < args->words.n; i++)
		err = *args->words.v[i] ? include_word(p, args->words.v[i], why)
					: refuse(p, why, "keyword include empty argument");
	return err;
}

/* ---- Lines ---------------------------------------------------------------------------------------------------- */

static int do_keyword(struct place *p, enum conf_opt opt, const struct args *args, struct why *why)
{
	switch (option_row(opt)->type) {
	case T_HOST:
		return do_host(p, args, why);
	case T_MATCH:
		return do_match(p, args, why);
	case T_INCLUDE:
		return do_include(p, args, why);
	default:
		return located(p, option_set(p->conf, opt, args, p->at, !p->inactive && !p->never, why), why);
	}
}

/* Do the patterns of IgnoreUnknown cover this lower-case keyword? 1, 0, or ERR_NOMEM. */
static int is_tolerated(const struct client_conf *conf, const char *keyword)
{
	char *patterns;

	if (!conf->ignore_unknown)
		return 0;
	patterns = strdup(conf->ignore_unknown);
	if (!patterns)
		return ERR_NOMEM;
	str_lower(patterns);
	bool yes = str_match_list(patterns, keyword) == LIST_YES;
	free(patterns);
	return yes;
}

static int unknown(const struct place *p, const char *keyword, struct why *why)
{
	char file[SHOW], show[SHOW];
	int tolerated = is_tolerated(p->conf, keyword);

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
	enum conf_opt opt = option_find(keyword);
	if (opt == OPT_COUNT)
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

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static int trusted(FILE *f, const struct client_conf *conf, const char *show, struct why *why)
{
	struct stat st;

	if (fstat(fileno(f), &st) == 0 && (st.st_uid == 0 || st.st_uid == conf->facts->uid) && !(st.st_mode & 022))
		return OK;
	return why_set(why, ERR_SYNTAX, "Bad owner or permissions on %s", show);
}

static int read_all(FILE *f, struct buf *out, const char *show, struct why *why)
{
	uint8_t piece[READ_AT_ONCE];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), f)) > 0) {
		if (out->n + n > CONF_FILE_MAX)
			return why_set(why, ERR_SYNTAX, "%s: longer than 16 MiB", show);
		buf_bytes(out, span(piece, n));
	}
	if (ferror(f))
		return why_set(why, ERR_IO, "%s: %s", show, strerror(errno));
	return buf_err(out) ? why_set(why, ERR_NOMEM, "out of memory") : OK;
}

static int load(struct buf *out, const struct client_conf *conf, const char *path, enum file_trust trust,
		struct why *why)
{
	char show[SHOW];
	FILE *f = fopen(path, "re");

	str_escape(show, sizeof(show), span_str(path));
	if (!f && (errno == ENOENT || errno == ENOTDIR))
		return why_set(why, ERR_NOT_FOUND, "Can't open user config file %s: %s", show, strerror(errno));
	if (!f)
		return why_set(why, ERR_IO, "Can't open user config file %s: %s", show, strerror(errno));
	int err = trust == TRUST_OWN ? trusted(f, conf, show, why) : OK;
	if (!err)
		err = read_all(f, out, show, why);
	fclose(f);
	return err;
}

/* The name as a string that lives as long as the configuration. */
static const char *keep_name(struct client_conf *conf, const char *path)
{
	for (size_t i = 0; i < conf->files.n; i++)
		if (strcmp(conf->files.v[i], path) == 0)
			return conf->files.v[i];
	return strs_add(&conf->files, path) ? NULL : conf->files.v[conf->files.n - 1];
}

int parse_file(struct place p, const char *path, enum file_trust trust, struct why *why)
{
	struct buf text = BUF(CONF_FILE_MAX + READ_AT_ONCE);
	int err = p.conf->reads++ < CONF_READS_MAX ? OK : why_set(why, ERR_SYNTAX, "%s: too many files included", path);

	if (!err)
		err = load(&text, p.conf, path, trust, why);
	if (!err) {
		p.at = (struct origin){ keep_name(p.conf, path), 0 };
		err = p.at.file ? parse_text(&p, buf_span(&text), why) : why_set(why, ERR_NOMEM, "out of memory");
	}
	buf_fini(&text);
	return err;
}
