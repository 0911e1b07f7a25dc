/* Every allocation of base and of known_hosts fails once: the error comes out, nothing leaks, files stay as they were.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/pool.h"
#include "base/slots.h"
#include "base/str.h"
#include "known_hosts_fixture.h"
#include "conf/revoked.h"

/* The helper itself: a leak and a failure are seen. */
static void test_helper(void **state)
{
	size_t count = alloc_count(), live = alloc_live();
	char *p = malloc(10), *q = strdup("x"), *r, *moved;

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	assert_int_equal(alloc_live(), live + 2);
	alloc_fail_at(1);
	r = calloc(1, 1);
	assert_non_null(r);
	moved = realloc(p, 20);
	assert_null(moved); /* p stays */
	assert_true(alloc_fail_end());
	assert_int_equal(alloc_live(), live + 3);
	free(moved ? moved : p);
	free(q);
	free(r);
	free(NULL);
	assert_int_equal(alloc_live(), live);
	assert_int_equal(alloc_count(), count + 4);
	alloc_fail_at(0);
	assert_false(alloc_fail_end());
}

static int fill_buf(void *ctx)
{
	struct buf b = BUF(1 << 20);
	int err;

	(void)ctx;
	for (uint32_t i = 0; i < 10000; i++)
		buf_u32(&b, i);
	err = buf_err(&b);
	assert_true(err == OK ? b.n == 40000 : err == ERR_NOMEM && b.n < 40000);
	/* What went in before the failure is still right. */
	for (size_t i = 0; i + 4 <= b.n; i += 4)
		assert_int_equal(get_u32(b.p + i), i / 4);
	buf_fini(&b);
	return err;
}

static int fill_slots(void *ctx)
{
	struct slots s;
	uint32_t id = 0, n;
	int err = OK;

	slots_init(&s, 1000);
	for (n = 0; n < 1000 && !err; n++)
		err = slots_add(&s, ctx, &id);
	assert_true(err == OK || err == ERR_NOMEM);
	assert_int_equal(s.used, err ? n - 1 : n);
	/* A full table that could not grow goes on with what it has. */
	if (err && s.used) {
		slots_del(&s, 0);
		assert_int_equal(slots_add(&s, ctx, &id), OK);
		assert_int_equal(id, 0);
	}
	slots_fini(&s);
	return err;
}

static int use_pool(void *ctx)
{
	struct pool p;
	uint8_t *a, *b;
	bool got;

	(void)ctx;
	if (pool_init(&p, 1))
		return ERR_NOMEM;
	a = pool_get(&p);
	b = pool_get(&p);
	got = a && b;
	assert_int_equal(p.lent, (size_t) !!a + !!b);
	pool_put(&p, a);
	pool_put(&p, b);
	pool_fini(&p);
	return got ? OK : ERR_NOMEM;
}

static int copy_text(void *ctx)
{
	char *copy = str_from_span(span_str(ctx));
	int err = copy ? OK : ERR_NOMEM;

	free(copy);
	return err;
}

static void test_base(void **state)
{
	char text[] = "text";

	(void)state;
	assert_true(alloc_torture(fill_buf, NULL) > 5);
	assert_true(alloc_torture(fill_slots, text) > 5);
	assert_int_equal(alloc_torture(use_pool, NULL), 3);
	assert_int_equal(alloc_torture(copy_text, text), 1);
}

/* One question that goes through certificates, hashed names, revocations and two files. */
struct question {
	const char *files[2];
	char *target;
	struct buf key;
};

static const struct kh_host host = { "host.example.com", 2222, NULL };

static int ask(void *ctx)
{
	struct question *q = ctx;
	struct kh_verdict v;
	int err = kh_check(&v, q->files, LEN(q->files), &host, buf_span(&q->key), crypto,
			   &(struct kh_rules){ .now = 1735689600 });

	if (!err)
		assert_int_equal(v.status, KH_CERT_OK);
	else
		assert_true(err == ERR_NOMEM || err == ERR_CRYPTO);
	return err;
}

static int ask_types(void *ctx)
{
	struct question *q = ctx;
	struct kh_types t;
	int err = kh_types(&t, q->files, LEN(q->files), &host, crypto);

	assert_true(err == ERR_NOMEM || (err == OK && t.n == 1 && !t.ca));
	return err;
}

static int ask_revoked(void *ctx)
{
	struct question *q = ctx;
	int err = revoked_check(q->files[1], REVOKED_HOST, buf_span(&q->key), crypto, NULL);

	assert_true(err == OK || err == ERR_NOMEM);
	return err;
}

/* The CA, or the ID, of the certificate is in the file: whatever fails, it is not let through. */
static int ask_listed(void *ctx)
{
	struct question *q = ctx;
	int err = revoked_check(q->files[0], REVOKED_HOST, buf_span(&q->key), crypto, NULL);

	assert_true(err == ERR_HOST_KEY || err == ERR_NOMEM);
	return err == ERR_HOST_KEY ? OK : err;
}

static int append_hashed(void *ctx)
{
	static const uint8_t salt[KH_SALT] = { 1 };
	struct question *q = ctx;
	struct why why = { 0 };
	int err = kh_append(q->target, &host, buf_span(&q->key), KH_HASHED, salt, crypto, &why);

	assert_true(err == OK || (err == ERR_NOMEM && why.text[0] && access(q->target, F_OK) != 0));
	return err;
}

static void test_known_hosts(void **state)
{
	static const char lines[] = HASHED_2222 " " KEY_E "\n@revoked * " KEY_B "\n@revoked * " ANY_CERT "x\n"
						"@cert-authority *.example.com " KEY_CA "\n";
	static const char keys[] = KEY_B "\n" KEY_E "\n";
	char *dir = temp_dir(), *first = temp_file(dir, "first", lines, sizeof(lines) - 1);
	char *second = temp_file(dir, "second", keys, sizeof(keys) - 1);
	struct question q = { .files = { first, second }, .target = path_in(dir, "new"), .key = key_blob(GOOD_CERT) };

	(void)state;
	assert_true(alloc_torture(ask, &q) > 5);
	assert_true(alloc_torture(ask_types, &q) > 5);
	assert_true(alloc_torture(ask_revoked, &q) > 3);
	assert_true(alloc_torture(append_hashed, &q) > 3);
	buf_fini(&q.key);
	free(q.target);
	free(first);
	free(second);
	remove_dir(dir);
}

/* Lists as text and as ssh-keygen -k makes them (with the ID "good" and any CA). */
static void test_revoked(void **state)
{
	static const char text[] = KEY_B "\n" KEY_CA "\n";
	static const char binary[] = KRL_START("\1") KRL_IDS("\0\0\0\4good");
	char *dir = temp_dir(), *first = temp_file(dir, "text", text, sizeof(text) - 1);
	char *second = temp_file(dir, "binary", binary, sizeof(binary) - 1);
	struct question one = { .files = { first }, .key = key_blob(GOOD_CERT) };
	struct question two = { .files = { second }, .key = one.key };

	(void)state;
	assert_true(alloc_torture(ask_listed, &one) > 3);
	assert_true(alloc_torture(ask_listed, &two) > 2);
	buf_fini(&one.key);
	free(first);
	free(second);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helper),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_known_hosts),
		cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
