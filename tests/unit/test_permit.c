/* Destinations: words that must not parse, refusals and the rule that they name, what is allowed, and properties. */
#include "permit_rig.h"

/* ---- Words ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	bool open, listen, deny;
} word_rows[] = {
	{ "", false, false, false },
	{ ":", false, false, false },
	{ ":80", false, false, false },
	{ "host:", false, false, false },
	{ "host:0", false, false, false },
	{ "host:65536", false, false, false },
	{ "host:99999999999", false, false, false },
	{ "host:-1", false, false, false },
	{ "host:+1", false, false, false },
	{ "host:0xffffffff", false, false, false },
	{ "host:http", false, false, false },
	{ "host:80 ", false, false, false },
	{ "host: 80", false, false, false },
	{ "host:80-", false, false, false },
	{ "host:-80", false, false, false },
	{ "host:90-80", false, false, false },
	{ "host:0-80", false, false, false },
	{ "host:80-65536", false, false, false },
	{ "host:80-90-100", false, false, false },
	{ "host:*-80", false, false, false },
	{ "host:80,81", false, false, false },
	{ "::1:80", false, false, false },
	{ "[::1:80", false, false, false },
	{ "[::1]80", false, false, false },
	{ "[]:80", false, false, false },
	{ "ho st:80", false, false, false },
	{ "h\xc3\xb6st:80", false, false, false },
	{ "host\n:80", false, false, false },
	{ "!host:80", false, false, false },
	{ "10.0.0.0/33:80", false, false, false },
	{ "10.0.0.1/8:80", false, false, false },
	{ "10.0/8:80", false, false, false },
	{ "host/8:80", false, false, false },
	{ "10.0.0.0/8", false, false, true },
	{ "10.0.0.0/8:80", true, false, true },
	{ "10.*:80", false, true, false },
	{ "192.168.*.*:80", false, true, false },
	{ "[fe80:*]:80", false, true, false },
	{ "127.1:80", true, true, false },
	{ "/run/x:*", true, false, false },
	{ "host", false, false, true },
	{ "[::1]", false, false, true },
	{ "::1", false, false, false },
	{ "::1/128", false, false, true },
	{ "fe80::/10", false, false, true },
	{ "[fe80::/10]:80", true, false, true },
	{ "[fe80::1%eth0]:80", true, true, true },
	{ "8080", false, true, false },
	{ "8000-8099", false, true, false },
	{ "*", false, true, true },
	{ "any", true, true, false },
	{ "none", true, true, true },
	{ "host:80", true, true, true },
	{ "[host]:80", true, true, true },
	{ "*:*", true, true, true },
	{ "*:25", true, true, true },
	{ "host:1-65535", true, true, true },
	{ "*.example.com:443", true, true, true },
	{ "127.0.0.1:65535", true, true, true },
	{ "[::1]:1", true, true, true },
};

static void test_words(void **state)
{
	struct why why;

	(void)state;
	for (size_t i = 0; i < LEN(word_rows); i++) {
		const char *w = word_rows[i].word;
		int open, listen, deny;

		why.text[0] = 0;
		open = permit_open_word_check(w, &why);
		if (open && !strstr(why.text, "PermitOpen '"))
			fail_msg("%s: no sentence: %s", w, why.text);
		listen = permit_listen_word_check(w, NULL);
		deny = deny_open_word_check(w, NULL);
		if ((open == OK) != word_rows[i].open || (listen == OK) != word_rows[i].listen ||
		    (deny == OK) != word_rows[i].deny)
			fail_msg("%s: open %d listen %d deny %d (%s)", w, open, listen, deny, why.text);
	}
}

static void test_long_words(void **state)
{
	char word[POLICY_WORD_MAX + 2] = { 0 };

	(void)state;
	memset(word, 'a', 253);
	strcpy(word + 253, ":80");
	assert_int_equal(permit_open_word_check(word, NULL), OK);
	memset(word, 'a', 254);
	strcpy(word + 254, ":80");
	assert_int_equal(permit_open_word_check(word, NULL), ERR_SYNTAX);
	memset(word, 'a', POLICY_WORD_MAX + 1);
	assert_int_equal(permit_open_word_check(word, NULL), ERR_SYNTAX);
}

/* ---- Requests ------------------------------------------------------------------------------------------------- */

static const struct row {
	const char *admin, *key, *deny; /* the lists */
	const char *host;
	uint32_t port;
	const char *resolved; /* NULL: the first step decides, or the host is an address */
	const char *rule;     /* part of it; NULL: allowed */
} rows[] = {
	/* What is no name. */
	{ NULL, NULL, NULL, "", 80, NULL, "bad name" },
	{ NULL, NULL, NULL, "127.0.0.1 ", 80, NULL, "bad name" },
	{ NULL, NULL, NULL, "a\nb", 80, NULL, "bad name" },
	{ NULL, NULL, NULL, "\xe2\x91\xa0.0.0.1", 80, NULL, "bad name" },
	{ NULL, NULL, NULL, "a\x7f", 80, NULL, "bad name" },
	{ NULL, NULL, NULL, "::1%lo", 80, NULL, "bad name: a zone" },
	{ NULL, NULL, NULL, "127.0.0.1%lo", 80, NULL, "bad name: a zone" },
	{ NULL, NULL, NULL, "host%lo", 80, NULL, "bad name: a zone" },
	{ NULL, NULL, NULL, "host", 0, NULL, "bad port 0" },
	{ NULL, NULL, NULL, "host", 65536, NULL, "bad port 65536" },
	{ NULL, NULL, NULL, "host", 65536 + 80, NULL, "bad port" },
	{ NULL, NULL, NULL, "host", UINT32_MAX, NULL, "bad port" },
	/* PermitOpen is a comparison of texts. */
	{ "localhost:80", NULL, NULL, "LOCALHOST", 80, NULL, "PermitOpen" },
	{ "localhost:80", NULL, NULL, "localhost.", 80, NULL, "PermitOpen" },
	{ "localhost:80", NULL, NULL, "127.0.0.1", 80, NULL, "PermitOpen" },
	{ "127.0.0.1:80", NULL, NULL, "127.1", 80, NULL, "PermitOpen" },
	{ "127.0.0.1:80", NULL, NULL, "2130706433", 80, NULL, "PermitOpen" },
	{ "127.0.0.1:80", NULL, NULL, "0x7f.1", 80, NULL, "PermitOpen" },
	{ "127.0.0.1:80", NULL, NULL, "0177.0.0.1", 80, NULL, "PermitOpen" },
	{ "127.0.0.1:80", NULL, NULL, "::ffff:127.0.0.1", 80, NULL, "PermitOpen" },
	{ "[::1]:80", NULL, NULL, "0:0:0:0:0:0:0:1", 80, NULL, "PermitOpen" },
	{ "[::1]:80", NULL, NULL, "[::1]", 80, NULL, "PermitOpen" },
	{ "localhost:80", NULL, NULL, "localhost", 81, NULL, "PermitOpen" },
	{ "10.0.0.5:80", NULL, NULL, "db", 80, NULL, "PermitOpen" },
	{ "none", NULL, NULL, "localhost", 80, NULL, "PermitOpen" },
	{ "none localhost:80", NULL, NULL, "localhost", 80, NULL, "PermitOpen" },
	{ "any none", NULL, NULL, "localhost", 80, NULL, "PermitOpen" },
	{ "ra:ndom:80", NULL, NULL, "localhost", 80, NULL, "PermitOpen" },
	{ "localhost:8000-8099", NULL, NULL, "localhost", 7999, NULL, "PermitOpen" },
	{ "localhost:8000-8099", NULL, NULL, "localhost", 8100, NULL, "PermitOpen" },
	{ "*.example.com:443", NULL, NULL, "example.com", 443, NULL, "PermitOpen" },
	{ "*.example.com:443", NULL, NULL, "www.example.com.evil", 443, NULL, "PermitOpen" },
	{ "*.example.com:443", NULL, NULL, "www.example.com", 80, NULL, "PermitOpen" },
	/* Both lists. */
	{ "a:80", "b:80", NULL, "a", 80, NULL, "permitopen of the key" },
	{ "a:80", "b:80", NULL, "b", 80, NULL, "PermitOpen" },
	{ NULL, "b:80", NULL, "a", 80, NULL, "permitopen of the key" },
	{ "none", "*:*", NULL, "a", 80, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", "10.1.0.0/16:*", NULL, "10.2.0.1", 80, NULL, "permitopen of the key" },
	/* Ranges: of the address. */
	{ "10.0.0.0/8:80", NULL, NULL, "9.255.255.255", 80, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", NULL, NULL, "11.0.0.0", 80, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", NULL, NULL, "10.0.0.1", 81, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", NULL, NULL, "db", 81, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", NULL, NULL, "db", 80, "11.0.0.1", "PermitOpen" },
	{ "[::/0]:80", NULL, NULL, "::ffff:10.0.0.1", 80, NULL, "PermitOpen" },
	{ "10.0.0.0/8:80", NULL, NULL, "64:ff9b::10.0.0.1", 80, NULL, "PermitOpen" },
	/* DenyOpen: names without spelling tricks, addresses behind every disguise. */
	{ NULL, NULL, "localhost", "localhost", 80, NULL, "DenyOpen localhost" },
	{ NULL, NULL, "localhost", "LocalHost.", 80, NULL, "DenyOpen localhost" },
	{ NULL, NULL, "*.Corp", "a.b.corp.", 80, NULL, "DenyOpen *.Corp" },
	{ NULL, NULL, "*:25", "mail", 25, NULL, "DenyOpen *:25" },
	{ NULL, NULL, "*", "mail", 26, NULL, "DenyOpen *" },
	{ NULL, NULL, "10.0.0.0/8", "10.0.0.1", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "db", 80, "10.255.255.255", "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "::ffff:10.0.0.1", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "0:0:0:0:0:ffff:a00:1", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "::10.0.0.1", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "64:ff9b::10.0.0.1", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "10.0.0.0/8", "2002:a00:1::9", 80, NULL, "DenyOpen 10.0.0.0/8" },
	{ NULL, NULL, "64:ff9b::/96", "64:ff9b::8.8.8.8", 80, NULL, "DenyOpen 64:ff9b::/96" },
	{ NULL, NULL, "127.0.0.1:80", "127.1", 80, "127.0.0.1", "DenyOpen 127.0.0.1:80" },
	{ "10.0.0.1:80", NULL, "10.0.0.1", "10.0.0.1", 80, NULL, "DenyOpen 10.0.0.1" },
	{ NULL, NULL, "not/a/word", "localhost", 80, NULL, "DenyOpen not/a/word" },
	/* The guard. */
	{ NULL, NULL, NULL, "169.254.169.254", 80, NULL, "guarded: a link-local address" },
	{ NULL, NULL, NULL, "metadata", 80, "169.254.169.254", "guarded: a link-local address" },
	{ NULL, NULL, NULL, "::ffff:169.254.169.254", 80, NULL, "guarded: a link-local" },
	{ NULL, NULL, NULL, "64:ff9b::a9fe:a9fe", 80, NULL, "guarded: a link-local" },
	{ NULL, NULL, NULL, "2002:a9fe:a9fe::", 80, NULL, "guarded: a link-local" },
	{ NULL, NULL, NULL, "fe80::1%eth0", 80, NULL, "guarded: a link-local" },
	{ NULL, NULL, NULL, "224.0.0.1", 80, NULL, "guarded: a multicast" },
	{ NULL, NULL, NULL, "255.255.255.255", 80, NULL, "guarded: the broadcast" },
	{ NULL, NULL, NULL, "0.0.0.0", 80, NULL, "guarded: an unspecified" },
	{ NULL, NULL, NULL, "::", 80, NULL, "guarded: an unspecified" },
	{ NULL, NULL, NULL, "0", 80, "0.0.0.0", "guarded: an unspecified" },
	{ "any", NULL, NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "*:*", NULL, NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "*:80", NULL, NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "0.0.0.0/0:80", NULL, NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "[::/0]:80", NULL, NULL, "fe80::1", 80, NULL, "guarded" },
	{ "metadata:80", NULL, NULL, "metadata", 80, "169.254.169.254", "guarded" },
	{ NULL, "169.254.169.254:80", NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ NULL, "169.254.0.0/16:80", NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "169.254.169.254:81 *:80", NULL, NULL, "169.254.169.254", 80, NULL, "guarded" },
	{ "169.254.169.254:80", NULL, NULL, "64:ff9b::a9fe:a9fe", 80, NULL, "PermitOpen" },
	{ "169.254.169.254:80 *:80", NULL, NULL, "64:ff9b::a9fe:a9fe", 80, NULL, "guarded" },
	{ "169.254.169.254:80", NULL, "169.254.0.0/16", "169.254.169.254", 80, NULL, "DenyOpen" },
	/* Allowed. */
	{ NULL, NULL, NULL, "localhost", 80, "127.0.0.1", NULL },
	{ NULL, NULL, NULL, "localhost", 65535, "::1", NULL },
	{ NULL, NULL, NULL, "127.0.0.1", 1, NULL, NULL },
	{ NULL, NULL, NULL, "168.63.129.16", 80, NULL, NULL },
	{ NULL, NULL, NULL, "fd00:ec2::254", 80, NULL, NULL },
	{ NULL, NULL, "none", "10.0.0.1", 80, NULL, NULL },
	{ "any", "any", NULL, "x", 80, "192.0.2.1", NULL },
	{ "localhost:80", NULL, NULL, "localhost", 80, "::1", NULL },
	{ "a:80 localhost:*", NULL, NULL, "localhost", 99, "::1", NULL },
	{ "*:80", NULL, NULL, "x", 80, "192.0.2.1", NULL },
	{ "[::1]:80", NULL, NULL, "::1", 80, NULL, NULL },
	{ "localhost:8000-8099", NULL, NULL, "localhost", 8000, "::1", NULL },
	{ "localhost:8000-8099", NULL, NULL, "localhost", 8099, "::1", NULL },
	{ "*.example.com:443", NULL, NULL, "a.b.example.com", 443, "192.0.2.1", NULL },
	{ "10.0.0.0/8:80", NULL, NULL, "10.0.0.0", 80, NULL, NULL },
	{ "10.0.0.0/8:80", NULL, NULL, "10.255.255.255", 80, NULL, NULL },
	{ "10.0.0.0/8:80", NULL, NULL, "::ffff:10.0.0.1", 80, NULL, NULL },
	{ "10.0.0.0/8:80", NULL, NULL, "db", 80, "10.0.0.9", NULL },
	{ "10.0.0.0/8:80", "db:*", NULL, "db", 80, "10.0.0.9", NULL },
	{ "db:80", "10.0.0.0/8:80", NULL, "db", 80, "10.0.0.9", NULL },
	{ "169.254.169.254:80", NULL, NULL, "169.254.169.254", 80, NULL, NULL },
	{ "169.254.0.0/16:80", NULL, NULL, "169.254.169.254", 80, NULL, NULL },
	{ "169.254.0.0/16:80", NULL, NULL, "metadata", 80, "169.254.169.254", NULL },
	{ "169.254.0.0/16:80", "*:80", NULL, "metadata", 80, "169.254.169.254", NULL },
	{ "[fe80::1%eth0]:80", NULL, NULL, "fe80::1%eth0", 80, NULL, NULL },
	{ "[fe80::/10]:80", NULL, NULL, "fe80::1%eth0", 80, NULL, NULL },
	{ NULL, NULL, "10.0.0.0/8:80", "10.0.0.1", 81, NULL, NULL },
};

/* Both steps, as a caller takes them. */
static bool allowed(const struct policy *p, const char *host, uint32_t port, const char *resolved, struct why *rule)
{
	enum permit v = permit_open_request(p, span_str(host), port, rule);
	struct ip a;

	if (v != PERMIT_ASK)
		return v == PERMIT_YES;
	if (!resolved)
		return false;
	a = address(resolved);
	return permit_open_address(p, span_str(host), port, &a, rule);
}

static void policy_of(struct policy *p, const struct row *r)
{
	*p = (struct policy){ .tcp = POLICY_LOCAL };
	words(&p->permit_open[POLICY_ADMIN], r->admin);
	words(&p->permit_open[POLICY_KEY], r->key);
	words(&p->deny_open, r->deny);
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct why rule = { "" };
		struct policy p;
		bool yes;

		policy_of(&p, r);
		yes = allowed(&p, r->host, r->port, r->resolved, &rule);
		if (yes == (r->rule != NULL) || (r->rule && !strstr(rule.text, r->rule)))
			fail_msg("row %zu: %s:%u: %s '%s'", i, r->host, r->port, yes ? "allowed" : "refused",
				 rule.text);
		policy_fini(&p);
	}
}

/* What a guard of the caller's is lifted by. */
static const struct {
	const char *admin, *key, *a;
	uint32_t port;
	bool named;
} name_rows[] = {
	{ NULL, NULL, "127.0.0.1", 22, false },
	{ "any", NULL, "127.0.0.1", 22, false },
	{ "none", NULL, "127.0.0.1", 22, false },
	{ "*:22", NULL, "127.0.0.1", 22, false },
	{ "127.0.0.1:*", NULL, "127.0.0.1", 22, false },
	{ "127.0.0.1:22-23", NULL, "127.0.0.1", 22, false },
	{ "127.0.0.0/8:22", NULL, "127.0.0.1", 22, false },
	{ "localhost:22", NULL, "127.0.0.1", 22, false },
	{ "127.0.0.1:23", NULL, "127.0.0.1", 22, false },
	{ "127.0.0.2:22", NULL, "127.0.0.1", 22, false },
	{ "[::1]:22", NULL, "127.0.0.1", 22, false },
	{ "ra:ndom:22", NULL, "127.0.0.1", 22, false },
	{ NULL, "127.0.0.1:22", "127.0.0.1", 22, false },
	{ "127.0.0.1:22", NULL, "127.0.0.1", 22, true },
	{ "a:1 127.0.0.1:22", NULL, "127.0.0.1", 22, true },
	{ "127.0.0.1:22", NULL, "::ffff:127.0.0.1", 22, true },
	{ "[::1]:22", NULL, "::1", 22, true },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(name_rows); i++) {
		struct policy p = { .tcp = POLICY_LOCAL };
		struct ip a = address(name_rows[i].a);

		words(&p.permit_open[POLICY_ADMIN], name_rows[i].admin);
		words(&p.permit_open[POLICY_KEY], name_rows[i].key);
		if (permit_open_names(&p, &a, name_rows[i].port) != name_rows[i].named)
			fail_msg("row %zu: %s: not %d", i, name_rows[i].admin, name_rows[i].named);
		policy_fini(&p);
	}
}

static void test_edges(void **state)
{
	static const struct policy any = { .tcp = POLICY_LOCAL };
	const struct ip nothing = { 0 };
	char name[PERMIT_HOST_MAX + 1];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(permit_open_request(&any, span(name, 253), 80, NULL), PERMIT_ASK);
	assert_int_equal(permit_open_request(&any, span(name, 254), 80, NULL), PERMIT_NO);
	assert_int_equal(permit_open_request(&any, span("a\0b", 3), 80, NULL), PERMIT_NO);
	assert_int_equal(permit_open_request(&any, span("127.0.0.1\0", 10), 80, NULL), PERMIT_NO);
	assert_false(permit_open_address(&any, span_str("a"), 80, &nothing, NULL));
}

static const struct {
	uint32_t tcp;
	const char *rule;
} side_rows[] = {
	{ 0, "no forwarding" },
	{ POLICY_REMOTE, "AllowTcpForwarding remote" },
	{ POLICY_LOCAL, NULL },
	{ POLICY_LOCAL | POLICY_REMOTE, NULL },
};

static void test_sides(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(side_rows); i++) {
		struct policy p = { .tcp = side_rows[i].tcp };
		struct why rule = { "" };
		bool yes = permit_open_request(&p, span_str("127.0.0.1"), 80, &rule) == PERMIT_YES;

		assert_int_equal(yes, side_rows[i].rule == NULL);
		assert_non_null(strstr(rule.text, side_rows[i].rule ? side_rows[i].rule : ""));
	}
}

static const struct {
	const char *admin, *key, *path;
	uint32_t streamlocal;
	const char *rule;
} path_rows[] = {
	{ NULL, NULL, "", 3, "bad path" },
	{ NULL, NULL, "/run/x", 0, "no forwarding (AllowStreamLocalForwarding" },
	{ NULL, NULL, "/run/x", POLICY_REMOTE, "AllowStreamLocalForwarding remote" },
	{ "none", NULL, "/run/x", 3, "PermitOpen" },
	{ "*:80", NULL, "/run/x", 3, "PermitOpen" },
	{ "/run/y:*", NULL, "/run/x", 3, "PermitOpen" },
	{ "/run/x:80", NULL, "/run/x", 3, "PermitOpen" },
	{ "*x:*", NULL, "/run/x", 3, "PermitOpen" },
	{ NULL, "localhost:*", "/run/x", 3, "permitopen of the key" },
	{ NULL, NULL, "/run/x", POLICY_LOCAL, NULL },
	{ "any", "*:*", "/run/x", 3, NULL },
	{ "/run/x:*", NULL, "/run/x", 3, NULL },
};

static void test_paths(void **state)
{
	char longest[PERMIT_PATH_MAX + 1];
	struct policy any = { .streamlocal = 3 };

	(void)state;
	for (size_t i = 0; i < LEN(path_rows); i++) {
		struct policy p = { .streamlocal = path_rows[i].streamlocal };
		struct why rule = { "" };

		words(&p.permit_open[POLICY_ADMIN], path_rows[i].admin);
		words(&p.permit_open[POLICY_KEY], path_rows[i].key);
		if (permit_open_path(&p, span_str(path_rows[i].path), &rule) != !path_rows[i].rule ||
		    !strstr(rule.text, path_rows[i].rule ? path_rows[i].rule : ""))
			fail_msg("row %zu: '%s'", i, rule.text);
		policy_fini(&p);
	}
	memset(longest, 'x', sizeof(longest));
	assert_true(permit_open_path(&any, span(longest, PERMIT_PATH_MAX), NULL));
	assert_false(permit_open_path(&any, span(longest, PERMIT_PATH_MAX + 1), NULL));
	assert_false(permit_open_path(&any, span("/a\0b", 4), NULL));
}

/* ---- Properties ----------------------------------------------------------------------------------------------- */

static const char *const pool[] = { "any",	     "none",	      "*:*",
				    "*:80",	     "a:80",	      "b:*",
				    "10.0.0.0/8:80", "0.0.0.0/0:*",   "169.254.169.254:80",
				    "*.b:1-100",     "[fe80::/10]:*", "junk",
				    "127.0.0.1:80" };
static const char *const hosts[] = { "a", "b", "x.b", "10.0.0.1", "127.0.0.1", "169.254.169.254", "fe80::1", "0" };
static const char *const found[] = { "10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::2", "0.0.0.0" };
static const uint32_t ports[] = { 1, 80, 100, 101, 65535 };

static void random_words(struct strs *out, uint64_t *seed)
{
	for (unsigned n = dice(seed, 4); n; n--)
		assert_int_equal(strs_add(out, pool[dice(seed, LEN(pool))]), OK);
}

/* Whatever the lists say: without a side nothing opens; "none" opens nothing; a key's list allows nothing that the
 * administrator's alone does not; nor does a denial. */
static void test_properties(void **state)
{
	uint64_t seed = 20240131;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct policy p = { .tcp = POLICY_LOCAL };
		const char *host = hosts[dice(&seed, LEN(hosts))], *a = found[dice(&seed, LEN(found))];
		uint32_t port = ports[dice(&seed, LEN(ports))];
		bool both, alone;

		random_words(&p.permit_open[POLICY_ADMIN], &seed);
		random_words(&p.permit_open[POLICY_KEY], &seed);
		random_words(&p.deny_open, &seed);
		both = allowed(&p, host, port, a, NULL);
		p.tcp = POLICY_REMOTE;
		assert_false(allowed(&p, host, port, a, NULL));
		p.tcp = POLICY_LOCAL;
		assert_true(!both || !strs_has(&p.permit_open[POLICY_ADMIN], "none"));
		assert_true(!both || !strs_has(&p.permit_open[POLICY_KEY], "none"));
		strs_fini(&p.permit_open[POLICY_KEY]);
		alone = allowed(&p, host, port, a, NULL);
		assert_true(alone || !both);
		strs_fini(&p.deny_open);
		assert_true(allowed(&p, host, port, a, NULL) || !alone);
		policy_fini(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_long_words), cmocka_unit_test(test_requests),
		cmocka_unit_test(test_edges), cmocka_unit_test(test_sides),	 cmocka_unit_test(test_paths),
		cmocka_unit_test(test_names), cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
