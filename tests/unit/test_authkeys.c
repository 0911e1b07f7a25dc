/* authorized_keys: options and lines that void a key first, then what keys allow, and which line of several counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/str.h"
#include "conf/authkeys.h"
#include "crypto/b64.h"
#include "known_hosts_keys.h"

/* ---- Options -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *options, *sentence;
} bad_options[] = {
	{ "nonsense", "unknown option 'nonsense'" },
	{ "no-restrict", "unknown option 'no-restrict'" },
	{ "no-cert-authority", "unknown option" },
	{ "no-command=\"x\"", "unknown option" },
	{ "no-", "unknown option 'no-'" },
	{ "restrict,nonsense=\"x\"", "unknown option 'nonsense'" },
	{ "restrict=\"yes\"", "'restrict' has no value" },
	{ "port-forwarding=\"yes\"", "has no value" },
	{ "permitopen", "'permitopen' needs a value" },
	{ "from", "needs a value" },
	{ "command", "needs a value" },
	{ "permitopen=host:80", "a value without quotes" },
	{ "permitopen=", "a value without quotes" },
	{ "permitopen=\"host:80", "a quote that does not end" },
	{ "permitopen=\"host:80\\\"", "a quote that does not end" },
	{ "permitopen=\"host:80\"x", "not separated" },
	{ "restrict,", "not separated" },
	{ "restrict,,pty", "no option at" },
	{ ",restrict", "no option at" },
	{ "restrict;pty", "not separated" },
	{ "\"restrict\"", "no option at" },
	{ "restrict\xc2\xa0", "not separated" },
	{ "permitopen=\"\"", "PermitOpen ''" },
	{ "permitopen=\"host\"", "no port" },
	{ "permitopen=\"host:99999999999\"", "port" },
	{ "permitopen=\"host:-1\"", "port" },
	{ "permitopen=\"host:0xffffffff\"", "port" },
	{ "permitopen=\"host:0\"", "port" },
	{ "permitopen=\"host:65536\"", "port" },
	{ "permitopen=\"any\"", "host:port" },
	{ "permitopen=\"none\"", "host:port" },
	{ "permitlisten=\"none\"", "host:port" },
	{ "permitlisten=\"host:\"", "port" },
	{ "permitlisten=\"0\"", "port" },
	{ "from=\"10.0.0.1/8\"", "no range" },
	{ "from=\"*\",from=\"*\"", "from twice" },
	{ "principals=\"a\",principals=\"b\"", "principals twice" },
	{ "expiry-time=\"\"", "YYYYMMDD" },
	{ "expiry-time=\"2030\"", "YYYYMMDD" },
	{ "expiry-time=\"203001011\"", "YYYYMMDD" },
	{ "expiry-time=\"20300101z\"", "YYYYMMDD" },
	{ "expiry-time=\"20300101ZZ\"", "YYYYMMDD" },
	{ "expiry-time=\"20300101 \"", "YYYYMMDD" },
	{ "expiry-time=\"20301301Z\"", "YYYYMMDD" },
	{ "expiry-time=\"20300001Z\"", "YYYYMMDD" },
	{ "expiry-time=\"20300230Z\"", "YYYYMMDD" },
	{ "expiry-time=\"203001012400Z\"", "YYYYMMDD" },
	{ "expiry-time=\"203001012360Z\"", "YYYYMMDD" },
	{ "expiry-time=\"20300101235960Z\"", "YYYYMMDD" },
	{ "expiry-time=\"19600101Z\"", "YYYYMMDD" },
};

static void test_bad_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(bad_options); i++) {
		struct key_options o = { .line = 77 };
		struct why why = { "" };

		if (key_options_parse(&o, span_str(bad_options[i].options), &why) != ERR_SYNTAX ||
		    !strstr(why.text, bad_options[i].sentence) || o.line != 77)
			fail_msg("%s: '%s'", bad_options[i].options, why.text);
	}
	assert_int_equal(key_options_parse(&(struct key_options){ 0 }, span("pty\0", 4), NULL), ERR_SYNTAX);
}

static const struct {
	const char *options;
	bool forwarding, ca;
	const char *open, *listen, *from, *principals; /* words with blanks between them */
	uint64_t expiry;
} good_options[] = {
	{ "", true, false, "", "", NULL, NULL, 0 },
	{ "restrict", false, false, "", "", NULL, NULL, 0 },
	{ "RESTRICT", false, false, "", "", NULL, NULL, 0 },
	{ "restrict,port-forwarding", true, false, "", "", NULL, NULL, 0 },
	{ "port-forwarding,restrict", false, false, "", "", NULL, NULL, 0 },
	{ "no-port-forwarding,port-forwarding", true, false, "", "", NULL, NULL, 0 },
	{ "port-forwarding,No-Port-Forwarding", false, false, "", "", NULL, NULL, 0 },
	{ "restrict,permitopen=\"a:1\"", false, false, "a:1 ", "", NULL, NULL, 0 },
	{ "permitopen=\"a:1\",permitopen=\"[::1]:*\"", true, false, "a:1 [::1]:* ", "", NULL, NULL, 0 },
	{ "permitlisten=\"8080\",permitlisten=\"localhost:1\"", true, false, "", "8080 localhost:1 ", NULL, NULL, 0 },
	{ "cert-authority,principals=\"a,b c\"", true, true, "", "", NULL, "a,b c", 0 },
	{ "from=\"10.0.0.0/8,!10.1.*,*.x\"", true, false, "", "", "10.0.0.0/8,!10.1.*,*.x", NULL, 0 },
	{ "principals=\"say \\\"x\\\" and \\\\.\"", true, false, "", "", NULL, "say \"x\" and \\\\.", 0 },
	{ "expiry-time=\"20300101Z\"", true, false, "", "", NULL, NULL, 1893456000 },
	{ "expiry-time=\"203001010203Z\"", true, false, "", "", NULL, NULL, 1893456000 + 2 * 3600 + 3 * 60 },
	{ "expiry-time=\"20300101235959Z\"", true, false, "", "", NULL, NULL, 1893456000 + 86399 },
	{ "expiry-time=\"20300102Z\",expiry-time=\"20300101Z\"", true, false, "", "", NULL, NULL, 1893456000 },
	{ "expiry-time=\"20300101Z\",expiry-time=\"20300102Z\"", true, false, "", "", NULL, NULL, 1893456000 },
	{ "expiry-time=\"20300101\"", true, false, "", "", NULL, NULL, 1893456000 - 2 * 3600 }, /* TZ of the test */
	{ "command=\"echo \\\"a, b\\\"\",no-pty,pty,no-agent-forwarding,agent-forwarding,no-X11-forwarding,"
	  "x11-forwarding,no-user-rc,user-rc,no-touch-required,verify-required,environment=\"A=b\",tunnel=\"0\"",
	  true, false, "", "", NULL, NULL, 0 },
};

static void same_words(const struct strs *words, const char *want)
{
	char text[256] = "";

	for (size_t i = 0; i < words->n; i++) {
		strcat(text, words->v[i]);
		strcat(text, " ");
	}
	assert_string_equal(text, want);
}

static void same_text(const char *got, const char *want)
{
	assert_int_equal(!got, !want);
	if (want)
		assert_string_equal(got, want);
}

static void test_good_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(good_options); i++) {
		struct key_options o;
		struct why why;

		if (key_options_parse(&o, span_str(good_options[i].options), &why))
			fail_msg("%s: %s", good_options[i].options, why.text);
		if (o.forwarding != good_options[i].forwarding || o.cert_authority != good_options[i].ca ||
		    o.expiry != good_options[i].expiry)
			fail_msg("%s: %d %d %llu", good_options[i].options, o.forwarding, o.cert_authority,
				 (unsigned long long)o.expiry);
		same_words(&o.permit_open, good_options[i].open);
		same_words(&o.permit_listen, good_options[i].listen);
		same_text(o.from, good_options[i].from);
		same_text(o.principals, good_options[i].principals);
		key_options_fini(&o);
	}
}

static void test_many_words(void **state)
{
	struct buf text = BUF(1 << 20);
	struct key_options o;

	(void)state;
	buf_printf(&text, "restrict");
	for (int i = 0; i < POLICY_WORDS_MAX; i++)
		buf_printf(&text, ",permitopen=\"a:1\"");
	assert_int_equal(key_options_parse(&o, buf_span(&text), NULL), OK);
	assert_int_equal(o.permit_open.n, POLICY_WORDS_MAX);
	key_options_fini(&o);
	buf_printf(&text, ",permitopen=\"a:1\"");
	assert_int_equal(key_options_parse(&o, buf_span(&text), NULL), ERR_SYNTAX);
	buf_fini(&text);
}

static void test_length(void **state)
{
	static const struct {
		const char *line;
		size_t n;
	} rows[] = {
		{ "", 0 },
		{ "pty", 3 },
		{ "pty ssh", 3 },
		{ "pty\tssh", 3 },
		{ "a=\"b c\" d", 7 },
		{ "a=\"b\\\" c\" d", 9 },
		{ "a=\"b c", 6 },
		{ "a=\"\",b=\" \" c", 10 },
		{ "a\xc2\xa0z x", 4 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		assert_int_equal(key_options_length(span_str(rows[i].line)), rows[i].n);
}

/* ---- Lines ---------------------------------------------------------------------------------------------------- */

#define KEY_A_TEXT (&KEY_A[12]) /* without its type */

static struct key_login alice = { "alice", { 4, { 10, 0, 0, 1 } }, 1000000000 };

static void blob_of(const char *key, struct buf *blob)
{
	assert_int_equal(b64_decode(blob, span_str(strchr(key, ' ') + 1)), OK);
}

/* Looks key A up. */
static int find(struct key_options *o, struct span text, struct why *why)
{
	struct buf blob = BUF(4096);
	int err;

	blob_of(KEY_A, &blob);
	*why = (struct why){ "" };
	err = authkeys_find(o, "keys", text, buf_span(&blob), &alice, why);
	buf_fini(&blob);
	return err;
}

static const struct {
	const char *text;
	int err;
	const char *sentence; /* or NULL */
	unsigned long line;
} files[] = {
	{ "", ERR_NOT_FOUND, NULL, 0 },
	{ "\n\n#" KEY_A "\n", ERR_NOT_FOUND, NULL, 0 },
	{ "ssh-ed25519", ERR_NOT_FOUND, NULL, 0 },
	{ "ssh-ed25519 \n", ERR_NOT_FOUND, NULL, 0 },
	{ KEY_B, ERR_NOT_FOUND, NULL, 0 },
	{ KEY_A "x", ERR_NOT_FOUND, NULL, 0 },
	{ "x" KEY_A, ERR_NOT_FOUND, NULL, 0 },
	{ "cert-authority " KEY_A, ERR_NOT_FOUND, NULL, 0 },
	{ "cert-authority,nonsense " KEY_A, ERR_DENIED, "keys:1: unknown option 'nonsense'", 0 },
	{ KEY_B "\n\nnonsense " KEY_A, ERR_DENIED, "keys:3: unknown option 'nonsense'", 0 },
	{ "permitopen=\"a b:80\" " KEY_A, ERR_DENIED, "keys:1: PermitOpen 'a b:80'", 0 },
	{ "command=\"x ssh-ed25519 " KEY_A, ERR_NOT_FOUND, NULL, 0 },
	{ "permitopen=\"a:80\"\xc2\xa0" KEY_A, ERR_NOT_FOUND, NULL, 0 },
	{ "from=\"10.0.0.2\" " KEY_A, ERR_DENIED, "keys:1: the key is not for 10.0.0.1 (from)", 0 },
	{ "from=\"!10.0.0.1,*\" " KEY_A, ERR_DENIED, "(from)", 0 },
	{ "from=\"\" " KEY_A, ERR_DENIED, "(from)", 0 },
	{ "expiry-time=\"20010909014640Z\" " KEY_A, ERR_DENIED, "keys:1: the key has expired (expiry-time)", 0 },
	{ "expiry-time=\"20010909014641Z\" " KEY_A, OK, NULL, 1 },
	{ KEY_A, OK, NULL, 1 },
	{ KEY_A "\n", OK, NULL, 1 },
	{ KEY_A "\r\n", OK, NULL, 1 },
	{ KEY_A " comment\r\n", OK, NULL, 1 },
	{ "\xef\xbb\xbf\n \t" KEY_A "\tcomment with \"quotes", OK, NULL, 2 },
	{ KEY_B "\r\n" KEY_A, OK, NULL, 2 },
	{ "restrict   \t" KEY_A, OK, NULL, 1 },
	{ "command=\"x \\\" y\",from=\"10.0.0.0/8\" " KEY_A, OK, NULL, 1 },
	{ "nonsense " KEY_A "\n" KEY_A, OK, NULL, 2 },
	{ "nonsense " KEY_B "\n" KEY_A, OK, NULL, 2 },
	{ "from=\"10.0.0.2\" " KEY_A "\nfrom=\"10.0.0.1\" " KEY_A, OK, NULL, 2 },
	{ "cert-authority " KEY_A "\n" KEY_A, OK, NULL, 2 },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(files); i++) {
		struct key_options o = { 0 };
		struct why why;
		int err = find(&o, span_str(files[i].text), &why);

		if (err != files[i].err || o.line != files[i].line ||
		    (files[i].sentence && !strstr(why.text, files[i].sentence)))
			fail_msg("row %zu: %d, line %lu (%s)", i, err, o.line, why.text);
		key_options_fini(&o);
	}
}

/* The type in front of the key is not the one inside. */
static void test_wrong_type(void **state)
{
	struct buf text = BUF(4096);
	struct key_options o;
	struct why why;

	(void)state;
	buf_printf(&text, "ssh-rsa %s", KEY_A_TEXT);
	assert_int_equal(find(&o, buf_span(&text), &why), ERR_DENIED);
	assert_string_equal(why.text, "keys:1: the key is not of the type 'ssh-rsa'");
	buf_fini(&text);
}

/* A line of 64 KiB is read; a longer one is skipped whole, so that its rest is no line of its own. */
static void test_long_lines(void **state)
{
	static const struct {
		size_t pad;
		int err;
	} rows[] = { { LINE_MAX_BYTES, OK }, { LINE_MAX_BYTES + 1, ERR_NOT_FOUND } };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf text = BUF(1 << 20);
		struct key_options o = { 0 };
		struct why why;
		size_t n = rows[i].pad - strlen(KEY_A);

		memset(buf_add(&text, n), ' ', n);
		buf_printf(&text, "%s\n", KEY_A);
		assert_int_equal(find(&o, buf_span(&text), &why), rows[i].err);
		key_options_fini(&o);
		buf_fini(&text);
	}
}

static void test_nul(void **state)
{
	static const char in_options[] = "restrict\0,pty " KEY_A, in_comment[] = KEY_A " a\0b";
	struct key_options o;
	struct why why;

	(void)state;
	assert_int_equal(find(&o, span(in_options, sizeof(in_options) - 1), &why), ERR_DENIED);
	assert_int_equal(find(&o, span(in_comment, sizeof(in_comment) - 1), &why), OK);
	key_options_fini(&o);
}

/* Lines of a CA, one after the other. */
static void test_ca_lines(void **state)
{
	static const char text[] = KEY_CA "\ncert-authority " KEY_CA "\ncert-authority " KEY_B
					  "\ncert-authority,junk " KEY_CA "\ncert-authority,restrict " KEY_CA;
	static const int want[] = { 1, ERR_SYNTAX, 1, 0, 0 };
	static const unsigned long line[] = { 2, 0, 5, 0, 0 };
	struct buf blob = BUF(4096);
	struct authkeys a;
	struct why why;

	(void)state;
	blob_of(KEY_CA, &blob);
	assert_int_equal(authkeys_open(&a, "keys", span_str(text), buf_span(&blob), AUTHKEYS_CA), OK);
	for (size_t i = 0; i < LEN(want); i++) {
		struct key_options o = { 0 };

		assert_int_equal(authkeys_next(&a, &o, &why), want[i]);
		assert_int_equal(o.line, line[i]);
		key_options_fini(&o);
	}
	authkeys_close(&a);
	buf_fini(&blob);
}

/* What a key allows goes into the policy, and never beyond what was there. */
static void test_narrow(void **state)
{
	static const char *const rows[] = { "", "restrict", "port-forwarding",
					    "restrict,port-forwarding,permitopen=\"*:*\"" };

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		for (uint32_t side = 0; side < 4; side++) {
			struct policy p = { .tcp = side, .streamlocal = side };
			struct key_options o;
			bool forwarding;

			assert_int_equal(key_options_parse(&o, span_str(rows[i]), NULL), OK);
			forwarding = o.forwarding;
			key_options_narrow(&o, &p);
			assert_int_equal(p.tcp, forwarding ? side : 0);
			assert_int_equal(p.streamlocal, forwarding ? side : 0);
			assert_int_equal(p.permit_open[POLICY_KEY].n, i == 3);
			assert_int_equal(p.permit_open[POLICY_ADMIN].n + o.permit_open.n, 0);
			policy_fini(&p);
			key_options_fini(&o);
		}
}

static struct buf key_a = { .max = 4096 };

static int find_one(void *ctx)
{
	struct key_options o = { 0 };
	int err = authkeys_find(&o, "keys", span_str(ctx), buf_span(&key_a), &alice, NULL);

	assert_true(err == OK || err == ERR_NOMEM);
	key_options_fini(&o);
	return err;
}

static void test_no_memory(void **state)
{
	char text[] =
		"from=\"*\",principals=\"a\",permitopen=\"a:1\",permitlisten=\"1\",expiry-time=\"20300101Z\" " KEY_A;

	(void)state;
	blob_of(KEY_A, &key_a);
	assert_true(alloc_torture(find_one, text) > 10);
	buf_fini(&key_a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_options), cmocka_unit_test(test_good_options),
		cmocka_unit_test(test_many_words),  cmocka_unit_test(test_length),
		cmocka_unit_test(test_files),	    cmocka_unit_test(test_wrong_type),
		cmocka_unit_test(test_long_lines),  cmocka_unit_test(test_nul),
		cmocka_unit_test(test_ca_lines),    cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_no_memory),
	};

	setenv("TZ", "TEST-2", 1); /* two hours east */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
