/* The keywords of the client: rows made from client.def. */
#include "conf/client_table.h"

#include "conf/row.h"

#define CHOICES(field) static const struct choice choices_##field[]

CHOICES(strict_host_key) = {
	{ "true", CHECK_YES },
	{ "false", CHECK_NO },
	{ "yes", CHECK_YES },
	{ "no", CHECK_NO },
	{ "ask", CHECK_ASK },
	{ "off", CHECK_NO },
	{ "accept-new", CHECK_ACCEPT_NEW },
	{ NULL, 0 },
};
CHOICES(update_host_keys) = {
	{ "true", ANSWER_YES }, { "false", ANSWER_NO }, { "yes", ANSWER_YES },
	{ "no", ANSWER_NO },	{ "ask", ANSWER_ASK },	{ NULL, 0 },
};
/* The two extra words say how a signature is bound to the connection, which here is always the plain way: both mean on.
 */
CHOICES(pubkey_auth) = { { "true", 1 },	   { "false", 0 },	{ "yes", 1 }, { "no", 0 },
			 { "unbound", 2 }, { "host-bound", 3 }, { NULL, 0 } };
CHOICES(session_type) = {
	{ "none", SESSION_NONE }, { "subsystem", SESSION_SUBSYSTEM }, { "default", SESSION_DEFAULT }, { NULL, 0 }
};
CHOICES(canonicalize) = { { "true", 1 }, { "false", 0 }, { "yes", 1 }, { "no", 0 }, { "always", 2 }, { NULL, 0 } };
CHOICES(tunnel) = { { "ethernet", 2 }, { "point-to-point", 1 },
		    { "true", 1 },     { "false", 0 },
		    { "yes", 1 },      { "no", 0 },
		    { NULL, 0 } };

static const struct option rows[] = {
#define OPT(name, type, field, standing, def, help) \
	[OPT_##name] = { #name, ROW_##type(struct client_conf, field), standing, true, def, help },
#include "conf/client.def"
};

static const struct alias aliases[] = {
#define ALIAS(old, name) { #old, OPT_##name },
#include "conf/client.def"
};

const struct table client_table = { rows, OPT_COUNT, aliases, LEN(aliases), offsetof(struct client_conf, at) };

struct store client_store(struct client_conf *conf)
{
	const struct conf_facts *f = conf->facts;

	return (struct store){ &client_table, conf, { f->kex, f->cipher, f->mac, f->host_key, f->pubkey, f->ca_sig } };
}

const char *conf_opt_name(enum conf_opt opt)
{
	return rows[opt].name;
}

/* ---- What the user should know -------------------------------------------------------------------------------- */

bool conf_said(const struct client_conf *conf, enum conf_opt opt)
{
	return option_said(&client_table, conf, opt);
}

int conf_supported(const struct client_conf *conf, struct why *why)
{
	return option_supported(&client_table, conf, why);
}

void conf_notes(const struct client_conf *conf, conf_emit *emit, void *user)
{
	option_notes(&client_table, conf, emit, user);
}

int conf_dump(const struct client_conf *conf, conf_emit *emit, void *user)
{
	static const struct option host = { .name = "Host", .type = T_WORD };
	const union value v = { .text = conf->host_arg };
	int err = value_print(&v, &host, emit, user);

	return err ? err : option_dump(&client_table, conf, emit, user);
}
