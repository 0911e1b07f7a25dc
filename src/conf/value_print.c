/* Values as -G and -T show them: a lower-case keyword, and what could stand behind it in a file. */
#include <stdio.h>

#include "base/str.h"
#include "conf/number.h"
#include "conf/penalties.h"
#include "conf/value.h"

enum { LINE_OUT_MAX = 128 * 1024 };

/* A line that is being made. */
struct line {
	struct buf text;
	const char *keyword; /* lower case */
	conf_emit *emit;
	void *user;
};

static void begin(struct line *l)
{
	buf_clear(&l->text);
	buf_printf(&l->text, "%s ", l->keyword);
}

static void end(struct line *l)
{
	buf_u8(&l->text, 0);
	if (!buf_err(&l->text))
		l->emit(l->user, (const char *)l->text.p);
}

/* ---- What has one line each ----------------------------------------------------------------------------------- */

static void print_each(struct line *l, const struct strs *s)
{
	for (size_t i = 0; i < s->n; i++) {
		begin(l);
		buf_printf(&l->text, "%s", s->v[i]);
		end(l);
	}
}

static void print_fwds(struct line *l, const struct fwds *f)
{
	for (size_t i = 0; i < f->n; i++) {
		begin(l);
		fwdspec_print(&f->v[i], &l->text);
		end(l);
	}
}

/* ---- What is one line ----------------------------------------------------------------------------------------- */

/* Numbers that are said with a word. */
static const struct {
	enum value_type type;
	int number;
	const char *word;
} number_words[] = {
	{ T_SECONDS, -1, "none" },
	{ T_TIMEOUT, 0, "none" },
	{ T_LIMIT, -1, "none" },
	{ T_AUTO, 0, "auto" },
};

static const char *word_for(const struct option *o, int n)
{
	for (const struct choice *c = o->choices; c && c->name; c++)
		if (c->value == n)
			return c->name;
	for (size_t i = 0; i < LEN(number_words); i++)
		if (number_words[i].type == o->type && number_words[i].number == n)
			return number_words[i].word;
	return o->choices ? "UNKNOWN" : NULL;
}

static void put_number(struct line *l, const union value *v, const struct option *o)
{
	const char *word = word_for(o, v->number);

	if (word)
		buf_printf(&l->text, "%s", word);
	else
		buf_printf(&l->text, o->type == T_MASK ? "0%o" : "%d", v->number);
}

static void put_text(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	buf_printf(&l->text, "%s", v->text);
}

/* An empty list is said with a word. */
static void put_strs(struct line *l, const union value *v, const struct option *o)
{
	const char *separator = o->type == T_NETS ? "," : " ";

	if (!v->strs.n)
		buf_printf(&l->text, o->type == T_OPENS || o->type == T_LISTENS ? "any" : "none");
	for (size_t i = 0; i < v->strs.n; i++)
		buf_printf(&l->text, "%s%s", i ? separator : "", v->strs.v[i]);
}

static void put_rekey(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	buf_printf(&l->text, "%llu %d", (unsigned long long)v->rekey.bytes, v->rekey.seconds);
}

static void put_tos(struct line *l, int tos)
{
	const char *name = number_qos_name(tos);

	if (name)
		buf_printf(&l->text, "%s", name);
	else
		buf_printf(&l->text, "0x%02x", (unsigned)tos);
}

static void put_qos(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	put_tos(l, v->qos.interactive);
	buf_u8(&l->text, ' ');
	put_tos(l, v->qos.bulk);
}

static void put_startups(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	buf_printf(&l->text, "%d:%d:%d", v->startups.begin, v->startups.percent, v->startups.full);
}

static void put_netblock(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	buf_printf(&l->text, "%d:%d", v->netblock.v4, v->netblock.v6);
}

static void put_bank(struct line *l, const union value *v, const struct option *o)
{
	(void)o;
	buf_printf(&l->text, "%llu %llu", (unsigned long long)v->bank.connection, (unsigned long long)v->bank.process);
}

static void put_penalties(struct line *l, const union value *v, const struct option *o)
{
	const struct penalties *p = &v->penalties;

	(void)o;
	if (p->v[PENALTY_OFF]) {
		buf_printf(&l->text, "no");
		return;
	}
	for (size_t i = PENALTY_OFF + 1; i < PENALTIES; i++) {
		buf_printf(&l->text, "%s%s:", i > 1 ? " " : "", penalties_name(i));
		if (i >= PENALTY_OVERFLOW)
			buf_printf(&l->text, "%s", penalties_overflow_name(p->v[i]));
		else
			buf_printf(&l->text, "%d", p->v[i]);
	}
}

typedef void put_fn(struct line *l, const union value *v, const struct option *o);

static put_fn *const put[] = {
	[HOLD_NUMBER] = put_number,	[HOLD_TEXT] = put_text,
	[HOLD_STRS] = put_strs,		[HOLD_REKEY] = put_rekey,
	[HOLD_QOS] = put_qos,		[HOLD_STARTUPS] = put_startups,
	[HOLD_NETBLOCK] = put_netblock, [HOLD_PENALTIES] = put_penalties,
	[HOLD_BANK] = put_bank,
};

/* What was not said is not shown; a command that is none is not either, as with ssh. */
static bool is_silent(const union value *v, const struct option *o, enum holding h)
{
	if (h == HOLD_STRS)
		return !v->strs.n && (o->type == T_WORDS || o->type == T_TARGETS);
	return h == HOLD_NOTHING || (h == HOLD_TEXT && !v->text) ||
	       (o->type == T_LINE && str_eq_nocase(v->text, "none"));
}

static void print(struct line *l, const union value *v, const struct option *o)
{
	enum holding h = value_holding(o->type);

	if (h == HOLD_FWDS) {
		print_fwds(l, &v->fwds);
	} else if (h == HOLD_STRS && value_adds(o->type)) {
		print_each(l, &v->strs);
	} else if (!is_silent(v, o, h)) {
		begin(l);
		put[h](l, v, o);
		end(l);
	}
}

int value_print(const union value *v, const struct option *o, conf_emit *emit, void *user)
{
	char keyword[64];
	struct line l = { BUF(LINE_OUT_MAX), keyword, emit, user };

	snprintf(keyword, sizeof(keyword), "%s", o->name);
	str_lower(keyword);
	print(&l, v, o);
	int err = buf_err(&l.text);
	buf_fini(&l.text);
	return err;
}
