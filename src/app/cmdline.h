/* The command line of adit: ssh's flags as far as they mean something to a forwarder. Fills a client_conf with the
 * command line's precedence; reads no file, opens nothing, prints nothing. */
#ifndef ADIT_APP_CMDLINE_H
#define ADIT_APP_CMDLINE_H

#include "conf/client_conf.h"

enum cmd_action {
	CMD_RUN = 1,
	CMD_DUMP,   /* -G */
	CMD_HELP,   /* --help: print cmdline_help() to stdout, exit 0 */
	CMD_VERSION /* -V, --version: print the version, exit 0 */
};

/* Exit code for every failure, as ssh has it. */
enum { CMD_EXIT_FAILURE = 255 };

/* Strings point into argv, or belong to the object; cmdline_fini() frees what is its own. */
struct cmdline {
	enum cmd_action action;
	char *host;	      /* without user and port; NULL only for CMD_HELP and CMD_VERSION */
	const char *file;     /* -F, for conf_load() */
	const char *log_file; /* -E; NULL = stderr */
	int verbose;	      /* how many -v, at most 3; LogLevel is set too */
	bool quiet;	      /* -q */
};

/* Reads argv[1..argc). Values go to `conf`, which was conf_init()ed. ERR_SYNTAX, ERR_DENIED (a flag that this program
 * does not have on purpose) or ERR_NOMEM with one sentence; exit with CMD_EXIT_FAILURE then. */
int cmdline_parse(struct cmdline *out, int argc, char *const *argv, struct client_conf *conf,
		  struct why *why) MUST_CHECK;
void cmdline_fini(struct cmdline *cmd);

/* Text that fits a terminal of 24 lines, with a newline at the end. */
const char *cmdline_help(void);

#endif
