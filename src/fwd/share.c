/* The shares of users, by name, each as long as a connection of theirs. */
#include "fwd/share.h"

#include <stdlib.h>
#include <string.h>

/* One user who reads nothing leaves three quarters of the memory to others. */
static uint64_t part_of(const struct bank *whole)
{
	return MIN(MAX(whole->limit / SHARE_BANK_PARTS, (uint64_t)SHARE_BANK_LEAST), whole->limit);
}

static struct share *share_new(struct share **table, const char *user, struct bank *whole)
{
	size_t n = strlen(user) + 1;
	struct share *s = calloc(1, sizeof(*s) + n);

	if (!s)
		return NULL;
	s->bank = (struct bank){ .limit = part_of(whole), .whole = whole };
	s->table = table;
	dial_quota_init(&s->dials, SHARE_DIALS_MAX);
	memcpy(s->user, user, n);
	HASH_ADD_STR(*table, user, s);
	if (s->hh.tbl)
		return s;
	free(s);
	return NULL;
}

struct share *share_join(struct share **table, const char *user, struct bank *whole)
{
	struct share *s;

	HASH_FIND_STR(*table, user, s);
	if (!s)
		s = share_new(table, user, whole);
	if (s)
		s->refs++;
	return s;
}

void share_leave(struct share *s)
{
	if (!s || --s->refs)
		return;
	assert(!s->bank.used && !s->listeners && !s->dials.active);
	HASH_DEL(*s->table, s);
	free(s);
}

bool share_has_place(const struct share *s, struct why *why)
{
	if (!s || s->listeners < SHARE_LISTENERS_MAX)
		return true;
	why_set(why, ERR_LIMIT, "listeners of one user: %u stand already", s->listeners);
	return false;
}

void share_listens(struct share *s)
{
	if (s)
		s->listeners++;
}

void share_unlistens(struct share *s)
{
	if (s)
		s->listeners--;
}
