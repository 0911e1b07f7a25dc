/* Whose CA it is, and whom it may let in. The restrictions of the line and of the certificate hold together. */
#include "conf/userca.h"

#include "base/names.h"
#include "base/rd.h"
#include "base/str.h"

static int refuse(struct why *why, const char *sentence)
{
	return why_set(why, ERR_DENIED, "the certificate is refused: %s", sentence);
}

/* ---- Principals ----------------------------------------------------------------------------------------------- */

/* Compared byte by byte: a principal is no pattern. */
static bool has_principal(const struct cert *cert, struct span wanted)
{
	struct rd in = rd(cert->principals);

	while (in.n) {
		struct span principal = rd_string(&in);

		if (rd_ok(&in) && wanted.n && span_eq(principal, wanted))
			return true;
	}
	return false;
}

static bool has_one_of(const struct cert *cert, const char *list)
{
	struct span all = span_str(list), name;

	while (names_next(&all, &name))
		if (has_principal(cert, name))
			return true;
	return false;
}

/* ---- AuthorizedPrincipalsFile --------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	while (s.n && is_blank(s.p[0]))
		s = span(s.p + 1, s.n - 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* [options] principal, and a comment. As in OpenSSH the last word is the principal. */
static struct span cut_principal(struct span *line)
{
	const uint8_t *hash = line->n ? memchr(line->p, '#', line->n) : NULL;
	struct span word;

	*line = trim(hash ? span(line->p, (size_t)(hash - line->p)) : *line);
	word = span(line->p + line->n, 0);
	while (word.n < line->n && !is_blank(word.p[-1]))
		word = span(word.p - 1, word.n + 1);
	*line = trim(span(line->p, line->n - word.n));
	return word;
}

/* OK when the line lets the certificate in; ERR_NOT_FOUND when it is not about it. */
static int try_principal(struct key_options *out, struct span line, const struct cert *cert,
			 const struct key_login *who, struct why *why)
{
	int err;

	if (!has_principal(cert, cut_principal(&line)))
		return ERR_NOT_FOUND;
	if (key_options_length(line) != line.n)
		return why_set(why, ERR_DENIED, "options with blanks between them");
	err = key_options_parse(out, line, why);
	if (err)
		return err == ERR_SYNTAX ? ERR_DENIED : err;
	err = key_options_allow(out, who, why);
	if (err)
		key_options_fini(out);
	return err;
}

static int walk_principals(struct key_options *out, struct lines *in, const char *file, const struct cert *cert,
			   const struct key_login *who, struct why *why)
{
	int verdict = ERR_NOT_FOUND, more = 1;

	while (verdict != OK && verdict != ERR_NOMEM && (more = lines_next(in)) > 0) {
		int err = try_principal(out, span(in->text, in->n), cert, who, why);

		if (err == OK)
			out->line = in->number;
		if (err == ERR_DENIED)
			why_prefix(why, err, "%s:%lu", file, in->number);
		verdict = err == ERR_NOT_FOUND ? verdict : err;
	}
	return more < 0 ? ERR_NOMEM : verdict;
}

static int by_principals_file(struct key_options *out, const struct userca_files *files, const struct cert *cert,
			      const struct key_login *who, struct why *why)
{
	struct lines in;
	int err = lines_open_memory(&in, files->principals.p, files->principals.n);

	if (err)
		return ERR_NOMEM;
	err = walk_principals(out, &in, files->principals_file, cert, who, why);
	lines_close(&in);
	if (err == ERR_NOT_FOUND)
		return refuse(why, "none of its principals is in AuthorizedPrincipalsFile");
	return err;
}

/* Without a file: a line without options, as it were. */
static int by_name(struct key_options *out, const struct cert *cert, const struct key_login *who, struct why *why)
{
	if (!has_principal(cert, span_str(who->user)))
		return refuse(why, "the user is not one of its principals");
	return key_options_parse(out, span(NULL, 0), why);
}

/* ---- TrustedUserCAKeys ---------------------------------------------------------------------------------------- */

static int find_ca(const struct userca_files *files, struct span ca, struct why *why)
{
	struct key_options o;
	struct authkeys a;
	int err = authkeys_open(&a, files->cas_file, files->cas, ca, AUTHKEYS_BARE), got = ERR_SYNTAX;

	if (err)
		return err;
	while (got == ERR_SYNTAX)
		got = authkeys_next(&a, &o, why);
	authkeys_close(&a);
	if (got == 1)
		key_options_fini(&o);
	return got == 1 ? OK : got ? got : ERR_NOT_FOUND;
}

int userca_by_files(struct key_options *out, const struct userca_files *files, const struct cert *cert,
		    const struct key_login *who, const struct userca_rules *rules, struct why *why)
{
	struct key_options o;
	bool forwarding = false;
	int err = find_ca(files, cert->ca_blob, why);

	if (!err)
		err = userca_judge(cert, who, rules, &forwarding, why);
	if (!err)
		err = files->principals_file ? by_principals_file(&o, files, cert, who, why)
					     : by_name(&o, cert, who, why);
	if (err)
		return err;
	o.forwarding &= forwarding;
	*out = o;
	return OK;
}

/* ---- cert-authority ------------------------------------------------------------------------------------------- */

/* Frees what does not let the certificate in. */
static int try_line(const char *file, struct key_options *o, const struct cert *cert, const struct key_login *who,
		    struct why *why)
{
	int err = key_options_allow(o, who, why);

	if (!err && o->principals && !has_one_of(cert, o->principals))
		err = refuse(why, "none of its principals is in principals=");
	if (!err && !o->principals && !has_principal(cert, span_str(who->user)))
		err = refuse(why, "the user is not one of its principals");
	if (err) {
		why_prefix(why, err, "%s:%lu", file, o->line);
		key_options_fini(o);
	}
	return err;
}

static int walk_lines(struct key_options *out, struct authkeys *a, const struct cert *cert, const struct key_login *who,
		      struct why *why)
{
	int got = 1, verdict = ERR_NOT_FOUND;

	while (verdict != OK && verdict != ERR_NOMEM) {
		got = authkeys_next(a, out, why);
		if (!got)
			break;
		if (got == 1)
			verdict = try_line(a->file, out, cert, who, why);
		else
			verdict = got == ERR_NOMEM ? got : ERR_DENIED;
	}
	return verdict;
}

int userca_by_line(struct key_options *out, const char *file, struct span text, const struct cert *cert,
		   const struct key_login *who, const struct userca_rules *rules, struct why *why)
{
	struct key_options o;
	struct authkeys a;
	bool forwarding = false;
	int err = authkeys_open(&a, file, text, cert->ca_blob, AUTHKEYS_CA);

	if (err)
		return err;
	err = walk_lines(&o, &a, cert, who, why);
	authkeys_close(&a);
	if (err)
		return err;
	err = userca_judge(cert, who, rules, &forwarding, why);
	if (err) {
		key_options_fini(&o);
		return err;
	}
	o.forwarding &= forwarding;
	*out = o;
	return OK;
}
