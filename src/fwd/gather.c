/* Spans of time, judged by what came in them. */
#include "fwd/gather.h"

void gather_init(struct gather *g, uint64_t now_ms)
{
	*g = (struct gather){ .wake = 1, .begin_ms = now_ms, .last_ms = now_ms };
}

static void judge_span(struct gather *g, uint64_t now_ms)
{
	if (now_ms - g->begin_ms < GATHER_SPAN_MS)
		return;
	g->bulk = g->bytes >= GATHER_BYTES;
	g->bytes = 0;
	g->begin_ms = now_ms;
}

bool gather_turn(struct gather *g, uint64_t now_ms, size_t bytes)
{
	size_t before = g->wake;

	judge_span(g, now_ms);
	g->bytes += bytes;
	if (bytes)
		g->last_ms = now_ms;
	g->wake = g->bulk && now_ms - g->last_ms < GATHER_MS ? GATHER_WAKE : 1;
	return g->wake != before;
}

uint64_t gather_deadline(const struct gather *g)
{
	return g->wake > 1 ? g->last_ms + GATHER_MS : UINT64_MAX;
}
