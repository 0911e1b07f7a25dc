/* Memos between the processes of aditd: whatever does not fit its row is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "app/memo.h"

static const struct ip four = { 4, { 127, 0, 0, 1 } }, six = { 6, { [15] = 1 } };

/* One of every kind, with every field that it has. */
static struct memo whole(enum memo_kind kind)
{
	return (struct memo){ .kind = kind,
			      .peer = 7,
			      .number = 1,
			      .count = 2,
			      .ticket = 3,
			      .port = 4,
			      .yes = true,
			      .ends = { four, six, 5, 6 },
			      .text = span_str("text"),
			      .name = span_str("name"),
			      .alg = span_str("alg"),
			      .blob = span_str("blob"),
			      .data = span_str("data") };
}

static const struct {
	enum memo_kind kind;
	enum memo_from from;
	bool with_fd;
} senders[] = {
	{ MEMO_READY, FROM_GUARD, false },	{ MEMO_READY, FROM_WORKER, false },
	{ MEMO_WORKER, FROM_MASTER, true },	{ MEMO_PEER, FROM_MASTER, false },
	{ MEMO_GONE, FROM_MASTER, false },	{ MEMO_SERVE, FROM_MASTER, true },
	{ MEMO_BOUND, FROM_MASTER, true },	{ MEMO_BOUND, FROM_MASTER, false },
	{ MEMO_PROBE, FROM_MASTER, false },	{ MEMO_EVICT, FROM_MASTER, false },
	{ MEMO_RETRY, FROM_MASTER, false },	{ MEMO_GUARD, FROM_MASTER, true },
	{ MEMO_LOG, FROM_MASTER, true },	{ MEMO_DRAIN, FROM_MASTER, false },
	{ MEMO_SIGN, FROM_WORKER, false },	{ MEMO_LOGIN, FROM_WORKER, false },
	{ MEMO_PROVE, FROM_WORKER, false },	{ MEMO_BIND, FROM_WORKER, false },
	{ MEMO_SIGNED, FROM_GUARD, false },	{ MEMO_VERDICT, FROM_GUARD, false },
	{ MEMO_PROVED, FROM_GUARD, false },	{ MEMO_UNBOUND, FROM_GUARD, false },
	{ MEMO_BANNER, FROM_GUARD, false },	{ MEMO_USER, FROM_GUARD, false },
	{ MEMO_OFFENCE, FROM_GUARD, false },	{ MEMO_BIND_FOR, FROM_GUARD, false },
	{ MEMO_BROKEN, FROM_GUARD, false },	{ MEMO_CLOSED, FROM_WORKER, false },
	{ MEMO_LISTEN, FROM_WORKER, false },	{ MEMO_UNLISTEN, FROM_WORKER, false },
	{ MEMO_TAKE_OVER, FROM_WORKER, false }, { MEMO_PROBED, FROM_WORKER, false },
};

static bool sends(enum memo_kind kind, enum memo_from from, bool with_fd)
{
	for (size_t i = 0; i < LEN(senders); i++)
		if (senders[i].kind == kind && senders[i].from == from && senders[i].with_fd == with_fd)
			return true;
	return false;
}

/* Every kind from every sender, with a descriptor and without. */
static void only_from_its_sender(void **state)
{
	(void)state;
	for (int kind = 1; kind < MEMO_KINDS; kind++) {
		struct memo m = whole((enum memo_kind)kind), got;
		struct buf out = BUF(MEMO_MAX);

		memo_pack(&m, &out);
		for (int from = FROM_MASTER; from <= FROM_WORKER; from++)
			for (int with_fd = 0; with_fd < 2; with_fd++) {
				int err = memo_unpack(&got, buf_span(&out), (enum memo_from)from, with_fd);

				if ((err == OK) != sends((enum memo_kind)kind, (enum memo_from)from, with_fd))
					fail_msg("kind %d from %d, descriptor %d: %d", kind, from, with_fd, err);
			}
		buf_fini(&out);
	}
}

static void cut_and_trailing(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(senders); i++) {
		struct memo m = whole(senders[i].kind), got;
		struct buf out = BUF(MEMO_MAX);

		memo_pack(&m, &out);
		for (size_t n = 0; n < out.n; n++)
			if (memo_unpack(&got, span(out.p, n), senders[i].from, senders[i].with_fd) != ERR_PROTO)
				fail_msg("kind %d cut at %zu was taken", senders[i].kind, n);
		buf_u8(&out, 0);
		assert_int_equal(memo_unpack(&got, buf_span(&out), senders[i].from, senders[i].with_fd), ERR_PROTO);
		buf_fini(&out);
	}
}

static void numbers_and_lengths(void **state)
{
	static char big[70000];
	const struct {
		const char *name;
		struct memo m;
		enum memo_from from;
		int err;
	} rows[] = {
		{ "peer 0", { .kind = MEMO_GONE }, FROM_MASTER, ERR_PROTO },
		{ "no such kind", { .kind = MEMO_KINDS }, FROM_MASTER, ERR_PROTO },
		{ "kind 0", { .kind = 0 }, FROM_MASTER, ERR_PROTO },
		{ "offence too great", { .kind = MEMO_CLOSED, .peer = 1, .number = OFFENCES }, FROM_WORKER, ERR_PROTO },
		{ "greatest offence", { .kind = MEMO_CLOSED, .peer = 1, .number = OFFENCES - 1 }, FROM_WORKER, OK },
		{ "verdict too great", { .kind = MEMO_VERDICT, .peer = 1, .number = 256 }, FROM_GUARD, ERR_PROTO },
		{ "an address of no family",
		  { .kind = MEMO_PEER, .peer = 1, .ends = { { 5, { 0 } }, four, 1, 1 } },
		  FROM_MASTER,
		  ERR_PROTO },
		{ "a unix socket's ends", { .kind = MEMO_PEER, .peer = 1 }, FROM_MASTER, OK },
		{ "user of 256", { .kind = MEMO_LOGIN, .peer = 1, .text = span(big, 256) }, FROM_WORKER, ERR_PROTO },
		{ "user of 255", { .kind = MEMO_LOGIN, .peer = 1, .text = span(big, 255) }, FROM_WORKER, OK },
		{ "key of 64 KiB and 1",
		  { .kind = MEMO_LOGIN, .peer = 1, .blob = span(big, 65537) },
		  FROM_WORKER,
		  ERR_PROTO },
		{ "key of 64 KiB", { .kind = MEMO_LOGIN, .peer = 1, .blob = span(big, 65536) }, FROM_WORKER, OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf out = BUF(MEMO_MAX + 1024);
		struct memo got;

		if ((unsigned)rows[i].m.kind % MEMO_KINDS) {
			memo_pack(&rows[i].m, &out);
		} else {
			buf_u8(&out, 1);
			buf_u8(&out, (uint8_t)rows[i].m.kind);
		}
		if (memo_unpack(&got, buf_span(&out), rows[i].from, false) != rows[i].err)
			fail_msg("%s", rows[i].name);
		buf_fini(&out);
	}
}

static void another_version(void **state)
{
	static const uint8_t text[] = { 2, MEMO_DRAIN, 0 };
	struct memo got;

	(void)state;
	assert_int_equal(memo_unpack(&got, span(text, sizeof(text)), FROM_MASTER, false), ERR_PROTO);
}

static void fields_come_back(void **state)
{
	struct memo m = whole(MEMO_PEER), got;
	struct buf out = BUF(MEMO_MAX);

	(void)state;
	memo_pack(&m, &out);
	assert_int_equal(memo_unpack(&got, buf_span(&out), FROM_MASTER, false), OK);
	assert_true(got.peer == 7 && got.number == 1 && got.yes);
	assert_memory_equal(&got.ends, &m.ends, sizeof(got.ends));
	buf_clear(&out);
	m = whole(MEMO_LOGIN);
	memo_pack(&m, &out);
	assert_int_equal(memo_unpack(&got, buf_span(&out), FROM_WORKER, false), OK);
	assert_true(span_is(got.text, "text") && span_is(got.name, "name") && span_is(got.alg, "alg") &&
		    span_is(got.blob, "blob") && span_is(got.data, "data"));
	buf_fini(&out);
}

static void exchanges(void **state)
{
	struct exchange x = { .kex = kex_find(span_str("curve25519-sha256")),
			      .client_ident = span_str("a"),
			      .server_share = span_str("b"),
			      .secret = span_str("c"),
			      .first = true },
			got;
	struct buf out = BUF(4096);

	(void)state;
	memo_put_exchange(&out, &x);
	assert_int_equal(memo_get_exchange(&got, buf_span(&out)), OK);
	assert_true(got.kex == x.kex && got.first && span_is(got.client_ident, "a") && span_is(got.server_share, "b") &&
		    span_is(got.secret, "c"));
	for (size_t n = 0; n < out.n; n++)
		assert_int_equal(memo_get_exchange(&got, span(out.p, n)), ERR_PROTO);
	out.p[5] ^= 1; /* another name */
	assert_int_equal(memo_get_exchange(&got, buf_span(&out)), ERR_PROTO);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_from_its_sender), cmocka_unit_test(cut_and_trailing),
		cmocka_unit_test(numbers_and_lengths),	cmocka_unit_test(another_version),
		cmocka_unit_test(fields_come_back),	cmocka_unit_test(exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
