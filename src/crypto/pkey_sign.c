/* Signing with a private key (RFC 4253 section 6.6, RFC 5656 section 3.1.2, RFC 8332 section 3, RFC 8709 section 6). */
#include "crypto/pkey_impl.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

/* libcrypto's signature: raw for Ed25519 and RSA, DER for ECDSA. */
static int sign_evp(EVP_PKEY *key, const EVP_MD *md, struct span data, uint8_t *sig, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, key) == 1 &&
		    EVP_DigestSign(ctx, sig, n, data.p, data.n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? OK : ERR_CRYPTO;
}

static void put_scalar(struct buf *out, const BIGNUM *v)
{
	uint8_t raw[EC_COORD_MAX];
	int n = BN_bn2binpad(v, raw, sizeof(raw));

	if (n < 0)
		out->err = ERR_CRYPTO;
	else
		buf_mpint(out, span(raw, (size_t)n));
}

/* From DER to SSH's mpint r, mpint s. */
static int put_ecdsa(struct buf *out, const uint8_t *der, size_t n)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	if (!sig)
		return ERR_CRYPTO;
	put_scalar(out, ECDSA_SIG_get0_r(sig));
	put_scalar(out, ECDSA_SIG_get0_s(sig));
	ECDSA_SIG_free(sig);
	return buf_err(out);
}

/* RSA and ECDSA: the public result of one calculation that went wrong, by a broken CPU or a flipped bit, can be enough
 * to find the private key. With Ed25519 that takes a right signature of the same data beside it, and no two exchange
 * hashes or session ids are the same; checking would add a quarter to what a login costs the server. */
static bool one_fault_tells_the_key(const struct key_kind *kind)
{
	return kind->family != KEY_ED25519;
}

/* Appends the raw signature, after it has been verified where a wrong one must not leave. */
static int put_raw(struct buf *out, const struct pkey *k, const EVP_MD *md, struct span data)
{
	uint8_t sig[RSA_BITS_MAX / 8];
	size_t n = sizeof(sig), start = out->n;
	int err = sign_evp(k->evp, md, data, sig, &n);

	if (err)
		return err;
	if (k->kind->family == KEY_ECDSA)
		err = put_ecdsa(out, sig, n);
	else
		buf_bytes(out, span(sig, n));
	if (!err)
		err = buf_err(out);
	if (!err && one_fault_tells_the_key(k->kind))
		err = verify_raw(k->evp, k->kind, md, span(out->p + start, out->n - start), data, NULL);
	return err;
}

int pkey_sign(const struct pkey *k, const struct crypto *c, const struct sig_alg *alg, struct span data,
	      struct buf *sig)
{
	size_t old = sig->n, pos;
	int err;

	if (alg->agent_only || kind_find(span_str(alg->key_type)) != k->kind)
		return ERR_CRYPTO;
	buf_cstring(sig, alg->sig_type);
	pos = buf_begin(sig);
	err = buf_err(sig);
	if (!err)
		err = put_raw(sig, k, sig_md(c, alg, k->kind), data);
	if (err) {
		sig->n = old;
		sig->err = OK;
		return err;
	}
	buf_end(sig, pos);
	return OK;
}
