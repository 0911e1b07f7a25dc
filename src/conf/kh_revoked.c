/* RevokedHostKeys as a plain list. A line that is skipped could be the one that matters, so any fault in the file
 * refuses every key. */
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
		err = ERR_HOST_KEY;
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

static int say(const char *path, unsigned long line, int err, struct why *why)
{
	if (err == ERR_HOST_KEY)
		return why_set(why, err,
			       "the host key is revoked: it, or the CA of its certificate, is listed in %s:%lu", path,
			       line);
	if (err == ERR_SYNTAX)
		return why_set(why, err,
			       "no host key is accepted, because %s:%lu is not a public key (RevokedHostKeys is a list "
			       "of public "
			       "keys, one a line; binary revocation lists are not supported)",
			       path, line);
	if (err == ERR_IO)
		return why_set(why, err, "no host key is accepted, because RevokedHostKeys %s cannot be read: %s", path,
			       strerror(errno));
	return why_set(why, err, "RevokedHostKeys %s: %s", path, err_name(err));
}

static int check_file(const char *path, const struct wanted *w, struct why *why)
{
	struct lines in;
	int err = lines_open(&in, path), more = 0;
	unsigned long line = 0;

	if (err)
		return say(path, 0, err, why);
	while (!err && (more = lines_next(&in)) > 0) {
		line = in.number;
		err = check_line(&in, w);
	}
	if (!err && more < 0)
		err = say(path, 0, ERR_IO, why);
	else if (err)
		err = say(path, line, err, why);
	else if (in.too_long)
		err = say(path, in.too_long, ERR_SYNTAX, why);
	lines_close(&in);
	return err;
}

int kh_revoked(const char *path, struct span blob, const struct crypto *c, struct why *why)
{
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
	err = err ? say(path, 0, err, why) : check_file(path, &w, why);
	buf_fini(&plain);
	return err;
}
