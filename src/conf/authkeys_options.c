/* The options of a key: a table of names. As in OpenSSH, upper and lower case are the same, "no-" turns a permission
 * around, and the later of two wins. */
#include "conf/authkeys_said.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "conf/addrlist.h"
#include "conf/permit.h"

/* ---- What they do --------------------------------------------------------------------------------------------- */

static int set_restrict(struct key_options *o, struct said *s)
{
	(void)s;
	o->forwarding = false;
	return OK;
}

static int set_forwarding(struct key_options *o, struct said *s)
{
	o->forwarding = s->on;
	return OK;
}

static int set_ca(struct key_options *o, struct said *s)
{
	(void)s;
	o->cert_authority = true;
	return OK;
}

/* For what only sessions have. */
static int set_nothing(struct key_options *o, struct said *s)
{
	(void)o;
	(void)s;
	return OK;
}

static int add_word(struct strs *words, const struct said *s, int bad)
{
	if (!bad && (strcmp(s->value, "any") == 0 || strcmp(s->value, "none") == 0))
		bad = why_set(s->why, ERR_SYNTAX, "%s=\"%s\" (a key has host:port here)", s->name, s->value);
	if (!bad && words->n >= POLICY_WORDS_MAX)
		bad = why_set(s->why, ERR_SYNTAX, "more than %d times %s", POLICY_WORDS_MAX, s->name);
	return bad ? bad : strs_add(words, s->value);
}

static int set_permit_open(struct key_options *o, struct said *s)
{
	return add_word(&o->permit_open, s, permit_open_word_check(s->value, s->why));
}

static int set_permit_listen(struct key_options *o, struct said *s)
{
	return add_word(&o->permit_listen, s, permit_listen_word_check(s->value, s->why));
}

/* Twice the same would leave open which one was meant. */
static int take_text(char **to, struct said *s)
{
	if (*to)
		return why_set(s->why, ERR_SYNTAX, "%s twice", s->name);
	*to = s->value;
	s->value = NULL;
	return OK;
}

static int set_from(struct key_options *o, struct said *s)
{
	if (addrlist_check(s->value))
		return why_set(s->why, ERR_SYNTAX, "from has something with '/' that is no range of addresses");
	return take_text(&o->from, s);
}

static int set_principals(struct key_options *o, struct said *s)
{
	return take_text(&o->principals, s);
}

/* So many digits as one number. */
static int digits(const char *s, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s[i] - '0');
	return v;
}

/* mktime() turns February 30 into March 1: then the day was none. */
static bool to_seconds(struct tm tm, bool utc, uint64_t *out)
{
	struct tm same = tm;
	time_t t;

	same.tm_isdst = -1;
	t = utc ? timegm(&same) : mktime(&same);
	if (t <= 0 || same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 59)
		return false;
	*out = (uint64_t)t;
	return true;
}

/* YYYYMMDD[HHMM[SS]][Z] */
static bool read_time(const char *s, uint64_t *out)
{
	size_t n = strspn(s, "0123456789");
	bool utc = s[n] == 'Z';
	struct tm tm = { 0 };

	if ((n != 8 && n != 12 && n != 14) || s[n + utc])
		return false;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 4, 2) - 1;
	tm.tm_mday = digits(s + 6, 2);
	tm.tm_hour = n >= 12 ? digits(s + 8, 2) : 0;
	tm.tm_min = n >= 12 ? digits(s + 10, 2) : 0;
	tm.tm_sec = n == 14 ? digits(s + 12, 2) : 0;
	return to_seconds(tm, utc, out);
}

/* Of several the earliest counts. */
static int set_expiry(struct key_options *o, struct said *s)
{
	uint64_t t;

	if (!read_time(s->value, &t))
		return why_set(s->why, ERR_SYNTAX, "expiry-time is not YYYYMMDD[HHMM[SS]][Z]");
	if (!o->expiry || t < o->expiry)
		o->expiry = t;
	return OK;
}

/* ---- The table ------------------------------------------------------------------------------------------------ */

enum form { FLAG, SWITCH /* may have "no-" in front */, VALUE };

static const struct row {
	const char *name;
	enum form form;
	int (*set)(struct key_options *o, struct said *s);
} rows[] = {
	{ "restrict", FLAG, set_restrict },
	{ "cert-authority", FLAG, set_ca },
	{ "port-forwarding", SWITCH, set_forwarding },
	{ "permitopen", VALUE, set_permit_open },
	{ "permitlisten", VALUE, set_permit_listen },
	{ "from", VALUE, set_from },
	{ "expiry-time", VALUE, set_expiry },
	{ "principals", VALUE, set_principals },
	{ "agent-forwarding", SWITCH, set_nothing },
	{ "X11-forwarding", SWITCH, set_nothing },
	{ "pty", SWITCH, set_nothing },
	{ "user-rc", SWITCH, set_nothing },
	{ "touch-required", SWITCH, set_nothing },
	{ "verify-required", SWITCH, set_nothing },
	{ "command", VALUE, set_nothing },
	{ "environment", VALUE, set_nothing },
	{ "tunnel", VALUE, set_nothing },
};

static const struct row *find(const char *name, bool *on)
{
	bool no = name[0] && strlen(name) > 3 && (name[0] | 32) == 'n' && (name[1] | 32) == 'o' && name[2] == '-';

	*on = !no;
	for (size_t i = 0; i < LEN(rows); i++)
		if (str_eq_nocase(name + (no ? 3 : 0), rows[i].name) && (!no || rows[i].form == SWITCH))
			return &rows[i];
	return NULL;
}

static int apply(struct key_options *o, struct said *s)
{
	const struct row *row = find(s->name, &s->on);
	char show[64];

	str_escape(show, sizeof(show), span_str(s->name));
	if (!row)
		return why_set(s->why, ERR_SYNTAX, "unknown option '%s'", show);
	if ((row->form == VALUE) != (s->value != NULL))
		return why_set(s->why, ERR_SYNTAX, "option '%s' %s", show,
			       s->value ? "has no value" : "needs a value in quotes");
	return row->set(o, s);
}

/* ---- The list ------------------------------------------------------------------------------------------------- */

/* One option and the comma behind it, if anything is. */
static int parse_one(struct key_options *o, struct span *text, struct why *why)
{
	struct said s = { .why = why };
	int err = said_read(&s, text);

	if (!err)
		err = apply(o, &s);
	free(s.name);
	free(s.value);
	if (err || !text->n)
		return err;
	if (text->p[0] != ',' || text->n == 1)
		return why_set(why, ERR_SYNTAX, "options are not separated by single commas");
	*text = span(text->p + 1, text->n - 1);
	return OK;
}

int key_options_parse(struct key_options *out, struct span text, struct why *why)
{
	struct key_options o = { .forwarding = true };
	int err = text.n && memchr(text.p, 0, text.n) ? why_set(why, ERR_SYNTAX, "a NUL byte") : OK;

	while (!err && text.n)
		err = parse_one(&o, &text, why);
	if (err) {
		key_options_fini(&o);
		return err;
	}
	*out = o;
	return OK;
}
