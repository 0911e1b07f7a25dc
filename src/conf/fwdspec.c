/* Cuts a forwarding specification into fields, then a table of shapes says which field is what. */
#include "conf/fwdspec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/number.h"

/* Lengths that the protocol and the system can carry: a host name (RFC 1035, with room), a socket path (sun_path). */
enum { FIELDS_MAX = 4, HOST_MAX = 1024, PATH_LEN_MAX = 107, SPEC_MAX = 8192, SHOW = 256 };

struct field {
	char *text;
	bool path; /* has a '/' */
};

/* The work on one specification: its copy, cut into fields. */
struct cut {
	char *copy;
	struct field field[FIELDS_MAX + 1];
	size_t n;
	bool more; /* the last field ended with a ':' */
	struct why fault;
};

static int fault(struct cut *c, const char *what)
{
	return why_set(&c->fault, ERR_SYNTAX, "%s", what);
}

/* A field in brackets is taken as it is; gives what stands behind it. */
static char *bracket_field(struct cut *c, struct field *f, char *s)
{
	char *end = strchr(s, ']');

	if (!end || (end[1] && end[1] != ':')) {
		(void)fault(c, end ? "']' is followed by something else than ':'" : "'[' without ']'");
		return NULL;
	}
	*end = 0;
	*f = (struct field){ .text = s + 1, .path = strchr(s + 1, '/') != NULL };
	c->more = end[1] == ':';
	return end + 1 + c->more;
}

/* A field up to the next ':'; a backslash takes away the meaning of the byte behind it. */
static char *plain_field(struct cut *c, struct field *f, char *s)
{
	char *to = s;

	*f = (struct field){ .text = s };
	for (; *s && *s != ':'; s++) {
		if (*s == '\\' && !*++s) {
			(void)fault(c, "nothing behind the backslash");
			return NULL;
		}
		f->path |= *s == '/';
		*to++ = *s;
	}
	c->more = *s == ':';
	*to = 0;
	return s + c->more;
}

static int cut_fields(struct cut *c, char *s)
{
	if (!*s)
		return fault(c, "nothing in it");
	do {
		struct field *f = &c->field[c->n++];

		s = *s == '[' ? bracket_field(c, f, s) : plain_field(c, f, s);
		if (!s)
			return ERR_SYNTAX;
	} while (c->more && c->n <= FIELDS_MAX);
	if (c->n > FIELDS_MAX)
		return fault(c, "more than four fields; an IPv6 address belongs into [brackets]");
	return OK;
}

static bool all_digits(const char *s, size_t n)
{
	return n > 0 && strspn(s, "0123456789") >= n;
}

/* The other notation, bind/port/host/hostport: no ':' anywhere, and digits where ports are. A text that begins with '/'
 * is a path. */
static bool slashes_only(const char *s)
{
	size_t len[FIELDS_MAX] = { 0 }, n = 0;
	const char *at[FIELDS_MAX] = { 0 };

	if (*s == '/' || strpbrk(s, ":[\\"))
		return false;
	for (;; s++) {
		if (n == FIELDS_MAX)
			return false;
		at[n] = s;
		len[n++] = strcspn(s, "/");
		s += len[n - 1];
		if (!*s)
			break;
	}
	return (n == 3 || n == 4) && all_digits(at[n - 1], len[n - 1]) && all_digits(at[n - 3], len[n - 3]);
}

static void slashes_to_colons(char *s)
{
	for (; *s; s++)
		if (*s == '/')
			*s = ':';
}

/* ---- From fields to ends -------------------------------------------------------------------------------------- */

/* What the fields of a specification are: B bind address, P listening port, L listening path, H host, Q port of the
 * host, T target path. A shape with a lower-case second word needs the fields marked '/' to be paths. */
struct shape {
	size_t n;
	const char *paths; /* per field: '/' a path, '-' not looked at */
	const char *roles;
};

static const struct shape shapes[] = {
	{ 1, "/", "L" },     { 1, "-", "P" },	  { 2, "//", "LT" },   { 2, "-/", "PT" },     { 2, "--", "BP" },
	{ 3, "/--", "LHQ" }, { 3, "--/", "BPT" }, { 3, "---", "PHQ" }, { 4, "----", "BPHQ" },
};

static const struct shape *find_shape(const struct cut *c)
{
	for (size_t i = 0; i < LEN(shapes); i++) {
		const struct shape *s = &shapes[i];
		bool fits = s->n == c->n;

		for (size_t k = 0; fits && k < s->n; k++)
			fits = s->paths[k] != '/' || c->field[k].path;
		if (fits)
			return s;
	}
	return NULL;
}

static int set_port(struct cut *c, uint16_t *port, const char *text, uint64_t least)
{
	char show[SHOW];
	int err;

	str_escape(show, sizeof(show), span_str(text));
	if (!*text)
		return fault(c, "the port is missing");
	err = number_port(text, least, port);
	if (err == ERR_NOT_FOUND)
		return why_set(&c->fault, ERR_SYNTAX, "port '%s' is not a number, and %s", show, number_no_service());
	return err ? why_set(&c->fault, ERR_SYNTAX, "port %s is not between %u and 65535", show, (unsigned)least) : OK;
}

static int set_text(struct cut *c, char **to, const char *text, size_t max, const char *what)
{
	if (strlen(text) > max)
		return why_set(&c->fault, ERR_SYNTAX, "%s is longer than %zu bytes", what, max);
	*to = strdup(text);
	return *to ? OK : ERR_NOMEM;
}

static int set_role(struct cut *c, struct fwdspec *f, char role, const char *text)
{
	switch (role) {
	case 'B':
		return set_text(c, &f->listen.host, text, HOST_MAX, "the bind address");
	case 'P':
		return set_port(c, &f->listen.port, text, 0);
	case 'L':
		return set_text(c, &f->listen.path, text, PATH_LEN_MAX, "the path to listen on");
	case 'T':
		return set_text(c, &f->connect.path, text, PATH_LEN_MAX, "the path to connect to");
	case 'Q':
		return set_port(c, &f->connect.port, text, 1);
	default:
		return *text ? set_text(c, &f->connect.host, text, HOST_MAX, "the host")
			     : fault(c, "the host to connect to is missing");
	}
}

static int fill(struct cut *c, struct fwdspec *f)
{
	const struct shape *shape = find_shape(c); /* 1 to 4 fields always have one */
	int err = OK;

	f->dynamic = !strpbrk(shape->roles, "HT");
	if (f->dynamic && f->side == FWD_LOCAL)
		return fault(c, "it does not say where to connect to (port:host:hostport)");
	for (size_t i = 0; !err && i < shape->n; i++)
		err = set_role(c, f, shape->roles[i], c->field[i].text);
	return err;
}

/* Is this the kind in front, "tcp/" with a number behind it? Then s moves behind it. */
static int cut_kind(struct cut *c, struct fwdspec *f, char **s)
{
	f->kind = FWD_TCP;
	if (strncmp(*s, "tcp/", 4) == 0)
		*s += 4;
	else if (strncmp(*s, "ftp/", 4) == 0)
		return fault(c, "the kind 'ftp' is not part of this release");
	return OK;
}

static int parse_copy(struct cut *c, struct fwdspec *f)
{
	char *s = c->copy + strspn(c->copy, " \t");
	int err = cut_kind(c, f, &s);

	if (err)
		return err;
	if (slashes_only(s))
		slashes_to_colons(s);
	err = cut_fields(c, s);
	return err ? err : fill(c, f);
}

int fwdspec_parse(struct fwdspec *out, const char *text, enum fwd_side side, struct why *why)
{
	struct fwdspec f = { .side = side };
	struct cut c = { .n = 0 };
	char show[SHOW];

	str_escape(show, sizeof(show), span_str(text));
	if (strlen(text) > SPEC_MAX)
		return why_set(why, ERR_SYNTAX, "bad forwarding specification '%s': too long", show);
	c.copy = strdup(text);
	if (!c.copy)
		return why_set(why, ERR_NOMEM, "out of memory");
	int err = parse_copy(&c, &f);
	free(c.copy);
	if (!err) {
		*out = f;
		return OK;
	}
	fwdspec_fini(&f);
	if (err == ERR_NOMEM)
		return why_set(why, err, "out of memory");
	return why_set(why, err, "bad forwarding specification '%s': %s", show, c.fault.text);
}

int fwdspec_parse_words(struct fwdspec *out, const char *listen_word, const char *connect_word, enum fwd_side side,
			struct why *why)
{
	size_t n = strlen(listen_word) + (connect_word ? strlen(connect_word) : 0) + 2;
	char *joined;

	if (!connect_word && side == FWD_LOCAL)
		return why_set(why, ERR_SYNTAX, "Missing target argument.");
	joined = malloc(n);
	if (!joined)
		return why_set(why, ERR_NOMEM, "out of memory");
	snprintf(joined, n, "%s%s%s", listen_word, connect_word ? ":" : "", connect_word ? connect_word : "");
	int err = fwdspec_parse(out, joined, side, why);
	free(joined);
	return err;
}

/* ---- The rest of a life --------------------------------------------------------------------------------------- */

static void end_fini(struct fwd_end *e)
{
	free(e->host);
	free(e->path);
}

void fwdspec_fini(struct fwdspec *f)
{
	end_fini(&f->listen);
	end_fini(&f->connect);
	*f = (struct fwdspec){ 0 };
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool end_equal(const struct fwd_end *a, const struct fwd_end *b)
{
	return same(a->host, b->host) && same(a->path, b->path) && a->port == b->port;
}

bool fwdspec_equal(const struct fwdspec *a, const struct fwdspec *b)
{
	return a->side == b->side && a->kind == b->kind && a->dynamic == b->dynamic &&
	       end_equal(&a->listen, &b->listen) && end_equal(&a->connect, &b->connect);
}

static void end_print(const struct fwd_end *e, struct buf *out)
{
	if (e->path)
		buf_printf(out, "%s", e->path);
	else if (e->host)
		buf_printf(out, "[%s]:%u", e->host, e->port);
	else
		buf_printf(out, "%u", e->port);
}

void fwdspec_print(const struct fwdspec *f, struct buf *out)
{
	end_print(&f->listen, out);
	buf_printf(out, " ");
	if (f->dynamic)
		buf_printf(out, "[socks]:0");
	else
		end_print(&f->connect, out);
}
