/* Facts for tests of the configuration: a made-up user on a made-up machine. */
#ifndef ADIT_TESTS_CONF_FACTS_H
#define ADIT_TESTS_CONF_FACTS_H

#include <string.h>
#include <unistd.h>

#include "conf/client_conf.h"

static const char *facts_env(void *user, const char *name)
{
	(void)user;
	if (strcmp(name, "SSH_AUTH_SOCK") == 0)
		return "/run/agent";
	return strcmp(name, "PLACE") == 0 ? "/place" : NULL;
}

/* "true" and "false" as a shell would have them; anything else cannot be run. */
static int facts_exec(void *user, const char *command, struct why *why)
{
	(void)user;
	if (strcmp(command, "true") == 0 || strcmp(command, "false") == 0)
		return command[0] == 't';
	return why_set(why, ERR_IO, "cannot run '%s'", command);
}

static struct conf_facts facts_for(const char *home)
{
	return (struct conf_facts){
		.home = home,
		.local_user = "me",
		.uid = getuid(),
		.hostname = "box.example.org",
		.version = "adit_0.1",
		.system_file = "/nonexistent/ssh_config",
		.env = facts_env,
		.exec = facts_exec,
		.kex = "curve25519-sha256,ecdh-sha2-nistp256",
		.cipher = "aes128-gcm@openssh.com,aes128-ctr,aes256-ctr",
		.mac = "hmac-sha2-256-etm@openssh.com,hmac-sha2-256",
		.host_key = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		.pubkey = "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		.ca_sig = "ssh-ed25519",
	};
}

#endif
