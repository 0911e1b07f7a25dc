/* The exchange hash and key derivation. */
#include "ssh/kexhash.h"

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

static int hash_exchange(struct conn *c, struct span host_key, struct span client_blob, struct span server_blob)
{
	struct kex *k = &c->kex;
	bool client = c->role == ROLE_CLIENT;
	struct buf all = BUF(1 << 20);
	size_t size = hash_size(k->suite.kex->hash);
	uint8_t *h;
	int err;

	buf_string(&all, buf_span(client ? &c->our_ident : &c->peer_ident));
	buf_string(&all, buf_span(client ? &c->peer_ident : &c->our_ident));
	buf_string(&all, buf_span(client ? &k->our_init : &k->peer_init));
	buf_string(&all, buf_span(client ? &k->peer_init : &k->our_init));
	buf_string(&all, host_key);
	buf_string(&all, client_blob);
	buf_string(&all, server_blob);
	buf_bytes(&all, buf_span(&k->secret));
	buf_clear(&k->hash);
	h = buf_add(&k->hash, size);
	err = buf_err(&all) || !h ? ERR_NOMEM : OK;
	if (!err) {
		struct span s = buf_span(&all);

		err = hash_spans(c->crypto, k->suite.kex->hash, &s, 1, h);
	}
	buf_fini(&all);
	if (!err && k->first) {
		buf_bytes(&k->session_id, buf_span(&k->hash));
		err = buf_err(&k->session_id);
	}
	return err;
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
		err = hash_exchange(c, host_key, buf_span(&k->reply), server_blob);
	return fail(c, err);
}

int kexhash_server(struct conn *c, struct span host_key, struct span client_blob)
{
	struct kex *k = &c->kex;
	struct buf blob = BUF(KEX_BLOB_MAX);
	int err;

	buf_clear(&k->secret);
	err = kex_reply(k->suite.kex, c->crypto, &c->rng, client_blob, &blob, &k->secret);
	if (!err)
		err = encode_secret(c);
	if (!err)
		err = hash_exchange(c, host_key, client_blob, buf_span(&blob));
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
