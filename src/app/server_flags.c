/* One row per letter. */
#include "app/server_flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { SHOW = 200 };

struct reading {
	struct server_flags *flags;
	struct why *why;
};

typedef int flag_fn(struct reading *r, const char *arg);

static int misuse(struct reading *r, const char *what, const char *text)
{
	char show[SHOW];

	return why_set(r->why, ERR_SYNTAX, "%s '%s' (aditd --help shows the flags)", what,
		       str_escape(show, sizeof(show), span_str(text)));
}

/* ---- flags ---- */

static int add_line(struct reading *r, const char *keyword, const char *value)
{
	size_t n = strlen(keyword) + strlen(value) + 4;
	char *line = malloc(n);

	if (line)
		snprintf(line, n, *keyword ? "%s \"%s\"" : "%s%s", keyword, value);
	return strs_take(&r->flags->lines, line) ? why_set(r->why, ERR_NOMEM, "out of memory") : OK;
}

static int on_option(struct reading *r, const char *arg)
{
	return add_line(r, "", arg);
}

static int on_port(struct reading *r, const char *arg)
{
	return add_line(r, "Port", arg);
}

static int on_host_key(struct reading *r, const char *arg)
{
	return add_line(r, "HostKey", arg);
}

static int on_file(struct reading *r, const char *arg)
{
	r->flags->file = arg;
	return OK;
}

static int on_log_file(struct reading *r, const char *arg)
{
	r->flags->log_file = arg;
	return OK;
}

static int on_criteria(struct reading *r, const char *arg)
{
	r->flags->criteria = arg;
	return OK;
}

static int on_foreground(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->foreground = true;
	return OK;
}

static int on_inetd(struct reading *r, const char *arg)
{
	r->flags->inetd = true;
	return on_foreground(r, arg);
}

static int on_stderr(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->to_stderr = true;
	return OK;
}

static int on_debug(struct reading *r, const char *arg)
{
	r->flags->debug += r->flags->debug < 3;
	return on_foreground(r, arg) || on_stderr(r, arg);
}

static int on_quiet(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->quiet = true;
	return OK;
}

static int on_check(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->action = SERVER_CHECK;
	return OK;
}

static int on_dump(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->action = SERVER_DUMP;
	return OK;
}

static int on_version(struct reading *r, const char *arg)
{
	(void)arg;
	r->flags->action = SERVER_VERSION;
	return OK;
}

enum { NO_ARG, ARG };

/* Without a function: sshd has it, and `lack` says why this program does not. */
static const struct flag {
	char letter;
	char arg;
	flag_fn *fn;
	const char *lack;
} flags[] = {
	{ 'C', ARG, on_criteria, NULL },
	{ 'D', NO_ARG, on_foreground, NULL },
	{ 'E', ARG, on_log_file, NULL },
	{ 'T', NO_ARG, on_dump, NULL },
	{ 'V', NO_ARG, on_version, NULL },
	{ 'd', NO_ARG, on_debug, NULL },
	{ 'e', NO_ARG, on_stderr, NULL },
	{ 'f', ARG, on_file, NULL },
	{ 'h', ARG, on_host_key, NULL },
	{ 'i', NO_ARG, on_inetd, NULL },
	{ 'o', ARG, on_option, NULL },
	{ 'p', ARG, on_port, NULL },
	{ 'q', NO_ARG, on_quiet, NULL },
	{ 't', NO_ARG, on_check, NULL },
	{ 'c', ARG, NULL, "name the certificate with -o HostCertificate=..." },
	{ 'g', ARG, NULL, "use -o LoginGraceTime=..." },
	{ 'u', ARG, NULL, "there is no utmp: nobody gets a terminal" },
	{ 'G', NO_ARG, NULL, "use -T" },
	{ '4', NO_ARG, NULL, "use -o AddressFamily=inet" },
	{ '6', NO_ARG, NULL, "use -o AddressFamily=inet6" },
};

static const struct flag *find(char letter)
{
	for (size_t i = 0; i < LEN(flags); i++)
		if (flags[i].letter == letter)
			return &flags[i];
	return NULL;
}

/* ---- words ---- */

/* The letters of one word, "-Dep2222"; *next is the word behind it, which may be an argument. */
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
			if (!arg)
				return misuse(r, "option requires an argument --", one);
			*next += !letters[1];
		}
		int err = f->fn ? f->fn(r, arg)
				: why_set(r->why, ERR_DENIED, "-%c is not supported: %s", f->letter, f->lack);
		if (err || f->arg == ARG)
			return err;
	}
	return OK;
}

static int read_word(struct reading *r, char *const **next)
{
	const char *word = *(*next)++;

	if (strcmp(word, "--help") == 0)
		r->flags->action = SERVER_HELP;
	else if (strcmp(word, "--version") == 0)
		r->flags->action = SERVER_VERSION;
	else if (word[0] == '-' && word[1] && word[1] != '-')
		return read_flags(r, word + 1, next);
	else
		return misuse(r, "unexpected word", word);
	return OK;
}

int server_flags_parse(struct server_flags *out, int argc, char *const *argv, struct why *why)
{
	struct server_flags f = { .action = SERVER_RUN };
	struct reading r = { &f, why };
	char *const *next = argc ? argv + 1 : argv;
	int err = OK;

	while (!err && *next && f.action != SERVER_HELP && f.action != SERVER_VERSION)
		err = read_word(&r, &next);
	if (!err && f.criteria && f.action != SERVER_DUMP && f.action != SERVER_CHECK)
		err = misuse(&r, "only -T and -t take criteria; unexpected", f.criteria);
	if (err)
		server_flags_fini(&f);
	else
		*out = f;
	return err;
}

void server_flags_fini(struct server_flags *f)
{
	strs_fini(&f->lines);
}

const char *server_help(void)
{
	return "usage: aditd [flags]\n"
	       "  -f file      configuration (/etc/adit/aditd_config)\n"
	       "  -D           stay in the foreground         -d  the same, and say what happens (-dd, -ddd: more)\n"
	       "  -e           log to stderr                  -E file  log to a file\n"
	       "  -q           log nothing                    -i  serve the connection on stdin, and end\n"
	       "  -p port      listen there                   -h file  host key\n"
	       "  -o Name=val  any keyword of aditd_config(5)\n"
	       "  -t           check the configuration and the host keys, and end\n"
	       "  -T           print the effective configuration, and end\n"
	       "  -C user=...,addr=...,host=...,laddr=...,lport=...\n"
	       "               whom Match blocks are judged for, with -T\n"
	       "  -V           print the version\n"
	       "\n"
	       "SIGHUP reads the configuration again; tunnels that stand go on. SIGTERM ends.\n"
	       "The manual: man aditd, man aditd_config.\n";
}
