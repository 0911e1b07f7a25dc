/* Judging what the files said for one connection: behind a Match first, then the rest, then the defaults. */
#include "conf/server_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/server_table.h"
#include "conf/server_text.h"

/* ---- Which lines count ---------------------------------------------------------------------------------------- */

/* The work on one configuration. */
struct eval {
	struct store store;
	const struct server_text *text;
	struct server_conf *conf;
	bool closed[SERVER_OPT_COUNT]; /* said behind a Match: what stands outside does not add to it */
	struct why *why;
};

/* Values without room for more are settled by the first line. Ports of the command line are not added to either. */
static bool is_late(const struct eval *e, const struct server_line *l)
{
	const struct origin *said = &e->conf->at[l->opt];

	if (e->closed[l->opt])
		return true;
	if (!said->file || !value_adds(server_table.rows[l->opt].type))
		return said->file != NULL;
	return l->opt == SERVER_Port && said->file == origin_command_line.file && l->at.file != said->file;
}

static int apply(struct eval *e, const struct server_line *l)
{
	return is_late(e, l) ? OK : option_set(&e->store, l->opt, &l->args, l->at, true, e->why);
}

static int apply_outside(struct eval *e)
{
	const struct server_text *t = e->text;
	int err = OK;

	for (size_t i = 0; !err && i < t->n_lines; i++)
		if (t->blocks[t->lines[i].block].outside)
			err = apply(e, &t->lines[i]);
	return err;
}

/* Number 0 is what stands outside of every Match. */
static bool holds(const struct server_text *t, unsigned block, const struct server_who *who)
{
	const struct server_block *b = &t->blocks[block];

	return block == 0 || (holds(t, b->parent, who) && criteria_hold(&b->criteria, who));
}

bool server_text_singles_out(const struct server_text *t, const struct server_who *who)
{
	for (unsigned i = 1; i < t->n_blocks; i++)
		if (holds(t, i, who))
			return true;
	return false;
}

static int apply_matching(struct eval *e, const struct server_who *who)
{
	const struct server_text *t = e->text;
	unsigned block = 0;
	bool counts = false; /* the lines of `block` */
	int err = OK;

	for (size_t i = 0; !err && i < t->n_lines; i++) {
		if (t->lines[i].block != block) {
			block = t->lines[i].block;
			counts = block && holds(t, block, who);
		}
		if (counts)
			err = apply(e, &t->lines[i]);
	}
	for (unsigned opt = 0; opt < SERVER_OPT_COUNT; opt++)
		e->closed[opt] = e->conf->at[opt].file != NULL;
	return err;
}

/* ---- Defaults ------------------------------------------------------------------------------------------------- */

static int set_algs(const struct eval *e)
{
	const struct alg_lists *ours = &e->text->facts->algs;
	const struct {
		enum server_opt opt;
		const char *list;
	} lists[] = {
		{ SERVER_KexAlgorithms, ours->kex },
		{ SERVER_Ciphers, ours->cipher },
		{ SERVER_MACs, ours->mac },
		{ SERVER_HostKeyAlgorithms, ours->host_sig },
		{ SERVER_PubkeyAcceptedAlgorithms, ours->user_sig },
		{ SERVER_CASignatureAlgorithms, ours->ca_sig },
	};
	int err = OK;

	for (size_t i = 0; !err && i < LEN(lists); i++)
		if (!e->conf->at[lists[i].opt].file)
			err = option_set_word(&e->store, lists[i].opt, lists[i].list, origin_default, e->why);
	return err;
}

/* overflow6 is overflow's unless said otherwise. */
static void set_overflow6(struct penalties *p)
{
	if (!p->said[PENALTY_OVERFLOW6]) {
		p->v[PENALTY_OVERFLOW6] = p->v[PENALTY_OVERFLOW];
		p->said[PENALTY_OVERFLOW6] = true;
	}
}

static int set_defaults(const struct eval *e)
{
	int err = set_algs(e);

	set_overflow6(&e->conf->penalties);

	err = err ? err : option_set_defaults(&e->store, e->why);
	/* What was said about some penalties leaves the others at their defaults. */
	return err ? err : option_set_default(&e->store, SERVER_PerSourcePenalties, e->why);
}

/* ---- The whole ------------------------------------------------------------------------------------------------ */

int server_conf_eval(struct server_conf *out, const struct server_text *t, const struct server_who *who,
		     struct why *why)
{
	struct server_conf conf = { 0 };
	struct eval e = { server_store(&conf, t->facts), t, &conf, { false }, why };
	int err = who ? apply_matching(&e, who) : OK;

	err = err ? err : apply_outside(&e);
	err = err ? err : set_defaults(&e);
	err = err ? err : server_listens_make(&conf, why);
	if (err)
		server_conf_fini(&conf);
	else
		*out = conf;
	return err;
}

bool server_conf_names_file(const char *path)
{
	return path && !str_eq_nocase(path, "none");
}

void server_conf_fini(struct server_conf *conf)
{
	option_unset_all(&server_table, conf);
	for (size_t i = 0; i < conf->n_listens; i++)
		free(conf->listens[i].host);
	free(conf->listens);
	*conf = (struct server_conf){ 0 };
}

int server_text_notes(const struct server_text *t, conf_emit *emit, void *user)
{
	struct server_conf conf = { 0 };
	struct eval e = { server_store(&conf, t->facts), t, &conf, { false }, NULL };
	int err = OK;

	for (size_t i = 0; !err && i < t->n_lines; i++)
		if (server_table.rows[t->lines[i].opt].standing == IGNORED)
			err = apply(&e, &t->lines[i]);
	if (!err)
		option_notes(&server_table, &conf, emit, user);
	server_conf_fini(&conf);
	return err;
}

/* ---- What follows --------------------------------------------------------------------------------------------- */

unsigned server_conf_tcp(const struct server_conf *conf)
{
	return conf->disable_forwarding ? 0 : (unsigned)conf->allow_tcp;
}

unsigned server_conf_streamlocal(const struct server_conf *conf)
{
	return conf->disable_forwarding ? 0 : (unsigned)conf->allow_streamlocal;
}
