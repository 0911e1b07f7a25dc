/* Private keys that libcrypto reads or makes: PEM files and new keys. Both are written as the fields of an
 * openssh-key-v1 file and read back by pkey_from_fields(). */
#include "crypto/pkey_impl.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { FIELDS_MAX = 16384 };

static void put_bn(struct buf *out, const EVP_PKEY *evp, const char *name)
{
	uint8_t raw[RSA_BITS_MAX / 8];
	BIGNUM *v = NULL;
	int n = -1;

	if (EVP_PKEY_get_bn_param(evp, name, &v) == 1 && BN_num_bytes(v) <= (int)sizeof(raw))
		n = BN_bn2bin(v, raw);
	if (n < 0)
		out->err = out->err ? out->err : ERR_CRYPTO;
	else
		buf_mpint(out, span(raw, (size_t)n));
	wipe(raw, sizeof(raw));
	BN_clear_free(v);
}

static void put_rsa(struct buf *out, const EVP_PKEY *evp, const struct key_kind *kind)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N,	  OSSL_PKEY_PARAM_RSA_E,
					     OSSL_PKEY_PARAM_RSA_D,	  OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
					     OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2 };

	(void)kind;
	for (size_t i = 0; i < LEN(names); i++)
		put_bn(out, evp, names[i]);
}

/* The point is built from its coordinates, for a file may prefer the compressed form. */
static void put_ecdsa(struct buf *out, const EVP_PKEY *evp, const struct key_kind *kind)
{
	uint8_t point[EC_POINT_MAX] = { 4 };
	int coord = kind->coord;
	BIGNUM *x = NULL, *y = NULL;

	if (EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
	    EVP_PKEY_get_bn_param(evp, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1 || BN_bn2binpad(x, point + 1, coord) < 0 ||
	    BN_bn2binpad(y, point + 1 + coord, coord) < 0)
		out->err = out->err ? out->err : ERR_CRYPTO;
	buf_cstring(out, kind->curve);
	buf_string(out, span(point, 1 + 2 * (size_t)coord));
	put_bn(out, evp, OSSL_PKEY_PARAM_PRIV_KEY);
	BN_free(x);
	BN_free(y);
}

static void put_ed25519(struct buf *out, const EVP_PKEY *evp, const struct key_kind *kind)
{
	uint8_t sk[2 * ED25519_LEN];
	size_t seed = ED25519_LEN, pk = ED25519_LEN;

	(void)kind;
	if (EVP_PKEY_get_raw_private_key(evp, sk, &seed) != 1 ||
	    EVP_PKEY_get_raw_public_key(evp, sk + ED25519_LEN, &pk) != 1)
		out->err = out->err ? out->err : ERR_CRYPTO;
	buf_string(out, span(sk + ED25519_LEN, ED25519_LEN));
	buf_string(out, span(sk, sizeof(sk)));
	wipe(sk, sizeof(sk));
}

static void (*const writers[])(struct buf *, const EVP_PKEY *, const struct key_kind *) = {
	[KEY_ED25519] = put_ed25519,
	[KEY_ECDSA] = put_ecdsa,
	[KEY_RSA] = put_rsa,
};

/* libcrypto's names and ours. */
static const struct {
	const char *type, *group, *ssh;
} types[] = {
	{ "ED25519", NULL, "ssh-ed25519" },
	{ "EC", "prime256v1", "ecdsa-sha2-nistp256" },
	{ "EC", "secp384r1", "ecdsa-sha2-nistp384" },
	{ "EC", "secp521r1", "ecdsa-sha2-nistp521" },
	{ "RSA", NULL, "ssh-rsa" },
};

static const struct key_kind *evp_kind(const EVP_PKEY *evp)
{
	char group[32] = "";
	size_t n;

	if (EVP_PKEY_get_group_name(evp, group, sizeof(group), &n) != 1)
		group[0] = 0;
	for (size_t i = 0; i < LEN(types); i++)
		if (EVP_PKEY_is_a(evp, types[i].type) && (!types[i].group || strcmp(group, types[i].group) == 0))
			return kind_find_plain(span_str(types[i].ssh));
	return NULL;
}

static int put_fields(struct buf *out, const EVP_PKEY *evp, const struct key_kind *kind)
{
	buf_cstring(out, kind->type);
	writers[kind->family](out, evp, kind);
	return buf_err(out);
}

int pkey_put_fields(const struct pkey *k, struct buf *out)
{
	return put_fields(out, k->evp, k->kind);
}

static int from_evp(struct pkey **out, const struct crypto *c, const EVP_PKEY *evp)
{
	const struct key_kind *kind = evp_kind(evp);
	struct buf fields = BUF(FIELDS_MAX);
	int err;

	if (!kind)
		return ERR_NOT_FOUND;
	err = put_fields(&fields, evp, kind);
	if (!err) {
		struct rd in = rd(buf_span(&fields));

		err = pkey_from_fields(out, c, &in);
	}
	buf_fini(&fields);
	return err;
}

struct pass {
	const char *text;
	bool asked;
};

/* libcrypto asks only when the file is encrypted. */
static int on_pass(char *dst, int cap, int writing, void *user)
{
	struct pass *pass = user;
	size_t n = pass->text ? strlen(pass->text) : 0;

	(void)writing;
	pass->asked = true;
	if (!pass->text || n > (size_t)cap)
		return -1;
	memcpy(dst, pass->text, n);
	return (int)n;
}

int pkey_from_pem(struct pkey **out, const struct crypto *c, struct span pem, const char *passphrase)
{
	struct pass pass = { passphrase, false };
	BIO *bio = pem.n <= PKEY_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, on_pass, &pass) : NULL;
	int err = pass.asked ? ERR_PASSPHRASE : ERR_SYNTAX;

	if (evp)
		err = from_evp(out, c, evp);
	EVP_PKEY_free(evp);
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

static EVP_PKEY *generate(const struct key_kind *kind)
{
	if (kind->family == KEY_RSA)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)3072);
	if (kind->family == KEY_ECDSA)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind->group);
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

int pkey_generate(struct pkey **out, const struct crypto *c, const char *key_type)
{
	const struct key_kind *kind = kind_find_plain(span_str(key_type));
	EVP_PKEY *evp;
	int err = ERR_CRYPTO;

	if (!kind || kind->family == KEY_SK)
		return ERR_NOT_FOUND;
	evp = generate(kind);
	if (evp)
		err = from_evp(out, c, evp);
	EVP_PKEY_free(evp);
	return err;
}
