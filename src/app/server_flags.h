/* The command line of aditd: sshd's flags as far as they mean something to a forwarder. Opens nothing, prints nothing.
 */
#ifndef ADIT_APP_SERVER_FLAGS_H
#define ADIT_APP_SERVER_FLAGS_H

#include "conf/strs.h"

enum server_action {
	SERVER_RUN = 1,
	SERVER_CHECK,  /* -t */
	SERVER_DUMP,   /* -T */
	SERVER_HELP,   /* --help */
	SERVER_VERSION /* -V, --version */
};

/* Zero is a valid empty object. Strings of `lines` belong to it, the others to argv. */
struct server_flags {
	enum server_action action;
	const char *file;     /* -f; NULL = /etc/adit/aditd_config */
	const char *log_file; /* -E; NULL = syslog, or stderr with -e or -d */
	bool foreground;      /* -D, -d and -i */
	bool to_stderr;	      /* -e, and -d */
	bool inetd;	      /* -i: one connection, which is stdin */
	bool quiet;	      /* -q */
	int debug;	      /* how many -d, at most 3 */
	struct strs lines;    /* -o, -p and -h in the order of the command line, as lines of a configuration file */
	const char *criteria; /* -C: "user=...,addr=...", for -T */
};

/* Reads argv[1..argc). ERR_SYNTAX, ERR_DENIED (a flag that this program does not have on purpose) or ERR_NOMEM with one
 * sentence. */
int server_flags_parse(struct server_flags *out, int argc, char *const *argv, struct why *why) MUST_CHECK;
void server_flags_fini(struct server_flags *f);

/* Text that fits a terminal of 24 lines, with a newline at the end. */
const char *server_help(void);

#endif
