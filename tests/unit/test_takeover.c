/* Who may have a listener that an older connection of the same user holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "app/takeover.h"

/* What was decided, as a text: "probe 1, evict 1, yes 2/5, ". */
static char story[512];

static void tell(const char *fmt, unsigned long long a, unsigned b)
{
	size_t n = strlen(story);

	snprintf(story + n, sizeof(story) - n, fmt, a, b);
}

static void probe(void *user, struct peer_entry *holder)
{
	(void)user;
	tell("probe %llu, ", holder->id, 0);
}

static void evict(void *user, struct peer_entry *holder, const struct peer_entry *asker)
{
	(void)user;
	tell("evict %llu for %u, ", holder->id, (unsigned)asker->id);
}

static void answer(void *user, uint64_t asker, uint32_t ticket, bool yes)
{
	(void)user;
	tell(yes ? "yes %llu/%u, " : "no %llu/%u, ", asker, ticket);
}

struct rig {
	struct peers *peers;
	struct takeovers t;
};

static void start(struct rig *r)
{
	story[0] = 0;
	assert_int_equal(peers_new(&r->peers), OK);
	r->t = (struct takeovers){ .probe = probe, .evict = evict, .answer = answer };
	takeovers_init(&r->t);
}

static void end(struct rig *r)
{
	takeovers_fini(&r->t);
	peers_free(r->peers);
}

/* A connection; who = 0: not logged in. */
static struct peer_entry *add(struct rig *r, uint8_t who)
{
	struct ends ends = { 0 };
	struct peer_entry *e = peers_add(r->peers, NULL, &ends);

	assert_non_null(e);
	e->logged_in = who;
	memset(e->identity, who, sizeof(e->identity));
	return e;
}

static void listens(struct peer_entry *e, const char *host, uint16_t port)
{
	assert_int_equal(peer_listens(e, span_str(host), port), OK);
}

static void gone(struct rig *r, struct peer_entry *e)
{
	uint64_t id = e->id;

	peers_del(r->peers, e);
	takeover_gone(&r->t, id);
}

static void nobody_to_ask(void **state)
{
	static const struct {
		const char *name;
		uint8_t holder, asker;
		const char *host;
		uint16_t port;
	} rows[] = {
		{ "another user", 1, 2, "localhost", 8080 },	    { "holder not logged in", 0, 1, "localhost", 8080 },
		{ "asker not logged in", 1, 0, "localhost", 8080 }, { "neither logged in", 0, 0, "localhost", 8080 },
		{ "another port", 1, 1, "localhost", 8081 },	    { "another path", 1, 1, "/tmp/other", 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct rig r;
		struct peer_entry *holder, *asker;

		start(&r);
		holder = add(&r, rows[i].holder);
		listens(holder, "localhost", 8080);
		listens(holder, "/tmp/sock", 0);
		asker = add(&r, rows[i].asker);
		takeover_ask(&r.t, r.peers, asker, 5, span_str(rows[i].host), rows[i].port);
		if (strcmp(story, "yes 2/5, ") != 0)
			fail_msg("%s: %s", rows[i].name, story);
		end(&r);
	}
}

static void answers(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker, *second;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "localhost", 8080);
	asker = add(&r, 1);
	listens(asker, "localhost", 9090);
	second = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("*"), 8080);
	takeover_ask(&r.t, r.peers, second, 6, span_str("*"), 8080);
	assert_string_equal(story, "probe 1, ");
	takeover_probed(&r.t, r.peers, holder, true);
	takeover_probed(&r.t, r.peers, holder, true);
	assert_string_equal(story, "probe 1, no 2/5, no 3/6, ");
	end(&r);
}

/* What is kept does not grow with what one connection asks for. */
static void one_question_each(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "localhost", 8080);
	asker = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("*"), 8080);
	takeover_ask(&r.t, r.peers, asker, 6, span_str("*"), 8080);
	assert_string_equal(story, "probe 1, no 2/6, ");
	takeover_probed(&r.t, r.peers, holder, true);
	takeover_ask(&r.t, r.peers, asker, 7, span_str("*"), 8080);
	assert_string_equal(story, "probe 1, no 2/6, no 2/5, probe 1, ");
	end(&r);
}

static void is_silent(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "/tmp/sock", 0);
	asker = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("/tmp/sock"), 0);
	takeover_probed(&r.t, r.peers, holder, false);
	assert_string_equal(story, "probe 1, evict 1 for 2, ");
	gone(&r, holder);
	assert_string_equal(story, "probe 1, evict 1 for 2, yes 2/5, ");
	end(&r);
}

static void ends_by_itself(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "localhost", 8080);
	asker = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("localhost"), 8080);
	gone(&r, holder);
	assert_string_equal(story, "probe 1, yes 2/5, ");
	end(&r);
}

/* Nobody is thrown out for somebody who has gone. */
static void asker_ends(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "localhost", 8080);
	asker = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("localhost"), 8080);
	gone(&r, asker);
	takeover_probed(&r.t, r.peers, holder, false);
	assert_string_equal(story, "probe 1, ");
	end(&r);
}

static void given_up_listener(void **state)
{
	struct rig r;
	struct peer_entry *holder, *asker;

	(void)state;
	start(&r);
	holder = add(&r, 1);
	listens(holder, "localhost", 8080);
	peer_unlistens(holder, span_str("localhost"), 8080);
	peer_unlistens(holder, span_str("localhost"), 8080);
	asker = add(&r, 1);
	takeover_ask(&r.t, r.peers, asker, 5, span_str("localhost"), 8080);
	assert_string_equal(story, "yes 2/5, ");
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_to_ask),     cmocka_unit_test(answers),	   cmocka_unit_test(is_silent),
		cmocka_unit_test(ends_by_itself),    cmocka_unit_test(asker_ends), cmocka_unit_test(given_up_listener),
		cmocka_unit_test(one_question_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
