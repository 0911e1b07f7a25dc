/* Verdicts on requests to log in: whatever must be refused first, and what follows from those that are not. */
#include "guard_rig.h"

static const struct span nothing = { NULL, 0 };

/* alice has three keys, bob one that is not among them. */
static int make_files(void **state)
{
	struct buf out = BUF(65536);
	int err = setup(state);

	if (err || !sh("mkdir -m 700 keys"))
		return -1;
	put_line(&out, "", pkey_blob(keys[K_ED25519].key));
	put_line(&out, "restrict,permitopen=\"db:5432\"", pkey_blob(keys[K_P256].key));
	put_line(&out, "from=\"10.9.9.9\"", pkey_blob(keys[K_P521].key));
	put_line(&out, "", pkey_blob(keys[K_RSA].key));
	spill("keys/alice", buf_span(&out), 0600);
	spill("keys/root", buf_span(&out), 0600);
	spill("outside", buf_span(&out), 0600);
	buf_fini(&out);
	authorise("keys/bob", "", pkey_blob(keys[K_P384].key));
	return 0;
}

/* ---- one request ---- */

static const struct row {
	const char *name, *config, *user;
	int key;
	const char *alg;
	enum lie lie;
	enum login_verdict want;
	const char *rule; /* part of it */
	enum offence offence;
} rows[] = {
	/* who */
	{ "somebody else's key", "", "bob", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "no AuthorizedKeysFile has",
	  OFFENCE_USER },
	{ "nobody", "", "carol", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "no AuthorizedKeysFile has",
	  OFFENCE_USER },
	{ "no name", "", "", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "a path", "", "../outside", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "another path", "", "x/../alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "the folder", "", ".", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "the one above", "", "..", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "tokens", "", "%u", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "a format", "", "%s%n%s%n", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "a command", "", "$(id)", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "another case", "", "Alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	{ "a blank behind", "", "alice ", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "", OFFENCE_USER },
	/* the key */
	{ "unknown algorithm", "", "alice", K_ED25519, "ssh-ed448", HONEST, LOGIN_DENY, "PubkeyAcceptedAlgorithms",
	  OFFENCE_USER },
	{ "SHA-1", "", "alice", K_RSA, "ssh-rsa", HONEST, LOGIN_DENY, "PubkeyAcceptedAlgorithms", OFFENCE_USER },
	{ "no algorithm", "", "alice", K_ED25519, "", HONEST, LOGIN_DENY, "PubkeyAcceptedAlgorithms", OFFENCE_USER },
	{ "not in the list", "PubkeyAcceptedAlgorithms rsa-sha2-512", "alice", K_ED25519, "ssh-ed25519", HONEST,
	  LOGIN_DENY, "PubkeyAcceptedAlgorithms", OFFENCE_USER },
	{ "another type", "", "alice", K_ED25519, "rsa-sha2-256", HONEST, LOGIN_DENY, "another type", OFFENCE_USER },
	{ "another curve", "", "alice", K_P384, "ecdsa-sha2-nistp256", HONEST, LOGIN_DENY, "another type",
	  OFFENCE_USER },
	{ "a plain key as certificate", "", "alice", K_ED25519, "ssh-ed25519-cert-v01@openssh.com", HONEST, LOGIN_DENY,
	  "another type", OFFENCE_USER },
	{ "a security key's algorithm", "", "alice", K_ED25519, "sk-ssh-ed25519@openssh.com", HONEST, LOGIN_DENY,
	  "PubkeyAcceptedAlgorithms", OFFENCE_USER },
	{ "a short RSA key", "RequiredRSASize 8192", "alice", K_RSA, "rsa-sha2-512", HONEST, LOGIN_DENY,
	  "RequiredRSASize", OFFENCE_USER },
	{ "not from here", "", "alice", K_P521, "ecdsa-sha2-nistp521", HONEST, LOGIN_DENY, "from", OFFENCE_USER },
	{ "a question about a foreign key", "", "alice", K_P384, "ecdsa-sha2-nistp384", UNSIGNED, LOGIN_DENY,
	  "no AuthorizedKeysFile has", OFFENCE_USER },
	/* the signature */
	{ "another session", "", "alice", K_ED25519, "ssh-ed25519", OTHER_SESSION, LOGIN_DENY, "", OFFENCE_USER },
	{ "another user", "", "alice", K_ED25519, "ssh-ed25519", OTHER_USER, LOGIN_DENY, "", OFFENCE_USER },
	{ "another service", "", "alice", K_ED25519, "ssh-ed25519", OTHER_SERVICE, LOGIN_DENY, "", OFFENCE_USER },
	{ "another method", "", "alice", K_ED25519, "ssh-ed25519", OTHER_METHOD, LOGIN_DENY, "", OFFENCE_USER },
	{ "another algorithm", "", "alice", K_RSA, "rsa-sha2-512", OTHER_ALG, LOGIN_DENY, "", OFFENCE_USER },
	{ "another key in it", "", "alice", K_ED25519, "ssh-ed25519", OTHER_BLOB, LOGIN_DENY, "", OFFENCE_USER },
	{ "by another key", "", "alice", K_ED25519, "ssh-ed25519", OTHER_KEY, LOGIN_DENY, "", OFFENCE_USER },
	{ "of a question", "", "alice", K_ED25519, "ssh-ed25519", FLAG_UNSET, LOGIN_DENY, "", OFFENCE_USER },
	{ "no length", "", "alice", K_ED25519, "ssh-ed25519", NO_SESSION_LENGTH, LOGIN_DENY, "", OFFENCE_USER },
	{ "an empty one", "", "alice", K_ED25519, "ssh-ed25519", EMPTY, LOGIN_DENY, "", OFFENCE_USER },
	{ "a cut one", "", "alice", K_ED25519, "ssh-ed25519", CUT, LOGIN_DENY, "", OFFENCE_USER },
	{ "one byte more", "", "alice", K_ED25519, "ssh-ed25519", LONGER, LOGIN_DENY, "", OFFENCE_USER },
	/* the configuration */
	{ "DenyUsers", "DenyUsers al*", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "DenyUsers",
	  OFFENCE_USER },
	{ "AllowUsers", "AllowUsers bob", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "AllowUsers",
	  OFFENCE_USER },
	{ "AllowUsers from elsewhere", "AllowUsers alice@10.9.0.0/16", "alice", K_ED25519, "ssh-ed25519", HONEST,
	  LOGIN_DENY, "AllowUsers", OFFENCE_USER },
	{ "AllowGroups", "AllowGroups staff", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "AllowGroups",
	  OFFENCE_USER },
	{ "no public keys", "PubkeyAuthentication no", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY,
	  "PubkeyAuthentication", OFFENCE_USER },
	{ "no public keys for her", "Match User alice\nPubkeyAuthentication no", "alice", K_ED25519, "ssh-ed25519",
	  HONEST, LOGIN_DENY, "PubkeyAuthentication", OFFENCE_USER },
	{ "root: no", "PermitRootLogin no", "root", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY, "PermitRootLogin no",
	  OFFENCE_AUTH },
	{ "root: a question", "PermitRootLogin no", "root", K_ED25519, "ssh-ed25519", UNSIGNED, LOGIN_DENY,
	  "PermitRootLogin no", OFFENCE_AUTH },
	{ "root: commands only", "PermitRootLogin forced-commands-only", "root", K_ED25519, "ssh-ed25519", HONEST,
	  LOGIN_DENY, "forced-commands-only", OFFENCE_AUTH },
	{ "the whole connection", "RefuseConnection yes", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_END,
	  "RefuseConnection", OFFENCE_REFUSED },
	{ "her connections", "Match User alice\nRefuseConnection yes", "alice", K_ED25519, "ssh-ed25519", HONEST,
	  LOGIN_END, "RefuseConnection", OFFENCE_REFUSED },
	{ "no list of revoked keys", "RevokedKeys @/missing", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_DENY,
	  "missing", OFFENCE_USER },
	/* and what is allowed */
	{ "a question", "", "alice", K_ED25519, "ssh-ed25519", UNSIGNED, LOGIN_KEY_OK, "", OFFENCE_NONE },
	{ "Ed25519", "", "alice", K_ED25519, "ssh-ed25519", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "ECDSA", "", "alice", K_P256, "ecdsa-sha2-nistp256", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "RSA", "", "alice", K_RSA, "rsa-sha2-512", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "RSA, SHA-256", "", "alice", K_RSA, "rsa-sha2-256", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "a style", "", "alice:style", K_ED25519, "ssh-ed25519", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "another's Match", "Match User bob\nRefuseConnection yes", "alice", K_ED25519, "ssh-ed25519", HONEST,
	  LOGIN_GRANT, "", OFFENCE_NONE },
	{ "root by default", "", "root", K_ED25519, "ssh-ed25519", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
	{ "root: yes", "PermitRootLogin yes", "root", K_ED25519, "ssh-ed25519", HONEST, LOGIN_GRANT, "", OFFENCE_NONE },
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct row *t = &rows[i];
		struct rig r;
		struct verdict v;

		rig_up(&r, t->config);
		v = try_key(&r, span_str(t->user), t->alg, nothing, keys[t->key].key, t->lie);
		if (v.kind != t->want || v.offence != t->offence || !strstr(v.rule.text, t->rule) ||
		    (v.kind == LOGIN_DENY && strcmp(v.words, "publickey") != 0) ||
		    (v.kind == LOGIN_GRANT) != (v.policy.user != NULL))
			fail_msg("%s: verdict %d, offence %d, \"%s\" (%s)", t->name, v.kind, v.offence, v.words,
				 v.rule.text);
		policy_fini(&v.policy);
		rig_down(&r);
	}
}

/* Whatever is wrong with a signature, the verdict and its words are the same; the record knows more. */
static void test_constant_refusal(void **state)
{
	(void)state;
	for (enum lie lie = OTHER_SESSION; lie < NO_LIE; lie++) {
		struct rig r;
		struct verdict v;

		rig_up(&r, "");
		v = try_key(&r, span_str("alice"), "rsa-sha2-512", nothing, keys[K_RSA].key, lie);
		assert_int_equal(v.kind, LOGIN_DENY);
		assert_string_equal(v.words, "publickey");
		assert_int_equal(r.guest.attempt->failures, 1);
		rig_down(&r);
	}
}

/* ---- names that no honest worker passes on ---- */

static void test_impossible_names(void **state)
{
	static const char with_nul[] = "alice\0x";
	static char long_name[USER_MAX + 1];
	const struct span names[] = { span(with_nul, sizeof(with_nul) - 1), span(long_name, sizeof(long_name)) };

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	for (size_t i = 0; i < LEN(names); i++) {
		struct rig r;
		struct verdict v;

		rig_up(&r, "");
		v = try_key(&r, names[i], "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		assert_int_equal(v.kind, LOGIN_END);
		v = try_key(&r, names[i], "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		assert_true(v.kind == LOGIN_END || v.kind == LOGIN_DENY);
		rig_down(&r);
	}
}

/* The first name counts, whoever has signed for another one since. */
static void test_name_changes(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_up(&r, "");
	v = try_method(&r, "root", span_str("none"));
	assert_int_equal(v.kind, LOGIN_DENY);
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
	assert_int_equal(v.kind, LOGIN_END);
	assert_null(v.policy.user);
	v = try_key(&r, span_str("root:alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
	assert_int_equal(v.kind, LOGIN_GRANT);
	assert_string_equal(v.policy.user, "root");
	policy_fini(&v.policy);
	rig_down(&r);
}

/* ---- blobs (A-14) ---- */

static void test_malformed_blobs(void **state)
{
	static const struct {
		const char *alg, *blob;
	} blobs[] = {
		{ "ssh-ed25519", "x00" },
		{ "ssh-ed25519", "x000000" },
		{ "ssh-ed25519", "xffffffff" },
		{ "ssh-ed25519", "sssh-ed25519" },
		{ "ssh-ed25519", "sssh-ed25519 p31" },
		{ "ssh-ed25519", "sssh-ed25519 p33" },
		{ "ssh-ed25519", "sssh-ed25519 p32 x00" },
		{ "ssh-ed25519", "sssh-ed25519 x7fffffff" },
		{ "rsa-sha2-512", "sssh-rsa" },
		{ "rsa-sha2-512", "sssh-rsa m010001 m" },
		{ "rsa-sha2-512", "sssh-rsa m p256" },
		{ "rsa-sha2-512", "sssh-rsa m02 p256" },
		{ "rsa-sha2-512", "sssh-rsa m00 m00" },
		{ "rsa-sha2-512", "sssh-rsa m010001 p60000" },
		{ "ecdsa-sha2-nistp256", "secdsa-sha2-nistp256 snistp384 p65" },
		{ "ecdsa-sha2-nistp256", "secdsa-sha2-nistp256 snistp256 p0" },
		{ "ecdsa-sha2-nistp256", "secdsa-sha2-nistp256 snistp256 p65" },
		{ "ssh-ed25519-cert-v01@openssh.com", "sssh-ed25519-cert-v01@openssh.com" },
		{ "ssh-ed25519-cert-v01@openssh.com", "sssh-ed25519-cert-v01@openssh.com p32 p32 xffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(blobs); i++)
		for (enum lie lie = HONEST; lie <= UNSIGNED; lie++) {
			struct buf blob = BUF(65536);
			struct rig r;
			struct verdict v;

			rig_up(&r, "RequiredRSASize 1024\nTrustedUserCAKeys @/outside");
			put(&blob, blobs[i].blob);
			v = try_key(&r, span_str("alice"), blobs[i].alg, buf_span(&blob), NULL, lie);
			if (v.kind != LOGIN_DENY)
				fail_msg("%s: %d", blobs[i].blob, v.kind);
			buf_fini(&blob);
			rig_down(&r);
		}
}

/* ---- several requests ---- */

/* A key that was asked about is not the one that signs. */
static void test_query_then_another(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_up(&r, "");
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, UNSIGNED);
	assert_int_equal(v.kind, LOGIN_KEY_OK);
	assert_null(v.policy.user);
	v = try_key(&r, span_str("alice"), "ecdsa-sha2-nistp384", nothing, keys[K_P384].key, HONEST);
	assert_int_equal(v.kind, LOGIN_DENY);
	/* B's signature under A's name */
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, OTHER_KEY);
	assert_int_equal(v.kind, LOGIN_DENY);
	/* and the one that signs brings its own restrictions, not those of the other */
	v = try_key(&r, span_str("alice"), "ecdsa-sha2-nistp256", nothing, keys[K_P256].key, HONEST);
	assert_int_equal(v.kind, LOGIN_GRANT);
	assert_int_equal(v.policy.permit_open[POLICY_KEY].n, 1);
	assert_string_equal(v.policy.permit_open[POLICY_KEY].v[0], "db:5432");
	assert_non_null(strstr(v.policy.key, "ECDSA SHA256:"));
	policy_fini(&v.policy);
	rig_down(&r);
}

static void test_sixteen_queries(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_up(&r, "MaxAuthTries 100");
	for (int i = 0; i < 15; i++) {
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, UNSIGNED);
		assert_int_equal(v.kind, LOGIN_KEY_OK);
	}
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, UNSIGNED);
	assert_int_equal(v.kind, LOGIN_END);
	assert_int_equal(v.offence, OFFENCE_AUTH);
	assert_string_equal(v.words, "Too many authentication failures");
	rig_down(&r);
}

static void test_tries(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "MaxAuthTries 3");
	for (int i = 1; i <= 5; i++) {
		struct verdict v = try_key(&r, span_str("alice"), "ecdsa-sha2-nistp384", nothing, keys[K_P384].key,
					   i == 2 ? UNSIGNED : HONEST);

		assert_int_equal(v.kind, i < 3 ? LOGIN_DENY : LOGIN_END);
	}
	rig_down(&r);
}

/* Methods that there are not, and `none`, which is free once. */
static void test_methods(void **state)
{
	static const struct {
		const char *name;
		size_t n;
	} methods[] = { { "", 0 },
			{ "\0", 1 },
			{ "publickey\0", 10 },
			{ "publickey,none", 14 },
			{ "PUBLICKEY", 9 },
			{ "none\0", 5 },
			{ "password", 8 },
			{ "password change", 15 },
			{ "hostbased", 9 },
			{ "keyboard-interactive", 20 },
			{ "gssapi-with-mic", 15 },
			{ "none", 4 } };

	(void)state;
	for (size_t i = 0; i < LEN(methods); i++) {
		struct rig r;
		bool none = methods[i].n == 4;

		rig_up(&r, "MaxAuthTries 3");
		for (int n = 1; n <= 3 + none; n++) {
			struct verdict v = try_method(&r, "alice", span(methods[i].name, methods[i].n));

			if (v.kind != (n < 3 + none ? LOGIN_DENY : LOGIN_END))
				fail_msg("%s, %d: %d", methods[i].name, n, v.kind);
			assert_int_equal(v.offence, none && n == 1 ? OFFENCE_NONE : OFFENCE_USER);
			assert_true(v.kind == LOGIN_END || strcmp(v.words, "publickey") == 0);
		}
		rig_down(&r);
	}
}

/* Before the first key exchange, and after the login. */
static void test_out_of_place(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	rig_up(&r, "");
	r.guest.session_len = 0;
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
	assert_int_equal(v.kind, LOGIN_END);
	assert_null(v.policy.user);
	r.guest.session_len = 32;
	r.guest.logged_in = true;
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
	assert_int_equal(v.kind, LOGIN_END);
	assert_null(v.policy.user);
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),	 cmocka_unit_test(test_constant_refusal),
		cmocka_unit_test(test_impossible_names), cmocka_unit_test(test_name_changes),
		cmocka_unit_test(test_malformed_blobs),	 cmocka_unit_test(test_query_then_another),
		cmocka_unit_test(test_sixteen_queries),	 cmocka_unit_test(test_tries),
		cmocka_unit_test(test_methods),		 cmocka_unit_test(test_out_of_place),
	};

	return cmocka_run_group_tests(tests, make_files, teardown);
}
