/* Tables of what a hostile peer does, as cmocka tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "evil.h"

/* What we said last: the DISCONNECT, if there was one. */
static uint8_t reason_said(const struct evil *e)
{
	struct span d = evil_said(e, MSG_DISCONNECT, 0);

	assert_in_range(evil_count(e, MSG_DISCONNECT), 0, 1);
	if (!d.n)
		return 0;
	assert_int_equal(evil_said(e, 0, evil_count(e, 0) - 1).p[0], MSG_DISCONNECT);
	return (uint8_t)get_u32(d.p + 1);
}

static void check_text(const char *s)
{
	assert_true(*s);
	for (; *s; s++)
		assert_true((unsigned char)*s >= 0x20 && *s != 0x7f);
}

/* Nothing that the peer or the application does wakes a failed connection. */
void evil_dead(struct evil *e, int err, uint8_t reason)
{
	static const uint8_t ignore[5] = { MSG_IGNORE };
	const struct global_request g = { .kind = GLOBAL_TCPIP_FORWARD };
	const struct answer yes = { .yes = true };
	size_t events = 0, said;
	struct event ev;
	struct iovec iov;
	uint32_t id;

	if (conn_error(e->us) != err)
		fail_msg("%d (%s), not %d", conn_error(e->us), conn_error_text(e->us), err);
	assert_int_equal(reason_said(e), reason);
	check_text(conn_error_text(e->us));
	said = e->said.n;
	evil_send(e, span(ignore, sizeof(ignore)));
	evil_wait(e, 1000);
	for (size_t i = 0; i < LEN(e->events); i++)
		events += e->events[i];
	assert_int_equal(conn_next(e->us, &ev), err);
	assert_int_equal(conn_deadline(e->us), UINT64_MAX);
	assert_int_equal(conn_rx_room(e->us, &iov, 1), 0);
	assert_false(conn_tx_open(e->us));
	assert_int_equal(conn_global(e->us, &g, NULL, &id), ERR_CLOSED);
	assert_int_equal(conn_lend(e->us, 0, 1000, &iov, 1), 0);
	assert_int_equal(conn_answer(e->us, e->question, &yes), ERR_NOT_FOUND);
	conn_close(e->us, 0);
	evil_run(e);
	for (size_t i = 0; i < LEN(e->events); i++)
		events -= e->events[i];
	assert_int_equal(events, 0);
	assert_int_equal(e->said.n, said);
	assert_int_equal(conn_error(e->us), err);
}

static void check_alive(const struct evil *e, const struct evil_row *row)
{
	if (conn_error(e->us))
		fail_msg("failed: %s", conn_error_text(e->us));
	if (row->says == SAYS_ANYTHING)
		return;
	if (evil_count(e, 0) != !!row->says)
		fail_msg("%zu messages, first %d", evil_count(e, 0), evil_count(e, 0) ? evil_said(e, 0, 0).p[0] : 0);
	if (row->says)
		assert_int_equal(evil_said(e, 0, 0).p[0], row->says);
}

struct job {
	const struct evil_row *row;
	enum role role;
	char name[128];
};

static void test_row(void **state)
{
	const struct job *j = *state;
	const struct evil_row *row = j->row;
	struct evil_setup setup = row->setup;
	struct evil e;

	setup.role = j->role;
	evil_init(&e, &setup);
	evil_reach(&e, row->state);
	if (row->bytes.n && row->state == AT_IDENT)
		evil_raw(&e, row->bytes);
	else if (row->bytes.n)
		evil_send(&e, row->bytes);
	if (row->play)
		row->play(&e);
	if (row->err)
		evil_dead(&e, row->err, row->reason);
	else
		check_alive(&e, row);
	evil_fini(&e);
}

int evil_rows(const char *group, const struct evil_row *rows, size_t n)
{
	struct CMUnitTest *tests = calloc(2 * n, sizeof(*tests));
	struct job *jobs = calloc(2 * n, sizeof(*jobs));
	size_t count = 0;
	int failed;

	assert_non_null(tests);
	assert_non_null(jobs);
	for (size_t i = 0; i < 2 * n; i++) {
		const struct evil_row *row = &rows[i / 2];
		struct job *j = &jobs[count];

		if (!(row->ours & (i % 2 ? OURS_SERVER : OURS_CLIENT)))
			continue;
		j->row = row;
		j->role = i % 2 ? ROLE_SERVER : ROLE_CLIENT;
		snprintf(j->name, sizeof(j->name), "%s: %s", i % 2 ? "server" : "client", row->name);
		tests[count++] = (struct CMUnitTest){ j->name, test_row, NULL, NULL, j };
	}
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	free(tests);
	free(jobs);
	return failed;
}
