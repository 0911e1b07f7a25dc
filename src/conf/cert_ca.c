/* CASignatureAlgorithms and RequiredRSASize. */
#include "conf/cert_ca.h"

#include "base/names.h"
#include "base/str.h"

static bool type_allowed(struct span type, const char *list)
{
	struct span all = span_str(list ? list : ""), name;

	while (names_next(&all, &name))
		if (span_eq(name, type))
			return true;
	return !list;
}

int cert_ca_check(const struct cert *cert, const char *algs, unsigned min_bits, struct why *why)
{
	struct span type = pkey_type(cert->ca_sig);
	size_t bits = pkey_rsa_bits(cert->ca_blob);
	char text[64];

	if (!type_allowed(type, algs))
		return why_set(why, ERR_DENIED, "its CA signed with %s, which is not in CASignatureAlgorithms",
			       str_escape(text, sizeof(text), type));
	if (bits && bits < min_bits)
		return why_set(why, ERR_DENIED, "its CA has an RSA key of %zu bits, and RequiredRSASize is %u", bits,
			       min_bits);
	return OK;
}
