/* Key files, private and public. Without a passphrase: deriving the key is slow, and what comes out of it is the same
 * plain part. */
#include "fuzz.h"

#include "conf/keyfile.h"

static void try_private(struct span text, const struct crypto *c)
{
	const struct sig_alg *alg = sig_table();
	struct buf words = BUF(KEYFILE_MAX), sig = BUF(PKEY_SIG_MAX);
	struct pkey *key = NULL;
	struct why why;

	if (keyfile_parse(text, c, NULL, &key, &words, &why) == OK) {
		while (!span_is(pkey_type(pkey_blob(key)), alg->key_type))
			alg++;
		/* A key of which only the sizes are right may fail, but never gives away a wrong signature. */
		if (pkey_sign(key, c, alg, text, &sig) == OK)
			assert(pkey_verify(c, alg, pkey_blob(key), buf_span(&sig), text, 0, NULL) == OK);
	}
	pkey_free(key);
	buf_fini(&words);
	buf_fini(&sig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct crypto *c;
	struct buf blob = BUF(PKEY_BLOB_MAX), words = BUF(KEYFILE_MAX);
	struct span text = span(data, n);
	struct why why;

	if (!c && crypto_new(&c, NULL))
		return 0;
	try_private(text, c);
	if (keyfile_parse_envelope(text, &blob, &why) == OK)
		assert(pkey_check(buf_span(&blob), NULL) == OK);
	buf_clear(&blob);
	if (keyfile_parse_public(text, &blob, &words, &why) == OK)
		assert(pkey_check(buf_span(&blob), NULL) == OK);
	buf_fini(&blob);
	buf_fini(&words);
	return 0;
}
