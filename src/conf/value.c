/* One row per type says how its text is read, held, freed and printed. The readers are value_read.c. */
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/number.h"
#include "conf/value_read.h"

enum { EACH_MAX = 100, FORWARDS_MAX = 10000, LINE_OUT_MAX = 128 * 1024 };

/* How the memory of a value is held. */
enum holding { HOLD_NOTHING, HOLD_NUMBER, HOLD_TEXT, HOLD_STRS, HOLD_FWDS, HOLD_REKEY, HOLD_QOS };

static const size_t sizes[] = {
	[HOLD_NOTHING] = 0,
	[HOLD_NUMBER] = sizeof(int),
	[HOLD_TEXT] = sizeof(char *),
	[HOLD_STRS] = sizeof(struct strs),
	[HOLD_FWDS] = sizeof(struct fwds),
	[HOLD_REKEY] = sizeof(struct rekey_limit),
	[HOLD_QOS] = sizeof(struct qos),
};

static const struct type {
	read_fn *read;
	enum holding holding;
	size_t most; /* words; 0 = any number from one up */
	bool adds;
} types[] = {
	[T_YESNO] = { read_choice, HOLD_NUMBER, 1, false },
	[T_CHOICE] = { read_choice, HOLD_NUMBER, 1, false },
	[T_NUMBER] = { read_number, HOLD_NUMBER, 1, false },
	[T_COUNT] = { read_count, HOLD_NUMBER, 1, false },
	[T_PORT] = { read_port, HOLD_NUMBER, 1, false },
	[T_SECONDS] = { read_seconds, HOLD_NUMBER, 1, false },
	[T_MASK] = { read_mask, HOLD_NUMBER, 1, false },
	[T_WORD] = { read_word, HOLD_TEXT, 1, false },
	[T_LINE] = { read_line, HOLD_TEXT, 0, false },
	[T_KEX] = { read_algs, HOLD_TEXT, 1, false },
	[T_CIPHER] = { read_algs, HOLD_TEXT, 1, false },
	[T_MAC] = { read_algs, HOLD_TEXT, 1, false },
	[T_HOST_SIG] = { read_algs, HOLD_TEXT, 1, false },
	[T_USER_SIG] = { read_algs, HOLD_TEXT, 1, false },
	[T_CA_SIG] = { read_algs, HOLD_TEXT, 1, false },
	[T_WORDS] = { read_words, HOLD_STRS, 0, false },
	[T_TARGETS] = { read_targets, HOLD_STRS, 0, false },
	[T_EACH] = { read_words, HOLD_STRS, 1, true },
	[T_FORWARD] = { read_forward, HOLD_FWDS, 2, true },
	[T_REKEY] = { read_rekey, HOLD_REKEY, 2, false },
	[T_QOS] = { read_qos, HOLD_QOS, 2, false },
	[T_SKIP] = { read_nothing, HOLD_NOTHING, 0, false },
	[T_HOST] = { read_nothing, HOLD_NOTHING, 0, false },
	[T_MATCH] = { read_nothing, HOLD_NOTHING, 0, false },
	[T_INCLUDE] = { read_nothing, HOLD_NOTHING, 0, false },
};

int value_parse(union value *v, const struct option *o, const struct alg_lists *ours, const struct args *args,
		struct why *why)
{
	const struct type *t = &types[o->type];
	struct reading r = { o, ours, args, why };
	union value read = { 0 };

	if (args->words.n == 0 || !args->words.v[0][0])
		return why_set(why, ERR_SYNTAX, "Missing argument.");
	if (t->most && args->words.n > t->most)
		return why_set(why, ERR_SYNTAX, "keyword %s extra arguments at end of line", o->name);
	int err = t->read(&r, &read);
	if (!err)
		*v = read;
	return err;
}

static void fwds_fini(struct fwds *f)
{
	for (size_t i = 0; i < f->n; i++)
		fwdspec_fini(&f->v[i]);
	free(f->v);
}

void value_load(union value *v, const void *field, enum value_type type)
{
	*v = (union value){ 0 };
	memcpy(v, field, value_size(type));
}

void value_fini(union value *v, enum value_type type)
{
	enum holding h = types[type].holding;

	if (h == HOLD_TEXT)
		free(v->text);
	else if (h == HOLD_STRS)
		strs_fini(&v->strs);
	else if (h == HOLD_FWDS)
		fwds_fini(&v->fwds);
	memset(v, 0, sizes[h]);
}

size_t value_size(enum value_type type)
{
	return sizes[types[type].holding];
}

bool value_adds(enum value_type type)
{
	return types[type].adds;
}

static int strs_merge(struct strs *to, const struct strs *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!strs_has(to, from->v[i]) && strs_add(to, from->v[i]))
			return ERR_NOMEM;
	return OK;
}

/* `from` has one element. */
static int fwds_merge(struct fwds *to, struct fwds *from)
{
	struct fwdspec *v;

	for (size_t i = 0; i < to->n; i++)
		if (fwdspec_equal(&to->v[i], &from->v[0]))
			return OK;
	v = realloc(to->v, (to->n + 1) * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	to->v = v;
	to->v[to->n++] = from->v[0];
	from->v[0] = (struct fwdspec){ 0 };
	return OK;
}

int value_add(union value *to, union value *from, enum value_type type, struct why *why)
{
	bool forwards = types[type].holding == HOLD_FWDS;
	size_t have = forwards ? to->fwds.n : to->strs.n, max = forwards ? FORWARDS_MAX : EACH_MAX;
	int err = OK;

	if (have >= max)
		err = why_set(why, ERR_SYNTAX, "too many of them (max %zu)", max);
	else if (forwards ? fwds_merge(&to->fwds, &from->fwds) : strs_merge(&to->strs, &from->strs))
		err = why_set(why, ERR_NOMEM, "out of memory");
	value_fini(from, type);
	return err;
}

/* ---- Printing ------------------------------------------------------------------------------------------------- */

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

static void put_choice(struct line *l, const struct choice *c, int value)
{
	while (c->name && c->value != value)
		c++;
	buf_printf(&l->text, "%s", c->name ? c->name : "UNKNOWN");
}

static void put_number(struct line *l, const struct option *o, int n)
{
	if (o->choices)
		put_choice(l, o->choices, n);
	else if (o->type == T_MASK)
		buf_printf(&l->text, "0%o", (unsigned)n);
	else if (o->type == T_SECONDS && n < 0)
		buf_printf(&l->text, "none");
	else
		buf_printf(&l->text, "%d", n);
}

static void put_qos(struct line *l, int tos)
{
	const char *name = number_qos_name(tos);

	if (name)
		buf_printf(&l->text, "%s", name);
	else
		buf_printf(&l->text, "0x%02x", (unsigned)tos);
}

static void print_strs(struct line *l, const struct strs *s, bool one_line)
{
	if (one_line && s->n)
		begin(l);
	for (size_t i = 0; i < s->n; i++) {
		if (!one_line)
			begin(l);
		buf_printf(&l->text, "%s%s", one_line && i ? " " : "", s->v[i]);
		if (!one_line || i + 1 == s->n)
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

static void print(struct line *l, const union value *v, const struct option *o)
{
	enum holding h = types[o->type].holding;

	if (h == HOLD_STRS) {
		print_strs(l, &v->strs, !types[o->type].adds);
		return;
	}
	if (h == HOLD_FWDS) {
		print_fwds(l, &v->fwds);
		return;
	}
	if (h == HOLD_NOTHING || (h == HOLD_TEXT && !v->text) || (o->type == T_LINE && str_eq_nocase(v->text, "none")))
		return;
	begin(l);
	if (h == HOLD_NUMBER)
		put_number(l, o, v->number);
	else if (h == HOLD_TEXT)
		buf_printf(&l->text, "%s", v->text);
	else if (h == HOLD_REKEY)
		buf_printf(&l->text, "%llu %d", (unsigned long long)v->rekey.bytes, v->rekey.seconds);
	else {
		put_qos(l, v->qos.interactive);
		buf_u8(&l->text, ' ');
		put_qos(l, v->qos.bulk);
	}
	end(l);
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
