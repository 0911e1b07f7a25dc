/* A policy on its way between processes: everything arrives, and nothing that is cut, too big or out of range does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alloc.h"
#include "conf/policy.h"

static void fill(struct policy *p)
{
	static char user[] = "alice", key[] = "ED25519 SHA256:abc";
	static char any22[] = "*:22", six[] = "[::1]:80", none[] = "none", *words[] = { any22, six, none };

	*p = (struct policy){
		.tcp = 3,
		.streamlocal = 1,
		.permit_open = { { words, 1 }, { words + 1, 1 } },
		.permit_listen = { { words + 2, 1 }, { words, 3 } },
		.deny_open = { words, 2 },
		.gateway = GATEWAY_CLIENT,
		.root = true,
		.bind_mask = 0177,
		.bind_unlink = true,
		.max_channels = 7,
		.tos = POLICY_NO_TOS,
		.log_level = 3,
		.rekey_bytes = UINT64_C(1) << 40,
		.rekey_seconds = 3600,
		.max_listeners = 100,
		.max_opens = 1 << 20,
		.alive_seconds = 30,
		.alive_max = 3,
		.idle_seconds = { 1, 2, 3, 4, 5 },
		.unused_seconds = 4,
		.takeover_ms = INT32_MAX,
		.user = user,
		.key = key,
	};
}

static void same_words(const struct strs *a, const struct strs *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_string_equal(a->v[i], b->v[i]);
}

static void test_round(void **state)
{
	struct buf packed = BUF(POLICY_PACKED_MAX), again = BUF(POLICY_PACKED_MAX);
	struct policy p, q;
	struct rd in;

	(void)state;
	fill(&p);
	policy_pack(&p, &packed);
	buf_u8(&packed, 0xee); /* of whatever stands behind it */
	assert_int_equal(buf_err(&packed), OK);
	in = rd(buf_span(&packed));
	assert_int_equal(policy_unpack(&q, &in), OK);
	assert_int_equal(in.n, 1);
	for (int i = 0; i < POLICY_LISTS; i++) {
		same_words(&p.permit_open[i], &q.permit_open[i]);
		same_words(&p.permit_listen[i], &q.permit_listen[i]);
	}
	same_words(&p.deny_open, &q.deny_open);
	assert_string_equal(q.user, "alice");
	assert_string_equal(q.key, "ED25519 SHA256:abc");
	assert_true(q.root && q.bind_unlink && q.tcp == 3 && q.streamlocal == 1 && q.gateway == GATEWAY_CLIENT);
	assert_true(q.bind_mask == 0177 && q.max_listeners == 100 && q.max_opens == 1 << 20);
	assert_true(q.tos == POLICY_NO_TOS && q.log_level == 3 && q.max_channels == 7 &&
		    q.rekey_bytes == UINT64_C(1) << 40 && q.rekey_seconds == 3600);
	assert_true(q.alive_seconds == 30 && q.alive_max == 3 && q.idle_seconds[0] == 1 && q.idle_seconds[3] == 4 &&
		    q.idle_seconds[4] == 5);
	assert_true(q.idle_seconds[1] == 2 && q.unused_seconds == 4 && q.takeover_ms == INT32_MAX);
	policy_pack(&q, &again);
	assert_true(span_eq(buf_span(&again), span(packed.p, packed.n - 1)));
	policy_fini(&q);
	assert_null(q.user);
	buf_fini(&packed);
	buf_fini(&again);
}

static void assert_empty(const struct policy *p)
{
	static const struct policy empty;

	assert_memory_equal(p, &empty, sizeof(empty));
}

static void test_cut(void **state)
{
	struct buf packed = BUF(POLICY_PACKED_MAX);
	struct policy p, q;

	(void)state;
	fill(&p);
	policy_pack(&p, &packed);
	for (size_t n = 0; n < packed.n; n++) {
		struct rd in = rd(span(packed.p, n));

		if (policy_unpack(&q, &in) != ERR_SYNTAX)
			fail_msg("cut at %zu", n);
		assert_empty(&q);
	}
	buf_fini(&packed);
}

/* One field out of its range each. */
static void test_ranges(void **state)
{
	struct policy rows[18], q;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		fill(&rows[i]);
	rows[0].tcp = 4;
	rows[1].streamlocal = 4;
	rows[2].gateway = (enum gateway_ports)3;
	rows[3].bind_mask = 01000;
	rows[4].max_listeners = POLICY_COUNT_MAX + 1;
	rows[5].max_opens = UINT32_MAX;
	rows[6].alive_seconds = 1u << 31;
	rows[7].alive_max = 1u << 31;
	rows[8].idle_seconds[0] = 1u << 31;
	rows[9].idle_seconds[3] = 1u << 31;
	rows[10].unused_seconds = 1u << 31;
	rows[11].takeover_ms = 1u << 31;
	rows[12].user = NULL;
	rows[13].user = (char[]){ "" };
	rows[14].max_channels = POLICY_COUNT_MAX + 1;
	rows[15].rekey_seconds = 1u << 31;
	rows[16].tos = POLICY_NO_TOS + 1;
	rows[17].log_level = 8;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf packed = BUF(POLICY_PACKED_MAX);
		struct rd in;

		policy_pack(&rows[i], &packed);
		in = rd(buf_span(&packed));
		if (policy_unpack(&q, &in) != ERR_SYNTAX)
			fail_msg("row %zu", i);
		assert_empty(&q);
		buf_fini(&packed);
	}
}

/* The ceilings at n and n + 1, when packing; then, made by hand, when unpacking. */
static void test_ceilings(void **state)
{
	static char *many[POLICY_WORDS_MAX + 1], longest[POLICY_WORD_MAX + 2], text[POLICY_TEXT_MAX + 2];
	const struct {
		size_t words, word, text;
		int err;
	} rows[] = {
		{ POLICY_WORDS_MAX + 1, 1, 1, ERR_NOMEM },
		{ 1, POLICY_WORD_MAX + 1, 1, ERR_NOMEM },
		{ 1, 1, POLICY_TEXT_MAX + 1, ERR_NOMEM },
		{ POLICY_WORDS_MAX, POLICY_WORD_MAX, 1, ERR_NOMEM },
		{ POLICY_WORDS_MAX, 1, 1, OK },
		{ 1, POLICY_WORD_MAX, POLICY_TEXT_MAX, OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(many); i++)
		many[i] = longest;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf packed = BUF(POLICY_PACKED_MAX);
		struct policy p, q;
		struct rd in;

		memset(longest, 0, sizeof(longest));
		memset(longest, 'w', rows[i].word);
		memset(text, 0, sizeof(text));
		memset(text, 't', rows[i].text);
		fill(&p);
		p.deny_open = (struct strs){ many, rows[i].words };
		p.key = text;
		policy_pack(&p, &packed);
		assert_int_equal(buf_err(&packed), rows[i].err);
		in = rd(buf_span(&packed));
		if (!rows[i].err) {
			assert_int_equal(policy_unpack(&q, &in), OK);
			assert_int_equal(q.deny_open.n, rows[i].words);
			policy_fini(&q);
		}
		buf_fini(&packed);
	}
}

static const struct {
	const char *name;
	uint8_t bytes[16]; /* tcp, streamlocal, then the first list */
	size_t n;
	size_t pad; /* so many bytes 'x' behind it */
} forged[] = {
	{ "a list of 2^32 - 1 words", { 0, 0, 0, 3, 0, 0, 0, 3, 255, 255, 255, 255 }, 12, 4000 },
	{ "one word too many", { 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 4, 1 }, 12, 4000 },
	{ "a word of 2^32 - 1 bytes", { 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 1, 255, 255, 255, 255 }, 16, 4000 },
	{ "a word one byte too long", { 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 1, 45 }, 16, 4000 },
};

static void test_forged(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(forged); i++) {
		struct buf b = BUF(8192);
		struct policy q;
		struct rd in;

		buf_bytes(&b, span(forged[i].bytes, forged[i].n));
		memset(buf_add(&b, forged[i].pad), 'x', forged[i].pad);
		in = rd(buf_span(&b));
		if (policy_unpack(&q, &in) != ERR_SYNTAX)
			fail_msg("%s", forged[i].name);
		assert_empty(&q);
		buf_fini(&b);
	}
}

/* NUL inside a text, and flags that are neither 0 nor 1: found by changing single bytes of a good one. */
static void test_single_bytes(void **state)
{
	struct buf packed = BUF(POLICY_PACKED_MAX);
	struct policy p, q;
	uint8_t *at;

	(void)state;
	fill(&p);
	policy_pack(&p, &packed);
	at = memmem(packed.p, packed.n, "alice", 5);
	assert_non_null(at);
	at[2] = 0;
	assert_int_equal(policy_unpack(&q, &(struct rd){ packed.p, packed.n, false }), ERR_SYNTAX);
	at[2] = 'i';
	at = memmem(packed.p, packed.n, "\0\0\0\2\1\0\0\0\177\1", 10); /* gateway, root, bind_mask, bind_unlink */
	assert_non_null(at);
	for (int i = 4; i < 10; i += 5) {
		at[i] = 2;
		assert_int_equal(policy_unpack(&q, &(struct rd){ packed.p, packed.n, false }), ERR_SYNTAX);
		at[i] = 1;
	}
	assert_int_equal(policy_unpack(&q, &(struct rd){ packed.p, packed.n, false }), OK);
	policy_fini(&q);
	buf_fini(&packed);
}

static int unpack_one(void *ctx)
{
	const struct buf *packed = ctx;
	struct rd in = rd(buf_span(packed));
	struct policy q;
	int err = policy_unpack(&q, &in);

	assert_true(err == OK || err == ERR_NOMEM);
	policy_fini(&q);
	return err;
}

static void test_no_memory(void **state)
{
	struct buf packed = BUF(POLICY_PACKED_MAX);
	struct policy p;

	(void)state;
	fill(&p);
	policy_pack(&p, &packed);
	assert_int_equal(alloc_torture(unpack_one, &packed), 8 * 2 + 2);
	buf_fini(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	  cmocka_unit_test(test_cut),	 cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ceilings),  cmocka_unit_test(test_forged), cmocka_unit_test(test_single_bytes),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
