/* One line of known_hosts: taken apart, and asked whether it speaks of a host. Only for known_hosts*.c. */
#ifndef ADIT_CONF_KH_LINE_H
#define ADIT_CONF_KH_LINE_H

#include "conf/known_hosts.h"

enum kh_marker { KH_MARK_NONE, KH_MARK_CA, KH_MARK_REVOKED };

/* Strings inside the line that was parsed. */
struct kh_line {
	enum kh_marker marker;
	char *hosts; /* patterns, or one hashed name */
	char *type;
	char *key; /* base64 */
};

/* Cuts the n bytes of a NUL-terminated line into its fields. OK; ERR_NOT_FOUND for an empty line or a comment;
 * ERR_SYNTAX with a static sentence in *fault. */
int kh_line_parse(struct kh_line *l, char *text, size_t n, const char **fault) MUST_CHECK;

/* Does the line speak of this name (in lower case)? LIST_YES or LIST_NO stored to *yes. OK; ERR_SYNTAX with *fault for
 * a hashed name that is none; ERR_CRYPTO; ERR_NOMEM. */
int kh_line_match(struct kh_line *l, const char *name, const struct crypto *c, bool *yes,
		  const char **fault) MUST_CHECK;

/* Appends the key's blob. OK; ERR_NOT_FOUND for a type that this program does not know (*type is then untouched, else
 * the static name of the type); ERR_SYNTAX with *fault; ERR_NOMEM. */
int kh_line_key(const struct kh_line *l, struct buf *blob, const char **type, const char **fault) MUST_CHECK;

/* The static name of a key type that this program knows, or NULL. */
const char *kh_key_type(struct span name);

/* "|1|salt|HMAC-SHA1(salt, name)" in base64, appended to out. OK, ERR_CRYPTO, ERR_NOMEM. */
int kh_hash_name(struct buf *out, const char *name, const uint8_t salt[KH_SALT], const struct crypto *c) MUST_CHECK;

/* The next field up to SP or TAB, terminated in place; NULL when there is none. *text moves behind it. */
char *kh_field(char **text);

/* Appends the plain public blob: the blob itself, or the key inside a certificate. OK, ERR_SYNTAX, ERR_NOMEM. */
int kh_plain(struct span blob, struct buf *out) MUST_CHECK;

#endif
