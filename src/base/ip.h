/* IP addresses as numbers: text to bytes and back, ranges, and the kinds of address that a server must know apart.
 * Not for names, ports or sockets. */
#ifndef ADIT_BASE_IP_H
#define ADIT_BASE_IP_H

#include "base/err.h"

struct ip {
	uint8_t family;	   /* 4 or 6; 0 = none */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

enum { IP_TEXT = 46 };

/* The strict forms only: four decimal numbers without leading zeros, or RFC 4291 section 2.2 (no zone, no brackets).
 * OK or ERR_SYNTAX; *out is untouched then. */
int ip_parse(struct ip *out, const char *text) MUST_CHECK;
/* "127.0.0.1", or RFC 5952's form of IPv6 (v4-mapped ones with a dotted tail). Returns `out`. */
const char *ip_text(const struct ip *a, char out[IP_TEXT]);
bool ip_equal(const struct ip *a, const struct ip *b);

/* An address that carries an IPv4 address inside (v4-mapped ::ffff:0:0/96, v4-compatible ::/96 except :: and ::1, NAT64
 * 64:ff9b::/96, 6to4 2002::/16) becomes that one; others stay as they are. */
struct ip ip_unwrap(struct ip a);
/* The same for v4-mapped ones alone: what the kernel itself takes for the IPv4 address. */
struct ip ip_unmap(struct ip a);

struct ip_range {
	struct ip base;
	unsigned bits; /* of the prefix */
};

/* "10.0.0.0/8", "fe80::/10", or an address alone. Bits beyond the prefix must be zero. OK or ERR_SYNTAX; *out is
 * untouched then. */
int ip_range_parse(struct ip_range *out, const char *text) MUST_CHECK;
/* Never across families: unwrap the address first where that matters. */
bool ip_in(const struct ip *a, const struct ip_range *r);

/* Addresses that nobody reaches through a forward by accident. */
enum ip_kind {
	IP_ORDINARY = 0, /* loopback and private ones too */
	IP_UNSPECIFIED,	 /* 0.0.0.0/8, :: */
	IP_LINK_LOCAL,	 /* 169.254.0.0/16, fe80::/10: the metadata services of clouds */
	IP_MULTICAST,	 /* 224.0.0.0/4, ff00::/8 */
	IP_BROADCAST	 /* 255.255.255.255; those of local networks are the caller's to know */
};
/* Of what ip_unwrap() makes of it. */
enum ip_kind ip_kind_of(const struct ip *a);
/* "a link-local address", for sentences. */
const char *ip_kind_text(enum ip_kind kind);
/* 127.0.0.0/8 or ::1; not unwrapped. */
bool ip_is_loopback(const struct ip *a);

#endif
