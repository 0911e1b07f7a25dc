/* The agent's messages: answers that must be refused first, then what is written and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/agent.h"

#define S(text) (text), sizeof(text) - 1

#define ED25519 "\0\0\0\13ssh-ed25519"
#define SIG	ED25519 "\0\0\0\4abcd"

/* A copy of exactly n bytes on the heap, so that a sanitizer sees a read behind the end. */
static struct span exact(const char *p, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, p, n);
	return span(copy, n);
}

static void bad_lists_are_refused(void **state)
{
	static const struct {
		const char *name, *answer;
		size_t n;
		int err;
	} rows[] = {
		{ "empty", S(""), ERR_PROTO },
		{ "only the type", S("\14"), ERR_PROTO },
		{ "count cut", S("\14\0\0\0"), ERR_PROTO },
		{ "a key missing", S("\14\0\0\0\1"), ERR_PROTO },
		{ "a comment missing", S("\14\0\0\0\1\0\0\0\1k"), ERR_PROTO },
		{ "blob of 4 GB", S("\14\0\0\0\1\377\377\377\377k\0\0\0\0"), ERR_PROTO },
		{ "comment beyond the end", S("\14\0\0\0\1\0\0\0\1k\0\0\0\2c"), ERR_PROTO },
		{ "a key too many", S("\14\0\0\0\1\0\0\0\1k\0\0\0\1c\0\0\0\1k\0\0\0\1c"), ERR_PROTO },
		{ "trailing byte", S("\14\0\0\0\0x"), ERR_PROTO },
		{ "2049 keys", S("\14\0\0\10\1"), ERR_PROTO },
		{ "2^32-1 keys", S("\14\377\377\377\377"), ERR_PROTO },
		{ "a signature instead", S("\16\0\0\0\0"), ERR_PROTO },
		{ "success instead", S("\6"), ERR_PROTO },
		{ "unknown message", S("\377"), ERR_PROTO },
		{ "failure", S("\5"), ERR_DENIED },
		{ "failure of ssh.com", S("\146\0\0\0\0"), ERR_DENIED },
		{ "good: none", S("\14\0\0\0\0"), OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct span answer = exact(rows[i].answer, rows[i].n);
		struct agent_list list = { .left = 99 };
		struct why why = { "" };
		int err = agent_get_list(&list, answer, &why);

		if (err != rows[i].err || (err && (!why.text[0] || list.left != 99)))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		free((void *)answer.p);
	}
}

static void bad_signatures_are_refused(void **state)
{
	static const struct {
		const char *name, *answer;
		size_t n;
		int err;
		const char *why;
	} rows[] = {
		{ "empty", S(""), ERR_PROTO, "0 bytes" },
		{ "only the type", S("\16"), ERR_PROTO, "malformed" },
		{ "length of 4 GB", S("\16\377\377\377\377"), ERR_PROTO, "malformed" },
		{ "nothing signed", S("\16\0\0\0\0"), ERR_PROTO, "malformed" },
		{ "type only", S("\16\0\0\0\17" ED25519), ERR_PROTO, "malformed" },
		{ "empty signature", S("\16\0\0\0\23" ED25519 "\0\0\0\0"), ERR_PROTO, "malformed" },
		{ "inner length beyond the end", S("\16\0\0\0\24" ED25519 "\0\0\0\2x"), ERR_PROTO, "malformed" },
		{ "trailing byte", S("\16\0\0\0\27" SIG "x"), ERR_PROTO, "malformed" },
		{ "SHA-1 by an old agent", S("\16\0\0\0\20\0\0\0\7ssh-rsa\0\0\0\1x"), ERR_PROTO, "ssh-rsa instead of" },
		{ "escape in the type", S("\16\0\0\0\14\0\0\0\3\33[2\0\0\0\1x"), ERR_PROTO, "\\x1b[2 instead of" },
		{ "a list instead", S("\14\0\0\0\0"), ERR_PROTO, "message 12 instead of 14" },
		{ "refused", S("\5"), ERR_DENIED, "refused" },
		{ "good", S("\16\0\0\0\27" SIG), OK, "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct span answer = exact(rows[i].answer, rows[i].n), sig = span(NULL, 0);
		struct why why = { "" };
		int err = agent_get_signature(&sig, answer, "ssh-ed25519", &why);

		if (err != rows[i].err || !strstr(why.text, rows[i].why))
			fail_msg("%s: %d (%s)", rows[i].name, err, why.text);
		assert_true(span_eq(sig, err ? span(NULL, 0) : span(S(SIG))));
		free((void *)answer.p);
	}
}

/* The security-key signatures carry flags and a counter behind the raw part. */
static void signatures_of_security_keys_pass(void **state)
{
#define SK "\0\0\0\32sk-ssh-ed25519@openssh.com\0\0\0\2xx\1\0\0\0\7"
	struct span sig;

	(void)state;
	assert_int_equal(agent_get_signature(&sig, span(S("\16\0\0\0\51" SK)), "sk-ssh-ed25519@openssh.com", NULL), OK);
	assert_true(span_eq(sig, span(S(SK))));
}

static void success_is_exact(void **state)
{
	static const struct {
		const char *answer;
		size_t n;
		int err;
	} rows[] = {
		{ S(""), ERR_PROTO },	  { S("\6x"), ERR_PROTO }, { S("\5"), ERR_DENIED },
		{ S("\34"), ERR_DENIED }, { S("\14"), ERR_PROTO }, { S("\6"), OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		assert_int_equal(agent_get_success(span(rows[i].answer, rows[i].n), NULL), rows[i].err);
}

static void a_list_too_long_for_any_agent(void **state)
{
	struct buf big = BUF(AGENT_MSG_MAX + 1);
	struct agent_list list;

	(void)state;
	buf_bytes(&big, span(S("\14\0\0\0\1")));
	buf_u32(&big, AGENT_MSG_MAX - 13);
	assert_non_null(buf_add(&big, AGENT_MSG_MAX - 13));
	buf_u32(&big, 0);
	assert_int_equal(big.n, AGENT_MSG_MAX);
	assert_int_equal(agent_get_list(&list, buf_span(&big), NULL), OK);
	buf_u8(&big, 0);
	assert_int_equal(agent_get_list(&list, buf_span(&big), NULL), ERR_PROTO);
	buf_fini(&big);
}

static void keys_come_in_order(void **state)
{
	struct agent_list list;
	struct span blob, comment;

	(void)state;
	assert_int_equal(agent_get_list(&list, span(S("\14\0\0\0\2\0\0\0\1A\0\0\0\3one\0\0\0\2BB\0\0\0\0")), NULL), OK);
	assert_true(agent_next(&list, &blob, &comment));
	assert_true(span_is(blob, "A") && span_is(comment, "one"));
	assert_true(agent_next(&list, &blob, &comment));
	assert_true(span_is(blob, "BB") && span_is(comment, ""));
	assert_false(agent_next(&list, &blob, &comment));
	assert_false(agent_next(&list, &blob, &comment));
}

static void requests_as_bytes(void **state)
{
	struct buf out = BUF(1024);

	(void)state;
	agent_put_list(&out);
	assert_true(span_eq(buf_span(&out), span(S("\0\0\0\1\13"))));
	buf_clear(&out);
	agent_put_sign(&out, span_str("blob"), span_str("data!"), 4);
	assert_true(span_eq(buf_span(&out), span(S("\0\0\0\26\15\0\0\0\4blob\0\0\0\5data!\0\0\0\4"))));
	buf_clear(&out);
	agent_put_bind(&out, span_str("key"), span_str("id"), span_str("sig"), true);
	assert_true(span_eq(buf_span(&out), span(S("\0\0\0\62\33\0\0\0\30session-bind@openssh.com"
						   "\0\0\0\3key\0\0\0\2id\0\0\0\3sig\1"))));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_lists_are_refused),
		cmocka_unit_test(bad_signatures_are_refused),
		cmocka_unit_test(signatures_of_security_keys_pass),
		cmocka_unit_test(success_is_exact),
		cmocka_unit_test(a_list_too_long_for_any_agent),
		cmocka_unit_test(keys_come_in_order),
		cmocka_unit_test(requests_as_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
