/* Addresses read and written strictly: what one spelling cannot say, a filter that compares text cannot be fooled by.
 */
#include "base/ip.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS = 8, RANGE_TEXT = IP_TEXT + 4 };

/* "0".."255" without leading zeros. Returns what stands behind it, or NULL. */
static const char *read_octet(const char *s, uint8_t *out)
{
	const char *from = s;
	unsigned v = 0;

	for (; *s >= '0' && *s <= '9' && s - from < 3; s++)
		v = v * 10 + (unsigned)(*s - '0');
	if (s == from || v > 255 || (*from == '0' && s - from > 1))
		return NULL;
	*out = (uint8_t)v;
	return s;
}

/* Four octets and the end of the text. */
static bool read_v4(const char *s, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		if (i && *s++ != '.')
			return false;
		s = read_octet(s, &out[i]);
		if (!s)
			return false;
	}
	return !*s;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hexadecimal digits. Returns what stands behind them, or NULL. */
static const char *read_group(const char *s, uint8_t out[2])
{
	const char *from = s;
	unsigned v = 0;

	for (; hex_digit(*s) >= 0 && s - from < 4; s++)
		v = v << 4 | (unsigned)hex_digit(*s);
	if (s == from)
		return NULL;
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	return s;
}

/* Groups with colons between them, and perhaps an IPv4 address in place of the last two, up to the end of the text or
 * to a "::". Returns what stands behind, or NULL; *n counts groups and is at most `max`. */
static const char *read_groups(const char *s, uint8_t *out, int *n, int max)
{
	for (*n = 0;; s++) {
		const char *next;

		if (*n + 2 <= max && read_v4(s, out + 2 * *n)) {
			*n += 2;
			return s + strlen(s);
		}
		next = *n < max ? read_group(s, out + 2 * *n) : NULL;
		if (!next)
			return NULL;
		++*n;
		if (!*next || (next[0] == ':' && next[1] == ':'))
			return next;
		if (*next != ':')
			return NULL;
		s = next;
	}
}

/* RFC 4291 section 2.2. "::" stands for one or more groups of zeros, and appears once. */
static bool read_v6(const char *s, uint8_t out[16])
{
	uint8_t tail[16] = { 0 };
	int head = 0, rest = 0;

	memset(out, 0, 16);
	if (strncmp(s, "::", 2) != 0)
		s = read_groups(s, out, &head, GROUPS);
	if (!s)
		return false;
	if (!*s)
		return head == GROUPS;
	s += 2;
	if (head >= GROUPS)
		return false;
	if (*s)
		s = read_groups(s, tail, &rest, GROUPS - 1 - head);
	if (!s || *s)
		return false;
	memcpy(out + 16 - 2 * rest, tail, (size_t)(2 * rest));
	return true;
}

int ip_parse(struct ip *out, const char *text)
{
	struct ip a = { .family = 4 };

	if (!read_v4(text, a.bytes)) {
		a.family = 6;
		if (!read_v6(text, a.bytes))
			return ERR_SYNTAX;
	}
	*out = a;
	return OK;
}

static unsigned group(const struct ip *a, int i)
{
	return (unsigned)a->bytes[2 * i] << 8 | a->bytes[2 * i + 1];
}

/* The longest run of at least two groups of zeros, the first of equals (RFC 5952 section 4.2). */
static void longest_zeros(const struct ip *a, int *at, int *n)
{
	*at = *n = 0;
	for (int i = 0; i < GROUPS; i++) {
		int k = i;

		while (k < GROUPS && !group(a, k))
			k++;
		if (k - i > *n && k - i > 1) {
			*at = i;
			*n = k - i;
		}
	}
}

static void print_v6(const struct ip *a, char out[IP_TEXT])
{
	int at, zeros, n = 0;

	longest_zeros(a, &at, &zeros);
	for (int i = 0; i < GROUPS; i++) {
		if (zeros && i == at) {
			n += snprintf(out + n, (size_t)(IP_TEXT - n), "::");
			i += zeros - 1;
		} else {
			bool colon = i > 0 && !(zeros && i == at + zeros);

			n += snprintf(out + n, (size_t)(IP_TEXT - n), "%s%x", colon ? ":" : "", group(a, i));
		}
	}
}

static bool is_mapped(const struct ip *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return a->family == 6 && !memcmp(a->bytes, mapped, sizeof(mapped));
}

const char *ip_text(const struct ip *a, char out[IP_TEXT])
{
	const uint8_t *p = a->bytes;

	if (a->family == 4)
		snprintf(out, IP_TEXT, "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
	else if (is_mapped(a)) /* RFC 5952 section 5 */
		snprintf(out, IP_TEXT, "::ffff:%u.%u.%u.%u", p[12], p[13], p[14], p[15]);
	else if (a->family == 6)
		print_v6(a, out);
	else
		snprintf(out, IP_TEXT, "no address");
	return out;
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, a->family == 4 ? 4 : 16);
}

static unsigned width(const struct ip *a)
{
	return a->family == 4 ? 32 : 128;
}

bool ip_in(const struct ip *a, const struct ip_range *r)
{
	unsigned whole = r->bits / 8, odd = r->bits % 8;

	if (a->family != r->base.family || r->bits > width(a) || memcmp(a->bytes, r->base.bytes, whole) != 0)
		return false;
	return !odd || (a->bytes[whole] ^ r->base.bytes[whole]) >> (8 - odd) == 0;
}

/* The bits behind the prefix are zero: "10.0.0.1/8" is somebody's mistake. */
static bool is_base(const struct ip_range *r)
{
	for (unsigned i = r->bits; i < width(&r->base); i++)
		if (r->base.bytes[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* One to three digits without leading zeros, and the end. */
static bool read_bits(const char *s, unsigned max, unsigned *out)
{
	uint8_t v;
	const char *end = read_octet(s, &v);

	if (!end || *end || v > max)
		return false;
	*out = v;
	return true;
}

int ip_range_parse(struct ip_range *out, const char *text)
{
	size_t n = strcspn(text, "/");
	char addr[RANGE_TEXT];
	struct ip_range r;

	if (n >= sizeof(addr))
		return ERR_SYNTAX;
	memcpy(addr, text, n);
	addr[n] = 0;
	if (ip_parse(&r.base, addr))
		return ERR_SYNTAX;
	r.bits = width(&r.base);
	if (text[n] && !read_bits(text + n + 1, r.bits, &r.bits))
		return ERR_SYNTAX;
	if (!is_base(&r))
		return ERR_SYNTAX;
	*out = r;
	return OK;
}
