/* What comes after the last file: defaults, then ~, tokens and variables. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/client_table.h"
#include "conf/expand.h"
#include "conf/names.h"

/* ---- Defaults ------------------------------------------------------------------------------------------------- */

/* Further keys are learned only into the usual file: one that the user chose may be meant to stay as it is. */
static const char *default_update(const struct client_conf *conf)
{
	const struct strs *files = &conf->user_known_hosts;

	return files->n == 0 || (files->n == 1 && strcmp(files->v[0], "~/.ssh/known_hosts") == 0) ? "yes" : "no";
}

/* Defaults that are not a constant of client.def. */
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
	struct store s = client_store(conf);
	int err = OK;

	for (size_t i = 0; !err && i < LEN(computed); i++)
		if (!conf->at[computed[i].opt].file)
			err = option_set_word(&s, computed[i].opt, computed[i].text, origin_default, why);
	bool none = !conf->at[OPT_IdentityFile].file;
	for (size_t i = 0; !err && none && i < LEN(keys); i++)
		err = option_set_word(&s, OPT_IdentityFile, keys[i], origin_default, why);
	return err;
}

static int set_defaults(struct client_conf *conf, struct why *why)
{
	struct store s = client_store(conf);
	int err = set_computed(conf, why);

	return err ? err : option_set_defaults(&s, why);
}

/* ---- Expansion ------------------------------------------------------------------------------------------------ */

enum { EXPAND_PATH = EXPAND_TILDE | EXPAND_ENV };

/* A name on the command line is what the user typed; one in a file may have tokens. */
static int expand_user_name(struct client_conf *conf, struct why *why)
{
	bool in_file = conf->at[OPT_User].line > 0;
	int err = in_file ? expand_field(&conf->user_name, conf, TOKENS_USER, EXPAND_ENV, why) : OK;

	return err ? err : name_check_user(conf->user_name, why);
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
	struct store s = client_store(conf);
	int err = set_defaults(conf, why);

	if (err)
		return err;
	if (conf->clear_forwards) {
		option_unset(&client_table, conf, OPT_LocalForward);
		option_unset(&client_table, conf, OPT_RemoteForward);
		option_unset(&client_table, conf, OPT_DynamicForward);
	}
	option_unset(&client_table, conf, OPT_HostName);
	err = option_set_word(&s, OPT_HostName, conf->host, origin_default, why);
	return err ? err : expand_all(conf, why);
}
