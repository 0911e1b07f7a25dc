/* The sources that have a penalty, and until when: PerSourcePenalties of sshd_config(5) keeps one such book for each
 * family of addresses. Times are those of the caller's clock, in ms; not for what deserves a penalty. */
#ifndef ADIT_APP_OFFENDERS_H
#define ADIT_APP_OFFENDERS_H

#include "base/ip.h"

struct offender;

/* All zero is an empty book. Memory grows with the sources and is given back as their penalties end. */
struct offenders {
	struct offender *table; /* by address */
	struct offender **heap; /* the one that ends first on top */
	size_t n, room;
};

void offenders_fini(struct offenders *o);
/* So many penalties run now; those that have ended are forgotten. */
size_t offenders_count(struct offenders *o, uint64_t now_ms);
/* When the penalty of `source` ends; 0 = it has none. */
uint64_t offenders_until(const struct offenders *o, const struct ip *source);
/* Adds `ms` to what is left of its penalty, at most until `latest_ms`. Without memory a new source goes free. */
void offenders_add(struct offenders *o, const struct ip *source, uint64_t now_ms, uint32_t ms, uint64_t latest_ms);
/* Forgets the penalty that ends first; there must be one. */
void offenders_forgive(struct offenders *o);

#endif
