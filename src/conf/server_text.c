/* Reading: every line is checked where it stands, and kept with its file, its number and the Match that it stands
 * behind. */
#include "conf/server_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/server_table.h"

enum { FIRST_LINES = 64, BLOCKS_MAX = 65536 };

/* ---- What is kept --------------------------------------------------------------------------------------------- */

static int grow_lines(struct server_text *t)
{
	size_t cap = t->lines_cap ? 2 * t->lines_cap : FIRST_LINES;
	struct server_line *v;

	if (t->n_lines < t->lines_cap)
		return OK;
	v = realloc(t->lines, cap * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	t->lines = v;
	t->lines_cap = cap;
	return OK;
}

static int copy_args(struct args *out, const struct args *args)
{
	int err;

	out->line = strdup(args->line);
	err = out->line ? OK : ERR_NOMEM;
	for (size_t i = 0; !err && i < args->words.n; i++)
		err = strs_add(&out->words, args->words.v[i]);
	return err;
}

static void line_fini(struct server_line *l)
{
	strs_fini(&l->args.words);
	free((char *)l->args.line);
}

static int keep(struct place *p, unsigned opt, const struct args *args, struct why *why)
{
	struct server_text *t = p->conf;
	struct server_line line = { .opt = opt, .block = p->block, .at = p->at };

	t->bytes += strlen(args->line);
	if (t->bytes > SERVER_TEXT_MAX)
		return why_set(why, ERR_SYNTAX, "the configuration is longer than 16 MiB");
	if (grow_lines(t) || copy_args(&line.args, args)) {
		line_fini(&line);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	t->lines[t->n_lines++] = line;
	return OK;
}

/* ---- What a line may say -------------------------------------------------------------------------------------- */

/* Reads the value for its faults, and asks whether it can be had. */
static int check(const struct place *p, unsigned opt, const struct args *args, struct why *why)
{
	const struct server_text *t = p->conf;
	const struct option *o = &server_table.rows[opt];
	struct server_conf conf = { 0 };
	struct store s = server_store(&conf, t->facts);
	int err = option_set(&s, opt, args, p->at, true, why);

	if (!err && o->standing == REFUSED && option_asks(&server_table, &conf, opt))
		err = why_set(why, ERR_DENIED, "%s is not supported: %s", o->name, o->help);
	option_unset(&server_table, &conf, opt);
	return err;
}

static int add_block(struct server_text *t, const struct server_block *block)
{
	struct server_block *v = realloc(t->blocks, (t->n_blocks + 1) * sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	t->blocks = v;
	v[t->n_blocks++] = *block;
	return OK;
}

static int read_criteria(struct criteria *out, const struct server_text *t, const char *line, struct why *why)
{
	char *copy;

	if (t->n_blocks >= BLOCKS_MAX)
		return why_set(why, ERR_SYNTAX, "more than %d times Match", BLOCKS_MAX);
	copy = strdup(line);
	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = criteria_read(out, copy, t->facts, why);
	free(copy);
	return err;
}

static int do_match(struct place *p, const struct args *args, struct why *why)
{
	struct server_text *t = p->conf;
	struct server_block block = { .parent = p->parent };
	int err = read_criteria(&block.criteria, t, args->line, why);

	if (err)
		return err;
	block.outside = block.criteria.all && t->blocks[p->parent].outside;
	if (add_block(t, &block)) {
		criteria_fini(&block.criteria);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	p->block = t->n_blocks - 1;
	return OK;
}

/* ---- The grammar ---------------------------------------------------------------------------------------------- */

static int keyword(struct place *p, unsigned opt, const struct args *args, struct why *why)
{
	const struct server_text *t = p->conf;
	const struct option *o = &server_table.rows[opt];

	if (o->type == T_MATCH)
		return do_match(p, args, why);
	if (!o->in_match && !t->blocks[p->block].outside)
		return why_set(why, ERR_SYNTAX, "Directive '%s' is not allowed within a Match block", o->name);
	int err = check(p, opt, args, why);
	return err ? err : keep(p, opt, args, why);
}

static int pattern(const struct place *p, const char *word, char **out, struct why *why)
{
	size_t n = strlen(SERVER_FOLDER) + strlen(word) + 1;

	(void)p;
	if (*word == '~')
		return why_set(why, ERR_SYNTAX, "bad include path: ~ has no meaning here");
	*out = malloc(n);
	if (!*out)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(*out, n, "%s%s", *word == '/' ? "" : SERVER_FOLDER, word);
	return OK;
}

static void enter(struct place *inside)
{
	inside->parent = inside->block;
}

static const struct grammar grammar = {
	.table = &server_table,
	.what = "configuration file",
	.included = TRUST_REGULAR,
	.keyword = keyword,
	.pattern = pattern,
	.enter = enter,
};

static struct place place_in(struct server_text *t, struct origin at)
{
	return (struct place){ .grammar = &grammar, .conf = t, .files = &t->files, .at = at };
}

/* ---- Birth and death ------------------------------------------------------------------------------------------ */

void server_text_free(struct server_text *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_lines; i++)
		line_fini(&t->lines[i]);
	for (unsigned i = 0; i < t->n_blocks; i++)
		criteria_fini(&t->blocks[i].criteria);
	free(t->lines);
	free(t->blocks);
	files_fini(&t->files);
	free(t);
}

/* With what the command line said; *out is to be freed in any case. */
static int start(struct server_text **out, const struct strs *said, const struct server_facts *facts, struct why *why)
{
	const struct server_block outside = { .outside = true };
	struct server_text *t = calloc(1, sizeof(*t));

	*out = t;
	if (!t || add_block(t, &outside))
		return why_set(why, ERR_NOMEM, "out of memory");
	t->facts = facts;
	t->files.uid = facts->uid;
	struct place p = place_in(t, origin_command_line);
	int err = OK;
	for (size_t i = 0; !err && said && i < said->n; i++)
		err = parse_said(&p, said->v[i], why);
	return err;
}

/* Values that do not go together outside Match are found now, not with the first connection. */
static int end(struct server_text **out, struct server_text *t, int err, struct why *why)
{
	struct server_conf conf = { 0 };

	if (!err)
		err = server_conf_eval(&conf, t, NULL, why);
	server_conf_fini(&conf);
	if (err)
		server_text_free(t);
	else
		*out = t;
	return err;
}

int server_text_read(struct server_text **out, const char *path, const struct strs *said,
		     const struct server_facts *facts, struct why *why)
{
	struct server_text *t;
	int err = start(&t, said, facts, why);

	if (!err && !(path && str_eq_nocase(path, "none")))
		err = parse_file(place_in(t, origin_command_line), path ? path : SERVER_FILE, TRUST_REGULAR, why);
	return end(out, t, err, why);
}

int server_text_parse(struct server_text **out, const char *name, struct span text, const struct strs *said,
		      const struct server_facts *facts, struct why *why)
{
	struct server_text *t;
	int err = start(&t, said, facts, why);

	if (!err) {
		struct place p = place_in(t, (struct origin){ files_name(&t->files, name), 0 });

		err = p.at.file ? parse_text(&p, text, why) : why_set(why, ERR_NOMEM, "out of memory");
	}
	return end(out, t, err, why);
}
