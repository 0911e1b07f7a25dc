/* Binary lists of revoked keys: damaged and odd ones made by hand first, then those of ssh-keygen, which is asked too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/keyfile.h"
#include "conf/krl.h"
#include "keygen.h"
#include "known_hosts_fixture.h"

/* ---- Lists made by hand --------------------------------------------------------------------------------------- */

static struct span digest(struct span blob, enum hash_id id, uint8_t out[HASH_MAX])
{
	assert_int_equal(hash_spans(crypto, id, &blob, 1, out), OK);
	return span(out, hash_size(id));
}

/* A string: the key A, B, the authority C, D, an RSA authority R, a certificate T. */
static void put_key(struct buf *out, char which)
{
	static const struct {
		char name;
		const char *key;
	} named[] = { { 'A', KEY_A },	{ 'B', KEY_B },	     { 'C', KEY_CA },
		      { 'D', KEY_CA2 }, { 'R', KEY_RSA_CA }, { 'T', GOOD_CERT } };

	for (size_t i = 0; i < LEN(named); i++)
		if (named[i].name == which) {
			struct buf blob = key_blob(named[i].key);

			buf_string(out, buf_span(&blob));
			buf_fini(&blob);
			return;
		}
	fail_msg("no key %c", which);
}

/* A string: the SHA1 (id 1) or SHA256 (id 2) sum of one of them. */
static void put_sum(struct buf *out, char id, char which)
{
	struct buf key = BUF(4096);
	uint8_t sum[HASH_MAX];

	put_key(&key, which);
	buf_string(out, digest(span(key.p + 4, key.n - 4), id == '1' ? HASH_SHA1 : HASH_SHA256, sum));
	buf_fini(&key);
}

static void put_hex(struct buf *out, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += 2) {
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		buf_u8(out, (uint8_t)byte);
	}
}

/* A language for lists, items apart by blanks: H a header; ( and ) begin and end a string; kX a key, 1X and 2X a sum of
 * it; uN a uint64; xHEX bytes; sTEXT a string. */
static void put_list(struct buf *out, const char *recipe)
{
	size_t begun[4], depth = 0;
	char item[256];
	int used;

	for (; sscanf(recipe, " %255s%n", item, &used) == 1; recipe += used)
		switch (item[0]) {
		case 'H':
			buf_bytes(out, span(KRL_MAGIC, sizeof(KRL_MAGIC)));
			put_list(out, "x00000001 u9 u1600000000 u0 s scomment");
			break;
		case '(':
			assert_true(depth < LEN(begun));
			begun[depth++] = buf_begin(out);
			break;
		case ')':
			assert_true(depth > 0);
			buf_end(out, begun[--depth]);
			break;
		case 'k':
			put_key(out, item[1]);
			break;
		case '1':
		case '2':
			put_sum(out, item[0], item[1]);
			break;
		case 'u':
			buf_u64(out, strtoull(item + 1, NULL, 10));
			break;
		case 'x':
			put_hex(out, item + 1);
			break;
		case 's':
			buf_cstring(out, item + 1);
			break;
		default:
			fail_msg("no item %s", item);
		}
	assert_int_equal(depth, 0);
	assert_int_equal(buf_err(out), OK);
}

enum who { PLAIN, CERT }; /* the key A; a certificate of C for it, with the ID "good" */

static int check(struct span list, enum who who, uint64_t serial, struct why *why)
{
	struct buf key = key_blob(KEY_A), ca = key_blob(KEY_CA);
	struct krl_question q = { .key = buf_span(&key) };
	int err;

	if (who == CERT) {
		q.ca = buf_span(&ca);
		q.id = span_str("good");
		q.serial = serial;
	}
	err = krl_check(list, &q, crypto, why);
	buf_fini(&key);
	buf_fini(&ca);
	return err;
}

#define MAX64 "18446744073709551615"

static const struct row {
	const char *name, *recipe;
	enum who who;
	uint64_t serial;
	int err;
	const char *sentence;
} rows[] = {
	/* the whole */
	{ "nothing", "", PLAIN, 0, ERR_SYNTAX, "cut short" },
	{ "another magic", "x5353484b524c0a01 x00000001 u1 u1 u0 s s", PLAIN, 0, ERR_SYNTAX, "begin" },
	{ "version 0", "x5353484b524c0a00 x00000000 u1 u1 u0 s s", PLAIN, 0, ERR_SYNTAX, "version 0" },
	{ "version 2", "x5353484b524c0a00 x00000002 u1 u1 u0 s s", PLAIN, 0, ERR_SYNTAX, "version 2" },
	{ "section 0", "H x00 ( )", PLAIN, 0, ERR_SYNTAX, "type 0" },
	{ "section 6 behind a hit", "H x02 ( kA ) x06 ( )", PLAIN, 0, ERR_SYNTAX, "type 6" },
	{ "section of 4 GB", "H x02 xffffffff", PLAIN, 0, ERR_SYNTAX, "cut short" },
	{ "half a section behind a hit", "H x02 ( kA ) x02", PLAIN, 0, ERR_SYNTAX, "cut short" },
	{ "critical extension", "H xff ( snew@example.com x01 s )", PLAIN, 0, ERR_SYNTAX, "'new@example.com'" },
	{ "its name is not shown raw", "H xff ( ( x1b5b ) xff s )", PLAIN, 0, ERR_SYNTAX, "'\\x1b['" },
	{ "extension with a tail", "H xff ( snew x00 s x00 )", PLAIN, 0, ERR_SYNTAX, "extension is" },
	{ "extension without contents", "H xff ( snew x00 )", PLAIN, 0, ERR_SYNTAX, "extension is" },
	{ "keys behind a signature", "H x04 kC s x02 ( kB )", PLAIN, 0, ERR_SYNTAX, "type 2" },
	{ "half a signature", "H x04 kC", PLAIN, 0, ERR_SYNTAX, "cut short" },
	/* keys */
	{ "key with a tail", "H x02 ( kB x00 )", PLAIN, 0, ERR_SYNTAX, "keys are" },
	{ "SHA1 of 19 bytes", "H x03 ( ( u1 u1 x000000 ) )", PLAIN, 0, ERR_SYNTAX, "19 bytes instead of 20" },
	{ "SHA1 of 32 bytes", "H x03 ( 2A )", PLAIN, 0, ERR_SYNTAX, "32 bytes instead of 20" },
	{ "SHA256 of 20 bytes", "H x05 ( 2B 1A )", PLAIN, 0, ERR_SYNTAX, "20 bytes instead of 32" },
	{ "empty SHA256", "H x05 ( s )", PLAIN, 0, ERR_SYNTAX, "0 bytes" },
	{ "SHA256 cut short", "H x05 ( 2B x00000020 u1 )", PLAIN, 0, ERR_SYNTAX, "SHA256 fingerprints are" },
	/* certificates */
	{ "no CA", "H x01 ( )", PLAIN, 0, ERR_SYNTAX, "cut short" },
	{ "CA and nothing", "H x01 ( kC )", PLAIN, 0, ERR_SYNTAX, "cut short" },
	{ "CA that is no key", "H x01 ( sssh-ed25519 s )", PLAIN, 0, ERR_SYNTAX, "no public key" },
	{ "CA of 31 bytes", "H x01 ( ( sssh-ed25519 ( u1 u1 u1 x00000000000000 ) ) s )", CERT, 1, ERR_SYNTAX,
	  "no public key" },
	{ "CA with a tail", "H x01 ( ( sssh-ed25519 ( u1 u1 u1 u1 ) x00 ) s )", CERT, 1, ERR_SYNTAX, "no public key" },
	{ "CA that is a certificate", "H x01 ( kT s )", CERT, 1, ERR_SYNTAX, "no public key" },
	{ "certificates of kind 0x24", "H x01 ( s s x24 ( ) )", PLAIN, 0, ERR_SYNTAX, "type 36" },
	{ "keys among certificates", "H x01 ( s s x02 ( kA ) )", PLAIN, 0, ERR_SYNTAX, "type 2" },
	{ "critical extension there", "H x01 ( s s x39 ( snew x01 s ) )", PLAIN, 0, ERR_SYNTAX, "'new'" },
	{ "serial of 7 bytes", "H x01 ( kD s x20 ( u1 x00000000000000 ) )", CERT, 1, ERR_SYNTAX, "serial numbers are" },
	{ "serial 0", "H x01 ( kD s x20 ( u1 u0 ) )", CERT, 1, ERR_SYNTAX, "number 0" },
	{ "range from 0", "H x01 ( kD s x21 ( u0 u9 ) )", CERT, 1, ERR_SYNTAX, "number 0" },
	{ "range upside down", "H x01 ( kD s x21 ( u9 u8 ) )", CERT, 1, ERR_SYNTAX, "from 9 down to 8" },
	{ "range without end", "H x01 ( kC s x21 ( u9 ) )", CERT, 9, ERR_SYNTAX, "range of serial numbers is" },
	{ "empty range", "H x01 ( kC s x21 ( ) )", CERT, 9, ERR_SYNTAX, "range of serial numbers is" },
	{ "two ranges", "H x01 ( kC s x21 ( u1 u2 u3 u4 ) )", CERT, 9, ERR_SYNTAX, "range of serial numbers is" },
	{ "bitmap without bits", "H x01 ( kC s x22 ( u9 ) )", CERT, 9, ERR_SYNTAX, "bitmap of serial numbers is" },
	{ "negative bitmap", "H x01 ( kC s x22 ( u9 ( x80 ) ) )", CERT, 9, ERR_SYNTAX, "negative" },
	{ "bitmap from 0", "H x01 ( kC s x22 ( u0 ( x03 ) ) )", CERT, 1, ERR_SYNTAX, "number 0" },
	{ "bitmap beyond the end", "H x01 ( kD s x22 ( u" MAX64 " ( x02 ) ) )", CERT, 1, ERR_SYNTAX, "2^64" },
	{ "ID with a NUL", "H x01 ( kD s x23 ( ( x610062 ) ) )", CERT, 1, ERR_SYNTAX, "NUL" },
	{ "ID cut short", "H x01 ( kC s x23 ( x00000004 x676f6f ) )", CERT, 1, ERR_SYNTAX, "key IDs are" },
	{ "fault behind a hit", "H x01 ( kC s x20 ( u1 ) x21 ( u9 u8 ) )", CERT, 1, ERR_SYNTAX, "9 down to 8" },
	/* listed */
	{ "key", "H x02 ( kB kA )", PLAIN, 0, ERR_DENIED, "it" },
	{ "key of the certificate", "H x02 ( kA kB )", CERT, 0, ERR_DENIED, "it" },
	{ "key of the CA", "H x02 ( kC )", CERT, 0, ERR_DENIED, "the CA of its certificate" },
	{ "SHA1", "H x03 ( 1B 1A )", PLAIN, 0, ERR_DENIED, "it" },
	{ "SHA1 of the CA", "H x03 ( 1C )", CERT, 0, ERR_DENIED, "the CA of its certificate" },
	{ "SHA256", "H x03 ( ) x05 ( 2A 2B )", CERT, 0, ERR_DENIED, "it" },
	{ "SHA256 of the CA", "H x05 ( 2C )", CERT, 0, ERR_DENIED, "the CA of its certificate" },
	{ "serial", "H x01 ( kC s x20 ( u7 u8 u9 ) )", CERT, 8, ERR_DENIED, "the serial number of its certificate" },
	{ "serial, any CA", "H x01 ( s s x20 ( u8 ) )", CERT, 8, ERR_DENIED, "the serial number" },
	{ "last serial", "H x01 ( s s x20 ( u" MAX64 " ) )", CERT, UINT64_MAX, ERR_DENIED, "the serial number" },
	{ "first of a range", "H x01 ( kC s x21 ( u7 u9 ) )", CERT, 7, ERR_DENIED, "the serial number" },
	{ "last of a range", "H x01 ( kC s x21 ( u7 u9 ) )", CERT, 9, ERR_DENIED, "the serial number" },
	{ "all there are", "H x01 ( kC s x21 ( u1 u" MAX64 " ) )", CERT, UINT64_MAX, ERR_DENIED, "the serial number" },
	{ "bit 0", "H x01 ( kC s x22 ( u9 ( x01 ) ) )", CERT, 9, ERR_DENIED, "the serial number" },
	{ "bit 7, two bytes", "H x01 ( kC s x22 ( u9 ( x0080 ) ) )", CERT, 16, ERR_DENIED, "the serial number" },
	{ "bit 8", "H x01 ( kC s x22 ( u9 ( x0100 ) ) )", CERT, 17, ERR_DENIED, "the serial number" },
	{ "from 0, bit 1", "H x01 ( kC s x22 ( u0 ( x02 ) ) )", CERT, 1, ERR_DENIED, "the serial number" },
	{ "last bit", "H x01 ( kC s x22 ( u18446744073709551600 ( x008000 ) ) )", CERT, UINT64_MAX, ERR_DENIED,
	  "the serial number" },
	{ "ID", "H x01 ( kC s x23 ( sbad sgood ) )", CERT, 8, ERR_DENIED, "the key ID of its certificate" },
	{ "ID with a NUL behind", "H x01 ( s s x23 ( ( x676f6f6400 ) ) )", CERT, 8, ERR_DENIED, "the key ID" },
	{ "in the second of its sections", "H x01 ( kD s x20 ( u8 ) ) x01 ( kC s x23 ( sx ) x20 ( u8 ) )", CERT, 8,
	  ERR_DENIED, "the serial number" },
	{ "behind extensions", "H xff ( snew x00 sdata ) x01 ( kC s x39 ( snew x00 s ) x20 ( u8 ) )", CERT, 8,
	  ERR_DENIED, "the serial number" },
	{ "before signatures", "H x02 ( kA ) x04 kC s x04 kD sx", PLAIN, 0, ERR_DENIED, "it" },
	/* not listed */
	{ "empty list", "H", CERT, 8, OK, "" },
	{ "empty sections", "H x01 ( s s ) x02 ( ) x03 ( ) x05 ( )", CERT, 8, OK, "" },
	{ "other keys", "H x02 ( kB kC kD s ) x03 ( 1B 1C ) x05 ( 2B 2C )", PLAIN, 0, OK, "" },
	{ "other CA", "H x02 ( kB kD ) x03 ( 1D ) x05 ( 2D )", CERT, 8, OK, "" },
	{ "certificates only", "H x01 ( s s x21 ( u1 u" MAX64 " ) x23 ( s ) )", PLAIN, 0, OK, "" },
	{ "certificates of another CA", "H x01 ( kD s x21 ( u1 u9 ) x22 ( u1 ( x7f ) ) x23 ( sgood ) )", CERT, 8, OK,
	  "" },
	{ "sums of nothing",
	  "H x03 ( ( xda39a3ee5e6b4b0d3255bfef95601890afd80709 ) ) "
	  "x05 ( ( xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 ) )",
	  PLAIN, 0, OK, "" },
	{ "CA of an unknown type", "H x01 ( ( sssh-new s ) s x20 ( u8 ) )", CERT, 8, OK, "" },
	{ "no serial", "H x01 ( kC s x21 ( u1 u" MAX64 " ) )", CERT, 0, OK, "" },
	{ "no serial before a bitmap", "H x01 ( kC s x22 ( u1 ( x01 ) ) )", CERT, 0, OK, "" },
	{ "no serial, bitmap from 0", "H x01 ( kC s x22 ( u0 ( x7e ) ) )", CERT, 0, OK, "" },
	{ "beside a range", "H x01 ( kC s x21 ( u7 u9 ) x21 ( u11 u12 ) )", CERT, 10, OK, "" },
	{ "beside a bit", "H x01 ( kC s x22 ( u9 ( x05 ) ) )", CERT, 10, OK, "" },
	{ "before a bitmap", "H x01 ( kC s x22 ( u9 ( x7f ) ) )", CERT, 8, OK, "" },
	{ "behind a bitmap", "H x01 ( kC s x22 ( u9 ( x7f ) ) )", CERT, 17, OK, "" },
	{ "empty bitmap", "H x01 ( kC s x22 ( u9 s ) )", CERT, 9, OK, "" },
	{ "bitmap of zeros", "H x01 ( kC s x22 ( u0 ( x0000 ) ) )", CERT, 9, OK, "" },
	{ "longer and shorter IDs", "H x01 ( kC s x23 ( sgoo sgoods sGood s ) )", CERT, 8, OK, "" },
	{ "signature alone", "H x04 kC s", PLAIN, 0, OK, "" },
};

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct buf list = BUF(65536);
		struct why why = { "" };
		int err;

		put_list(&list, r->recipe);
		err = check(buf_span(&list), r->who, r->serial, &why);
		if (err != r->err || !strstr(why.text, r->sentence) || !why.text[0] != !err)
			fail_msg("%s: %d (%s)", r->name, err, why.text);
		if (err == ERR_DENIED && strncmp(why.text, r->sentence, strlen(r->sentence)) != 0)
			fail_msg("%s: %s", r->name, why.text);
		buf_fini(&list);
	}
}

/* IDs of certificates are C strings too. */
static void test_id_of_the_certificate(void **state)
{
	static const struct {
		struct span id;
		int err;
	} ids[] = {
		{ { (const uint8_t *)"good\0", 5 }, ERR_DENIED },
		{ { (const uint8_t *)"good\0x", 6 }, ERR_DENIED },
		{ { (const uint8_t *)"goo\0d", 5 }, OK },
		{ { NULL, 0 }, OK },
	};
	struct buf list = BUF(4096), ca = key_blob(KEY_CA);

	(void)state;
	put_list(&list, "H x01 ( kC s x23 ( sgood ) )");
	for (size_t i = 0; i < LEN(ids); i++) {
		struct krl_question q = { .key = span_str("k"), .ca = buf_span(&ca), .id = ids[i].id, .serial = 1 };

		assert_int_equal(krl_check(buf_span(&list), &q, crypto, NULL), ids[i].err);
	}
	buf_fini(&list);
	buf_fini(&ca);
}

/* ---- Cut anywhere --------------------------------------------------------------------------------------------- */

/* A copy of just n bytes, so that a sanitizer sees a read behind them. */
static int check_start(struct span list, size_t n)
{
	uint8_t *start = malloc(n ? n : 1);
	int err;

	assert_non_null(start);
	memcpy(start, list.p, n);
	err = check(span(start, n), CERT, 99, NULL);
	free(start);
	return err;
}

/* Between two parts a list may end: the format does not say how long it is. */
static void test_truncated_anywhere(void **state)
{
	static const char *const parts[] = {
		"H",
		"xff ( snew x00 sdata )",
		"x01 ( kC s x20 ( u1 u2 ) x21 ( u10 u20 ) x22 ( u30 ( x0105 ) ) x23 ( sbad sx ) x39 ( snew x00 s ) )",
		"x01 ( s s x20 ( u3 ) )",
		"x02 ( kB kR )",
		"x03 ( 1B 1D )",
		"x05 ( 2B 2D )",
		"x04 kC ( u1 u2 )",
	};
	struct buf list = BUF(65536);
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < LEN(parts); i++) {
		put_list(&list, parts[i]);
		for (; n < list.n; n++)
			if (check_start(buf_span(&list), n) != ERR_SYNTAX)
				fail_msg("%zu bytes of part %zu", n, i);
		assert_int_equal(check_start(buf_span(&list), n++), OK);
	}
	buf_fini(&list);
}

/* The same inside a section whose length is right. */
static void test_truncated_inside(void **state)
{
	static const char *const parts[] = {
		"kC s",
		"x20 ( u1 u2 )",
		"x21 ( u10 u20 )",
		"x22 ( u30 ( x0105 ) )",
		"x23 ( sbad sx )",
		"x39 ( snew x00 s )",
	};
	struct buf inside = BUF(65536), list = BUF(65536);
	size_t n = 0, whole = 0;

	(void)state;
	for (size_t i = 0; i < LEN(parts); i++) {
		put_list(&inside, parts[i]);
		for (whole = inside.n; n <= whole; n++) {
			buf_clear(&list);
			put_list(&list, "H x01");
			buf_string(&list, span(inside.p, n));
			if (check(buf_span(&list), CERT, 99, NULL) != (n < whole ? ERR_SYNTAX : OK))
				fail_msg("%zu bytes of part %zu", n, i);
		}
	}
	buf_fini(&inside);
	buf_fini(&list);
}

/* ---- Like ssh-keygen ------------------------------------------------------------------------------------------ */

/* Keys and certificates that every list is asked about. */
static const char *const subjects[] = {
	"a.pub",      "b.pub",	    "r.pub",	  "ca.pub",	 "a-1.pub",	"a-2.pub",
	"a-1000.pub", "a-1001.pub", "a-1003.pub", "other-1.pub", "other-2.pub", "nameless-0.pub",
};

static const char make_subjects[] =
	"for k in ca ca2 a b; do ssh-keygen -q -N '' -t ed25519 -f $k -C $k || exit 1; done; "
	"ssh-keygen -q -N '' -t rsa -b 2048 -f r -C r || exit 1; "
	"sign() { ssh-keygen -q -s $1 -I \"$2\" -z $3 -n x a.pub && mv a-cert.pub $4-$3.pub; }; "
	"for n in 1 2 1000 1001 1003; do sign ca id-$n $n a || exit 1; done; "
	"sign ca2 id-1 1 other && sign ca2 id-2 2 other && sign ca '' 0 nameless";

/* How the file "krl" is made. */
static const char *const recipes[] = {
	"ssh-keygen -k -f krl",
	"ssh-keygen -k -f krl a.pub",
	"ssh-keygen -k -f krl r.pub b.pub",
	"ssh-keygen -k -f krl a-1.pub",
	"ssh-keygen -k -f krl ca.pub",
	"echo \"sha1: $(cat a.pub)\" >spec && ssh-keygen -k -f krl spec",
	"echo \"sha256: $(cat r.pub)\" >spec && ssh-keygen -k -f krl spec",
	"echo \"sha256: $(cat ca2.pub)\" >spec && ssh-keygen -k -f krl spec",
	"ssh-keygen -lf a.pub | awk '{print \"hash:\", $2}' >spec && ssh-keygen -k -f krl spec",
	"echo 'serial: 1' >spec && ssh-keygen -k -f krl -s ca.pub spec",
	"echo 'serial: 1' >spec && ssh-keygen -k -f krl -s none spec",
	"echo 'serial: 2-1000' >spec && ssh-keygen -k -f krl -s ca.pub spec",
	"echo 'serial: 1002-18446744073709551615' >spec && ssh-keygen -k -f krl -s ca2.pub -s ca.pub spec",
	"seq -f 'serial: %.0f' 1 2 1001 >spec && ssh-keygen -k -f krl -s ca.pub spec",
	"seq -f 'serial: %.0f' 2 3 2000 >spec && ssh-keygen -k -f krl -s none spec",
	"(seq -f 'serial: %.0f' 990 1000; echo 'serial: 1003') >spec && ssh-keygen -k -f krl -s ca.pub spec",
	"echo 'id: id-1' >spec && ssh-keygen -k -f krl -s ca.pub spec",
	"printf 'id: id\\nid: id-2\\n' >spec && ssh-keygen -k -f krl -s none spec",
	("echo 'serial: 1' >spec && ssh-keygen -k -f krl -s ca.pub spec && echo 'id: id-2' >spec && "
	 "ssh-keygen -k -u -f krl -s ca2.pub spec && ssh-keygen -k -u -f krl -z 5 b.pub"),
};

static int ask_us(const char *name, struct span list)
{
	struct buf blob = BUF(PKEY_BLOB_MAX), plain = BUF(PKEY_BLOB_MAX);
	struct krl_question q = { 0 };
	struct cert cert;
	int err;

	assert_int_equal(keyfile_load_public(in_dir(name), &blob, NULL, NULL), OK);
	q.key = buf_span(&blob);
	if (cert_is(q.key)) {
		assert_int_equal(cert_read(&cert, q.key, NULL), OK);
		assert_int_equal(cert_plain_blob(q.key, &plain), OK);
		q = (struct krl_question){ buf_span(&plain), cert.ca_blob, cert.key_id, cert.serial };
	}
	err = krl_check(list, &q, crypto, NULL);
	buf_fini(&blob);
	buf_fini(&plain);
	return err;
}

/* Their verdicts. */
static void ask_them(bool revoked[LEN(subjects)])
{
	struct buf said = BUF(65536);

	for (size_t i = 0; i < LEN(subjects); i++) {
		bool one = !sh("ssh-keygen -Q -f krl %s", subjects[i]);

		buf_clear(&said);
		slurp("log", &said);
		buf_u8(&said, 0);
		assert_non_null(strstr((const char *)said.p, one ? ": REVOKED" : ": ok"));
		revoked[i] = one;
	}
	buf_fini(&said);
}

static void test_like_ssh_keygen(void **state)
{
	struct buf list = BUF(1 << 20);
	size_t hits = 0;

	(void)state;
	assert_true(sh("%s", make_subjects));
	for (size_t i = 0; i < LEN(recipes); i++) {
		bool revoked[LEN(subjects)];

		assert_true(sh("rm -f krl; %s", recipes[i]));
		buf_clear(&list);
		slurp("krl", &list);
		ask_them(revoked);
		for (size_t k = 0; k < LEN(subjects); k++) {
			int err = ask_us(subjects[k], buf_span(&list));

			if (err != (revoked[k] ? ERR_DENIED : OK))
				fail_msg("%s: %s: %d", recipes[i], subjects[k], err);
			hits += revoked[k];
		}
	}
	assert_in_range(hits, LEN(recipes), LEN(recipes) * LEN(subjects) / 2);
	buf_fini(&list);
}

static int set_up(void **state)
{
	int err = crypto_setup(state);

	return err ? err : keygen_setup(state);
}

static int tear_down(void **state)
{
	crypto_teardown(state);
	return keygen_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_id_of_the_certificate),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_truncated_inside),
		cmocka_unit_test(test_like_ssh_keygen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
