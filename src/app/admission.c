/* One entry per source that has connections before their login, and a book of penalties for each family. */
#include "app/admission.h"

#include <stdlib.h>

#include "app/offenders.h"
#include "base/table.h"
#include "conf/addrlist.h"

struct source {
	struct ip block; /* the key: the address without the bits that do not count */
	uint32_t pending;
	UT_hash_handle hh;
};

struct admission {
	struct admission_limits limits;
	struct source *sources;
	struct offenders offenders[ADMISSION_FAMILIES];
	uint32_t pending;
};

int admission_new(struct admission **out, const struct admission_limits *limits)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	a->limits = *limits;
	*out = a;
	return OK;
}

static void source_free(struct admission *a, struct source *s)
{
	HASH_DEL(a->sources, s);
	free(s);
}

void admission_free(struct admission *a)
{
	struct source *s, *next;

	if (!a)
		return;
	TABLE_EACH (s, next, a->sources)
		source_free(a, s);
	for (size_t i = 0; i < LEN(a->offenders); i++)
		offenders_fini(&a->offenders[i]);
	free(a);
}

void admission_limit(struct admission *a, const struct admission_limits *limits)
{
	a->limits = *limits;
}

/* The block of addresses that counts as one. An IPv4 address in IPv6 clothes counts as itself. */
static struct ip block_of(const struct admission *a, const struct ip *address)
{
	struct ip b = ip_unwrap(*address);
	unsigned bits = b.family == 4 ? a->limits.v4_bits : a->limits.v6_bits;
	size_t size = b.family == 4 ? 4 : 16;

	for (size_t i = 0; i < sizeof(b.bytes); i++) {
		unsigned keep = i >= size || bits <= 8 * i ? 0 : MIN(bits - 8 * (unsigned)i, 8u);

		b.bytes[i] &= (uint8_t)(0xff00u >> keep);
	}
	return b;
}

static struct source *find(struct admission *a, const struct ip *block)
{
	struct source *s;

	HASH_FIND(hh, a->sources, block, sizeof(*block), s);
	return s;
}

/* NULL without memory. */
static struct source *find_or_make(struct admission *a, const struct ip *block)
{
	struct source *s = find(a, block);

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->block = *block;
	HASH_ADD(hh, a->sources, block, sizeof(s->block), s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	return s;
}

/* Random early drop: the more strangers are in, the more are refused. */
static bool drops(const struct admission *a, uint32_t dice)
{
	const struct admission_limits *l = &a->limits;
	uint64_t percent;

	if (a->pending < l->begin)
		return false;
	if (a->pending >= l->full || l->rate >= 100)
		return true;
	percent = l->rate + (uint64_t)(100 - l->rate) * (a->pending - l->begin) / (l->full - l->begin);
	return dice % 100 < percent;
}

static bool exempt(const struct admission *a, const struct ip *address)
{
	const struct strs *list = a->limits.exempt;
	enum list_match match = LIST_NO;

	for (size_t i = 0; list && i < list->n && match != LIST_YES; i++)
		if (addrlist_match(list->v[i], address, &match) != OK)
			match = LIST_NO;
	return match == LIST_YES;
}

static size_t family_of(const struct ip *block)
{
	return block->family == 4 ? ADMISSION_V4 : ADMISSION_V6;
}

/* No room for one more penalty. */
static bool full(struct admission *a, size_t family, uint64_t now_ms)
{
	return offenders_count(&a->offenders[family], now_ms) >= a->limits.book[family].sources_max;
}

/* A penalty counts when it has grown to the least one. */
static enum admit penalty(struct admission *a, const struct ip *address, const struct ip *block, uint64_t now_ms)
{
	size_t family = family_of(block);

	if (!a->limits.penalties || exempt(a, address))
		return ADMIT_YES;
	if (offenders_until(&a->offenders[family], block) >= now_ms + a->limits.least_ms)
		return ADMIT_NO_PENALTY;
	return a->limits.book[family].deny_all && full(a, family, now_ms) ? ADMIT_NO_OVERFLOW : ADMIT_YES;
}

enum admit admission_ask(struct admission *a, const struct ip *address, uint64_t now_ms, uint32_t dice)
{
	struct ip block = block_of(a, address);
	struct source *s = find(a, &block);
	enum admit verdict = penalty(a, address, &block, now_ms);

	if (verdict != ADMIT_YES)
		return verdict;
	if (drops(a, dice))
		return ADMIT_NO_STARTUPS;
	if (s && a->limits.per_source && s->pending >= a->limits.per_source)
		return ADMIT_NO_SOURCE;
	s = find_or_make(a, &block);
	if (!s)
		return ADMIT_NO_SOURCE;
	s->pending++;
	a->pending++;
	return ADMIT_YES;
}

void admission_blame(struct admission *a, const struct ip *address, enum offence offence, uint64_t now_ms)
{
	struct ip block = block_of(a, address);
	size_t family = family_of(&block);
	struct offenders *o = &a->offenders[family];
	uint32_t ms = a->limits.penalties ? a->limits.penalty_ms[offence] : 0;

	if (!ms || exempt(a, address))
		return;
	if (full(a, family, now_ms) && !offenders_until(o, &block)) {
		if (a->limits.book[family].deny_all)
			return; /* nobody comes in as long as the book is full */
		offenders_forgive(o);
	}
	offenders_add(o, &block, now_ms, ms, now_ms + a->limits.most_ms);
}

void admission_done(struct admission *a, const struct ip *address, enum offence offence, uint64_t now_ms)
{
	struct ip block = block_of(a, address);
	struct source *s = find(a, &block);

	admission_blame(a, address, offence, now_ms);
	if (!s)
		return;
	a->pending--;
	if (!--s->pending)
		source_free(a, s);
}

uint32_t admission_pending(const struct admission *a)
{
	return a->pending;
}

const char *admission_rule(enum admit verdict)
{
	static const char *const rules[] = {
		[ADMIT_YES] = "",
		[ADMIT_NO_STARTUPS] = "MaxStartups",
		[ADMIT_NO_SOURCE] = "PerSourceMaxStartups",
		[ADMIT_NO_PENALTY] = "PerSourcePenalties",
		[ADMIT_NO_OVERFLOW] = "PerSourcePenalties overflow",
	};

	return rules[verdict];
}
