/* The keywords of the server: rows made from server.def. */
#include "conf/server_table.h"

#include "conf/row.h"

#define CHOICES(field) static const struct choice choices_##field[]

CHOICES(permit_root) = {
	{ "without-password", ROOT_NO_PASSWORD },
	{ "prohibit-password", ROOT_NO_PASSWORD },
	{ "forced-commands-only", ROOT_FORCED_COMMANDS },
	{ "yes", ROOT_YES },
	{ "no", ROOT_NO },
	{ NULL, 0 },
};
CHOICES(allow_tcp) = {
	{ "yes", POLICY_LOCAL | POLICY_REMOTE },
	{ "all", POLICY_LOCAL | POLICY_REMOTE },
	{ "true", POLICY_LOCAL | POLICY_REMOTE },
	{ "no", 0 },
	{ "false", 0 },
	{ "local", POLICY_LOCAL },
	{ "remote", POLICY_REMOTE },
	{ NULL, 0 },
};
CHOICES(allow_streamlocal) = {
	{ "yes", POLICY_LOCAL | POLICY_REMOTE },
	{ "all", POLICY_LOCAL | POLICY_REMOTE },
	{ "true", POLICY_LOCAL | POLICY_REMOTE },
	{ "no", 0 },
	{ "false", 0 },
	{ "local", POLICY_LOCAL },
	{ "remote", POLICY_REMOTE },
	{ NULL, 0 },
};
CHOICES(gateway) = {
	{ "no", GATEWAY_NO },
	{ "false", GATEWAY_NO },
	{ "yes", GATEWAY_YES },
	{ "true", GATEWAY_YES },
	{ "clientspecified", GATEWAY_CLIENT },
	{ NULL, 0 },
};
CHOICES(log_format) = { { "text", LOG_FORMAT_TEXT }, { "json", LOG_FORMAT_JSON }, { NULL, 0 } };
CHOICES(facility) = {
	{ "AUTH", FACILITY_AUTH },
	{ "AUTHPRIV", FACILITY_AUTHPRIV },
	{ "DAEMON", FACILITY_DAEMON },
	{ "USER", FACILITY_USER },
	{ "LOCAL0", FACILITY_LOCAL0 },
	{ "LOCAL1", FACILITY_LOCAL1 },
	{ "LOCAL2", FACILITY_LOCAL2 },
	{ "LOCAL3", FACILITY_LOCAL3 },
	{ "LOCAL4", FACILITY_LOCAL4 },
	{ "LOCAL5", FACILITY_LOCAL5 },
	{ "LOCAL6", FACILITY_LOCAL6 },
	{ "LOCAL7", FACILITY_LOCAL7 },
	{ NULL, 0 },
};

#define SCOPE_GLOBAL false
#define SCOPE_MATCH  true

static const struct option rows[] = {
#define OPT(name, type, field, standing, scope, def, help) \
	[SERVER_##name] = { #name, ROW_##type(struct server_conf, field), standing, SCOPE_##scope, def, help },
#include "conf/server.def"
};

static const struct alias aliases[] = {
#define ALIAS(old, name) { #old, SERVER_##name },
#include "conf/server.def"
};

const struct table server_table = { rows, SERVER_OPT_COUNT, aliases, LEN(aliases), offsetof(struct server_conf, at) };

struct store server_store(struct server_conf *conf, const struct server_facts *facts)
{
	return (struct store){ &server_table, conf, facts->algs };
}

const char *server_opt_name(enum server_opt opt)
{
	return rows[opt].name;
}
