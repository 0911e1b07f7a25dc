/* Key files: private ones (openssh-key-v1, PEM) and the public lines beside them. Reads them; writes only new ones. */
#ifndef ADIT_CONF_KEYFILE_H
#define ADIT_CONF_KEYFILE_H

#include "crypto/pkey.h"

enum { KEYFILE_MAX = 1024 * 1024 };

/* Errors of everything here, each with a sentence in `why` (may be NULL):
 *   ERR_NOT_FOUND   there is no such file
 *   ERR_IO          the system refuses it, or it is no regular file
 *   ERR_DENIED      others can read the private key; `why` is OpenSSH's warning, several lines
 *   ERR_PASSPHRASE  encrypted, and the passphrase is missing or wrong: ask and try again
 *   ERR_LIMIT       larger than KEYFILE_MAX, or more rounds of key derivation than BCRYPT_ROUNDS_MAX
 *   ERR_SYNTAX      not a key file, damaged, or of a kind that is not supported
 *   ERR_CRYPTO      the halves of the key do not fit, or it is too weak or too big
 *   ERR_NOMEM
 * Results are untouched then. `comment` may be NULL; the words are the file's: escape them before showing. */

/* A private key. `pass` is a C string or NULL for none; it is not asked for when the file is not encrypted. The key is
 * freed with pkey_free(); the comment is appended (PEM files have none). */
int keyfile_load(const char *path, const struct crypto *c, const char *pass, struct pkey **key, struct buf *comment,
		 struct why *why) MUST_CHECK;
/* The key or certificate of a .pub file: appends the blob and the comment. */
int keyfile_load_public(const char *path, struct buf *blob, struct buf *comment, struct why *why) MUST_CHECK;
/* The public blob of the private key at `path` without its passphrase: from path.pub, else from the open part of an
 * openssh-key-v1 file. ERR_SYNTAX for a PEM file without path.pub. It is only a claim: compare it with pkey_blob()
 * once the key is loaded. */
int keyfile_public_of(const char *path, struct buf *blob, struct buf *comment, struct why *why) MUST_CHECK;

/* Writes a new private key without a passphrase to `path` (mode 0600) and its public half to path.pub. Nothing that is
 * there is ever overwritten: ERR_IO then, and for everything that the system refuses; no half of a file stays. */
int keyfile_create(const char *path, const struct pkey *key, const char *comment, struct why *why) MUST_CHECK;

/* The same on the text of a file. */
int keyfile_parse(struct span text, const struct crypto *c, const char *pass, struct pkey **key, struct buf *comment,
		  struct why *why) MUST_CHECK;
int keyfile_parse_public(struct span text, struct buf *blob, struct buf *comment, struct why *why) MUST_CHECK;
int keyfile_parse_envelope(struct span text, struct buf *blob, struct why *why) MUST_CHECK;

#endif
