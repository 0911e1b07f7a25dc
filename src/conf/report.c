/* What the user should know about the effective configuration: -G, what is ignored, what is not to be had. */
#include <stdio.h>

#include "base/str.h"
#include "conf/option.h"

enum { SHOW = 200 };

bool conf_said(const struct client_conf *conf, enum conf_opt opt)
{
	return conf->at[opt].file && conf->at[opt].file != origin_default.file;
}

/* no, none and false ask for nothing. */
static bool asks(const struct client_conf *conf, enum conf_opt opt)
{
	const struct option *o = option_row(opt);
	union value v;

	if (!conf_said(conf, opt))
		return false;
	option_get(&v, conf, opt);
	if (o->type == T_LINE)
		return !str_eq_nocase(v.text, "none");
	return o->type == T_EACH ? v.strs.n > 0 : v.number != 0;
}

static int describe(char *out, size_t cap, const struct client_conf *conf, enum conf_opt opt, const char *verb)
{
	const struct origin *at = &conf->at[opt];
	char show[SHOW];

	return snprintf(out, cap, "%s line %u: %s %s: %s", str_escape(show, sizeof(show), span_str(at->file)), at->line,
			conf_opt_name(opt), verb, option_row(opt)->help);
}

int conf_supported(const struct client_conf *conf, struct why *why)
{
	char text[WHY_MAX];

	for (enum conf_opt opt = 0; opt < OPT_COUNT; opt++)
		if (option_row(opt)->standing == REFUSED && asks(conf, opt)) {
			describe(text, sizeof(text), conf, opt, "is not supported");
			return why_set(why, ERR_DENIED, "%s", text);
		}
	return OK;
}

void conf_notes(const struct client_conf *conf, conf_emit *emit, void *user)
{
	char text[WHY_MAX];

	for (enum conf_opt opt = 0; opt < OPT_COUNT; opt++)
		if (option_row(opt)->standing == IGNORED && conf_said(conf, opt)) {
			describe(text, sizeof(text), conf, opt, "is ignored");
			emit(user, text);
		}
}

int conf_dump(const struct client_conf *conf, conf_emit *emit, void *user)
{
	static const struct option host = { .name = "Host", .type = T_WORD };
	union value v = { .text = conf->host_arg };
	int err = value_print(&v, &host, emit, user);

	for (enum conf_opt opt = 0; !err && opt < OPT_COUNT; opt++) {
		if (option_row(opt)->standing == IGNORED)
			continue;
		option_get(&v, conf, opt);
		err = value_print(&v, option_row(opt), emit, user);
	}
	return err;
}
