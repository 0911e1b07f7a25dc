/* The rules that a user certificate carries itself. */
#include "conf/userca.h"

#include <stdlib.h>

#include "base/rd.h"
#include "base/str.h"
#include "conf/addrlist.h"
#include "conf/cert_ca.h"

/* ---- Critical options ----------------------------------------------------------------------------------------- */

static int allow_command(struct span data, const struct key_login *who, struct why *why)
{
	(void)data;
	(void)who;
	(void)why;
	return OK;
}

/* A string inside the option's data. */
static int check_source(struct span data, const struct key_login *who, struct why *why)
{
	struct rd in = rd(data);
	struct span list = rd_string(&in);
	char *text = rd_done(&in) ? str_from_span(list) : NULL, ip[IP_TEXT];
	bool match = false;
	int err = text ? addrlist_match_cidr(text, &who->source, &match) : ERR_SYNTAX;

	free(text);
	if (err)
		return why_set(why, ERR_DENIED, "its source-address is no list of addresses");
	return match ? OK : why_set(why, ERR_DENIED, "it is not for %s (source-address)", ip_text(&who->source, ip));
}

static const struct {
	const char *name;
	int (*check)(struct span data, const struct key_login *who, struct why *why);
} critical[] = {
	{ "force-command", allow_command },
	{ "source-address", check_source },
};

static int check_option(struct span name, struct span data, const struct key_login *who, struct why *why)
{
	char show[64];

	for (size_t i = 0; i < LEN(critical); i++)
		if (span_is(name, critical[i].name))
			return critical[i].check(data, who, why);
	return why_set(why, ERR_DENIED, "it has the critical option '%s', which is not known here",
		       str_escape(show, sizeof(show), name));
}

static int check_critical(const struct cert *cert, const struct key_login *who, struct why *why)
{
	struct rd in = rd(cert->critical);
	int err = OK;

	while (!err && in.n) {
		struct span name = rd_string(&in), data = rd_string(&in);

		err = rd_ok(&in) ? check_option(name, data, who, why) : why_set(why, ERR_DENIED, "it is malformed");
	}
	return err;
}

/* ---- The rest ------------------------------------------------------------------------------------------------- */

/* Unknown extensions mean nothing. */
static bool has_extension(const struct cert *cert, const char *wanted)
{
	struct rd in = rd(cert->extensions);
	bool found = false;

	while (in.n) {
		struct span name = rd_string(&in);

		rd_string(&in);
		found |= rd_ok(&in) && span_is(name, wanted);
	}
	return found;
}

static int check_form(const struct cert *cert, uint64_t now, struct why *why)
{
	const char *fault = NULL;

	if (cert->role != CERT_USER)
		fault = "it is not a user certificate";
	else if (now < cert->after)
		fault = "it is not valid yet";
	else if (now >= cert->before)
		fault = "it has expired";
	/* An empty list would mean every user at once. */
	else if (!cert->principals.n)
		fault = "it names no principal";
	return fault ? why_set(why, ERR_DENIED, "%s", fault) : OK;
}

int userca_judge(const struct cert *cert, const struct key_login *who, const struct userca_rules *rules,
		 bool *forwarding, struct why *why)
{
	int err = check_form(cert, who->now, why);

	if (!err)
		err = cert_ca_check(cert, rules->ca_sig_algs, rules->rsa_min_bits, why);
	if (!err)
		err = check_critical(cert, who, why);
	if (err)
		return why_prefix(why, err, "the certificate is refused");
	*forwarding = has_extension(cert, "permit-port-forwarding");
	return OK;
}
