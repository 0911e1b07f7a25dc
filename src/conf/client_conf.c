/* The sources of the configuration and their order: command line, files, second pass. The parser is parse.c, what comes
 * after the last file is finish.c. */
#include "conf/client_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/match.h"
#include "conf/names.h"
#include "conf/option.h"
#include "conf/parse.h"

static const struct origin command_line = { "command-line", 0 };

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
	return name_check_host(host, why);
}

/* In the second pass the host is settled: a HostName that is found there comes too late, as with ssh. */
static int second_pass(struct client_conf *conf, const char *file, struct why *why)
{
	int err = conf->at[OPT_HostName].file ? OK
					      : option_set_word(conf, OPT_HostName, conf->host, origin_default, why);

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
