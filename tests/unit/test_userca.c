/* User certificates, made by ssh-keygen: those that must be refused first, and what is left of those that pass. */
#include "keys.h"

#include "conf/revoked.h"
#include "conf/userca.h"
#include "crypto/b64.h"

enum { NOW = 1600000000 }; /* 2020-09-13 12:26:40 UTC */

static const struct key_login alice = { "alice", { 4, { 10, 0, 0, 1 } }, NOW };
static const struct userca_rules rules = { "ssh-ed25519,rsa-sha2-512", 2048 };

/* The base64 of a .pub file. */
static void load_blob(const char *name, struct buf *blob)
{
	struct buf text = BUF(65536);
	const uint8_t *from, *to;

	slurp(name, &text);
	from = memchr(text.p, ' ', text.n);
	assert_non_null(from);
	to = memchr(from + 1, ' ', text.n - (size_t)(from + 1 - text.p));
	assert_int_equal(b64_decode(blob, span(from, to ? (size_t)(to - from) : text.n - (size_t)(from - text.p))), OK);
	buf_fini(&text);
}

/* ca, rsa (a CA of 1024 bits), other; a certificate for k. */
static int make_keys(void **state)
{
	int err = setup(state);

	if (err)
		return err;
	return sh("ssh-keygen -q -N '' -t ed25519 -f ca -C c && ssh-keygen -q -N '' -t ed25519 -f other -C c && "
		  "ssh-keygen -q -N '' -t rsa -b 1024 -f rsa -C c && ssh-keygen -q -N '' -t ed25519 -f k -C c")
		       ? 0
		       : -1;
}

/* A certificate whose spans stay until the next one is made. */
static struct buf blob = { .max = 65536 };

static void make_cert(struct cert *cert, const char *options)
{
	struct why why;

	if (!sh("rm -f k-cert.pub; ssh-keygen -q -I id %s k.pub", options))
		fail_msg("ssh-keygen %s", options);
	buf_clear(&blob);
	load_blob("k-cert.pub", &blob);
	if (cert_parse(cert, crypto, buf_span(&blob), &why))
		fail_msg("%s: %s", options, why.text);
}

#define VALID " -V 20200101000000Z:20210101000000Z "

static const struct {
	const char *options;  /* of ssh-keygen */
	const char *sentence; /* NULL: passes */
	bool forwarding;
} cert_rows[] = {
	{ "-s ca -h -n alice" VALID, "not a user certificate", false },
	{ "-s ca" VALID, "names no principal", false },
	{ "-s ca -n alice -V 20200101000000Z:20200913122640Z", "expired", false },
	{ "-s ca -n alice -V 20200913122641Z:20210101000000Z", "not valid yet", false },
	{ "-s rsa -t rsa-sha2-512 -n alice" VALID, "RSA key of 1024 bits", false },
	{ "-s rsa -t rsa-sha2-256 -n alice" VALID, "not in CASignatureAlgorithms", false },
	{ "-s ca -n alice -O critical:x@example.com=1" VALID, "critical option 'x@example.com'", false },
	{ "-s ca -n alice -O critical:x@example.com" VALID, "critical option 'x@example.com'", false },
	{ "-s ca -n alice -O force-command=id -O critical:zz@example.com" VALID, "'zz@example.com'", false },
	{ "-s ca -n alice -O source-address=10.0.0.2/32" VALID, "not for 10.0.0.1 (source-address)", false },
	{ "-s ca -n alice -O source-address=::/0" VALID, "(source-address)", false },
	{ "-s ca -n alice -O clear" VALID, NULL, false },
	{ "-s ca -n alice -O no-port-forwarding" VALID, NULL, false },
	{ "-s ca -n alice -O clear -O extension:x@example.com" VALID, NULL, false },
	{ "-s ca -n alice -O clear -O permit-port-forwarding" VALID, NULL, true },
	{ "-s ca -n alice -O extension:x@example.com=y" VALID, NULL, true },
	{ "-s ca -n alice -O force-command=id" VALID, NULL, true },
	{ "-s ca -n alice -O source-address=192.0.2.1/32,10.0.0.0/8" VALID, NULL, true },
	{ "-s ca -n alice -V 20200913122640Z:20210101000000Z", NULL, true },
	{ "-s ca -n alice -V 20200101000000Z:20200913122641Z", NULL, true },
	{ "-s ca -n alice -V always:forever", NULL, true },
	{ "-s ca -n alice,bob -z 42" VALID, NULL, true },
};

static void test_certificates(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cert_rows); i++) {
		struct why why = { "" };
		bool forwarding = false;
		struct cert cert;
		int err;

		make_cert(&cert, cert_rows[i].options);
		err = userca_judge(&cert, &alice, &rules, &forwarding, &why);
		if (err != (cert_rows[i].sentence ? ERR_DENIED : OK) || forwarding != cert_rows[i].forwarding ||
		    (err && !strstr(why.text, cert_rows[i].sentence)))
			fail_msg("%s: %d %d (%s)", cert_rows[i].options, err, forwarding, why.text);
	}
}

/* A v4-mapped client is the IPv4 client. */
static void test_mapped(void **state)
{
	struct key_login who = alice;
	bool forwarding;
	struct cert cert;

	(void)state;
	make_cert(&cert, "-s ca -n alice -O source-address=10.0.0.0/8" VALID);
	assert_int_equal(ip_parse(&who.source, "::ffff:10.0.0.1"), OK);
	assert_int_equal(userca_judge(&cert, &who, &rules, &forwarding, NULL), OK);
	assert_int_equal(ip_parse(&who.source, "::ffff:11.0.0.1"), OK);
	assert_int_equal(userca_judge(&cert, &who, &rules, &forwarding, NULL), ERR_DENIED);
}

/* A key file's line, with @ca and @other in the place of those keys. */
static void expand(struct buf *out, const char *text)
{
	static const char *const names[] = { "ca", "other" };

	buf_clear(out);
	for (; *text; text++) {
		struct buf line = BUF(4096);
		size_t i = 0;

		while (*text == '@' && i < LEN(names) && strncmp(text + 1, names[i], strlen(names[i])) != 0)
			i++;
		if (*text != '@' || i == LEN(names)) {
			buf_u8(out, (uint8_t)*text);
			continue;
		}
		slurp(i ? "other.pub" : "ca.pub", &line);
		buf_bytes(out, span(line.p, line.n - 1));
		text += strlen(names[i]);
		buf_fini(&line);
	}
	assert_int_equal(buf_err(out), OK);
}

static const struct {
	const char *cas, *principals; /* NULL: no AuthorizedPrincipalsFile */
	int err;
	const char *sentence;
	bool forwarding;
	const char *open; /* the first permitopen */
	unsigned long line;
} file_rows[] = {
	{ "", NULL, ERR_NOT_FOUND, NULL, false, NULL, 0 },
	{ "@other\n", NULL, ERR_NOT_FOUND, NULL, false, NULL, 0 },
	{ "#@ca\n", NULL, ERR_NOT_FOUND, NULL, false, NULL, 0 },
	{ "from=\"10.0.0.1\" @ca\n", NULL, ERR_NOT_FOUND, NULL, false, NULL, 0 },
	{ "cert-authority @ca\n", NULL, ERR_NOT_FOUND, NULL, false, NULL, 0 },
	{ "@ca\n", "", ERR_DENIED, "AuthorizedPrincipalsFile", false, NULL, 0 },
	{ "@ca\n", "bob\n#alice\n", ERR_DENIED, "AuthorizedPrincipalsFile", false, NULL, 0 },
	{ "@ca\n", "*\nal?ce\nALICE\n", ERR_DENIED, "AuthorizedPrincipalsFile", false, NULL, 0 },
	{ "@ca\n", "nonsense alice\n", ERR_DENIED, "principals:1: unknown option", false, NULL, 0 },
	{ "@ca\n", "bob\nrestrict pty alice\n", ERR_DENIED, "principals:2: options with blanks", false, NULL, 0 },
	{ "@ca\n", "from=\"10.0.0.2\" alice\n", ERR_DENIED, "principals:1: the key is not for", false, NULL, 0 },
	{ "@ca\n", NULL, OK, NULL, true, NULL, 0 },
	{ "@other\n@ca\r\n", NULL, OK, NULL, true, NULL, 0 },
	{ "@ca", "bob\n \talice \t# me\r\n", OK, NULL, true, NULL, 2 },
	{ "@ca", "ops\r\n", OK, NULL, true, NULL, 1 },
	{ "@ca", "restrict alice", OK, NULL, false, NULL, 1 },
	{ "@ca", "permitopen=\"a:1\",command=\"x y\" \t ops", OK, NULL, true, "a:1", 1 },
	{ "@ca", "from=\"10.0.0.2\" alice\nfrom=\"10.0.0.1\",permitopen=\"b:2\" alice", OK, NULL, true, "b:2", 2 },
};

static void test_files(void **state)
{
	struct cert cert;

	(void)state;
	make_cert(&cert, "-s ca -n alice,ops" VALID);
	for (size_t i = 0; i < LEN(file_rows); i++) {
		struct buf cas = BUF(65536);
		struct userca_files files = { .cas_file = "cas" };
		struct key_options o = { 0 };
		struct why why = { "" };
		int err;

		expand(&cas, file_rows[i].cas);
		files.cas = buf_span(&cas);
		if (file_rows[i].principals) {
			files.principals_file = "principals";
			files.principals = span_str(file_rows[i].principals);
		}
		err = userca_by_files(&o, &files, &cert, &alice, &rules, &why);
		if (err != file_rows[i].err || o.forwarding != file_rows[i].forwarding || o.line != file_rows[i].line ||
		    (file_rows[i].sentence && !strstr(why.text, file_rows[i].sentence)))
			fail_msg("row %zu: %d %d line %lu (%s)", i, err, o.forwarding, o.line, why.text);
		assert_int_equal(o.permit_open.n, file_rows[i].open != NULL);
		if (o.permit_open.n)
			assert_string_equal(o.permit_open.v[0], file_rows[i].open);
		key_options_fini(&o);
		buf_fini(&cas);
	}
}

static const struct {
	const char *cert, *text;
	int err;
	const char *sentence;
	bool forwarding;
	unsigned long line;
} line_rows[] = {
	{ "-n alice", "@ca", ERR_NOT_FOUND, NULL, false, 0 },
	{ "-n alice", "cert-authority @other", ERR_NOT_FOUND, NULL, false, 0 },
	{ "-n bob", "cert-authority @ca", ERR_DENIED, "keys:1: the certificate is refused: the user", false, 0 },
	{ "-n alice", "cert-authority,principals=\"bob,carol\" @ca", ERR_DENIED, "principals=", false, 0 },
	{ "-n alice", "cert-authority,principals=\"*\" @ca", ERR_DENIED, "principals=", false, 0 },
	{ "-n alice", "cert-authority,principals=\"\" @ca", ERR_DENIED, "principals=", false, 0 },
	{ "-n alice", "cert-authority,from=\"!10.0.0.1,*\" @ca", ERR_DENIED, "(from)", false, 0 },
	{ "-n alice", "cert-authority,expiry-time=\"20200913122640Z\" @ca", ERR_DENIED, "expiry-time", false, 0 },
	{ "-n alice", "cert-authority,nonsense @ca", ERR_DENIED, "keys:1: unknown option", false, 0 },
	{ "-n alice -O source-address=10.0.0.0/8", "cert-authority,from=\"10.0.0.2\" @ca", ERR_DENIED, "(from)", false,
	  0 },
	{ "-n alice -O source-address=10.0.0.2/32", "cert-authority,from=\"10.0.0.1\" @ca", ERR_DENIED,
	  "(source-address)", false, 0 },
	{ "", "cert-authority @ca", ERR_DENIED, "the user is not", false, 0 },
	{ "-n alice", "cert-authority @ca", OK, NULL, true, 1 },
	{ "-n alice", "cert-authority,restrict @ca", OK, NULL, false, 1 },
	{ "-n alice -O clear", "cert-authority,port-forwarding @ca", OK, NULL, false, 1 },
	{ "-n bob", "@ca\ncert-authority,principals=\"alice,bob\" @ca", OK, NULL, true, 2 },
	{ "-n alice", "cert-authority,principals=\"x\" @ca\ncert-authority @ca", OK, NULL, true, 2 },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(line_rows); i++) {
		struct buf text = BUF(65536);
		struct key_options o = { 0 };
		struct why why = { "" };
		char options[256];
		struct cert cert;
		int err;

		snprintf(options, sizeof(options), "-s ca %s" VALID, line_rows[i].cert);
		make_cert(&cert, options);
		expand(&text, line_rows[i].text);
		err = userca_by_line(&o, "keys", buf_span(&text), &cert, &alice, &rules, &why);
		if (err != line_rows[i].err || o.forwarding != line_rows[i].forwarding || o.line != line_rows[i].line ||
		    (line_rows[i].sentence && !strstr(why.text, line_rows[i].sentence)))
			fail_msg("row %zu: %d %d line %lu (%s)", i, err, o.forwarding, o.line, why.text);
		key_options_fini(&o);
		buf_fini(&text);
	}
}

/* RevokedKeys has the words of users; the rules are those of RevokedHostKeys. */
static void test_revoked(void **state)
{
	static const struct {
		const char *make; /* the file "revoked" */
		int err;
		const char *sentence;
	} rows[] = {
		{ "cp ca.pub revoked", ERR_DENIED, "the key is revoked: it, or the CA of its certificate" },
		{ "cat other.pub k.pub >revoked", ERR_DENIED, "the key is revoked" },
		{ "echo junk >revoked", ERR_SYNTAX, "RevokedKeys is a list of public keys" },
		{ "true", ERR_IO, "no key is accepted, because RevokedKeys" },
		{ "ssh-keygen -k -f revoked other.pub k.pub", ERR_DENIED, "the key is revoked: it is listed in" },
		{ "ssh-keygen -k -f revoked ca.pub", ERR_DENIED, "the CA of its certificate is listed in" },
		{ "echo id: id >s && ssh-keygen -k -f revoked -s ca.pub s", ERR_DENIED, "the key ID of its" },
		{ "ssh-keygen -k -f s k.pub && head -c 99 s >revoked", ERR_SYNTAX, "cannot be used: it is cut short" },
		{ "cat other.pub >revoked", OK, NULL },
		{ "ssh-keygen -k -f revoked other.pub", OK, NULL },
		{ "echo id: id >s && ssh-keygen -k -f revoked -s other.pub s", OK, NULL },
	};
	struct cert cert;

	(void)state;
	make_cert(&cert, "-s ca -n alice" VALID);
	for (size_t i = 0; i < LEN(rows); i++) {
		struct why why = { "" };
		int err;

		assert_true(sh("rm -f revoked; %s", rows[i].make));
		err = revoked_check(in_dir("revoked"), REVOKED_USER, buf_span(&blob), crypto, &why);
		if (err != rows[i].err || (err && !strstr(why.text, rows[i].sentence)))
			fail_msg("%s: %d (%s)", rows[i].make, err, why.text);
	}
	buf_fini(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates), cmocka_unit_test(test_mapped),  cmocka_unit_test(test_files),
		cmocka_unit_test(test_lines),	     cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, make_keys, teardown);
}
