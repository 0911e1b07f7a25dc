/* How often records of one event and one source are written: token buckets in a table of fixed size. Knows neither
 * records nor clocks. */
#ifndef ADIT_APP_AUDIT_RATE_H
#define ADIT_APP_AUDIT_RATE_H

#include "base/ip.h"

enum {
	AUDIT_SOURCES = 256, /* event and source at once; those for whom there is no room share one bucket per event */
	AUDIT_KINDS = 16     /* events: what a bucket's `event` is below of */
};

/* Tokens in thousandths, so that milliseconds count. */
struct audit_bucket {
	struct ip source; /* IPv6: the /64; family 0 = none, or several */
	uint8_t event;
	bool used;
	uint32_t spent; /* tokens missing from a full bucket */
	uint64_t at_ms; /* when that was true */
	uint64_t suppressed;
};

struct audit_rate {
	struct audit_bucket of[AUDIT_SOURCES], shared[AUDIT_KINDS];
};

/* How many at once, and how many per second after that. */
struct audit_limit {
	uint32_t burst, per_second;
};

/* The bucket for event < AUDIT_KINDS and source, with what has flowed back until now_ms; `limits` has a row for each
 * event. Never NULL; valid until the next call. */
struct audit_bucket *audit_rate_find(struct audit_rate *r, unsigned event, const struct ip *source,
				     const struct audit_limit *limits, uint64_t now_ms);
/* Takes one token and returns true, or counts one as suppressed and returns false. */
bool audit_rate_take(struct audit_bucket *b, const struct audit_limit *limits);
/* Lets tokens flow back into every bucket. */
void audit_rate_refill(struct audit_rate *r, const struct audit_limit *limits, uint64_t now_ms);

/* The next bucket from *at on that has suppressed something, and *at behind it; NULL at the end. Begin with *at = 0. */
struct audit_bucket *audit_rate_next(struct audit_rate *r, size_t *at);

#endif
