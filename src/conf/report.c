/* What the user should know about a configuration: -G and -T, what is ignored, what is not to be had. */
#include <stdio.h>

#include "base/str.h"
#include "conf/option.h"

enum { SHOW = 200 };

/* no, none and false ask for nothing. */
bool option_asks(const struct table *t, const void *conf, unsigned opt)
{
	const struct option *o = &t->rows[opt];
	union value v;

	if (!option_said(t, conf, opt))
		return false;
	option_get(&v, t, conf, opt);
	if (value_holding(o->type) == HOLD_TEXT)
		return !str_eq_nocase(v.text, "none");
	return value_holding(o->type) == HOLD_STRS ? v.strs.n > 0 : v.number != 0;
}

static int describe(char *out, size_t cap, const struct table *t, const void *conf, unsigned opt, const char *verb)
{
	const struct origin *at = option_at(t, conf, opt);
	char show[SHOW];

	return snprintf(out, cap, "%s line %u: %s %s: %s", str_escape(show, sizeof(show), span_str(at->file)), at->line,
			t->rows[opt].name, verb, t->rows[opt].help);
}

int option_supported(const struct table *t, const void *conf, struct why *why)
{
	char text[WHY_MAX];

	for (unsigned opt = 0; opt < t->n; opt++)
		if (t->rows[opt].standing == REFUSED && option_asks(t, conf, opt)) {
			describe(text, sizeof(text), t, conf, opt, "is not supported");
			return why_set(why, ERR_DENIED, "%s", text);
		}
	return OK;
}

/* Where an ignored keyword has a field, its "no" is what happens anyway. */
static bool worth_a_note(const struct table *t, const void *conf, unsigned opt)
{
	if (t->rows[opt].standing != IGNORED || !option_said(t, conf, opt))
		return false;
	return t->rows[opt].type == T_SKIP || option_asks(t, conf, opt);
}

void option_notes(const struct table *t, const void *conf, conf_emit *emit, void *user)
{
	char text[WHY_MAX];

	for (unsigned opt = 0; opt < t->n; opt++)
		if (worth_a_note(t, conf, opt)) {
			describe(text, sizeof(text), t, conf, opt, "is ignored");
			emit(user, text);
		}
}

int option_dump(const struct table *t, const void *conf, conf_emit *emit, void *user)
{
	union value v;
	int err = OK;

	for (unsigned opt = 0; !err && opt < t->n; opt++) {
		if (t->rows[opt].standing == IGNORED)
			continue;
		option_get(&v, t, conf, opt);
		err = value_print(&v, &t->rows[opt], emit, user);
	}
	return err;
}
