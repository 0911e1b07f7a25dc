/* Public keys: from SSH's blob to checked fields to libcrypto's object. Signatures are pkey_verify.c's. */
#include "crypto/pkey_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/str.h"

size_t number_bits(struct span s)
{
	size_t bits = s.n * 8;

	for (; bits && !s.p[0]; s.p++)
		bits -= 8;
	for (unsigned top = bits ? s.p[0] : 0x80; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

/* Strict, because two spellings of one key would be two blobs: a revoked key could come back in the other one. */
struct span rd_number(struct rd *in)
{
	struct span s = rd_string(in);

	if (s.n && s.p[0] == 0 && (s.n == 1 || s.p[1] < 0x80))
		in->bad = true;
	if (s.n && s.p[0] >= 0x80)
		in->bad = true;
	if (in->bad)
		return span(NULL, 0);
	return s.n && s.p[0] == 0 ? span(s.p + 1, s.n - 1) : s;
}

static int check_ed25519(struct pub *pub, struct why *why)
{
	if (pub->field[0].n != ED25519_LEN)
		return why_set(why, ERR_CRYPTO, "an Ed25519 key of %zu bytes instead of 32", pub->field[0].n);
	return OK;
}

/* RFC 5656 section 3.1: the curve is named twice; only uncompressed points are spoken. */
static int check_point(const struct key_kind *kind, struct span curve, struct span point, struct why *why)
{
	if (!span_is(curve, kind->curve))
		return why_set(why, ERR_CRYPTO, "the curve in the key is not the one of %s", kind->type);
	if (point.n != 1 + 2 * (size_t)kind->coord || point.p[0] != 4)
		return why_set(why, ERR_CRYPTO, "not an uncompressed point of %s", kind->curve);
	return OK;
}

static int check_ecdsa(struct pub *pub, struct why *why)
{
	return check_point(pub->kind, pub->field[0], pub->field[1], why);
}

/* Exponents: odd, 3 to 2^32. 1 would make every number its own signature, a huge one costs us a long calculation. */
static int check_rsa(struct pub *pub, struct why *why)
{
	struct rd in = rd(pub->fields);
	struct span e = rd_number(&in), n = rd_number(&in);
	size_t bits = number_bits(n);

	if (!rd_done(&in))
		return why_set(why, ERR_CRYPTO, "malformed numbers in an RSA key");
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return why_set(why, ERR_CRYPTO, "an RSA key of %zu bits; %d to %d are possible", bits, RSA_BITS_MIN,
			       RSA_BITS_MAX);
	if (number_bits(e) < 2 || number_bits(e) > 32 || !(e.p[e.n - 1] & 1) || !(n.p[n.n - 1] & 1))
		return why_set(why, ERR_CRYPTO, "an RSA key with an exponent or modulus that no honest key has");
	pub->field[0] = e;
	pub->field[1] = n;
	return OK;
}

/* Only an agent can sign with these and we never verify them: it is enough that they are whole. */
static int check_sk(struct pub *pub, struct why *why)
{
	if (pub->kind->curve)
		return check_point(pub->kind, pub->field[0], pub->field[1], why);
	return check_ed25519(pub, why);
}

static int (*const checks[])(struct pub *, struct why *) = {
	[KEY_ED25519] = check_ed25519,
	[KEY_ECDSA] = check_ecdsa,
	[KEY_RSA] = check_rsa,
	[KEY_SK] = check_sk,
};

int pub_read(struct pub *out, struct rd *in, struct why *why)
{
	struct span type = rd_string(in);
	struct pub pub = { .kind = kind_find(type) };
	const uint8_t *start;
	int err;

	if (!pub.kind) {
		char text[64];

		return why_set(why, ERR_NOT_FOUND, "keys of type \"%s\" are not supported",
			       str_escape(text, sizeof(text), type));
	}
	pub.cert = span_is(type, pub.kind->cert_type);
	if (pub.cert)
		pub.nonce = rd_string(in);
	start = in->p;
	for (size_t i = 0; i < pub.kind->fields; i++)
		pub.field[i] = rd_string(in);
	if (!rd_ok(in))
		return why_set(why, ERR_CRYPTO, "a truncated key");
	pub.fields = span(start, (size_t)(in->p - start));
	err = checks[pub.kind->family](&pub, why);
	if (!err)
		*out = pub;
	return err;
}

int pub_parse(struct pub *out, struct span blob, struct why *why)
{
	struct rd in = rd(blob);
	struct pub pub;
	int err;

	if (blob.n > PKEY_BLOB_MAX)
		return why_set(why, ERR_CRYPTO, "a key of %zu bytes", blob.n);
	err = pub_read(&pub, &in, why);
	if (err)
		return err;
	if (!pub.cert && !rd_done(&in))
		return why_set(why, ERR_CRYPTO, "bytes behind the end of a key");
	*out = pub;
	return OK;
}

int pkey_check(struct span blob, struct why *why)
{
	struct pub pub;

	return pub_parse(&pub, blob, why);
}

size_t pkey_rsa_bits(struct span blob)
{
	struct rd in = rd(blob);
	struct span type = rd_string(&in);
	const struct key_kind *kind = kind_find(type);

	if (!kind || kind->family != KEY_RSA)
		return 0;
	if (span_is(type, kind->cert_type))
		rd_string(&in); /* nonce */
	rd_number(&in);		/* e */
	return number_bits(rd_number(&in));
}

EVP_PKEY *evp_from(const char *type, int selection, OSSL_PARAM_BLD *bld)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY *key = NULL;

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

bool bld_number(OSSL_PARAM_BLD *bld, const char *name, struct span number, BIGNUM **keep)
{
	*keep = BN_bin2bn(number.p, (int)number.n, NULL);
	return bld && *keep && OSSL_PARAM_BLD_push_BN(bld, name, *keep) == 1;
}

static EVP_PKEY *evp_ecdsa(const struct pub *pub)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, pub->kind->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, pub->field[1].p, pub->field[1].n) == 1)
		return evp_from("EC", EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	return NULL;
}

static EVP_PKEY *evp_rsa(const struct pub *pub)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *e = NULL, *n = NULL;
	EVP_PKEY *key = NULL;

	if (bld_number(bld, OSSL_PKEY_PARAM_RSA_E, pub->field[0], &e) &&
	    bld_number(bld, OSSL_PKEY_PARAM_RSA_N, pub->field[1], &n))
		key = evp_from("RSA", EVP_PKEY_PUBLIC_KEY, bld);
	else
		OSSL_PARAM_BLD_free(bld);
	BN_free(e);
	BN_free(n);
	return key;
}

int pub_evp(EVP_PKEY **out, const struct pub *pub, struct why *why)
{
	EVP_PKEY *key = NULL;

	if (pub->kind->family == KEY_SK)
		return why_set(why, ERR_CRYPTO, "%s signatures cannot be checked here", pub->kind->type);
	if (pub->kind->family == KEY_ED25519)
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub->field[0].p, pub->field[0].n);
	if (pub->kind->family == KEY_ECDSA)
		key = evp_ecdsa(pub);
	if (pub->kind->family == KEY_RSA)
		key = evp_rsa(pub);
	if (!key)
		return why_set(why, ERR_CRYPTO, "libcrypto refuses the %s key", pub->kind->type);
	*out = key;
	return OK;
}
