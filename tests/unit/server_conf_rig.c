/* Facts are made up; the dump is collected as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server_conf_rig.h"

struct server_facts facts(void)
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

struct server_who alice(void)
{
	struct server_who who = { .user = "alice", .groups = groups_of, .ctx = &two_groups, .local_port = 2222 };

	assert_int_equal(ip_parse(&who.address, "10.1.2.3"), OK);
	assert_int_equal(ip_parse(&who.local_address, "192.0.2.1"), OK);
	return who;
}

static void collect(void *user, const char *line)
{
	buf_printf(user, "%s\n", line);
}

char *dump(const struct server_conf *conf)
{
	struct buf b = BUF(1 << 20);

	assert_int_equal(server_conf_dump(conf, collect, &b), OK);
	char *text = str_from_span(buf_span(&b));
	buf_fini(&b);
	assert_non_null(text);
	return text;
}

/* Whom no Match singles out has what everybody has. */
static void check_common(const struct server_text *t, const struct server_conf *conf)
{
	struct server_conf common;

	assert_int_equal(server_conf_eval(&common, t, NULL, NULL), OK);
	char *theirs = dump(conf), *ours = dump(&common);
	assert_string_equal(theirs, ours);
	free(theirs);
	free(ours);
	server_conf_fini(&common);
}

struct server_conf eval(const char *text, const struct server_who *who)
{
	struct server_facts f = facts();
	struct server_text *t;
	struct server_conf conf;
	struct why why = { "" };

	if (server_text_parse(&t, "FILE", span_str(text), NULL, &f, &why))
		fail_msg("%s: %s", text, why.text);
	assert_int_equal(server_conf_eval(&conf, t, who, &why), OK);
	if (who && !server_text_singles_out(t, who))
		check_common(t, &conf);
	/* The names in conf.at are gone with the text; nothing here looks at them. */
	server_text_free(t);
	return conf;
}

bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *s = text; (s = strstr(s, line)); s += n)
		if ((s == text || s[-1] == '\n') && s[n] == '\n')
			return true;
	return false;
}

void check_dumps(const struct dump_row *rows, size_t n)
{
	struct server_who who = alice();

	for (size_t i = 0; i < n; i++) {
		struct server_conf conf = eval(rows[i].in, &who);
		char *text = dump(&conf);

		if (!has_line(text, rows[i].want))
			fail_msg("%s: no \"%s\" in\n%s", rows[i].in, rows[i].want, text);
		free(text);
		server_conf_fini(&conf);
	}
}
