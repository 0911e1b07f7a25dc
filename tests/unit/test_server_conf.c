/* sshd_config(5) as aditd reads it: what must be refused and with which words, precedence, Match, and the dump beside
 * what sshd -T of OpenSSH 9.2 prints for the same file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/str.h"
#include "conf/server_conf.h"

static struct server_facts facts(void)
{
	return (struct server_facts){
		.uid = getuid(),
		.version = "adit_0.1",
		.algs = { .kex = "curve25519-sha256,ecdh-sha2-nistp256",
			  .cipher = "aes128-gcm@openssh.com,aes128-ctr,aes256-ctr",
			  .mac = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
			  .host_sig = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
			  .user_sig = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
			  .ca_sig = "ssh-ed25519" },
	};
}

static const struct strs *groups_of(void *ctx)
{
	return ctx;
}

static struct strs two_groups = { (char *[]){ (char *)"staff", (char *)"tunnel" }, 2 };

/* alice of two groups from 10.1.2.3 to 192.0.2.1 port 2222. */
static struct server_who alice(void)
{
	struct server_who who = { .user = "alice", .groups = groups_of, .ctx = &two_groups, .local_port = 2222 };

	assert_int_equal(ip_parse(&who.address, "10.1.2.3"), OK);
	assert_int_equal(ip_parse(&who.local_address, "192.0.2.1"), OK);
	return who;
}

static struct server_conf eval(const char *text, const struct server_who *who)
{
	struct server_facts f = facts();
	struct server_text *t;
	struct server_conf conf;
	struct why why = { "" };

	if (server_text_parse(&t, "FILE", span_str(text), NULL, &f, &why))
		fail_msg("%s: %s", text, why.text);
	assert_int_equal(server_conf_eval(&conf, t, who, &why), OK);
	/* The names in conf.at are gone with the text; nothing here looks at them. */
	server_text_free(t);
	return conf;
}

/* ---- What is refused ------------------------------------------------------------------------------------------ */

static const struct {
	const char *in, *want;
} bad_rows[] = {
	{ "Foo bar", "FILE: line 1: Bad configuration option: foo" },
	{ "Match User nobody\nFoo bar", "FILE: line 2: Bad configuration option: foo" },
	{ "IgnoreUnknown *\nFoo bar", "FILE: line 1: Bad configuration option: ignoreunknown" },
	{ "Host a", "FILE: line 1: Bad configuration option: host" },
	{ "Port", "FILE line 1: no argument after keyword \"port\"" },
	{ "Port 1 2", "FILE line 1: keyword Port extra arguments at end of line" },
	{ "Port 0", "FILE line 1: Bad port '0'." },
	{ "Port 1e3", "Bad port '1e3'." },
	{ "Port +1", "Bad port '+1'." },
	{ "Port 0x16", "Bad port '0x16'." },
	{ "ListenAddress a:b:c", "bad address: a:b:c" },
	{ "ListenAddress [::1", "bad address: [::1" },
	{ "ListenAddress [::1]22", "bad address: [::1]22" },
	{ "ListenAddress [host]:22", "bad address: [host]:22" },
	{ "ListenAddress host:0", "bad address: host:0" },
	{ "ListenAddress host:", "bad address: host:" },
	{ "ListenAddress :22", "bad address: :22" },
	{ "ListenAddress *:22", "bad address: *:22" },
	{ "ListenAddress a rdomain b", "extra arguments" },
	{ "MaxStartups 0", "'0' do not go together" },
	{ "MaxStartups 10:30", "neither a number nor start:percent:full" },
	{ "MaxStartups 10:30:100:1", "neither a number nor start:percent:full" },
	{ "MaxStartups 10:101:100", "do not go together" },
	{ "MaxStartups 10:0:100", "do not go together" },
	{ "MaxStartups 11:30:10", "do not go together" },
	{ "MaxStartups -1:30:10", "neither a number" },
	{ "MaxStartups 10::100", "neither a number" },
	{ "PerSourceMaxStartups 0", "is not a number between 1 and" },
	{ "PerSourceNetBlockSize 33", "is not a number up to 32" },
	{ "PerSourceNetBlockSize 32:129", "is not a number up to 32" },
	{ "PerSourceNetBlockSize 32:128:1", "is not a number up to 32" },
	{ "PerSourcePenalties crash", "unsupported penalty 'crash'" },
	{ "PerSourcePenalties crash:", "unsupported penalty 'crash:'" },
	{ "PerSourcePenalties crash:-1", "unsupported penalty" },
	{ "PerSourcePenalties max-sources4:0", "unsupported penalty" },
	{ "PerSourcePenalties overflow:maybe", "unsupported penalty" },
	{ "PerSourcePenalties no crash:1", "yes and no stand alone" },
	{ "PerSourcePenalties crash:1 yes", "yes and no stand alone" },
	{ "PerSourcePenaltyExemptList 10.0.0.1/8", "is not a list of addresses" },
	{ "PerSourcePenaltyExemptList 10.0.0.0/8,", "is not a list of addresses" },
	{ "Workers 0", "is not a number between 1 and 1024" },
	{ "Workers 1025", "is not a number between 1 and 1024" },
	{ "MaxChannels 0", "is not a number between 1 and 1048576" },
	{ "MaxListeners 1048577", "is not a number between 1 and 1048576" },
	{ "MaxAuthTries 0", "is not a number between 1 and" },
	{ "WindowBank 1", "less than 1M" },
	{ "WindowBank 1048575", "less than 1M" },
	{ "WindowBank 2G", "more than a process may have" },
	{ "WindowBank 128M 64M", "more than a process may have" },
	{ "WindowBank 128M 1T", "Bad number '1T'" },
	{ "WindowBank 1M 1M 1M", "extra arguments" },
	{ "LoginGraceTime none", "invalid time value 'none'." },
	{ "LoginGraceTime 1y", "invalid time value '1y'." },
	{ "ChannelTimeout direct-tcpip", "'direct-tcpip' is not type=time" },
	{ "ChannelTimeout a=1 =1m", "'=1m' is not type=time" },
	{ "ChannelTimeout a=b", "'a=b' is not type=time" },
	{ "ChannelTimeout a=1 none", "'none' is not type=time" },
	{ "AuditLog audit.log", "neither a whole path nor syslog, stderr or none" },
	{ "LogFormat xml", "unsupported option \"xml\"." },
	{ "LogLevel LOUD", "unsupported option" },
	{ "AllowTcpForwarding both", "unsupported option \"both\"." },
	{ "DisableForwarding nope", "unsupported option \"nope\"." },
	{ "GatewayPorts maybe", "unsupported option" },
	{ "PermitRootLogin maybe", "unsupported option" },
	{ "StreamLocalBindMask 0888", "Bad mask '0888'." },
	{ "AuthorizedKeysFile %d/keys", "'%d/keys' has a token that is not %h, %u, %U or %" },
	{ "AuthorizedKeysFile .ssh/a b%", "'b%' has a token" },
	{ "AuthorizedPrincipalsFile %k", "has a token" },
	{ "PermitOpen host", "FILE line 1: PermitOpen 'host': no port" },
	{ "PermitOpen any host:1", "'any' stands alone" },
	{ "PermitOpen host:1 none", "'none' stands alone" },
	{ "PermitOpen host:0", "PermitOpen 'host:0': the port is not" },
	{ "PermitOpen 10.0.0.1/8:22", "is no range of addresses" },
	{ "PermitListen host:", "PermitListen 'host:': the port is not" },
	{ "PermitListen 70000", "the port is not" },
	{ "DenyOpen 10.1.0.0/8", "is no range of addresses" },
	{ "DenyOpen any", "to deny everything, write *" },
	{ "DenyOpen none 10.0.0.0/8", "'none' stands alone" },
	{ "AuthenticationMethods password", "one key is all that anybody can log in with" },
	{ "AuthenticationMethods publickey,password", "one key is all" },
	{ "AuthenticationMethods publickey,publickey", "one key is all" },
	{ "AuthorizedKeysCommand /bin/keys", "FILE line 1: AuthorizedKeysCommand is not supported: this server never" },
	{ "Match User a\nAuthorizedKeysCommand /bin/keys", "FILE line 2: AuthorizedKeysCommand is not supported" },
	{ "AuthorizedPrincipalsCommand /bin/p %u", "AuthorizedPrincipalsCommand is not supported" },
	{ "HostKeyAgent /run/agent", "HostKeyAgent is not supported" },
	{ "PubkeyAuthOptions verify-required", "PubkeyAuthOptions is not supported" },
	{ "Match User a\nRDomain red", "RDomain is not supported" },
	{ "Match User a\nPort 22", "FILE line 2: Directive 'Port' is not allowed within a Match block" },
	{ "Match User a\nHostKey k", "Directive 'HostKey' is not allowed within a Match block" },
	{ "Match User a\nUsePAM no", "Directive 'UsePAM' is not allowed within a Match block" },
	{ "Match User a\nWorkers 1", "Directive 'Workers' is not allowed within a Match block" },
	{ "Match User a\nMaxStartups 1", "Directive 'MaxStartups' is not allowed within a Match block" },
	{ "Match", "FILE line 1: no argument after keyword \"match\"" },
	{ "Match # all", "FILE line 1: One or more attributes required for Match" },
	{ "Match exec true", "Unsupported Match attribute exec" },
	{ "Match !user a", "Unsupported Match attribute !user" },
	{ "Match user", "missing argument for Match 'user'" },
	{ "Match user a group", "missing argument for Match 'group'" },
	{ "Match all user a", "'all' cannot be combined" },
	{ "Match user a all", "'all' cannot be combined" },
	{ "Match address 10.0.0.1/8", "Match address: '10.0.0.1/8' is not understood" },
	{ "Match address 10.0.0.0/8,", "Match address: '10.0.0.0/8,' is not understood" },
	{ "Match localaddress 10.0.0.0/40", "Match localaddress: '10.0.0.0/40' is not understood" },
	{ "Match localport ssh", "Match localport: 'ssh' is not understood" },
	{ "Match localport 0", "Match localport: '0' is not understood" },
	{ "Match rdomain a", "Match rdomain: 'a' is not understood" },
	{ "Match user \"a", "invalid quotes" },
	{ "Include ~/x", "~ has no meaning here" },
	{ "Include \"\"", "keyword include empty argument" },
	{ "Ciphers rot13", "Bad SSH2 cipher spec 'rot13'." },
	{ "RekeyLimit 15", "is too small" },
	{ "Banner \"a", "invalid quotes" },
};

static void test_bad(void **state)
{
	struct server_facts f = facts();

	(void)state;
	for (size_t i = 0; i < LEN(bad_rows); i++) {
		struct server_text *t;
		struct why why = { "" };
		int err = server_text_parse(&t, "FILE", span_str(bad_rows[i].in), NULL, &f, &why);

		if (!err || !strstr(why.text, bad_rows[i].want))
			fail_msg("%s: %d %s", bad_rows[i].in, err, why.text);
	}
}

/* ---- What sshd -T says about the same file -------------------------------------------------------------------- */

static void collect(void *user, const char *line)
{
	buf_printf(user, "%s\n", line);
}

static char *dump(const struct server_conf *conf)
{
	struct buf b = BUF(1 << 20);

	assert_int_equal(server_conf_dump(conf, collect, &b), OK);
	char *text = str_from_span(buf_span(&b));
	buf_fini(&b);
	assert_non_null(text);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *s = text; (s = strstr(s, line)); s += n)
		if ((s == text || s[-1] == '\n') && s[n] == '\n')
			return true;
	return false;
}

/* Recorded from sshd -T of OpenSSH 9.2 with an empty file: those keywords whose default is the same here. */
static const char *const default_lines[] = {
	"port 22",
	"addressfamily any",
	"listenaddress [::]:22",
	"listenaddress 0.0.0.0:22",
	"logingracetime 120",
	"maxauthtries 6",
	"clientalivecountmax 3",
	"requiredrsasize 1024",
	"streamlocalbindmask 0177",
	"unusedconnectiontimeout none",
	"permitrootlogin without-password",
	"pubkeyauthentication yes",
	"strictmodes yes",
	"tcpkeepalive yes",
	"gatewayports no",
	"usedns no",
	"allowtcpforwarding yes",
	"disableforwarding no",
	"allowstreamlocalforwarding yes",
	"streamlocalbindunlink no",
	"banner none",
	"trustedusercakeys none",
	"revokedkeys none",
	"authorizedprincipalsfile none",
	"authorizedkeyscommanduser none",
	"authorizedprincipalscommanduser none",
	"loglevel INFO",
	"syslogfacility AUTH",
	"authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2",
	"authenticationmethods any",
	"maxstartups 10:30:100",
	"persourcemaxstartups none",
	"persourcenetblocksize 32:128",
	"rekeylimit 0 0",
	"permitopen any",
	"permitlisten any",
};

/* What is different on purpose, and what sshd does not have. */
static const char *const own_default_lines[] = {
	"clientaliveinterval 30",
	"pidfile /run/aditd.pid",
	"hostkey /etc/adit/adit_host_ed25519_key",
	"ipqos none none",
	"channeltimeout none",
	"denyopen none",
	"maxchannels 10000",
	"maxlisteners 1024",
	"maxopenspending 256",
	"windowbank 134217728 1073741824",
	"takeoverlisten 3",
	"workers auto",
	"auditlog none",
	"logformat text",
	"sandboxrequired yes",
	"persourcepenaltyexemptlist none",
	"persourcepenalties crash:90 authfail:5 noauth:1 grace-exceeded:10 refuseconnection:10 invaliduser:5 max:600 "
	"min:15 max-sources4:65536 max-sources6:65536 overflow:permissive overflow6:permissive",
};

static void expect_lines(const struct server_conf *conf, const char *const *lines, size_t n)
{
	char *text = dump(conf);

	for (size_t i = 0; i < n; i++)
		if (!has_line(text, lines[i]))
			fail_msg("no \"%s\" in\n%s", lines[i], text);
	free(text);
}

static void test_defaults(void **state)
{
	struct server_conf conf = eval("", NULL);

	(void)state;
	expect_lines(&conf, default_lines, LEN(default_lines));
	expect_lines(&conf, own_default_lines, LEN(own_default_lines));
	assert_int_equal(conf.penalties.v[PENALTY_OFF], 0);
	assert_int_equal(conf.n_listens, 2);
	assert_int_equal(server_conf_tcp(&conf), POLICY_LOCAL | POLICY_REMOTE);
	assert_int_equal(conf.permit_open.n, 0);
	server_conf_fini(&conf);
}

/* The file, and below it what sshd -T -C user=x,addr=10.1.2.3 of OpenSSH 9.2 prints for it where it prints a line. */
static const char recorded_file[] = "AllowUsers a@10.0.0.0/8 b\n"
				    "AllowUsers c\n"
				    "MaxStartups 5\n"
				    "PermitOpen a:1 [::1]:22 *:80\n"
				    "permitlisten 8080 localhost:*\n"
				    "RekeyLimit 1G 1h\n"
				    "ChannelTimeout direct-tcpip=5m *=1h\n"
				    "UnusedConnectionTimeout 1m\n"
				    "ListenAddress 127.0.0.1:23\n"
				    "ListenAddress ::1\n"
				    "Port 2222\n"
				    "Match User x Address 10.0.0.0/8\n"
				    "PermitOpen none\n"
				    "AllowUsers z\n";
static const char *const recorded_lines[] = {
	"port 2222",
	"listenaddress 127.0.0.1:23",
	"listenaddress [::1]:2222",
	"unusedconnectiontimeout 60",
	"channeltimeout direct-tcpip=5m *=1h",
	"maxstartups 5:30:5",
	"permitlisten *:8080 localhost:*",
	"rekeylimit 1073741824 3600",
};
static const char *const recorded_outside[] = { "permitopen a:1 [::1]:22 *:80", "allowusers a@10.0.0.0/8",
						"allowusers b", "allowusers c" };
static const char *const recorded_inside[] = { "permitopen none", "allowusers z" };

static void test_recorded(void **state)
{
	struct server_who who = alice();
	struct server_conf conf = eval(recorded_file, &who);

	(void)state;
	expect_lines(&conf, recorded_lines, LEN(recorded_lines));
	expect_lines(&conf, recorded_outside, LEN(recorded_outside));
	server_conf_fini(&conf);
	who.user = "x";
	conf = eval(recorded_file, &who);
	expect_lines(&conf, recorded_lines, LEN(recorded_lines));
	expect_lines(&conf, recorded_inside, LEN(recorded_inside));
	assert_int_equal(conf.allow_users.n, 1);
	server_conf_fini(&conf);
}

/* A file, and one line of its dump for alice. */
static const struct {
	const char *in, *want;
} dump_rows[] = {
	{ "AllowTcpForwarding No", "allowtcpforwarding no" },
	{ "allowtcpforwarding ALL", "allowtcpforwarding yes" },
	{ "AllowTcpForwarding local", "allowtcpforwarding local" },
	{ "AllowStreamLocalForwarding Remote", "allowstreamlocalforwarding remote" },
	{ "GatewayPorts ClientSpecified", "gatewayports clientspecified" },
	{ "MaxAuthTries 3\nMaxAuthTries 4", "maxauthtries 3" },
	{ "MaxAuthTries=3", "maxauthtries 3" },
	{ "PermitRootLogin prohibit-password", "permitrootlogin without-password" },
	{ "PubkeyAcceptedKeyTypes +ssh-ed25519", "pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512,rsa-sha2-256" },
	{ "Ciphers ^aes256-ctr", "ciphers aes256-ctr,aes128-gcm@openssh.com,aes128-ctr" },
	{ "Ciphers aes256-cbc,aes256-ctr", "ciphers aes256-ctr" },
	{ "HostKey a\nHostKey b", "hostkey b" },
	{ "Workers 4", "workers 4" },
	{ "TakeoverListen none", "takeoverlisten none" },
	{ "LoginGraceTime 2m", "logingracetime 120" },
	{ "PerSourceMaxStartups 3", "persourcemaxstartups 3" },
	{ "PerSourceNetBlockSize 24:56", "persourcenetblocksize 24:56" },
	{ "PerSourceNetBlockSize 24", "persourcenetblocksize 24:128" },
	{ "PerSourcePenalties no", "persourcepenalties no" },
	{ "PerSourcePenalties crash:1m overflow:deny-all\nPerSourcePenalties crash:5 max:1h",
	  "persourcepenalties crash:60 authfail:5 noauth:1 grace-exceeded:10 refuseconnection:10 invaliduser:5 "
	  "max:3600 min:15 max-sources4:65536 max-sources6:65536 overflow:deny-all overflow6:permissive" },
	{ "PerSourcePenaltyExemptList 10.0.0.0/8,fe80::/10,192.0.2.*",
	  "persourcepenaltyexemptlist 10.0.0.0/8,fe80::/10,192.0.2.*" },
	{ "PermitOpen 10.0.0.0/8:22 [fe80::/10]:1-1024 *.example.org:*",
	  "permitopen 10.0.0.0/8:22 [fe80::/10]:1-1024 *.example.org:*" },
	{ "DenyOpen 10.0.0.0/8 fe80::/10 host:22", "denyopen 10.0.0.0/8 fe80::/10 host:22" },
	{ "PermitListen none", "permitlisten none" },
	{ "PermitListen 8000-8099", "permitlisten *:8000-8099" },
	{ "WindowBank 64M", "windowbank 67108864 1073741824" },
	{ "WindowBank 1M 1M", "windowbank 1048576 1048576" },
	{ "AuditLog /var/log/adit", "auditlog /var/log/adit" },
	{ "AuthenticationMethods publickey", "authenticationmethods publickey" },
	{ "ListenAddress [::1]:23", "listenaddress [::1]:23" },
	{ "ListenAddress localhost", "listenaddress localhost:22" },
	{ "AddressFamily inet\nPort 1", "listenaddress 0.0.0.0:1" },
	/* Which Match holds, and what it comes before. */
	{ "MaxAuthTries 3\nMatch User alice\nMaxAuthTries 4", "maxauthtries 4" },
	{ "MaxAuthTries 3\nMatch User bob\nMaxAuthTries 4", "maxauthtries 3" },
	{ "Match User bob\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User al*,!alice\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User=alice\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match User alice\nMaxAuthTries 4\nMatch User a*\nMaxAuthTries 5", "maxauthtries 4" },
	{ "Match User bob\nMaxAuthTries 4\nMatch User a*\nMaxAuthTries 5", "maxauthtries 5" },
	{ "Match Group tunnel\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Group tunnel,!staff\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Group wheel\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Address 10.0.0.0/8\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Address 10.1.2.*\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Address 10.0.0.0/8,!10.1.2.3\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Address fe80::/10\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Host 10.1.2.3\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match LocalAddress 192.0.2.0/24 LocalPort 2222\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match LocalPort 22\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match User alice Group wheel\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Invalid-User\nMaxAuthTries 4", "maxauthtries 6" },
	{ "Match Version adit_0.*\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match Version OpenSSH*\nMaxAuthTries 4", "maxauthtries 6" },
	{ "MaxAuthTries 3\nMatch all\nMaxAuthTries 4", "maxauthtries 4" },
	{ "Match User bob\nMaxAuthTries 4\nMatch all\nPort 99", "port 99" },
	{ "AllowUsers a b\nMatch User alice\nAllowUsers c\nAllowUsers d", "allowusers d" },
	{ "Match User bob\nRefuseConnection yes", "refuseconnection no" },
};

static void test_dump(void **state)
{
	struct server_who who = alice();

	(void)state;
	for (size_t i = 0; i < LEN(dump_rows); i++) {
		struct server_conf conf = eval(dump_rows[i].in, &who);
		char *text = dump(&conf);

		if (!has_line(text, dump_rows[i].want))
			fail_msg("%s: no \"%s\" in\n%s", dump_rows[i].in, dump_rows[i].want, text);
		free(text);
		server_conf_fini(&conf);
	}
}

/* Outside Match nothing of a Match counts, "all" aside, which fills in what was not said. */
static void test_outside(void **state)
{
	struct server_conf conf = eval("MaxAuthTries 3\nMatch User *\nMaxAuthTries 4\nBanner /b\n"
				       "Match all\nMaxAuthTries 5\nWorkers 2",
				       NULL);

	(void)state;
	assert_int_equal(conf.max_auth_tries, 3);
	assert_string_equal(conf.banner, "none");
	assert_int_equal(conf.workers, 2);
	server_conf_fini(&conf);
}

/* What is not known matches nothing, not even everything. */
static void test_unknown_matches_nothing(void **state)
{
	static const char *const criteria[] = { "User *",	  "Group *",	 "Host *",	"Address *",
						"LocalAddress *", "LocalPort 1", "Invalid-User" };
	struct server_who nobody = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(criteria); i++) {
		char text[64];

		snprintf(text, sizeof(text), "Match %s\nMaxAuthTries 1", criteria[i]);
		struct server_conf conf = eval(text, &nobody);
		assert_int_equal(conf.max_auth_tries, 6);
		server_conf_fini(&conf);
	}
}

static void test_names(void **state)
{
	struct server_who who = alice();

	(void)state;
	who.host = "Box.Example.Org";
	who.no_such_user = true;
	struct server_conf conf = eval("Match Host *.EXAMPLE.org Invalid-User\nMaxAuthTries 1", &who);
	assert_int_equal(conf.max_auth_tries, 1);
	server_conf_fini(&conf);
}

/* One text, judged for several connections. */
static void test_again(void **state)
{
	static const char text[] = "Match User alice\nPermitOpen a:1\nMatch User bob\nPermitOpen b:1 c:1";
	struct server_facts f = facts();
	struct server_text *t;
	struct server_who who = alice();

	(void)state;
	assert_int_equal(server_text_parse(&t, "FILE", span_str(text), NULL, &f, NULL), OK);
	for (int i = 0; i < 4; i++) {
		struct server_conf conf;

		who.user = i % 2 ? "alice" : "bob";
		assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
		assert_int_equal(conf.permit_open.n, i % 2 ? 1 : 2);
		assert_string_equal(conf.at[SERVER_PermitOpen].file, "FILE");
		assert_int_equal(conf.at[SERVER_PermitOpen].line, i % 2 ? 2 : 4);
		server_conf_fini(&conf);
	}
	server_text_free(t);
}

/* ---- The command line ----------------------------------------------------------------------------------------- */

static void test_command_line(void **state)
{
	static const char text[] = "Port 22\nMaxAuthTries 3\nHostKey b\nMatch User alice\nBanner /match";
	struct strs said = { (char *[]){ (char *)"Port=2222", (char *)"maxauthtries 4", (char *)"HostKey=a",
					 (char *)"Banner /cmd" },
			     4 };
	struct server_facts f = facts();
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();

	(void)state;
	assert_int_equal(server_text_parse(&t, "FILE", span_str(text), &said, &f, NULL), OK);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_int_equal(conf.ports.n, 1);
	assert_string_equal(conf.ports.v[0], "2222");
	assert_int_equal(conf.max_auth_tries, 4);
	assert_int_equal(conf.host_keys.n, 2);
	assert_string_equal(conf.banner, "/match");
	server_conf_fini(&conf);
	server_text_free(t);
}

static void test_bad_command_line(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Foo=1", "command-line: line 0: Bad configuration option: foo" },
		{ "Match all", "Match directive not supported as a command-line option" },
		{ "Include /x", "Include directive not supported as a command-line option" },
		{ "Port=x", "command-line line 0: Bad port 'x'." },
	};
	struct server_facts f = facts();

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct strs said = { (char *[]){ (char *)rows[i].in }, 1 };
		struct server_text *t;
		struct why why = { "" };

		assert_int_equal(server_text_parse(&t, "FILE", span_str(""), &said, &f, &why), ERR_SYNTAX);
		assert_string_equal(why.text, rows[i].want);
	}
}

/* ---- Forwarding that is off stays off (L-10) ------------------------------------------------------------------ */

static const char *const permissive[] = {
	"AllowTcpForwarding yes",
	"AllowTcpForwarding all",
	"AllowTcpForwarding local",
	"AllowTcpForwarding remote",
	"AllowStreamLocalForwarding yes",
	"PermitOpen any",
	"PermitListen any",
	"GatewayPorts yes",
	"Match User alice",
	"Match all",
	"Match Address 10.0.0.0/8",
	"Match Group staff",
	"PermitOpen a:1",
	"AllowStreamLocalForwarding local",
};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

/* Lines in any order and number, with DisableForwarding yes once in the part outside Match. */
static void random_text(char *out, size_t cap, uint32_t *seed)
{
	size_t n = 0, lines = next(seed) % 12, at = 0;

	out[0] = 0;
	for (size_t i = 0; i < lines; i++) {
		const char *line = permissive[next(seed) % LEN(permissive)];
		size_t len = (size_t)snprintf(out + n, cap - n, "%s\n", line);

		n += len;
		assert_true(n < cap);
		if (at == n - len && line[0] != 'M' && next(seed) % 2)
			at = n;
	}
	static const char off[] = "disableforwarding YES\n";
	assert_true(n + sizeof(off) < cap);
	memmove(out + at + sizeof(off) - 1, out + at, n - at + 1);
	memcpy(out + at, off, sizeof(off) - 1);
}

static void test_off_is_off(void **state)
{
	struct server_who who = alice();
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char text[1024];

		random_text(text, sizeof(text), &seed);
		struct server_conf inside = eval(text, &who), outside = eval(text, NULL);
		if (server_conf_tcp(&inside) | server_conf_streamlocal(&inside) | server_conf_tcp(&outside) |
		    server_conf_streamlocal(&outside))
			fail_msg("%s", text);
		server_conf_fini(&inside);
		server_conf_fini(&outside);
	}
}

/* ---- Users ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *in, *want; /* want NULL: alice may log in */
} admit_rows[] = {
	{ "DenyUsers alice", "DenyUsers alice" },
	{ "DenyUsers bob al*", "DenyUsers al*" },
	{ "DenyUsers alice@10.0.0.0/8", "DenyUsers alice@10.0.0.0/8" },
	{ "DenyUsers *@10.1.2.3\nAllowUsers alice", "DenyUsers *@10.1.2.3" },
	{ "AllowUsers bob", "AllowUsers does not have this user" },
	{ "AllowUsers alice@192.0.2.0/24", "AllowUsers does not have this user" },
	{ "AllowUsers alice@10.0.0.0/8,!10.1.2.3", "AllowUsers does not have this user" },
	{ "AllowUsers alice\nDenyGroups staff", "DenyGroups staff" },
	{ "AllowGroups wheel", "AllowGroups has none" },
	{ "AllowUsers alice\nAllowGroups wheel", "AllowGroups has none" },
	{ "DenyUsers alice@192.0.2.0/24", NULL },
	{ "AllowUsers bob alice", NULL },
	{ "AllowUsers bob\nAllowUsers alice", NULL },
	{ "AllowUsers alice@10.1.*", NULL },
	{ "DenyGroups wheel\nAllowGroups wheel tun*", NULL },
	{ "", NULL },
};

static void test_admits(void **state)
{
	struct server_who who = alice();

	(void)state;
	for (size_t i = 0; i < LEN(admit_rows); i++) {
		struct server_conf conf = eval(admit_rows[i].in, &who);
		struct why why = { "" };
		int err = server_conf_admits(&conf, &who, &why);

		if (err != (admit_rows[i].want ? ERR_DENIED : OK))
			fail_msg("%s: %d %s", admit_rows[i].in, err, why.text);
		if (admit_rows[i].want && !strstr(why.text, admit_rows[i].want))
			fail_msg("%s: %s", admit_rows[i].in, why.text);
		server_conf_fini(&conf);
	}
}

static const struct {
	const char *path, *user, *home, *want; /* want NULL: err */
	int err;
} path_rows[] = {
	{ ".ssh/keys", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "%h/keys", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "/keys/%U", "bob", NULL, NULL, ERR_NOT_FOUND },
	{ "/keys/%u", "../root", "/home/x", NULL, ERR_DENIED },
	{ "/keys/%u", "a/b", NULL, NULL, ERR_DENIED },
	{ "/keys/%u", "..", NULL, NULL, ERR_DENIED },
	{ "/keys/%u", "", NULL, NULL, ERR_DENIED },
	{ "/keys/%z", "bob", NULL, NULL, ERR_SYNTAX },
	{ "/keys/%", "bob", NULL, NULL, ERR_SYNTAX },
	{ "/keys/%u", "bob", NULL, "/keys/bob", OK },
	{ "/keys/%u/%%", "%h", NULL, "/keys/%h/%", OK },
	{ ".ssh/keys", "bob", "/home/bob", "/home/bob/.ssh/keys", OK },
	{ "%h/keys.%U", "bob", "/home/bob", "/home/bob/keys.42", OK },
	{ "%u.keys", "bob", "/home/bob", "/home/bob/bob.keys", OK },
};

static void test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(path_rows); i++) {
		char *out = NULL;
		int err = server_conf_path(&out, path_rows[i].path, path_rows[i].user, path_rows[i].home, 42, NULL);

		assert_int_equal(err, path_rows[i].err);
		if (path_rows[i].want)
			assert_string_equal(out, path_rows[i].want);
		free(out);
	}
}

static void test_idle(void **state)
{
	struct server_conf conf = eval("ChannelTimeout direct-tcpip=5m forwarded-*=1h global=0", NULL);

	(void)state;
	assert_int_equal(server_conf_idle_seconds(&conf, "direct-tcpip"), 300);
	assert_int_equal(server_conf_idle_seconds(&conf, "forwarded-tcpip"), 3600);
	assert_int_equal(server_conf_idle_seconds(&conf, "global"), 0);
	assert_int_equal(server_conf_idle_seconds(&conf, "session"), 0);
	server_conf_fini(&conf);
}

/* ---- Notes ---------------------------------------------------------------------------------------------------- */

static void count_line(void *user, const char *line)
{
	assert_non_null(strstr(line, "FILE line "));
	assert_non_null(strstr(line, " is ignored: "));
	++*(int *)user;
}

/* Debian's own file says all of this; what is said to be off anyway needs no note. */
static void test_notes(void **state)
{
	static const char text[] = "KbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\n"
				   "AcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
				   "PasswordAuthentication no\nMatch User x\nForceCommand ls\nForceCommand rm\n";
	struct server_facts f = facts();
	struct server_text *t;
	int lines = 0;

	(void)state;
	assert_int_equal(server_text_parse(&t, "FILE", span_str(text), NULL, &f, NULL), OK);
	assert_int_equal(server_text_notes(t, count_line, &lines), OK);
	assert_int_equal(lines, 6);
	server_text_free(t);
}

/* ---- Files ---------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/adit-server-conf-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_folder(name), mode), 0);
}

static int read_main(struct server_text **t, struct why *why)
{
	static struct server_facts f;

	f = facts();
	return server_text_read(t, in_folder("main"), NULL, &f, why);
}

static void refuse_main(int want_err, const char *want)
{
	struct server_text *t;
	struct why why = { "" };
	int err = read_main(&t, &why);

	if (err != want_err || !strstr(why.text, want))
		fail_msg("%d %s", err, why.text);
}

static void test_bad_files(void **state)
{
	char text[256];

	(void)state;
	refuse_main(ERR_NOT_FOUND, "Can't open configuration file");
	assert_int_equal(mkfifo(in_folder("main"), 0600), 0);
	refuse_main(ERR_SYNTAX, "is not a regular file");
	unlink(in_folder("main"));
	assert_int_equal(symlink("/dev/zero", in_folder("main")), 0);
	refuse_main(ERR_SYNTAX, "is not a regular file");
	unlink(in_folder("main"));
	write_file("main", "Port 1\n", 0666);
	refuse_main(ERR_SYNTAX, "Bad owner or permissions on");
	snprintf(text, sizeof(text), "Include %s\n", in_folder("main"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "Too many recursive configuration includes");
	write_file("part", "Port x\n", 0600);
	snprintf(text, sizeof(text), "Include %s\n", in_folder("part"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "part line 1: Bad port 'x'.");
	write_file("part", "Port 1\n", 0600);
	snprintf(text, sizeof(text), "Match User a\nInclude %s\n", in_folder("part"));
	write_file("main", text, 0600);
	refuse_main(ERR_SYNTAX, "part line 1: Directive 'Port' is not allowed within a Match block");
	chmod(in_folder("part"), 0622);
	refuse_main(ERR_SYNTAX, "Bad owner or permissions on");
	unlink(in_folder("part"));
}

/* A Match ends with the file that it stands in, and one inside an included file counts where both hold. */
static void test_include(void **state)
{
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();
	char text[512];

	(void)state;
	write_file("part", "MaxAuthTries 1\nMatch User alice\nBanner /alice\n", 0600);
	snprintf(text, sizeof(text),
		 "Include %s\nClientAliveCountMax 7\nMatch Address 192.0.2.0/24\nInclude %s\nMaxAuthTries 2\n",
		 in_folder("part"), in_folder("part"));
	write_file("main", text, 0600);
	assert_int_equal(read_main(&t, NULL), OK);
	/* Nothing is opened any more. */
	unlink(in_folder("part"));
	unlink(in_folder("main"));
	assert_int_equal(server_conf_eval(&conf, t, NULL, NULL), OK);
	assert_int_equal(conf.max_auth_tries, 1);
	assert_int_equal(conf.alive_max, 7);
	assert_string_equal(conf.banner, "none");
	server_conf_fini(&conf);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "/alice");
	assert_int_equal(conf.alive_max, 7);
	server_conf_fini(&conf);
	server_text_free(t);
}

static void test_nested_match(void **state)
{
	struct server_text *t;
	struct server_conf conf;
	struct server_who who = alice();
	char text[512];

	(void)state;
	write_file("part", "MaxAuthTries 1\nMatch all\nBanner /all\n", 0600);
	snprintf(text, sizeof(text), "Match User bob\nInclude %s\nClientAliveCountMax 9\n", in_folder("part"));
	write_file("main", text, 0600);
	assert_int_equal(read_main(&t, NULL), OK);
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "none");
	assert_int_equal(conf.max_auth_tries, 6);
	server_conf_fini(&conf);
	who.user = "bob";
	assert_int_equal(server_conf_eval(&conf, t, &who, NULL), OK);
	assert_string_equal(conf.banner, "/all");
	assert_int_equal(conf.max_auth_tries, 1);
	assert_int_equal(conf.alive_max, 9);
	server_conf_fini(&conf);
	server_text_free(t);
	unlink(in_folder("part"));
	unlink(in_folder("main"));
}

static void test_no_file(void **state)
{
	struct server_facts f = facts();
	struct server_text *t;

	(void)state;
	assert_int_equal(server_text_read(&t, "none", NULL, &f, NULL), OK);
	server_text_free(t);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(in_folder("main"));
	unlink(in_folder("part"));
	return rmdir(folder);
}

/* ---- Memory --------------------------------------------------------------------------------------------------- */

static void drop(void *user, const char *line)
{
	(void)user, (void)line;
}

static int whole_life(void *ctx)
{
	static const char text[] = "Port 1\nListenAddress ::1\nAllowUsers a b\nPermitListen 80\nUsePAM yes\n"
				   "PerSourcePenaltyExemptList 10.0.0.0/8,::1\nMatch User alice Address 10.0.0.0/8\n"
				   "PermitOpen a:1\nBanner /b";
	struct strs said = { (char *[]){ (char *)"Workers=2" }, 1 };
	const struct server_who *who = ctx;
	struct server_facts f = facts();
	struct server_text *t;
	struct server_conf conf;
	struct why why;
	char *path;
	int err = server_text_parse(&t, "FILE", span_str(text), &said, &f, &why);

	if (err)
		return err;
	err = server_conf_eval(&conf, t, who, &why);
	if (!err) {
		err = server_conf_dump(&conf, drop, NULL);
		err = err ? err : server_text_notes(t, drop, NULL);
		err = err ? err : server_conf_path(&path, "%h/%u", "a", "/home/a", 1, &why);
		if (!err)
			free(path);
		server_conf_fini(&conf);
	}
	server_text_free(t);
	return err;
}

static void test_alloc(void **state)
{
	struct server_who who = alice();

	(void)state;
	assert_true(alloc_torture(whole_life, &who) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),	     cmocka_unit_test(test_bad_command_line),
		cmocka_unit_test(test_bad_files),    cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_recorded),     cmocka_unit_test(test_dump),
		cmocka_unit_test(test_outside),	     cmocka_unit_test(test_unknown_matches_nothing),
		cmocka_unit_test(test_names),	     cmocka_unit_test(test_again),
		cmocka_unit_test(test_command_line), cmocka_unit_test(test_off_is_off),
		cmocka_unit_test(test_admits),	     cmocka_unit_test(test_paths),
		cmocka_unit_test(test_idle),	     cmocka_unit_test(test_notes),
		cmocka_unit_test(test_include),	     cmocka_unit_test(test_nested_match),
		cmocka_unit_test(test_no_file),	     cmocka_unit_test(test_alloc),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
