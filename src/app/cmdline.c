/* Reads the flags. One row per letter says what it does; those that ssh has and this program has not say why. */
#include "app/cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { SHOW = 200 };

/* The command line at work. */
struct reading {
	struct cmdline *cmd;
	struct client_conf *conf;
	struct why *why;
	bool host_seen;
};

typedef int flag_fn(struct reading *r, const char *arg);

static int misuse(struct reading *r, const char *what, const char *text)
{
	char show[SHOW];

	return why_set(r->why, ERR_SYNTAX, "%s '%s' (adit --help shows the flags)", what,
		       str_escape(show, sizeof(show), span_str(text)));
}

/* ---- Flags that do more than set an option -------------------------------------------------------------------- */

static int on_local(struct reading *r, const char *arg)
{
	return conf_add_forward(r->conf, arg, FWD_LOCAL, r->why);
}

static int on_remote(struct reading *r, const char *arg)
{
	return conf_add_forward(r->conf, arg, FWD_REMOTE, r->why);
}

static int on_option(struct reading *r, const char *arg)
{
	return conf_set_line(r->conf, arg, r->why);
}

static int on_file(struct reading *r, const char *arg)
{
	r->cmd->file = arg;
	return OK;
}

static int on_log_file(struct reading *r, const char *arg)
{
	r->cmd->log_file = arg;
	return OK;
}

/* The first -v means DEBUG1 whatever LogLevel said, each further one a level more, as with ssh. */
static int on_verbose(struct reading *r, const char *arg)
{
	static const char *const levels[] = { "DEBUG1", "DEBUG2", "DEBUG3" };

	(void)arg;
	if (r->cmd->verbose < (int)LEN(levels))
		r->cmd->verbose++;
	return conf_override(r->conf, OPT_LogLevel, levels[r->cmd->verbose - 1], r->why);
}

static int on_quiet(struct reading *r, const char *arg)
{
	(void)arg;
	r->cmd->quiet = true;
	return conf_override(r->conf, OPT_LogLevel, "QUIET", r->why);
}

static int on_background(struct reading *r, const char *arg)
{
	(void)arg;
	int err = conf_override(r->conf, OPT_ForkAfterAuthentication, "yes", r->why);

	return err ? err : conf_override(r->conf, OPT_StdinNull, "yes", r->why);
}

static int on_dump(struct reading *r, const char *arg)
{
	(void)arg;
	r->cmd->action = CMD_DUMP;
	return OK;
}

static int on_version(struct reading *r, const char *arg)
{
	(void)arg;
	r->cmd->action = CMD_VERSION;
	return OK;
}

/* ---- The table ------------------------------------------------------------------------------------------------ */

enum { NO_ARG, ARG };
enum how {
	DO,	  /* call fn */
	SET,	  /* conf_set(): what was said first stays */
	OVERRIDE, /* conf_override(): what is said last stays */
	HARMLESS, /* is about sessions, of which there are none */
	LACK	  /* text says what is not to be had */
};

static const struct flag {
	char letter;
	char arg;
	char how;
	enum conf_opt opt;
	const char *text; /* OVERRIDE without argument: the value; LACK: the reason */
	flag_fn *fn;
} flags[] = {
	{ 'L', ARG, DO, OPT_COUNT, NULL, on_local },
	{ 'R', ARG, DO, OPT_COUNT, NULL, on_remote },
	{ 'N', NO_ARG, OVERRIDE, OPT_SessionType, "none", NULL },
	{ 'f', NO_ARG, DO, OPT_COUNT, NULL, on_background },
	{ 'g', NO_ARG, OVERRIDE, OPT_GatewayPorts, "yes", NULL },
	{ 'p', ARG, SET, OPT_Port, NULL, NULL },
	{ 'l', ARG, SET, OPT_User, NULL, NULL },
	{ 'i', ARG, SET, OPT_IdentityFile, NULL, NULL },
	{ 'P', ARG, SET, OPT_Tag, NULL, NULL },
	{ 'o', ARG, DO, OPT_COUNT, NULL, on_option },
	{ 'F', ARG, DO, OPT_COUNT, NULL, on_file },
	{ 'E', ARG, DO, OPT_COUNT, NULL, on_log_file },
	{ 'v', NO_ARG, DO, OPT_COUNT, NULL, on_verbose },
	{ 'q', NO_ARG, DO, OPT_COUNT, NULL, on_quiet },
	{ 'G', NO_ARG, DO, OPT_COUNT, NULL, on_dump },
	{ 'V', NO_ARG, DO, OPT_COUNT, NULL, on_version },
	{ '4', NO_ARG, OVERRIDE, OPT_AddressFamily, "inet", NULL },
	{ '6', NO_ARG, OVERRIDE, OPT_AddressFamily, "inet6", NULL },
	{ 'b', ARG, OVERRIDE, OPT_BindAddress, NULL, NULL },
	{ 'B', ARG, OVERRIDE, OPT_BindInterface, NULL, NULL },
	{ 'c', ARG, OVERRIDE, OPT_Ciphers, NULL, NULL },
	{ 'm', ARG, OVERRIDE, OPT_MACs, NULL, NULL },
	{ 'C', NO_ARG, OVERRIDE, OPT_Compression, "yes", NULL },
	{ 'n', NO_ARG, OVERRIDE, OPT_StdinNull, "yes", NULL },
	{ 'a', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'x', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'k', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'y', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'T', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 't', NO_ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'e', ARG, HARMLESS, OPT_COUNT, NULL, NULL },
	{ 'A', NO_ARG, LACK, OPT_COUNT, "the agent is never forwarded: the far end could use every key in it", NULL },
	{ 'D', ARG, LACK, OPT_COUNT, "SOCKS forwarding is not part of this release", NULL },
	{ 'J', ARG, LACK, OPT_COUNT, "connecting through other hosts is not part of this release", NULL },
	{ 'W', ARG, LACK, OPT_COUNT, "forwarding stdin and stdout is not part of this release", NULL },
	{ 'w', ARG, LACK, OPT_COUNT, "tun devices are not supported; forward ports with -L and -R", NULL },
	{ 'X', NO_ARG, LACK, OPT_COUNT, "X11 is not forwarded", NULL },
	{ 'Y', NO_ARG, LACK, OPT_COUNT, "X11 is not forwarded", NULL },
	{ 'S', ARG, LACK, OPT_COUNT, "connections are not shared: each adit has its own", NULL },
	{ 'M', NO_ARG, LACK, OPT_COUNT, "connections are not shared: each adit has its own", NULL },
	{ 'O', ARG, LACK, OPT_COUNT, "connections are not shared: each adit has its own", NULL },
	{ 's', NO_ARG, LACK, OPT_COUNT, "subsystems are not supported: adit forwards ports and runs nothing", NULL },
	{ 'Q', ARG, LACK, OPT_COUNT, "use adit -G host, which shows every algorithm list", NULL },
	{ 'K', NO_ARG, LACK, OPT_COUNT, "there is no GSSAPI login", NULL },
	{ 'I', ARG, LACK, OPT_COUNT, "keys on tokens are used through an agent", NULL },
};

static const struct flag *find(char letter)
{
	for (size_t i = 0; i < LEN(flags); i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return NULL;
}

static int apply(struct reading *r, const struct flag *f, const char *arg)
{
	switch ((enum how)f->how) {
	case DO:
		return f->fn(r, arg);
	case SET:
		return conf_set(r->conf, f->opt, arg, r->why);
	case OVERRIDE:
		return conf_override(r->conf, f->opt, arg ? arg : f->text, r->why);
	case LACK:
		return why_set(r->why, ERR_DENIED, "-%c is not supported: %s", f->letter, f->text);
	case HARMLESS:
		break;
	}
	return OK;
}

/* ---- Words ---------------------------------------------------------------------------------------------------- */

/* The letters of one word, "-Nfp2222"; *next is the word behind it, which may be an argument. */
static int read_flags(struct reading *r, const char *letters, char *const **next)
{
	for (; *letters; letters++) {
		const char one[2] = { *letters, 0 };
		const struct flag *f = find(*letters);
		const char *arg = NULL;

		if (!f)
			return misuse(r, "unknown option --", one);
		if (f->arg == ARG) {
			arg = letters[1] ? letters + 1 : **next;
			if (!arg || (!*arg && f->opt != OPT_COUNT))
				return misuse(r, "option requires an argument --", one);
			*next += !letters[1];
		}
		int err = apply(r, f, arg);
		if (err || f->arg == ARG)
			return err;
	}
	return OK;
}

static int read_long(struct reading *r, const char *word)
{
	if (strcmp(word, "--help") == 0)
		r->cmd->action = CMD_HELP;
	else if (strcmp(word, "--version") == 0)
		r->cmd->action = CMD_VERSION;
	else
		return misuse(r, "unknown option", word);
	return OK;
}

static int no_memory(struct reading *r)
{
	return why_set(r->why, ERR_NOMEM, "out of memory");
}

/* Takes user@ away from the front of *s. */
static int cut_user(struct reading *r, char **s)
{
	char *at = strrchr(*s, '@');

	if (!at)
		return OK;
	if (at == *s)
		return misuse(r, "there is no user before the @ in", *s);
	*at = 0;
	int err = conf_set(r->conf, OPT_User, *s, r->why);
	*s = at + 1;
	return err;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char low[2] = { c, 0 };

	str_lower(low);
	const char *d = c ? strchr(digits, low[0]) : NULL;
	return d ? (int)(d - digits) : -1;
}

/* %41 and the like, in place (RFC 3986 section 2.1); false for a broken one or a NUL. */
static bool percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%') {
			int high = hex_digit(s[1]), low = high < 0 ? -1 : hex_digit(s[2]);

			if (low < 0 || !(high | low))
				return false;
			*to++ = (char)(high * 16 + low);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
	return true;
}

/* host, [v6], each with :port or without. */
static int cut_port(struct reading *r, char **host)
{
	bool bracket = **host == '[';
	char *end = bracket ? strchr(*host, ']') : *host + strcspn(*host, ":");

	if (!end || (bracket && end[1] && end[1] != ':'))
		return misuse(r, "bad address in the URL:", *host);
	char *port = end + bracket;
	bool has_port = *port == ':';
	*end = 0;
	*host += bracket;
	return has_port ? conf_set(r->conf, OPT_Port, port + 1, r->why) : OK;
}

/* ssh://[user@]host[:port][/], what stands behind ';' in the user part is not for us. */
static int read_url(struct reading *r, char *s, char **host)
{
	char *slash = strchr(s, '/'), *at, *params;

	if (slash && slash[1])
		return misuse(r, "a path in the URL:", slash);
	if (slash)
		*slash = 0;
	*host = s;
	at = strrchr(s, '@');
	if (at) {
		params = strchr(s, ';');
		*(params && params < at ? params : at) = 0;
		*host = at + 1;
		if (!percent_decode(s) || !*s)
			return misuse(r, "bad user name in the URL:", s);
		int err = conf_set(r->conf, OPT_User, s, r->why);
		if (err)
			return err;
	}
	return cut_port(r, host);
}

static int read_host(struct reading *r, const char *word)
{
	static const char scheme[] = "ssh://";
	bool url = strncmp(word, scheme, strlen(scheme)) == 0;
	char *copy = strdup(url ? word + strlen(scheme) : word), *host = copy;

	if (!copy)
		return no_memory(r);
	r->host_seen = true;
	int err = url ? read_url(r, copy, &host) : cut_user(r, &host);
	if (!err && !*host)
		err = misuse(r, "there is no host in", word);
	if (!err) {
		r->cmd->host = strdup(host);
		err = r->cmd->host ? OK : no_memory(r);
	}
	free(copy);
	return err;
}

static int read_word(struct reading *r, char *const **next, bool *only_words)
{
	const char *word = *(*next)++;

	if (!*only_words && strcmp(word, "--") == 0)
		*only_words = true;
	else if (!*only_words && word[0] == '-' && word[1] == '-')
		return read_long(r, word);
	else if (!*only_words && word[0] == '-' && word[1])
		return read_flags(r, word + 1, next);
	else if (!r->host_seen)
		return read_host(r, word);
	else
		return misuse(r, "adit forwards ports and does not run commands:", word);
	return OK;
}

/* --help and --version: what stands behind them does not matter, and no host is wanted. */
static bool is_enough(const struct cmdline *cmd)
{
	return cmd->action == CMD_HELP || cmd->action == CMD_VERSION;
}

int cmdline_parse(struct cmdline *out, int argc, char *const *argv, struct client_conf *conf, struct why *why)
{
	struct cmdline cmd = { .action = CMD_RUN };
	struct reading r = { &cmd, conf, why, false };
	char *const *next = argc ? argv + 1 : argv;
	bool only_words = false;
	int err = OK;

	while (!err && *next && !is_enough(&cmd))
		err = read_word(&r, &next, &only_words);
	if (!err && !cmd.host && !is_enough(&cmd))
		err = why_set(why, ERR_SYNTAX,
			      "no host given; usage: adit -L port:host:hostport user@host (more: adit --help)");
	if (err)
		cmdline_fini(&cmd);
	else
		*out = cmd;
	return err;
}

void cmdline_fini(struct cmdline *cmd)
{
	free(cmd->host);
	*cmd = (struct cmdline){ 0 };
}

const char *cmdline_help(void)
{
	return "usage: adit [flags] [user@]host | ssh://[user@]host[:port]\n"
	       "  -L [bind:]port:host:hostport   listen here, connect from the server\n"
	       "  -R [bind:]port:host:hostport   listen on the server, connect from here\n"
	       "                                 (a unix path may stand for either end)\n"
	       "  -g           local forwards listen on every address, not only on loopback\n"
	       "  -N           only forward (always so)     -f  into the background after login\n"
	       "  -l user      log in as user               -p  port of the server (22)\n"
	       "  -i file      a private key to log in with; may be given several times\n"
	       "  -F file      read only this configuration; none = none at all\n"
	       "  -o Name=val  any keyword of ssh_config(5) -G  print the configuration\n"
	       "  -4 -6        IPv4 or IPv6 only            -b  local address to connect from\n"
	       "  -B name      interface to connect from    -P  tag for Match tagged\n"
	       "  -c ciphers   best first, or +add -remove ^first; -m the same for MACs\n"
	       "  -v           say what happens; -vv, -vvv   -q  say nothing\n"
	       "  -E file      write messages to this file  -V  version (also --version)\n"
	       "  -a -C -e -k -n -T -t -x -y   accepted, as they change nothing here\n"
	       "Exit code: 0, or 255 for every failure, with one line that says why.\n";
}
