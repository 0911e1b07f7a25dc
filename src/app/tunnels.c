/* The forwards of the configuration: started, reported to the person, and the point where all of them stand. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/client.h"
#include "conf/number.h"

static void check_ready(struct client *c)
{
	if (!c->started || c->ready || c->stopping || forwards_count(c->forwards).waiting)
		return;
	c->ready = true;
	if (c->on_ready)
		c->on_ready(c->ready_user);
}

/* A person at a terminal sees what stands; a log file or a service only with -v. */
static enum log_at up_level(const struct client *c)
{
	return !c->cmd->log_file && isatty(STDERR_FILENO) ? LOG_AT_INFO : LOG_AT_VERBOSE;
}

static void report(void *user, enum forward_report kind, const struct fwdspec *spec, const char *text)
{
	struct client *c = user;

	(void)spec;
	switch (kind) {
	case FORWARD_UP:
		log_line(c->log, up_level(c), "%s through %s@%s", text, c->conf->user_name, c->conf->host_arg);
		break;
	case FORWARD_ALLOCATED:
	case FORWARD_NOTE:
		log_line(c->log, LOG_AT_INFO, "%s", text);
		break;
	case FORWARD_TRACE:
		log_line(c->log, LOG_AT_DEBUG1, "%s", text);
		break;
	case FORWARD_FAILED:
		if (c->conf->exit_on_forward_failure)
			client_fail(c, "%s", text);
		else
			log_line(c->log, LOG_AT_ERROR, "%s", text);
		break;
	}
	if (kind == FORWARD_UP || kind == FORWARD_FAILED)
		check_ready(c);
}

/* An IPv6 address has many spellings. */
static bool same_host(const char *a, const char *b)
{
	struct in6_addr x, y;

	if (inet_pton(AF_INET6, a, &x) == 1 && inet_pton(AF_INET6, b, &y) == 1)
		return memcmp(&x, &y, sizeof(x)) == 0;
	return strcmp(a, b) == 0;
}

/* One word of PermitRemoteOpen: "any", "none", or host:port, where each half may be "*". */
static bool permits(const char *word, const char *host, uint16_t port)
{
	char name[ADDR_TEXT * 5];
	const char *colon = strrchr(word, ':');
	bool bracket = word[0] == '[' && colon && colon > word && colon[-1] == ']';
	uint16_t number;

	if (strcmp(word, "any") == 0)
		return true;
	if (!colon)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - word - 2 * bracket), word + bracket);
	if (strcmp(name, "*") != 0 && !same_host(name, host))
		return false;
	return strcmp(colon + 1, "*") == 0 || (number_port(colon + 1, 1, &number) == OK && number == port);
}

static bool permit(void *user, const char *host, uint16_t port)
{
	const struct strs *words = &((const struct client *)user)->conf->permit_remote_open;

	for (size_t i = 0; i < words->n; i++)
		if (permits(words->v[i], host, port))
			return true;
	return false;
}

static int family(const struct client *c)
{
	return c->conf->family == FAMILY_INET ? AF_INET : c->conf->family == FAMILY_INET6 ? AF_INET6 : AF_UNSPEC;
}

void tunnels_start(struct client *c)
{
	const struct client_conf *conf = c->conf;
	const struct fwds *lists[] = { &conf->local_forwards, &conf->remote_forwards };
	struct forwards_opts opts = {
		.gateway = conf->gateway_ports,
		.family = family(c),
		.mask = (unsigned)conf->bind_mask,
		.unlink = conf->bind_unlink,
		.report = report,
		.permit = permit,
		.user = c,
	};
	int err = forwards_new(&c->forwards, c->link, &opts);

	for (size_t i = 0; i < LEN(lists) && !conf->clear_forwards; i++)
		for (size_t j = 0; j < lists[i]->n && !err && !c->stopping; j++)
			err = forwards_add(c->forwards, &lists[i]->v[j]);
	c->started = true;
	if (err)
		client_fail(c, "no memory for the forwards");
	else
		check_ready(c);
}
