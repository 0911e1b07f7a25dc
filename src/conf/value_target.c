/* The readers of addresses, ranges and targets. They check how something is written; what it permits is judged
 * elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/str.h"
#include "conf/policy.h"
#include "conf/target.h"
#include "conf/value_read.h"

/* The words travel in a struct policy. */
static int check_ceilings(const struct reading *r)
{
	const struct strs *words = &r->args->words;

	if (words->n > POLICY_WORDS_MAX)
		return why_set(r->why, ERR_SYNTAX, "%s: more than %d words", r->o->name, POLICY_WORDS_MAX);
	for (size_t i = 0; i < words->n; i++)
		if (strlen(words->v[i]) > POLICY_WORD_MAX - 2) /* "*:" may come in front */
			return reading_bad(r, "'", i, "' is too long");
	return OK;
}

static bool is_only(const struct reading *r, const char *word)
{
	return r->args->words.n == 1 && str_eq_nocase(reading_word(r, 0), word);
}

int read_opens(const struct reading *r, union value *v)
{
	v->strs = (struct strs){ 0 };
	if (is_only(r, "any"))
		return OK;
	if (check_ceilings(r))
		return ERR_SYNTAX;
	for (size_t i = 0; !is_only(r, "none") && i < r->args->words.n; i++)
		if (!target_is_open(reading_word(r, i)))
			return reading_bad(r, "'", i, "' is not host:port");
	return read_words(r, v);
}

int read_denies(const struct reading *r, union value *v)
{
	v->strs = (struct strs){ 0 };
	if (is_only(r, "none"))
		return OK;
	if (check_ceilings(r))
		return ERR_SYNTAX;
	for (size_t i = 0; i < r->args->words.n; i++)
		if (!target_is_deny(reading_word(r, i)))
			return reading_bad(r, "'", i,
					   "' is neither an address, a range such as 10.0.0.0/8, nor host:port");
	return read_words(r, v);
}

/* A port alone is written "*:port" from then on, as sshd does. */
static int add_listen(const struct reading *r, struct strs *out, const char *word)
{
	struct buf b = BUF(strlen(word) + 3);

	buf_printf(&b, "%s%s", strchr(word, ':') ? "" : "*:", word);
	char *text = buf_err(&b) ? NULL : str_from_span(buf_span(&b));
	buf_fini(&b);
	return strs_take(out, text) ? reading_no_memory(r) : OK;
}

int read_listens(const struct reading *r, union value *v)
{
	const struct strs *words = &r->args->words;
	struct strs listens = { 0 };
	int err = OK;

	v->strs = (struct strs){ 0 };
	if (is_only(r, "any"))
		return OK;
	if (is_only(r, "none"))
		return read_words(r, v);
	if (check_ceilings(r))
		return ERR_SYNTAX;
	for (size_t i = 0; !err && i < words->n; i++)
		err = target_is_listen(words->v[i]) ? add_listen(r, &listens, words->v[i])
						    : reading_bad(r, "'", i, "' is not [host:]port");
	if (err)
		strs_fini(&listens);
	else
		v->strs = listens;
	return err;
}

int read_listen(const struct reading *r, union value *v)
{
	struct listen_at at = { 0 };
	int err = target_read_listen_address(&at, reading_word(r, 0));

	free(at.host);
	if (err == ERR_NOMEM)
		return reading_no_memory(r);
	return err ? reading_bad(r, "bad address: ", 0, "") : read_words(r, v);
}

static int add_net(const struct reading *r, struct strs *nets, struct span s)
{
	char *word = str_from_span(s);

	if (!word)
		return reading_no_memory(r);
	if (target_is_net(word))
		return strs_take(nets, word) ? reading_no_memory(r) : OK;
	free(word);
	return reading_bad(r, "'", 0, "' is not a list of addresses");
}

int read_nets(const struct reading *r, union value *v)
{
	const char *s = reading_word(r, 0);
	struct strs nets = { 0 };
	int err = OK;

	v->strs = (struct strs){ 0 };
	if (is_only(r, "none"))
		return OK;
	for (bool more = true; !err && more;) {
		size_t n = strcspn(s, ",");

		err = add_net(r, &nets, span(s, n));
		more = s[n] == ',';
		s += n + 1;
	}
	if (err)
		strs_fini(&nets);
	else
		v->strs = nets;
	return err;
}
