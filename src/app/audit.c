/* Writing audit records: how many, and to where. Their form is in audit_format.c. */
#include "app/audit.h"

static const char program[] = "aditd";

/* Strangers can cause refusals at will; what happens to those who are logged in should all be seen, also when
 * thousands of channels end together. */
static const struct audit_limit limits[AUDIT_KINDS] = {
	[AUDIT_CONNECTION_REFUSED] = { 20, 1 }, [AUDIT_LOGIN_REFUSED] = { 20, 1 },
	[AUDIT_LOGIN] = { 1000, 100 },		[AUDIT_LISTENER_REFUSED] = { 100, 10 },
	[AUDIT_LISTENER] = { 5000, 100 },	[AUDIT_FORWARD_REFUSED] = { 100, 10 },
	[AUDIT_FORWARD] = { 20000, 2000 },	[AUDIT_SESSION_REFUSED] = { 20, 1 },
	[AUDIT_TAKEOVER] = { 100, 10 },		[AUDIT_CRASH] = { 100, 10 },
	/* AUDIT_SUPPRESSED never asks for a token. */
};

static_assert((int)AUDIT_EVENTS <= (int)AUDIT_KINDS, "a bucket for every event");

int audit_open(struct audit *out, const char *where, enum audit_format format, int facility, struct why *why)
{
	struct sink sink;
	int err = sink_open(&sink, where, program, facility, why);

	if (!err)
		*out = (struct audit){ .sink = sink, .format = format };
	return err;
}

int audit_adopt(struct audit *out, int fd, enum audit_format format, int facility, struct why *why)
{
	struct sink sink;
	int err = sink_adopt(&sink, fd, program, facility, why);

	if (!err)
		*out = (struct audit){ .sink = sink, .format = format };
	return err;
}

void audit_switch(struct audit *a, struct sink fresh)
{
	fresh.lost += sink_take_lost(&a->sink);
	sink_close(&a->sink);
	a->sink = fresh;
}

static bool put(struct audit *a, const struct audit_record *r)
{
	char line[AUDIT_LINE_MAX];
	size_t n = a->format == AUDIT_JSON ? audit_json(line, r) : audit_text(line, r);

	return sink_line(&a->sink, LOG_AT_INFO, line, n);
}

/* A record about records. It stays owed when it cannot be written, and is not counted itself. */
static bool note(struct audit *a, const struct audit_record *r)
{
	uint64_t lost = a->sink.lost;
	bool done = put(a, r);

	a->sink.lost = lost;
	return done;
}

static void note_lost(struct audit *a, uint64_t time_ms)
{
	struct audit_record r = { .event = AUDIT_SUPPRESSED,
				  .time_ms = time_ms,
				  .kind = "any",
				  .end = "the destination took no more",
				  .suppressed = a->sink.lost };

	if (r.suppressed && note(a, &r))
		sink_take_lost(&a->sink);
}

static void note_suppressed(struct audit *a, struct audit_bucket *b, uint64_t time_ms)
{
	struct audit_record r = { .event = AUDIT_SUPPRESSED,
				  .time_ms = time_ms,
				  .kind = audit_event_name((enum audit_event)b->event),
				  .end = "too many at once",
				  .source.ip = b->source,
				  .source.is_path = true, /* no port: there were several */
				  .suppressed = b->suppressed };

	if (b->suppressed && note(a, &r))
		b->suppressed = 0;
}

void audit_write(struct audit *a, const struct audit_record *r, uint64_t now_ms)
{
	struct audit_bucket *b;

	if (a->sink.kind == SINK_NONE)
		return;
	b = audit_rate_find(&a->rate, r->event, &r->source.ip, limits, now_ms);
	if (!audit_rate_take(b, limits)) {
		a->owes = true;
		return;
	}
	note_lost(a, r->time_ms);
	note_suppressed(a, b, r->time_ms);
	a->owes |= !put(a, r); /* counted by the sink when it is lost */
}

void audit_tick(struct audit *a, uint64_t time_ms, uint64_t now_ms)
{
	struct audit_bucket *b;
	size_t at = 0;

	if (a->sink.kind == SINK_NONE)
		return;
	audit_rate_refill(&a->rate, limits, now_ms);
	note_lost(a, time_ms);
	while ((b = audit_rate_next(&a->rate, &at)))
		if (b->spent == 0)
			note_suppressed(a, b, time_ms);
	at = 0;
	a->owes = a->sink.lost || audit_rate_next(&a->rate, &at);
}

void audit_close(struct audit *a, uint64_t time_ms)
{
	struct audit_bucket *b;
	size_t at = 0;

	if (a->sink.kind != SINK_NONE) {
		note_lost(a, time_ms);
		while ((b = audit_rate_next(&a->rate, &at)))
			note_suppressed(a, b, time_ms);
	}
	sink_close(&a->sink);
}
