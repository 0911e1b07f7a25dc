/* The effective configuration of adit: ssh_config(5) as OpenSSH reads it, from the command line, ~/.ssh/config and
 * /etc/ssh/ssh_config. Every keyword stands once, in client.def. Opens files and nothing else: what comes from the
 * environment, the clock or another program is in struct conf_facts.
 *
 * Order of calls: conf_init(); conf_set() for each flag; conf_load(); conf_finish(); then either conf_dump() (-G) or
 * conf_supported() and the fields. conf_fini() always. */
#ifndef ADIT_CONF_CLIENT_CONF_H
#define ADIT_CONF_CLIENT_CONF_H

#include <sys/types.h>

#include "base/buf.h"
#include "conf/file.h"
#include "conf/types.h"
#include "crypto/crypto.h"

/* ---- What the caller knows ------------------------------------------------------------------------------------ */

/* All of it outlives the configuration. */
struct conf_facts {
	const char *home;	/* home directory of the user by the password database; NULL = none */
	const char *local_user; /* login name */
	uid_t uid;
	const char *hostname;	     /* gethostname(): %l, and up to the first dot %L */
	const char *version;	     /* for Match version: "adit_0.1" */
	const char *system_file;     /* NULL = /etc/ssh/ssh_config */
	const struct crypto *crypto; /* for %C */
	void *user;		     /* for the callbacks */
	/* Value of an environment variable, or NULL. */
	const char *(*env)(void *user, const char *name);
	/* Runs the user's own shell line of Match exec: 1 it ended with 0, 0 it did not, < 0 it could not be run (why).
	 * NULL: Match exec is an error. */
	int (*exec)(void *user, const char *command, struct why *why);
	/* Our algorithms, all of them, best first. They are the defaults, and what + - ^ and wildcards work on. */
	const char *kex, *cipher, *mac, *host_key, *pubkey, *ca_sig;
};

/* ---- Types of the fields -------------------------------------------------------------------------------------- */

enum host_key_check { CHECK_NO, CHECK_YES, CHECK_ASK, CHECK_ACCEPT_NEW };
enum yes_no_ask { ANSWER_NO, ANSWER_YES, ANSWER_ASK };
enum session_type { SESSION_NONE, SESSION_SUBSYSTEM, SESSION_DEFAULT };

enum conf_opt {
#define OPT(name, type, field, standing, def, help) OPT_##name,
#include "conf/client.def"
	OPT_COUNT
};

/* Fields have the values that were said, and after conf_finish() the defaults for the others. Strings may be NULL
 * where client.def has no default. Read only; they belong to the configuration. */
struct client_conf {
#define OPT(name, type, field, standing, def, help) CONF_FIELD_##type(field)
#include "conf/client.def"
	struct origin at[OPT_COUNT];

	/* Set by conf_load() and conf_finish(): */
	char *host_arg; /* as the user typed it: for messages */
	char *host;	/* to connect to: HostName with its tokens expanded, lower case */
	struct strs
		identity_paths; /* IdentityFile and CertificateFile, tilde, tokens and ${} expanded, without "none" */
	struct strs certificate_paths;
	char *agent_path; /* socket of the agent by IdentityAgent and SSH_AUTH_SOCK; NULL = no agent */
	/* user_known_hosts, revoked_host_keys, unix paths of forwards and user are expanded in place. */

	const struct conf_facts *facts;
	struct files files;    /* whose names `at` points to */
	bool wants_final_pass; /* some Match final was seen */
};

/* ---- Functions ------------------------------------------------------------------------------------------------ */

/* Nothing is set. The facts are kept by reference. */
void conf_init(struct client_conf *conf, const struct conf_facts *facts);
void conf_fini(struct client_conf *conf);

/* -o: "Name=value" or "Name value", read as a line of a file ("command-line: line 0: Bad configuration option: x").
 * Counts only where nothing was said before. OK, ERR_SYNTAX, ERR_NOMEM. */
int conf_set_line(struct client_conf *conf, const char *line, struct why *why) MUST_CHECK;
/* One value without quoting rules, for flags such as -p: counts only where nothing was said before. */
int conf_set(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why) MUST_CHECK;
/* The same, but what was said before is forgotten: for flags such as -c, -4, -v. */
int conf_override(struct client_conf *conf, enum conf_opt opt, const char *value, struct why *why) MUST_CHECK;
/* -L and -R. A second one that is equal is dropped, as ssh does. */
int conf_add_forward(struct client_conf *conf, const char *text, enum fwd_side side, struct why *why) MUST_CHECK;

/* Reads the files for this host as the user typed it (after user@ was cut off). file: -F; NULL = ~/.ssh/config and the
 * system's file where they exist; "none" = no file. Does the second pass that Match final asks for. ERR_SYNTAX and
 * ERR_IO name file and line. Call it once. */
int conf_load(struct client_conf *conf, const char *host, const char *file, struct why *why) MUST_CHECK;

/* One text as if it were a user's file called `name`, in one pass: for tests and fuzzing. Needs no conf_load(). */
int conf_parse_text(struct client_conf *conf, const char *host, const char *name, struct span text,
		    struct why *why) MUST_CHECK;

/* Fills in the defaults, expands tokens, and checks host and user: no characters that a shell would take for its own,
 * no leading '-'. ERR_SYNTAX, ERR_CRYPTO, ERR_NOMEM. */
int conf_finish(struct client_conf *conf, struct why *why) MUST_CHECK;

/* ERR_DENIED for the first thing that was asked for and that adit cannot do (ProxyJump, PermitLocalCommand yes, ...):
 * going on without it would be wrong. The sentence names keyword, file and line. After conf_finish(). */
int conf_supported(const struct client_conf *conf, struct why *why) MUST_CHECK;

/* Calls emit for every keyword that was said and means nothing to a forwarder: "FILE line N: ForwardAgent is ignored:
 * ...". For -v. */
void conf_notes(const struct client_conf *conf, conf_emit *emit, void *user);

/* -G: calls emit for each line in ssh's format, without newline. OK or ERR_NOMEM. */
int conf_dump(const struct client_conf *conf, conf_emit *emit, void *user) MUST_CHECK;

/* Was it said anywhere, or is its value the default? After conf_finish(). */
bool conf_said(const struct client_conf *conf, enum conf_opt opt);

/* "ConnectTimeout", as client.def spells it. */
const char *conf_opt_name(enum conf_opt opt);

#endif
