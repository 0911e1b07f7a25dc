/* Key exchange with a hostile peer (RFC 4253 sections 7 to 9, RFC 5656, RFC 8731, strict key exchange). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

#define DENIED	 ERR_PROTO, DISC_PROTOCOL_ERROR
#define NO_MATCH ERR_KEX, DISC_KEX_FAILED
#define NOTE(b)	 BYTES(b), NULL
#define LAX                 \
	{                   \
		.lax = true \
	}
#define ASYNCSSH                              \
	{                                     \
		.software = "AsyncSSH_2.10.1" \
	}

/* ---- what may stand where ---- */

static void ignore_first(struct evil *e)
{
	evil_say(e, "bs", MSG_IGNORE, "");
	assert_int_equal(conn_error(e->us), OK); /* it may still be a peer that knows nothing of strictness */
	evil_offer(e, NULL);
}

static void unimplemented_first(struct evil *e)
{
	evil_say(e, "bu", MSG_UNIMPLEMENTED, 0u);
}

static void unknown_first(struct evil *e)
{
	evil_say(e, "b", 200);
}

static void kexinit_twice(struct evil *e)
{
	evil_offer(e, NULL);
}

static void newkeys_twice(struct evil *e)
{
	static const uint8_t newkeys = MSG_NEWKEYS;

	evil_newkeys(e);
	evil_send(e, span(&newkeys, 1));
}

static void share_twice(struct evil *e)
{
	evil_ecdh(e);
	evil_ecdh(e);
}

static void share_for_no_exchange(struct evil *e)
{
	evil_say(e, "bs", e->setup.role == ROLE_SERVER ? MSG_KEX_ECDH_INIT : MSG_KEX_ECDH_REPLY, "share");
}

/* The number of the other role, while an exchange runs. */
static void share_of_the_wrong_side(struct evil *e)
{
	evil_say(e, "bs", e->setup.role == ROLE_SERVER ? MSG_KEX_ECDH_REPLY : MSG_KEX_ECDH_INIT, "share");
}

static void open_in_between(struct evil *e)
{
	evil_open(e, 1, 1000, 1000);
}

static void login_in_between(struct evil *e)
{
	if (e->setup.role == ROLE_SERVER)
		evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none");
	else
		evil_say(e, "b", MSG_USERAUTH_SUCCESS);
}

static void service_in_between(struct evil *e)
{
	evil_say(e, "bs", e->setup.role == ROLE_SERVER ? MSG_SERVICE_REQUEST : MSG_SERVICE_ACCEPT, "ssh-userauth");
}

static void rekey_before_the_login(struct evil *e)
{
	evil_offer(e, NULL);
}

/* Generic messages do no harm where the peer is not strict, nor in later exchanges. */
static void noise(struct evil *e)
{
	evil_say(e, "bs", MSG_IGNORE, "noise");
	evil_say(e, "bbss", MSG_DEBUG, 0, "noise", "");
}

static void noisy_exchange(struct evil *e)
{
	noise(e);
	evil_offer(e, NULL);
	noise(e);
	evil_ecdh(e);
	noise(e);
	evil_newkeys(e);
	noise(e);
	assert_int_equal(e->events[EV_NEGOTIATED], 1);
}

static void question_about_the_host_key(struct evil *e)
{
	static const uint8_t newkeys = MSG_NEWKEYS;

	assert_int_equal(e->last.kind, EV_HOST_KEY);
	evil_send(e, span(&newkeys, 1)); /* waits for the answer */
	assert_int_equal(evil_count(e, 0), 0);
	evil_wait(e, 10 * KEX_MS); /* a person thinks */
	evil_answer(e, false);
	evil_run(e);
}

/* ---- offers ---- */

static void offer(struct evil *e, size_t i, const char *names)
{
	struct offer o = { 0 };

	o.list[i] = names;
	evil_offer(e, &o);
}

#define OFFER(name, i, names)            \
	static void name(struct evil *e) \
	{                                \
		offer(e, i, names);      \
	}
OFFER(no_kex, 0, "diffie-hellman-group1-sha1,frob@example.com")
OFFER(no_host_key, 1, "ssh-dss")
OFFER(no_cipher_out, 2, "3des-cbc")
OFFER(no_cipher_in, 3, "aes128-cbc,none")
OFFER(no_mac, 4, "hmac-md5")
OFFER(only_zlib, 6, "zlib")
OFFER(only_zlib_back, 7, "zlib@openssh.com,zlib")
OFFER(empty_kex, 0, "")
OFFER(only_commas, 0, ",,,,")
OFFER(only_strict, 0, "kex-strict-s-v00@openssh.com,kex-strict-c-v00@openssh.com")
OFFER(only_ext_info, 0, "ext-info-s,ext-info-c")
OFFER(only_guess, 0, "kexguess2@matt.ucc.asn.au")
OFFER(commas_between, 0, ",,curve25519-sha256,,ecdh-sha2-nistp256,")
OFFER(space, 0, "curve25519-sha256, ecdh-sha2-nistp256")
OFFER(control, 1, "ssh-ed25519,\x1b[2J")
OFFER(not_ascii, 1, "ssh-ed25519,\xc3\xa4")
OFFER(prefix, 0, "curve25519-sha25")
OFFER(suffix, 0, "curve25519-sha2566")
OFFER(language, 8, "en,de")

static void names(struct evil *e, size_t count, const char *name, const char *last)
{
	struct buf list = BUF(1 << 16);

	for (size_t i = 1; i < count; i++)
		buf_printf(&list, "%s,", name);
	buf_printf(&list, "%s", last);
	buf_u8(&list, 0);
	offer(e, 0, (const char *)list.p);
	buf_fini(&list);
}

static void names_63(struct evil *e)
{
	names(e, 63, "x", "curve25519-sha256");
}

static void names_64(struct evil *e)
{
	names(e, 64, "x", "curve25519-sha256");
}

static void names_65(struct evil *e)
{
	names(e, 65, "x", "curve25519-sha256");
}

static void list_of(struct evil *e, size_t n)
{
	char list[8300];

	memset(list, 'x', n);
	memcpy(list, "curve25519-sha256,", 18);
	list[n] = 0;
	offer(e, 0, list);
}

static void list_8191(struct evil *e)
{
	list_of(e, 8191);
}

static void list_8192(struct evil *e)
{
	list_of(e, 8192);
}

static void list_8193(struct evil *e)
{
	list_of(e, 8193);
}

static void list_of_commas(struct evil *e)
{
	char list[30001];

	memset(list, ',', 30000);
	list[30000] = 0;
	offer(e, 0, list);
}

/* A NUL inside a name. */
static void nul(struct evil *e)
{
	struct buf out = BUF(1 << 16);
	uint8_t *comma;

	evil_offer_payload(e, NULL, &out);
	comma = memchr(out.p + 21, ',', out.n - 21);
	*comma = 0;
	evil_send(e, buf_span(&out));
	buf_fini(&out);
}

static void reserved(struct evil *e)
{
	const struct offer o = { .reserved = 0xffffffff };

	evil_offer(e, &o);
	evil_ecdh(e);
	evil_newkeys(e);
	assert_int_equal(e->events[EV_NEGOTIATED], 1);
}

static void finish(struct evil *e)
{
	evil_ecdh(e);
	evil_newkeys(e);
	assert_int_equal(e->events[EV_NEGOTIATED], 1);
}

static void commas_and_on(struct evil *e)
{
	commas_between(e);
	finish(e);
}

/* A pseudo-name in front of a real one on both sides must not be taken. */
static void strict_in_front(struct evil *e)
{
	offer(e, 0,
	      "kex-strict-c-v00@openssh.com,kex-strict-s-v00@openssh.com,ext-info-c,ext-info-s,curve25519-sha256");
	finish(e);
	assert_string_equal(e->us->kex.used.kex->name, "curve25519-sha256");
}

/* Strictness is settled by the first exchange. */
static void strict_too_late(struct evil *e)
{
	struct offer o = { 0 };
	struct negotiated n;

	o.list[0] = e->setup.role == ROLE_CLIENT ? "curve25519-sha256,kex-strict-s-v00@openssh.com"
						 : "curve25519-sha256,kex-strict-c-v00@openssh.com";
	evil_offer(e, &o);
	noise(e);
	evil_ecdh(e);
	noise(e);
	evil_newkeys(e);
	conn_negotiated(e->us, &n);
	assert_false(n.strict);
	assert_in_range(e->us->rx.seq, 5, 100); /* and the numbers go on */
	assert_int_equal(e->us->rx.seq, e->peer->tx.seq);
}

/* The other side's name says nothing. */
static void strict_of_the_wrong_side(struct evil *e)
{
	offer(e, 0,
	      e->setup.role == ROLE_CLIENT ? "curve25519-sha256,kex-strict-c-v00@openssh.com"
					   : "curve25519-sha256,kex-strict-s-v00@openssh.com");
	e->peer->kex.strict = false;
	finish(e);
	assert_false(e->us->kex.strict);
}

/* Both ways, every time. */
static void numbers_start_anew(struct evil *e)
{
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < 5; k++)
			evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "keepalive@example.com", 1);
		assert_int_equal(e->us->rx.seq, e->peer->tx.seq);
		evil_rekey(e);
		assert_int_equal(e->us->rx.seq, 0);
		assert_int_equal(e->us->tx.seq, 0);
		assert_int_equal(e->us->kex.rekeys, i + 1);
	}
}

/* ---- guesses ---- */

static void guess(struct evil *e, const char *kex, const char *host_key, uint8_t number, bool right)
{
	struct offer o = { .list = { kex, host_key }, .follows = true };

	evil_offer(e, &o);
	if (!right) {
		evil_say(e, "bs", number, "a share of another method");
		assert_int_equal(conn_error(e->us), OK);
	}
	evil_ecdh(e);
	evil_newkeys(e);
	assert_int_equal(e->events[EV_NEGOTIATED], 1);
}

#define STRICT_C "kex-strict-c-v00@openssh.com"

static void guess_right(struct evil *e)
{
	guess(e, "curve25519-sha256," STRICT_C, "ssh-ed25519", MSG_KEX_ECDH_INIT, true);
}

static void guess_wrong_kex(struct evil *e)
{
	guess(e, "ecdh-sha2-nistp256,curve25519-sha256," STRICT_C, NULL, MSG_KEX_ECDH_INIT, false);
}

static void guess_wrong_host_key(struct evil *e)
{
	guess(e, "curve25519-sha256," STRICT_C, "ecdsa-sha2-nistp256,ssh-ed25519", MSG_KEX_ECDH_INIT, false);
}

static void guess_foreign_kex(struct evil *e)
{
	guess(e, "diffie-hellman-group-exchange-sha256,curve25519-sha256," STRICT_C, NULL, 34, false);
}

static void guess_of_a_server(struct evil *e)
{
	guess(e, "ecdh-sha2-nistp521,curve25519-sha256,kex-strict-s-v00@openssh.com", NULL, MSG_KEX_ECDH_REPLY, false);
}

/* Our client guesses when it renews keys; a server that now likes another method best makes it try again. */
static void our_guess_wrong(struct evil *e)
{
	const struct offer o = { .list = { "ecdh-sha2-nistp256,curve25519-sha256" } };

	conn_rekey(e->us);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_KEX_ECDH_INIT), 1);
	evil_offer(e, &o);
	assert_int_equal(evil_count(e, MSG_KEX_ECDH_INIT), 2);
	evil_ecdh(e);
	evil_newkeys(e);
	assert_int_equal(e->us->kex.rekeys, 1);
	conn_rekey(e->us); /* now it knows better */
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_KEX_ECDH_INIT), 2);
}

/* Exactly one packet is void. */
static void guess_twice(struct evil *e)
{
	const struct offer o = { .list = { "ecdh-sha2-nistp256,curve25519-sha256," STRICT_C }, .follows = true };

	evil_offer(e, &o);
	evil_say(e, "bs", MSG_KEX_ECDH_INIT, "void");
	evil_say(e, "bs", MSG_KEX_ECDH_INIT, "not void");
}

/* The void packet must belong to the exchange. */
static void guess_ignore(struct evil *e)
{
	const struct offer o = { .list = { "ecdh-sha2-nistp256,curve25519-sha256," STRICT_C }, .follows = true };

	evil_offer(e, &o);
	evil_say(e, "bs", MSG_IGNORE, "");
}

/* It stays as large as it is, however often. */
static void guesses_in_rekeys(struct evil *e)
{
	const struct offer o = { .list = { "ecdh-sha2-nistp256,curve25519-sha256" }, .follows = true };
	size_t before = 0;

	for (int i = 0; i < 20; i++) {
		evil_offer(e, &o);
		evil_say(e, "bs", MSG_KEX_ECDH_INIT, "void");
		evil_ecdh(e);
		evil_newkeys(e);
		before = before ? before : evil_memory(e);
		assert_int_equal(evil_memory(e), before);
	}
}

/* ---- shares ---- */

/* ECDH_INIT or a signed ECDH_REPLY with this share: the hash is the right one, so only the share can be at fault. */
static void share(struct evil *e, struct span blob)
{
	struct buf sig = BUF(PKEY_SIG_MAX);

	if (e->setup.role == ROLE_SERVER) {
		evil_say(e, "bS", MSG_KEX_ECDH_INIT, blob);
	} else {
		assert_int_equal(pkey_sign(evil_host_key, evil_crypto, e->peer->kex.suite.host_key,
					   buf_span(&e->peer->kex.hash), &sig),
				 OK);
		evil_say(e, "bSSS", MSG_KEX_ECDH_REPLY, pkey_blob(evil_host_key), blob, buf_span(&sig));
	}
	buf_fini(&sig);
}

static void share_of(struct evil *e, size_t n)
{
	uint8_t blob[200];

	memset(blob, 9, sizeof(blob));
	share(e, span(blob, n));
}

static void share_0(struct evil *e)
{
	share_of(e, 0);
}

static void share_31(struct evil *e)
{
	share_of(e, 31);
}

static void share_33(struct evil *e)
{
	share_of(e, 33);
}

/* Points of small order, also written in a form that is not reduced (RFC 7748 section 5): K would be zero. */
static void low_order(struct evil *e, const char *hex)
{
	uint8_t p[32];

	for (size_t i = 0; i < sizeof(p); i++) {
		unsigned byte = 0;

		for (size_t k = 0; k < 2; k++) {
			char c = hex[2 * i + k];

			byte = byte * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		p[i] = (uint8_t)byte;
	}
	share(e, span(p, sizeof(p)));
}

#define LOW_ORDER(name, hex)             \
	static void name(struct evil *e) \
	{                                \
		low_order(e, hex);       \
	}
LOW_ORDER(low_0, "0000000000000000000000000000000000000000000000000000000000000000")
LOW_ORDER(low_1, "0100000000000000000000000000000000000000000000000000000000000000")
LOW_ORDER(low_8a, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
LOW_ORDER(low_8b, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")
LOW_ORDER(low_minus_1, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
LOW_ORDER(low_p, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
LOW_ORDER(low_p_plus_1, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")

static void p256_point(struct evil *e, uint8_t form, size_t n)
{
	uint8_t blob[66];

	memset(blob, 1, sizeof(blob)); /* (1..., 1...) is not on the curve */
	blob[0] = form;
	share(e, span(blob, n));
}

static void p256_off_curve(struct evil *e)
{
	p256_point(e, 4, 65);
}

static void p256_compressed(struct evil *e)
{
	p256_point(e, 2, 33);
}

static void p256_infinity(struct evil *e)
{
	p256_point(e, 0, 1);
}

static void p256_long(struct evil *e)
{
	p256_point(e, 4, 66);
}

#define BAD_SHARE(f) OURS_BOTH, AT_KEX, { 0 }, f, NO_MATCH
#define BAD_POINT(f)                                                 \
	OURS_BOTH, AT_KEX, { 0 }, f, NO_MATCH, 0,                    \
	{                                                            \
		.limits = {.algs = { .kex = "ecdh-sha2-nistp256" } } \
	}

/* ---- the host key and its signature, seen by a client ---- */

/* The reply with a signature that `edit` has had a look at. */
static void reply(struct evil *e, void (*edit)(struct buf *sig))
{
	struct kex *k = &e->peer->kex;
	struct buf sig = BUF(PKEY_SIG_MAX);

	assert_int_equal(pkey_sign(e->signer, evil_crypto, k->suite.host_key, buf_span(&k->hash), &sig), OK);
	edit(&sig);
	evil_say(e, "rS", buf_span(&k->reply), buf_span(&sig));
	buf_fini(&sig);
}

static void flip_bit(struct buf *sig)
{
	sig->p[sig->n - 1] ^= 1;
}

static void no_bytes(struct buf *sig)
{
	sig->n = 0;
}

static void one_less(struct buf *sig)
{
	sig->n--;
}

static void one_more(struct buf *sig)
{
	buf_u8(sig, 0);
}

static void other_type(struct buf *sig)
{
	memcpy(sig->p + 4, "ssh-ed25518", 11);
}

/* S + L is the same number modulo L, and must be refused all the same (RFC 8032 section 5.1.7). */
static void not_reduced(struct buf *sig)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,	 0xd6,
					   0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };
	uint8_t *s = sig->p + sig->n - 32;
	unsigned carry = 0;

	for (size_t i = 0; i < 32; i++) {
		carry += s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static void sig_flipped(struct evil *e)
{
	reply(e, flip_bit);
}

static void sig_empty(struct evil *e)
{
	reply(e, no_bytes);
}

static void sig_short(struct evil *e)
{
	reply(e, one_less);
}

static void sig_long(struct evil *e)
{
	reply(e, one_more);
}

static void sig_type(struct evil *e)
{
	reply(e, other_type);
}

static void sig_not_reduced(struct evil *e)
{
	reply(e, not_reduced);
}

/* A good signature by another key than the one that is shown. */
static void sig_of_another(struct evil *e)
{
	e->signer = evil_other_key;
	evil_ecdh(e);
}

/* The key's type is not what was agreed upon. */
static void key_of_another_type(struct evil *e)
{
	struct kex *k = &e->peer->kex;
	struct buf sig = BUF(PKEY_SIG_MAX), blob = BUF(1000);
	struct rd in = rd(buf_span(&k->reply));

	assert_int_equal(pkey_sign(e->signer, evil_crypto, k->suite.host_key, buf_span(&k->hash), &sig), OK);
	rd_u8(&in);
	rd_string(&in);
	evil_build(&blob, "ss", "ssh-rsa", "AQAB");
	evil_say(e, "bSSS", MSG_KEX_ECDH_REPLY, buf_span(&blob), rd_string(&in), buf_span(&sig));
	buf_fini(&sig);
	buf_fini(&blob);
}

static void key_of_no_type(struct evil *e)
{
	evil_say(e, "bsss", MSG_KEX_ECDH_REPLY, "", "12345678901234567890123456789012", "");
}

/* The new key signs well, and is still not the one that was accepted. */
static void key_changes(struct evil *e)
{
	e->signer = evil_other_key;
	evil_rekey(e);
}

/* ---- exchanges that cross, or do not end ---- */

static void crossing(struct evil *e)
{
	const uint8_t id[4] = { e->us->kex.session_id.p[0], e->us->kex.session_id.p[1] };

	evil_rekey(e); /* ours was out already: this answers it, and no second one follows */
	assert_int_equal(e->us->kex.rekeys, 1);
	assert_int_equal(evil_count(e, MSG_KEXINIT), 0);
	assert_int_equal(evil_count(e, MSG_KEX_ECDH_INIT), 0); /* a client's was out as well, and was no wrong guess */
	assert_int_equal(e->events[EV_NEGOTIATED], 1);
	assert_memory_equal(conn_session_id(e->us).p, id, 2);
	assert_false(kex_running(e->us));
}

/* Until its KEXINIT the peer may say what it likes; our answers wait for the new keys. */
static void talk_until_kexinit(struct evil *e)
{
	uint32_t id = evil_open(e, 7, 1000, 1000);

	evil_say(e, "bus", MSG_CHANNEL_DATA, id, "data");
	evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "keepalive@example.com", 1);
	assert_int_equal(e->got, 4);
	assert_int_equal(evil_count(e, 0), 0);
	evil_rekey(e);
	assert_int_equal(evil_count(e, MSG_CHANNEL_OPEN_CONFIRMATION), 1);
	assert_int_equal(evil_count(e, MSG_REQUEST_FAILURE), 1);
	assert_int_equal(evil_said(e, 0, evil_count(e, 0) - 2).p[0], MSG_CHANNEL_OPEN_CONFIRMATION);
}

static void talk_after_kexinit(struct evil *e)
{
	evil_say(e, "bsb", MSG_GLOBAL_REQUEST, "keepalive@example.com", 1);
}

/* AsyncSSH does so in rekeys; they are its old keys that speak for it. */
static void talk_in_a_rekey(struct evil *e)
{
	evil_offer(e, NULL);
	talk_after_kexinit(e);
	evil_ecdh(e);
	talk_after_kexinit(e);
	evil_newkeys(e);
	assert_int_equal(evil_count(e, MSG_REQUEST_FAILURE), 2);
	assert_int_equal(e->us->kex.rekeys, 1);
}

static void just_before_the_end(struct evil *e)
{
	evil_wait(e, KEX_MS - 1);
}

static void never(struct evil *e)
{
	evil_wait(e, KEX_MS);
}

/* Bytes that come, or packets, do not put it off. */
static void slowly(struct evil *e)
{
	for (int i = 0; i < 7; i++) {
		evil_wait(e, 10000);
		evil_say(e, "bs", MSG_IGNORE, "");
	}
}

/* The purse has a hundred; then one a second, and until then nothing more is read. */
static void rekey_all_the_time(struct evil *e)
{
	for (int i = 0; i < 100; i++)
		evil_rekey(e);
	assert_int_equal(e->us->kex.rekeys, 100);
	evil_offer(e, NULL);
	evil_ecdh(e);
	evil_say(e, "bbss", MSG_DEBUG, 1, "waits too", "");
	evil_wait(e, 999);
	assert_int_equal(e->events[EV_DEBUG], 0);
	evil_wait(e, 1);
	assert_int_equal(e->events[EV_DEBUG], 1);
	evil_newkeys(e);
	assert_int_equal(e->us->kex.rekeys, 101);
	evil_wait(e, 1000);
	evil_rekey(e);
	assert_int_equal(e->us->kex.rekeys, 102);
}

/* Whoever has carried much may have new keys for it. */
static void rekey_after_much(struct evil *e)
{
	for (int i = 0; i < 150; i++) {
		e->us->kex.bytes_at_done = e->us->tx.bytes + e->us->rx.bytes - (64 << 20);
		evil_rekey(e);
	}
	assert_int_equal(e->us->kex.rekeys, 150);
}

/* What we begin ourselves costs the peer nothing. */
static void rekey_by_us(struct evil *e)
{
	for (int i = 0; i < 150; i++) {
		conn_rekey(e->us);
		evil_run(e);
		evil_rekey(e);
	}
	assert_int_equal(e->us->kex.rekeys, 150);
}

/* A limit of volume makes us begin, in whichever direction it was reached. */
static void worn_key(struct evil *e)
{
	for (int i = 0; i < 9; i++)
		evil_say(e, "bs", MSG_IGNORE,
			 "..........................................................................");
	assert_int_equal(evil_count(e, MSG_KEXINIT), 1);
	assert_true(kex_holds_tx(e->us));
	evil_rekey(e);
	assert_int_equal(e->us->kex.rekeys, 1);
	assert_int_equal(e->us->rx.key_bytes, 0);
}

/* And so does the number of packets, which no limit of the user's can raise. */
static void many_packets(struct evil *e)
{
	e->us->rx.key_packets = (1ull << 31) - 2;
	evil_say(e, "bs", MSG_IGNORE, "");
	assert_int_equal(evil_count(e, MSG_KEXINIT), 0);
	evil_say(e, "bs", MSG_IGNORE, "");
	assert_int_equal(evil_count(e, MSG_KEXINIT), 1);
}

static void old_key(struct evil *e)
{
	evil_wait(e, 3599999);
	assert_int_equal(evil_count(e, MSG_KEXINIT), 0);
	evil_wait(e, 1);
	assert_int_equal(evil_count(e, MSG_KEXINIT), 1);
	evil_rekey(e);
}

static void no_data_in_an_exchange(struct evil *e)
{
	uint32_t id = evil_open(e, 7, 1000, 1000);
	struct iovec iov;
	size_t n = conn_lend(e->us, id, 100, &iov, 1);

	assert_int_equal(n, 1);
	conn_seal(e->us, id, 0);
	conn_rekey(e->us);
	assert_int_equal(conn_lend(e->us, id, 100, &iov, 1), 0);
	assert_false(conn_tx_open(e->us));
	evil_run(e);
	evil_rekey(e);
	assert_true(conn_tx_open(e->us));
	assert_int_equal(conn_lend(e->us, id, 100, &iov, 1), 1);
	conn_seal(e->us, id, 0);
}

static const struct evil_row rows[] = {
	{ "IGNORE first, then strict KEXINIT", OURS_BOTH, AT_VERSION, { 0 }, ignore_first, DENIED },
	{ "UNIMPLEMENTED first", OURS_BOTH, AT_VERSION, { 0 }, unimplemented_first, NO_MATCH },
	{ "unknown message first", OURS_BOTH, AT_VERSION, { 0 }, unknown_first, DENIED },
	{ "IGNORE after KEXINIT", OURS_BOTH, AT_KEX, NOTE("\2\0\0\0\0"), DENIED },
	{ "IGNORE before NEWKEYS", OURS_BOTH, AT_NEWKEYS, NOTE("\2\0\0\0\0"), DENIED },
	{ "DEBUG after KEXINIT", OURS_BOTH, AT_KEX, NOTE("\4\0\0\0\0\0\0\0\0\0"), DENIED },
	{ "DEBUG before NEWKEYS", OURS_BOTH, AT_NEWKEYS, NOTE("\4\0\0\0\0\0\0\0\0\0"), DENIED },
	{ "UNIMPLEMENTED after KEXINIT", OURS_BOTH, AT_KEX, NOTE("\3\0\0\0\0"), DENIED },
	{ "KEXINIT twice", OURS_BOTH, AT_KEX, { 0 }, kexinit_twice, DENIED },
	{ "KEXINIT twice, not strict", OURS_BOTH, AT_KEX, { 0 }, kexinit_twice, DENIED, 0, LAX },
	{ "KEXINIT before NEWKEYS", OURS_BOTH, AT_NEWKEYS, { 0 }, kexinit_twice, DENIED },
	{ "KEXINIT twice in a rekey", OURS_BOTH, AT_REKEY, { 0 }, kexinit_twice, DENIED },
	{ "NEWKEYS first", OURS_BOTH, AT_VERSION, NOTE("\x15"), DENIED },
	{ "NEWKEYS before the shares", OURS_BOTH, AT_KEX, NOTE("\x15"), DENIED },
	{ "NEWKEYS before the shares, not strict", OURS_BOTH, AT_KEX, NOTE("\x15"), DENIED, 0, LAX },
	{ "NEWKEYS twice", OURS_BOTH, AT_NEWKEYS, { 0 }, newkeys_twice, DENIED },
	{ "NEWKEYS without an exchange", OURS_BOTH, AT_OPEN, NOTE("\x15"), DENIED },
	{ "NEWKEYS before the shares of a rekey", OURS_BOTH, AT_REKEY, NOTE("\x15"), DENIED },
	{ "NEWKEYS with a body", OURS_BOTH, AT_NEWKEYS, NOTE("\x15\0"), DENIED },
	{ "a share twice", OURS_BOTH, AT_KEX, { 0 }, share_twice, DENIED },
	{ "a share without an exchange", OURS_BOTH, AT_OPEN, { 0 }, share_for_no_exchange, DENIED },
	{ "a share before KEXINIT", OURS_BOTH, AT_VERSION, { 0 }, share_for_no_exchange, DENIED },
	{ "a share before the KEXINIT of a rekey", OURS_BOTH, AT_REKEY_SENT, { 0 }, share_for_no_exchange, DENIED },
	{ "a share of our own side", OURS_BOTH, AT_KEX, { 0 }, share_of_the_wrong_side, DENIED },
	{ "a share of our own side in a rekey", OURS_BOTH, AT_REKEY, { 0 }, share_of_the_wrong_side, DENIED },
	{ "group exchange", OURS_BOTH, AT_KEX, NOTE("\x22\0\0\4\0\0\0\x08\0\0\0\x20\0"), DENIED },
	{ "CHANNEL_OPEN after KEXINIT", OURS_BOTH, AT_KEX, { 0 }, open_in_between, DENIED },
	{ "CHANNEL_OPEN before NEWKEYS", OURS_BOTH, AT_NEWKEYS, { 0 }, open_in_between, DENIED },
	{ "CHANNEL_OPEN before KEXINIT", OURS_BOTH, AT_VERSION, { 0 }, open_in_between, DENIED },
	{ "CHANNEL_OPEN before NEWKEYS, not strict", OURS_BOTH, AT_NEWKEYS, { 0 }, open_in_between, DENIED, 0, LAX },
	{ "login before KEXINIT", OURS_BOTH, AT_VERSION, { 0 }, login_in_between, DENIED },
	{ "login after KEXINIT", OURS_BOTH, AT_KEX, { 0 }, login_in_between, DENIED },
	{ "login before NEWKEYS", OURS_BOTH, AT_NEWKEYS, { 0 }, login_in_between, DENIED },
	{ "login before NEWKEYS, not strict", OURS_BOTH, AT_NEWKEYS, { 0 }, login_in_between, DENIED, 0, LAX },
	{ "service before NEWKEYS", OURS_BOTH, AT_NEWKEYS, { 0 }, service_in_between, DENIED },
	{ "service before NEWKEYS, not strict", OURS_BOTH, AT_NEWKEYS, { 0 }, service_in_between, DENIED, 0, LAX },
	{ "rekey before the service", OURS_BOTH, AT_SERVICE, { 0 }, rekey_before_the_login, DENIED },
	{ "rekey before the login", OURS_BOTH, AT_AUTH, { 0 }, rekey_before_the_login, DENIED },
	{ "generic messages, not strict", OURS_BOTH, AT_VERSION, { 0 }, noisy_exchange, OK, 0, SAYS_ANYTHING, LAX },
	{ "generic messages in a rekey", OURS_BOTH, AT_OPEN, { 0 }, noisy_exchange, OK, 0, SAYS_ANYTHING },
	{ "host key not accepted, after long thought",
	  OURS_CLIENT,
	  AT_NEWKEYS,
	  { 0 },
	  question_about_the_host_key,
	  ERR_HOST_KEY,
	  DISC_HOST_KEY_NOT_VERIFIABLE,
	  0,
	  { .host_key = SAY_NOTHING } },

	{ "no key exchange in common", OURS_BOTH, AT_VERSION, { 0 }, no_kex, NO_MATCH },
	{ "no host key in common", OURS_BOTH, AT_VERSION, { 0 }, no_host_key, NO_MATCH },
	{ "no cipher in common", OURS_BOTH, AT_VERSION, { 0 }, no_cipher_out, NO_MATCH },
	{ "no cipher back in common", OURS_BOTH, AT_VERSION, { 0 }, no_cipher_in, NO_MATCH },
	{ "no MAC in common",
	  OURS_BOTH,
	  AT_VERSION,
	  { 0 },
	  no_mac,
	  NO_MATCH,
	  0,
	  { .limits = { .algs = { .cipher = "aes128-ctr" } } } },
	{ "no MAC in common, and none needed",
	  OURS_BOTH,
	  AT_VERSION,
	  { 0 },
	  no_mac,
	  OK,
	  0,
	  SAYS_ANYTHING,
	  { .limits = { .algs = { .cipher = "aes128-gcm@openssh.com" } } } },
	{ "only zlib", OURS_BOTH, AT_VERSION, { 0 }, only_zlib, NO_MATCH },
	{ "only zlib back", OURS_BOTH, AT_VERSION, { 0 }, only_zlib_back, NO_MATCH },
	{ "empty list", OURS_BOTH, AT_VERSION, { 0 }, empty_kex, NO_MATCH },
	{ "only commas", OURS_BOTH, AT_VERSION, { 0 }, only_commas, NO_MATCH },
	{ "only the strict indicators", OURS_BOTH, AT_VERSION, { 0 }, only_strict, NO_MATCH },
	{ "only ext-info", OURS_BOTH, AT_VERSION, { 0 }, only_ext_info, NO_MATCH },
	{ "only kexguess2", OURS_BOTH, AT_VERSION, { 0 }, only_guess, NO_MATCH },
	{ "a prefix of a name", OURS_BOTH, AT_VERSION, { 0 }, prefix, NO_MATCH },
	{ "a longer name", OURS_BOTH, AT_VERSION, { 0 }, suffix, NO_MATCH },
	{ "space in a list", OURS_BOTH, AT_VERSION, { 0 }, space, NO_MATCH },
	{ "control characters in a list", OURS_BOTH, AT_VERSION, { 0 }, control, NO_MATCH },
	{ "NUL in a list", OURS_BOTH, AT_VERSION, { 0 }, nul, NO_MATCH },
	{ "not ASCII", OURS_BOTH, AT_VERSION, { 0 }, not_ascii, NO_MATCH },
	{ "63 names", OURS_BOTH, AT_VERSION, { 0 }, names_63, OK, 0, SAYS_ANYTHING },
	{ "64 names", OURS_BOTH, AT_VERSION, { 0 }, names_64, OK, 0, SAYS_ANYTHING },
	{ "65 names", OURS_BOTH, AT_VERSION, { 0 }, names_65, NO_MATCH },
	{ "list of 8191", OURS_BOTH, AT_VERSION, { 0 }, list_8191, OK, 0, SAYS_ANYTHING },
	{ "list of 8192", OURS_BOTH, AT_VERSION, { 0 }, list_8192, OK, 0, SAYS_ANYTHING },
	{ "list of 8193", OURS_BOTH, AT_VERSION, { 0 }, list_8193, NO_MATCH },
	{ "30 000 commas", OURS_BOTH, AT_VERSION, { 0 }, list_of_commas, NO_MATCH },
	{ "languages", OURS_BOTH, AT_VERSION, { 0 }, language, OK, 0, SAYS_ANYTHING },
	{ "empty names between", OURS_BOTH, AT_VERSION, { 0 }, commas_and_on, OK, 0, SAYS_ANYTHING, LAX },
	{ "indicators in front of a method", OURS_BOTH, AT_VERSION, { 0 }, strict_in_front, OK, 0, SAYS_ANYTHING },
	{ "reserved field", OURS_BOTH, AT_VERSION, { 0 }, reserved, OK, 0, SAYS_ANYTHING },
	{ "strict only in a rekey", OURS_BOTH, AT_OPEN, { 0 }, strict_too_late, OK, 0, SAYS_ANYTHING, LAX },
	{ "strict with the name of the wrong side",
	  OURS_BOTH,
	  AT_VERSION,
	  { 0 },
	  strict_of_the_wrong_side,
	  OK,
	  0,
	  SAYS_ANYTHING,
	  LAX },
	{ "numbers start anew with every key", OURS_BOTH, AT_OPEN, { 0 }, numbers_start_anew, OK, 0, SAYS_ANYTHING },

	{ "right guess", OURS_SERVER, AT_VERSION, { 0 }, guess_right, OK, 0, SAYS_ANYTHING },
	{ "wrong guess of the key exchange", OURS_SERVER, AT_VERSION, { 0 }, guess_wrong_kex, OK, 0, SAYS_ANYTHING },
	{ "wrong guess of the host key", OURS_SERVER, AT_VERSION, { 0 }, guess_wrong_host_key, OK, 0, SAYS_ANYTHING },
	{ "guess of a method we do not have", OURS_SERVER, AT_VERSION, { 0 }, guess_foreign_kex, OK, 0, SAYS_ANYTHING },
	{ "wrong guess of a server", OURS_CLIENT, AT_VERSION, { 0 }, guess_of_a_server, OK, 0, SAYS_ANYTHING },
	{ "our own guess is wrong", OURS_CLIENT, AT_OPEN, { 0 }, our_guess_wrong, OK, 0, SAYS_ANYTHING },
	{ "second packet after a wrong guess", OURS_SERVER, AT_VERSION, { 0 }, guess_twice, NO_MATCH },
	{ "IGNORE after a wrong guess", OURS_SERVER, AT_VERSION, { 0 }, guess_ignore, DENIED },
	{ "wrong guesses in rekeys", OURS_SERVER, AT_OPEN, { 0 }, guesses_in_rekeys, OK, 0, SAYS_ANYTHING },

	{ "empty share", BAD_SHARE(share_0) },
	{ "share of 31", BAD_SHARE(share_31) },
	{ "share of 33", BAD_SHARE(share_33) },
	{ "share 0", BAD_SHARE(low_0) },
	{ "share 1", BAD_SHARE(low_1) },
	{ "share of order 8", BAD_SHARE(low_8a) },
	{ "another share of order 8", BAD_SHARE(low_8b) },
	{ "share p-1", BAD_SHARE(low_minus_1) },
	{ "share p", BAD_SHARE(low_p) },
	{ "share p+1", BAD_SHARE(low_p_plus_1) },
	{ "P-256: off the curve", BAD_POINT(p256_off_curve) },
	{ "P-256: compressed", BAD_POINT(p256_compressed) },
	{ "P-256: infinity", BAD_POINT(p256_infinity) },
	{ "P-256: too long", BAD_POINT(p256_long) },

	{ "signature with a flipped bit", OURS_CLIENT, AT_KEX, { 0 }, sig_flipped, NO_MATCH },
	{ "empty signature", OURS_CLIENT, AT_KEX, { 0 }, sig_empty, NO_MATCH },
	{ "signature too short", OURS_CLIENT, AT_KEX, { 0 }, sig_short, NO_MATCH },
	{ "signature too long", OURS_CLIENT, AT_KEX, { 0 }, sig_long, NO_MATCH },
	{ "signature of another type", OURS_CLIENT, AT_KEX, { 0 }, sig_type, NO_MATCH },
	{ "signature not reduced", OURS_CLIENT, AT_KEX, { 0 }, sig_not_reduced, NO_MATCH },
	{ "signature by another key", OURS_CLIENT, AT_KEX, { 0 }, sig_of_another, NO_MATCH },
	{ "key of another type", OURS_CLIENT, AT_KEX, { 0 }, key_of_another_type, NO_MATCH },
	{ "key of no type", OURS_CLIENT, AT_KEX, { 0 }, key_of_no_type, NO_MATCH },
	{ "host key changes in a rekey",
	  OURS_CLIENT,
	  AT_OPEN,
	  { 0 },
	  key_changes,
	  ERR_HOST_KEY,
	  DISC_HOST_KEY_NOT_VERIFIABLE },

	{ "crossing KEXINITs", OURS_BOTH, AT_REKEY_SENT, { 0 }, crossing, OK, 0, SAYS_ANYTHING },
	{ "talk until KEXINIT", OURS_BOTH, AT_REKEY_SENT, { 0 }, talk_until_kexinit, OK, 0, SAYS_ANYTHING },
	{ "talk after KEXINIT", OURS_BOTH, AT_REKEY, { 0 }, talk_after_kexinit, DENIED },
	{ "talk before NEWKEYS", OURS_BOTH, AT_REKEY_NEWKEYS, { 0 }, talk_after_kexinit, DENIED },
	{ "AsyncSSH talks in a rekey", OURS_BOTH, AT_OPEN, { 0 }, talk_in_a_rekey, OK, 0, SAYS_ANYTHING, ASYNCSSH },
	{ "AsyncSSH logs in again in a rekey", OURS_BOTH, AT_REKEY, { 0 }, login_in_between, DENIED, 0, ASYNCSSH },
	{ "AsyncSSH talks in the first exchange", OURS_BOTH, AT_KEX, { 0 }, talk_after_kexinit, DENIED, 0, ASYNCSSH },
	{ "AsyncSSH talks before the first NEWKEYS",
	  OURS_BOTH,
	  AT_NEWKEYS,
	  { 0 },
	  talk_after_kexinit,
	  DENIED,
	  0,
	  ASYNCSSH },
	{ "KEXINIT just in time", OURS_BOTH, AT_REKEY_SENT, { 0 }, just_before_the_end, OK, 0, SAYS_NOTHING },
	{ "KEXINIT never", OURS_BOTH, AT_REKEY_SENT, { 0 }, never, ERR_TIMEOUT, DISC_BY_APPLICATION },
	{ "share never", OURS_BOTH, AT_KEX, { 0 }, never, ERR_TIMEOUT, DISC_BY_APPLICATION },
	{ "NEWKEYS never", OURS_BOTH, AT_NEWKEYS, { 0 }, never, ERR_TIMEOUT, DISC_BY_APPLICATION },
	{ "first KEXINIT never", OURS_BOTH, AT_VERSION, { 0 }, never, ERR_TIMEOUT, DISC_BY_APPLICATION },
	{ "talk instead of KEXINIT", OURS_BOTH, AT_REKEY_SENT, { 0 }, slowly, ERR_TIMEOUT, DISC_BY_APPLICATION },
	{ "new keys all the time", OURS_BOTH, AT_OPEN, { 0 }, rekey_all_the_time, OK, 0, SAYS_ANYTHING },
	{ "new keys after much data", OURS_BOTH, AT_OPEN, { 0 }, rekey_after_much, OK, 0, SAYS_ANYTHING },
	{ "new keys because we want them", OURS_BOTH, AT_OPEN, { 0 }, rekey_by_us, OK, 0, SAYS_ANYTHING },
	{ "key worn by bytes",
	  OURS_BOTH,
	  AT_OPEN,
	  { 0 },
	  worn_key,
	  OK,
	  0,
	  SAYS_ANYTHING,
	  { .limits = { .rekey_bytes = 900 } } },
	{ "key worn by packets", OURS_BOTH, AT_OPEN, { 0 }, many_packets, OK, 0, SAYS_ANYTHING },
	{ "key worn by time",
	  OURS_BOTH,
	  AT_OPEN,
	  { 0 },
	  old_key,
	  OK,
	  0,
	  SAYS_ANYTHING,
	  { .limits = { .rekey_ms = 3600000 } } },
	{ "nothing is lent in an exchange", OURS_BOTH, AT_OPEN, { 0 }, no_data_in_an_exchange, OK, 0, SAYS_ANYTHING },
};

int main(void)
{
	int failed = evil_begin() || evil_rows("key exchange", rows, LEN(rows));

	evil_end();
	return failed;
}
