/* The cursor, the buffer, the number table, the chunk pool, the ring, and error sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/rd.h"
#include "base/slots.h"

static void test_rd_short(void **state)
{
	static const struct {
		const char *name, *in;
		size_t n;
	} rows[] = {
		{ "nothing", "", 0 },
		{ "half a length", "\0\0\0", 3 },
		{ "length without bytes", "\0\0\0\1", 4 },
		{ "one byte short", "\0\0\0\3ab", 6 },
		{ "length of 4 GB",
		  "\xff\xff\xff\xff"
		  "abcd",
		  8 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct rd r = rd(span(rows[i].in, rows[i].n));
		struct span s = rd_string(&r);

		assert_null(s.p);
		assert_int_equal(s.n, 0);
		assert_false(rd_ok(&r));
		assert_false(rd_done(&r));
		/* Sticky: nothing more comes out, not even what is there. */
		assert_int_equal(rd_u8(&r), 0);
		assert_int_equal(rd_u32(&r), 0);
		assert_true(rd_u64(&r) == 0);
		assert_false(rd_bool(&r));
		assert_int_equal(rd_rest(&r).n, 0);
		assert_false(rd_ok(&r));
	}
}

static void test_rd(void **state)
{
	static const char in[] = "\x01\x80\0\0\1\xff\xff\xff\xff\0\0\0\0\0\0\0\2hi\0\0\0\0\7";
	struct rd r = rd(span(in, sizeof(in) - 1));

	(void)state;
	assert_int_equal(rd_u8(&r), 1);
	assert_int_equal(rd_u32(&r), 0x80000001);
	assert_true(rd_u64(&r) == 0xffffffff00000000);
	assert_true(span_is(rd_string(&r), "hi"));
	assert_int_equal(rd_string(&r).n, 0);
	assert_true(rd_ok(&r));
	assert_false(rd_done(&r)); /* a trailing byte */
	assert_true(rd_bool(&r));  /* 7 is true */
	assert_true(rd_done(&r));
}

static void test_span(void **state)
{
	(void)state;
	assert_false(span_is(span("ssh\0x", 5), "ssh"));
	assert_false(span_is(span("ssh", 2), "ssh"));
	assert_true(span_eq(span(NULL, 0), span("", 0)));
}

static void test_buf_ceiling(void **state)
{
	struct buf b = BUF(10);

	(void)state;
	buf_bytes(&b, span_str("0123456789"));
	assert_int_equal(buf_err(&b), OK);
	buf_u8(&b, 0);
	assert_int_equal(buf_err(&b), ERR_NOMEM);
	assert_null(buf_add(&b, SIZE_MAX)); /* no wrap */
	assert_int_equal(b.n, 10);
	buf_clear(&b);
	assert_null(buf_add(&b, SIZE_MAX));
	buf_u8(&b, 1); /* sticky */
	assert_int_equal(b.n, 0);
	buf_fini(&b);
	assert_int_equal(b.max, 10);
	assert_int_equal(buf_err(&b), OK);
	b = BUF(0);
	buf_u8(&b, 1);
	assert_int_equal(buf_err(&b), ERR_NOMEM);
	buf_fini(&b);
}

static void test_buf_fit(void **state)
{
	struct buf b = BUF(1000);

	(void)state;
	buf_fit(&b);
	assert_null(b.p);
	buf_cstring(&b, "seven");
	assert_true(b.cap > 9);
	buf_fit(&b);
	assert_int_equal(b.cap, 9);
	assert_memory_equal(b.p, "\0\0\0\5seven", 9);
	buf_fit(&b);
	buf_u8(&b, '!');
	assert_memory_equal(b.p, "\0\0\0\5seven!", 10);
	buf_clear(&b);
	buf_fit(&b);
	buf_fini(&b);
}

static void test_buf_wire(void **state)
{
	static const char want[] = "\x05\x00\x01\x02\x03\0\0\0\0\0\0\0\x09\0\0\0\2hi\0\0\0\2yo\0\0\0\1qn=7";
	struct buf b = BUF(1000);
	size_t pos;

	(void)state;
	buf_u8(&b, 5);
	buf_u32(&b, 0x00010203);
	buf_u64(&b, 9);
	buf_string(&b, span_str("hi"));
	buf_cstring(&b, "yo");
	pos = buf_begin(&b);
	buf_u8(&b, 'q');
	buf_end(&b, pos);
	buf_printf(&b, "n=%d", 7);
	assert_int_equal(buf_err(&b), OK);
	assert_int_equal(b.n, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.n);
	buf_drop(&b, 5);
	assert_memory_equal(b.p, want + 5, b.n);
	buf_drop(&b, b.n);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
}

static void test_buf_end_after_failure(void **state)
{
	struct buf b = BUF(2);
	size_t pos = buf_begin(&b);

	(void)state;
	buf_end(&b, pos);
	assert_int_equal(buf_err(&b), ERR_NOMEM);
	buf_fini(&b);
}

/* RFC 4251 section 5 has these numbers. */
static void test_mpint(void **state)
{
	static const struct {
		const char *in;
		size_t n;
		const char *want;
		size_t want_n;
	} rows[] = {
		{ "", 0, "\0\0\0\0", 4 },
		{ "\0\0", 2, "\0\0\0\0", 4 },
		{ "\x80", 1, "\0\0\0\2\0\x80", 6 },
		{ "\0\0\x80", 3, "\0\0\0\2\0\x80", 6 },
		{ "\0\x7f", 2, "\0\0\0\1\x7f", 5 },
		{ "\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", 8, "\0\0\0\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7", 12 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf b = BUF(100);

		buf_mpint(&b, span(rows[i].in, rows[i].n));
		assert_int_equal(b.n, rows[i].want_n);
		assert_memory_equal(b.p, rows[i].want, b.n);
		buf_fini(&b);
	}
}

static void test_slots_limit(void **state)
{
	struct slots s;
	uint32_t id = 99;
	int object[3];

	(void)state;
	slots_init(&s, 2);
	assert_null(slots_get(&s, 0));
	assert_null(slots_get(&s, UINT32_MAX));
	assert_int_equal(slots_add(&s, &object[0], &id), OK);
	assert_int_equal(id, 0);
	assert_int_equal(slots_add(&s, &object[1], &id), OK);
	assert_int_equal(id, 1);
	assert_int_equal(slots_add(&s, &object[2], &id), ERR_LIMIT);
	assert_int_equal(id, 1);
	slots_del(&s, 0);
	assert_null(slots_get(&s, 0));
	assert_int_equal(slots_add(&s, &object[2], &id), OK);
	assert_true(id != 0 && id != 1); /* the number just freed rests */
	assert_ptr_equal(slots_get(&s, id), &object[2]);
	slots_fini(&s);
	slots_init(&s, 0);
	assert_int_equal(slots_add(&s, &object[0], &id), ERR_LIMIT);
	slots_fini(&s);
}

/* Numbers against a plain model, thousands of adds and removals. */
static void test_slots_model(void **state)
{
	enum { MAX_LIVE = 1000, STEPS = 20000 };
	static char object[STEPS];
	static void *live[4 * MAX_LIVE];
	uint32_t seed = 1, count = 0;
	struct slots s;

	(void)state;
	slots_init(&s, MAX_LIVE);
	for (size_t i = 0; i < STEPS; i++) {
		uint32_t id;

		seed = seed * 1664525 + 1013904223;
		id = (seed >> 8) % LEN(live);
		if (live[id]) {
			slots_del(&s, id);
			live[id] = NULL;
			count--;
		} else if (slots_add(&s, &object[i], &id) == OK) {
			assert_true(id < LEN(live));
			assert_null(live[id]);
			live[id] = &object[i];
			count++;
		} else {
			assert_int_equal(count, MAX_LIVE);
		}
	}
	assert_int_equal(s.used, count);
	for (uint32_t id = 0; id < LEN(live); id++)
		assert_ptr_equal(slots_get(&s, id), live[id]);
	for (uint32_t id = 0; slots_next(&s, &id); id++) {
		assert_non_null(live[id]);
		count--;
	}
	assert_int_equal(count, 0);
	slots_fini(&s);
}

static void test_pool(void **state)
{
	struct pool p;
	uint8_t *chunk[3];

	(void)state;
	assert_int_equal(pool_init(&p, 2), OK);
	for (size_t i = 0; i < LEN(chunk); i++) {
		chunk[i] = pool_get(&p);
		assert_non_null(chunk[i]);
		memset(chunk[i], (int)i, POOL_CHUNK);
	}
	assert_int_equal(p.lent, 3);
	for (size_t i = 0; i < LEN(chunk); i++)
		pool_put(&p, chunk[i]);
	pool_put(&p, NULL);
	assert_int_equal(p.lent, 0);
	assert_int_equal(p.spares, 2); /* the third went back to the system */
	assert_ptr_equal(pool_get(&p), chunk[1]);
	pool_put(&p, chunk[1]);
	pool_trim(&p);
	assert_int_equal(p.spares, 0);
	pool_fini(&p);
}

static void test_list(void **state)
{
	struct list head, node[3] = { 0 };
	size_t n = 0;

	(void)state;
	list_init(&head);
	assert_null(list_pop(&head));
	assert_false(list_linked(&node[0]));
	list_del(&node[0]); /* loose: nothing happens */
	list_add_tail(&head, &node[1]);
	list_add_tail(&head, &node[2]);
	list_add_head(&head, &node[0]);
	LIST_EACH (l, &head)
		assert_ptr_equal(l, &node[n++]);
	assert_int_equal(n, 3);
	LIST_EACH_SAFE (l, &head)
		if (l == &node[1])
			list_del(l);
	assert_false(list_linked(&node[1]));
	assert_ptr_equal(list_pop(&head), &node[0]);
	assert_ptr_equal(list_pop(&head), &node[2]);
	assert_true(list_empty(&head));
}

static void test_why(void **state)
{
	struct why why = { 0 };
	char big[2 * WHY_MAX];

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 0;
	assert_int_equal(why_set(NULL, ERR_IO, "nobody asks"), ERR_IO);
	assert_int_equal(why_prefix(NULL, ERR_IO, "nobody asks"), ERR_IO);
	assert_int_equal(why_set(&why, ERR_IO, "cannot read %s", "f"), ERR_IO);
	assert_int_equal(why_prefix(&why, ERR_SYNTAX, "line %d", 3), ERR_SYNTAX);
	assert_string_equal(why.text, "line 3: cannot read f");
	assert_int_equal(why_set(&why, ERR_IO, "%s", big), ERR_IO);
	assert_int_equal(strlen(why.text), WHY_MAX - 1);
	assert_int_equal(why_prefix(&why, ERR_IO, "%s", big), ERR_IO);
	assert_int_equal(strlen(why.text), WHY_MAX - 1);
	for (int err = OK; err >= ERR_IN_USE; err--)
		assert_string_not_equal(err_name(err), "unknown error");
	assert_string_equal(err_name(1), "unknown error");
	assert_string_equal(err_name(ERR_IN_USE - 1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rd_short),
		cmocka_unit_test(test_rd),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_buf_ceiling),
		cmocka_unit_test(test_buf_fit),
		cmocka_unit_test(test_buf_wire),
		cmocka_unit_test(test_buf_end_after_failure),
		cmocka_unit_test(test_mpint),
		cmocka_unit_test(test_slots_limit),
		cmocka_unit_test(test_slots_model),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
