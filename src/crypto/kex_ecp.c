/* Keys on the NIST curves (RFC 5656 section 4, SEC 1). */
#include "crypto/kex_impl.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

enum { COORD_MAX = 66, POINT_MAX = 1 + 2 * COORD_MAX, UNCOMPRESSED = 4, TRIES = 128 };

static const struct curve {
	const char *group;
	int nid;
	uint8_t coord; /* bytes of a coordinate, and of the order */
	uint8_t top;   /* the bits of the order's first byte */
} curves[] = {
	[CURVE_P256] = { "P-256", NID_X9_62_prime256v1, 32, 0xff },
	[CURVE_P384] = { "P-384", NID_secp384r1, 48, 0xff },
	[CURVE_P521] = { "P-521", NID_secp521r1, 66, 0x01 },
};

/* `priv` is NULL for a peer's key. */
static EVP_PKEY *build(const struct curve *cv, struct span point, const BIGNUM *priv)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (ctx && bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, cv->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n) == 1 &&
	    (!priv || OSSL_PARAM_BLD_push_BN_pad(bld, OSSL_PKEY_PARAM_PRIV_KEY, priv, cv->coord) == 1))
		params = OSSL_PARAM_BLD_to_param(bld);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, priv ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* A number from 1 to the order less 1, all equally likely: what does not fit is thrown away (FIPS 186-5, A.2.2). It
 * never takes more than a few tries, unless the generator is broken. */
static int pick(BIGNUM *d, const struct curve *cv, const BIGNUM *order, struct rng *rng)
{
	uint8_t raw[COORD_MAX];
	bool fits = false;
	int err = OK;

	for (int i = 0; !err && !fits && i < TRIES; i++) {
		err = rng_bytes(rng, raw, cv->coord);
		raw[0] &= cv->top;
		if (!err && !BN_bin2bn(raw, cv->coord, d))
			err = ERR_NOMEM;
		fits = !err && !BN_is_zero(d) && BN_cmp(d, order) < 0;
	}
	wipe(raw, sizeof(raw));
	return err || fits ? err : ERR_CRYPTO;
}

/* The public point of d, written as the wire has it; 0 when libcrypto fails. */
static size_t point_of(const EC_GROUP *group, const BIGNUM *d, uint8_t out[POINT_MAX])
{
	EC_POINT *point = EC_POINT_new(group);
	size_t n = 0;

	if (point && EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1)
		n = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, POINT_MAX, NULL);
	EC_POINT_free(point);
	return n;
}

int ecp_own(EVP_PKEY **own, enum curve_id curve, struct rng *rng, struct buf *blob)
{
	const struct curve *cv = &curves[curve];
	EC_GROUP *group = EC_GROUP_new_by_curve_name_ex(NULL, NULL, cv->nid);
	BIGNUM *d = BN_secure_new();
	uint8_t point[POINT_MAX];
	size_t n = 0;
	int err = group && d ? pick(d, cv, EC_GROUP_get0_order(group), rng) : ERR_NOMEM;

	if (!err) {
		BN_set_flags(d, BN_FLG_CONSTTIME);
		n = point_of(group, d, point);
		*own = n ? build(cv, span(point, n), d) : NULL;
		err = *own ? OK : ERR_CRYPTO;
	}
	BN_clear_free(d);
	EC_GROUP_free(group);
	if (err)
		return lib_fail(err);
	buf_bytes(blob, span(point, n));
	return buf_err(blob);
}

/* With a cofactor of 1, a point on the curve that is not at infinity has the right order (SEC 1 section 3.2.2.1). */
EVP_PKEY *ecp_peer(enum curve_id curve, struct span point)
{
	EVP_PKEY *key = point.p[0] == UNCOMPRESSED ? build(&curves[curve], point, NULL) : NULL;
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
	bool good = ctx && EVP_PKEY_public_check_quick(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	if (good)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}
