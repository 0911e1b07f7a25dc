/* Listeners: where GatewayPorts leads a request, and which requests the lists allow. */
#include "permit_rig.h"

#include <stdio.h>

/* Places as text: "loopback", "all", "name" or the address; behind it "+" when it is more, "-" when it is
 * less than what was asked for. */
static const struct {
	const char *host, *no, *yes, *client;
} table[] = {
	{ "", "loopback-", "all", "all" },
	{ "*", "loopback-", "all", "all" },
	{ "0.0.0.0", "loopback-", "all", "0.0.0.0" },
	{ "::", "loopback-", "all+", "::" },
	{ "localhost", "loopback", "all+", "loopback" },
	{ "LocalHost", "loopback", "all+", "loopback" },
	{ "127.0.0.1", "127.0.0.1", "all+", "127.0.0.1" },
	{ "::1", "::1", "all+", "::1" },
	{ "127.0.0.2", "loopback", "all+", "127.0.0.2" },
	{ "192.0.2.1", "loopback-", "all+", "192.0.2.1" },
	{ "2001:DB8::1", "loopback-", "all+", "2001:db8::1" },
	{ "gw", "loopback-", "all+", "name" },
	{ "127.1", "loopback-", "all+", "name" },
	{ "a b", "loopback", "loopback", "loopback" },
};

static void check_place(const char *host, enum gateway_ports gateway, const char *want)
{
	static const char *const where[] = {
		[LISTEN_LOOPBACK] = "loopback", [LISTEN_NAME] = "name", [LISTEN_ALL] = "all"
	};
	static const char *const changes[] = {
		[LISTEN_AS_ASKED] = "", [LISTEN_WIDENED] = "+", [LISTEN_NARROWED] = "-"
	};
	struct listen_place place = listen_effective(gateway, span_str(host));
	char got[IP_TEXT + 1], ip[IP_TEXT];

	snprintf(got, sizeof(got), "%s%s", place.where == LISTEN_ADDRESS ? ip_text(&place.ip, ip) : where[place.where],
		 changes[place.change]);
	if (strcmp(got, want) != 0 || place.privileged)
		fail_msg("'%s' with GatewayPorts %d leads to %s", host, gateway, got);
}

static void test_effective(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		check_place(table[i].host, GATEWAY_NO, table[i].no);
		check_place(table[i].host, GATEWAY_YES, table[i].yes);
		check_place(table[i].host, GATEWAY_CLIENT, table[i].client);
	}
}

enum { NO = GATEWAY_NO, YES = GATEWAY_YES, CLIENT = GATEWAY_CLIENT };

static const struct row {
	const char *admin, *key;
	int gateway;
	bool root;
	const char *host;
	uint32_t port;
	const char *resolved; /* of a name */
	const char *rule;     /* part of it; NULL: allowed */
} rows[] = {
	{ NULL, NULL, NO, false, "localhost", 65536, NULL, "bad port 65536" },
	{ NULL, NULL, NO, false, "localhost", UINT32_MAX, NULL, "bad port" },
	{ NULL, NULL, NO, false, "a b", 8080, NULL, "bad name" },
	{ NULL, NULL, NO, false, "fe80::1%eth0", 8080, NULL, "bad name: a zone" },
	{ "[fe80::1%eth0]:8080", NULL, CLIENT, false, "fe80::1%eth0", 8080, NULL, "bad name: a zone" },
	{ "none", NULL, NO, false, "localhost", 8080, NULL, "PermitListen" },
	{ "none 8080", NULL, NO, false, "localhost", 8080, NULL, "PermitListen" },
	{ NULL, "none", NO, false, "localhost", 8080, NULL, "permitlisten of the key" },
	{ "8080", NULL, NO, false, "localhost", 8081, NULL, "PermitListen" },
	{ "localhost:8080", NULL, NO, false, "127.0.0.1", 8080, NULL, "PermitListen" },
	{ "localhost:8080", NULL, NO, false, "", 8080, NULL, "PermitListen" },
	{ "8080", "8081", NO, false, "localhost", 8080, NULL, "permitlisten of the key" },
	{ "8080", "8081", NO, false, "localhost", 8081, NULL, "PermitListen" },
	{ "none", "*", NO, false, "localhost", 8080, NULL, "PermitListen" },
	{ "junk:junk", NULL, NO, false, "localhost", 8080, NULL, "PermitListen" },
	/* Port 0. */
	{ "8080", NULL, NO, false, "localhost", 0, NULL, "PermitListen" },
	{ "8000-9000", NULL, NO, false, "localhost", 0, NULL, "PermitListen" },
	{ NULL, "localhost:8080", NO, false, "localhost", 0, NULL, "permitlisten of the key" },
	/* Ports of root. */
	{ NULL, NULL, NO, false, "localhost", 1, NULL, "port 1 is root's" },
	{ NULL, NULL, NO, false, "localhost", 1023, NULL, "port 1023 is root's" },
	{ "any", NULL, NO, false, "localhost", 80, NULL, "port 80 is root's" },
	{ "*", NULL, NO, false, "localhost", 80, NULL, "port 80 is root's" },
	{ "localhost:*", NULL, NO, false, "localhost", 80, NULL, "port 80 is root's" },
	{ NULL, "80", NO, false, "localhost", 80, NULL, "port 80 is root's" },
	{ "* gw:80", NULL, NO, false, "localhost", 80, NULL, "port 80 is root's" },
	{ "81", NULL, NO, true, "localhost", 80, NULL, "PermitListen" },
	/* Wider than the word. */
	{ "localhost:8080", NULL, YES, false, "localhost", 8080, NULL, "PermitListen localhost:8080: GatewayPorts" },
	{ NULL, "127.0.0.1:8080", YES, false, "127.0.0.1", 8080, NULL, "permitlisten of the key 127.0.0.1:8080: G" },
	{ "192.0.2.1:8080", NULL, YES, false, "192.0.2.1", 8080, NULL, "GatewayPorts" },
	{ "0.0.0.0:8080", NULL, YES, false, "0.0.0.0", 8080, NULL, "GatewayPorts" },
	{ "gw:8080", NULL, YES, false, "gw", 8080, NULL, "GatewayPorts" },
	/* Addresses that nobody binds. */
	{ NULL, NULL, CLIENT, false, "224.0.0.1", 8080, NULL, "guarded: a multicast" },
	{ NULL, NULL, CLIENT, false, "255.255.255.255", 8080, NULL, "guarded: the broadcast" },
	{ NULL, NULL, CLIENT, false, "::ffff:0.0.0.0", 8080, NULL, "guarded: an unspecified" },
	{ NULL, NULL, CLIENT, false, "0", 8080, "0.0.0.0", "guarded: a name that stands for an unspecified" },
	{ NULL, NULL, CLIENT, false, "all", 8080, "::", "guarded: a name that stands for an unspecified" },
	{ NULL, NULL, CLIENT, false, "all", 8080, "ff02::1", "guarded: a name that stands for a multicast" },
	/* Allowed. */
	{ NULL, NULL, NO, false, "localhost", 1024, NULL, NULL },
	{ NULL, NULL, NO, false, "", 8080, NULL, NULL },
	{ NULL, NULL, NO, false, "*", 0, NULL, NULL },
	{ NULL, NULL, NO, false, "192.0.2.1", 65535, NULL, NULL },
	{ NULL, NULL, NO, true, "localhost", 80, NULL, NULL },
	{ "80", NULL, NO, false, "localhost", 80, NULL, NULL },
	{ "localhost:22-80", NULL, NO, false, "localhost", 80, NULL, NULL },
	{ "any", "*", NO, false, "localhost", 0, NULL, NULL },
	{ "*:*", "localhost:*", NO, false, "localhost", 0, NULL, NULL },
	{ "8080", NULL, YES, false, "localhost", 8080, NULL, NULL },
	{ "*:8080", NULL, YES, false, "", 8080, NULL, NULL },
	{ "local*:8080", NULL, NO, false, "LOCALHOST", 8080, NULL, NULL },
	{ "localhost:8080", NULL, CLIENT, false, "localhost", 8080, NULL, NULL },
	{ "127.0.0.1:8080", NULL, CLIENT, false, "127.0.0.1", 8080, NULL, NULL },
	{ "0.0.0.0:8080", NULL, CLIENT, false, "0.0.0.0", 8080, NULL, NULL },
	{ "[::]:8080", NULL, CLIENT, false, "::", 8080, NULL, NULL },
	{ "192.0.2.1:8080", NULL, NO, false, "192.0.2.1", 8080, NULL, NULL },
	{ "gw:8080", NULL, CLIENT, false, "gw", 8080, "192.0.2.1", NULL },
	{ "8000-8099", NULL, NO, false, "localhost", 8099, NULL, NULL },
};

static bool allowed(const struct policy *p, const struct row *r, struct listen_place *place, struct why *rule)
{
	enum permit v = permit_listen_request(p, span_str(r->host), r->port, place, rule);
	struct ip a;

	if (v != PERMIT_ASK)
		return v == PERMIT_YES;
	assert_int_equal(place->where, LISTEN_NAME);
	assert_non_null(r->resolved);
	a = address(r->resolved);
	return permit_listen_address(p, span_str(r->host), r->port, &a, rule);
}

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct policy p = { .tcp = POLICY_REMOTE, .gateway = r->gateway, .root = r->root };
		struct listen_place place;
		struct why rule = { "" };
		bool yes;

		words(&p.permit_listen[POLICY_ADMIN], r->admin);
		words(&p.permit_listen[POLICY_KEY], r->key);
		yes = allowed(&p, r, &place, &rule);
		if (yes == (r->rule != NULL) || (r->rule && !strstr(rule.text, r->rule)))
			fail_msg("row %zu: %s:%u: %s '%s'", i, r->host, r->port, yes ? "allowed" : "refused",
				 rule.text);
		if (yes)
			assert_int_equal(place.privileged, r->port > 0 && r->port < 1024);
		policy_fini(&p);
	}
}

static void test_sides(void **state)
{
	struct policy p = { .tcp = POLICY_LOCAL, .streamlocal = POLICY_LOCAL };
	struct listen_place place;
	struct why rule;

	(void)state;
	assert_int_equal(permit_listen_request(&p, span_str("localhost"), 8080, &place, &rule), PERMIT_NO);
	assert_string_equal(rule.text, "AllowTcpForwarding local");
	assert_false(permit_listen_path(&p, span_str("/run/x"), &rule));
	assert_string_equal(rule.text, "AllowStreamLocalForwarding local");
	p = (struct policy){ .streamlocal = POLICY_REMOTE };
	assert_int_equal(permit_listen_request(&p, span_str("localhost"), 8080, &place, NULL), PERMIT_NO);
	assert_true(permit_listen_path(&p, span_str("/run/x"), NULL));
	assert_false(permit_listen_path(&p, span("/run\0x", 6), NULL));
	assert_false(permit_listen_path(&p, span("", 0), NULL));
}

static const char *const pool[] = {
	"any", "none", "*", "*:80", "8080", "localhost:*", "local*:80", "80-9000", "junk:"
};
static const char *const hosts[] = { "", "*", "localhost", "127.0.0.1", "0.0.0.0", "192.0.2.1", "localhosts" };
static const uint32_t ports[] = { 0, 80, 8080, 9001 };

static void random_words(struct strs *out, uint64_t *seed)
{
	for (unsigned n = dice(seed, 3); n; n--)
		assert_int_equal(strs_add(out, pool[dice(seed, LEN(pool))]), OK);
}

/* Without the side nothing listens, "none" listens nowhere, and a key's list never widens. */
static void test_properties(void **state)
{
	uint64_t seed = 19700101;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct policy p = { .tcp = POLICY_REMOTE, .gateway = (enum gateway_ports)dice(&seed, 3) };
		struct row r = { .host = hosts[dice(&seed, LEN(hosts))],
				 .port = ports[dice(&seed, LEN(ports))],
				 .resolved = "192.0.2.1" };
		struct listen_place place, alone;
		bool both;

		random_words(&p.permit_listen[POLICY_ADMIN], &seed);
		random_words(&p.permit_listen[POLICY_KEY], &seed);
		both = allowed(&p, &r, &place, NULL);
		if (both) {
			for (int k = 0; k < POLICY_LISTS; k++)
				assert_false(strs_has(&p.permit_listen[k], "none"));
			strs_fini(&p.permit_listen[POLICY_KEY]);
			assert_true(allowed(&p, &r, &alone, NULL));
			assert_int_equal(place.where, alone.where);
			assert_true(p.gateway != GATEWAY_NO || place.where == LISTEN_LOOPBACK ||
				    ip_is_loopback(&place.ip));
		}
		p.tcp = POLICY_LOCAL;
		assert_false(allowed(&p, &r, &place, NULL));
		policy_fini(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_effective),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_sides),
		cmocka_unit_test(test_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
