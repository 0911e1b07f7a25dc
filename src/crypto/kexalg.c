/* The table of key exchanges and the way to the one that was negotiated. The arithmetic is kex_dh.c's. */
#include "crypto/kexalg.h"

#include <stdlib.h>

#include "crypto/kex_impl.h"

static const struct kex_alg table[] = {
	{ "curve25519-sha256", HASH_SHA256, KEX_MPINT, 32, 32, &dh_ops, CURVE_X25519 },
	{ "curve25519-sha256@libssh.org", HASH_SHA256, KEX_MPINT, 32, 32, &dh_ops, CURVE_X25519 },
	{ "ecdh-sha2-nistp256", HASH_SHA256, KEX_MPINT, 65, 65, &dh_ops, CURVE_P256 },
	{ "ecdh-sha2-nistp384", HASH_SHA384, KEX_MPINT, 97, 97, &dh_ops, CURVE_P384 },
	{ "ecdh-sha2-nistp521", HASH_SHA512, KEX_MPINT, 133, 133, &dh_ops, CURVE_P521 },
	{ 0 },
};

const struct kex_alg *kex_table(void)
{
	return table;
}

const struct kex_alg *kex_find(struct span name)
{
	for (const struct kex_alg *a = table; a->name; a++)
		if (span_is(name, a->name))
			return a;
	return NULL;
}

int kex_begin(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct kex_key **key,
	      struct buf *blob)
{
	struct kex_key *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return ERR_NOMEM;
	k->alg = alg;
	err = alg->ops->begin(k, c, rng, blob);
	if (err)
		kex_key_free(k);
	else
		*key = k;
	return err;
}

int kex_end(struct kex_key *key, const struct crypto *c, struct span server_blob, struct buf *secret)
{
	if (server_blob.n != key->alg->server_len)
		return ERR_KEX;
	return key->alg->ops->end(key, c, server_blob, secret);
}

int kex_reply(const struct kex_alg *alg, const struct crypto *c, struct rng *rng, struct span client_blob,
	      struct buf *blob, struct buf *secret)
{
	if (client_blob.n != alg->client_len)
		return ERR_KEX;
	return alg->ops->reply(alg, c, rng, client_blob, blob, secret);
}

void kex_key_free(struct kex_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->own); /* wipes */
	free(key);
}
