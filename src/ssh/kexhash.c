/* The exchange hash and key derivation. */
#include "ssh/kexhash.h"

void kexhash_inputs(const struct conn *c, struct span host_key, struct span server_share, struct exchange *x)
{
	const struct kex *k = &c->kex;
	bool client = c->role == ROLE_CLIENT;

	*x = (struct exchange){
		.kex = k->suite.kex,
		.client_ident = buf_span(client ? &c->our_ident : &c->peer_ident),
		.server_ident = buf_span(client ? &c->peer_ident : &c->our_ident),
		.client_init = buf_span(client ? &k->our_init : &k->peer_init),
		.server_init = buf_span(client ? &k->peer_init : &k->our_init),
		.host_key = host_key,
		.client_share = buf_span(&k->share),
		.server_share = server_share,
		.secret = buf_span(&k->secret),
		.first = k->first,
	};
}

/* kex.secret holds K as raw bytes; afterwards in the encoding of this method. */
static int encode_secret(struct conn *c)
{
	struct kex *k = &c->kex;
	struct buf enc = BUF(KEX_BLOB_MAX);

	if (k->suite.kex->encoding == KEX_MPINT)
		buf_mpint(&enc, buf_span(&k->secret));
	else
		buf_string(&enc, buf_span(&k->secret));
	buf_fini(&k->secret);
	k->secret = enc;
	return buf_err(&enc);
}

/* Fills kex.hash, and the session identifier by the first exchange. */
static int hash_exchange(struct conn *c, struct span host_key, struct span server_share)
{
	struct kex *k = &c->kex;
	struct exchange x;
	uint8_t hash[HASH_MAX];
	size_t n;
	int err;

	kexhash_inputs(c, host_key, server_share, &x);
	err = kexhash_of(c->crypto, &x, hash, &n);
	if (err)
		return err;
	buf_clear(&k->hash);
	buf_bytes(&k->hash, span(hash, n));
	if (k->first)
		buf_bytes(&k->session_id, span(hash, n));
	return buf_err(&k->hash) || buf_err(&k->session_id) ? ERR_NOMEM : OK;
}

static int fail(struct conn *c, int err)
{
	if (err == OK || c->err)
		return c->err;
	if (err == ERR_NOMEM)
		return conn_fail(c, err, "no memory for the key exchange");
	return conn_fail(c, ERR_KEX, "the peer's part of the key exchange is not valid");
}

int kexhash_client(struct conn *c, struct span host_key, struct span server_blob)
{
	struct kex *k = &c->kex;
	int err;

	buf_clear(&k->secret);
	err = kex_end(k->key, c->crypto, server_blob, &k->secret);
	if (!err)
		err = encode_secret(c);
	if (!err)
		err = hash_exchange(c, host_key, server_blob);
	return fail(c, err);
}

int kexhash_server(struct conn *c, struct span host_key, struct span client_blob)
{
	struct kex *k = &c->kex;
	struct buf blob = BUF(KEX_BLOB_MAX);
	int err;

	buf_clear(&k->secret);
	buf_clear(&k->share);
	buf_bytes(&k->share, client_blob);
	err = buf_err(&k->share);
	if (!err)
		err = kex_reply(k->suite.kex, c->crypto, &c->rng, client_blob, &blob, &k->secret);
	if (!err)
		err = encode_secret(c);
	if (!err)
		err = hash_exchange(c, host_key, buf_span(&blob));
	buf_clear(&k->reply);
	buf_u8(&k->reply, MSG_KEX_ECDH_REPLY);
	buf_string(&k->reply, host_key);
	buf_string(&k->reply, buf_span(&blob));
	if (!err)
		err = buf_err(&k->reply);
	buf_fini(&blob);
	return fail(c, err);
}

static int derive(struct conn *c, char letter, uint8_t *out, size_t n)
{
	struct kex *k = &c->kex;

	return kex_derive(c->crypto, k->suite.kex->hash, buf_span(&k->secret), buf_span(&k->hash),
			  buf_span(&k->session_id), letter, out, n);
}

int kexhash_keys(struct conn *c, enum cipher_dir dir, struct cipher **out)
{
	/* RFC 4253 section 7.2: A, C, E are the client's sending keys, B, D, F the server's. */
	int way = (c->role == ROLE_CLIENT) != (dir == CIPHER_SEAL);
	const struct cipher_alg *alg = c->kex.suite.cipher[way];
	const struct mac_alg *mac = c->kex.suite.mac[way];
	uint8_t iv[CIPHER_IV_MAX], key[CIPHER_KEY_MAX], mac_key[MAC_KEY_MAX];
	int err = derive(c, (char)('A' + way), iv, alg->iv_len);

	if (!err)
		err = derive(c, (char)('C' + way), key, alg->key_len);
	if (!err && mac)
		err = derive(c, (char)('E' + way), mac_key, mac->key_len);
	if (!err)
		err = cipher_new(out, c->crypto, alg, mac, dir, key, iv, mac_key);
	wipe(iv, sizeof(iv));
	wipe(key, sizeof(key));
	wipe(mac_key, sizeof(mac_key));
	return err ? conn_fail(c, err, "cannot set up the new keys") : OK;
}
