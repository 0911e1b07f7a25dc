/* Public keys, certificates and signatures: the input is string blob, string signature, and the signed data. */
#include "fuzz.h"

#include "base/rd.h"
#include "crypto/pkey.h"

static void try_cert(struct span blob, const struct crypto *c)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	struct cert cert;
	struct why why;

	if (cert_parse(&cert, c, blob, &why) == OK)
		assert(cert.body.n < blob.n && cert.ca_sig.p + cert.ca_sig.n == blob.p + blob.n);
	if (cert_plain_blob(blob, &plain) == OK)
		assert(pkey_check(buf_span(&plain), NULL) == OK && !cert_is(buf_span(&plain)));
	buf_fini(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct crypto *c;
	struct rd in = rd(span(data, n));
	struct span blob = rd_string(&in), sig = rd_string(&in), text = rd_rest(&in);
	char fingerprint[64];
	struct why why;

	if (!c && crypto_new(&c, NULL))
		return 0;
	try_cert(span(data, n), c);
	if (!rd_done(&in))
		return 0;
	try_cert(blob, c);
	assert(pkey_label(blob) && pkey_fingerprint(c, blob, fingerprint) == OK);
	for (const struct sig_alg *a = sig_table(); a->name; a++)
		if (pkey_verify(c, a, blob, sig, text, 0, &why) == OK)
			assert(!a->agent_only && pkey_check(blob, NULL) == OK);
	return 0;
}
