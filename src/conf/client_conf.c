/* The sources of the configuration and their order: command line, files, second pass. What its lines
 * mean is client_grammar.c, what comes after the last file is finish.c. */
#include "conf/client_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/client_grammar.h"
#include "conf/client_match.h"
#include "conf/client_table.h"
#include "conf/names.h"

/* ---- Birth and death ------------------------------------------------------------------------------------------ */

void conf_init(struct client_conf *conf, const struct conf_facts *facts)
{
	*conf = (struct client_conf){ .facts = facts, .files.uid = facts->uid };
}

void conf_fini(struct client_conf *conf)
{
	option_unset_all(&client_table, conf);
	free(conf->host_arg);
	free(conf->host);
	free(conf->agent_path);
	strs_fini(&conf->identity_paths);
	strs_fini(&conf->certificate_paths);
	files_fini(&conf->files);
	conf_init(conf, conf->facts);
}

/* ---- The command line ----------------------------------------------------------------------------------------- */

int conf_set_line(struct client_conf *conf, const char *line, struct why *why)
{
	struct place p = client_place(conf, "");

	p.at = origin_command_line;
	p.user_file = true;
	return parse_said(&p, line, why);
}

int conf_set(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why)
{
	struct store s = client_store(conf);

	return option_set_word(&s, opt, value, origin_command_line, why);
}

int conf_override(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why)
{
	option_unset(&client_table, conf, opt);
	return conf_set(conf, opt, value, why);
}

int conf_add_forward(struct client_conf *conf, const char *text, enum fwd_side side, struct why *why)
{
	enum conf_opt opt = side == FWD_LOCAL ? OPT_LocalForward : OPT_RemoteForward;
	struct store s = client_store(conf);
	struct fwdspec *f = calloc(1, sizeof(*f));

	if (!f)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = fwdspec_parse(f, text, side, why);
	if (err) {
		free(f);
		return err;
	}
	return option_add(&s, opt, &(union value){ .fwds = { f, 1 } }, origin_command_line, why);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static int read_own_file(struct place p, struct why *why)
{
	const char *home = ((const struct client_conf *)p.conf)->facts->home;
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
	struct place p = client_place(conf, host);
	const char *system_file = conf->facts->system_file ? conf->facts->system_file : "/etc/ssh/ssh_config";

	p.final = final;
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
	struct place p = client_place(conf, conf->host_arg);
	char *host;
	int err = match_real_host(&p, &host, why);

	if (err)
		return err;
	if (!strchr(host, ':'))
		str_lower(host);
	free(conf->host);
	conf->host = host;
	return name_check_host(host, why);
}

/* In the second pass the host is settled: a HostName that is found there comes too late, as with ssh. */
static int second_pass(struct client_conf *conf, const char *file, struct why *why)
{
	struct store s = client_store(conf);
	int err = conf->at[OPT_HostName].file ? OK : option_set_word(&s, OPT_HostName, conf->host, origin_default, why);

	return err ? err : read_files(conf, conf->host, file, true, why);
}

static int start(struct client_conf *conf, const char *host, struct why *why)
{
	int err = name_check_host(host, why);

	if (!err)
		err = name_check_user(conf->user_name, why);
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
	struct place p = client_place(conf, host);
	int err = start(conf, host, why);

	if (err)
		return err;
	p.user_file = true;
	p.at.file = files_name(&conf->files, name);
	if (!p.at.file)
		return why_set(why, ERR_NOMEM, "out of memory");
	err = parse_text(&p, text, why);
	return err ? err : resolve_name(conf, why);
}
