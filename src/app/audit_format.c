/* Records as lines. Both forms walk one table of fields. Every string is escaped first (str_escape()) and quoted then,
 * so a record cannot be ended, extended or hidden by what a stranger wrote. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/audit.h"
#include "app/audit_time.h"
#include "base/str.h"

static const struct {
	const char *name;
	bool ends; /* something that had a duration and carried bytes */
} events[] = {
	[AUDIT_CONNECTION_REFUSED] = { "connection-refused", false },
	[AUDIT_LOGIN_REFUSED] = { "login-refused", false },
	[AUDIT_LOGIN] = { "login", true },
	[AUDIT_LISTENER_REFUSED] = { "listener-refused", false },
	[AUDIT_LISTENER] = { "listener", true },
	[AUDIT_FORWARD_REFUSED] = { "forward-refused", false },
	[AUDIT_FORWARD] = { "forward", true },
	[AUDIT_SESSION_REFUSED] = { "session-refused", false },
	[AUDIT_TAKEOVER] = { "takeover", false },
	[AUDIT_CRASH] = { "crash", false },
	[AUDIT_SUPPRESSED] = { "suppressed", false },
};

const char *audit_event_name(enum audit_event e)
{
	return (size_t)e < LEN(events) ? events[e].name : "?";
}

bool audit_event_ends(enum audit_event e)
{
	return (size_t)e < LEN(events) && events[e].ends;
}

struct line {
	char *p;
	size_t n;
	enum audit_format format;
};

/* The caps of the fields make sure that it fits. */
static void put(struct line *l, const char *p, size_t n)
{
	assert(n < AUDIT_LINE_MAX - l->n);
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

static void put_text(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static void put_name(struct line *l, const char *name, const char *more)
{
	bool json = l->format == AUDIT_JSON;

	put_text(l, l->n > 1 ? (json ? "," : " ") : "");
	put_text(l, json ? "\"" : "");
	put_text(l, name);
	put_text(l, more);
	put_text(l, json ? "\":" : "=");
}

/* Escaping has doubled the backslashes already. In the text form that is enough, and only quotes are left to mark; JSON
 * (RFC 8259 section 7) has its own escapes around ours. */
static void put_quoted(struct line *l, struct span s, size_t cap)
{
	char safe[AUDIT_TEXT_MAX + 1];

	assert(cap <= AUDIT_TEXT_MAX);
	str_escape(safe, cap + 1, s);
	put(l, "\"", 1);
	for (const char *p = safe; *p; p++) {
		if (*p == '"' || (*p == '\\' && l->format == AUDIT_JSON))
			put(l, "\\", 1);
		put(l, p, 1);
	}
	put(l, "\"", 1);
}

static void put_number(struct line *l, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	put_text(l, text);
}

struct field {
	const char *name;
	void (*put)(struct line *l, const struct field *f, const struct audit_record *r);
	size_t at;  /* in the record */
	size_t cap; /* bytes of a string, escaped */
};

static const void *value(const struct field *f, const struct audit_record *r)
{
	return (const char *)r + f->at;
}

static void field_time(struct line *l, const struct field *f, const struct audit_record *r)
{
	char text[AUDIT_TIME];

	put_name(l, f->name, "");
	put_text(l, l->format == AUDIT_JSON ? "\"" : "");
	put_text(l, audit_time(text, r->time_ms));
	put_text(l, l->format == AUDIT_JSON ? "\"" : "");
}

static void field_event(struct line *l, const struct field *f, const struct audit_record *r)
{
	put_name(l, f->name, "");
	put_text(l, l->format == AUDIT_JSON ? "\"" : "");
	put_text(l, audit_event_name(r->event));
	put_text(l, l->format == AUDIT_JSON ? "\"" : "");
}

static void field_number(struct line *l, const struct field *f, const struct audit_record *r)
{
	uint64_t v = *(const uint64_t *)value(f, r);

	if (!v)
		return;
	put_name(l, f->name, "");
	put_number(l, v);
}

static void field_bytes(struct line *l, const struct field *f, const struct audit_record *r)
{
	if (!audit_event_ends(r->event))
		return;
	put_name(l, f->name, "");
	put_number(l, *(const uint64_t *)value(f, r));
}

static void field_seconds(struct line *l, const struct field *f, const struct audit_record *r)
{
	char text[32];

	if (!audit_event_ends(r->event))
		return;
	put_name(l, f->name, "");
	snprintf(text, sizeof(text), "%" PRIu64 ".%03u", r->duration_ms / 1000, (unsigned)(r->duration_ms % 1000));
	put_text(l, text);
}

static void field_span(struct line *l, const struct field *f, const struct audit_record *r)
{
	const struct span *s = value(f, r);

	if (!s->n)
		return;
	put_name(l, f->name, "");
	put_quoted(l, *s, f->cap);
}

static void field_word(struct line *l, const struct field *f, const struct audit_record *r)
{
	const char *s = *(const char *const *)value(f, r);

	if (!s)
		return;
	put_name(l, f->name, "");
	put_quoted(l, span_str(s), f->cap);
}

static void field_end(struct line *l, const struct field *f, const struct audit_record *r)
{
	const struct audit_end *e = value(f, r);
	char text[IP_TEXT];

	if (!e->ip.family && !e->name.p)
		return;
	put_name(l, f->name, "");
	put_quoted(l, e->ip.family ? span_str(ip_text(&e->ip, text)) : e->name, f->cap);
	if (e->is_path)
		return;
	put_name(l, f->name, "_port");
	put_number(l, e->port);
}

enum { WORD_CAP = 40, ORIGIN_CAP = 64 };

/* The order of the fields in a line. What a stranger wrote comes after what we know. */
static const struct field fields[] = {
	{ "time", field_time, 0, 0 },
	{ "event", field_event, 0, 0 },
	{ "connection", field_number, offsetof(struct audit_record, connection), 0 },
	{ "suppressed", field_number, offsetof(struct audit_record, suppressed), 0 },
	{ "source", field_end, offsetof(struct audit_record, source), ORIGIN_CAP },
	{ "kind", field_word, offsetof(struct audit_record, kind), WORD_CAP },
	{ "end", field_word, offsetof(struct audit_record, end), WORD_CAP },
	{ "from_client", field_bytes, offsetof(struct audit_record, from_client), 0 },
	{ "to_client", field_bytes, offsetof(struct audit_record, to_client), 0 },
	{ "duration", field_seconds, offsetof(struct audit_record, duration_ms), 0 },
	{ "actual", field_end, offsetof(struct audit_record, actual), AUDIT_TEXT_MAX },
	{ "key", field_span, offsetof(struct audit_record, key), AUDIT_TEXT_MAX },
	{ "rule", field_span, offsetof(struct audit_record, rule), AUDIT_TEXT_MAX },
	{ "words", field_span, offsetof(struct audit_record, words), AUDIT_TEXT_MAX },
	{ "user", field_span, offsetof(struct audit_record, user), AUDIT_TEXT_MAX },
	{ "requested", field_end, offsetof(struct audit_record, requested), AUDIT_TEXT_MAX },
	{ "origin", field_end, offsetof(struct audit_record, origin), ORIGIN_CAP },
	{ "peer_says", field_span, offsetof(struct audit_record, peer_says), AUDIT_TEXT_MAX },
};

static size_t put_fields(struct line *l, const struct audit_record *r)
{
	for (size_t i = 0; i < LEN(fields); i++)
		fields[i].put(l, &fields[i], r);
	return l->n;
}

size_t audit_text(char out[AUDIT_LINE_MAX], const struct audit_record *r)
{
	struct line l = { .p = out, .format = AUDIT_TEXT };

	return put_fields(&l, r);
}

size_t audit_json(char out[AUDIT_LINE_MAX], const struct audit_record *r)
{
	struct line l = { .p = out, .format = AUDIT_JSON };

	put(&l, "{", 1);
	put_fields(&l, r);
	put(&l, "}", 1);
	return l.n;
}
