/* The generator: failure first, then repeatability, known bytes, and forgetting. */
#include "crypto_rig.h"

#include "crypto/rng.h"

static uint8_t seed[RNG_SEED]; /* 00 .. 1f */

static int setup(void **state)
{
	for (uint8_t i = 0; i < RNG_SEED; i++)
		seed[i] = i;
	return rig_setup(state);
}

static int draw(const void *arg)
{
	uint8_t out[3 * RNG_BLOCK];
	struct rng r;
	int err;

	(void)arg;
	rng_init(&r, crypto, seed);
	err = rng_bytes(&r, out, sizeof(out));
	rng_fini(&r);
	return err;
}

static void survives_want_of_memory(void **state)
{
	struct rng zero = { 0 };

	(void)state;
	every_allocation_fails("rng_bytes", draw, NULL);
	rng_fini(&zero);
}

/* Computed with another ChaCha20: the key is replaced by the first 32 bytes of each stream. */
static void gives_known_bytes(void **state)
{
	uint8_t out[2 * RNG_BLOCK];
	struct rng r;

	(void)state;
	rng_init(&r, crypto, seed);
	assert_int_equal(rng_bytes(&r, out, sizeof(out)), OK);
	assert_hex(out, 16, "2b23cce7a26023ab3f0eef693ac87f64");
	assert_hex(out + RNG_BLOCK - 16, 16, "5fc35fea8a0d0f923e57e264839867f9");
	assert_hex(out + RNG_BLOCK, 16, "2d41a59c90e41a8e7a4dccaa1c460699");
	rng_fini(&r);
}

/* In pieces of any size the bytes are the same, and only those that were asked for are written. */
static void does_not_depend_on_the_pieces(void **state)
{
	static const size_t pieces[] = { 0, 1, 7, 16, 1023, 1024, 1025, 2500, 4000 };
	static uint8_t want[5 * RNG_BLOCK], got[5 * RNG_BLOCK + 1];
	struct rng r;

	(void)state;
	rng_init(&r, crypto, seed);
	assert_int_equal(rng_bytes(&r, want, sizeof(want)), OK);
	rng_fini(&r);
	for (size_t i = 1; i < LEN(pieces); i++) {
		size_t done = 0;

		rng_init(&r, crypto, seed);
		memset(got, 0xa5, sizeof(got));
		assert_int_equal(rng_bytes(&r, got, pieces[0]), OK);
		assert_int_equal(got[0], 0xa5);
		for (; done + pieces[i] < sizeof(want); done += pieces[i])
			assert_int_equal(rng_bytes(&r, got + done, pieces[i]), OK);
		assert_memory_equal(got, want, done);
		assert_int_equal(got[done], 0xa5);
		rng_fini(&r);
	}
}

static void differs_with_every_bit_of_the_seed(void **state)
{
	uint8_t want[32], got[32];
	struct rng r;

	(void)state;
	rng_init(&r, crypto, seed);
	assert_int_equal(rng_bytes(&r, want, sizeof(want)), OK);
	rng_fini(&r);
	for (size_t bit = 0; bit < RNG_SEED * 8; bit++) {
		seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rng_init(&r, crypto, seed);
		seed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(rng_bytes(&r, got, sizeof(got)), OK);
		assert_memory_not_equal(got, want, sizeof(got));
		rng_fini(&r);
	}
}

/* What was given out is no longer in memory, nor is the key that made it. */
static void forgets_what_it_gave(void **state)
{
	uint8_t out[300], zero[300] = { 0 };
	struct rng r;

	(void)state;
	rng_init(&r, crypto, seed);
	assert_int_equal(rng_bytes(&r, out, sizeof(out)), OK);
	assert_memory_equal(r.block, zero, sizeof(out));
	assert_memory_not_equal(r.block + sizeof(out), zero, 32);
	assert_memory_not_equal(r.key, seed, RNG_SEED);
	rng_fini(&r);
	assert_memory_equal(r.key, zero, RNG_SEED);
	assert_memory_equal(r.block, zero, sizeof(zero));
}

static void allocates_once(void **state)
{
	uint8_t out[100];
	struct rng r;
	long before;

	(void)state;
	rng_init(&r, crypto, seed);
	assert_int_equal(rng_bytes(&r, out, 1), OK);
	before = mem_calls;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rng_bytes(&r, out, sizeof(out)), OK);
	assert_int_equal(mem_calls, before);
	rng_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_want_of_memory),	 cmocka_unit_test(gives_known_bytes),
		cmocka_unit_test(does_not_depend_on_the_pieces), cmocka_unit_test(differs_with_every_bit_of_the_seed),
		cmocka_unit_test(forgets_what_it_gave),		 cmocka_unit_test(allocates_once),
	};

	return cmocka_run_group_tests(tests, setup, rig_teardown);
}
