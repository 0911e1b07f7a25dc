/* What the files of aditd share: how the configuration is read, and what comes of it before the first child. */
#ifndef ADIT_APP_SERVER_H
#define ADIT_APP_SERVER_H

#include "app/admission.h"
#include "app/audit.h"
#include "app/server_flags.h"
#include "conf/server_conf.h"
#include "io/log.h"
#include "io/sandbox.h"

enum { SERVER_EXIT_FAILURE = 255, WORKERS_MAX = 256 };

extern const char server_version[];

/* Reads the files and the command line, and what counts outside of every Match. Text and conf belong to the caller; the
 * facts must outlive them. OK, or an error with file and line. */
int server_read(struct server_facts *facts, const struct server_flags *flags, struct server_text **text,
		struct server_conf *conf, struct why *why) MUST_CHECK;
/* SyslogFacility by its name. */
const char *server_facility(const struct server_conf *conf);
struct admission_limits server_admission(const struct server_conf *conf);

/* 0 means one for each processor. */
unsigned server_workers(const struct server_conf *conf);
/* CryptoBackend: chosen before the children, and said. */
int server_crypto(const struct server_conf *conf, struct crypto *c, struct log *log, struct why *why) MUST_CHECK;

/* Warns when the limit of descriptors is less than what one connection may use up: channels, listeners on two addresses
 * each, and what stays free for everything else. After the first loop_new(), which raises it. */
void server_check_descriptors(const struct server_conf *conf, struct log *log);

enum server_log { SERVER_LOG_LINES, SERVER_LOG_RECORDS };
/* In a child: lines or records go to another file from here on. The descriptor is taken. */
void server_switch_log(enum server_log which, int fd, struct log *log, struct audit *audit);
/* In a child, before anything else: its own number in front of log lines, no signals of the person at the terminal, and
 * logs that reconnect no more. */
void server_begin_child(struct log *log, struct audit *audit);

/* The fences. Where the kernel lacks one: an error if SandboxRequired says so, else a line in the log. */
int server_lock_in(enum sandbox_profile profile, const struct sandbox_opts *opts, const struct server_conf *conf,
		   struct log *log, struct why *why) MUST_CHECK;

/* The unprivileged user of the workers: _adit, or nobody with a warning. The first looks, the second becomes it. */
int server_check_user(struct log *log, struct why *why) MUST_CHECK;
int server_drop(struct why *why) MUST_CHECK;

#endif
