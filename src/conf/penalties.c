/* One row for each word. */
#include "conf/penalties.h"

#include <limits.h>
#include <string.h>

#include "base/str.h"
#include "conf/number.h"

enum kind { KIND_SECONDS, KIND_COUNT, KIND_OVERFLOW };

static const struct {
	const char *name;
	enum kind kind;
} rows[PENALTIES] = {
	[PENALTY_OFF] = { "no", KIND_COUNT }, /* a word without a value: see penalties_read() */
	[PENALTY_CRASH] = { "crash", KIND_SECONDS },
	[PENALTY_AUTH_FAIL] = { "authfail", KIND_SECONDS },
	[PENALTY_NO_AUTH] = { "noauth", KIND_SECONDS },
	[PENALTY_GRACE_EXCEEDED] = { "grace-exceeded", KIND_SECONDS },
	[PENALTY_REFUSE_CONNECTION] = { "refuseconnection", KIND_SECONDS },
	[PENALTY_INVALID_USER] = { "invaliduser", KIND_SECONDS },
	[PENALTY_MAX] = { "max", KIND_SECONDS },
	[PENALTY_MIN] = { "min", KIND_SECONDS },
	[PENALTY_MAX_SOURCES4] = { "max-sources4", KIND_COUNT },
	[PENALTY_MAX_SOURCES6] = { "max-sources6", KIND_COUNT },
	[PENALTY_OVERFLOW] = { "overflow", KIND_OVERFLOW },
	[PENALTY_OVERFLOW6] = { "overflow6", KIND_OVERFLOW },
};

static const char *const overflows[] = { [OVERFLOW_PERMISSIVE] = "permissive", [OVERFLOW_DENY_ALL] = "deny-all" };

static int read_overflow(const char *s, int *v)
{
	for (int i = 0; i < (int)LEN(overflows); i++)
		if (str_eq_nocase(s, overflows[i])) {
			*v = i;
			return OK;
		}
	return ERR_SYNTAX;
}

static int read_count(const char *s, int *v)
{
	uint64_t n;

	if (str_u64(s, 1, INT_MAX, &n))
		return ERR_SYNTAX;
	*v = (int)n;
	return OK;
}

static int read_value(enum kind kind, const char *s, int *v)
{
	if (kind == KIND_SECONDS)
		return number_seconds(s, v);
	return kind == KIND_COUNT ? read_count(s, v) : read_overflow(s, v);
}

static void keep(struct penalties *p, size_t which, int v)
{
	if (!p->said[which])
		p->v[which] = v;
	p->said[which] = true;
}

int penalties_read(struct penalties *p, const char *word)
{
	bool no = str_eq_nocase(word, "no");

	if (no || str_eq_nocase(word, "yes")) {
		keep(p, PENALTY_OFF, no);
		return OK;
	}
	for (size_t i = PENALTY_OFF + 1; i < PENALTIES; i++) {
		size_t n = strlen(rows[i].name);
		int v;

		if (strncmp(word, rows[i].name, n) != 0 || word[n] != ':')
			continue;
		if (read_value(rows[i].kind, word + n + 1, &v))
			return ERR_SYNTAX;
		keep(p, i, v);
		return OK;
	}
	return ERR_SYNTAX;
}

const char *penalties_name(size_t penalty)
{
	return rows[penalty].name;
}

const char *penalties_overflow_name(int overflow)
{
	return overflows[overflow];
}
