/* Diffie-Hellman on elliptic curves (RFC 8731, RFC 5656 section 4): the exchange, and the keys of X25519. The keys of
 * the NIST curves are kex_ecp.c's. */
#include "crypto/kex_impl.h"

enum { X25519_LEN = 32, SECRET_MAX = 66 };

static int x25519_own(EVP_PKEY **own, struct rng *rng, struct buf *blob)
{
	uint8_t secret[X25519_LEN], point[X25519_LEN];
	size_t n = sizeof(point);
	int err = rng_bytes(rng, secret, sizeof(secret));

	if (err)
		return err;
	*own = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, secret, sizeof(secret));
	wipe(secret, sizeof(secret));
	if (!*own || EVP_PKEY_get_raw_public_key(*own, point, &n) != 1 || n != sizeof(point))
		return lib_fail(ERR_CRYPTO);
	buf_bytes(blob, span(point, n));
	return buf_err(blob);
}

/* Leaves what it made in *own, also when it fails. */
static int make_own(EVP_PKEY **own, const struct kex_alg *alg, struct rng *rng, struct buf *blob)
{
	return alg->curve == CURVE_X25519 ? x25519_own(own, rng, blob) : ecp_own(own, alg->curve, rng, blob);
}

static EVP_PKEY *peer_of(const struct kex_alg *alg, struct span point)
{
	if (alg->curve != CURVE_X25519)
		return ecp_peer(alg->curve, point);
	return EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, point.p, point.n);
}

/* RFC 8731 section 3: abort on the all-zero value that points of low order give. */
static bool is_zero(const uint8_t *p, size_t n)
{
	static const uint8_t zeros[SECRET_MAX];

	return secret_eq(p, zeros, n);
}

/* The point is checked already, as far as its curve needs it. */
static int derive(EVP_PKEY *own, EVP_PKEY *peer, struct buf *secret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	uint8_t z[SECRET_MAX];
	size_t n = sizeof(z);
	int err = ERR_CRYPTO;

	if (ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1)
		err = EVP_PKEY_derive(ctx, z, &n) == 1 && !is_zero(z, n) ? OK : ERR_KEX;
	EVP_PKEY_CTX_free(ctx);
	if (!err)
		buf_bytes(secret, span(z, n));
	wipe(z, sizeof(z));
	return err ? lib_fail(err) : buf_err(secret);
}

static int dh_begin(struct kex_key *key, const struct crypto *c, struct rng *rng, struct buf *blob)
{
	(void)c;
	return make_own(&key->own, key->alg, rng, blob);
}

static int dh_end(const struct kex_key *key, const struct crypto *c, struct span server_blob, struct buf *secret)
{
	EVP_PKEY *peer = peer_of(key->alg, server_blob);
	int err = peer ? derive(key->own, peer, secret) : lib_fail(ERR_KEX);

	(void)c;
	EVP_PKEY_free(peer);
	return err;
}

static int dh_reply(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct span client_blob,
		    struct buf *blob, struct buf *secret)
{
	EVP_PKEY *peer = peer_of(alg, client_blob), *own = NULL;
	size_t old = blob->n;
	int err = peer ? make_own(&own, alg, rng, blob) : lib_fail(ERR_KEX);

	(void)c;
	if (!err)
		err = derive(own, peer, secret);
	if (err)
		blob->n = old;
	EVP_PKEY_free(own);
	EVP_PKEY_free(peer);
	return err;
}

const struct kex_ops dh_ops = { dh_begin, dh_end, dh_reply };
