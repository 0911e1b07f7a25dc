/* Lines of authorized_keys: found by their base64, and only then understood. */
#include "conf/authkeys.h"

#include <stdlib.h>

#include "base/str.h"
#include "conf/addrlist.h"
#include "crypto/b64.h"
#include "crypto/pkey.h"

void key_options_fini(struct key_options *o)
{
	strs_fini(&o->permit_open);
	strs_fini(&o->permit_listen);
	free(o->from);
	free(o->principals);
	*o = (struct key_options){ 0 };
}

int key_options_allow(const struct key_options *o, const struct key_login *who, struct why *why)
{
	enum list_match match = LIST_NO;
	char text[IP_TEXT];

	if (o->expiry && who->now >= o->expiry)
		return why_set(why, ERR_DENIED, "the key has expired (expiry-time)");
	if (o->from && (addrlist_match(o->from, &who->source, &match) || match != LIST_YES))
		return why_set(why, ERR_DENIED, "the key is not for %s (from)", ip_text(&who->source, text));
	return OK;
}

static void move_words(struct strs *to, struct strs *from)
{
	strs_fini(to);
	*to = *from;
	*from = (struct strs){ 0 };
}

void key_options_narrow(struct key_options *o, struct policy *p)
{
	if (!o->forwarding)
		p->tcp = p->streamlocal = 0;
	move_words(&p->permit_open[POLICY_KEY], &o->permit_open);
	move_words(&p->permit_listen[POLICY_KEY], &o->permit_listen);
}

/* ---- Lines ---------------------------------------------------------------------------------------------------- */

int authkeys_open(struct authkeys *a, const char *file, struct span text, struct span blob, enum authkeys_kind kind)
{
	int err;

	*a = (struct authkeys){ .file = file, .type = pkey_type(blob), .wanted = BUF(PKEY_BLOB_MAX * 2), .kind = kind };
	b64_encode(&a->wanted, blob);
	err = buf_err(&a->wanted);
	if (!err)
		err = lines_open_memory(&a->lines, text.p, text.n);
	if (err)
		buf_fini(&a->wanted);
	return err ? ERR_NOMEM : OK;
}

void authkeys_close(struct authkeys *a)
{
	lines_close(&a->lines);
	buf_fini(&a->wanted);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct span *s)
{
	while (s->n && is_blank(s->p[0]))
		*s = span(s->p + 1, s->n - 1);
}

/* The next word and the blanks behind it. */
static struct span take(struct span *s, size_t n)
{
	struct span word = { s->p, n };

	*s = span(s->p + n, s->n - n);
	skip_blanks(s);
	return word;
}

static size_t word_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]))
		n++;
	return n;
}

/* A line that begins with a type of keys has no options. */
static bool is_type(struct span word)
{
	for (const struct sig_alg *alg = sig_table(); alg->name; alg++)
		if (span_is(word, alg->key_type))
			return true;
	return false;
}

/* The parts of a line; false for one that has no key. */
struct parts {
	struct span options, type, key;
};

static bool cut(struct parts *p, struct span line)
{
	skip_blanks(&line);
	if (!line.n || line.p[0] == '#')
		return false;
	p->options = span(line.p, 0);
	if (!is_type(span(line.p, word_length(line))))
		p->options = take(&line, key_options_length(line));
	p->type = take(&line, word_length(line));
	p->key = take(&line, word_length(line));
	return p->key.n > 0;
}

static struct span line_of(const struct lines *in)
{
	size_t n = in->n;

	return span(in->text, n && in->text[n - 1] == '\r' ? n - 1 : n);
}

/* The line has the key. 1, 0 when it is one of the other kind, or an error. */
static int understand(const struct authkeys *a, const struct parts *p, struct key_options *out, struct why *why)
{
	struct key_options o;
	char show[64];
	int err;

	if (a->kind == AUTHKEYS_BARE && p->options.n)
		return 0;
	if (!span_eq(p->type, a->type))
		return why_set(why, ERR_SYNTAX, "the key is not of the type '%s'",
			       str_escape(show, sizeof(show), p->type));
	err = key_options_parse(&o, p->options, why);
	if (err)
		return err;
	if (o.cert_authority != (a->kind == AUTHKEYS_CA)) {
		key_options_fini(&o);
		return 0;
	}
	o.line = a->lines.number;
	*out = o;
	return 1;
}

int authkeys_next(struct authkeys *a, struct key_options *out, struct why *why)
{
	struct parts p;
	int got = 0, more = 1;

	while (!got && (more = lines_next(&a->lines)) > 0)
		if (cut(&p, line_of(&a->lines)) && span_eq(p.key, buf_span(&a->wanted)))
			got = understand(a, &p, out, why);
	if (got == ERR_SYNTAX)
		why_prefix(why, got, "%s:%lu", a->file, a->lines.number);
	return more < 0 ? ERR_NOMEM : got; /* memory has no other faults */
}

/* Frees what does not let the login in. */
static int try_line(const struct authkeys *a, struct key_options *o, const struct key_login *who, struct why *why)
{
	int err = key_options_allow(o, who, why);

	if (err) {
		why_prefix(why, err, "%s:%lu", a->file, o->line);
		key_options_fini(o);
	}
	return err;
}

int authkeys_find(struct key_options *out, const char *file, struct span text, struct span blob,
		  const struct key_login *who, struct why *why)
{
	struct authkeys a;
	struct key_options o;
	int err = authkeys_open(&a, file, text, blob, AUTHKEYS_PLAIN), got = 1, verdict = ERR_NOT_FOUND;

	if (err)
		return err;
	while (verdict != OK && verdict != ERR_NOMEM && got) {
		got = authkeys_next(&a, &o, why);
		if (got)
			verdict = got == 1 ? try_line(&a, &o, who, why) : got == ERR_NOMEM ? ERR_NOMEM : ERR_DENIED;
	}
	authkeys_close(&a);
	if (verdict == OK)
		*out = o;
	return verdict;
}
