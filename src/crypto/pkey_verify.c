/* Verifying signatures (RFC 4253 section 6.6, RFC 5656 section 3.1.2, RFC 8332 section 3, RFC 8709 section 6).
 * The algorithm's name decides what is legal; every mismatch is found before any arithmetic. */
#include "crypto/pkey_impl.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "crypto/lib.h"

const EVP_MD *sig_md(const struct crypto *c, const struct sig_alg *alg, const struct key_kind *kind)
{
	if (kind->family == KEY_ECDSA)
		return c->md[kind->hash];
	if (kind->family == KEY_RSA)
		return c->md[alg->agent_flags == 2 ? HASH_SHA256 : HASH_SHA512];
	return NULL;
}

/* libcrypto's verdict; anything but 1 is "no". */
static int verify_evp(EVP_PKEY *key, const EVP_MD *md, struct span sig, struct span data, struct why *why)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, sig.p, sig.n, data.p, data.n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? OK : why_set(why, ERR_CRYPTO, "the signature is wrong");
}

static int verify_ed25519(EVP_PKEY *key, const struct key_kind *kind, const EVP_MD *md, struct span raw,
			  struct span data, struct why *why)
{
	(void)kind;
	if (raw.n != ED25519_SIG)
		return why_set(why, ERR_CRYPTO, "an Ed25519 signature of %zu bytes instead of 64", raw.n);
	return verify_evp(key, md, raw, data, why);
}

/* r or s: positive and no longer than a coordinate; libcrypto compares it with the order. Peers that pad with zeros
 * are known, and here they do no harm. */
static BIGNUM *rd_scalar(struct rd *in, const struct key_kind *kind)
{
	struct span s = rd_string(in);

	if (!s.n || s.p[0] >= 0x80 || s.n > 2 * (size_t)kind->coord || number_bits(s) == 0 ||
	    number_bits(s) > 8 * (size_t)kind->coord)
		return NULL;
	return BN_bin2bn(s.p, (int)s.n, NULL);
}

/* From SSH's string(mpint r, mpint s) to the DER that libcrypto reads, freed with OPENSSL_free(). */
static uint8_t *ecdsa_der(const struct key_kind *kind, struct span raw, int *len)
{
	struct rd in = rd(raw);
	BIGNUM *r = rd_scalar(&in, kind), *s = rd_scalar(&in, kind);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *der = NULL;

	if (!r || !s || !sig || !rd_done(&in) || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		*len = i2d_ECDSA_SIG(sig, &der);
	}
	ECDSA_SIG_free(sig);
	return der;
}

static int verify_ecdsa(EVP_PKEY *key, const struct key_kind *kind, const EVP_MD *md, struct span raw, struct span data,
			struct why *why)
{
	int len = 0, err;
	uint8_t *der = ecdsa_der(kind, raw, &len);

	if (!der)
		return why_set(why, ERR_CRYPTO, "a malformed ECDSA signature");
	err = len > 0 ? verify_evp(key, md, span(der, (size_t)len), data, why) : ERR_CRYPTO;
	OPENSSL_free(der);
	return err;
}

/* RFC 8332 section 3 wants exactly the modulus's length; some signers drop leading zeros, which OpenSSH forgives. */
static int verify_rsa(EVP_PKEY *key, const struct key_kind *kind, const EVP_MD *md, struct span raw, struct span data,
		      struct why *why)
{
	uint8_t padded[RSA_BITS_MAX / 8] = { 0 };
	size_t want = (size_t)EVP_PKEY_get_size(key);

	(void)kind;
	if (raw.n == 0 || raw.n > want || want > sizeof(padded))
		return why_set(why, ERR_CRYPTO, "an RSA signature of %zu bytes for a key of %zu", raw.n, want);
	memcpy(padded + want - raw.n, raw.p, raw.n);
	return verify_evp(key, md, span(padded, want), data, why);
}

int verify_raw(EVP_PKEY *key, const struct key_kind *kind, const EVP_MD *md, struct span raw, struct span data,
	       struct why *why)
{
	static int (*const verify[])(EVP_PKEY *, const struct key_kind *, const EVP_MD *, struct span, struct span,
				     struct why *) = {
		[KEY_ED25519] = verify_ed25519,
		[KEY_ECDSA] = verify_ecdsa,
		[KEY_RSA] = verify_rsa,
	};

	if (kind->family == KEY_SK)
		return why_set(why, ERR_CRYPTO, "%s signatures cannot be checked here", kind->type);
	return verify[kind->family](key, kind, md, raw, data, why);
}

/* The signature blob must name the type that the algorithm stands for. */
static int sig_raw(const struct sig_alg *alg, struct span sig, struct span *raw, struct why *why)
{
	struct rd in = rd(sig);
	struct span type = rd_string(&in);

	*raw = rd_string(&in);
	if (sig.n > PKEY_SIG_MAX || !rd_done(&in))
		return why_set(why, ERR_CRYPTO, "a malformed signature");
	if (!span_is(type, alg->sig_type))
		return why_set(why, ERR_CRYPTO, "the signature is not of type %s", alg->sig_type);
	return OK;
}

static int check_bits(const struct pub *pub, unsigned least, struct why *why)
{
	size_t bits = pub->kind->family == KEY_RSA ? number_bits(pub->field[1]) : SIZE_MAX;

	if (bits < least)
		return why_set(why, ERR_CRYPTO, "an RSA key of %zu bits; at least %u are required", bits, least);
	return OK;
}

int pkey_verify(const struct crypto *c, const struct sig_alg *alg, struct span blob, struct span sig, struct span data,
		unsigned rsa_min_bits, struct why *why)
{
	EVP_PKEY *key = NULL;
	struct span raw;
	struct pub pub;
	int err;

	if (!span_is(pkey_type(blob), alg->key_type))
		return why_set(why, ERR_CRYPTO, "the key is not of type %s", alg->key_type);
	err = sig_raw(alg, sig, &raw, why);
	if (!err)
		err = pub_parse(&pub, blob, why);
	if (!err)
		err = check_bits(&pub, rsa_min_bits, why);
	if (!err)
		err = pub_evp(&key, &pub, why);
	if (!err)
		err = verify_raw(key, pub.kind, sig_md(c, alg, pub.kind), raw, data, why);
	EVP_PKEY_free(key);
	return err;
}
