/* Who may connect at all: MaxStartups, PerSourceMaxStartups and PerSourcePenalties of sshd_config(5), in the one place
 * that sees every connection. Numbers only; not for sockets, nor for logging in. */
#ifndef ADIT_APP_ADMISSION_H
#define ADIT_APP_ADMISSION_H

#include "app/memo.h"
#include "conf/strs.h"

enum { ADMISSION_V4, ADMISSION_V6, ADMISSION_FAMILIES }; /* an IPv4 address in IPv6 clothes is one of IPv4 */

struct admission_limits {
	uint32_t begin, rate,
		full;	     /* MaxStartups: from `begin` on, `rate` per cent are refused, rising to all at `full` */
	uint32_t per_source; /* PerSourceMaxStartups; 0 = no limit */
	uint32_t v4_bits, v6_bits; /* PerSourceNetBlockSize: what counts as one source */
	bool penalties;		   /* PerSourcePenalties */
	uint32_t penalty_ms[OFFENCES];
	uint32_t least_ms, most_ms; /* a penalty below `least_ms` does not count yet; none grows beyond `most_ms` */
	const struct strs *exempt;  /* addresses and ranges without penalties; outlives these limits; NULL = none */
	struct {
		uint32_t sources_max; /* so many penalties are remembered, at least one */
		bool deny_all; /* beyond that: true: nobody comes in, false: the one that ends first is forgotten */
	} book[ADMISSION_FAMILIES];
};

enum admit { ADMIT_YES, ADMIT_NO_STARTUPS, ADMIT_NO_SOURCE, ADMIT_NO_PENALTY, ADMIT_NO_OVERFLOW };

struct admission;

/* OK or ERR_NOMEM. The limits are copied. */
int admission_new(struct admission **out, const struct admission_limits *limits) MUST_CHECK;
/* NULL is allowed. */
void admission_free(struct admission *a);
/* New limits after a reload; what is counted stays. */
void admission_limit(struct admission *a, const struct admission_limits *limits);

/* May this one come in? `dice` is a random number. After ADMIT_YES it counts until admission_done(); without memory to
 * count it, the answer is ADMIT_NO_SOURCE. */
enum admit admission_ask(struct admission *a, const struct ip *source, uint64_t now_ms, uint32_t dice);
/* It has logged in (OFFENCE_NONE), or has ended before that. */
void admission_done(struct admission *a, const struct ip *source, enum offence offence, uint64_t now_ms);
/* A connection that does not count any more was to blame for something. */
void admission_blame(struct admission *a, const struct ip *source, enum offence offence, uint64_t now_ms);
/* Connections that count now. */
uint32_t admission_pending(const struct admission *a);

/* "MaxStartups", for the log. */
const char *admission_rule(enum admit verdict);

#endif
