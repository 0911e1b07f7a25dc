/* The server's host keys: loaded, made at the first start, and the only place that signs with them. Lives in the guard.
 */
#ifndef ADIT_APP_HOST_KEYS_H
#define ADIT_APP_HOST_KEYS_H

#include "conf/strs.h"
#include "crypto/pkey.h"
#include "ssh/conn.h"

/* Zero is a valid empty object. */
struct host_keys {
	struct {
		struct span blob; /* of the key, or of a certificate of it in `certs` */
		struct pkey *key; /* shared by a key and its certificates */
	} v[HOST_KEYS_MAX];
	size_t n, key_count; /* the keys themselves are v[0..key_count) */
	struct buf certs;
	const struct crypto *crypto;
};

/* Loads HostKey's files and HostCertificate's. Where none of the files exists yet, an Ed25519 key is made and written
 * to the first of them, and `say` gets a line with its fingerprint; `say` NULL: none is made. OK; ERR_IO, ERR_DENIED,
 * ERR_SYNTAX, ERR_CRYPTO with a sentence that names the file: a key that is missing while others are there, a
 * passphrase, a certificate without its key, a user's certificate; ERR_LIMIT beyond HOST_KEYS_MAX. */
int host_keys_load(struct host_keys *h, const struct strs *files, const struct strs *certificates,
		   const struct crypto *c, void (*say)(void *user, const char *line), void *user,
		   struct why *why) MUST_CHECK;
void host_keys_fini(struct host_keys *h);

/* Appends every blob as a string: for struct conn_setup of the workers, and for MEMO_READY. */
void host_keys_pack(const struct host_keys *h, struct buf *out);
/* Appends the signature blob by the key that belongs to `blob`. OK; ERR_NOT_FOUND for a foreign blob or an algorithm
 * that does not fit; ERR_CRYPTO, ERR_NOMEM. */
int host_keys_sign(const struct host_keys *h, struct span blob, const struct sig_alg *alg, struct span data,
		   struct buf *sig) MUST_CHECK;

#endif
