/* OpenSSH certificates (PROTOCOL.certkeys): taking them apart and checking the CA's signature. Whether the CA, the
 * time, the role and the principals suit is the caller's judgement. */
#include "crypto/pkey_impl.h"

enum { CERT_PRINCIPALS_MAX = 256 };

/* string, string, ... to the end. */
static bool is_principals(struct span packed)
{
	struct rd in = rd(packed);
	size_t n = 0;

	for (; rd_ok(&in) && in.n; n++)
		rd_string(&in);
	return rd_done(&in) && n <= CERT_PRINCIPALS_MAX;
}

/* string name, string data, ... to the end. */
static bool is_options(struct span packed)
{
	struct rd in = rd(packed);

	while (rd_ok(&in) && in.n) {
		rd_string(&in);
		rd_string(&in);
	}
	return rd_done(&in);
}

static int check_form(const struct cert *cert, struct why *why)
{
	if (cert->role != CERT_USER && cert->role != CERT_HOST)
		return why_set(why, ERR_SYNTAX, "a certificate of the unknown type %u", cert->role);
	if (!is_principals(cert->principals))
		return why_set(why, ERR_SYNTAX, "a certificate with a malformed list of principals");
	if (!is_options(cert->critical) || !is_options(cert->extensions))
		return why_set(why, ERR_SYNTAX, "a certificate with malformed options");
	return OK;
}

/* The type of the signature chooses the algorithm: so the SHA-1 one, which is in no table, is refused. */
static int check_ca(const struct cert *cert, const struct crypto *c, struct why *why)
{
	const struct sig_alg *alg = sig_find(pkey_type(cert->ca_sig));
	int err;

	if (cert_is(cert->ca_blob))
		return why_set(why, ERR_CRYPTO, "a certificate whose CA key is itself a certificate");
	if (!alg || alg->cert)
		return why_set(why, ERR_CRYPTO, "a certificate signed with an algorithm that is not supported");
	err = pkey_verify(c, alg, cert->ca_blob, cert->ca_sig, cert->body, 0, why);
	return err ? why_prefix(why, err, "the CA's signature in the certificate") : OK;
}

int cert_read(struct cert *out, struct span blob, struct why *why)
{
	struct rd in = rd(blob);
	struct cert cert = { .type = pkey_type(blob) };
	struct pub pub;
	int err;

	if (blob.n > PKEY_BLOB_MAX || !cert_is(blob))
		return why_set(why, ERR_SYNTAX, "not a certificate");
	err = pub_read(&pub, &in, why);
	if (err)
		return err;
	cert.plain_blob_type = span_str(pub.kind->type);
	cert.serial = rd_u64(&in);
	cert.role = rd_u32(&in);
	cert.key_id = rd_string(&in);
	cert.principals = rd_string(&in);
	cert.after = rd_u64(&in);
	cert.before = rd_u64(&in);
	cert.critical = rd_string(&in);
	cert.extensions = rd_string(&in);
	rd_string(&in); /* reserved */
	cert.ca_blob = rd_string(&in);
	cert.body = span(blob.p, (size_t)(in.p - blob.p));
	cert.ca_sig = rd_string(&in);
	if (!rd_done(&in))
		return why_set(why, ERR_SYNTAX, "a certificate that is cut short or too long");
	err = check_form(&cert, why);
	if (!err)
		*out = cert;
	return err;
}

int cert_parse(struct cert *out, const struct crypto *c, struct span blob, struct why *why)
{
	struct cert cert;
	int err = cert_read(&cert, blob, why);

	if (!err)
		err = check_ca(&cert, c, why);
	if (!err)
		*out = cert;
	return err;
}

int cert_plain_blob(struct span cert_blob, struct buf *out)
{
	struct pub pub;
	int err = cert_is(cert_blob) ? pub_parse(&pub, cert_blob, NULL) : ERR_CRYPTO;

	if (err)
		return err;
	buf_cstring(out, pub.kind->type);
	buf_bytes(out, pub.fields);
	return buf_err(out);
}
