/* What the files of a user say: the policy that follows from a key, lists of revoked keys, certificates. */
#include "guard_rig.h"

#include "conf/revoked.h"

static const struct span nothing = { NULL, 0 };

#define FOREVER " -V always:forever "

static int make_files(void **state)
{
	int err = setup(state);

	if (err)
		return err;
	return sh("mkdir -m 700 keys && ssh-keygen -q -N '' -t ed25519 -f ca -C c && "
		  "ssh-keygen -q -N '' -t ed25519 -f other -C c && ssh-keygen -q -N '' -t ed25519 -f k -C c")
		       ? 0
		       : -1;
}

/* ---- the policy ---- */

static void put_words(struct buf *out, const char *name, const struct strs *words)
{
	buf_printf(out, "%s[", name);
	for (size_t i = 0; i < words->n; i++)
		buf_printf(out, "%s%s", i ? " " : "", words->v[i]);
	buf_printf(out, "] ");
}

/* The policy as text. */
static void describe(const struct policy *p, char *text, size_t n)
{
	struct buf out = BUF(65536);

	buf_printf(&out, "user=%s tcp=%u unix=%u gateway=%d root=%d ", p->user, p->tcp, p->streamlocal, p->gateway,
		   p->root);
	put_words(&out, "open", &p->permit_open[POLICY_ADMIN]);
	put_words(&out, "key-open", &p->permit_open[POLICY_KEY]);
	put_words(&out, "listen", &p->permit_listen[POLICY_ADMIN]);
	put_words(&out, "key-listen", &p->permit_listen[POLICY_KEY]);
	put_words(&out, "deny", &p->deny_open);
	buf_printf(&out, "alive=%u/%u takeover=%u idle=%u/%u unused=%u listeners=%u opens=%u", p->alive_seconds,
		   p->alive_max, p->takeover_ms, p->idle_seconds[POLICY_DIRECT_TCPIP],
		   p->idle_seconds[POLICY_FORWARDED_TCPIP], p->unused_seconds, p->max_listeners, p->max_opens);
	snprintf(text, n, "%.*s", (int)out.n, out.p);
	buf_fini(&out);
}

static const struct {
	const char *config, *options, *want; /* a part of it */
} policies[] = {
	{ "AllowTcpForwarding no", "port-forwarding", "tcp=0 " },
	{ "AllowTcpForwarding local", "", "tcp=1 " },
	{ "AllowTcpForwarding remote", "", "tcp=2 " },
	{ "AllowStreamLocalForwarding no", "", "unix=0 " },
	{ "DisableForwarding yes\nAllowTcpForwarding yes", "", "tcp=0 unix=0 " },
	{ "", "restrict", "tcp=0 unix=0 " },
	{ "", "no-port-forwarding", "tcp=0 unix=0 " },
	{ "", "restrict,port-forwarding", "tcp=3 " },
	{ "Match User alice\nAllowTcpForwarding no", "", "tcp=0 " },
	{ "Match User bob\nAllowTcpForwarding no", "", "tcp=3 " },
	{ "Match Address 10.0.0.0/8\nAllowTcpForwarding local", "", "tcp=1 " },
	{ "Match Address 11.0.0.0/8\nAllowTcpForwarding local", "", "tcp=3 " },
	{ "Match LocalAddress 192.0.2.1\nGatewayPorts yes", "", "gateway=1 " },
	{ "GatewayPorts clientspecified", "", "gateway=2 " },
	{ "", "", "user=alice tcp=3 unix=3 gateway=0 root=0 open[] key-open[] " },
	{ "PermitOpen a:1 b:2", "permitopen=\"a:1\",permitopen=\"c:3\"", "open[a:1 b:2] key-open[a:1 c:3] " },
	{ "PermitOpen none", "permitopen=\"a:1\"", "open[none] key-open[a:1] " },
	{ "PermitListen 8080", "permitlisten=\"localhost:9090\"", "listen[*:8080] key-listen[localhost:9090] " },
	{ "DenyOpen 10.0.0.0/8:* *:25", "", "deny[10.0.0.0/8:* *:25] " },
	{ "ClientAliveInterval 7\nClientAliveCountMax 2", "", "alive=7/2 " },
	{ "TakeoverListen 5", "", "takeover=5000 " },
	{ "ChannelTimeout direct-tcpip=60 forwarded-tcpip=70", "", "idle=60/70 " },
	{ "UnusedConnectionTimeout 90", "", "unused=90 " },
	{ "MaxListeners 3\nMaxOpensPending 4", "", "listeners=3 opens=4" },
	{ "", "command=\"/bin/false\"", "tcp=3 " },
};

static void test_policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(policies); i++) {
		struct rig r;
		struct verdict v;
		char text[2048];

		authorise("keys/alice", policies[i].options, pkey_blob(keys[K_ED25519].key));
		rig_up(&r, policies[i].config);
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		if (v.kind != LOGIN_GRANT)
			fail_msg("%s, %s: %s", policies[i].config, policies[i].options, v.rule.text);
		describe(&v.policy, text, sizeof(text));
		if (!strstr(text, policies[i].want))
			fail_msg("%s, %s: %s", policies[i].config, policies[i].options, text);
		policy_fini(&v.policy);
		rig_down(&r);
	}
}

/* Lines that keep the key out. */
static void test_lines(void **state)
{
	static const struct {
		const char *options, *rule;
	} lines[] = {
		{ "from=\"10.0.0.2\"", "from" },
		{ "from=\"!10.0.0.1,*\"", "from" },
		{ "expiry-time=\"20200101\"", "expiry-time" },
		{ "permitopen=\"db:99999999999\"", "" },
		{ "permitopen=\"db:0xffffffff\"", "" },
		{ "permitopen=\"db\"", "" },
		{ "no-such-option", "" },
		{ "cert-authority", "" },
		{ "from=\"10.0.0.1", "" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(lines); i++) {
		struct rig r;
		struct verdict v;

		authorise("keys/alice", lines[i].options, pkey_blob(keys[K_ED25519].key));
		rig_up(&r, "");
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		if (v.kind != LOGIN_DENY || v.policy.user || !strstr(v.rule.text, lines[i].rule))
			fail_msg("%s: %d (%s)", lines[i].options, v.kind, v.rule.text);
		rig_down(&r);
	}
}

/* What a NAT64 or a relay would make of an address is nobody's to claim: anybody may have it on a network of their own.
 */
static void test_client_with_an_ipv4_inside(void **state)
{
	static const char *const from[] = { "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1" };

	(void)state;
	authorise("keys/alice", "from=\"10.0.0.1\"", pkey_blob(keys[K_ED25519].key));
	for (size_t i = 0; i < LEN(from); i++) {
		struct rig r;
		struct verdict v;

		rig_up(&r, "");
		assert_int_equal(ip_parse(&r.guest.ends.peer, from[i]), OK);
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		if (v.kind != LOGIN_DENY || !strstr(v.rule.text, "from"))
			fail_msg("%s: %d (%s)", from[i], v.kind, v.rule.text);
		policy_fini(&v.policy);
		rig_down(&r);
		rig_up(&r,
		       "AllowTcpForwarding no\nMatch Address 10.0.0.0/8\nDenyUsers alice\nAllowUsers bob@10.0.0.0/8");
		assert_int_equal(ip_parse(&r.guest.ends.peer, from[i]), OK);
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		assert_false(strstr(v.rule.text, "Users") != NULL);
		policy_fini(&v.policy);
		rig_down(&r);
	}
}

/* A mapped address is the IPv4 client. */
static void test_mapped_client(void **state)
{
	struct rig r;
	struct verdict v;

	(void)state;
	authorise("keys/alice", "from=\"10.0.0.1\"", pkey_blob(keys[K_ED25519].key));
	rig_up(&r, "Match Address 10.0.0.0/8\nAllowTcpForwarding local");
	assert_int_equal(ip_parse(&r.guest.ends.peer, "::ffff:10.0.0.1"), OK);
	v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
	assert_int_equal(v.kind, LOGIN_GRANT);
	assert_int_equal(v.policy.tcp, POLICY_LOCAL);
	policy_fini(&v.policy);
	rig_down(&r);
}

/* ---- files that are no files ---- */

static void test_odd_files(void **state)
{
	static const char *const commands[] = {
		"rm -rf keys/alice && mkfifo keys/alice",
		"rm -rf keys/alice && mkdir keys/alice",
		"rm -rf keys/alice && cp k.pub real && ln -s ../real keys/alice",
		"rm -rf keys/alice && truncate -s 1G keys/alice",
		"rm -rf keys/alice && ln -s /dev/zero keys/alice",
		"rm -rf keys/alice",
	};

	(void)state;
	for (size_t i = 0; i < LEN(commands); i++) {
		struct rig r;
		struct verdict v;

		assert_true(sh("%s", commands[i]));
		rig_up(&r, "");
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, HONEST);
		if (v.kind != LOGIN_DENY)
			fail_msg("%s: %d", commands[i], v.kind);
		rig_down(&r);
	}
	assert_true(sh("rm -rf keys/alice"));
}

/* ---- revoked ---- */

static void test_revoked(void **state)
{
	struct buf list = BUF(65536);
	struct rig r;
	struct verdict v;

	(void)state;
	authorise("keys/alice", "", pkey_blob(keys[K_ED25519].key));
	authorise("keys/bob", "", pkey_blob(keys[K_P256].key));
	put_line(&list, "", pkey_blob(keys[K_ED25519].key));
	spill("revoked", buf_span(&list), 0600);
	buf_fini(&list);
	rig_up(&r, "RevokedKeys @/revoked");
	for (enum lie lie = HONEST; lie <= UNSIGNED; lie++) {
		v = try_key(&r, span_str("alice"), "ssh-ed25519", nothing, keys[K_ED25519].key, lie);
		assert_int_equal(v.kind, LOGIN_DENY);
		assert_non_null(strstr(v.rule.text, "revoked"));
	}
	rig_down(&r);
	rig_up(&r, "RevokedKeys @/revoked");
	v = try_key(&r, span_str("bob"), "ecdsa-sha2-nistp256", nothing, keys[K_P256].key, HONEST);
	assert_int_equal(v.kind, LOGIN_GRANT);
	policy_fini(&v.policy);
	rig_down(&r);
}

/* ---- certificates (A-23, A-24) ---- */

#define CERT	"ssh-ed25519-cert-v01@openssh.com"
#define TRUSTED "TrustedUserCAKeys @/ca.pub\n"

static const struct {
	const char *config, *options, *line; /* of authorized_keys: options of the CA, NULL = no file */
	const char *alg;
	enum lie lie;
	enum login_verdict want;
	const char *rule;
	unsigned tcp;
} certs[] = {
	{ TRUSTED, "-s ca -h -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "not a user certificate", 0 },
	{ TRUSTED, "-s ca" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "names no principal", 0 },
	{ TRUSTED, "-s ca -n bob" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "", 0 },
	{ TRUSTED, "-s ca -n '*'" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "", 0 },
	{ TRUSTED, "-s other -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "", 0 },
	{ "", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "", 0 },
	{ TRUSTED, "-s ca -n alice -V 20200101:20200102", NULL, CERT, HONEST, LOGIN_DENY, "expired", 0 },
	{ TRUSTED, "-s ca -n alice -V 20900101:20910101", NULL, CERT, HONEST, LOGIN_DENY, "not valid yet", 0 },
	{ TRUSTED, "-s ca -n alice -O critical:x@y" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "critical option", 0 },
	{ TRUSTED, "-s ca -n alice -O source-address=10.0.0.2/32" FOREVER, NULL, CERT, HONEST, LOGIN_DENY,
	  "source-address", 0 },
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, "ssh-ed25519", HONEST, LOGIN_DENY, "another type", 0 },
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, CERT, OTHER_SESSION, LOGIN_DENY, "", 0 },
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, CERT, OTHER_KEY, LOGIN_DENY, "", 0 },
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, CERT, CUT, LOGIN_DENY, "", 0 },
	{ TRUSTED "RevokedKeys @/ca.pub", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "revoked", 0 },
	{ TRUSTED "RevokedKeys @/k.pub", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "revoked", 0 },
	{ TRUSTED "AuthorizedPrincipalsFile @/missing", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "",
	  0 },
	{ TRUSTED "AuthorizedPrincipalsFile @/principals", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "",
	  0 },
	{ "TrustedUserCAKeys @/missing", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY, "", 0 },
	{ TRUSTED "CASignatureAlgorithms rsa-sha2-512", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY,
	  "CASignatureAlgorithms", 0 },
	{ TRUSTED "PubkeyAcceptedAlgorithms ssh-ed25519", "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_DENY,
	  "PubkeyAcceptedAlgorithms", 0 },
	{ "", "-s ca -n alice" FOREVER, "", CERT, HONEST, LOGIN_DENY, "", 0 },
	{ "", "-s ca -n bob" FOREVER, "cert-authority", CERT, HONEST, LOGIN_DENY, "", 0 },
	{ "", "-s ca -n alice" FOREVER, "cert-authority,principals=\"ops\"", CERT, HONEST, LOGIN_DENY, "", 0 },
	{ "", "-s ca -n alice" FOREVER, "cert-authority,from=\"10.0.0.2\"", CERT, HONEST, LOGIN_DENY, "from", 0 },
	/* good ones */
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, CERT, UNSIGNED, LOGIN_KEY_OK, "", 0 },
	{ TRUSTED, "-s ca -n alice" FOREVER, NULL, CERT, HONEST, LOGIN_GRANT, "", 3 },
	{ TRUSTED, "-s ca -n alice -O clear" FOREVER, NULL, CERT, HONEST, LOGIN_GRANT, "", 0 },
	{ TRUSTED, "-s ca -n alice -O extension:x@y" FOREVER, NULL, CERT, HONEST, LOGIN_GRANT, "", 3 },
	{ TRUSTED, "-s ca -n alice -O source-address=10.0.0.0/8" FOREVER, NULL, CERT, HONEST, LOGIN_GRANT, "", 3 },
	{ TRUSTED "AuthorizedPrincipalsFile @/principals", "-s ca -n ops" FOREVER, NULL, CERT, HONEST, LOGIN_GRANT, "",
	  3 },
	{ "", "-s ca -n alice" FOREVER, "cert-authority", CERT, HONEST, LOGIN_GRANT, "", 3 },
	{ "", "-s ca -n alice" FOREVER, "cert-authority,restrict", CERT, HONEST, LOGIN_GRANT, "", 0 },
	{ "", "-s ca -n ops" FOREVER, "cert-authority,principals=\"ops\"", CERT, HONEST, LOGIN_GRANT, "", 3 },
};

static void load_public(const char *name, struct buf *blob)
{
	struct why why;

	buf_clear(blob);
	if (keyfile_load_public(in_dir(name), blob, NULL, &why))
		fail_msg("%s: %s", name, why.text);
}

static void test_certificates(void **state)
{
	struct buf blob = BUF(PKEY_BLOB_MAX), ca = BUF(PKEY_BLOB_MAX);
	struct pkey *key;

	(void)state;
	assert_int_equal(keyfile_load(in_dir("k"), crypto, NULL, &key, NULL, NULL), OK);
	load_public("ca.pub", &ca);
	spill("principals", span_str("ops\n"), 0600);
	for (size_t i = 0; i < LEN(certs); i++) {
		struct rig r;
		struct verdict v;

		assert_true(sh("rm -f keys/alice k-cert.pub; ssh-keygen -q -I id %s k.pub", certs[i].options));
		load_public("k-cert.pub", &blob);
		if (certs[i].line)
			authorise("keys/alice", certs[i].line, buf_span(&ca));
		rig_up(&r, certs[i].config);
		v = try_key(&r, span_str("alice"), certs[i].alg, buf_span(&blob), key, certs[i].lie);
		if (v.kind != certs[i].want || !strstr(v.rule.text, certs[i].rule) ||
		    (v.kind == LOGIN_GRANT && (v.policy.tcp != certs[i].tcp || !strstr(v.policy.key, "ID id"))))
			fail_msg("row %zu: %s%s: %d, tcp %u (%s)", i, certs[i].config, certs[i].options, v.kind,
				 v.policy.tcp, v.rule.text);
		policy_fini(&v.policy);
		rig_down(&r);
	}
	pkey_free(key);
	buf_fini(&blob);
	buf_fini(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),      cmocka_unit_test(test_lines),
		cmocka_unit_test(test_mapped_client), cmocka_unit_test(test_client_with_an_ipv4_inside),
		cmocka_unit_test(test_odd_files),     cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, make_files, teardown);
}
