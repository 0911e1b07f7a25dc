/* The tables of signature algorithms and key types, and what can be said of a blob by its type name alone. */
#include "crypto/pkey_impl.h"

#include <stdio.h>

#include "crypto/b64.h"

#define V01 "-cert-v01@openssh.com"

#define PLAIN(name, key, flags)                            \
	{                                                  \
		name, key, name, name, false, flags, false \
	}
#define CERT(key)                                          \
	{                                                  \
		key V01, key V01, key, key, true, 0, false \
	}
#define RSA_CERT(name, flags)                                           \
	{                                                               \
		name V01, "ssh-rsa" V01, name, name, true, flags, false \
	}
#define SK(key)                                                                                                \
	{                                                                                                      \
		key "@openssh.com", key "@openssh.com", key "@openssh.com", key "@openssh.com", false, 0, true \
	}
#define SK_CERT(key)                                                                    \
	{                                                                               \
		key V01, key V01, key "@openssh.com", key "@openssh.com", true, 0, true \
	}

/* RFC 8709, RFC 5656 section 6.2, RFC 8332 section 3; certificates from OpenSSH's PROTOCOL.certkeys. Certificates come
 * first: a plain key would make the server's certificate, and so the trust in its CA, useless. */
static const struct sig_alg algs[] = {
	CERT("ssh-ed25519"),
	CERT("ecdsa-sha2-nistp256"),
	CERT("ecdsa-sha2-nistp384"),
	CERT("ecdsa-sha2-nistp521"),
	SK_CERT("sk-ssh-ed25519"),
	SK_CERT("sk-ecdsa-sha2-nistp256"),
	RSA_CERT("rsa-sha2-512", 4),
	RSA_CERT("rsa-sha2-256", 2),
	PLAIN("ssh-ed25519", "ssh-ed25519", 0),
	PLAIN("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 0),
	PLAIN("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", 0),
	PLAIN("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", 0),
	SK("sk-ssh-ed25519"),
	SK("sk-ecdsa-sha2-nistp256"),
	PLAIN("rsa-sha2-512", "ssh-rsa", 4),
	PLAIN("rsa-sha2-256", "ssh-rsa", 2),
	{ 0 },
};

#define ECDSA(curve, group, coord, hash)                                                                         \
	{                                                                                                        \
		"ecdsa-sha2-" curve, "ecdsa-sha2-" curve V01, "ECDSA", "ECDSA-CERT", KEY_ECDSA, 2, curve, group, \
			coord, hash                                                                              \
	}

static const struct key_kind kinds[] = {
	{ "ssh-ed25519", "ssh-ed25519" V01, "ED25519", "ED25519-CERT", KEY_ED25519, 1, NULL, NULL, 0, 0 },
	ECDSA("nistp256", "P-256", 32, HASH_SHA256),
	ECDSA("nistp384", "P-384", 48, HASH_SHA384),
	ECDSA("nistp521", "P-521", 66, HASH_SHA512),
	{ "ssh-rsa", "ssh-rsa" V01, "RSA", "RSA-CERT", KEY_RSA, 2, NULL, NULL, 0, 0 },
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519" V01, "ED25519-SK", "ED25519-SK-CERT", KEY_SK, 2, NULL, NULL, 0,
	  0 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256" V01, "ECDSA-SK", "ECDSA-SK-CERT", KEY_SK, 3,
	  "nistp256", "P-256", 32, HASH_SHA256 },
};

const struct sig_alg *sig_table(void)
{
	return algs;
}

const struct sig_alg *sig_find(struct span name)
{
	for (const struct sig_alg *a = algs; a->name; a++)
		if (span_is(name, a->name))
			return a;
	return NULL;
}

const struct key_kind *kind_find_plain(struct span type)
{
	for (size_t i = 0; i < LEN(kinds); i++)
		if (span_is(type, kinds[i].type))
			return &kinds[i];
	return NULL;
}

const struct key_kind *kind_find(struct span type)
{
	for (size_t i = 0; i < LEN(kinds); i++)
		if (span_is(type, kinds[i].type) || span_is(type, kinds[i].cert_type))
			return &kinds[i];
	return NULL;
}

struct span pkey_type(struct span blob)
{
	struct rd in = rd(blob);

	return rd_string(&in);
}

bool cert_is(struct span blob)
{
	struct span type = pkey_type(blob);
	const struct key_kind *k = kind_find(type);

	return k && span_is(type, k->cert_type);
}

const char *pkey_label(struct span blob)
{
	const struct key_kind *k = kind_find(pkey_type(blob));

	if (!k)
		return "unknown";
	return cert_is(blob) ? k->cert_label : k->label;
}

int pkey_fingerprint(const struct crypto *c, struct span blob, char out[64])
{
	struct buf text = BUF(63);
	uint8_t digest[HASH_MAX];
	int err = hash_spans(c, HASH_SHA256, &blob, 1, digest);

	if (!err) {
		buf_bytes(&text, span_str("SHA256:"));
		b64_encode(&text, span(digest, hash_size(HASH_SHA256)));
		err = buf_err(&text);
	}
	if (!err) {
		while (text.p[text.n - 1] == '=')
			text.n--;
		snprintf(out, 64, "%.*s", (int)text.n, (const char *)text.p);
	}
	buf_fini(&text);
	return err;
}
