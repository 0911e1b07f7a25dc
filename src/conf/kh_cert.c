/* The rules for a host certificate whose CA is trusted. */
#include "conf/kh_cert.h"

#include "base/rd.h"
#include "base/str.h"
#include "conf/cert_ca.h"

static bool principal_is(struct span principal, const char *host)
{
	char pattern[KH_NAME_MAX];

	if (principal.n >= sizeof(pattern) || memchr(principal.p, 0, principal.n))
		return false;
	memcpy(pattern, principal.p, principal.n);
	pattern[principal.n] = 0;
	return str_match(pattern, host);
}

static bool names_host(const struct cert *cert, const char *host)
{
	struct rd r = rd(cert->principals);

	while (r.n) {
		struct span principal = rd_string(&r);

		if (rd_ok(&r) && principal.n && principal_is(principal, host))
			return true;
	}
	return false;
}

int kh_cert_check(const struct cert *cert, const char *host, const struct kh_rules *rules, struct why *why)
{
	const char *fault = NULL;

	if (cert->role != CERT_HOST)
		fault = "it is not a host certificate";
	else if (cert->critical.n)
		fault = "it has critical options, and none is known for hosts";
	else if (rules->now < cert->after)
		fault = "it is not valid yet (is the clock right?)";
	else if (rules->now >= cert->before)
		fault = "it has expired";
	/* An empty list would mean every host of the CA at once. */
	else if (!cert->principals.n)
		fault = "it names no host";
	else if (!names_host(cert, host))
		fault = "it is for other hosts";
	if (fault)
		return why_set(why, ERR_HOST_KEY, "the certificate of %s is refused: %s", host, fault);
	if (cert_ca_check(cert, rules->ca_sig_algs, rules->rsa_min_bits, why))
		return why_prefix(why, ERR_HOST_KEY, "the certificate of %s is refused", host);
	return OK;
}
