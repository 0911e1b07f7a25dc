/* adit: from the command line to a run, and to the background with -f. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/client.h"
#include "io/background.h"
#include "io/spawn.h"
#include "io/sys.h"
#include "ssh/conn.h"

static const char version[] = "adit_0.1";

struct program {
	struct cmdline cmd;
	struct client_conf conf;
	struct conf_facts facts;
	struct crypto *crypto;
	struct sys_user user;
	struct log log;
	struct background background;
	char hostname[SYS_HOSTNAME];
};

static int complain(const struct why *why)
{
	fprintf(stderr, "adit: %s\n", why->text);
	return CMD_EXIT_FAILURE;
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

static int gather_facts(struct program *p, struct why *why)
{
	int err = crypto_new(&p->crypto, why);

	if (!err)
		err = sys_user_get(&p->user, why);
	if (err)
		return err;
	sys_hostname(p->hostname);
	p->facts = (struct conf_facts){
		.home = p->user.home,
		.local_user = p->user.name,
		.uid = p->user.uid,
		.hostname = p->hostname,
		.version = version,
		.crypto = p->crypto,
		.env = sys_env,
		.exec = spawn_shell,
		.kex = conn_default_kex(),
		.cipher = conn_default_cipher(crypto_cpu_has_aes()),
		.mac = conn_default_mac(),
		.host_key = conn_default_host_key(),
		.pubkey = conn_default_pubkey(),
		.ca_sig = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-"
			  "sha2-256",
	};
	return OK;
}

/* Without a forward and without -N a person expects a shell, which is not here. */
static int check_purpose(const struct client_conf *conf, struct why *why)
{
	if (conf->local_forwards.n || conf->remote_forwards.n || conf->session_type == SESSION_NONE)
		return OK;
	return why_set(why, ERR_DENIED,
		       "adit forwards ports and has no shell: give -L or -R, or -N for none (try --help)");
}

static int choose_backend(struct program *p, struct why *why)
{
	return crypto_backend_set(p->crypto, (enum crypto_backend)p->conf.crypto_backend, why);
}

static void on_ready(void *user)
{
	struct program *p = user;

	background_ready(&p->background, p->cmd.log_file != NULL);
}

/* A wrong answer is news also for those who did not ask: the machine or its library is broken. */
static void say_backend(struct program *p)
{
	const char *lack = p->conf.crypto_backend == CRYPTO_OPENSSL ? NULL : crypto_mb_lack(p->crypto);
	enum log_at at = lack && crypto_mb_wrong(p->crypto) ? LOG_AT_INFO : LOG_AT_DEBUG1;

	log_line(&p->log, at, "AES-GCM is done by %s%s%s.", crypto_gcm_by(p->crypto), lack ? ": " : "",
		 lack ? lack : "");
}

static int run(struct program *p)
{
	struct client c = {
		.conf = &p->conf,
		.cmd = &p->cmd,
		.crypto = p->crypto,
		.log = &p->log,
		.on_ready = on_ready,
		.ready_user = p,
	};

	conf_notes(&p->conf, note_line, p);
	log_line(&p->log, LOG_AT_DEBUG1, "%s, %s", version, crypto_version());
	say_backend(p);
	if (p->conf.compression)
		log_line(&p->log, LOG_AT_VERBOSE, "Compression is accepted and not used: nothing is compressed.");
	return client_run(&c);
}

/* The parent of -f only waits, and goes with the child's word. */
static int start(struct program *p)
{
	enum background_side side = BACKGROUND_CHILD;
	struct why why = { "" };
	int code = 0;

	p->background.ready = -1;
	if (log_open(&p->log, p->cmd.log_file, (enum log_at)p->conf.log_level, &why) != OK)
		return complain(&why);
	if (p->conf.fork_after_auth && background_split(&p->background, &side, &code, &why) != OK)
		return complain(&why);
	if (side == BACKGROUND_PARENT)
		_exit(code);
	code = run(p);
	log_close(&p->log);
	return code;
}

/* A configuration of which a part is missing is worse than none. */
static int printed(void)
{
	struct why why = { "" };

	return sys_printed(&why) == OK ? 0 : complain(&why);
}

static int print_help(void)
{
	fputs(cmdline_help(), stdout);
	return printed();
}

static int print_version(void)
{
	printf("%s, %s\n", version, crypto_version());
	return printed();
}

static int print_conf(const struct client_conf *conf)
{
	return conf_dump(conf, print_line, NULL) == OK ? printed() : CMD_EXIT_FAILURE;
}

static int act(struct program *p, int argc, char **argv)
{
	struct why why = { "" };

	if (sys_start(&why) != OK || gather_facts(p, &why) != OK)
		return complain(&why);
	conf_init(&p->conf, &p->facts);
	if (cmdline_parse(&p->cmd, argc, argv, &p->conf, &why) != OK)
		return complain(&why);
	if (p->cmd.action == CMD_HELP)
		return print_help();
	if (p->cmd.action == CMD_VERSION)
		return print_version();
	if (conf_load(&p->conf, p->cmd.host, p->cmd.file, &why) != OK || conf_finish(&p->conf, &why) != OK)
		return complain(&why);
	if (p->cmd.action == CMD_DUMP)
		return print_conf(&p->conf);
	if (conf_supported(&p->conf, &why) != OK || check_purpose(&p->conf, &why) != OK ||
	    choose_backend(p, &why) != OK)
		return complain(&why);
	sys_harden();
	return start(p);
}

int main(int argc, char **argv)
{
	struct program p = { .background = { -1 } };
	int code = act(&p, argc, argv);

	cmdline_fini(&p.cmd);
	conf_fini(&p.conf);
	sys_user_fini(&p.user);
	crypto_free(p.crypto);
	return code;
}
