/* Whole connections in one thread, under weather of every kind. A failing run names its seed; ADIT_SEEDS sets how many
 * seeds each kind gets, ADIT_SEED runs one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "traffic.h"

enum { SEEDS = 4, TURNS_MAX = 3000000, MEMORY_MAX = 8 << 20 };

enum ending { ENDS_WELL, ENDS_ANYHOW, ENDS_BROKEN };

struct climate {
	const char *name;
	struct weather weather;
	struct traffic_setup traffic;
	const char *cipher, *mac, *kex;
	uint64_t rekey_bytes;
	uint64_t bank, shared_bank;
	bool random_rekeys, random_cut, random_flip;
	enum ending ending;
};

#define MIB (1u << 20)

static const struct climate climates[] = {
	{ "cut at any byte", { 5000 }, { 4, MIB / 4 }, .random_cut = true, .ending = ENDS_ANYHOW },
	{ "one bit flipped", { 5000 }, { 4, MIB }, .random_flip = true, .ending = ENDS_BROKEN },
	{ "one bit flipped, chacha",
	  { 0 },
	  { 4, MIB },
	  "chacha20-poly1305@openssh.com",
	  .random_flip = true,
	  .ending = ENDS_BROKEN },
	{ "one bit flipped, etm",
	  { 0 },
	  { 4, MIB },
	  "aes256-ctr",
	  "hmac-sha2-256-etm@openssh.com",
	  .random_flip = true,
	  .ending = ENDS_BROKEN },
	{ "calm", { 0 }, { 3, 4 * MIB } },
	{ "single bytes", { 1 }, { 2, 3000 } },
	{ "small pieces", { 100 }, { 8, MIB / 4 }, "aes256-gcm@openssh.com" },
	{ "chacha", { 3000 }, { 4, MIB }, "chacha20-poly1305@openssh.com" },
	{ "ctr etm", { 3000 }, { 4, MIB }, "aes128-ctr", "hmac-sha2-512-etm@openssh.com" },
	{ "ctr and mac", { 3000 }, { 4, MIB }, "aes256-ctr", "hmac-sha2-256" },
	{ "p256", { 3000 }, { 2, MIB / 8 }, .kex = "ecdh-sha2-nistp256" },
	{ "p384", { 3000 }, { 2, MIB / 8 }, .kex = "ecdh-sha2-nistp384" },
	{ "p521", { 3000 }, { 2, MIB / 8 }, .kex = "ecdh-sha2-nistp521" },
	{ "far away", { 20000, 80 }, { 6, 2 * MIB } },
	{ "stalls", { 4000, 5, 70 }, { 6, MIB } },
	{ "lazy readers", { 4000 }, { 6, 3 * MIB, .lazy = true } },
	{ "aborts and refusals", { 4000 }, { 40, MIB / 8, .aborts = true, .refusals = true } },
	{ "rekeys by volume", { 4000 }, { 4, 2 * MIB }, .rekey_bytes = 100000 },
	{ "rekeys at any time", { 4000, 10 }, { 4, 2 * MIB }, .random_rekeys = true },
	{ "rekeys, chacha, stalls",
	  { 500, 3, 50 },
	  { 4, MIB },
	  "chacha20-poly1305@openssh.com",
	  .random_rekeys = true },
	{ "many channels, poor bank", { 9000 }, { 300, 30000, .lazy = true }, .bank = 2 * MIB },
	{ "many channels, poor shared bank", { 9000 }, { 300, 30000, .lazy = true }, .shared_bank = 5 * MIB },
	{ "few channels, poor shared bank", { 9000, 20 }, { 6, 2 * MIB }, .shared_bank = MIB },
};

static struct crypto *crypto;
static struct pkey *host_key, *user_key;

static void maybe_rekey(struct world *w, const struct climate *c)
{
	struct side *s = world_pick(w, 2) ? &w->client : &w->server;

	if (c->random_rekeys && s->logged_in && world_pick(w, 400) == 0)
		conn_rekey(s->conn);
}

/* Nothing is left of the streams, so the bank is full again. */
static void check_clean(const struct world *w, const struct traffic *t)
{
	const struct side *sides[] = { &w->client, &w->server };
	struct conn_stats stats;

	assert_int_equal(w->client.failed, 0);
	assert_int_equal(w->server.failed, 0);
	for (size_t i = 0; i < 2; i++) {
		conn_stats(sides[i]->conn, &stats);
		assert_int_equal(stats.channels, 0);
		assert_int_equal(stats.window_out, 0);
		assert_in_range(sides[i]->memory_peak, 0, MEMORY_MAX);
	}
	assert_true(t->moved > 0);
}

static void judge(const struct climate *c, const struct world *w, const struct traffic *t)
{
	if (c->ending == ENDS_WELL || (c->ending == ENDS_ANYHOW && !world_over(w)))
		check_clean(w, t);
	else
		assert_true(world_over(w));
	if (c->ending == ENDS_BROKEN)
		assert_true(w->client.failed != ERR_CLOSED || w->server.failed != ERR_CLOSED);
	if (c->rekey_bytes || c->random_rekeys)
		assert_true(w->rekeys_seen > 2);
}

static void run(const struct climate *c, uint64_t seed)
{
	struct world_setup setup = { .seed = seed,
				     .weather = c->weather,
				     .kex = c->kex,
				     .cipher = c->cipher,
				     .mac = c->mac,
				     .rekey_bytes = c->rekey_bytes,
				     .bank = c->bank };
	struct bank shared = { .limit = c->shared_bank };
	struct world *w = malloc(sizeof(*w));
	struct traffic t;
	size_t turns = 0;

	if (c->shared_bank)
		setup.shared_bank = &shared;
	if (c->random_cut)
		setup.weather.cut_after = 1 + seed * 0x9e3779b97f4a7c15u % 1500000;
	if (c->random_flip)
		setup.weather.flip_at = 2500 + seed * 0x9e3779b97f4a7c15u % 60000;
	assert_int_equal(world_init(w, &setup, crypto, host_key, user_key), OK);
	assert_int_equal(traffic_init(&t, w, &c->traffic), OK);
	while (!traffic_done(&t) && !world_over(w)) {
		maybe_rekey(w, c);
		traffic_turn(&t);
		world_turn(w);
		assert_in_range(shared.used, 0, shared.limit);
		if (++turns > TURNS_MAX)
			fail_msg("no end in sight: client %s; server %s", conn_error_text(w->client.conn),
				 conn_error_text(w->server.conn));
	}
	if (c->ending == ENDS_WELL && world_over(w))
		fail_msg("client: %s; server: %s", conn_error_text(w->client.conn), conn_error_text(w->server.conn));
	judge(c, w, &t);
	traffic_fini(&t);
	world_fini(w);
	assert_int_equal(shared.used, 0);
	free(w);
}

static void test_climate(void **state)
{
	const struct climate *c = *state;
	const char *one = getenv("ADIT_SEED"), *many = getenv("ADIT_SEEDS");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1;
	uint64_t last = one ? first : many ? strtoull(many, NULL, 10) : SEEDS;

	for (uint64_t seed = first; seed <= last; seed++) {
		if (getenv("ADIT_VERBOSE"))
			print_message("%s, seed %llu\n", c->name, (unsigned long long)seed);
		run(c, seed);
	}
}

int main(void)
{
	struct CMUnitTest tests[LEN(climates)];
	int failed;

	for (size_t i = 0; i < LEN(climates); i++)
		tests[i] = (struct CMUnitTest){ climates[i].name, test_climate, NULL, NULL,
						(void *)(uintptr_t)&climates[i] };
	if (crypto_new(&crypto, NULL) != OK || pkey_generate(&host_key, crypto, "ssh-ed25519") != OK ||
	    pkey_generate(&user_key, crypto, "ssh-ed25519") != OK)
		return 1;
	failed = cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
	pkey_free(host_key);
	pkey_free(user_key);
	crypto_free(crypto);
	return failed;
}
