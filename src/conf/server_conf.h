/* The configuration of aditd: sshd_config(5) as OpenSSH reads it, and keywords of its own. Every keyword stands once,
 * in server.def. Opens files and nothing else.
 *
 * The files are read once, into a server_text; what they say is then judged for each connection, as often as more is
 * known about it, without opening anything. Order of calls: server_text_read(); server_conf_eval(), fields or
 * server_conf_dump(), server_conf_fini(), any number of times; server_text_free(). */
#ifndef ADIT_CONF_SERVER_CONF_H
#define ADIT_CONF_SERVER_CONF_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/ip.h"
#include "conf/policy.h"
#include "conf/types.h"

#define SERVER_FILE   "/etc/adit/aditd_config"
#define SERVER_FOLDER "/etc/adit/" /* where relative names of Include stand */

enum { SERVER_TEXT_MAX = 16 << 20 }; /* bytes of all files together, comments aside */

/* ---- What the caller knows ------------------------------------------------------------------------------------ */

/* All of it outlives the server_text. */
struct server_facts {
	uid_t uid;	       /* whose files are trusted beside root's */
	const char *version;   /* for Match version: "adit_0.1" */
	struct alg_lists algs; /* ours: the defaults, and what + - ^ and wildcards work on */
};

/* One connection, as far as it is known. What is not known matches nothing. */
struct server_who {
	const char *user;  /* NULL = not known yet */
	bool no_such_user; /* for Match invalid-user */
	/* The groups of that user, by name; asked for only when a criterion needs them. The list stays the callee's.
	 * NULL, or a NULL result: none. */
	const struct strs *(*groups)(void *ctx);
	void *ctx;
	const char *host;		  /* -C host=; NULL = its address stands for it, names are never looked up */
	struct ip address, local_address; /* family 0 = not known; never v4-mapped */
	uint16_t local_port;		  /* 0 = not known */
};

/* ---- What was said -------------------------------------------------------------------------------------------- */

enum permit_root { ROOT_NO, ROOT_YES, ROOT_NO_PASSWORD, ROOT_FORCED_COMMANDS };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
enum facility {
	FACILITY_AUTH,
	FACILITY_AUTHPRIV,
	FACILITY_DAEMON,
	FACILITY_USER,
	FACILITY_LOCAL0,
	FACILITY_LOCAL1,
	FACILITY_LOCAL2,
	FACILITY_LOCAL3,
	FACILITY_LOCAL4,
	FACILITY_LOCAL5,
	FACILITY_LOCAL6,
	FACILITY_LOCAL7
};

enum server_opt {
#define OPT(name, type, field, standing, scope, def, help) SERVER_##name,
#include "conf/server.def"
	SERVER_OPT_COUNT
};

/* An address to listen on. */
struct server_listen {
	char *host; /* address or name; "0.0.0.0" and "::" = every one of that family */
	uint16_t port;
};

/* Fields have the values that were said, else the defaults. Strings may be NULL where server.def has no default; a file
 * that there is none of is the word "none". Read only; they belong to the configuration. */
struct server_conf {
#define OPT(name, type, field, standing, scope, def, help) CONF_FIELD_##type(field)
#include "conf/server.def"
	struct origin at[SERVER_OPT_COUNT]; /* the names are the text's */

	struct server_listen *listens; /* made from ListenAddress, Port and AddressFamily; at least one */
	size_t n_listens;
};

/* ---- The files ------------------------------------------------------------------------------------------------ */

/* What the files said, to be judged again for each connection. */
struct server_text;

/* Reads the file (NULL: SERVER_FILE; "none": no file) and what it includes. `said` are the -o options in their order,
 * "Name=value" or "Name value": they count before the file. Files must be regular, belong to the user or to root, and
 * not be writable by others. Every line is checked, also behind a Match. OK: *out is the caller's. ERR_SYNTAX with file
 * and line; ERR_DENIED for a keyword that is refused; ERR_NOT_FOUND; ERR_IO; ERR_NOMEM. */
int server_text_read(struct server_text **out, const char *path, const struct strs *said,
		     const struct server_facts *facts, struct why *why) MUST_CHECK;
/* The same for a text called `name` that is in memory. Its Include still opens files. */
int server_text_parse(struct server_text **out, const char *name, struct span text, const struct strs *said,
		      const struct server_facts *facts, struct why *why) MUST_CHECK;
void server_text_free(struct server_text *t);

/* Calls emit once for every keyword that stands anywhere and is ignored: "FILE line N: UsePAM is ignored: ...". OK or
 * ERR_NOMEM. */
int server_text_notes(const struct server_text *t, conf_emit *emit, void *user) MUST_CHECK;

/* ---- One configuration ---------------------------------------------------------------------------------------- */

/* What counts for this connection. who NULL: outside Match, as the program itself needs it. As with sshd, a value
 * behind a Match that holds comes before one outside (also on the command line), and within either the first one said
 * stays. The result refers to names in the text. OK: *out is the caller's. ERR_SYNTAX where values do not go together;
 * ERR_NOMEM. */
int server_conf_eval(struct server_conf *out, const struct server_text *t, const struct server_who *who,
		     struct why *why) MUST_CHECK;
/* Does a Match hold for this connection? If none does, its configuration is the same as with who NULL. */
bool server_text_singles_out(const struct server_text *t, const struct server_who *who);
/* Zero is a valid empty object. */
void server_conf_fini(struct server_conf *conf);

/* -T: calls emit for each line in sshd's format, without newline. OK or ERR_NOMEM. */
int server_conf_dump(const struct server_conf *conf, conf_emit *emit, void *user) MUST_CHECK;

/* Does the value of a keyword for a file name one? false: NULL, and "none" in any spelling. */
bool server_conf_names_file(const char *path);

/* "MaxAuthTries", as server.def spells it. */
const char *server_opt_name(enum server_opt opt);

/* ---- What follows from it ------------------------------------------------------------------------------------- */

/* Bits of enum policy_side: AllowTcpForwarding and AllowStreamLocalForwarding, both 0 under DisableForwarding. */
unsigned server_conf_tcp(const struct server_conf *conf);
unsigned server_conf_streamlocal(const struct server_conf *conf);

/* ChannelTimeout for a channel type ("direct-tcpip"): seconds, 0 = none. The first entry whose pattern fits decides;
 * for "global", which is all channels together, only that very word. */
int server_conf_idle_seconds(const struct server_conf *conf, const char *type);

/* May this user log in by DenyUsers, AllowUsers, DenyGroups and AllowGroups, in this order? who->user is known. OK, or
 * ERR_DENIED with the rule that refuses. PermitRootLogin is not looked at. */
int server_conf_admits(const struct server_conf *conf, const struct server_who *who, struct why *why) MUST_CHECK;

/* A path of AuthorizedKeysFile or AuthorizedPrincipalsFile for one user: tokens replaced, a relative one put below the
 * home directory. home NULL = the user has no account: ERR_NOT_FOUND where it would be needed. The name must not be
 * able to lead elsewhere: ERR_DENIED where %u is used and it contains '/' or begins with '.'. OK: the caller frees
 * *out. ERR_SYNTAX; ERR_NOMEM. */
int server_conf_path(char **out, const char *path, const char *user, const char *home, uid_t uid,
		     struct why *why) MUST_CHECK;

#endif
