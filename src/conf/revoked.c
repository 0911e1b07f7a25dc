/* Files of revoked keys: text, or the binary format that krl.c reads. What is skipped could be what matters, so any
 * fault in the file refuses every key. */
#include "conf/revoked.h"

#include <errno.h>

#include "conf/kh_line.h"
#include "conf/krl.h"
#include "conf/lines.h"
#include "crypto/b64.h"

/* ---- A line of a text list ------------------------------------------------------------------------------------ */

static int read_blob(const char *type, const char *key, struct buf *blob)
{
	int err = b64_decode(blob, span_str(key));

	if (!err && !span_is(pkey_type(buf_span(blob)), type))
		err = ERR_SYNTAX;
	return err;
}

static int compare(const char *type, const char *key, const struct krl_question *q)
{
	struct buf blob = BUF(PKEY_BLOB_MAX), plain = BUF(PKEY_BLOB_MAX);
	int err = read_blob(type, key, &blob);

	if (!err)
		err = kh_plain(buf_span(&blob), &plain);
	if (!err && (span_eq(buf_span(&plain), q->key) || (q->ca.n && span_eq(buf_span(&plain), q->ca))))
		err = ERR_DENIED;
	buf_fini(&plain);
	buf_fini(&blob);
	return err;
}

static int check_line(const struct lines *in, const struct krl_question *q)
{
	char *text = in->text;
	const char *type, *key;

	if (strlen(text) != in->n)
		return ERR_SYNTAX;
	type = kh_field(&text);
	key = kh_field(&text);
	if (!type || type[0] == '#')
		return OK;
	return key ? compare(type, key, q) : ERR_SYNTAX;
}

/* ---- What is said --------------------------------------------------------------------------------------------- */

static const struct words {
	const char *subject, *keyword;
	int err;
} words[] = {
	[REVOKED_HOST] = { "host key", "RevokedHostKeys", ERR_HOST_KEY },
	[REVOKED_USER] = { "key", "RevokedKeys", ERR_DENIED },
};

/* One question to one file. */
struct job {
	const char *path;
	const struct words *words;
	const struct krl_question *q;
	const struct crypto *crypto;
	struct why *why;
};

static int say(const struct job *j, unsigned long line, int err)
{
	const struct words *w = j->words;

	if (err == ERR_DENIED)
		return why_set(j->why, w->err,
			       "the %s is revoked: it, or the CA of its certificate, is listed in %s:%lu", w->subject,
			       j->path, line);
	if (err == ERR_SYNTAX)
		return why_set(
			j->why, err,
			"no %s is accepted, because %s:%lu is not a public key (%s is a list of public keys, one a "
			"line, or a list that ssh-keygen -k made)",
			w->subject, j->path, line, w->keyword);
	if (err == ERR_IO)
		return why_set(j->why, err, "no %s is accepted, because %s %s cannot be read: %s", w->subject,
			       w->keyword, j->path, strerror(errno));
	return why_set(j->why, err, "%s %s: %s", w->keyword, j->path, err_name(err));
}

/* `found` is what krl_check() says. */
static int say_binary(const struct job *j, int err, const char *found)
{
	const struct words *w = j->words;

	if (err == ERR_DENIED)
		return why_set(j->why, w->err, "the %s is revoked: %s is listed in %s", w->subject, found, j->path);
	return why_set(j->why, err, "no %s is accepted, because the binary list %s cannot be used: %s (%s)", w->subject,
		       j->path, found, w->keyword);
}

/* ---- The file ------------------------------------------------------------------------------------------------- */

/* The magic ends with LF and NUL, so a first line tells a binary list from text, also where nobody can read twice. */
static bool is_binary(const struct lines *in)
{
	return in->number == 1 && span_eq(span(in->text, in->n), span(KRL_MAGIC, strlen(KRL_MAGIC) - 1));
}

static int check_binary(const struct job *j, struct lines *in)
{
	struct buf list = BUF(REVOKED_BINARY_MAX);
	struct why found = { "it has more than 16 MiB" };
	int err;

	buf_bytes(&list, span_str(KRL_MAGIC));
	err = lines_rest(in, &list);
	if (!err)
		err = krl_check(buf_span(&list), j->q, j->crypto, &found);
	if (err)
		err = err == ERR_IO || err == ERR_NOMEM ? say(j, 0, err) : say_binary(j, err, found.text);
	buf_fini(&list);
	return err;
}

static int check_lines(const struct job *j, struct lines *in)
{
	int err = OK, more = 0;

	while (!err && (more = lines_next(in)) > 0) {
		if (is_binary(in))
			return check_binary(j, in);
		err = check_line(in, j->q);
	}
	if (err)
		return say(j, in->number, err);
	if (more < 0)
		return say(j, 0, ERR_IO);
	return in->too_long ? say(j, in->too_long, ERR_SYNTAX) : OK;
}

static int check_file(const struct job *j)
{
	struct lines in;
	int err = lines_open(&in, j->path);

	if (err)
		return say(j, 0, err);
	err = check_lines(j, &in);
	lines_close(&in);
	return err;
}

/* ---- The key -------------------------------------------------------------------------------------------------- */

/* The signature of the CA is not looked at: then a certificate whose signature cannot be checked, for whatever reason,
 * is not taken for one of a CA that is in order. */
static int read_cert(struct span blob, struct krl_question *q, struct why *why)
{
	struct cert cert;
	int err = cert_read(&cert, blob, why);

	if (!err) {
		q->ca = cert.ca_blob;
		q->id = cert.key_id;
		q->serial = cert.serial;
	}
	return err;
}

int revoked_check(const char *path, enum revoked_whose whose, struct span blob, const struct crypto *c, struct why *why)
{
	struct krl_question q = { 0 };
	const struct job j = { path, &words[whose], &q, c, why };
	struct buf plain = BUF(PKEY_BLOB_MAX);
	int err = cert_is(blob) ? read_cert(blob, &q, why) : OK;

	if (err)
		return why_prefix(why, err, "it cannot be told whether the %s is revoked", j.words->subject);
	err = kh_plain(blob, &plain);
	q.key = buf_span(&plain);
	err = err ? say(&j, 0, err) : check_file(&j);
	buf_fini(&plain);
	return err;
}
