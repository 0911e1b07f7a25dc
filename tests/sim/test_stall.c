/* What takes round trips, by the virtual clock: a login, and the silence of a side while keys are renewed under load in
 * both directions. The one that answers is silent for one round trip. So is the client that asks, because it guesses
 * the method; only where the server likes another method best, and a guess would be void, RFC 4253 makes it two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ssh/engine.h"
#include "traffic.h"

enum { WAY_MS = 40, ROUND_TRIP_MS = 2 * WAY_MS, SLACK_MS = 5, TURNS = 200000, RENEWALS = 5 };

struct silence {
	uint64_t since_ms, worst_ms;
	bool now;
};

static void watch(struct silence *s, const struct side *side)
{
	bool holds = side->logged_in && kex_holds_tx(side->conn);

	if (holds && !s->now)
		s->since_ms = side->world->now_ms;
	if (!holds && s->now && side->world->now_ms - s->since_ms > s->worst_ms)
		s->worst_ms = side->world->now_ms - s->since_ms;
	s->now = holds;
}

struct renewal {
	const char *name;
	bool by_client;
	const char *server_kex;
	unsigned client_trips, server_trips;
};

static struct crypto *crypto;
static struct pkey *host_key, *user_key;

static void run(const struct renewal *r, struct silence *client, struct silence *server)
{
	struct world_setup setup = { .seed = 7, .weather = { .delay_ms = WAY_MS }, .server_kex = r->server_kex };
	struct traffic_setup streams = { .streams = 2, .bytes_max = 64 << 20 };
	struct world *w = malloc(sizeof(*w));
	struct traffic t;
	struct negotiated n = { 0 };

	assert_int_equal(world_init(w, &setup, crypto, host_key, user_key), OK);
	assert_int_equal(traffic_init(&t, w, &streams), OK);
	for (int i = 0; i < TURNS && n.rekeys < RENEWALS; i++) {
		struct side *s = r->by_client ? &w->client : &w->server;

		if (t.moved > (n.rekeys + 1u) << 20)
			conn_rekey(s->conn);
		traffic_turn(&t);
		world_turn(w);
		watch(client, &w->client);
		watch(server, &w->server);
		conn_negotiated(w->client.conn, &n);
	}
	assert_int_equal(n.rekeys, RENEWALS);
	traffic_fini(&t);
	world_fini(w);
	free(w);
}

static void test_silence(void **state)
{
	const struct renewal *r = *state;
	struct silence client = { 0 }, server = { 0 };

	run(r, &client, &server);
	assert_in_range(client.worst_ms, 0, r->client_trips * ROUND_TRIP_MS + SLACK_MS);
	assert_in_range(server.worst_ms, 0, r->server_trips * ROUND_TRIP_MS + SLACK_MS);
}

/* Version lines, KEXINIT behind the server's line, ECDH; then NEWKEYS, service and signature travel together. */
static void test_login(void **state)
{
	struct world_setup setup = { .seed = 7, .weather = { .delay_ms = WAY_MS } };
	struct world *w = malloc(sizeof(*w));

	(void)state;
	assert_int_equal(world_init(w, &setup, crypto, host_key, user_key), OK);
	uint64_t born_ms = w->now_ms;
	for (int i = 0; i < TURNS && !w->client.logged_in; i++)
		world_turn(w);
	assert_true(w->client.logged_in);
	assert_in_range(w->now_ms - born_ms, 0, 3 * ROUND_TRIP_MS + SLACK_MS);
	world_fini(w);
	free(w);
}

/* A tunnel that nobody uses stands as long as the other side answers. */
static void test_idle_for_a_day(void **state)
{
	static const struct conn_terms terms = { .alive_ms = 15000, .alive_max = 3 };
	struct world_setup setup = { .seed = 7, .weather = { .delay_ms = WAY_MS } };
	struct world *w = malloc(sizeof(*w));

	assert_int_equal(world_init(w, &setup, crypto, host_key, user_key), OK);
	for (int i = 0; i < TURNS && !(w->client.logged_in && w->server.logged_in); i++)
		world_turn(w);
	conn_set_terms(*state ? w->client.conn : w->server.conn, &terms);
	uint64_t day_ms = w->now_ms + UINT64_C(24) * 3600 * 1000;
	while (w->now_ms < day_ms && !w->client.failed && !w->server.failed)
		world_turn(w);
	assert_int_equal(w->client.failed, OK);
	assert_int_equal(w->server.failed, OK);
	world_fini(w);
	free(w);
}

static const struct renewal renewals[] = {
	{ "the client asks", true, NULL, 1, 0 },
	{ "the server asks", false, NULL, 1, 1 },
	{ "the client asks a server that likes another method best", true, "ecdh-sha2-nistp256,curve25519-sha256", 2,
	  1 },
	{ "the server that likes another method best asks", false, "ecdh-sha2-nistp256,curve25519-sha256", 1, 1 },
};

int main(void)
{
	struct CMUnitTest tests[LEN(renewals) + 3] = {
		[LEN(renewals)] = cmocka_unit_test(test_login),
		[LEN(renewals) + 1] = { "idle for a day: the client asks", test_idle_for_a_day, NULL, NULL, &crypto },
		[LEN(renewals) + 2] = { "idle for a day: the server asks", test_idle_for_a_day, NULL, NULL, NULL },
	};
	int failed;

	for (size_t i = 0; i < LEN(renewals); i++)
		tests[i] = (struct CMUnitTest){ renewals[i].name, test_silence, NULL, NULL,
						(void *)(uintptr_t)&renewals[i] };
	if (crypto_new(&crypto, NULL) != OK || pkey_generate(&host_key, crypto, "ssh-ed25519") != OK ||
	    pkey_generate(&user_key, crypto, "ssh-ed25519") != OK)
		return 1;
	failed = cmocka_run_group_tests_name("silence", tests, NULL, NULL);
	pkey_free(host_key);
	pkey_free(user_key);
	crypto_free(crypto);
	return failed;
}
