/* The version line and the choice of algorithms, from strange peers first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ssh/engine.h"
#include "../put.h"

static struct crypto *crypto;
static struct pool pool;

static const char host_key[] = "\0\0\0\013ssh-ed25519\0\0\0\040abcdefghijklmnopqrstuvwxyzabcdef";

#define KEX    "curve25519-sha256,ecdh-sha2-nistp256"
#define CIPHER "aes128-gcm@openssh.com,aes128-ctr"
#define MAC    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512"

static struct conn *born(enum role role)
{
	const struct span key = span(host_key, sizeof(host_key) - 1);
	const struct conn_setup s = { .role = role,
				      .crypto = crypto,
				      .pool = &pool,
				      .software = "test_1",
				      .algs = { .kex = KEX, .host_key = "ssh-ed25519", .cipher = CIPHER, .mac = MAC },
				      .host_keys = &key,
				      .host_key_count = 1 };
	struct conn *c = NULL;

	assert_int_equal(conn_new(&c, &s), OK);
	return c;
}

/* ---- version lines ---- */

enum { A255 = 1, A256, LINES, LONG }; /* inputs that are made */

static const struct line {
	const char *name;
	enum role role;
	const char *text;
	int err; /* 1: it waits for more */
	const char *ident;
	int made;
} lines[] = {
	{ "version 1.5", ROLE_CLIENT, "SSH-1.5-x\r\n", .err = ERR_PROTO },
	{ "version 2.1", ROLE_CLIENT, "SSH-2.1-x\r\n", .err = ERR_PROTO },
	{ "version 99", ROLE_SERVER, "SSH-99-x\r\n", .err = ERR_PROTO },
	{ "no software", ROLE_CLIENT, "SSH-2.0\r\n", .err = ERR_PROTO },
	{ "empty software", ROLE_CLIENT, "SSH-2.0-\r\n", .err = ERR_PROTO },
	{ "control character", ROLE_CLIENT, "SSH-2.0-x\x1b[2J\r\n", .err = ERR_PROTO },
	{ "carriage return inside", ROLE_CLIENT, "SSH-2.0-x\ry\r\n", .err = ERR_PROTO },
	{ "not ASCII", ROLE_CLIENT, "SSH-2.0-\xc3\xa4\r\n", .err = ERR_PROTO },
	{ "256 bytes", ROLE_CLIENT, NULL, .err = ERR_PROTO, .made = A256 },
	{ "8 KiB without end", ROLE_CLIENT, NULL, .err = ERR_PROTO, .made = LONG },
	{ "too many lines before it", ROLE_CLIENT, NULL, .err = ERR_PROTO, .made = LINES },
	{ "a client that greets", ROLE_SERVER, "hello\r\nSSH-2.0-x\r\n", .err = ERR_PROTO },
	{ "a client of HTTP", ROLE_SERVER, "GET / HTTP/1.1\r\n", .err = ERR_PROTO },
	{ "lower case", ROLE_SERVER, "ssh-2.0-x\r\n", .err = ERR_PROTO },
	{ "nothing", ROLE_CLIENT, "", .err = 1 },
	{ "half a line", ROLE_CLIENT, "SSH-2.0-Open", .err = 1 },
	{ "no line feed", ROLE_SERVER, "SSH-2.0-x\r", .err = 1 },
	{ "greetings only", ROLE_CLIENT, "hello\r\n\r\n", .err = 1 },
	{ "255 bytes", ROLE_CLIENT, NULL, .err = OK, .made = A255 },
	{ "plain", ROLE_CLIENT, "SSH-2.0-x\r\n", .ident = "SSH-2.0-x" },
	{ "line feed only", ROLE_SERVER, "SSH-2.0-x\n", .ident = "SSH-2.0-x" },
	{ "comment", ROLE_CLIENT, "SSH-2.0-x y z\r\n", .ident = "SSH-2.0-x y z" },
	{ "1.99", ROLE_CLIENT, "SSH-1.99-Cisco-1.25\r\n", .ident = "SSH-1.99-Cisco-1.25" },
	{ "after greetings", ROLE_CLIENT, "hello\n\nSSHow\r\nSSH-2.0-x\r\n", .ident = "SSH-2.0-x" },
	{ "OpenSSH 8.8", ROLE_CLIENT, "SSH-2.0-OpenSSH_8.8\r\n", .ident = "SSH-2.0-OpenSSH_8.8" },
	{ "OpenSSH 8.9", ROLE_CLIENT, "SSH-2.0-OpenSSH_8.9p1 Ubuntu\r\n", .ident = "SSH-2.0-OpenSSH_8.9p1 Ubuntu" },
	{ "OpenSSH 10.0", ROLE_CLIENT, "SSH-2.0-OpenSSH_10.0\r\n", .ident = "SSH-2.0-OpenSSH_10.0" },
	{ "OpenSSH of no number", ROLE_CLIENT, "SSH-2.0-OpenSSH_x\r\n", .ident = "SSH-2.0-OpenSSH_x" },
};

static void fill_line(const struct line *l, struct buf *out)
{
	if (l->text)
		buf_bytes(out, span_str(l->text));
	else if (l->made == LINES)
		for (int i = 0; i <= IDENT_LINES_MAX; i++)
			buf_bytes(out, span_str("x\r\n"));
	else if (l->made == LONG)
		for (int i = 0; i < IDENT_BYTES_MAX + 1; i++)
			buf_u8(out, 'x');
	else {
		size_t all = l->made == A255 ? IDENT_MAX : IDENT_MAX + 1;

		buf_bytes(out, span_str("SSH-2.0-"));
		while (out->n < all - 2)
			buf_u8(out, 'x');
		buf_bytes(out, span_str("\r\n"));
	}
}

/* Gives the bytes in reads of `fragment` and pulls the events; true when EV_IDENT came. */
static bool feed(struct conn *c, struct span bytes, size_t fragment)
{
	struct event ev;
	bool came = false;

	while (bytes.n && !conn_error(c)) {
		size_t n = put_bytes(c, span(bytes.p, MIN(fragment, bytes.n)));

		assert_true(n > 0);
		bytes = span(bytes.p + n, bytes.n - n);
		while (conn_next(c, &ev) == 1)
			came |= ev.kind == EV_IDENT && span_eq(ev.text, conn_peer_ident(c));
	}
	return came;
}

static void test_line(void **state)
{
	const struct line *l = *state;
	const size_t fragments[] = { SIZE_MAX, 1, 5 };
	struct buf text = BUF(1 << 16);

	fill_line(l, &text);
	for (size_t i = 0; i < LEN(fragments); i++) {
		struct conn *c = born(l->role);
		bool came = feed(c, buf_span(&text), fragments[i]);

		assert_int_equal(conn_error(c), l->err == 1 ? OK : l->err);
		assert_int_equal(came, l->err == OK);
		assert_int_equal(c->life, came ? LIFE_KEX : LIFE_IDENT);
		if (l->ident)
			assert_true(span_is(conn_peer_ident(c), l->ident));
		conn_free(c);
	}
	buf_fini(&text);
}

/* ---- the choice ---- */

/* A proposal; NULL stands for what we offer ourselves. */
static const struct choice {
	const char *name;
	enum role role; /* ours */
	const char *kex, *host_key, *cipher[2], *mac[2], *compression;
	uint8_t follows;
	int err;
	struct {
		const char *kex, *cipher[2], *mac[2];
		bool wrong_guess, ext_info, strict;
	} want;
} choices[] = {
	{ "no common key exchange", ROLE_CLIENT, .kex = "diffie-hellman-group1-sha1", .err = ERR_KEX },
	{ "empty list", ROLE_CLIENT, .kex = "", .err = ERR_KEX },
	{ "commas only", ROLE_CLIENT, .kex = ",,,", .err = ERR_KEX },
	{ "only indicators in common", ROLE_CLIENT, .kex = "ext-info-c,kex-strict-c-v00@openssh.com", .err = ERR_KEX },
	{ "the same, to a server", ROLE_SERVER, .kex = "ext-info-s,kex-strict-s-v00@openssh.com", .err = ERR_KEX },
	{ "a name that only begins like ours", ROLE_CLIENT, .kex = "curve25519-sha25", .err = ERR_KEX },
	{ "a name that goes on", ROLE_CLIENT, .kex = "curve25519-sha256x", .err = ERR_KEX },
	{ "other case", ROLE_CLIENT, .kex = "Curve25519-SHA256", .err = ERR_KEX },
	{ "NUL at the end", ROLE_CLIENT, .kex = "curve25519-sha256,\1", .err = ERR_KEX },
	{ "space", ROLE_CLIENT, .kex = "curve25519-sha256, x", .err = ERR_KEX },
	{ "not ASCII", ROLE_CLIENT, .host_key = "ssh-ed25519,\xc3\xa4", .err = ERR_KEX },
	{ "no common host key", ROLE_CLIENT, .host_key = "ssh-dss", .err = ERR_KEX },
	{ "no common cipher, one way", ROLE_CLIENT, .cipher = { CIPHER, "aes256-cbc" }, .err = ERR_KEX },
	{ "cipher none", ROLE_SERVER, .cipher = { "none", "none" }, .err = ERR_KEX },
	{ "no common MAC", ROLE_CLIENT, .cipher = { "aes128-ctr", "aes128-ctr" }, .mac = { "hmac-md5", MAC },
	  .err = ERR_KEX },
	{ "compression only", ROLE_CLIENT, .compression = "zlib", .err = ERR_KEX },
	{ "the same proposal", ROLE_CLIENT, .want = { .kex = "curve25519-sha256" } },
	{ "empty names between", ROLE_CLIENT, .kex = ",,x,,curve25519-sha256,,",
	  .want = { .kex = "curve25519-sha256" } },
	{ "names twice", ROLE_CLIENT, .kex = "ecdh-sha2-nistp256,ecdh-sha2-nistp256",
	  .want = { .kex = "ecdh-sha2-nistp256" } },
	{ "the client's order counts: ours", ROLE_CLIENT, .kex = "ecdh-sha2-nistp256,curve25519-sha256",
	  .want = { .kex = "curve25519-sha256" } },
	{ "the client's order counts: the peer's", ROLE_SERVER, .kex = "ecdh-sha2-nistp256,curve25519-sha256",
	  .want = { .kex = "ecdh-sha2-nistp256" } },
	{ "each way by itself", ROLE_CLIENT, .cipher = { "aes128-ctr", "aes128-gcm@openssh.com" },
	  .mac = { "hmac-sha2-512", "" },
	  .want = { .kex = "curve25519-sha256",
		    .cipher = { "aes128-ctr", "aes128-gcm@openssh.com" },
		    .mac = { "hmac-sha2-512", NULL } } },
	{ "an AEAD needs no MAC", ROLE_SERVER, .mac = { "hmac-md5", "" },
	  .want = { .kex = "curve25519-sha256", .cipher = { "aes128-gcm@openssh.com", "aes128-gcm@openssh.com" } } },
	{ "indicators first", ROLE_CLIENT, .kex = "kex-strict-s-v00@openssh.com,ext-info-s,curve25519-sha256",
	  .want = { .kex = "curve25519-sha256", .ext_info = true, .strict = true } },
	{ "the client's indicators from a server say nothing", ROLE_CLIENT,
	  .kex = "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com", .want = { .kex = "curve25519-sha256" } },
	{ "a client's indicators", ROLE_SERVER, .kex = "curve25519-sha256,ext-info-c,kex-strict-c-v00@openssh.com",
	  .want = { .kex = "curve25519-sha256", .ext_info = true, .strict = true } },
	{ "right guess", ROLE_SERVER, .follows = 1, .want = { .kex = "curve25519-sha256" } },
	{ "any byte but 0 is true", ROLE_SERVER, .kex = "ecdh-sha2-nistp256,curve25519-sha256", .follows = 0x80,
	  .want = { .kex = "ecdh-sha2-nistp256", .wrong_guess = true } },
	{ "wrong guess of the host key", ROLE_SERVER, .host_key = "ssh-dss,ssh-ed25519", .follows = 1,
	  .want = { .kex = "curve25519-sha256", .wrong_guess = true } },
	{ "wrong, but nothing follows", ROLE_SERVER, .kex = "ecdh-sha2-nistp256,curve25519-sha256",
	  .want = { .kex = "ecdh-sha2-nistp256" } },
};

static const char * or (const char *s, const char *otherwise)
{
	return s ? s : otherwise;
}

static void put_proposal(struct buf *out, const struct choice *p)
{
	buf_u8(out, MSG_KEXINIT);
	memset(buf_add(out, 16), 'c', 16);
	buf_cstring(out, or (p->kex, KEX));
	buf_cstring(out, or (p->host_key, "ssh-ed25519"));
	for (int i = 0; i < 2; i++)
		buf_cstring(out, or (p->cipher[i], CIPHER));
	for (int i = 0; i < 2; i++)
		buf_cstring(out, or (p->mac[i], MAC));
	for (int i = 0; i < 2; i++)
		buf_cstring(out, or (p->compression, "none,zlib@openssh.com"));
	buf_cstring(out, "");
	buf_cstring(out, "");
	buf_u8(out, p->follows);
	buf_u32(out, 0);
	assert_int_equal(buf_err(out), OK);
}

static struct conn *with_proposal(enum role role)
{
	struct conn *c = born(role);

	assert_int_equal(propose_write(c, &c->kex.our_init, false), OK);
	buf_clear(&c->kex.peer_init);
	return c;
}

static void check_suite(const struct choice *p, const struct suite *s)
{
	assert_string_equal(s->kex->name, p->want.kex);
	assert_string_equal(s->host_key->name, "ssh-ed25519");
	for (int i = 0; i < 2; i++) {
		if (p->want.cipher[i])
			assert_string_equal(s->cipher[i]->name, p->want.cipher[i]);
		assert_int_equal(s->mac[i] == NULL, s->cipher[i]->aead);
		if (p->want.mac[i])
			assert_string_equal(s->mac[i]->name, p->want.mac[i]);
	}
	assert_int_equal(s->wrong_guess, p->want.wrong_guess);
	assert_int_equal(s->ext_info, p->want.ext_info);
	assert_int_equal(s->strict, p->want.strict);
}

static void test_choice(void **state)
{
	const struct choice *p = *state;
	struct conn *c = with_proposal(p->role);
	struct suite s = { 0 };

	put_proposal(&c->kex.peer_init, p);
	assert_int_equal(propose_choose(c, &s), p->err);
	if (!p->err)
		check_suite(p, &s);
	conn_free(c);
}

/* Every truncation and a byte too many. */
static void test_cut_proposal(void **state)
{
	static const struct choice plain = { 0 };
	struct buf whole = BUF(4096);

	(void)state;
	put_proposal(&whole, &plain);
	buf_u8(&whole, 0);
	for (size_t n = 1; n <= whole.n; n++) {
		struct conn *c = with_proposal(ROLE_SERVER);
		struct suite s;

		buf_bytes(&c->kex.peer_init, span(whole.p, n));
		assert_int_equal(propose_choose(c, &s) == OK, n == whole.n - 1);
		conn_free(c);
	}
	buf_fini(&whole);
}

/* At the limits of one list: names and bytes. */
static void test_list_limits(void **state)
{
	static const struct {
		size_t names, length; /* of each */
		int err;
	} rows[] = {
		{ NAMES_MAX + 1, 1, ERR_KEX }, { NAME_LIST_MAX, 0, ERR_KEX }, { 1, NAME_LIST_MAX - 17, ERR_KEX },
		{ NAMES_MAX - 1, 1, OK },      { 1, NAME_LIST_MAX - 18, OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf list = BUF(4 * NAME_LIST_MAX);
		struct choice p = { .role = ROLE_CLIENT };
		struct conn *c = with_proposal(ROLE_CLIENT);
		struct suite s;

		for (size_t k = 0; k < rows[i].names; k++) {
			memset(buf_add(&list, rows[i].length + 1), 'x', rows[i].length);
			list.p[list.n - 1] = ',';
		}
		buf_bytes(&list, span_str("curve25519-sha256"));
		buf_u8(&list, 0);
		p.kex = (const char *)list.p;
		put_proposal(&c->kex.peer_init, &p);
		assert_int_equal(propose_choose(c, &s), rows[i].err);
		conn_free(c);
		buf_fini(&list);
	}
}

/* Names that we are told to propose must be known. */
static void test_check(void **state)
{
	static const struct {
		const char *names;
		int which, err;
	} rows[] = {
		{ "", LIST_KEX, ERR_SYNTAX },
		{ ",", LIST_KEX, ERR_SYNTAX },
		{ "curve25519-sha256,nonsense", LIST_KEX, ERR_SYNTAX },
		{ "ext-info-c", LIST_KEX, ERR_SYNTAX },
		{ "aes128-ctr", LIST_MAC, ERR_SYNTAX },
		{ "none", LIST_CIPHER, ERR_SYNTAX },
		{ "ssh-dss", LIST_HOST_KEY, ERR_SYNTAX },
		{ "ssh-ed25519,sk-ssh-ed25519@openssh.com", LIST_HOST_KEY, ERR_SYNTAX },
		{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", LIST_HOST_KEY, ERR_SYNTAX },
		{ "aes128-ctr,aes256-ctr", LIST_CIPHER, OK },
		{ "hmac-sha2-256", LIST_MAC, OK },
		{ "ssh-ed25519,rsa-sha2-256", LIST_HOST_KEY, OK },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++)
		assert_int_equal(propose_check(rows[i].names, rows[i].which), rows[i].err);
}

/* What the processor does fast comes first; nothing is left out for it. */
static void test_default_ciphers(void **state)
{
	const char *aes = conn_default_cipher(true), *other = conn_default_cipher(false);

	(void)state;
	assert_ptr_equal(strstr(aes, "aes128-gcm@openssh.com,aes256-gcm@openssh.com,"), aes);
	assert_ptr_equal(strstr(other, "chacha20-poly1305@openssh.com,"), other);
	assert_int_equal(strlen(aes), strlen(other));
	assert_int_equal(propose_check(aes, LIST_CIPHER), OK);
	assert_int_equal(propose_check(other, LIST_CIPHER), OK);
}

int main(void)
{
	struct CMUnitTest tests[LEN(lines) + LEN(choices) + 4] = { cmocka_unit_test(test_cut_proposal),
								   cmocka_unit_test(test_list_limits),
								   cmocka_unit_test(test_check),
								   cmocka_unit_test(test_default_ciphers) };
	size_t n = 4;
	int failed;

	for (size_t i = 0; i < LEN(lines); i++)
		tests[n++] = (struct CMUnitTest){ lines[i].name, test_line, NULL, NULL, (void *)(uintptr_t)&lines[i] };
	for (size_t i = 0; i < LEN(choices); i++)
		tests[n++] = (struct CMUnitTest){ choices[i].name, test_choice, NULL, NULL,
						  (void *)(uintptr_t)&choices[i] };
	if (crypto_new(&crypto, NULL) != OK || pool_init(&pool, 2) != OK)
		return 1;
	failed = cmocka_run_group_tests_name("version lines and proposals", tests, NULL, NULL);
	pool_fini(&pool);
	crypto_free(crypto);
	return failed;
}
