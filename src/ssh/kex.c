/* Key exchange and re-exchange (RFC 4253 sections 7 to 9, RFC 5656, RFC 8731, OpenSSH's strict KEX).
 *
 *      client                        server
 *      KEXINIT      ------------->
 *                   <-------------   KEXINIT          either may be first, also later for new keys
 *      KEX_ECDH_INIT ------------>
 *                   <-------------   KEX_ECDH_REPLY, NEWKEYS
 *      NEWKEYS      ------------->                    after signature and host key were accepted
 *
 * From our KEXINIT to our NEWKEYS we send nothing else (kex_holds_tx); from the peer's KEXINIT to its NEWKEYS we accept
 * nothing else (kex_holds_rx). The exchange hash and the keys are kexhash.c's. */
#include "ssh/engine.h"
#include "ssh/kexhash.h"

enum { FREE_REKEY_BYTES = 64 << 20, REKEY_BURST = 100 };

bool kex_holds_tx(const struct conn *c)
{
	return c->kex.sent_init && !c->kex.newkeys_sent;
}

bool kex_holds_rx(const struct conn *c)
{
	return c->kex.got_init && !c->kex.newkeys_got;
}

bool kex_running(const struct conn *c)
{
	return c->kex.sent_init || c->kex.got_init;
}

static int send_ecdh_init(struct conn *c, const struct kex_alg *alg)
{
	struct kex *k = &c->kex;
	struct buf out = BUF(KEX_BLOB_MAX + 16);
	int err;

	buf_clear(&k->share);
	kex_key_free(k->key);
	k->key = NULL;
	err = kex_begin(alg, c->crypto, &c->rng, &k->key, &k->share);
	buf_u8(&out, MSG_KEX_ECDH_INIT);
	buf_string(&out, buf_span(&k->share));
	if (!err)
		err = buf_err(&out);
	err = err ? conn_fail(c, err, "cannot make a key for the exchange") : tx_now(c, buf_span(&out));
	buf_fini(&out);
	return err;
}

/* New keys with a server that likes what we like: the method is known before it answers, and guessing it saves a round
 * trip of silence (RFC 4253 section 7). A first exchange knows nothing, so it never guesses. */
static bool sure(const struct conn *c)
{
	return c->role == ROLE_CLIENT && !c->kex.first && c->kex.used.servers_best;
}

int kex_start(struct conn *c)
{
	struct kex *k = &c->kex;

	if (k->sent_init || c->err)
		return c->err;
	k->newkeys_sent = false;
	k->started_ms = c->now_ms;
	k->guessed = sure(c);
	if (propose_write(c, &k->our_init, k->guessed) != OK)
		return conn_fail(c, ERR_NOMEM, "no memory for KEXINIT");
	if (tx_now(c, buf_span(&k->our_init)) != OK)
		return c->err;
	k->sent_init = true;
	return k->guessed ? send_ecdh_init(c, k->used.kex) : OK;
}

/* ---- limits of the running keys ---- */

static bool worn(const struct conn *c, uint64_t bytes, uint64_t packets, const struct cipher_alg *alg)
{
	uint64_t limit = c->setup.rekey_bytes ? MIN(c->setup.rekey_bytes, alg->rekey_bytes) : alg->rekey_bytes;

	return bytes >= limit || packets >= 1ull << 31; /* RFC 4344 section 3.1 */
}

int kex_consider(struct conn *c)
{
	const struct kex *k = &c->kex;
	bool client = c->role == ROLE_CLIENT;
	bool due;

	if (c->err || c->life != LIFE_OPEN || kex_running(c))
		return c->err;
	due = worn(c, c->tx.key_bytes, c->tx.key_packets, k->used.cipher[!client]) ||
	      worn(c, c->rx.key_bytes, c->rx.key_packets, k->used.cipher[client]) ||
	      (c->setup.rekey_ms && c->now_ms - k->done_ms >= c->setup.rekey_ms);
	return due ? kex_start(c) : OK;
}

/* A client's person may think for as long as they like; a server's signature has to come. */
uint64_t kex_deadline(const struct conn *c)
{
	if (kex_running(c) && c->life != LIFE_IDENT && (!c->blocking || c->role == ROLE_SERVER))
		return c->kex.started_ms + KEX_MS;
	if (c->life == LIFE_OPEN && c->setup.rekey_ms)
		return c->kex.done_ms + c->setup.rekey_ms;
	return UINT64_MAX;
}

/* A peer that wants new keys after little data pays from a small purse; beyond it the exchange goes on a second later,
 * and the peer may send nothing meanwhile. One that answers our KEXINIT pays nothing. */
static void charge_rekey(struct conn *c)
{
	struct kex *k = &c->kex;

	if (k->first || k->sent_init || c->tx.bytes + c->rx.bytes - k->bytes_at_done >= FREE_REKEY_BYTES)
		return;
	k->tokens = MIN(k->tokens + (double)(c->now_ms - k->done_ms) / 1000, REKEY_BURST);
	if (k->tokens >= 1)
		k->tokens -= 1;
	else
		c->rx.pause_ms = c->now_ms + 1000;
}

/* ---- messages ---- */

/* Strict KEX asks that the peer's first packet is KEXINIT: nothing can have been slipped in before. */
static int freeze_first(struct conn *c)
{
	struct kex *k = &c->kex;

	if (!k->first)
		return OK;
	k->strict = k->suite.strict;
	k->ext_info = k->suite.ext_info;
	if (k->strict && c->rx.seq != 1)
		return conn_fail(c, ERR_PROTO, "strict key exchange: KEXINIT was not the first packet");
	return OK;
}

int on_kexinit(struct conn *c, struct rd *in, struct event *ev)
{
	struct kex *k = &c->kex;

	(void)ev;
	if (k->got_init)
		return conn_fail(c, ERR_PROTO, "KEXINIT inside a key exchange");
	buf_clear(&k->peer_init);
	buf_u8(&k->peer_init, MSG_KEXINIT);
	buf_bytes(&k->peer_init, rd_rest(in));
	if (buf_err(&k->peer_init))
		return conn_fail(c, ERR_NOMEM, "no memory for the peer's KEXINIT");
	charge_rekey(c);
	if (kex_start(c) != OK || propose_choose(c, &k->suite) != OK || freeze_first(c) != OK)
		return c->err;
	k->got_init = true;
	k->newkeys_got = false;
	k->awaiting = true;
	k->skip_next = k->suite.wrong_guess;
	if (c->role == ROLE_SERVER || (k->guessed && k->suite.servers_best))
		return OK;
	return send_ecdh_init(c, k->suite.kex);
}

/* Its packet may have any number that a method of key exchange uses. */
bool kex_skips(struct conn *c, uint8_t type)
{
	if (!c->kex.skip_next || type < 30 || type > 49)
		return false;
	c->kex.skip_next = false;
	return true;
}

/* NEWKEYS is sent only when the keys are there: whatever follows it must be under them. */
static int send_newkeys(struct conn *c)
{
	static const uint8_t newkeys = MSG_NEWKEYS;
	struct kex *k = &c->kex;
	struct cipher *next;

	if (kexhash_keys(c, CIPHER_OPEN, &k->next_rx) != OK || kexhash_keys(c, CIPHER_SEAL, &next) != OK)
		return c->err;
	if (tx_now(c, span(&newkeys, 1)) != OK) {
		cipher_free(next);
		return c->err;
	}
	tx_rekey(c, next, k->strict);
	k->newkeys_sent = true;
	return OK;
}

int on_kex_ecdh_reply(struct conn *c, struct rd *in, struct event *ev)
{
	struct kex *k = &c->kex;
	struct span host_key, blob, sig;
	struct why why = { "" };

	if (!k->awaiting)
		return conn_fail(c, ERR_PROTO, "unexpected KEX_ECDH_REPLY");
	k->awaiting = false;
	host_key = rd_string(in);
	blob = rd_string(in);
	sig = rd_string(in);
	if (!rd_done(in))
		return conn_fail(c, ERR_PROTO, "malformed KEX_ECDH_REPLY");
	if (!k->first && !span_eq(host_key, buf_span(&k->host_key)))
		return conn_fail(c, ERR_HOST_KEY, "the server changed its host key while keys were renewed");
	if (kexhash_client(c, host_key, blob) != OK)
		return c->err;
	if (pkey_verify(c->crypto, k->suite.host_key, host_key, sig, buf_span(&k->hash), c->setup.rsa_min_bits, &why))
		return conn_fail(c, ERR_KEX, "the server's signature is wrong: %s", why.text);
	if (!k->first)
		return send_newkeys(c);
	buf_bytes(&k->host_key, host_key);
	if (buf_err(&k->host_key))
		return conn_fail(c, ERR_NOMEM, "no memory for the host key");
	ev->kind = EV_HOST_KEY;
	ev->blob = buf_span(&k->host_key);
	ev->extra = sig;
	ev->alg = k->suite.host_key;
	question_block(c, ev);
	return OK;
}

int kex_host_key_answer(struct conn *c, const struct answer *a)
{
	if (!a->yes)
		return conn_fail(c, ERR_HOST_KEY, "host key not accepted");
	c->kex.started_ms = c->now_ms; /* a person may have thought for a while */
	if (send_newkeys(c) != OK)
		return c->err;
	return auth_begin(c);
}

/* ---- server ---- */

int on_kex_ecdh_init(struct conn *c, struct rd *in, struct event *ev)
{
	struct kex *k = &c->kex;
	struct span host_key, blob;

	blob = rd_string(in);
	if (!k->awaiting || !rd_done(in))
		return conn_fail(c, ERR_PROTO, "unexpected or malformed KEX_ECDH_INIT");
	k->awaiting = false;
	host_key = hostkeys_for(c, k->suite.host_key);
	if (!host_key.n)
		return conn_fail(c, ERR_KEX, "no host key for %s", k->suite.host_key->name);
	if (kexhash_server(c, host_key, blob) != OK)
		return c->err;
	ev->kind = EV_SIGN;
	ev->blob = host_key;
	ev->alg = k->suite.host_key;
	ev->text = buf_span(&k->hash);
	question_block(c, ev);
	return OK;
}

int kex_sign_answer(struct conn *c, const struct answer *a)
{
	struct kex *k = &c->kex;

	if (!a->data.n)
		return conn_fail(c, ERR_KEX, "cannot sign with the host key");
	buf_string(&k->reply, a->data);
	if (buf_err(&k->reply))
		return conn_fail(c, ERR_NOMEM, "no memory for KEX_ECDH_REPLY");
	if (tx_now(c, buf_span(&k->reply)) != OK || send_newkeys(c) != OK)
		return c->err;
	if (!k->first)
		return OK;
	if (k->ext_info && send_ext_info(c) != OK)
		return c->err;
	buf_fini(&c->sig_algs); /* said once */
	return OK;
}

bool conn_exchange(const struct conn *c, struct exchange *x)
{
	struct rd in = rd(buf_span(&c->kex.reply));
	struct span host_key;

	if (c->err || c->role != ROLE_SERVER || !c->blocking || c->blocking_kind != EV_SIGN)
		return false;
	rd_u8(&in);
	host_key = rd_string(&in);
	kexhash_inputs(c, host_key, rd_string(&in), x);
	return true;
}

/* ---- the end of an exchange ---- */

static int finish(struct conn *c, struct event *ev)
{
	struct kex *k = &c->kex;
	struct buf *done[] = { &k->our_init, &k->peer_init, &k->secret, &k->hash, &k->share, &k->reply };
	bool first = k->first;

	k->sent_init = k->got_init = k->first = false;
	k->used = k->suite;
	k->done_ms = c->now_ms;
	k->bytes_at_done = c->tx.bytes + c->rx.bytes;
	kex_key_free(k->key);
	k->key = NULL;
	for (size_t i = 0; i < LEN(done); i++)
		buf_fini(done[i]);
	ev->kind = EV_NEGOTIATED;
	if (!first) {
		k->rekeys++;
		return OK;
	}
	c->life = LIFE_AUTH;
	return OK;
}

int on_newkeys(struct conn *c, struct rd *in, struct event *ev)
{
	struct kex *k = &c->kex;

	if (!rd_done(in) || !k->next_rx)
		return conn_fail(c, ERR_PROTO, "unexpected or malformed NEWKEYS");
	rx_rekey(c, k->next_rx, k->strict);
	k->next_rx = NULL;
	k->newkeys_got = true;
	return finish(c, ev);
}

void kex_fini(struct conn *c)
{
	struct kex *k = &c->kex;
	struct buf *all[] = { &k->our_init, &k->peer_init, &k->secret,	   &k->hash,
			      &k->share,    &k->reply,	   &k->session_id, &k->host_key };

	for (size_t i = 0; i < LEN(all); i++)
		buf_fini(all[i]);
	kex_key_free(k->key);
	cipher_free(k->next_rx);
}
