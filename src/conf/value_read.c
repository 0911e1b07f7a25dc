/* One reader per way of writing a value. */
#include "conf/value_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/algs.h"
#include "conf/lex.h"
#include "conf/number.h"

enum { SHOW = 256 };

const char *reading_word(const struct reading *r, size_t i)
{
	return r->args->words.v[i];
}

int reading_bad(const struct reading *r, const char *before, size_t i, const char *after)
{
	char show[SHOW];

	str_escape(show, sizeof(show), span_str(reading_word(r, i)));
	return why_set(r->why, ERR_SYNTAX, "%s%s%s", before, show, after);
}

int reading_no_memory(const struct reading *r)
{
	return why_set(r->why, ERR_NOMEM, "out of memory");
}

int read_choice(const struct reading *r, union value *v)
{
	for (const struct choice *c = r->o->choices; c->name; c++)
		if (str_eq_nocase(c->name, reading_word(r, 0))) {
			v->number = c->value;
			return OK;
		}
	return reading_bad(r, "unsupported option \"", 0, "\".");
}

int reading_range(const struct reading *r, int *number, uint64_t least, uint64_t most)
{
	char show[SHOW];
	uint64_t n;

	if (str_u64(reading_word(r, 0), least, most, &n))
		return why_set(r->why, ERR_SYNTAX, "%s '%s' is not a number between %llu and %llu", r->o->name,
			       str_escape(show, sizeof(show), span_str(reading_word(r, 0))), (unsigned long long)least,
			       (unsigned long long)most);
	*number = (int)n;
	return OK;
}

int read_number(const struct reading *r, union value *v)
{
	return reading_range(r, &v->number, 0, INT_MAX);
}

int read_count(const struct reading *r, union value *v)
{
	return reading_range(r, &v->number, 1, INT_MAX);
}

static int no_service(const struct reading *r)
{
	char show[SHOW];

	str_escape(show, sizeof(show), span_str(reading_word(r, 0)));
	return why_set(r->why, ERR_SYNTAX, "Bad port '%s': it is not a number, and %s", show, number_no_service());
}

int read_port(const struct reading *r, union value *v)
{
	uint16_t port;
	int err = number_port(reading_word(r, 0), 1, &port);

	if (err == ERR_NOT_FOUND)
		return no_service(r);
	if (err)
		return reading_bad(r, "Bad port '", 0, "'.");
	v->number = port;
	return OK;
}

int read_seconds(const struct reading *r, union value *v)
{
	v->number = -1;
	if (str_eq_nocase(reading_word(r, 0), "none"))
		return OK;
	return number_seconds(reading_word(r, 0), &v->number) ? reading_bad(r, "invalid time value '", 0, "'.") : OK;
}

int read_mask(const struct reading *r, union value *v)
{
	return number_mask(reading_word(r, 0), &v->number) ? reading_bad(r, "Bad mask '", 0, "'.") : OK;
}

int read_word(const struct reading *r, union value *v)
{
	v->text = strdup(reading_word(r, 0));
	return v->text ? OK : reading_no_memory(r);
}

int read_line(const struct reading *r, union value *v)
{
	v->text = strdup(r->args->line + strspn(r->args->line, LEX_BLANK "="));
	return v->text ? OK : reading_no_memory(r);
}

int read_algs(const struct reading *r, union value *v)
{
	const struct {
		enum alg_family family;
		const char *ours;
	} lists[] = {
		[T_KEX] = { ALG_KEX, r->ours->kex },	       [T_CIPHER] = { ALG_CIPHER, r->ours->cipher },
		[T_MAC] = { ALG_MAC, r->ours->mac },	       [T_HOST_SIG] = { ALG_SIG, r->ours->host_sig },
		[T_USER_SIG] = { ALG_SIG, r->ours->user_sig }, [T_CA_SIG] = { ALG_SIG, r->ours->ca_sig },
	};

	return algs_assemble(&v->text, lists[r->o->type].family, lists[r->o->type].ours, reading_word(r, 0), r->why);
}

int read_words(const struct reading *r, union value *v)
{
	const struct strs *words = &r->args->words;

	v->strs = (struct strs){ 0 };
	for (size_t i = 0; i < words->n; i++)
		if (strs_add(&v->strs, words->v[i])) {
			strs_fini(&v->strs);
			return reading_no_memory(r);
		}
	return OK;
}

/* "any", "none", or host:port with * for either: what a target may be. */
static bool is_target(const char *s)
{
	const char *colon = strrchr(s, ':');
	uint16_t port;

	return colon && colon > s && (strcmp(colon, ":*") == 0 || !number_port(colon + 1, 1, &port));
}

int read_targets(const struct reading *r, union value *v)
{
	const struct strs *words = &r->args->words;
	bool only = words->n == 1 &&
		    (strcmp(reading_word(r, 0), "any") == 0 || strcmp(reading_word(r, 0), "none") == 0);

	for (size_t i = 0; !only && i < words->n; i++)
		if (!is_target(reading_word(r, i)))
			return reading_bad(r, "'", i, "' is not host:port");
	return read_words(r, v);
}

int read_forward(const struct reading *r, union value *v)
{
	enum fwd_side side = strcmp(r->o->name, "LocalForward") == 0 ? FWD_LOCAL : FWD_REMOTE;
	struct fwdspec *f = calloc(1, sizeof(*f));

	if (!f)
		return reading_no_memory(r);
	int err = fwdspec_parse_words(f, reading_word(r, 0), r->args->words.n > 1 ? reading_word(r, 1) : NULL, side,
				      r->why);
	if (err) {
		free(f);
		return err;
	}
	v->fwds = (struct fwds){ f, 1 };
	return OK;
}

int read_rekey(const struct reading *r, union value *v)
{
	v->rekey = (struct rekey_limit){ 0 };
	if (!str_eq_nocase(reading_word(r, 0), "default")) {
		if (number_bytes(reading_word(r, 0), &v->rekey.bytes))
			return reading_bad(r, "Bad number '", 0, "' (bytes with K, M or G).");
		if (v->rekey.bytes > 0 && v->rekey.bytes < 16)
			return reading_bad(r, "RekeyLimit '", 0, "' is too small");
	}
	if (r->args->words.n < 2 || str_eq_nocase(reading_word(r, 1), "none"))
		return OK;
	return number_seconds(reading_word(r, 1), &v->rekey.seconds) ? reading_bad(r, "invalid time value '", 1, "'.")
								     : OK;
}

int read_qos(const struct reading *r, union value *v)
{
	size_t last = r->args->words.n - 1;

	if (number_qos(reading_word(r, 0), &v->qos.interactive))
		return reading_bad(r, "Bad IPQoS value: ", 0, "");
	return number_qos(reading_word(r, last), &v->qos.bulk) ? reading_bad(r, "Bad IPQoS value: ", last, "") : OK;
}

int read_nothing(const struct reading *r, union value *v)
{
	(void)r;
	v->number = 0;
	return OK;
}
