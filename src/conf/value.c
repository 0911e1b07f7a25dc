/* One row per type says how its text is read, held, freed and printed. The readers are value_read.c and
 * value_serve.c, printing is value_print.c. */
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

#include "conf/value_read.h"

enum { EACH_MAX = 100, LIST_MAX = 4096, FORWARDS_MAX = 10000 };

static const size_t sizes[] = {
	[HOLD_NOTHING] = 0,
	[HOLD_NUMBER] = sizeof(int),
	[HOLD_TEXT] = sizeof(char *),
	[HOLD_STRS] = sizeof(struct strs),
	[HOLD_FWDS] = sizeof(struct fwds),
	[HOLD_REKEY] = sizeof(struct rekey_limit),
	[HOLD_QOS] = sizeof(struct qos),
	[HOLD_STARTUPS] = sizeof(struct startups),
	[HOLD_NETBLOCK] = sizeof(struct netblock),
	[HOLD_PENALTIES] = sizeof(struct penalties),
	[HOLD_BANK] = sizeof(struct window_bank),
};

static const struct type {
	read_fn *read;
	enum holding holding;
	size_t most; /* words; 0 = any number from one up */
	size_t adds; /* a further line adds to the value, up to so many elements; 0 = it comes too late */
} types[] = {
	[T_YESNO] = { read_choice, HOLD_NUMBER, 1, 0 },
	[T_CHOICE] = { read_choice, HOLD_NUMBER, 1, 0 },
	[T_NUMBER] = { read_number, HOLD_NUMBER, 1, 0 },
	[T_COUNT] = { read_count, HOLD_NUMBER, 1, 0 },
	[T_PORT] = { read_port, HOLD_NUMBER, 1, 0 },
	[T_SECONDS] = { read_seconds, HOLD_NUMBER, 1, 0 },
	[T_MASK] = { read_mask, HOLD_NUMBER, 1, 0 },
	[T_WORD] = { read_word, HOLD_TEXT, 1, 0 },
	[T_LINE] = { read_line, HOLD_TEXT, 0, 0 },
	[T_KEX] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_CIPHER] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_MAC] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_HOST_SIG] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_USER_SIG] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_CA_SIG] = { read_algs, HOLD_TEXT, 1, 0 },
	[T_WORDS] = { read_words, HOLD_STRS, 0, 0 },
	[T_TARGETS] = { read_targets, HOLD_STRS, 0, 0 },
	[T_EACH] = { read_words, HOLD_STRS, 1, EACH_MAX },
	[T_FORWARD] = { read_forward, HOLD_FWDS, 2, FORWARDS_MAX },
	[T_REKEY] = { read_rekey, HOLD_REKEY, 2, 0 },
	[T_QOS] = { read_qos, HOLD_QOS, 2, 0 },
	[T_PORTS] = { read_ports, HOLD_STRS, 1, EACH_MAX },
	[T_LISTEN] = { read_listen, HOLD_STRS, 1, EACH_MAX },
	[T_LIST] = { read_list, HOLD_STRS, 0, LIST_MAX },
	[T_PATHS] = { read_paths, HOLD_STRS, 0, 0 },
	[T_PATH] = { read_path, HOLD_TEXT, 1, 0 },
	[T_OPENS] = { read_opens, HOLD_STRS, 0, 0 },
	[T_LISTENS] = { read_listens, HOLD_STRS, 0, 0 },
	[T_DENIES] = { read_denies, HOLD_STRS, 0, 0 },
	[T_NETS] = { read_nets, HOLD_STRS, 1, 0 },
	[T_TIMEOUTS] = { read_timeouts, HOLD_STRS, 0, 0 },
	[T_METHODS] = { read_methods, HOLD_STRS, 0, 0 },
	[T_TIME] = { read_time, HOLD_NUMBER, 1, 0 },
	[T_TIMEOUT] = { read_timeout, HOLD_NUMBER, 1, 0 },
	[T_LIMIT] = { read_limit, HOLD_NUMBER, 1, 0 },
	[T_AUTO] = { read_auto, HOLD_NUMBER, 1, 0 },
	[T_AMOUNT] = { read_amount, HOLD_NUMBER, 1, 0 },
	[T_SINK] = { read_sink, HOLD_TEXT, 1, 0 },
	[T_STARTUPS] = { read_startups, HOLD_STARTUPS, 1, 0 },
	[T_NETBLOCK] = { read_netblock, HOLD_NETBLOCK, 1, 0 },
	[T_PENALTIES] = { read_penalties, HOLD_PENALTIES, 0, PENALTIES },
	[T_BANK] = { read_bank, HOLD_BANK, 2, 0 },
	[T_SKIP] = { read_nothing, HOLD_NOTHING, 0, 0 },
	[T_HOST] = { read_nothing, HOLD_NOTHING, 0, 0 },
	[T_MATCH] = { read_nothing, HOLD_NOTHING, 0, 0 },
	[T_INCLUDE] = { read_nothing, HOLD_NOTHING, 0, 0 },
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

enum holding value_holding(enum value_type type)
{
	return types[type].holding;
}

size_t value_size(enum value_type type)
{
	return sizes[types[type].holding];
}

bool value_adds(enum value_type type)
{
	return types[type].adds > 0;
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

static void penalties_merge(struct penalties *to, const struct penalties *from)
{
	for (size_t i = 0; i < PENALTIES; i++)
		if (!to->said[i] && from->said[i]) {
			to->v[i] = from->v[i];
			to->said[i] = true;
		}
}

static int merge(union value *to, union value *from, enum holding h)
{
	if (h == HOLD_FWDS)
		return fwds_merge(&to->fwds, &from->fwds);
	if (h == HOLD_STRS)
		return strs_merge(&to->strs, &from->strs);
	penalties_merge(&to->penalties, &from->penalties);
	return OK;
}

static size_t count(const union value *v, enum holding h)
{
	if (h == HOLD_FWDS)
		return v->fwds.n;
	return h == HOLD_STRS ? v->strs.n : 0;
}

int value_add(union value *to, union value *from, enum value_type type, struct why *why)
{
	enum holding h = types[type].holding;
	int err = OK;

	if (count(to, h) >= types[type].adds)
		err = why_set(why, ERR_SYNTAX, "too many of them (max %zu)", types[type].adds);
	else if (merge(to, from, h))
		err = why_set(why, ERR_NOMEM, "out of memory");
	value_fini(from, type);
	return err;
}
