/* Verdicts on host keys: tables over files in memory, and the same question put to ssh-keygen. Appending is in
 * test_known_hosts_append.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "known_hosts_fixture.h"
#include "conf/revoked.h"

enum { Y2025 = 1735689600, BEFORE_2020 = 1577836799, Y2030 = 1893456000 };

static const struct kh_rules in_2025 = { .now = Y2025 };

#define HOST                                 \
	{                                    \
		"host.example.com", 22, NULL \
	}
#define PORT                                   \
	{                                      \
		"host.example.com", 2222, NULL \
	}
#define SAYS(s) s, sizeof(s) - 1
#define H	"host.example.com "
#define P	"[host.example.com]:2222 "
#define LONG	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ALL_CA	"@cert-authority *.example.com " KEY_CA "\n"

struct row {
	const char *name, *content;
	size_t n;
	struct kh_host who;
	const char *key;
	enum kh_status want;
	unsigned long line, ignored;
	bool without_port;
	uint64_t now; /* 0 = 2025 */
	const char *ca_sig_algs;
	unsigned rsa_min_bits;
};

static const struct row rows[] = {
	/* Nothing to be learned. */
	{ "empty file", SAYS(""), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "only LF", SAYS("\n\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "only blanks", SAYS(" \t \n\t"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "comments", SAYS("# " H KEY_A "\n \t#" H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "another host", SAYS("other.example.com " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "a longer name", SAYS("xhost.example.com,host.example.comx " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN,
	  .line = 0 },
	/* Malformed lines say nothing, and are named. */
	{ "truncated after the host", SAYS("host.example.com"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "truncated after the type", SAYS(H "ssh-ed25519"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "truncated key", SAYS(H "ssh-ed25519 AAAAC3Nza"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "truncated on a base64 border", SAYS(H "ssh-ed25519 AAAAC3NzaC1lZDI1"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "no base64", SAYS(H "ssh-ed25519 !!!!\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "type differs from the key's", SAYS(H "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==\n"), HOST, KEY_A, KH_UNKNOWN,
	  .line = 0, .ignored = 1 },
	{ "unknown marker", SAYS("@trusted " H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "marker in capitals", SAYS("@REVOKED " H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "marker without name", SAYS("@ " H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "two markers", SAYS("@cert-authority @revoked " H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "only a marker", SAYS("@revoked\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "NUL before the key", SAYS(H "\0" KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "NUL behind the key", SAYS(H KEY_A "\0\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "NUL in the host", SAYS("host.example.com\0.evil.net " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "a form feed separates nothing", SAYS("host.example.com\f" KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "a no-break space neither", SAYS("host.example.com\xc2\xa0" KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "hash without bar", SAYS("|1|AAAA " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "hash of another scheme", SAYS("|2|AAAA|AAAA " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "short salt", SAYS("|1|AAAA|VpC6MZpjMjOeZGR7Cho6IZLEelU= " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "long salt", SAYS("|1|" LONG "|" LONG " " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .ignored = 1 },
	{ "empty salt", SAYS("|1||VpC6MZpjMjOeZGR7Cho6IZLEelU= " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "long hash", SAYS(HASHED_22 "AAAA " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0, .ignored = 1 },
	{ "hash that is no base64", SAYS("|1|bDUA0bUGUMHd8OaUJga9B3ALidI=|???? " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN,
	  .line = 0, .ignored = 1 },
	{ "a hashed name stands alone", SAYS(HASHED_22 "," H KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0,
	  .ignored = 1 },
	{ "type of the future", SAYS(H "ssh-future AAAA\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "SSH 1", SAYS(H "1024 35 1234567890\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "bad line of another host", SAYS("other ssh-ed25519 !!!!\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
	{ "good line behind a bad one", SAYS("@x\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2, .ignored = 1 },

	/* Revoked beats everything. */
	{ "revoked", SAYS("@revoked * " KEY_A "\n"), HOST, KEY_A, KH_REVOKED, .line = 1 },
	{ "revoked behind a match", SAYS(H KEY_A "\n@revoked * " KEY_A "\n"), HOST, KEY_A, KH_REVOKED, .line = 2 },
	{ "revoked, no final LF", SAYS(H KEY_A "\n@revoked\t*\t" KEY_A), HOST, KEY_A, KH_REVOKED, .line = 2 },
	{ "revoked for this host", SAYS("@revoked " H KEY_A "\n"), HOST, KEY_A, KH_REVOKED, .line = 1 },
	{ "revoked by hash", SAYS("@revoked " HASHED_22 " " KEY_A "\n"), HOST, KEY_A, KH_REVOKED, .line = 1 },
	{ "revoked for the bare host", SAYS(P KEY_A "\n@revoked " H KEY_A "\n"), PORT, KEY_A, KH_REVOKED, .line = 2 },
	{ "revoked key of a certificate", SAYS(ALL_CA "@revoked * " KEY_A "\n"), HOST, GOOD_CERT, KH_REVOKED,
	  .line = 2 },
	{ "revoked as a certificate", SAYS("@revoked * " ANY_CERT "\n"), HOST, KEY_A, KH_REVOKED, .line = 1 },
	{ "revoked CA", SAYS(ALL_CA "@revoked * " KEY_CA "\n"), HOST, GOOD_CERT, KH_REVOKED, .line = 2 },
	{ "revoked CA, known key", SAYS(H KEY_A "\n@revoked * " KEY_CA "\n"), HOST, GOOD_CERT, KH_REVOKED, .line = 2 },
	{ "revoked for others", SAYS("@revoked other.com " KEY_A "\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
	{ "another key revoked", SAYS("@revoked * " KEY_B "\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
	{ "revoking does not make known", SAYS("@revoked " H KEY_B "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },

	/* Changed. */
	{ "another key", SAYS(H KEY_B "\n"), HOST, KEY_A, KH_CHANGED, .line = 1 },
	{ "a key of another type", SAYS(H KEY_E "\n"), HOST, KEY_A, KH_CHANGED, .line = 1 },
	{ "the one of this type is named", SAYS(H KEY_E "\n" H KEY_B "\n"), HOST, KEY_A, KH_CHANGED, .line = 2 },
	{ "changed behind a pattern", SAYS("*.example.com " KEY_B "\n"), HOST, KEY_A, KH_CHANGED, .line = 1 },
	{ "changed, hashed", SAYS(HASHED_22 " " KEY_B "\n"), HOST, KEY_A, KH_CHANGED, .line = 1 },
	{ "changed on the port", SAYS(P KEY_B "\n"), PORT, KEY_A, KH_CHANGED, .line = 1 },
	{ "the port's entry decides", SAYS(H KEY_A "\n" P KEY_B "\n"), PORT, KEY_A, KH_CHANGED, .line = 2 },
	{ "certificate around a changed key", SAYS(H KEY_B "\n"), HOST, GOOD_CERT, KH_CHANGED, .line = 1 },

	/* A CA that is trusted, and a certificate that is not in order. */
	{ "user certificate", SAYS(ALL_CA), HOST, USER_CERT, KH_CERT_BAD, .line = 1 },
	{ "no principals", SAYS(ALL_CA), HOST, ANY_CERT, KH_CERT_BAD, .line = 1 },
	{ "critical option", SAYS(ALL_CA), HOST, CRITICAL_CERT, KH_CERT_BAD, .line = 1 },
	{ "not yet valid", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_BAD, .line = 1, .now = BEFORE_2020 },
	{ "expired this second", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_BAD, .line = 1, .now = Y2030 },
	{ "for other hosts", SAYS(ALL_CA), { "www.example.com", 22, NULL }, GOOD_CERT, KH_CERT_BAD, .line = 1 },
	{ "the alias is not a principal",
	  SAYS("@cert-authority * " KEY_CA "\n"),
	  { "host.example.com", 22, "x" },
	  GOOD_CERT,
	  KH_CERT_BAD,
	  .line = 1 },
	{ "CA's algorithm is not in the list", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_BAD, .line = 1,
	  .ca_sig_algs = "ecdsa-sha2-nistp256,ssh-ed25519x,rsa-sha2-512" },
	{ "an empty list of algorithms", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_BAD, .line = 1, .ca_sig_algs = "" },
	{ "the CA's other RSA algorithm", SAYS("@cert-authority * " KEY_RSA_CA "\n"), HOST, RSA2_CERT, KH_CERT_BAD,
	  .line = 1, .ca_sig_algs = "ssh-rsa,rsa-sha2-256" },
	{ "CA's RSA key too short", SAYS("@cert-authority * " KEY_RSA_CA "\n"), HOST, RSA2_CERT, KH_CERT_BAD, .line = 1,
	  .rsa_min_bits = 16384 },
	{ "CA not allowed, but the key is known", SAYS(ALL_CA H KEY_A "\n"), HOST, GOOD_CERT, KH_OK, .line = 2,
	  .ca_sig_algs = "rsa-sha2-512" },
	{ "CA with SHA-1", SAYS("@cert-authority * " KEY_RSA_CA "\n"), HOST, SHA1_CERT, KH_UNKNOWN, .line = 0 },
	{ "another CA", SAYS("@cert-authority * " KEY_CA2 "\n"), HOST, GOOD_CERT, KH_UNKNOWN, .line = 0 },
	{ "CA without marker", SAYS(H KEY_CA "\n"), HOST, GOOD_CERT, KH_CHANGED, .line = 1 },
	{ "CA of other hosts", SAYS("@cert-authority *.example.net " KEY_CA "\n"), HOST, GOOD_CERT, KH_UNKNOWN,
	  .line = 0 },
	{ "CA excludes the host", SAYS("@cert-authority *,!host.* " KEY_CA "\n"), HOST, GOOD_CERT, KH_UNKNOWN,
	  .line = 0 },
	{ "a CA's own key is no host key", SAYS("@cert-authority * " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "expired, but the key is known", SAYS(ALL_CA H KEY_A "\n"), HOST, GOOD_CERT, KH_OK, .line = 2, .now = Y2030 },

	/* Certificates in order. */
	{ "certificate", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_OK, .line = 1 },
	{ "CA's algorithm is in the list", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_OK, .line = 1,
	  .ca_sig_algs = "rsa-sha2-512,ssh-ed25519", .rsa_min_bits = 16384 },
	{ "CA's RSA key long enough", SAYS("@cert-authority * " KEY_RSA_CA "\n"), HOST, RSA2_CERT, KH_CERT_OK,
	  .line = 1, .ca_sig_algs = "rsa-sha2-512", .rsa_min_bits = 1024 },
	{ "first second", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_OK, .line = 1, .now = BEFORE_2020 + 1 },
	{ "last second", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_OK, .line = 1, .now = Y2030 - 1 },
	{ "principal is a pattern",
	  SAYS(ALL_CA),
	  { "a.glob.example.com", 22, NULL },
	  GOOD_CERT,
	  KH_CERT_OK,
	  .line = 1 },
	{ "host in capitals", SAYS(ALL_CA), { "HOST.Example.COM", 22, NULL }, GOOD_CERT, KH_CERT_OK, .line = 1 },
	{ "alias is a principal",
	  SAYS(ALL_CA),
	  { "192.0.2.1", 22, "host.example.com" },
	  GOOD_CERT,
	  KH_CERT_OK,
	  .line = 1 },
	{ "CA for a port", SAYS("@cert-authority [*]:2222 " KEY_CA "\n"), PORT, GOOD_CERT, KH_CERT_OK, .line = 1 },
	{ "CA for the bare host", SAYS("@cert-authority *.com " KEY_CA "\n"), PORT, GOOD_CERT, KH_CERT_OK, .line = 1,
	  .without_port = true },
	{ "rsa-sha2-512 CA", SAYS("@cert-authority * " KEY_RSA_CA "\n"), HOST, RSA2_CERT, KH_CERT_OK, .line = 1 },
	{ "certificate beats an old key", SAYS(H KEY_B "\n" ALL_CA), HOST, GOOD_CERT, KH_CERT_OK, .line = 2 },
	{ "no CA, but the key is known", SAYS(H KEY_A "\n"), HOST, GOOD_CERT, KH_OK, .line = 1 },

	/* Known. */
	{ "plain", SAYS(H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "no final LF", SAYS(H KEY_A), HOST, KEY_A, KH_OK, .line = 1 },
	{ "comment", SAYS(H KEY_A " root@host # x\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "CR LF", SAYS(H KEY_A "\r\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "TAB and more blanks", SAYS(" \thost.example.com\t  " KEY_A "\t \n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "third of a list", SAYS("a,b,host.example.com,c " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "file in capitals", SAYS("HOST.Example.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "caller in capitals", SAYS(H KEY_A "\n"), { "Host.EXAMPLE.com", 22, NULL }, KEY_A, KH_OK, .line = 1 },
	{ "pattern", SAYS("h?st.*.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "excluded", SAYS("*.example.com,!host.example.com " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "excluded first", SAYS("!host.*,* " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "only an exclusion of others", SAYS("!other " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "another excluded", SAYS("!other,* " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "hashed", SAYS(HASHED_22 " " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 },
	{ "hashed, caller in capitals",
	  SAYS(HASHED_22 " " KEY_A "\n"),
	  { "HOST.example.com", 22, NULL },
	  KEY_A,
	  KH_OK,
	  .line = 1 },
	{ "hashed with port", SAYS(HASHED_2222 " " KEY_A "\n"), PORT, KEY_A, KH_OK, .line = 1 },
	{ "hashed with port is not port 22", SAYS(HASHED_2222 " " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "second of several", SAYS(H KEY_B "\n" H KEY_A "\n" H KEY_E "\n"), HOST, KEY_A, KH_OK, .line = 2 },
	{ "same name, several types", SAYS(H KEY_E "\n*.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
	{ "ecdsa", SAYS(H KEY_A "\n" H KEY_E "\n"), HOST, KEY_E, KH_OK, .line = 2 },
	{ "port", SAYS(P KEY_A "\n"), PORT, KEY_A, KH_OK, .line = 1 },
	{ "another port", SAYS(P KEY_A "\n"), { "host.example.com", 2223, NULL }, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "a port is not port 22", SAYS(P KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "brackets with port 22 are not used", SAYS("[host.example.com]:22 " KEY_A "\n"), HOST, KEY_A, KH_UNKNOWN,
	  .line = 0 },
	{ "bare host, other port", SAYS(H KEY_A "\n"), PORT, KEY_A, KH_OK, .line = 1, .without_port = true },
	{ "bare host with another key", SAYS(H KEY_B "\n"), PORT, KEY_A, KH_UNKNOWN, .line = 0 },
	{ "both", SAYS(H KEY_A "\n" P KEY_A "\n"), PORT, KEY_A, KH_OK, .line = 2 },
	{ "pattern over ports", SAYS("[host.*]:* " KEY_A "\n"), PORT, KEY_A, KH_OK, .line = 1 },
	{ "alias", SAYS("box " KEY_A "\n"), { "host.example.com", 2222, "box" }, KEY_A, KH_OK, .line = 1 },
	{ "alias hides the host",
	  SAYS(H KEY_A "\n" P KEY_A "\n"),
	  { "host.example.com", 2222, "box" },
	  KEY_A,
	  KH_UNKNOWN,
	  .line = 0 },
	{ "alias with a port in it",
	  SAYS(P KEY_A "\n"),
	  { "192.0.2.1", 22, "[host.example.com]:2222" },
	  KEY_A,
	  KH_OK,
	  .line = 1 },
	{ "IPv6", SAYS("fe80::1%eth0 " KEY_A "\n"), { "fe80::1%eth0", 22, NULL }, KEY_A, KH_OK, .line = 1 },
	{ "IPv6 and port",
	  SAYS("[2001:DB8::1]:2222 " KEY_A "\n"),
	  { "2001:db8::1", 2222, NULL },
	  KEY_A,
	  KH_OK,
	  .line = 1 },
};

static int check(struct kh_verdict *v, const struct row *r)
{
	struct buf blob = key_blob(r->key);
	const struct kh_rules rules = { r->now ? r->now : Y2025, r->ca_sig_algs, r->rsa_min_bits };
	int err = kh_check_memory(v, "file", span(r->content, r->n), &r->who, buf_span(&blob), crypto, &rules);

	buf_fini(&blob);
	return err;
}

/* The rows give line 0 for "none". */
static bool as_wanted(const struct kh_verdict *v, const struct row *r)
{
	return v->status == r->want && v->at.line == r->line && v->ignored.line == r->ignored &&
	       !v->ignored_reason == !r->ignored && v->without_port == r->without_port;
}

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct kh_verdict v;

		assert_int_equal(check(&v, &rows[i]), OK);
		if (!as_wanted(&v, &rows[i]))
			fail_msg("%s: status %d line %lu ignored %lu (%s)", rows[i].name, v.status, v.at.line,
				 v.ignored.line, v.ignored_reason ? v.ignored_reason : "");
	}
}

/* A file that is cut anywhere gives a verdict, and never a better one than the whole. */
static void test_truncated_anywhere(void **state)
{
	static const char content[] = "@cert-authority x " KEY_CA "\n" HASHED_22 " " KEY_B "\n@revoked * " KEY_A "\n";

	(void)state;
	for (size_t n = 0; n < sizeof(content); n++) {
		struct row r = { "cut", content, n, HOST, KEY_A, KH_UNKNOWN, .line = 0 };
		char *copy = malloc(n + 1); /* exact, for the sanitizer */
		struct kh_verdict v;

		assert_non_null(copy);
		memcpy(copy, content, n);
		r.content = copy;
		assert_int_equal(check(&v, &r), OK);
		assert_true(v.status == KH_UNKNOWN || v.status == KH_CHANGED || v.status == KH_REVOKED);
		free(copy);
	}
}

static void test_bad_questions(void **state)
{
	static const struct kh_host host = HOST, nameless = { "", 22, NULL };
	struct buf a = key_blob(KEY_A), cert = key_blob(GOOD_CERT);
	char big[KH_NAME_MAX + 1], name[KH_NAME_MAX];
	struct kh_host endless = { big, 22, NULL };
	struct kh_verdict v;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	assert_int_equal(kh_name(name, &nameless), ERR_SYNTAX);
	assert_int_equal(kh_name(name, &endless), ERR_SYNTAX);
	assert_int_equal(kh_check_memory(&v, "f", span("", 0), &nameless, buf_span(&a), crypto, &in_2025), ERR_SYNTAX);
	assert_int_equal(kh_check_memory(&v, "f", span("", 0), &endless, buf_span(&a), crypto, &in_2025), ERR_SYNTAX);
	/* A certificate that is cut is no certificate, wherever it is cut. */
	for (size_t n = 40; n < cert.n; n++)
		assert_int_equal(kh_check_memory(&v, "f", span("", 0), &host, span(cert.p, n), crypto, &in_2025),
				 ERR_SYNTAX);
	buf_fini(&a);
	buf_fini(&cert);
}

/* A certificate with any byte changed is never trusted through its CA; the key inside may still be known. */
static void test_forged_certificates(void **state)
{
	static const struct kh_host host = HOST;
	struct buf cert = key_blob(GOOD_CERT);

	(void)state;
	for (size_t i = 40; i < cert.n; i++) {
		struct kh_verdict v;
		int err;

		cert.p[i] ^= 1;
		err = kh_check_memory(&v, "f", span_str(ALL_CA), &host, buf_span(&cert), crypto, &in_2025);
		assert_true(err == OK || err == ERR_SYNTAX);
		assert_true(err || v.status == KH_UNKNOWN);
		cert.p[i] ^= 1;
	}
	buf_fini(&cert);
}

static void test_long_lines(void **state)
{
	enum { MAX_LINE = 64 * 1024 };
	static const char entry[] = H KEY_A;
	static const size_t lengths[] = { MAX_LINE, MAX_LINE + 1, 1 << 20 };
	char *big = malloc((1 << 20) + sizeof(entry) + 1);

	(void)state;
	assert_non_null(big);
	for (size_t i = 0; i < LEN(lengths); i++) {
		size_t n = lengths[i];
		bool fits = n <= MAX_LINE;
		struct row r = { "long", big,	n + sizeof(entry),    HOST,
				 KEY_A,	 KH_OK, .line = fits ? 1 : 2, .ignored = fits ? 0 : 1 };
		struct kh_verdict v;

		memset(big, ' ', n); /* the first line: this entry, blanks; the second: this entry */
		memcpy(big, entry, sizeof(entry) - 1);
		big[n] = '\n';
		memcpy(big + n + 1, entry, sizeof(entry) - 1);
		assert_int_equal(check(&v, &r), OK);
		assert_true(as_wanted(&v, &r));
	}
	free(big);
}

static void test_sentences(void **state)
{
	struct row r = { "changed", SAYS(H KEY_B "\n"), HOST, KEY_A, KH_CHANGED, .line = 1 };
	struct kh_verdict v;

	(void)state;
	assert_int_equal(check(&v, &r), OK);
	assert_string_equal(v.at.file, "file");
	assert_string_equal(v.at.type, "ssh-ed25519");
	assert_non_null(strstr(v.why.text, "file:1"));
	assert_non_null(strstr(v.why.text, "ssh-keygen -f 'file' -R 'host.example.com'"));
	r = (struct row){ "expired", SAYS(ALL_CA), HOST, GOOD_CERT, KH_CERT_BAD, .line = 1, .now = Y2030 };
	assert_int_equal(check(&v, &r), OK);
	assert_non_null(strstr(v.why.text, "expired"));
	r.now = 0;
	r.ca_sig_algs = "rsa-sha2-512";
	assert_int_equal(check(&v, &r), OK);
	assert_non_null(strstr(v.why.text, "ssh-ed25519, which is not in CASignatureAlgorithms"));
	r = (struct row){ "revoked", SAYS("@revoked * " KEY_A), HOST, KEY_A, KH_REVOKED, .line = 1 };
	assert_int_equal(check(&v, &r), OK);
	assert_non_null(strstr(v.why.text, "file:1"));
}

/* Lines that a program may add to have whole names only. */
static void test_by_pattern(void **state)
{
	static const struct {
		struct row row;
		bool pattern;
	} cases[] = {
		{ { "its own name", SAYS(H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 }, false },
		{ { "a list", SAYS("x,host.example.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 }, false },
		{ { "others' patterns", SAYS("*.net " KEY_A "\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
		  false },
		{ { "revoked pattern", SAYS("@revoked * " KEY_B "\n" H KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 2 },
		  false },
		{ { "hashed", SAYS(HASHED_22 " " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 }, false },
		{ { "star", SAYS("*.example.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 }, true },
		{ { "question mark", SAYS("hos?.example.com " KEY_A "\n"), HOST, KEY_A, KH_OK, .line = 1 }, true },
		{ { "another key", SAYS(H KEY_A "\n*.com " KEY_B "\n"), HOST, KEY_A, KH_OK, .line = 1 }, true },
		{ { "a CA", SAYS(H KEY_A "\n@cert-authority " H KEY_CA "\n"), HOST, KEY_A, KH_OK, .line = 1 }, true },
	};
	struct kh_verdict v;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(check(&v, &cases[i].row), OK);
		if (!as_wanted(&v, &cases[i].row) || v.by_pattern != cases[i].pattern)
			fail_msg("%s", cases[i].row.name);
	}
}

static void test_files(void **state)
{
	static const struct kh_host host = HOST, port = PORT, alias = { "host.example.com", 22, "nobody" };
	char *dir = temp_dir(),
	     *first = temp_file(dir, "first", SAYS("@revoked x " KEY_A "\n" H KEY_E "\n" P KEY_B "\n"));
	char *second = temp_file(dir, "second", SAYS(H KEY_A "\n" H KEY_E "\n@cert-authority " H KEY_CA "\n"));
	const char *files[] = { "/nonexistent/known_hosts", first, dir, second };
	struct buf a = key_blob(KEY_A);
	struct kh_verdict v;
	struct kh_types t;

	(void)state;
	assert_int_equal(kh_check(&v, files, LEN(files), &host, buf_span(&a), crypto, &in_2025), OK);
	assert_int_equal(v.status, KH_OK);
	assert_ptr_equal(v.at.file, second);
	assert_int_equal(v.at.line, 1);
	/* A directory can be opened and not read; the missing file is no news. */
	assert_ptr_equal(v.unreadable, dir);
	assert_int_equal(v.unreadable_errno, EISDIR);
	assert_int_equal(kh_check(&v, NULL, 0, &host, buf_span(&a), crypto, &in_2025), OK);
	assert_int_equal(v.status, KH_UNKNOWN);
	assert_null(v.unreadable);

	assert_int_equal(kh_types(&t, files, LEN(files), &host, crypto), OK);
	assert_int_equal(t.n, 2);
	assert_string_equal(t.type[0], "ecdsa-sha2-nistp256");
	assert_string_equal(t.type[1], "ssh-ed25519");
	assert_true(t.ca);
	assert_int_equal(kh_types(&t, files, LEN(files), &port, crypto), OK);
	assert_int_equal(t.n, 1);
	assert_false(t.ca);
	assert_int_equal(kh_types(&t, &files[3], 1, &port, crypto), OK); /* the bare host stands in */
	assert_int_equal(t.n, 2);
	assert_int_equal(kh_types(&t, files, LEN(files), &alias, crypto), OK);
	assert_int_equal(t.n, 0);
	assert_false(t.ca);
	buf_fini(&a);
	free(first);
	free(second);
	remove_dir(dir);
}

static void test_revoked_list(void **state)
{
	static const struct {
		const char *name, *content;
		size_t n;
		const char *key;
		int want;
	} list[] = {
		{ "no key", SAYS("hello\n"), KEY_A, ERR_SYNTAX },
		{ "known_hosts instead", SAYS(H KEY_B "\n"), KEY_A, ERR_SYNTAX },
		{ "truncated key", SAYS("ssh-ed25519 AAAAC3NzaC1lZDI1"), KEY_A, ERR_SYNTAX },
		{ "NUL", SAYS(KEY_B "\0\n"), KEY_A, ERR_SYNTAX },
		{ "binary list cut short", SAYS(KRL_START("\1") "\2\0\0\0"), KEY_A, ERR_SYNTAX },
		{ "binary list of another version", SAYS(KRL_START("\2")), KEY_A, ERR_SYNTAX },
		{ "magic cut short", SAYS("SSHKRL\n"), KEY_A, ERR_SYNTAX },
		{ "magic without NUL", SAYS("SSHKRL\n" KEY_B "\n"), KEY_A, ERR_SYNTAX },
		{ "magic in the second line", SAYS("\n" KRL_START("\1")), KEY_A, ERR_SYNTAX },
		{ "another type than it says", SAYS("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==\n"), KEY_A, ERR_SYNTAX },
		{ "broken line behind others", SAYS(KEY_B "\n" KEY_E "\nx"), KEY_A, ERR_SYNTAX },
		{ "listed", SAYS(KEY_A "\n"), KEY_A, ERR_HOST_KEY },
		{ "listed last, no LF", SAYS("# x\n\n" KEY_B " comment\n\t" KEY_A), KEY_A, ERR_HOST_KEY },
		{ "key of the certificate", SAYS(KEY_A "\n"), GOOD_CERT, ERR_HOST_KEY },
		{ "CA of the certificate", SAYS(KEY_CA "\n"), GOOD_CERT, ERR_HOST_KEY },
		{ "CA whose signature is not accepted", SAYS(KEY_RSA_CA "\n"), SHA1_CERT, ERR_HOST_KEY },
		{ "listed as a certificate", SAYS(ANY_CERT "\n"), KEY_A, ERR_HOST_KEY },
		{ "key ID in a binary list", SAYS(KRL_START("\1") KRL_IDS("\0\0\0\4good")), GOOD_CERT, ERR_HOST_KEY },
		{ "empty", SAYS(""), KEY_A, OK },
		{ "others", SAYS(KEY_B "\n" KEY_CA "\n"), KEY_A, OK },
		{ "other CA", SAYS(KEY_B "\n" KEY_CA2 "\n"), GOOD_CERT, OK },
		{ "unknown type", SAYS("ssh-next AAAACHNzaC1uZXh0\n"), KEY_A, OK },
		{ "empty binary list", SAYS(KRL_START("\1")), GOOD_CERT, OK },
		{ "other key ID in a binary list", SAYS(KRL_START("\1") KRL_IDS("\0\0\0\4best")), GOOD_CERT, OK },
	};
	char *dir = temp_dir();

	(void)state;
	for (size_t i = 0; i < LEN(list); i++) {
		char *file = temp_file(dir, "revoked", list[i].content, list[i].n);
		struct buf blob = key_blob(list[i].key);
		struct why why = { 0 };
		int err = revoked_check(file, REVOKED_HOST, buf_span(&blob), crypto, &why);

		if (err != list[i].want || !why.text[0] != !err)
			fail_msg("%s: %d %s", list[i].name, err, why.text);
		buf_fini(&blob);
		free(file);
	}
	remove_dir(dir);
}

/* Text lists have no limit. */
static void test_revoked_large_list(void **state)
{
	static const char start[] = KRL_START("\1") "\2\0\377\377\377";
	struct buf blob = key_blob(KEY_A);
	struct why why = { 0 };
	char *dir = temp_dir(), *file = temp_file(dir, "large", start, sizeof(start) - 1);

	(void)state;
	for (off_t more = 1; more >= 0; more--) {
		assert_int_equal(truncate(file, REVOKED_BINARY_MAX + more), 0);
		assert_int_equal(revoked_check(file, REVOKED_HOST, buf_span(&blob), crypto, &why),
				 more ? ERR_LIMIT : ERR_SYNTAX);
		assert_true(!strstr(why.text, "16 MiB") == !more);
	}
	buf_fini(&blob);
	free(file);
	remove_dir(dir);
}

static void test_revoked_list_unreadable(void **state)
{
	struct buf blob = key_blob(KEY_A);
	char *dir = temp_dir();
	struct why why = { 0 };

	(void)state;
	assert_int_equal(revoked_check("/nonexistent/revoked", REVOKED_HOST, buf_span(&blob), crypto, &why), ERR_IO);
	assert_non_null(strstr(why.text, "/nonexistent/revoked"));
	assert_int_equal(revoked_check(dir, REVOKED_HOST, buf_span(&blob), crypto, &why), ERR_IO);
	buf_fini(&blob);
	remove_dir(dir);
}

/* What ssh-keygen -F finds under a name is what we find under it. */
static void test_like_ssh_keygen(void **state)
{
	static const char *const lines[] = {
		"a",	    "a,b",	 "*",	       "?",	 "*.x.org",    "*,!b",
		"!a",	    "!a,*",	 "A.X.org",    "[a]:22", "[a]:99",     "[*]:*",
		"a*",	    "|1|x|y",	 "@",	       "#a",	 "@revoked a", "@cert-authority a",
		"@bogus a", "[::1]:99",	 "fe80::1%lo", "a,,b",	 ",a",	       "a b",
		HASHED_22,  HASHED_2222, "\ta",
	};
	static const char *const names[] = {
		"a",
		"b",
		"a.x.org",
		"x.org",
		"[a]:22",
		"[a]:99",
		"[::1]:99",
		"fe80::1%lo",
		"host.example.com",
		"[host.example.com]:2222",
	};
	char *dir = temp_dir();

	(void)state;
	if (system("command -v ssh-keygen >/dev/null"))
		skip();
	for (size_t i = 0; i < LEN(lines) * LEN(names); i++) {
		const char *line = lines[i / LEN(names)];
		struct kh_host who = { "unused", 22, names[i % LEN(names)] };
		char text[1024], command[1024];
		struct buf blob = key_blob(KEY_A);
		struct kh_verdict v;
		char *file;
		bool theirs;

		snprintf(text, sizeof(text), "%s " KEY_A "\n", line);
		file = temp_file(dir, "f", text, strlen(text));
		snprintf(command, sizeof(command), "ssh-keygen -f '%s' -F '%s' >/dev/null 2>&1", file, who.alias);
		theirs = system(command) == 0;
		assert_int_equal(
			kh_check(&v, (const char *const[]){ file }, 1, &who, buf_span(&blob), crypto, &in_2025), OK);
		if (strncmp(line, "@cert-authority", 15) == 0) {
			struct kh_types t;

			assert_int_equal(kh_types(&t, (const char *const[]){ file }, 1, &who, crypto), OK);
			v.status = t.ca ? KH_OK : KH_UNKNOWN;
		}
		if (theirs != (v.status != KH_UNKNOWN))
			fail_msg("\"%s\" for %s: ssh-keygen %d, status %d", line, who.alias, theirs, v.status);
		buf_fini(&blob);
		free(file);
	}
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),	   cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_bad_questions),	   cmocka_unit_test(test_forged_certificates),
		cmocka_unit_test(test_long_lines),	   cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_by_pattern),	   cmocka_unit_test(test_files),
		cmocka_unit_test(test_revoked_list),	   cmocka_unit_test(test_revoked_list_unreadable),
		cmocka_unit_test(test_revoked_large_list), cmocka_unit_test(test_like_ssh_keygen),
	};

	return cmocka_run_group_tests(tests, crypto_setup, crypto_teardown);
}
