/* Token buckets for audit records. A bucket that is full and has nothing to report is as good as none, so its place may
 * be taken; a bucket that is not full is never pushed out, or many sources together would have no limit at all. */
#include "app/audit_rate.h"

#include <string.h>

enum { TOKEN = 1000 };

/* A host of IPv6 has a whole /64 to speak from. */
static struct ip network_of(const struct ip *source)
{
	struct ip net = ip_unwrap(*source);

	/* Bytes that are not part of it may hold anything. */
	if (net.family != 0)
		memset(net.bytes + (net.family == 6 ? 8 : 4), 0, net.family == 6 ? 8 : 12);
	else
		memset(net.bytes, 0, sizeof(net.bytes));
	return net;
}

static void refill(struct audit_bucket *b, const struct audit_limit *limits, uint64_t now_ms)
{
	uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
	uint64_t back = MIN(passed, UINT32_MAX) * limits[b->event].per_second;

	b->spent -= (uint32_t)MIN(back, b->spent);
	b->at_ms = MAX(now_ms, b->at_ms);
}

static bool is_of(const struct audit_bucket *b, unsigned event, const struct ip *net)
{
	return b->event == event && b->source.family == net->family &&
	       memcmp(b->source.bytes, net->bytes, sizeof(net->bytes)) == 0;
}

struct audit_bucket *audit_rate_find(struct audit_rate *r, unsigned event, const struct ip *source,
				     const struct audit_limit *limits, uint64_t now_ms)
{
	struct ip net = network_of(source);
	struct audit_bucket *b, *place = NULL;

	assert(event < AUDIT_KINDS);
	for (b = r->of; b < r->of + AUDIT_SOURCES; b++) {
		if (b->used)
			refill(b, limits, now_ms);
		if (b->used && is_of(b, event, &net))
			return b;
		if (!place && b->spent == 0 && b->suppressed == 0)
			place = b;
	}
	if (place) {
		*place = (struct audit_bucket){ .source = net, .event = (uint8_t)event, .used = true, .at_ms = now_ms };
		return place;
	}
	b = &r->shared[event];
	b->event = (uint8_t)event;
	refill(b, limits, now_ms);
	return b;
}

bool audit_rate_take(struct audit_bucket *b, const struct audit_limit *limits)
{
	if (b->spent + TOKEN > limits[b->event].burst * TOKEN) {
		b->suppressed++;
		return false;
	}
	b->spent += TOKEN;
	return true;
}

void audit_rate_refill(struct audit_rate *r, const struct audit_limit *limits, uint64_t now_ms)
{
	for (size_t i = 0; i < AUDIT_SOURCES; i++)
		if (r->of[i].used)
			refill(&r->of[i], limits, now_ms);
	for (size_t i = 0; i < AUDIT_KINDS; i++)
		if (r->shared[i].spent)
			refill(&r->shared[i], limits, now_ms);
}

struct audit_bucket *audit_rate_next(struct audit_rate *r, size_t *at)
{
	while (*at < AUDIT_SOURCES + AUDIT_KINDS) {
		size_t i = (*at)++;
		struct audit_bucket *b = i < AUDIT_SOURCES ? &r->of[i] : &r->shared[i - AUDIT_SOURCES];

		if (b->suppressed)
			return b;
	}
	return NULL;
}
