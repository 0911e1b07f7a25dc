/* aditd: from the command line to the master, and to the background without -D. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/audit.h"
#include "app/host_keys.h"
#include "app/master.h"
#include "app/server.h"
#include "app/whom.h"
#include "io/background.h"
#include "io/pidfile.h"
#include "io/privs.h"
#include "io/sys.h"

struct program {
	struct server_flags flags;
	struct server_facts facts;
	struct crypto *crypto;
	struct log log;
	struct sink sink;
	struct audit audit;
	struct background background;
	struct pidfile pidfile;
	struct activated given[ACTIVATION_MAX];
	size_t given_n;
};

static int complain(const struct why *why)
{
	fprintf(stderr, "aditd: %s\n", why->text);
	return SERVER_EXIT_FAILURE;
}

static void print_line(void *user, const char *line)
{
	(void)user;
	puts(line);
}

static void note_line(void *user, const char *line)
{
	struct program *p = user;

	log_line(&p->log, LOG_AT_DEBUG1, "%s", line);
}

/* ---- -t and -T ---- */

/* What a start would need, without making anything. */
static int check(struct program *p, const struct server_conf *conf, struct why *why)
{
	struct host_keys keys;
	int err;

	for (size_t i = 0; i < conf->host_keys.n; i++)
		if (access(conf->host_keys.v[i], F_OK) == 0) {
			err = host_keys_load(&keys, &conf->host_keys, &conf->host_certificates, p->crypto, print_line,
					     NULL, why);
			if (!err)
				host_keys_fini(&keys);
			return err;
		}
	return OK; /* the first start makes one */
}

static int dump(const struct program *p, const struct server_text *text, struct why *why)
{
	struct server_conf conf = { 0 };
	struct whom whom;
	int err = whom_init(&whom, p->flags.criteria, why);

	if (!err)
		err = server_conf_eval(&conf, text, &whom.who, why);
	if (!err)
		err = whom_check(&whom, why);
	if (!err)
		err = server_conf_dump(&conf, print_line, NULL);
	server_conf_fini(&conf);
	whom_fini(&whom);
	return err;
}

static int inspect(struct program *p, struct server_text *text, struct server_conf *conf)
{
	struct why why = { "" };
	int err = check(p, conf, &why);

	if (!err && p->flags.action == SERVER_DUMP)
		err = dump(p, text, &why);
	if (!err)
		err = sys_printed(&why);
	server_conf_fini(conf);
	server_text_free(text);
	return err ? complain(&why) : 0;
}

/* ---- a run ---- */

static enum log_at level(const struct program *p, const struct server_conf *conf)
{
	if (p->flags.quiet)
		return LOG_AT_QUIET;
	return p->flags.debug ? (enum log_at)(LOG_AT_VERBOSE + p->flags.debug) : (enum log_at)conf->log_level;
}

static int open_logs(struct program *p, const struct server_conf *conf, struct sink *lines, struct audit *records,
		     struct why *why)
{
	static const enum audit_format formats[] = { [LOG_FORMAT_TEXT] = AUDIT_TEXT, [LOG_FORMAT_JSON] = AUDIT_JSON };
	const char *where = p->flags.log_file ? p->flags.log_file : p->flags.to_stderr ? "stderr" : "syslog";
	int facility, err = syslog_facility(server_facility(conf), &facility);

	if (err)
		return why_set(why, err, "SyslogFacility: %s", err_name(err));
	err = sink_open(lines, where, "aditd", facility, why);
	if (err)
		return err;
	err = audit_open(records, conf->audit_log, formats[conf->log_format], facility, why);
	if (err)
		sink_close(lines);
	return err;
}

int server_reopen(struct master *m, const struct server_conf *conf, struct why *why)
{
	struct program *p = m->program;
	struct sink lines;
	struct audit records;
	int err = open_logs(p, conf, &lines, &records, why);

	if (err)
		return err;
	sink_close(&p->sink);
	p->sink = lines;
	log_to_sink(&p->log, &p->sink, "aditd", level(p, conf));
	audit_switch(&p->audit, records.sink);
	p->audit.format = records.format;
	children_switch_log(m, SERVER_LOG_LINES, &p->sink);
	children_switch_log(m, SERVER_LOG_RECORDS, &p->audit.sink);
	return OK;
}

void server_is_ready(struct master *m)
{
	struct program *p = m->program;

	background_ready(&p->background, false);
}

static int serve(struct program *p, struct server_text *text, struct server_conf *conf)
{
	struct master m = { .crypto = p->crypto,
			    .log = &p->log,
			    .audit = &p->audit,
			    .facts = &p->facts,
			    .flags = &p->flags,
			    .given = p->given,
			    .given_n = p->given_n,
			    .program = p };
	struct notify notify;
	struct why why = { "" };
	int code;

	if (notify_open(&notify, &why) != OK)
		log_line(&p->log, LOG_AT_ERROR, "%s", why.text);
	m.notify = &notify;
	if (server_crypto(conf, p->crypto, &p->log, &why) != OK)
		return complain(&why);
	log_line(&p->log, LOG_AT_DEBUG1, "%s, %s", server_version, crypto_version());
	if (server_text_notes(text, note_line, p) != OK)
		return complain(&(struct why){ "out of memory" });
	p->pidfile.fd = -1;
	if (server_conf_names_file(conf->pid_file) && pidfile_write(&p->pidfile, conf->pid_file, &why) != OK)
		log_line(&p->log, LOG_AT_ERROR, "%s", why.text); /* a server without it is better than none */
	if (geteuid() == 0 && (server_check_user(&p->log, &why) != OK || privs_keep(PRIVS_MASTER, &why) != OK))
		return complain(&why);
	code = master_run(&m, text, conf);
	pidfile_remove(&p->pidfile);
	notify_close(&notify);
	return code;
}

/* The parent of a start into the background waits for the child's word. */
static int run(struct program *p, struct server_text *text, struct server_conf *conf)
{
	enum background_side side = BACKGROUND_CHILD;
	struct why why = { "" };
	int code = 0;

	p->background.ready = -1;
	if (open_logs(p, conf, &p->sink, &p->audit, &why) != OK)
		return complain(&why);
	log_to_sink(&p->log, &p->sink, "aditd", level(p, conf));
	if (!p->flags.foreground && background_split(&p->background, &side, &code, &why) != OK)
		return complain(&why);
	if (side == BACKGROUND_PARENT)
		_exit(code);
	code = serve(p, text, conf);
	audit_close(&p->audit, sys_time_ms());
	sink_close(&p->sink);
	return code;
}

static int print_help(void)
{
	struct why why = { "" };

	fputs(server_help(), stdout);
	return sys_printed(&why) == OK ? 0 : complain(&why);
}

static int print_version(void)
{
	struct why why = { "" };

	printf("%s, %s\n", server_version, crypto_version());
	return sys_printed(&why) == OK ? 0 : complain(&why);
}

static int act(struct program *p, int argc, char **argv)
{
	struct server_text *text;
	struct server_conf conf;
	struct why why = { "" };

	if (sys_start(&why) != OK || activation_take(p->given, &p->given_n, &why) != OK ||
	    crypto_new(&p->crypto, &why) != OK)
		return complain(&why);
	if (server_flags_parse(&p->flags, argc, argv, &why) != OK)
		return complain(&why);
	if (p->flags.action == SERVER_HELP)
		return print_help();
	if (p->flags.action == SERVER_VERSION)
		return print_version();
	if (server_read(&p->facts, &p->flags, &text, &conf, &why) != OK)
		return complain(&why);
	if (p->flags.action != SERVER_RUN)
		return inspect(p, text, &conf);
	sys_harden();
	return run(p, text, &conf);
}

int main(int argc, char **argv)
{
	struct program p = { .background = { -1 } };
	int code = act(&p, argc, argv);

	server_flags_fini(&p.flags);
	crypto_free(p.crypto);
	return code;
}
