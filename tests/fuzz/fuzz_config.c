/* A configuration file from memory, up to the dump. */
#include <stdlib.h>
#include <strings.h>

#include "base/str.h"
#include "conf/client_conf.h"
#include "fuzz.h"

static const char *env(void *user, const char *name)
{
	(void)user;
	return name[0] == 'A' ? "value" : NULL;
}

static int run(void *user, const char *command, struct why *why)
{
	(void)user, (void)why;
	return command[0] == 't';
}

static void take(void *user, const char *line)
{
	*(size_t *)user += strlen(line);
}

/* Include would read whatever files this machine has; its lines are left to the unit tests. */
static bool includes(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i + 7 <= n; i++)
		if (strncasecmp((const char *)data + i, "include", 7) == 0)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct conf_facts facts = {
		.home = "/home/me",
		.local_user = "me",
		.hostname = "box.example.org",
		.version = "adit_0.1",
		.env = env,
		.exec = run,
		.kex = "curve25519-sha256,ecdh-sha2-nistp256",
		.cipher = "aes128-gcm@openssh.com,aes128-ctr,aes256-ctr",
		.mac = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
		.host_key = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		.pubkey = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		.ca_sig = "ssh-ed25519",
	};
	struct client_conf conf;
	struct crypto *crypto = NULL;
	struct conf_facts with = facts;
	struct why why;
	size_t total = 0;

	if (includes(data, n) || crypto_new(&crypto, &why))
		return 0;
	with.crypto = crypto;
	conf_init(&conf, &with);
	int err = conf_parse_text(&conf, "host", "FILE", span(data, n), &why);
	if (!err)
		err = conf_finish(&conf, &why);
	if (!err)
		err = conf_dump(&conf, take, &total);
	if (!err && conf_supported(&conf, &why) == OK)
		conf_notes(&conf, take, &total);
	conf_fini(&conf);
	crypto_free(crypto);
	return 0;
}
