/* Public and private keys, signatures and certificates in SSH's encodings (RFC 4253 section 6.6, RFC 5656, RFC 8332,
 * RFC 8709, OpenSSH's PROTOCOL.certkeys). Files are conf/keyfile.c's. */
#ifndef ADIT_CRYPTO_PKEY_H
#define ADIT_CRYPTO_PKEY_H

#include "base/buf.h"
#include "crypto/hash.h"

enum { PKEY_BLOB_MAX = 64 * 1024, PKEY_SIG_MAX = 4096, PKEY_PEM_MAX = 1024 * 1024 };

/* One row per signature algorithm name, certificates included. */
struct sig_alg {
	const char *name;     /* as negotiated: "rsa-sha2-512-cert-v01@openssh.com" */
	const char *key_type; /* first string of the key blob: "ssh-rsa-cert-v01@openssh.com" */
	const char *sig_type; /* first string of the signature blob: "rsa-sha2-512" */
	const char *plain;    /* the algorithm without certificate: "rsa-sha2-512" */
	bool cert;
	uint8_t agent_flags; /* agent protocol: 2 = rsa-sha2-256, 4 = rsa-sha2-512 */
	bool agent_only;     /* sk-*: no key file of ours signs with it and pkey_verify() refuses it */
};

/* In default order for host keys and user keys: certificates first; ed25519, ecdsa, sk-*, rsa-sha2-512, rsa-sha2-256.
 * A host key proposal leaves the agent_only rows out. Ends with name NULL. */
const struct sig_alg *sig_table(void);
const struct sig_alg *sig_find(struct span name);

/* The type name inside a blob, empty when there is none. */
struct span pkey_type(struct span blob);

/* A short name for people: "ED25519", "ECDSA", "RSA", "ED25519-CERT", ...; "unknown" otherwise. */
const char *pkey_label(struct span blob);

/* "SHA256:" and base64 without '=' as ssh-keygen -l prints it; a C string in out. OK or ERR_CRYPTO. */
int pkey_fingerprint(const struct crypto *c, struct span blob, char out[64]) MUST_CHECK;

/* Is the blob a whole key of a type that the table knows, with sane numbers? No arithmetic. OK, ERR_NOT_FOUND for a
 * foreign type, ERR_CRYPTO. Of a certificate only the key inside is looked at: cert_parse() does the rest. */
int pkey_check(struct span blob, struct why *why) MUST_CHECK;

/* The size of the modulus of an RSA key or certificate; 0 for every other blob, also for one that is no key. */
size_t pkey_rsa_bits(struct span blob);

/* Verifies `sig` (the whole signature blob: string type, string raw) over data by the key in `blob` (plain, or the key
 * inside a certificate). The algorithm name decides what key type and signature type are legal. Short RSA signatures
 * are left-padded first; RSA keys of 1024 to 16384 bits (`rsa_min_bits` says the least). OK or ERR_CRYPTO; `why` says
 * which check failed. */
int pkey_verify(const struct crypto *c, const struct sig_alg *alg, struct span blob, struct span sig, struct span data,
		unsigned rsa_min_bits, struct why *why) MUST_CHECK;

struct pkey; /* a private key with its public blob */

/* The private fields as openssh-key-v1 stores them (type string and fields, without check numbers, comment and
 * padding); the cursor is left behind them. A certificate type is allowed: then the certificate is the public blob.
 * Checks that public and private halves belong together. OK, ERR_SYNTAX, ERR_CRYPTO (the halves do not fit, or the
 * key is too weak or too big), ERR_NOT_FOUND (a key type that we have no use for), ERR_NOMEM. */
struct rd;
int pkey_from_fields(struct pkey **out, const struct crypto *c, struct rd *fields) MUST_CHECK;
/* PEM text of a PKCS#8, PKCS#1 or SEC1 key ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE
 * KEY") with a passphrase (NULL = none). ERR_PASSPHRASE when it is encrypted and the passphrase is missing or wrong;
 * otherwise as above. */
int pkey_from_pem(struct pkey **out, const struct crypto *c, struct span pem, const char *passphrase) MUST_CHECK;
/* A new key: "ssh-ed25519", "ecdsa-sha2-nistp256", ..., "ssh-rsa" (3072 bits). For tests and first starts. */
int pkey_generate(struct pkey **out, const struct crypto *c, const char *key_type) MUST_CHECK;
/* Appends the private fields as pkey_from_fields() reads them. ERR_CRYPTO or ERR_NOMEM also by buf_err(). */
int pkey_put_fields(const struct pkey *k, struct buf *out) MUST_CHECK;
void pkey_free(struct pkey *k);

/* The public blob; owned by the key. */
struct span pkey_blob(const struct pkey *k);
/* Appends string(sig_type) string(raw) for data. The algorithm must fit the key (certificate algorithms too: they sign
 * with the plain key). The signature of RSA and ECDSA is verified before it leaves: a faulty one would give the key
 * away. OK, ERR_CRYPTO or ERR_NOMEM; `sig` is then as before. */
int pkey_sign(const struct pkey *k, const struct crypto *c, const struct sig_alg *alg, struct span data,
	      struct buf *sig) MUST_CHECK;

/* What a certificate says; all spans point into the blob. */
struct cert {
	struct span type;	     /* ssh-...-cert-v01@openssh.com */
	struct span plain_blob_type; /* type of the key inside: static text, not part of the blob */
	uint64_t serial;
	uint32_t role; /* 1 user, 2 host */
	struct span key_id;
	struct span principals;		  /* packed strings */
	uint64_t after, before;		  /* seconds since 1970; valid when after <= now < before */
	struct span critical, extensions; /* packed (name, data) pairs */
	struct span ca_blob;
	struct span ca_sig;
	struct span body; /* what the CA signed */
};
enum { CERT_USER = 1, CERT_HOST = 2 };

/* True when the blob's type is a certificate type. */
bool cert_is(struct span blob);
/* Takes it apart and checks the CA's signature (the CA may not be a certificate, and rsa only with SHA-2).
 * OK, ERR_SYNTAX or ERR_CRYPTO; `why` says what. */
int cert_parse(struct cert *out, const struct crypto *c, struct span blob, struct why *why) MUST_CHECK;
/* Takes it apart only. What it says is then anybody's claim, good for no more than to refuse it. OK, ERR_SYNTAX,
 * ERR_CRYPTO (the numbers of its key); `why` says what. */
int cert_read(struct cert *out, struct span blob, struct why *why) MUST_CHECK;
/* Appends the plain public blob that the certificate is for. OK, ERR_CRYPTO, ERR_NOT_FOUND or ERR_NOMEM. */
int cert_plain_blob(struct span cert_blob, struct buf *out) MUST_CHECK;

#endif
