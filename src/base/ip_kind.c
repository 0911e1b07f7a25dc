/* The kinds of addresses, and the IPv4 addresses that hide in IPv6 ones: two tables. */
#include "base/ip.h"

#include <string.h>

/* IPv6 ranges that carry an IPv4 address, and where in the 16 bytes it begins. */
static const struct {
	struct ip_range range;
	uint8_t at;
} carriers[] = {
	{ { { 6, { [10] = 0xff, [11] = 0xff } }, 96 }, 12 }, /* v4-mapped: RFC 4291 section 2.5.5.2 */
	{ { { 6, { 0 } }, 96 }, 12 },			     /* v4-compatible: RFC 4291 section 2.5.5.1 */
	{ { { 6, { 0x00, 0x64, 0xff, 0x9b } }, 96 }, 12 },   /* NAT64: RFC 6052 section 2.1 */
	{ { { 6, { 0x20, 0x02 } }, 16 }, 2 },		     /* 6to4: RFC 3056 section 2 */
};

static const struct {
	struct ip_range range;
	enum ip_kind kind;
} kinds[] = {
	{ { { 4, { 0 } }, 8 }, IP_UNSPECIFIED }, /* RFC 1122 section 3.2.1.3: "this host on this network" */
	{ { { 6, { 0 } }, 128 }, IP_UNSPECIFIED },	  { { { 4, { 169, 254 } }, 16 }, IP_LINK_LOCAL }, /* RFC 3927 */
	{ { { 6, { 0xfe, 0x80 } }, 10 }, IP_LINK_LOCAL }, { { { 4, { 224 } }, 4 }, IP_MULTICAST },	  /* RFC 5771 */
	{ { { 6, { 0xff } }, 8 }, IP_MULTICAST },	  { { { 4, { 255, 255, 255, 255 } }, 32 }, IP_BROADCAST },
};

static const char *const kind_text[] = {
	[IP_ORDINARY] = "an ordinary address",	  [IP_UNSPECIFIED] = "an unspecified address",
	[IP_LINK_LOCAL] = "a link-local address", [IP_MULTICAST] = "a multicast address",
	[IP_BROADCAST] = "the broadcast address",
};

/* :: and ::1 (RFC 4291 sections 2.5.2 and 2.5.3) lie in the v4-compatible range without being one of them. */
static bool is_v6_special(const struct ip *a)
{
	static const uint8_t zero[15];

	return !memcmp(a->bytes, zero, sizeof(zero)) && a->bytes[15] <= 1;
}

struct ip ip_unwrap(struct ip a)
{
	if (a.family != 6 || is_v6_special(&a))
		return a;
	for (size_t i = 0; i < LEN(carriers); i++) {
		struct ip inner = { .family = 4 };

		memcpy(inner.bytes, a.bytes + carriers[i].at, 4);
		if (ip_in(&a, &carriers[i].range))
			return inner;
	}
	return a;
}

struct ip ip_unmap(struct ip a)
{
	static const struct ip_range mapped = { { 6, { [10] = 0xff, [11] = 0xff } }, 96 };

	return ip_in(&a, &mapped) ? ip_unwrap(a) : a;
}

enum ip_kind ip_kind_of(const struct ip *a)
{
	struct ip inner = ip_unwrap(*a);

	for (size_t i = 0; i < LEN(kinds); i++)
		if (ip_in(&inner, &kinds[i].range))
			return kinds[i].kind;
	return IP_ORDINARY;
}

const char *ip_kind_text(enum ip_kind kind)
{
	return kind_text[kind];
}

bool ip_is_loopback(const struct ip *a)
{
	static const struct ip_range v4 = { { 4, { 127 } }, 8 }, v6 = { { 6, { [15] = 1 } }, 128 };

	return ip_in(a, &v4) || ip_in(a, &v6);
}
