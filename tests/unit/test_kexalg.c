/* Key exchanges: peers' values that must be refused first, then the answers of RFC 7748, RFC 5903 and of a calculation
 * in Python, then both sides against each other. */
#include "crypto_rig.h"

#include "crypto/kexalg.h"

static const uint8_t seed[RNG_SEED] = "a seed that repeats in every run";

/* A generator whose next bytes are known. */
static struct rng *rng_of(const char *hex)
{
	static struct rng r;

	rng_fini(&r);
	rng_init(&r, crypto, seed);
	if (hex) {
		unhex(hex, r.block);
		r.used = 0;
	}
	return &r;
}

static const struct kex_alg *alg(const char *name)
{
	const struct kex_alg *a = kex_find(span_str(name));

	assert_non_null(a);
	return a;
}

/* What both roles make of a peer's blob, which must be the same; both outputs stay empty on failure. */
static int try_peer(const struct kex_alg *a, struct span peer)
{
	struct buf blob = BUF(KEX_BLOB_MAX), secret = BUF(KEX_BLOB_MAX), reply = BUF(KEX_BLOB_MAX),
		   server = BUF(KEX_BLOB_MAX);
	struct kex_key *key = NULL;
	int err, other;

	assert_int_equal(kex_begin(a, crypto, rng_of(NULL), &key, &blob), OK);
	err = kex_end(key, crypto, peer, &secret);
	other = kex_reply(a, crypto, rng_of(NULL), peer, &reply, &server);
	assert_int_equal(err, other);
	if (err)
		assert_int_equal(secret.n + reply.n + server.n, 0);
	kex_key_free(key);
	buf_fini(&blob);
	buf_fini(&secret);
	buf_fini(&reply);
	buf_fini(&server);
	return err;
}

/* --- what must be refused --- */

static void refuses_wrong_lengths(void **state)
{
	uint8_t peer[512];

	(void)state;
	memset(peer, 0, sizeof(peer));
	for (const struct kex_alg *a = kex_table(); a->name; a++) {
		struct buf good = BUF(KEX_BLOB_MAX);
		struct kex_key *key = NULL;

		/* A blob that is good as it is, cut and with bytes behind it. */
		assert_int_equal(kex_begin(a, crypto, rng_of(NULL), &key, &good), OK);
		assert_int_equal(good.n, a->client_len);
		assert_int_equal(a->client_len, a->server_len);
		memcpy(peer, good.p, good.n);
		for (size_t n = 0; n < sizeof(peer); n++) {
			int err = try_peer(a, span(peer, n));

			if (err != (n == good.n ? OK : ERR_KEX))
				fail_msg("%s: %zu bytes: %d", a->name, n, err);
		}
		assert_int_equal(try_peer(a, span(NULL, 0)), ERR_KEX);
		kex_key_free(key);
		buf_fini(&good);
	}
}

/* The seven points of low order on the curve and its twist, non-canonical forms included, with and without the bit that
 * is to be ignored (RFC 7748 section 5). */
static void refuses_points_of_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	static const char *const names[] = { "curve25519-sha256", "curve25519-sha256@libssh.org" };

	(void)state;
	for (size_t i = 0; i < LEN(points) * 4; i++) {
		uint8_t u[32];

		unhex(points[i / 4], u);
		u[31] |= (uint8_t)(i & 1 ? 0x80 : 0);
		if (try_peer(alg(names[i / 2 % 2]), span(u, 32)) != ERR_KEX)
			fail_msg("%s%s", points[i / 4], i & 1 ? " with the top bit" : "");
	}
}

/* One row per NIST curve: RFC 5903 section 8. */
static const struct ecp {
	const char *name, *order, *prime, *i, *r, *gi, *gr, *z;
} ecps[] = {
	{ "ecdh-sha2-nistp256", "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	  "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
	  "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
	  "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
	  "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59a"
	  "b1f45b33accf5f58389e0577b8990bb3",
	  "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6a"
	  "ac23f046ada30f8353e74f33039872ab",
	  "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
	{ "ecdh-sha2-nistp384",
	  "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
	  "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
	  "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
	  "41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
	  "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
	  "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
	  "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571"
	  "dcfbec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
	  "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
	{ "ecdh-sha2-nistp521",
	  "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5"
	  "d03bb5c9b8899c47aebb6fb71e91386409",
	  "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
	  "ffffffffffffffffffffffffffffffffff",
	  "0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f5"
	  "957b2639bab072462f68c27a57382d4a52",
	  "0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2f8"
	  "69cca7458aa4a4effc311f5cb151685eb9",
	  "040015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d107564"
	  "941885942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a1"
	  "0ad8a788015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
	  "0400d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6"
	  "c2912d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b"
	  "87220b6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
	  "01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3"
	  "c715a3a8cc3151f2bee417996d19f3ddea" },
};

static void refuses_what_is_no_point(void **state)
{
	(void)state;
	for (const struct ecp *e = ecps; e < ecps + LEN(ecps); e++) {
		const struct kex_alg *a = alg(e->name);
		uint8_t good[256], bad[256];
		size_t n = unhex(e->gi, good), coord = n / 2;

		assert_int_equal(try_peer(a, span(good, n)), OK);
		for (unsigned first = 0; first < 256; first++) { /* infinity, compressed, hybrid, unknown */
			memcpy(bad, good, n);
			bad[0] = (uint8_t)first;
			if (first != 4 && try_peer(a, span(bad, n)) != ERR_KEX)
				fail_msg("%s: first byte %u", e->name, first);
		}
		for (size_t bit = 8; bit<n * 8; bit += n> 100 ? 37 : 5) { /* off the curve */
			memcpy(bad, good, n);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (try_peer(a, span(bad, n)) != ERR_KEX)
				fail_msg("%s: bit %zu", e->name, bit);
		}
		memset(bad, 0, sizeof(bad));
		assert_int_equal(try_peer(a, span(bad, n)), ERR_KEX);
		bad[0] = 4; /* (0, 0) */
		assert_int_equal(try_peer(a, span(bad, n)), ERR_KEX);
		memset(bad + 1, 0xff, n - 1);
		assert_int_equal(try_peer(a, span(bad, n)), ERR_KEX);
		memcpy(bad, good, n); /* y = p: not reduced */
		unhex(e->prime, bad + 1 + coord);
		assert_int_equal(try_peer(a, span(bad, n)), ERR_KEX);
	}
}

static void finds_names_exactly(void **state)
{
	static const char *const unknown[] = { "",
					       "curve25519",
					       "curve25519-sha25",
					       "curve25519-sha256@libssh.or",
					       "ecdh-sha2-nistp224",
					       "diffie-hellman-group14-sha256" };

	(void)state;
	for (size_t i = 0; i < LEN(unknown); i++)
		assert_null(kex_find(span_str(unknown[i])));
	assert_null(kex_find(span("curve25519-sha256\0", 18)));
	for (const struct kex_alg *a = kex_table(); a->name; a++)
		assert_ptr_equal(kex_find(span_str(a->name)), a);
	assert_string_equal(kex_table()[0].name, "curve25519-sha256");
}

/* --- known answers --- */

/* The client with private key i against the server with private key r, each as the other role too. */
static void check_answer(const char *name, const char *i, const char *r, const char *gi, const char *gr, const char *z)
{
	const struct kex_alg *a = alg(name);
	struct buf client = BUF(KEX_BLOB_MAX), server = BUF(KEX_BLOB_MAX), k = BUF(KEX_BLOB_MAX);
	struct kex_key *key = NULL;

	assert_int_equal(kex_begin(a, crypto, rng_of(i), &key, &client), OK);
	assert_hex(client.p, client.n, gi);
	assert_int_equal(kex_reply(a, crypto, rng_of(r), buf_span(&client), &server, &k), OK);
	assert_hex(server.p, server.n, gr);
	assert_hex(k.p, k.n, z);
	buf_clear(&k);
	assert_int_equal(kex_end(key, crypto, buf_span(&server), &k), OK);
	assert_hex(k.p, k.n, z);
	kex_key_free(key);
	buf_fini(&client);
	buf_fini(&server);
	buf_fini(&k);
}

/* RFC 7748 section 6.1. */
static void gives_the_answer_of_x25519(void **state)
{
	static const char *const names[] = { "curve25519-sha256", "curve25519-sha256@libssh.org" };

	(void)state;
	for (size_t n = 0; n < LEN(names); n++)
		check_answer(names[n], "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			     "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
			     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
			     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

static void gives_the_answers_of_ecdh(void **state)
{
	(void)state;
	for (const struct ecp *e = ecps; e < ecps + LEN(ecps); e++)
		check_answer(e->name, e->i, e->r, e->gi, e->gr, e->z);
}

/* Private keys are 1 .. order - 1. What the generator gives beyond is thrown away, not reduced. */
static void skips_numbers_that_are_no_private_key(void **state)
{
	(void)state;
	for (const struct ecp *e = ecps; e < ecps + LEN(ecps); e++) {
		char bytes[1024], zero[256], top[256];
		size_t n = strlen(e->i);

		memset(zero, '0', n);
		memset(top, 'f', n);
		zero[n] = top[n] = 0;
		snprintf(bytes, sizeof(bytes), "%s%s%s%s", zero, e->order, top, e->i);
		check_answer(e->name, bytes, e->r, e->gi, e->gr, e->z);
	}
}

/* Only the lowest bit of the first of 66 bytes belongs to a number of 521 bits. */
static void ignores_bits_above_the_order(void **state)
{
	const struct ecp *e = &ecps[2];
	char i[256];

	(void)state;
	snprintf(i, sizeof(i), "%s", e->i);
	memcpy(i, "fe", 2);
	check_answer(e->name, i, e->r, e->gi, e->gr, e->z);
}

static void repeats_with_the_seed_only(void **state)
{
	(void)state;
	for (const struct kex_alg *a = kex_table(); a->name; a++) {
		struct buf blob[3] = { BUF(KEX_BLOB_MAX), BUF(KEX_BLOB_MAX), BUF(KEX_BLOB_MAX) };
		struct rng *r = NULL;

		for (size_t i = 0; i < LEN(blob); i++) {
			struct kex_key *key = NULL;

			r = i < 2 ? rng_of(NULL) : r;
			assert_int_equal(kex_begin(a, crypto, r, &key, &blob[i]), OK);
			kex_key_free(key);
		}
		assert_true(span_eq(buf_span(&blob[0]), buf_span(&blob[1])));
		assert_false(span_eq(buf_span(&blob[1]), buf_span(&blob[2])));
		for (size_t i = 0; i < LEN(blob); i++)
			buf_fini(&blob[i]);
	}
}

/* K = mpint 0x00ff01, H = 00 .. 1f, the session identifier 64 .. 83, letter C. */
static void derives_keys(void **state)
{
	static const struct {
		enum hash_id hash;
		const char *first, *last, *sum;
	} rows[] = {
		{ HASH_SHA256, "e4af7823a508c4f29ffc828d6b627aab", "c255a923706cc5df",
		  "f781974c5d9129320421a14d9e39bf9f2d5417c26f79a92c76b0fbe6ec05103c" },
		{ HASH_SHA384, "4b325bb3eb7af8a44980bff244125f83", "3a8f2a7ee33cf88b",
		  "e31a09bfaea60b8bc0e917214700960e10dbd6117ba8c879adc5f868c6a48d9a" },
		{ HASH_SHA512, "992df14593aec191bee60a8280630dd0", "b85f5a97e1e0184e",
		  "0dee73e5afb309374fdbe00faf51c75e64a29f3d6bd0898a6060bf65c40b5631" },
	};
	static const uint8_t k[] = { 0, 0, 0, 3, 0, 0xff, 1 };
	uint8_t h[32], id[32], whole[151], part[151], sum[32];

	(void)state;
	for (uint8_t i = 0; i < 32; i++) {
		h[i] = i;
		id[i] = (uint8_t)(100 + i);
	}
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct span all = span(whole, 150);

		whole[150] = 0xa5;
		assert_int_equal(kex_derive(crypto, rows[i].hash, span(k, sizeof(k)), span(h, 32), span(id, 32), 'C',
					    whole, 150),
				 OK);
		assert_int_equal(whole[150], 0xa5);
		assert_hex(whole, 16, rows[i].first);
		assert_hex(whole + 142, 8, rows[i].last);
		assert_int_equal(hash_spans(crypto, HASH_SHA256, &all, 1, sum), OK);
		assert_hex(sum, 32, rows[i].sum);
		for (size_t n = 0; n <= 150; n++) { /* a shorter key is the beginning of a longer one */
			memset(part, 0xa5, sizeof(part));
			assert_int_equal(kex_derive(crypto, rows[i].hash, span(k, sizeof(k)), span(h, 32), span(id, 32),
						    'C', part, n),
					 OK);
			assert_memory_equal(part, whole, n);
			assert_int_equal(part[n], 0xa5);
		}
	}
}

/* --- memory --- */

static int exchange(const void *arg)
{
	const struct kex_alg *a = arg;
	struct buf client = BUF(KEX_BLOB_MAX), server = BUF(KEX_BLOB_MAX),
		   k[2] = { BUF(KEX_BLOB_MAX), BUF(KEX_BLOB_MAX) };
	struct kex_key *key = NULL;
	struct rng rng;
	int err;

	rng_init(&rng, crypto, seed);
	err = kex_begin(a, crypto, &rng, &key, &client);
	assert_true(err ? !key : !!key);
	if (!err)
		err = kex_reply(a, crypto, &rng, buf_span(&client), &server, &k[0]);
	if (!err)
		err = kex_end(key, crypto, buf_span(&server), &k[1]);
	if (!err)
		assert_true(span_eq(buf_span(&k[0]), buf_span(&k[1])));
	kex_key_free(key);
	rng_fini(&rng);
	buf_fini(&client);
	buf_fini(&server);
	buf_fini(&k[0]);
	buf_fini(&k[1]);
	return err;
}

static void survives_want_of_memory(void **state)
{
	(void)state;
	for (const struct kex_alg *a = kex_table(); a->name; a++)
		every_allocation_fails(a->name, exchange, a);
	kex_key_free(NULL);
}

/* The outputs are full: the ceiling is an error, not an overrun. */
static void stops_at_the_ceiling_of_a_buffer(void **state)
{
	(void)state;
	for (const struct kex_alg *a = kex_table(); a->name; a++) {
		struct buf small = BUF(31), blob = BUF(KEX_BLOB_MAX), secret = BUF(31);
		struct kex_key *key = NULL;

		assert_int_equal(kex_begin(a, crypto, rng_of(NULL), &key, &small), ERR_NOMEM);
		assert_null(key);
		assert_int_equal(small.n, 0);
		assert_int_equal(kex_begin(a, crypto, rng_of(NULL), &key, &blob), OK);
		assert_int_equal(kex_end(key, crypto, buf_span(&blob), &secret), ERR_NOMEM);
		assert_int_equal(secret.n, 0);
		kex_key_free(key);
		buf_fini(&small);
		buf_fini(&blob);
		buf_fini(&secret);
	}
}

static int teardown(void **state)
{
	rng_fini(rng_of(NULL));
	return rig_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_wrong_lengths),
		cmocka_unit_test(refuses_points_of_low_order),
		cmocka_unit_test(refuses_what_is_no_point),
		cmocka_unit_test(finds_names_exactly),
		cmocka_unit_test(gives_the_answer_of_x25519),
		cmocka_unit_test(gives_the_answers_of_ecdh),
		cmocka_unit_test(skips_numbers_that_are_no_private_key),
		cmocka_unit_test(ignores_bits_above_the_order),
		cmocka_unit_test(repeats_with_the_seed_only),
		cmocka_unit_test(derives_keys),
		cmocka_unit_test(stops_at_the_ceiling_of_a_buffer),
		cmocka_unit_test(survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, rig_setup, teardown);
}
