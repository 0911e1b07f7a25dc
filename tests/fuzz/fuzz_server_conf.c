/* A configuration of the server from memory, judged for nobody and for somebody, up to the dump. */
#include <stdlib.h>
#include <strings.h>

#include "base/str.h"
#include "conf/server_conf.h"
#include "fuzz.h"

static void take(void *user, const char *line)
{
	*(size_t *)user += strlen(line);
}

static const struct strs *groups(void *ctx)
{
	return ctx;
}

/* Include would read whatever files this machine has; its lines are left to the unit tests. */
static bool includes(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i + 7 <= n; i++)
		if (strncasecmp((const char *)data + i, "include", 7) == 0)
			return true;
	return false;
}

/* What is off stays off, and every path that was read can be made or is refused with a reason. */
static void judge(const struct server_text *t, const struct server_who *who)
{
	struct server_conf conf;
	struct why why;
	size_t total = 0;
	char *path;

	if (server_conf_eval(&conf, t, who, &why))
		return;
	if (conf.disable_forwarding && (server_conf_tcp(&conf) || server_conf_streamlocal(&conf)))
		abort();
	if (conf.n_listens == 0 || server_conf_dump(&conf, take, &total) || total == 0)
		abort();
	for (size_t i = 0; i < conf.authorized_keys_files.n; i++)
		if (!server_conf_path(&path, conf.authorized_keys_files.v[i], "alice", "/home/alice", 1000, &why))
			free(path);
	(void)server_conf_idle_seconds(&conf, "direct-tcpip");
	if (who) {
		int err = server_conf_admits(&conf, who, &why);

		if (err && err != ERR_DENIED)
			abort();
	}
	server_conf_fini(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct server_facts facts = {
		.version = "adit_0.1",
		.algs = { "curve25519-sha256,ecdh-sha2-nistp256", "aes128-gcm@openssh.com,aes128-ctr,aes256-ctr",
			  "hmac-sha2-256-etm@openssh.com,hmac-sha2-256", "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
			  "ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "ssh-ed25519" },
	};
	struct strs two = { (char *[]){ (char *)"staff", (char *)"tunnel" }, 2 };
	struct server_who who = { .user = "alice", .groups = groups, .ctx = &two, .local_port = 22 };
	struct server_text *t;
	struct why why;
	size_t total = 0;

	if (includes(data, n) || ip_parse(&who.address, "10.1.2.3") || ip_parse(&who.local_address, "::1"))
		return 0;
	if (server_text_parse(&t, "FILE", span(data, n), NULL, &facts, &why))
		return 0;
	judge(t, NULL);
	judge(t, &who);
	if (server_text_notes(t, take, &total))
		abort();
	server_text_free(t);
	return 0;
}
