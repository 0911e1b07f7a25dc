/* From the sources to the effective configuration: precedence, passes, defaults, checks. The parser is parse.c. */
#include "conf/client_conf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/expand.h"
#include "conf/lex.h"
#include "conf/match.h"
#include "conf/option.h"
#include "conf/parse.h"

enum { SHOW = 200 };

static const struct origin command_line = { "command-line", 0 };
static const struct origin by_default = { "default", 0 };

/* ---- Birth and death ------------------------------------------------------------------------------------------ */

void conf_init(struct client_conf *conf, const struct conf_facts *facts)
{
	*conf = (struct client_conf){ .facts = facts };
}

void conf_fini(struct client_conf *conf)
{
	for (enum conf_opt opt = 0; opt < OPT_COUNT; opt++)
		option_unset(conf, opt);
	free(conf->host_arg);
	free(conf->host);
	free(conf->agent_path);
	strs_fini(&conf->identity_paths);
	strs_fini(&conf->certificate_paths);
	strs_fini(&conf->files);
	*conf = (struct client_conf){ .facts = conf->facts };
}

/* ---- The command line ----------------------------------------------------------------------------------------- */

int conf_set_line(struct client_conf *conf, const char *line, struct why *why)
{
	struct place p = { .conf = conf, .host = "", .at = command_line, .user_file = true };
	char *copy = strdup(line);

	if (!copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = parse_line(&p, copy, why);
	free(copy);
	return err;
}

int conf_set(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why)
{
	return option_set_word(conf, opt, value, command_line, why);
}

int conf_override(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why)
{
	option_unset(conf, opt);
	return option_set_word(conf, opt, value, command_line, why);
}

int conf_add_forward(struct client_conf *conf, const char *text, enum fwd_side side, struct why *why)
{
	enum conf_opt opt = side == FWD_LOCAL ? OPT_LocalForward : OPT_RemoteForward;
	struct fwdspec *f = calloc(1, sizeof(*f));

	if (!f)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = fwdspec_parse(f, text, side, why);
	if (err) {
		free(f);
		return err;
	}
	return option_add(conf, opt, &(union value){ .fwds = { f, 1 } }, command_line, why);
}

/* ---- Host and user -------------------------------------------------------------------------------------------- */

/* What a shell line could take for its own, should a name ever get into one. */
static const char shell_host[] = "'`\"$\\;&<>|(){}";
static const char shell_user[] = "'`\";&<>|(){}";

static bool host_is_clean(const char *s)
{
	if (!*s || *s == '-' || strpbrk(s, shell_host))
		return false;
	for (; *s; s++)
		if (isspace((unsigned char)*s) || iscntrl((unsigned char)*s))
			return false;
	return true;
}

/* A backslash is allowed (DOMAIN\user), but not at the end; so is a space, but no '-' behind it. */
static bool user_is_clean(const char *s)
{
	if (!*s || *s == '-' || strpbrk(s, shell_user) || s[strlen(s) - 1] == '\\')
		return false;
	for (; *s; s++)
		if (iscntrl((unsigned char)*s) || (isspace((unsigned char)*s) && s[1] == '-'))
			return false;
	return true;
}

static int check_host(const char *host, struct why *why)
{
	char show[SHOW];

	if (!*host)
		return why_set(why, ERR_SYNTAX, "the host name is empty");
	if (host_is_clean(host))
		return OK;
	return why_set(why, ERR_SYNTAX, "hostname contains invalid characters: '%s'",
		       str_escape(show, sizeof(show), span_str(host)));
}

static int check_user(const char *user, struct why *why)
{
	char show[SHOW];

	if (!user || user_is_clean(user))
		return OK;
	return why_set(why, ERR_SYNTAX, "remote username contains invalid characters: '%s'",
		       str_escape(show, sizeof(show), span_str(user)));
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static int read_own_file(struct place p, struct why *why)
{
	const char *home = p.conf->facts->home;
	char *path;

	if (!home)
		return OK;
	size_t n = strlen(home) + sizeof("/.ssh/config");
	path = malloc(n);
	if (!path)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(path, n, "%s/.ssh/config", home);
	p.user_file = true;
	int err = parse_file(p, path, TRUST_OWN, why);
	free(path);
	return err == ERR_NOT_FOUND ? OK : err;
}

static int read_files(struct client_conf *conf, const char *host, const char *file, bool final, struct why *why)
{
	struct place p = { .conf = conf, .host = host, .final = final };
	const char *system_file = conf->facts->system_file ? conf->facts->system_file : "/etc/ssh/ssh_config";

	if (file && str_eq_nocase(file, "none"))
		return OK;
	if (file) {
		p.user_file = true;
		int err = parse_file(p, file, TRUST_ANY, why);
		return err == ERR_NOT_FOUND ? ERR_IO : err; /* the user named it */
	}
	int err = read_own_file(p, why);
	if (!err)
		err = parse_file(p, system_file, TRUST_ANY, why);
	return err == ERR_NOT_FOUND ? OK : err;
}

/* The host to connect to. Names are lowered, addresses (with a ':') stay as they are. */
static int resolve_name(struct client_conf *conf, struct why *why)
{
	struct place p = { .conf = conf, .host = conf->host_arg };
	char *host;
	int err = match_real_host(&p, &host, why);

	if (err)
		return err;
	if (!strchr(host, ':'))
		str_lower(host);
	free(conf->host);
	conf->host = host;
	return check_host(host, why);
}

/* In the second pass the host is settled: a HostName that is found there comes too late, as with ssh. */
static int second_pass(struct client_conf *conf, const char *file, struct why *why)
{
	int err = conf->at[OPT_HostName].file ? OK : option_set_word(conf, OPT_HostName, conf->host, by_default, why);

	return err ? err : read_files(conf, conf->host, file, true, why);
}

static int start(struct client_conf *conf, const char *host, struct why *why)
{
	int err = check_host(host, why);

	if (!err)
		err = check_user(conf->user_name, why);
	if (err)
		return err;
	free(conf->host_arg);
	conf->host_arg = strdup(host);
	return conf->host_arg ? OK : why_set(why, ERR_NOMEM, "out of memory");
}

int conf_load(struct client_conf *conf, const char *host, const char *file, struct why *why)
{
	int err = start(conf, host, why);

	if (!err)
		err = read_files(conf, host, file, false, why);
	if (!err)
		err = resolve_name(conf, why);
	if (!err && conf->wants_final_pass)
		err = second_pass(conf, file, why);
	return err;
}

int conf_parse_text(struct client_conf *conf, const char *host, const char *name, struct span text, struct why *why)
{
	struct place p = { .conf = conf, .host = host, .user_file = true };
	int err = start(conf, host, why);

	if (!err && strs_add(&conf->files, name))
		err = why_set(why, ERR_NOMEM, "out of memory");
	if (err)
		return err;
	p.at.file = conf->files.v[conf->files.n - 1];
	err = parse_text(&p, text, why);
	return err ? err : resolve_name(conf, why);
}

/* ---- Defaults ------------------------------------------------------------------------------------------------- */

static int set_default(struct client_conf *conf, enum conf_opt opt, const char *text, struct why *why)
{
	struct args args = { .line = text };
	int err = lex_words(&args.words, text);

	assert(err != ERR_SYNTAX);
	err = err ? why_set(why, err, "out of memory") : option_set(conf, opt, &args, by_default, true, why);
	strs_fini(&args.words);
	return err;
}

/* Further keys are learned only into the usual file: one that the user chose may be meant to stay as it is. */
static const char *default_update(const struct client_conf *conf)
{
	const struct strs *files = &conf->user_known_hosts;

	return files->n == 0 || (files->n == 1 && strcmp(files->v[0], "~/.ssh/known_hosts") == 0) ? "yes" : "no";
}

/* Defaults that are not a constant of options.def. */
static int set_computed(struct client_conf *conf, struct why *why)
{
	static const char *const keys[] = { "~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519" };
	const struct conf_facts *f = conf->facts;
	const struct {
		enum conf_opt opt;
		const char *text;
	} computed[] = {
		{ OPT_UpdateHostKeys, default_update(conf) },
		{ OPT_User, f->local_user },
		{ OPT_KexAlgorithms, f->kex },
		{ OPT_Ciphers, f->cipher },
		{ OPT_MACs, f->mac },
		{ OPT_HostKeyAlgorithms, f->host_key },
		{ OPT_PubkeyAcceptedAlgorithms, f->pubkey },
		{ OPT_CASignatureAlgorithms, f->ca_sig },
	};
	int err = OK;

	for (size_t i = 0; !err && i < LEN(computed); i++)
		if (!conf->at[computed[i].opt].file)
			err = option_set_word(conf, computed[i].opt, computed[i].text, by_default, why);
	bool none = !conf->at[OPT_IdentityFile].file;
	for (size_t i = 0; !err && none && i < LEN(keys); i++)
		err = option_set_word(conf, OPT_IdentityFile, keys[i], by_default, why);
	return err;
}

static int set_defaults(struct client_conf *conf, struct why *why)
{
	int err = set_computed(conf, why);

	for (enum conf_opt opt = 0; !err && opt < OPT_COUNT; opt++)
		if (!conf->at[opt].file && option_row(opt)->def)
			err = set_default(conf, opt, option_row(opt)->def, why);
	return err;
}

/* ---- Expansion ------------------------------------------------------------------------------------------------ */

enum { EXPAND_PATH = EXPAND_TILDE | EXPAND_ENV };

/* A name on the command line is what the user typed; one in a file may have tokens. */
static int expand_user_name(struct client_conf *conf, struct why *why)
{
	bool in_file = conf->at[OPT_User].line > 0;
	int err = in_file ? expand_field(&conf->user_name, conf, TOKENS_USER, EXPAND_ENV, why) : OK;

	return err ? err : check_user(conf->user_name, why);
}

static int expand_forwards(struct client_conf *conf, struct fwds *f, struct why *why)
{
	int err = OK;

	for (size_t i = 0; !err && i < f->n; i++) {
		err = expand_field(&f->v[i].listen.path, conf, TOKENS_MOST, EXPAND_ENV, why);
		if (!err)
			err = expand_field(&f->v[i].connect.path, conf, TOKENS_MOST, EXPAND_ENV, why);
	}
	return err;
}

static int expand_strs(struct client_conf *conf, struct strs *s, struct why *why)
{
	int err = OK;

	for (size_t i = 0; !err && i < s->n; i++)
		err = expand_field(&s->v[i], conf, TOKENS_MOST, EXPAND_PATH, why);
	return err;
}

/* The fields stay as they were written, because that is what -G shows. */
static int expand_paths(struct client_conf *conf, struct strs *out, const struct strs *in, struct why *why)
{
	int err = OK;

	strs_fini(out);
	for (size_t i = 0; !err && i < in->n; i++) {
		char *path;

		if (str_eq_nocase(in->v[i], "none"))
			continue;
		err = expand(&path, conf, conf->host, in->v[i], TOKENS_MOST, EXPAND_PATH, why);
		if (!err && strs_take(out, path))
			err = why_set(why, ERR_NOMEM, "out of memory");
	}
	return err;
}

/* Where the agent listens: by name of a variable, or by path. NULL = no agent. */
static const char *agent_socket(const struct client_conf *conf)
{
	const struct conf_facts *f = conf->facts;
	const char *said = conf->identity_agent, *name = NULL, *path;

	if (!said || strcmp(said, "SSH_AUTH_SOCK") == 0)
		name = "SSH_AUTH_SOCK";
	else if (*said == '$')
		name = said + 1;
	if (said && str_eq_nocase(said, "none"))
		return NULL;
	path = name ? (f->env ? f->env(f->user, name) : NULL) : said;
	return path && *path ? path : NULL;
}

static int find_agent(struct client_conf *conf, struct why *why)
{
	int err = expand_field(&conf->identity_agent, conf, TOKENS_MOST, EXPAND_PATH, why);
	const char *path = err ? NULL : agent_socket(conf);

	if (err || !path)
		return err;
	free(conf->agent_path);
	conf->agent_path = strdup(path);
	return conf->agent_path ? OK : why_set(why, ERR_NOMEM, "out of memory");
}

static int expand_all(struct client_conf *conf, struct why *why)
{
	int err = expand_user_name(conf, why);

	err = err ? err : expand_strs(conf, &conf->user_known_hosts, why);
	err = err ? err : expand_field(&conf->revoked_host_keys, conf, TOKENS_MOST, EXPAND_PATH, why);
	err = err ? err : expand_forwards(conf, &conf->local_forwards, why);
	err = err ? err : expand_forwards(conf, &conf->remote_forwards, why);
	err = err ? err : expand_paths(conf, &conf->identity_paths, &conf->identity_files, why);
	err = err ? err : expand_paths(conf, &conf->certificate_paths, &conf->certificate_files, why);
	return err ? err : find_agent(conf, why);
}

int conf_finish(struct client_conf *conf, struct why *why)
{
	int err = set_defaults(conf, why);

	if (err)
		return err;
	if (conf->clear_forwards) {
		option_unset(conf, OPT_LocalForward);
		option_unset(conf, OPT_RemoteForward);
		option_unset(conf, OPT_DynamicForward);
	}
	option_unset(conf, OPT_HostName);
	err = option_set_word(conf, OPT_HostName, conf->host, by_default, why);
	return err ? err : expand_all(conf, why);
}

/* ---- What the user should know -------------------------------------------------------------------------------- */

bool conf_said(const struct client_conf *conf, enum conf_opt opt)
{
	return conf->at[opt].file && conf->at[opt].file != by_default.file;
}

/* no, none and false ask for nothing. */
static bool asks(const struct client_conf *conf, enum conf_opt opt)
{
	const struct option *o = option_row(opt);
	union value v;

	if (!conf_said(conf, opt))
		return false;
	option_get(&v, conf, opt);
	if (o->type == T_LINE)
		return !str_eq_nocase(v.text, "none");
	return o->type == T_EACH ? v.strs.n > 0 : v.number != 0;
}

static int describe(char *out, size_t cap, const struct client_conf *conf, enum conf_opt opt, const char *verb)
{
	const struct origin *at = &conf->at[opt];
	char show[SHOW];

	return snprintf(out, cap, "%s line %u: %s %s: %s", str_escape(show, sizeof(show), span_str(at->file)), at->line,
			conf_opt_name(opt), verb, option_row(opt)->help);
}

int conf_supported(const struct client_conf *conf, struct why *why)
{
	char text[WHY_MAX];

	for (enum conf_opt opt = 0; opt < OPT_COUNT; opt++)
		if (option_row(opt)->standing == REFUSED && asks(conf, opt)) {
			describe(text, sizeof(text), conf, opt, "is not supported");
			return why_set(why, ERR_DENIED, "%s", text);
		}
	return OK;
}

void conf_notes(const struct client_conf *conf, conf_emit *emit, void *user)
{
	char text[WHY_MAX];

	for (enum conf_opt opt = 0; opt < OPT_COUNT; opt++)
		if (option_row(opt)->standing == IGNORED && conf_said(conf, opt)) {
			describe(text, sizeof(text), conf, opt, "is ignored");
			emit(user, text);
		}
}

int conf_dump(const struct client_conf *conf, conf_emit *emit, void *user)
{
	static const struct option host = { .name = "Host", .type = T_WORD };
	union value v = { .text = conf->host_arg };
	int err = value_print(&v, &host, emit, user);

	for (enum conf_opt opt = 0; !err && opt < OPT_COUNT; opt++) {
		if (option_row(opt)->standing == IGNORED)
			continue;
		option_get(&v, conf, opt);
		err = value_print(&v, option_row(opt), emit, user);
	}
	return err;
}
