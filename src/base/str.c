/* Escaping, patterns and the strict parsers. Every loop here is linear in the text that a stranger chose, or in the
 * product of text and pattern; none recurses. */
#include "base/str.h"

#include <stdlib.h>

struct range {
	uint32_t from, to;
};

/* Valid code points that are not shown: they are invisible, or reorder or break the text around them. */
static const struct range hidden[] = {
	{ 0x0000, 0x001f },    /* C0 */
	{ 0x007f, 0x009f },    /* DEL, C1 */
	{ 0x00ad, 0x00ad },    /* soft hyphen */
	{ 0x034f, 0x034f },    /* grapheme joiner */
	{ 0x061c, 0x061c },    /* Arabic letter mark: bidi */
	{ 0x115f, 0x1160 },    /* Hangul fillers */
	{ 0x17b4, 0x17b5 },    /* Khmer inherent vowels */
	{ 0x180b, 0x180f },    /* Mongolian selectors */
	{ 0x200b, 0x200f },    /* zero-width, LRM, RLM */
	{ 0x2028, 0x202e },    /* line and paragraph separator, bidi embedding and override */
	{ 0x2060, 0x206f },    /* word joiner, invisible operators, bidi isolates */
	{ 0x3164, 0x3164 },    /* Hangul filler */
	{ 0xd800, 0xf8ff },    /* surrogates, private use */
	{ 0xfdd0, 0xfdef },    /* not characters */
	{ 0xfe00, 0xfe0f },    /* variation selectors */
	{ 0xfeff, 0xfeff },    /* byte order mark */
	{ 0xffa0, 0xffa0 },    /* half-width filler */
	{ 0xfff0, 0xfffb },    /* unassigned, interlinear annotation */
	{ 0xfffe, 0xffff },    /* not characters */
	{ 0x1bca0, 0x1bca3 },  /* shorthand format controls */
	{ 0x1d173, 0x1d17a },  /* musical format controls */
	{ 0xe0000, 0x10ffff }, /* tags, private use */
};

static bool is_hidden(uint32_t c)
{
	for (size_t i = 0; i < LEN(hidden); i++)
		if (c >= hidden[i].from && c <= hidden[i].to)
			return true;
	return false;
}

/* Bytes of the well-formed UTF-8 sequence at the front of s (RFC 3629: shortest form, at most U+10FFFF) with its code
 * point; 0 when there is none. Surrogates pass here and are refused as hidden. */
static size_t utf8_next(struct span s, uint32_t *c)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} form[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
	size_t n = 0, i;

	while (n < LEN(form) && (s.p[0] & form[n].mask) != form[n].lead)
		n++;
	if (n >= LEN(form) || n >= s.n)
		return 0;
	*c = s.p[0] & (uint8_t)~form[n].mask;
	for (i = 1; i <= n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s.p[i] & 0x3f);
	}
	return *c >= form[n].least && *c <= 0x10ffff ? n + 1 : 0;
}

/* The output of an escape: `cut` is the last place where an ellipsis and the NUL still fit. */
struct out {
	char *p;
	size_t n, cap, cut;
	bool full;
};

static void put(struct out *o, const void *p, size_t n)
{
	static const char ellipsis[] = "\xe2\x80\xa6";

	if (o->full)
		return;
	if (n >= o->cap - o->n) {
		memcpy(o->p + o->cut, ellipsis, sizeof(ellipsis) - 1);
		o->n = o->cut + sizeof(ellipsis) - 1;
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
	if (o->n + sizeof(ellipsis) <= o->cap)
		o->cut = o->n;
}

static void put_hex(struct out *o, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		put(o, (char[]){ '\\', 'x', digit[p[i] >> 4], digit[p[i] & 15] }, 4);
}

/* `bare`: single bytes that stay as they are, before any other rule. */
static char *escape(char *dst, size_t cap, struct span src, const char *bare)
{
	struct out o = { .p = dst, .cap = cap };

	assert(cap >= 8);
	while (src.n && !o.full) {
		uint32_t c = 0;
		size_t n = utf8_next(src, &c);

		if (src.p[0] && strchr(bare, src.p[0]))
			put(&o, src.p, 1);
		else if (c == '\\')
			put(&o, "\\\\", 2);
		else if (n == 0 || is_hidden(c))
			put_hex(&o, src.p, MAX(n, 1));
		else
			put(&o, src.p, n);
		n = MAX(n, 1);
		src = span(src.p + n, src.n - n);
	}
	dst[o.n] = 0;
	return dst;
}

char *str_escape(char *dst, size_t cap, struct span src)
{
	return escape(dst, cap, src, "");
}

char *str_escape_banner(char *dst, size_t cap, struct span src)
{
	return escape(dst, cap, src, "\n\t\\");
}

/* Only the last * ever needs another try: whatever an earlier one could swallow, the last one can too. So the cost is
 * at most the product of both lengths. */
static bool match(const char *pat, const char *end, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (pat < end && *pat == '*') {
			star = ++pat;
			retry = text;
		} else if (pat < end && (*pat == '?' || *pat == *text)) {
			pat++;
			text++;
		} else if (star) {
			pat = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (pat < end && *pat == '*')
		pat++;
	return pat == end;
}

bool str_match(const char *pattern, const char *text)
{
	return match(pattern, pattern + strlen(pattern), text);
}

enum list_match str_match_list(const char *patterns, const char *text)
{
	enum list_match found = LIST_NO;

	for (const char *p = patterns;; p++) {
		bool negated = *p == '!';
		const char *end = p + strcspn(p, ",");

		if (match(p + negated, end, text)) {
			if (negated)
				return LIST_NEGATED;
			found = LIST_YES;
		}
		if (!*end)
			return found;
		p = end;
	}
}

int str_u64(const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
	uint64_t sum = 0;

	if (!*s)
		return ERR_SYNTAX;
	for (; *s; s++) {
		uint64_t digit = (uint64_t)(*s - '0');

		if (*s < '0' || *s > '9' || sum > (UINT64_MAX - digit) / 10)
			return ERR_SYNTAX;
		sum = sum * 10 + digit;
	}
	if (sum < min || sum > max)
		return ERR_SYNTAX;
	*v = sum;
	return OK;
}

char *str_from_span(struct span s)
{
	char *text;

	if (s.n && memchr(s.p, 0, s.n))
		return NULL;
	text = malloc(s.n + 1);
	if (!text)
		return NULL;
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return text;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

void str_lower(char *s)
{
	for (; *s; s++)
		*s = lower(*s);
}
