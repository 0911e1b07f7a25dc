/* Escaping of strangers' text, patterns, and the strict parsers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/str.h"

struct text {
	const char *name, *in;
	size_t n;
	const char *want;
};
#define ROW(name, in, want)                    \
	{                                      \
		name, in, sizeof(in) - 1, want \
	}

static const struct text hostile_rows[] = {
	ROW("NUL", "a\0b", "a\\x00b"),
	ROW("forged line", "ok\nroot logged in", "ok\\x0aroot logged in"),
	ROW("CR", "abc\rxyz", "abc\\x0dxyz"),
	ROW("TAB", "\t", "\\x09"),
	ROW("DEL", "\x7f", "\\x7f"),
	ROW("colour", "\033[31m", "\\x1b[31m"),
	ROW("clipboard, OSC 52", "\033]52;c;QQ==\a", "\\x1b]52;c;QQ==\\x07"),
	ROW("C1 as a byte", "\x9b", "\\x9b"),
	ROW("C1 in UTF-8: CSI", "\xc2\x9b", "\\xc2\\x9b"),
	ROW("C1 in UTF-8: first", "\xc2\x80", "\\xc2\\x80"),
	ROW("stray continuation", "\x80", "\\x80"),
	ROW("truncated pair", "\xc3", "\\xc3"),
	ROW("truncated triple", "\xe2\x82", "\\xe2\\x82"),
	ROW("truncated quad", "\xf0\x9f\x98", "\\xf0\\x9f\\x98"),
	ROW("lead, then ASCII", "\xc3(", "\\xc3("),
	ROW("overlong slash", "\xc0\xaf", "\\xc0\\xaf"),
	ROW("overlong slash, 3 bytes", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
	ROW("overlong, 4 bytes", "\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"),
	ROW("overlong NUL", "\xc0\x80", "\\xc0\\x80"),
	ROW("surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"),
	ROW("above U+10FFFF", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"),
	ROW("five bytes", "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"),
	ROW("0xfe 0xff", "\xfe\xff", "\\xfe\\xff"),
	ROW("bidi override U+202E",
	    "a\xe2\x80\xae"
	    "b",
	    "a\\xe2\\x80\\xaeb"),
	ROW("bidi embedding U+202A", "\xe2\x80\xaa", "\\xe2\\x80\\xaa"),
	ROW("bidi isolate U+2066", "\xe2\x81\xa6", "\\xe2\\x81\\xa6"),
	ROW("bidi isolate end U+2069", "\xe2\x81\xa9", "\\xe2\\x81\\xa9"),
	ROW("Arabic letter mark U+061C", "\xd8\x9c", "\\xd8\\x9c"),
	ROW("zero-width space U+200B", "\xe2\x80\x8b", "\\xe2\\x80\\x8b"),
	ROW("zero-width joiner U+200D", "\xe2\x80\x8d", "\\xe2\\x80\\x8d"),
	ROW("line separator U+2028", "\xe2\x80\xa8", "\\xe2\\x80\\xa8"),
	ROW("byte order mark U+FEFF", "\xef\xbb\xbf", "\\xef\\xbb\\xbf"),
	ROW("not a character U+FFFF", "\xef\xbf\xbf", "\\xef\\xbf\\xbf"),
	ROW("tag U+E0041", "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"),
	ROW("private use U+E000", "\xee\x80\x80", "\\xee\\x80\\x80"),
	ROW("backslash", "\\x41", "\\\\x41"),
	ROW("empty", "", ""),
	ROW("ASCII", " !~azAZ09%n%s", " !~azAZ09%n%s"),
	ROW("two bytes", "\xc3\xa4", "\xc3\xa4"),
	ROW("first above C1: U+00A0", "\xc2\xa0", "\xc2\xa0"),
	ROW("three bytes", "\xe2\x82\xac", "\xe2\x82\xac"),
	ROW("four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
};

static void test_escape(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < LEN(hostile_rows); i++) {
		const struct text *t = &hostile_rows[i];

		str_escape(out, sizeof(out), span(t->in, t->n));
		if (strcmp(out, t->want) != 0)
			fail_msg("%s: got %s", t->name, out);
	}
}

static void test_escape_banner(void **state)
{
	static const struct text rows[] = {
		ROW("CR", "a\rb", "a\\x0db"),
		ROW("ESC", "\033", "\\x1b"),
		ROW("NUL", "\0", "\\x00"),
		ROW("bidi", "\xe2\x80\xae", "\\xe2\\x80\\xae"),
		ROW("LF and TAB stay", "hello\n\tworld\n", "hello\n\tworld\n"),
		ROW("one backslash stays one", "C:\\x1b", "C:\\x1b"),
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		str_escape_banner(out, sizeof(out), span(rows[i].in, rows[i].n));
		if (strcmp(out, rows[i].want) != 0)
			fail_msg("%s: got %s", rows[i].name, out);
	}
}

#define DOTS "\xe2\x80\xa6"

static void test_escape_cap(void **state)
{
	static const struct {
		const char *in;
		size_t cap;
		const char *want;
	} rows[] = {
		{ "12345678", 8, "1234" DOTS },
		{ "1234567", 8, "1234567" }, /* just fits */
		{ "1234\xe2\x82\xac", 8, "1234\xe2\x82\xac" },
		{ "12345\xe2\x82\xac", 8, "1234" DOTS }, /* never half a character */
		{ "123\xe2\x82\xac"
		  "45",
		  8, "123" DOTS },
		{ "\1\2", 8, "\\x01" DOTS },
		{ "123\1\2", 9, "123" DOTS }, /* never half an escape */
		{ "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 8, "\xf0\x9f\x98\x80" DOTS },
		{ "1234567890123456", 16, "123456789012" DOTS },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		char *out = malloc(rows[i].cap); /* exact, for the sanitizer */

		assert_non_null(out);
		str_escape(out, rows[i].cap, span_str(rows[i].in));
		assert_string_equal(out, rows[i].want);
		free(out);
	}
}

/* Every one- and two-byte text: what comes out is printable, terminated and within its space. */
static void test_escape_all_pairs(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 0x10000; v++) {
		const uint8_t in[2] = { (uint8_t)(v >> 8), (uint8_t)v };
		char out[9];

		str_escape(out, sizeof(out), span(in, 2));
		for (const char *p = out; *p; p++)
			assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
	}
}

static const struct {
	const char *pattern, *text;
	bool want;
} match_rows[] = {
	{ "", "a", false },
	{ "a", "", false },
	{ "?", "", false },
	{ "a", "A", false },
	{ "a*b", "a", false },
	{ "a*b", "abc", false },
	{ "*.example.com", "example.com", false },
	{ "*.example.com", "a.example.com.evil.net", false },
	{ "??", "a", false },
	{ "??", "abc", false },
	{ "[ab]", "a", false }, /* no sets */
	{ "a\\*", "a*b", false },
	{ "", "", true },
	{ "*", "", true },
	{ "**", "", true },
	{ "*", "anything", true },
	{ "?", "*", true },
	{ "a*b*c", "a1b2bc", true },
	{ "*ab", "aab", true },
	{ "*?", "x", true },
	{ "192.168.?.*", "192.168.1.77", true },
	{ "[ab]", "[ab]", true },
};

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(match_rows); i++)
		if (str_match(match_rows[i].pattern, match_rows[i].text) != match_rows[i].want)
			fail_msg("%s ~ %s", match_rows[i].pattern, match_rows[i].text);
}

/* With one retry for every star this pattern would need more steps than there are atoms; here pattern length times
 * text length bounds it, so many rounds fit into a processor second. */
static void test_match_is_bounded(void **state)
{
	enum { STARS = 500, TEXT = 1000, ROUNDS = 20 };
	char pattern[2 * STARS + 2], text[TEXT + 1];
	clock_t start = clock();

	(void)state;
	for (size_t i = 0; i < STARS; i++)
		memcpy(pattern + 2 * i, "a*", 2);
	strcpy(pattern + 2 * STARS, "b");
	memset(text, 'a', TEXT);
	text[TEXT] = 0;
	for (int i = 0; i < ROUNDS; i++) {
		assert_false(str_match(pattern, text));
		assert_int_equal(str_match_list(pattern, text), LIST_NO);
	}
	assert_true((clock() - start) / CLOCKS_PER_SEC < 10);
}

static void test_match_list(void **state)
{
	static const struct {
		const char *patterns, *text;
		enum list_match want;
	} rows[] = {
		{ "", "a", LIST_NO },	       { ",", "a", LIST_NO },
		{ "b,c", "a", LIST_NO },       { "!b", "a", LIST_NO },
		{ " a", "a", LIST_NO },	       { "*,!a", "a", LIST_NEGATED },
		{ "!a,*", "a", LIST_NEGATED }, { "a,!*", "a", LIST_NEGATED },
		{ "!!a", "!a", LIST_NEGATED }, { "b,a", "a", LIST_YES },
		{ "!b,*", "a", LIST_YES },     { "a,", "a", LIST_YES },
		{ ",a", "a", LIST_YES },       { "*.com,!evil.com", "good.com", LIST_YES },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		if (str_match_list(rows[i].patterns, rows[i].text) != rows[i].want)
			fail_msg("%s ~ %s", rows[i].patterns, rows[i].text);
}

static void test_u64(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"1e9",
		"-1",
		" 1",
		"1 ",
		"+1",
		"0x10",
		"1.0",
		"1,0",
		"18446744073709551616",
		"99999999999999999999999",
		"9",
		"101",
		"one",
		"\xd9\xa1",
	};
	static const struct {
		const char *s;
		uint64_t min, max, want;
	} good[] = {
		{ "10", 10, 100, 10 },
		{ "100", 10, 100, 100 },
		{ "007", 0, 10, 7 },
		{ "0", 0, 0, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, UINT64_MAX },
	};
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		if (str_u64(bad[i], 10, 100, &v) != ERR_SYNTAX || v != 77)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(str_u64("18446744073709551616", 0, UINT64_MAX, &v), ERR_SYNTAX);
	for (size_t i = 0; i < LEN(good); i++) {
		assert_int_equal(str_u64(good[i].s, good[i].min, good[i].max, &v), OK);
		assert_true(v == good[i].want);
	}
}

static void test_copies_and_case(void **state)
{
	char text[] = "AZaz\xc3\x84[@`{";
	char *copy;

	(void)state;
	assert_null(str_from_span(span("a\0b", 3)));
	copy = str_from_span(span(NULL, 0));
	assert_string_equal(copy, "");
	free(copy);
	copy = str_from_span(span("abcd", 3));
	assert_string_equal(copy, "abc");
	free(copy);
	str_lower(text);
	assert_string_equal(text, "azaz\xc3\x84[@`{");
	assert_false(str_eq_nocase("a", "ab"));
	assert_false(str_eq_nocase("ab", "a"));
	assert_false(str_eq_nocase("@", "`"));
	assert_false(str_eq_nocase("\xc3\x84", "\xc3\xa4"));
	assert_true(str_eq_nocase("", ""));
	assert_true(str_eq_nocase("LocalForward", "localforward"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),		cmocka_unit_test(test_escape_banner),
		cmocka_unit_test(test_escape_cap),	cmocka_unit_test(test_escape_all_pairs),
		cmocka_unit_test(test_match),		cmocka_unit_test(test_match_is_bounded),
		cmocka_unit_test(test_match_list),	cmocka_unit_test(test_u64),
		cmocka_unit_test(test_copies_and_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
