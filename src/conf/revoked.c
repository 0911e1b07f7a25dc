/* Revoked keys as a plain list. A line that is skipped could be the one that matters, so any fault in the file refuses
 * every key. */
#include "conf/revoked.h"

#include <errno.h>

#include "conf/kh_line.h"
#include "conf/lines.h"
#include "crypto/b64.h"

/* What is looked for. */
struct wanted {
	struct span key, ca; /* ca is empty for a plain key */
};

static int read_blob(const char *type, const char *key, struct buf *blob)
{
	int err = b64_decode(blob, span_str(key));

	if (!err && !span_is(pkey_type(buf_span(blob)), type))
		err = ERR_SYNTAX;
	return err;
}

static int compare(const char *type, const char *key, const struct wanted *w)
{
	struct buf blob = BUF(PKEY_BLOB_MAX), plain = BUF(PKEY_BLOB_MAX);
	int err = read_blob(type, key, &blob);

	if (!err)
		err = kh_plain(buf_span(&blob), &plain);
	if (!err && (span_eq(buf_span(&plain), w->key) || (w->ca.n && span_eq(buf_span(&plain), w->ca))))
		err = ERR_DENIED;
	buf_fini(&plain);
	buf_fini(&blob);
	return err;
}

static int check_line(const struct lines *in, const struct wanted *w)
{
	char *text = in->text;
	const char *type, *key;

	if (strlen(text) != in->n)
		return ERR_SYNTAX;
	type = kh_field(&text);
	key = kh_field(&text);
	if (!type || type[0] == '#')
		return OK;
	return key ? compare(type, key, w) : ERR_SYNTAX;
}

static const struct words {
	const char *subject, *keyword;
	int err;
} words[] = {
	[REVOKED_HOST] = { "host key", "RevokedHostKeys", ERR_HOST_KEY },
	[REVOKED_USER] = { "key", "RevokedKeys", ERR_DENIED },
};

static int say(const struct words *w, const char *path, unsigned long line, int err, struct why *why)
{
	if (err == ERR_DENIED)
		return why_set(why, w->err, "the %s is revoked: it, or the CA of its certificate, is listed in %s:%lu",
			       w->subject, path, line);
	if (err == ERR_SYNTAX)
		return why_set(
			why, err,
			"no %s is accepted, because %s:%lu is not a public key (%s is a list of public keys, one a "
			"line; binary revocation lists are not supported)",
			w->subject, path, line, w->keyword);
	if (err == ERR_IO)
		return why_set(why, err, "no %s is accepted, because %s %s cannot be read: %s", w->subject, w->keyword,
			       path, strerror(errno));
	return why_set(why, err, "%s %s: %s", w->keyword, path, err_name(err));
}

static int check_file(const char *path, const struct words *say_as, const struct wanted *w, struct why *why)
{
	struct lines in;
	int err = lines_open(&in, path), more = 0;
	unsigned long line = 0;

	if (err)
		return say(say_as, path, 0, err, why);
	while (!err && (more = lines_next(&in)) > 0) {
		line = in.number;
		err = check_line(&in, w);
	}
	if (!err && more < 0)
		err = say(say_as, path, 0, ERR_IO, why);
	else if (err)
		err = say(say_as, path, line, err, why);
	else if (in.too_long)
		err = say(say_as, path, in.too_long, ERR_SYNTAX, why);
	lines_close(&in);
	return err;
}

int revoked_check(const char *path, enum revoked_whose whose, struct span blob, const struct crypto *c, struct why *why)
{
	const struct words *say_as = &words[whose];
	struct buf plain = BUF(PKEY_BLOB_MAX);
	struct wanted w = { 0 };
	struct cert cert;
	int err = kh_plain(blob, &plain);

	w.key = buf_span(&plain);
	/* Without a valid signature the certificate is worth no more than its key. */
	if (!err && cert_is(blob)) {
		err = cert_parse(&cert, c, blob, why);
		if (!err)
			w.ca = cert.ca_blob;
		err = err == ERR_CRYPTO ? OK : err;
	}
	err = err ? say(say_as, path, 0, err, why) : check_file(path, say_as, &w, why);
	buf_fini(&plain);
	return err;
}
