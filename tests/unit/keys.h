/* What the tests of keys and of certificates share: a key of every type, and a language for blobs. */
#ifndef ADIT_TESTS_KEYS_H
#define ADIT_TESTS_KEYS_H

#include "keygen.h"

#include "base/rd.h"
#include "crypto/pkey.h"

static struct crypto *crypto;

/* A key of every type, made once. */
static struct {
	const char *type, *label;
	struct pkey *key;
} keys[] = {
	{ "ssh-ed25519", "ED25519", NULL },
	{ "ecdsa-sha2-nistp256", "ECDSA", NULL },
	{ "ecdsa-sha2-nistp384", "ECDSA", NULL },
	{ "ecdsa-sha2-nistp521", "ECDSA", NULL },
	{ "ssh-rsa", "RSA", NULL },
};

enum { K_ED25519, K_P256, K_P384, K_P521, K_RSA };

static inline int setup(void **state)
{
	int err = crypto_new(&crypto, NULL);

	for (size_t i = 0; !err && i < LEN(keys); i++)
		err = pkey_generate(&keys[i].key, crypto, keys[i].type);
	return err ? err : keygen_setup(state);
}

static inline int teardown(void **state)
{
	for (size_t i = 0; i < LEN(keys); i++)
		pkey_free(keys[i].key);
	crypto_free(crypto);
	return keygen_teardown(state);
}

static inline const struct sig_alg *alg_of(const char *name)
{
	const struct sig_alg *alg = sig_find(span_str(name));

	assert_non_null(alg);
	return alg;
}

static inline int verify(const char *alg, struct span blob, struct span sig, const char *data, struct why *why)
{
	return pkey_verify(crypto, alg_of(alg), blob, sig, span_str(data), 0, why);
}

static inline void sign(int key, const char *alg, const char *data, struct buf *sig)
{
	assert_int_equal(pkey_sign(keys[key].key, crypto, alg_of(alg), span_str(data), sig), OK);
}

/* A small language for blobs, items apart by blanks: sTEXT a string, pN a string of N bytes 0x11, mHEX a string of
 * those bytes, xHEX the bytes alone. */
static inline void put(struct buf *out, const char *recipe)
{
	char item[1024];
	int used;

	for (; sscanf(recipe, " %1023s%n", item, &used) == 1; recipe += used) {
		size_t pos = 0;

		if (item[0] == 's') {
			buf_cstring(out, item + 1);
			continue;
		}
		if (item[0] != 'x')
			pos = buf_begin(out);
		if (item[0] == 'p')
			for (int n = atoi(item + 1); n > 0; n--)
				buf_u8(out, 0x11);
		else
			for (const char *h = item + 1; *h; h += 2) {
				unsigned byte;

				assert_int_equal(sscanf(h, "%2x", &byte), 1);
				buf_u8(out, (uint8_t)byte);
			}
		if (item[0] != 'x')
			buf_end(out, pos);
	}
}

/* RFC 8032 section 7.1, test 1. */
#define RFC8032_PK "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define RFC8032_SK "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"

static inline struct pkey *key_from(const char *recipe, struct span prefix)
{
	struct buf fields = BUF(65536);
	struct pkey *key = NULL;
	struct rd in;

	buf_bytes(&fields, prefix);
	put(&fields, recipe);
	in = rd(buf_span(&fields));
	assert_int_equal(pkey_from_fields(&key, crypto, &in), OK);
	assert_true(rd_done(&in));
	buf_fini(&fields);
	return key;
}

#endif
