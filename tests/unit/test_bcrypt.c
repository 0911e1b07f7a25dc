/* bcrypt_pbkdf against published answers, and its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/blowfish.h"

static struct crypto *crypto;

static int setup(void **state)
{
	(void)state;
	return crypto_new(&crypto, NULL);
}

static int teardown(void **state)
{
	(void)state;
	crypto_free(crypto);
	return 0;
}

#define S(text) (text), sizeof(text) - 1

static void refuses_what_is_out_of_range(void **state)
{
	static const struct {
		const char *name;
		size_t pass, salt;
		uint32_t rounds;
		size_t key;
	} rows[] = {
		{ "empty passphrase", 0, 16, 1, 32 },
		{ "empty salt", 8, 0, 1, 32 },
		{ "salt too long", 8, 65, 1, 32 },
		{ "no rounds", 8, 16, 0, 32 },
		{ "one round too many", 8, 16, 2049, 32 },
		{ "all rounds", 8, 16, UINT32_MAX, 32 },
		{ "no key", 8, 16, 1, 0 },
		{ "key too long", 8, 16, 1, 1025 },
	};
	static const uint8_t zero[128];
	static uint8_t key[1100];

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		int err = bcrypt_pbkdf(crypto, span(zero, rows[i].pass), span(zero, rows[i].salt), rows[i].rounds, key,
				       rows[i].key);

		if (err != ERR_SYNTAX)
			fail_msg("%s: %d", rows[i].name, err);
	}
}

/* From OpenBSD's and golang.org/x/crypto's tests. */
static void gives_the_published_keys(void **state)
{
	static const struct {
		const char *pass;
		size_t pass_len;
		const char *salt;
		size_t salt_len;
		uint32_t rounds;
		const char *key;
	} rows[] = {
		{ S("password"), S("salt"), 4, "5bbf0cc293587f1c3635555c27796598d47e579071bf427e9d8fbe842aba34d9" },
		{ S("password"), S("\0"), 4, "c12b566235eee04c212598970a579a67" },
		{ S("\0"), S("salt"), 4, "6051be18c2f4f82cbf0efee5471b4bb9" },
		{ S("password\0"), S("salt\0"), 4, "7410e44cf4fa07bfaac8a928b1727fac001375e7bf7384370f48efd121743050" },
		{ S("pass\0wor"), S("sa\0l"), 4, "c2bffd9db38f6569efef4372f4de83c0" },
		{ S("pass\0word"), S("sa\0lt"), 4, "4ba4ac3925c0e8d7f0cdb6bb1684a56f" },
		{ S("password"), S("salt"), 8,
		  "e1367ec5151a33faac4cc1c144cd23fa15d5548493ecc99b9b5d9c0d3b27bec7"
		  "6227ea66088b849b20ab7aa478010246e74bba51723fefa9f9474d6508845e8d" },
		{ S("password"), S("salt"), 42, "833cf0dcf56db65608e8f0dc0ce882bd" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		size_t n = strlen(rows[i].key) / 2;
		uint8_t key[64];
		char hex[129];

		assert_int_equal(bcrypt_pbkdf(crypto, span(rows[i].pass, rows[i].pass_len),
					      span(rows[i].salt, rows[i].salt_len), rows[i].rounds, key, n),
				 OK);
		for (size_t k = 0; k < n; k++)
			snprintf(hex + 2 * k, 3, "%02x", key[k]);
		assert_string_equal(hex, rows[i].key);
	}
}

/* Some words, and all of them by a digest of the same bits calculated elsewhere with another formula (Machin's). */
static void the_tables_are_the_digits_of_pi(void **state)
{
	static const uint8_t digest[8] = { 0xb5, 0x64, 0x32, 0x08, 0x90, 0x7b, 0x11, 0xb2 };
	struct blowfish bf;
	struct buf bytes = BUF(sizeof(bf));
	uint8_t sum[HASH_MAX];
	struct span all;

	(void)state;
	assert_int_equal(blowfish_init(&bf), OK);
	assert_int_equal(bf.p[0], 0x243f6a88);
	assert_int_equal(bf.p[17], 0x8979fb1b);
	assert_int_equal(bf.s[0][0], 0xd1310ba6);
	assert_int_equal(bf.s[3][255], 0x3ac372e6);
	for (size_t i = 0; i < LEN(bf.p); i++)
		buf_u32(&bytes, bf.p[i]);
	for (size_t i = 0; i < 1024; i++)
		buf_u32(&bytes, bf.s[i / 256][i % 256]);
	all = buf_span(&bytes);
	assert_int_equal(hash_spans(crypto, HASH_SHA256, &all, 1, sum), OK);
	assert_memory_equal(sum, digest, sizeof(digest));
	buf_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_out_of_range),
		cmocka_unit_test(gives_the_published_keys),
		cmocka_unit_test(the_tables_are_the_digits_of_pi),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
