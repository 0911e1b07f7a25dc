/* Who does AES-GCM: a second back end that is absent, or that gives wrong answers, leaves the work to libcrypto, and
 * says why. The test plants one in the place of intel-ipsec-mb, so that it needs neither the library nor the CPU. */
#include "crypto_rig.h"

#include <stdio.h>

#include "crypto/cipher_impl.h"

/* --- back ends that are wrong --- */

static int seal_wrong_tag(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	int err = gcm_ops.seal(c, seq, pkt, len);

	pkt[len + AEAD_TAG - 1] ^= 0x80;
	return err;
}

/* Tag and data agree, and yet it is not AES-GCM of this packet. */
static int seal_wrong_data(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	pkt[len - 1] ^= 1;
	return gcm_ops.seal(c, seq, pkt, len);
}

static int seal_wrong_when_long(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	return (len > 1024 ? seal_wrong_data : gcm_ops.seal)(c, seq, pkt, len);
}

static int seal_fails(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	(void)c;
	(void)seq;
	(void)pkt;
	(void)len;
	return ERR_CRYPTO;
}

static int open_refuses_all(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	return gcm_ops.open(c, seq, pkt, len) ? ERR_CRYPTO : ERR_MAC;
}

static int open_takes_all(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	(void)gcm_ops.open(c, seq, pkt, len);
	return OK;
}

static int open_wrong_data(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	int err = gcm_ops.open(c, seq, pkt, len);

	pkt[len - 1] ^= 1;
	return err;
}

static const struct row {
	const char *name;
	enum mb_state found;
	int (*seal)(struct cipher *, uint32_t, uint8_t *, size_t); /* NULL: the right one */
	int (*open)(struct cipher *, uint32_t, uint8_t *, size_t);
	const char *lack; /* NULL: it is to be had */
} rows[] = {
	{ "wrong tag", MB_READY, seal_wrong_tag, NULL, "wrong answer" },
	{ "wrong data", MB_READY, seal_wrong_data, NULL, "wrong answer" },
	{ "wrong in long packets", MB_READY, seal_wrong_when_long, NULL, "wrong answer" },
	{ "cannot seal", MB_READY, seal_fails, NULL, "wrong answer" },
	{ "opens nothing", MB_READY, NULL, open_refuses_all, "wrong answer" },
	{ "opens what was changed", MB_READY, NULL, open_takes_all, "wrong answer" },
	{ "opens to something else", MB_READY, NULL, open_wrong_data, "wrong answer" },
	{ "fails its own test", MB_WRONG, NULL, NULL, "wrong answer" },
	{ "not built", MB_NOT_BUILT, NULL, NULL, "this build has no intel-ipsec-mb" },
	{ "old CPU", MB_NO_CPU, NULL, NULL, "this CPU lacks VAES" },
	{ "no memory", MB_NO_MEMORY, NULL, NULL, "no memory" },
	{ "right", MB_READY, NULL, NULL, NULL },
};

/* --- the one that is planted --- */

static struct cipher_ops planted;
static const struct row *row;

void __wrap_gcm_mb_start(struct mb *mb);
void __real_gcm_mb_start(struct mb *mb);

void __wrap_gcm_mb_start(struct mb *mb)
{
	if (!row) {
		__real_gcm_mb_start(mb);
		return;
	}
	planted = gcm_ops;
	planted.seal = row->seal ? row->seal : gcm_ops.seal;
	planted.open = row->open ? row->open : gcm_ops.open;
	mb->state = row->found;
	mb->ops = &planted;
	snprintf(mb->name, sizeof(mb->name), "planted");
}

/* The operations of a cipher that is made now. */
static const struct cipher_ops *ops_now(const struct crypto *c)
{
	static const uint8_t key[16], iv[GCM_IV];
	const struct cipher_alg *alg = cipher_find(span_str("aes128-gcm@openssh.com"));
	const struct cipher_ops *ops;
	struct cipher *made = NULL;

	assert_int_equal(cipher_new(&made, c, alg, NULL, CIPHER_SEAL, key, iv, NULL), OK);
	ops = made->ops;
	cipher_free(made);
	return ops;
}

static void refused(struct crypto *c)
{
	struct why why = { "" };

	assert_int_equal(crypto_backend_set(c, CRYPTO_IPSEC_MB, &why), ERR_NOT_FOUND);
	if (!strstr(why.text, "CryptoBackend ipsec-mb") || !strstr(why.text, row->lack))
		fail_msg("%s: %s", row->name, why.text);
	assert_non_null(strstr(crypto_mb_lack(c), row->lack));
	assert_string_equal(crypto_gcm_by(c), "libcrypto");
	assert_ptr_equal(ops_now(c), &gcm_ops);
	assert_int_equal(crypto_mb_wrong(c), !strcmp(row->lack, "wrong answer"));
}

static void chosen(struct crypto *c)
{
	assert_null(crypto_mb_lack(c));
	assert_false(crypto_mb_wrong(c));
	assert_string_equal(crypto_gcm_by(c), "planted");
	assert_ptr_equal(ops_now(c), &planted);
	assert_int_equal(crypto_backend_set(c, CRYPTO_OPENSSL, NULL), OK);
	assert_string_equal(crypto_gcm_by(c), "libcrypto");
	assert_ptr_equal(ops_now(c), &gcm_ops);
	assert_int_equal(crypto_backend_set(c, CRYPTO_IPSEC_MB, NULL), OK);
	assert_ptr_equal(ops_now(c), &planted);
}

static void takes_only_what_is_right(void **state)
{
	(void)state;
	for (row = rows; row < rows + LEN(rows); row++) {
		struct crypto *c = NULL;

		assert_int_equal(crypto_new(&c, NULL), OK);
		(row->lack ? refused : chosen)(c);
		assert_int_equal(crypto_backend_set(c, CRYPTO_OPENSSL, NULL), OK);
		assert_int_equal(crypto_backend_set(c, CRYPTO_AUTO, NULL), OK);
		assert_string_equal(crypto_gcm_by(c), row->lack ? "libcrypto" : "planted");
		crypto_free(c);
	}
	row = NULL;
}

/* A cipher that could not be made has not answered. (What libcrypto allocates inside may fail here too: that counts as
 * an answer, and the back end that it stands for allocates nothing.) */
static void want_of_memory_is_no_wrong_answer(void **state)
{
	struct crypto *c = NULL;
	int seen = 0;

	(void)state;
	row = &rows[LEN(rows) - 1];
	for (long n = 0; n < 1000; n++) {
		mem_fail_at = n;
		int err = crypto_new(&c, NULL);
		bool reached = mem_fail_at < 0;

		mem_fail_at = -1;
		if (!err) {
			seen += crypto_mb_lack(c) && strstr(crypto_mb_lack(c), "no memory");
			crypto_free(c);
		}
		if (!reached)
			break;
	}
	row = NULL;
	assert_in_range(seen, 4, 1000); /* at least the four ciphers that are asked */
}

/* What is really there answers as libcrypto does, whichever it is. */
static void libcrypto_gives_the_answers_too(void **state)
{
	(void)state;
	assert_int_equal(gcm_answers(crypto, &gcm_ops), OK);
	assert_false(crypto_mb_wrong(crypto));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_only_what_is_right),
		cmocka_unit_test(want_of_memory_is_no_wrong_answer),
		cmocka_unit_test(libcrypto_gives_the_answers_too),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
