/* From Port, ListenAddress and AddressFamily to the sockets that are wanted; and -T, which shows those. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/server_table.h"
#include "conf/server_text.h"
#include "conf/target.h"

enum { LISTEN_TEXT = 4096 };

/* Takes over the host. */
static int add(struct server_conf *conf, char *host, uint16_t port)
{
	struct server_listen *v = host ? realloc(conf->listens, (conf->n_listens + 1) * sizeof(*v)) : NULL;

	if (!v) {
		free(host);
		return ERR_NOMEM;
	}
	conf->listens = v;
	v[conf->n_listens++] = (struct server_listen){ host, port };
	return OK;
}

/* The address with its own port, else with every Port. They were checked when they were read. */
static int add_ports(struct server_conf *conf, const char *host, uint16_t own_port)
{
	int err = own_port ? add(conf, strdup(host), own_port) : OK;

	for (size_t i = 0; !err && !own_port && i < conf->ports.n; i++) {
		uint64_t port;
		int fault = str_u64(conf->ports.v[i], 1, 65535, &port);

		assert(!fault);
		err = add(conf, strdup(host), (uint16_t)port);
	}
	return err;
}

static int add_word(struct server_conf *conf, const char *word)
{
	struct listen_at at;
	int err = target_read_listen_address(&at, word);

	assert(err != ERR_SYNTAX);
	if (err)
		return err;
	err = add_ports(conf, at.host, at.port);
	free(at.host);
	return err;
}

static int add_wildcards(struct server_conf *conf)
{
	int err = conf->family != FAMILY_INET ? add_ports(conf, "::", 0) : OK;

	return !err && conf->family != FAMILY_INET6 ? add_ports(conf, "0.0.0.0", 0) : err;
}

int server_listens_make(struct server_conf *conf, struct why *why)
{
	int err = conf->listen_addresses.n ? OK : add_wildcards(conf);

	for (size_t i = 0; !err && i < conf->listen_addresses.n; i++)
		err = add_word(conf, conf->listen_addresses.v[i]);
	return err ? why_set(why, err, "out of memory") : OK;
}

/* ---- -T ------------------------------------------------------------------------------------------------------- */

static int add_text(struct strs *out, const struct server_listen *l)
{
	struct buf b = BUF(LISTEN_TEXT);

	buf_printf(&b, strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, l->port);
	char *text = buf_err(&b) ? NULL : str_from_span(buf_span(&b));
	buf_fini(&b);
	return strs_take(out, text);
}

int server_conf_dump(const struct server_conf *conf, conf_emit *emit, void *user)
{
	struct server_conf shown = *conf;
	int err = OK;

	/* sshd shows addresses with their ports. */
	shown.listen_addresses = (struct strs){ 0 };
	for (size_t i = 0; !err && i < conf->n_listens; i++)
		err = add_text(&shown.listen_addresses, &conf->listens[i]);
	if (!err)
		err = option_dump(&server_table, &shown, emit, user);
	strs_fini(&shown.listen_addresses);
	return err;
}
