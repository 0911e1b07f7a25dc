/* Audit records: what strangers write into them, both forms, limits of rate, and destinations that are full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/audit.h"
#include "base/str.h"

enum { AUTH = 4 * 8, HUGE = 64 * 1024 };

static struct ip ip_of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(&ip, text), OK);
	return ip;
}

/* A strict reader of one flat object of strings and numbers (RFC 8259). Gives up on anything that our writer must not
 * produce: spaces, nesting, controls, other escapes than \" and \\, numbers with leading zeros. */
struct json {
	const char *p;
	bool bad;
};

static bool eat(struct json *j, char c)
{
	if (*j->p != c)
		return false;
	j->p++;
	return true;
}

static void json_string(struct json *j, char *out, size_t cap)
{
	size_t n = 0;

	j->bad |= !eat(j, '"');
	while (!j->bad && *j->p != '"') {
		if (*j->p == '\\')
			j->bad |= *++j->p != '"' && *j->p != '\\';
		j->bad |= (unsigned char)*j->p < ' ' || n + 1 >= cap;
		if (!j->bad)
			out[n++] = *j->p++;
	}
	out[n] = '\0';
	j->bad |= !eat(j, '"');
}

static void json_number(struct json *j, char *out, size_t cap)
{
	size_t n = strspn(j->p, "0123456789."), whole = strspn(j->p, "0123456789");

	j->bad |= whole == 0 || (whole > 1 && *j->p == '0') || n >= cap || j->p[n - 1] == '.';
	j->bad |= n > whole && strchr(j->p + whole + 1, '.') && strchr(j->p + whole + 1, '.') < j->p + n;
	if (j->bad)
		return;
	memcpy(out, j->p, n);
	out[n] = '\0';
	j->p += n;
}

/* The value of `name`, decoded, or an empty string. Fails the test when the line is no JSON or a name comes twice. */
static const char *json_get(const char *line, const char *name, char out[AUDIT_LINE_MAX])
{
	char key[64], v[AUDIT_LINE_MAX];
	struct json j = { .p = line };
	size_t found = 0;

	out[0] = '\0';
	j.bad = !eat(&j, '{');
	do {
		json_string(&j, key, sizeof(key));
		j.bad |= !eat(&j, ':');
		if (*j.p == '"')
			json_string(&j, v, sizeof(v));
		else
			json_number(&j, v, sizeof(v));
		if (!j.bad && strcmp(key, name) == 0) {
			strcpy(out, v);
			found++;
		}
	} while (!j.bad && eat(&j, ','));
	if (j.bad || !eat(&j, '}') || *j.p || found > 1)
		fail_msg("not JSON: %s", line);
	return out;
}

/* The same for the text form: name=word or name="..." separated by single spaces; a quote inside is \". */
static const char *text_get(const char *line, const char *name, char out[AUDIT_LINE_MAX])
{
	size_t found = 0;

	out[0] = '\0';
	for (const char *p = line; *p; p += *p == ' ') {
		size_t key = strspn(p, "abcdefghijklmnopqrstuvwxyz_"), n = 0;
		bool mine = key == strlen(name) && memcmp(p, name, key) == 0;
		char v[AUDIT_LINE_MAX];

		if (key == 0 || p[key] != '=')
			fail_msg("no field at \"%s\" in: %s", p, line);
		p += key + 1;
		if (*p == '"') {
			for (p++; *p && *p != '"'; v[n++] = *p++)
				if (*p == '\\' && p[1])
					v[n++] = *p++;
			if (*p++ != '"')
				fail_msg("a string without an end in: %s", line);
		} else {
			while (*p && *p != ' ')
				v[n++] = *p++;
		}
		v[n] = '\0';
		if (*p && (*p != ' ' || !p[1]))
			fail_msg("\"%s\" behind a field of: %s", p, line);
		found += mine;
		if (mine)
			strcpy(out, v);
	}
	assert_in_range(found, 0, 1);
	return out;
}

/* Every byte is part of well-formed UTF-8 and none is a control character: escaping once more, with single backslashes
 * kept, changes nothing. */
static void check_clean(const char *line, size_t n)
{
	static char again[2 * AUDIT_LINE_MAX];

	assert_int_equal(strlen(line), n);
	assert_null(strpbrk(line, "\n\t"));
	assert_string_equal(str_escape_banner(again, sizeof(again), span(line, n)), line);
}

struct hostile {
	const char *name, *in;
	size_t n;
	const char *want; /* escaped */
};

#define ROW(name, in, want)                    \
	{                                      \
		name, in, sizeof(in) - 1, want \
	}

static const struct hostile hostile_rows[] = {
	ROW("forged record", "x\ntime=2026-01-01T00:00:00Z event=login", "x\\x0atime=2026-01-01T00:00:00Z event=login"),
	ROW("forged field", "x\" user=\"root", "x\" user=\"root"),
	ROW("forged field in JSON", "x\",\"user\":\"root", "x\",\"user\":\"root"),
	ROW("an escaped quote", "x\\\" user=\"root", "x\\\\\" user=\"root"),
	ROW("backslash at the end", "x\\", "x\\\\"),
	ROW("JSON escapes", "\\u0000\\n\\\"", "\\\\u0000\\\\n\\\\\""),
	ROW("CR, TAB, NUL, DEL", "\r\t\0\x7f", "\\x0d\\x09\\x00\\x7f"),
	ROW("ESC", "\033[2J\033]52;c;QQ==\a", "\\x1b[2J\\x1b]52;c;QQ==\\x07"),
	ROW("C1",
	    "\x9b"
	    "31m\xc2\x9b",
	    "\\x9b31m\\xc2\\x9b"),
	ROW("invalid UTF-8", "\xff\xfe\xc3(\xe2\x82", "\\xff\\xfe\\xc3(\\xe2\\x82"),
	ROW("overlong, surrogate", "\xc0\xaf\xed\xa0\x80", "\\xc0\\xaf\\xed\\xa0\\x80"),
	ROW("bidi", "\xe2\x80\xaetxt.exe\xe2\x81\xa6", "\\xe2\\x80\\xaetxt.exe\\xe2\\x81\\xa6"),
	ROW("zero width", "a\xe2\x80\x8b\xef\xbb\xbf", "a\\xe2\\x80\\x8b\\xef\\xbb\\xbf"),
	ROW("formats", "%s%n%1000000d", "%s%n%1000000d"),
	ROW("markup", "</script><!--", "</script><!--"),
	ROW("empty", "", ""),
	ROW("a name", "J\xc3\xb6rg", "J\xc3\xb6rg"),
};

/* In the text form a quote is marked by a backslash and the rest stays. */
static const char *marked(const char *escaped, char *out)
{
	char *p = out;

	for (; *escaped; *p++ = *escaped++)
		if (*escaped == '"')
			*p++ = '\\';
	*p = '\0';
	return out;
}

static void check_field(const char *row, const char *name, const struct audit_record *r, const char *want)
{
	char line[AUDIT_LINE_MAX], got[AUDIT_LINE_MAX], quoted[AUDIT_LINE_MAX];
	size_t n = audit_json(line, r);

	line[n] = '\0';
	check_clean(line, n);
	if (strcmp(json_get(line, name, got), want) != 0)
		fail_msg("%s, %s in JSON: %s", row, name, got);
	n = audit_text(line, r);
	line[n] = '\0';
	check_clean(line, n);
	if (strcmp(text_get(line, name, got), marked(want, quoted)) != 0)
		fail_msg("%s, %s in text: %s", row, name, got);
	if (strcmp(text_get(line, "event", got), "forward-refused") != 0)
		fail_msg("%s, %s changes the event: %s", row, name, line);
}

/* Every string of a record, with every hostile text. */
static void hostile_strings(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(hostile_rows); i++) {
		const struct hostile *h = &hostile_rows[i];
		struct span s = span(h->in, h->n);
		const struct audit_record user = { .event = AUDIT_FORWARD_REFUSED, .user = s };
		const struct audit_record key = { .event = AUDIT_FORWARD_REFUSED, .key = s };
		const struct audit_record rule = { .event = AUDIT_FORWARD_REFUSED, .rule = s };
		const struct audit_record peer = { .event = AUDIT_FORWARD_REFUSED, .peer_says = s };
		const struct audit_record host = { .event = AUDIT_FORWARD_REFUSED, .requested = { .name = s } };
		const struct audit_record path = { .event = AUDIT_FORWARD_REFUSED,
						   .actual = { .name = s, .is_path = true } };
		const struct audit_record origin = { .event = AUDIT_FORWARD_REFUSED, .origin = { .name = s } };

		check_field(h->name, "user", &user, h->want);
		check_field(h->name, "key", &key, h->want);
		check_field(h->name, "rule", &rule, h->want);
		check_field(h->name, "peer_says", &peer, h->want);
		check_field(h->name, "requested", &host, h->want);
		check_field(h->name, "actual", &path, h->want);
		check_field(h->name, "origin", &origin, h->want);
	}
}

static struct audit_record record_of(struct span s, const char *word)
{
	struct audit_end end = { .name = s, .port = UINT32_MAX };

	return (struct audit_record){ .event = AUDIT_FORWARD,
				      .time_ms = UINT64_MAX,
				      .connection = UINT64_MAX,
				      .source = end,
				      .origin = end,
				      .requested = end,
				      .actual = end,
				      .kind = word,
				      .user = s,
				      .key = s,
				      .from_client = UINT64_MAX,
				      .to_client = UINT64_MAX,
				      .duration_ms = UINT64_MAX,
				      .end = word,
				      .rule = s,
				      .peer_says = s,
				      .suppressed = UINT64_MAX };
}

/* Everything at its longest: 64 KiB of each kind of character in every field still gives one line that is whole. */
static void everything_at_its_longest(void **state)
{
	static const char *const fills[] = { "\\", "\"", "\n", "\xff", "x", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
	static char in[HUGE + 1], line[AUDIT_LINE_MAX + 1], got[AUDIT_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(fills); i++) {
		struct audit_record r;
		size_t n;

		for (n = 0; n + strlen(fills[i]) <= HUGE; n += strlen(fills[i]))
			memcpy(in + n, fills[i], strlen(fills[i]));
		in[n] = '\0';
		r = record_of(span(in, n), in);
		n = audit_json(line, &r);
		assert_in_range(n, 1, AUDIT_LINE_MAX - 1);
		line[n] = '\0';
		check_clean(line, n);
		assert_in_range(strlen(json_get(line, "peer_says", got)), AUDIT_TEXT_MAX - 8, AUDIT_TEXT_MAX);
		assert_string_equal(got + strlen(got) - 3, "\xe2\x80\xa6");
		assert_in_range(strlen(json_get(line, "origin", got)), 56, 64);
		assert_string_equal(json_get(line, "time", got), "9999-12-31T14:25:51.615Z");
		assert_string_equal(json_get(line, "from_client", got), "18446744073709551615");
		n = audit_text(line, &r);
		assert_in_range(n, 1, AUDIT_LINE_MAX - 1);
		line[n] = '\0';
		check_clean(line, n);
		assert_string_equal(text_get(line, "duration", got), "18446744073709551.615");
	}
}

static void times(void **state)
{
	static const struct {
		uint64_t ms;
		const char *want;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 999, "1970-01-01T00:00:00.999Z" },
		{ 68255999999, "1972-02-29T23:59:59.999Z" },
		{ 68256000000, "1972-03-01T00:00:00.000Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 1000000000001, "2001-09-09T01:46:40.001Z" },
		{ 1767225599999, "2025-12-31T23:59:59.999Z" },
		{ 1767225600000, "2026-01-01T00:00:00.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" }, /* no leap year */
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "9999-12-31T00:00:00.000Z" },
	};
	char line[AUDIT_LINE_MAX], got[AUDIT_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct audit_record r = { .time_ms = rows[i].ms };

		line[audit_text(line, &r)] = '\0';
		assert_string_equal(text_get(line, "time", got), rows[i].want);
	}
}

static void whole_lines(void **state)
{
	const struct audit_record forward = {
		.event = AUDIT_FORWARD,
		.time_ms = 1767225600000,
		.connection = 17,
		.source = { .ip = ip_of("2001:db8::7"), .port = 50022 },
		.origin = { .name = span_str("127.0.0.1"), .port = 40001 },
		.requested = { .name = span_str("LOCALHOST."), .port = 5432 },
		.actual = { .ip = ip_of("127.0.0.1"), .port = 5432 },
		.kind = "direct-tcpip",
		.user = span_str("alice"),
		.key = span_str("ED25519 SHA256:abc"),
		.to_client = 12,
		.duration_ms = 61007,
		.end = "closed",
	};
	const struct audit_record refused = {
		.event = AUDIT_LISTENER_REFUSED,
		.source = { .ip = ip_of("192.0.2.1"), .port = 22 },
		.kind = "streamlocal-forward@openssh.com",
		.requested = { .name = span_str("/run/x"), .is_path = true },
		.from_client = 77, /* not of an event that refuses */
		.rule = span_str("AllowStreamLocalForwarding no (aditd_config:3)"),
	};
	char line[AUDIT_LINE_MAX];

	(void)state;
	line[audit_text(line, &forward)] = '\0';
	assert_string_equal(line, "time=2026-01-01T00:00:00.000Z event=forward connection=17 source=\"2001:db8::7\" "
				  "source_port=50022 kind=\"direct-tcpip\" end=\"closed\" from_client=0 to_client=12 "
				  "duration=61.007 actual=\"127.0.0.1\" actual_port=5432 key=\"ED25519 SHA256:abc\" "
				  "user=\"alice\" requested=\"LOCALHOST.\" requested_port=5432 origin=\"127.0.0.1\" "
				  "origin_port=40001");
	line[audit_json(line, &refused)] = '\0';
	assert_string_equal(line, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"listener-refused\","
				  "\"source\":\"192.0.2.1\",\"source_port\":22,"
				  "\"kind\":\"streamlocal-forward@openssh.com\","
				  "\"rule\":\"AllowStreamLocalForwarding no (aditd_config:3)\","
				  "\"requested\":\"/run/x\"}");
	assert_string_equal(audit_event_name(AUDIT_EVENTS), "?");
	assert_false(audit_event_ends(AUDIT_EVENTS));
	for (int e = 0; e < AUDIT_EVENTS; e++)
		assert_non_null(audit_event_name(e));
}

/* A file of the test's own. */
struct place {
	char dir[32], path[64];
};

static void place_make(struct place *p)
{
	strcpy(p->dir, "/tmp/adit-audit-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/audit", p->dir);
}

static void place_remove(const struct place *p)
{
	unlink(p->path);
	rmdir(p->dir);
}

/* How many lines of the file have `what` in them. */
static size_t lines_with(const char *path, const char *what)
{
	char line[AUDIT_LINE_MAX + 2];
	FILE *f = fopen(path, "r");
	size_t found = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(line[strlen(line) - 1], '\n');
		found += strstr(line, what) != NULL;
	}
	fclose(f);
	return found;
}

static void opening(void **state)
{
	static const struct audit_record r = { .event = AUDIT_LOGIN };
	struct audit a = { .format = 77 }, child;
	struct place p;
	struct stat st;
	struct sink fresh;
	struct why why;

	(void)state;
	assert_int_equal(audit_open(&a, "/nonexistent/audit", AUDIT_TEXT, AUTH, &why), ERR_IO);
	assert_string_equal(why.text, "cannot open the log /nonexistent/audit: No such file or directory");
	assert_int_equal(audit_adopt(&a, 999, AUDIT_TEXT, AUTH, NULL), ERR_IO);
	assert_int_equal(a.format, 77);
	assert_int_equal(audit_open(&a, "none", AUDIT_TEXT, AUTH, NULL), OK);
	audit_write(&a, &r, 0);
	audit_tick(&a, 0, 0);
	audit_close(&a, 0);

	place_make(&p);
	umask(0);
	assert_int_equal(audit_open(&a, p.path, AUDIT_TEXT, AUTH, NULL), OK);
	assert_int_equal(stat(p.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(audit_adopt(&child, fcntl(sink_fd(&a.sink), F_DUPFD_CLOEXEC, 3), AUDIT_JSON, AUTH, NULL), OK);
	audit_write(&a, &r, 0);
	audit_write(&child, &r, 0);
	assert_int_equal(lines_with(p.path, "event=login"), 1);
	assert_int_equal(lines_with(p.path, "\"event\":\"login\""), 1);

	unlink(p.path); /* rotated away */
	assert_int_equal(sink_open(&fresh, p.path, "aditd", AUTH, NULL), OK);
	a.sink.lost = 5;
	audit_switch(&a, fresh);
	audit_write(&a, &r, 0);
	assert_int_equal(lines_with(p.path, "event=login"), 1);
	assert_int_equal(lines_with(p.path, "suppressed=5 kind=\"any\""), 1);
	audit_close(&child, 0);
	audit_close(&a, 0);
	audit_close(&a, 0);
	place_remove(&p);
}

/* A flood of refusals of one source: 20, then silence, then how many; others are not touched by it. */
static void a_flood(void **state)
{
	struct audit_record r = { .event = AUDIT_LOGIN_REFUSED, .source.ip = ip_of("2001:db8::1") };
	struct audit a;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(audit_open(&a, p.path, AUDIT_TEXT, AUTH, NULL), OK);
	for (int i = 0; i < 120; i++) {
		r.source.ip.bytes[15] = (uint8_t)i; /* another address of the same host */
		audit_write(&a, &r, 1000);
	}
	assert_int_equal(lines_with(p.path, "event=login-refused"), 20);
	assert_int_equal(lines_with(p.path, "suppressed"), 0);
	audit_tick(&a, 0, 1500); /* not quiet yet */
	assert_int_equal(lines_with(p.path, "suppressed"), 0);
	r.event = AUDIT_SESSION_REFUSED;
	audit_write(&a, &r, 1500);
	assert_int_equal(lines_with(p.path, "event=session-refused"), 1);
	r.event = AUDIT_LOGIN_REFUSED;
	r.source.ip = ip_of("2001:db8:0:1::1");
	audit_write(&a, &r, 1500);
	assert_int_equal(lines_with(p.path, "event=login-refused"), 21);

	r.source.ip = ip_of("2001:db8::1");
	audit_write(&a, &r, 2000); /* one token came back */
	assert_int_equal(lines_with(p.path, "suppressed=100 source=\"2001:db8::\" kind=\"login-refused\""), 1);
	assert_int_equal(lines_with(p.path, "event=login-refused"), 22);
	audit_write(&a, &r, 2000);
	audit_write(&a, &r, 1000); /* a clock that goes back gives nothing */
	audit_tick(&a, 0, 2000 + 20 * 1000);
	assert_int_equal(lines_with(p.path, "suppressed=2 "), 1);
	audit_tick(&a, 0, 2000 + 40 * 1000);
	assert_int_equal(lines_with(p.path, "event=suppressed"), 2);
	audit_close(&a, 0);
	place_remove(&p);
}

/* More sources than the table has places: together they have one bucket more, and nobody is pushed out. */
static void a_flood_from_everywhere(void **state)
{
	struct audit_record r = { .event = AUDIT_LOGIN_REFUSED, .source.ip = ip_of("10.0.0.0") };
	struct audit a;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(audit_open(&a, p.path, AUDIT_TEXT, AUTH, NULL), OK);
	for (unsigned i = 0; i < 5000; i++) {
		r.source.ip.bytes[2] = (uint8_t)(i >> 8);
		r.source.ip.bytes[3] = (uint8_t)i;
		audit_write(&a, &r, 1000);
	}
	assert_int_equal(lines_with(p.path, "event=login-refused"), AUDIT_SOURCES + 20);
	audit_write(&a, &r, 2000); /* the buckets of the first are full again, so there is a place */
	assert_int_equal(lines_with(p.path, "event=login-refused"), AUDIT_SOURCES + 21);
	audit_close(&a, 0);
	assert_int_equal(lines_with(p.path, "suppressed=4724 kind=\"login-refused\""), 1);
	place_remove(&p);
}

/* Thousands of channels that end together are all seen. */
static void many_ends_at_once(void **state)
{
	struct audit_record r = { .event = AUDIT_FORWARD };
	struct audit a;
	struct place p;

	(void)state;
	place_make(&p);
	assert_int_equal(audit_open(&a, p.path, AUDIT_JSON, AUTH, NULL), OK);
	for (int i = 0; i < 10000; i++)
		audit_write(&a, &r, 1000);
	assert_int_equal(lines_with(p.path, "forward"), 10000);
	audit_close(&a, 0);
	assert_int_equal(lines_with(p.path, "suppressed"), 0);
	place_remove(&p);
}

/* A pipe that nobody reads: writing goes on at once, and when somebody reads again the number is there. */
static void a_full_destination(void **state)
{
	const struct audit_record r = { .event = AUDIT_FORWARD };
	static char all[1 << 20];
	char want[64];
	struct audit a;
	size_t n = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(audit_adopt(&a, fds[1], AUDIT_TEXT, AUTH, NULL), OK);
	alarm(60); /* would end a test that waits */
	for (int i = 0; i < 10000; i++)
		audit_write(&a, &r, 1000);
	alarm(0);
	assert_in_range(a.sink.lost, 1, 9999);
	snprintf(want, sizeof(want), " suppressed=%llu kind=\"any\"", (unsigned long long)a.sink.lost);
	audit_tick(&a, 0, 1001); /* still full, and the note does not count */
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	for (ssize_t got = 1; got > 0 && n<sizeof(all) / 2; n += got> 0 ? (size_t)got : 0)
		got = read(fds[0], all + n, sizeof(all) / 2 - n);
	audit_tick(&a, 0, 1002);
	n = (size_t)read(fds[0], all, sizeof(all) - 1);
	assert_in_range(n, 1, sizeof(all) - 1);
	all[n] = '\0';
	assert_non_null(strstr(all, want));
	assert_int_equal(a.sink.lost, 0);
	audit_close(&a, 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_strings),
		cmocka_unit_test(everything_at_its_longest),
		cmocka_unit_test(times),
		cmocka_unit_test(whole_lines),
		cmocka_unit_test(opening),
		cmocka_unit_test(a_flood),
		cmocka_unit_test(a_flood_from_everywhere),
		cmocka_unit_test(many_ends_at_once),
		cmocka_unit_test(a_full_destination),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
