/* The readers of addresses, ranges and targets. They check how something is written; what it permits is judged
 * elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/str.h"
#include "conf/permit.h"
#include "conf/target.h"
#include "conf/value_read.h"

static bool is_only(const struct reading *r, const char *word)
{
	return r->args->words.n == 1 && strcmp(reading_word(r, 0), word) == 0;
}

/* The words travel in a struct policy; any and none stand alone. */
static int check_words(const struct reading *r, int (*check)(const char *word, struct why *why))
{
	const struct strs *words = &r->args->words;

	if (words->n > POLICY_WORDS_MAX)
		return why_set(r->why, ERR_SYNTAX, "%s: more than %d words", r->o->name, POLICY_WORDS_MAX);
	for (size_t i = 0; i < words->n; i++) {
		if (words->n > 1 && (strcmp(words->v[i], "any") == 0 || strcmp(words->v[i], "none") == 0))
			return reading_bad(r, "'", i, "' stands alone");
		int err = check(words->v[i], r->why);
		if (err)
			return err;
	}
	return OK;
}

/* `empty` is what no words at all mean. */
static int read_permits(const struct reading *r, union value *v, const char *empty,
			int (*check)(const char *word, struct why *why))
{
	v->strs = (struct strs){ 0 };
	if (is_only(r, empty))
		return OK;
	int err = check_words(r, check);
	return err ? err : read_words(r, v);
}

int read_opens(const struct reading *r, union value *v)
{
	return read_permits(r, v, "any", permit_open_word_check);
}

int read_denies(const struct reading *r, union value *v)
{
	return read_permits(r, v, "none", deny_open_word_check);
}

/* A port alone is written "*:port" from then on, as sshd does. */
static int add_host(char **word)
{
	struct buf b = BUF(POLICY_WORD_MAX + 2);

	if (strpbrk(*word, ":]") || strcmp(*word, "none") == 0)
		return OK;
	buf_printf(&b, "*:%s", *word);
	char *text = buf_err(&b) ? NULL : str_from_span(buf_span(&b));
	buf_fini(&b);
	if (!text)
		return ERR_NOMEM;
	free(*word);
	*word = text;
	return OK;
}

int read_listens(const struct reading *r, union value *v)
{
	int err = read_permits(r, v, "any", permit_listen_word_check);

	for (size_t i = 0; !err && i < v->strs.n; i++)
		err = add_host(&v->strs.v[i]) ? reading_no_memory(r) : OK;
	if (err)
		strs_fini(&v->strs);
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
