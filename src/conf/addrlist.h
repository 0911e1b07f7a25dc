/* Lists of addresses with patterns, ranges and negation: from= of a key, Match Address, the host part of AllowUsers.
 * Not for names of hosts. */
#ifndef ADIT_CONF_ADDRLIST_H
#define ADIT_CONF_ADDRLIST_H

#include "base/ip.h"
#include "base/str.h"

/* Comma-separated; an item is an address, CIDR, or a pattern with * and ? for the text of the address; ! negates.
 * OpenSSH's addr_match_list(): LIST_NEGATED if a negated item matches, wherever it stands, LIST_YES if another one
 * does, LIST_NO. A v4-mapped address is judged as the IPv4 address. OK; ERR_SYNTAX, with *match untouched, when an item
 * with '/' is no range: what it was meant to keep out is not known, so nobody matches. */
int addrlist_match(const char *list, const struct ip *a, enum list_match *match) MUST_CHECK;

/* The same for a list where only addresses and CIDR may stand, without negation and patterns: source-address of a
 * certificate. */
int addrlist_match_cidr(const char *list, const struct ip *a, bool *match) MUST_CHECK;

/* Is every item with '/' a range? `a` does not matter for that. OK or ERR_SYNTAX. */
int addrlist_check(const char *list) MUST_CHECK;

#endif
