/* The readers of the types that only the server has, addresses and targets aside. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/addrlist.h"
#include "conf/number.h"
#include "conf/penalties.h"
#include "conf/policy.h"
#include "conf/value_read.h"

enum { SHOW = 256, WORKERS_MAX = 1024, PATTERN_MAX = 1000, NUMBERS = 3 };

static bool is_first(const struct reading *r, const char *word)
{
	return str_eq_nocase(reading_word(r, 0), word);
}

/* ---- One number ----------------------------------------------------------------------------------------------- */

int read_ports(const struct reading *r, union value *v)
{
	union value port;
	int err = read_port(r, &port);

	return err ? err : read_words(r, v);
}

int read_time(const struct reading *r, union value *v)
{
	return number_seconds(reading_word(r, 0), &v->number) ? reading_bad(r, "invalid time value '", 0, "'.") : OK;
}

int read_timeout(const struct reading *r, union value *v)
{
	v->number = 0;
	return is_first(r, "none") ? OK : read_time(r, v);
}

int read_limit(const struct reading *r, union value *v)
{
	v->number = -1;
	return is_first(r, "none") ? OK : reading_range(r, &v->number, 1, INT_MAX);
}

int read_amount(const struct reading *r, union value *v)
{
	return reading_range(r, &v->number, 1, POLICY_COUNT_MAX);
}

int read_auto(const struct reading *r, union value *v)
{
	v->number = 0;
	return is_first(r, "auto") ? OK : reading_range(r, &v->number, 1, WORKERS_MAX);
}

/* ---- Several numbers ------------------------------------------------------------------------------------------ */

/* Up to three decimal numbers between colons. Returns how many, 0 for anything else. */
static size_t split_numbers(const char *s, int out[NUMBERS])
{
	char piece[12];
	uint64_t n;
	size_t i = 0;

	for (;; s++, i++) {
		size_t len = strcspn(s, ":");

		if (i == NUMBERS || len >= sizeof(piece))
			return 0;
		memcpy(piece, s, len);
		piece[len] = 0;
		if (str_u64(piece, 0, INT_MAX, &n))
			return 0;
		out[i] = (int)n;
		s += len;
		if (!*s)
			return i + 1;
	}
}

int read_startups(const struct reading *r, union value *v)
{
	int n[NUMBERS];
	size_t count = split_numbers(reading_word(r, 0), n);

	if (count == 1)
		v->startups = (struct startups){ n[0], 30, n[0] };
	else if (count == 3)
		v->startups = (struct startups){ n[0], n[1], n[2] };
	else
		return reading_bad(r, "'", 0, "' is neither a number nor start:percent:full");
	const struct startups *s = &v->startups;
	if (s->begin < 1 || s->begin > s->full || s->percent < 1 || s->percent > 100)
		return reading_bad(r, "the numbers of '", 0, "' do not go together");
	return OK;
}

int read_netblock(const struct reading *r, union value *v)
{
	int n[NUMBERS];
	size_t count = split_numbers(reading_word(r, 0), n);

	if (count < 1 || count > 2 || n[0] > 32 || (count == 2 && n[1] > 128))
		return reading_bad(r, "'", 0, "' is not a number up to 32, and after a colon one up to 128");
	v->netblock = (struct netblock){ n[0], count == 2 ? n[1] : 128 };
	return OK;
}

int read_penalties(const struct reading *r, union value *v)
{
	bool alone = is_first(r, "yes") || is_first(r, "no");

	v->penalties = (struct penalties){ 0 };
	for (size_t i = 0; i < r->args->words.n; i++)
		if (penalties_read(&v->penalties, reading_word(r, i)))
			return reading_bad(r, "unsupported penalty '", i, "'");
	if (r->args->words.n > 1 && (alone || v->penalties.said[PENALTY_OFF]))
		return reading_bad(r, "'", 0, "': yes and no stand alone");
	return OK;
}

int read_bank(const struct reading *r, union value *v)
{
	const struct strs *words = &r->args->words;

	v->bank = (struct window_bank){ 0, UINT64_C(1) << 30 };
	for (size_t i = 0; i < words->n; i++) {
		uint64_t *n = i ? &v->bank.process : &v->bank.connection;

		if (number_bytes(reading_word(r, i), n))
			return reading_bad(r, "Bad number '", i, "' (bytes with K, M or G).");
	}
	if (v->bank.connection < 1 << 20)
		return reading_bad(r, "'", 0, "' is less than 1M, and no channel could move");
	if (v->bank.connection > v->bank.process)
		return reading_bad(r, "'", 0, "' for one connection is more than a process may have");
	return OK;
}

/* ---- Words ---------------------------------------------------------------------------------------------------- */

/* OK, or ERR_SYNTAX with the fault. %h home, %u name, %U number. */
static int check_tokens(const struct reading *r, size_t i)
{
	for (const char *s = reading_word(r, i); (s = strchr(s, '%')); s += 2)
		if (!s[1] || !strchr("huU%", s[1]))
			return reading_bad(r, "'", i, "' has a token that is not %h, %u, %U or %%");
	return OK;
}

int read_paths(const struct reading *r, union value *v)
{
	for (size_t i = 0; i < r->args->words.n; i++) {
		int err = check_tokens(r, i);

		if (err)
			return err;
	}
	return read_words(r, v);
}

int read_path(const struct reading *r, union value *v)
{
	int err = check_tokens(r, 0);

	return err ? err : read_word(r, v);
}

/* Users, user@client, groups. The ceiling lets patterns be matched without memory. */
int read_list(const struct reading *r, union value *v)
{
	for (size_t i = 0; i < r->args->words.n; i++) {
		const char *at = strrchr(reading_word(r, i), '@');

		if (strlen(reading_word(r, i)) > PATTERN_MAX)
			return reading_bad(r, "'", i, "' is too long");
		if (at && addrlist_check(at + 1))
			return reading_bad(r, "'", i, "' has a range of addresses that is none");
	}
	return read_words(r, v);
}

int read_sink(const struct reading *r, union value *v)
{
	if (!is_first(r, "none") && !is_first(r, "syslog") && !is_first(r, "stderr") && reading_word(r, 0)[0] != '/')
		return reading_bad(r, "'", 0, "' is neither a whole path nor syslog, stderr or none");
	return read_word(r, v);
}

int read_timeouts(const struct reading *r, union value *v)
{
	const struct strs *words = &r->args->words;

	v->strs = (struct strs){ 0 };
	if (words->n == 1 && is_first(r, "none"))
		return OK;
	for (size_t i = 0; i < words->n; i++) {
		const char *equals = strchr(words->v[i], '=');
		int seconds;

		if (!equals || equals == words->v[i] || number_seconds(equals + 1, &seconds))
			return reading_bad(r, "'", i, "' is not type=time");
	}
	return read_words(r, v);
}

int read_methods(const struct reading *r, union value *v)
{
	for (size_t i = 0; i < r->args->words.n; i++)
		if (!str_eq_nocase(reading_word(r, i), "any") && strcmp(reading_word(r, i), "publickey") != 0)
			return reading_bad(r, "'", i,
					   "': one key is all that anybody can log in with here (any, publickey)");
	return read_words(r, v);
}
