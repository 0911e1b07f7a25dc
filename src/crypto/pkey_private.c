/* Private keys from the fields of an openssh-key-v1 file. Every other source (PEM, generation) is turned into these
 * fields first, so that the checks stand in one place. */
#include "crypto/pkey_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdlib.h>

/* The private numbers of RSA: as read, and those that are calculated. */
enum { N, E, D, IQMP, P, Q, DP, DQ, NUMBERS };

static const char *const rsa_params[NUMBERS] = {
	[N] = OSSL_PKEY_PARAM_RSA_N,	      [E] = OSSL_PKEY_PARAM_RSA_E,
	[D] = OSSL_PKEY_PARAM_RSA_D,	      [IQMP] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	[P] = OSSL_PKEY_PARAM_RSA_FACTOR1,    [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1, [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
};

/* a * b mod m == 1 */
static bool is_inverse(const BIGNUM *a, const BIGNUM *b, const BIGNUM *m, BN_CTX *ctx)
{
	BIGNUM *t = BN_new();
	bool yes = t && BN_mod_mul(t, a, b, m, ctx) == 1 && BN_is_one(t);

	BN_clear_free(t);
	return yes;
}

/* v[X1] = v[X] - 1; v[DX] = d mod (x - 1), and d undoes e there. */
static bool crt_exponent(BIGNUM *const v[NUMBERS], int x, int dx, BN_CTX *ctx)
{
	BIGNUM *x1 = BN_dup(v[x]);
	bool good = x1 && BN_sub_word(x1, 1) == 1;

	if (good)
		BN_set_flags(x1, BN_FLG_CONSTTIME);
	good = good && BN_mod(v[dx], v[D], x1, ctx) == 1 && is_inverse(v[dx], v[E], x1, ctx);
	BN_clear_free(x1);
	return good;
}

/* n = p q, e d = 1 modulo p - 1 and q - 1, iqmp q = 1 modulo p. */
static bool rsa_consistent(BIGNUM *const v[NUMBERS])
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *n = BN_new();
	bool good = ctx && n && BN_is_odd(v[P]) && BN_is_odd(v[Q]) && BN_num_bits(v[P]) > 1 && BN_num_bits(v[Q]) > 1 &&
		    BN_mul(n, v[P], v[Q], ctx) == 1 && BN_cmp(n, v[N]) == 0 && crt_exponent(v, P, DP, ctx) &&
		    crt_exponent(v, Q, DQ, ctx) && is_inverse(v[IQMP], v[Q], v[P], ctx);

	BN_free(n);
	BN_CTX_free(ctx);
	return good;
}

static EVP_PKEY *rsa_from(BIGNUM *const v[NUMBERS])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (!bld)
		return NULL;
	for (int i = 0; i < NUMBERS; i++) {
		if (OSSL_PARAM_BLD_push_BN(bld, rsa_params[i], v[i]) != 1) {
			OSSL_PARAM_BLD_free(bld);
			return NULL;
		}
	}
	return evp_from("RSA", EVP_PKEY_KEYPAIR, bld);
}

static int read_rsa(struct pkey *k, const struct pub *pub, struct rd *in)
{
	struct span s[NUMBERS] = { [E] = pub->field[0], [N] = pub->field[1] };
	BIGNUM *v[NUMBERS] = { 0 };
	bool good = true;

	for (int i = D; i <= Q; i++)
		s[i] = rd_number(in);
	for (int i = D; i <= Q; i++)
		if (number_bits(s[i]) > number_bits(s[N]))
			in->bad = true;
	if (!rd_ok(in))
		return ERR_SYNTAX;
	for (int i = 0; i < NUMBERS; i++) {
		v[i] = BN_bin2bn(s[i].p, (int)s[i].n, NULL);
		good = good && v[i];
	}
	if (good && rsa_consistent(v))
		k->evp = rsa_from(v);
	for (int i = 0; i < NUMBERS; i++)
		BN_clear_free(v[i]);
	return k->evp ? OK : ERR_CRYPTO;
}

static EVP_PKEY *ecdsa_from(const struct pub *pub, struct span secret)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *d = NULL;
	EVP_PKEY *key = NULL;

	if (bld && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, pub->kind->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, pub->field[1].p, pub->field[1].n) == 1 &&
	    bld_number(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret, &d))
		key = evp_from("EC", EVP_PKEY_KEYPAIR, bld);
	else
		OSSL_PARAM_BLD_free(bld);
	BN_clear_free(d);
	return key;
}

static int read_ecdsa(struct pkey *k, const struct pub *pub, struct rd *in)
{
	struct span secret = rd_number(in);
	EVP_PKEY_CTX *ctx = NULL;
	bool good;

	if (!rd_ok(in) || secret.n > pub->kind->coord)
		return ERR_SYNTAX;
	k->evp = ecdsa_from(pub, secret);
	if (k->evp)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->evp, NULL);
	good = ctx && EVP_PKEY_private_check(ctx) == 1 && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? OK : ERR_CRYPTO;
}

/* string pk, string (seed, pk): also when the public half is a certificate. */
static int read_ed25519(struct pkey *k, const struct pub *pub, struct rd *in)
{
	struct span pk = pub->cert ? rd_string(in) : pub->field[0], sk = rd_string(in);
	uint8_t real[ED25519_LEN];
	size_t n = sizeof(real);

	if (!rd_ok(in) || pk.n != ED25519_LEN || sk.n != 2 * ED25519_LEN)
		return ERR_SYNTAX;
	k->evp = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, sk.p, ED25519_LEN);
	if (!k->evp || EVP_PKEY_get_raw_public_key(k->evp, real, &n) != 1)
		return ERR_CRYPTO;
	if (memcmp(real, pub->field[0].p, n) != 0 || memcmp(real, pk.p, n) != 0 ||
	    memcmp(real, sk.p + ED25519_LEN, n) != 0)
		return ERR_CRYPTO;
	return OK;
}

static int (*const readers[])(struct pkey *, const struct pub *, struct rd *) = {
	[KEY_ED25519] = read_ed25519,
	[KEY_ECDSA] = read_ecdsa,
	[KEY_RSA] = read_rsa,
};

/* The blob of a plain key is not in the fields as such (RSA has n before e there), so it is written anew. */
static void put_plain_blob(struct buf *out, const struct pub *pub)
{
	buf_cstring(out, pub->kind->type);
	for (size_t i = 0; i < pub->kind->fields; i++) {
		if (pub->kind->family == KEY_RSA)
			buf_mpint(out, pub->field[i]);
		else
			buf_string(out, pub->field[i]);
	}
}

/* The public half: a certificate as one string, or the plain fields. */
static void read_blob(struct buf *blob, const struct key_kind *kind, bool cert, struct rd *in)
{
	struct pub pub = { .kind = kind };

	if (cert) {
		buf_bytes(blob, rd_string(in));
		return;
	}
	for (size_t i = 0; i < kind->fields; i++)
		pub.field[i] = kind->family == KEY_RSA ? rd_number(in) : rd_string(in);
	if (kind->family == KEY_RSA) {
		struct span n = pub.field[0];

		pub.field[0] = pub.field[1];
		pub.field[1] = n;
	}
	put_plain_blob(blob, &pub);
}

static int read_key(struct pkey *k, struct rd *in)
{
	struct span type = rd_string(in);
	struct pub pub;
	int err;

	k->kind = kind_find(type);
	if (!k->kind || k->kind->family == KEY_SK)
		return rd_ok(in) ? ERR_NOT_FOUND : ERR_SYNTAX;
	read_blob(&k->blob, k->kind, !span_is(type, k->kind->type), in);
	if (!rd_ok(in))
		return ERR_SYNTAX;
	if (buf_err(&k->blob))
		return buf_err(&k->blob);
	err = pub_parse(&pub, buf_span(&k->blob), NULL);
	if (err)
		return ERR_CRYPTO;
	if (!span_eq(type, pkey_type(buf_span(&k->blob))))
		return ERR_SYNTAX;
	return readers[k->kind->family](k, &pub, in);
}

int pkey_from_fields(struct pkey **out, const struct crypto *c, struct rd *fields)
{
	struct pkey *k = calloc(1, sizeof(*k));
	int err;

	(void)c;
	if (!k)
		return ERR_NOMEM;
	k->blob = BUF(PKEY_BLOB_MAX);
	err = read_key(k, fields);
	ERR_clear_error();
	if (err) {
		pkey_free(k);
		return err;
	}
	*out = k;
	return OK;
}

void pkey_free(struct pkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->evp);
	buf_fini(&k->blob);
	free(k);
}

struct span pkey_blob(const struct pkey *k)
{
	return buf_span(&k->blob);
}
