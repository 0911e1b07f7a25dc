/* Private keys by their public blobs. */
#include "app/host_keys.h"

#include <stdio.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/str.h"
#include "conf/keyfile.h"

enum { SHOW = 200 };

static int add(struct host_keys *h, struct span blob, struct pkey *key, const char *path, struct why *why)
{
	if (h->n == HOST_KEYS_MAX)
		return why_set(why, ERR_LIMIT, "%s: more than %d host keys", path, HOST_KEYS_MAX);
	h->v[h->n].blob = blob;
	h->v[h->n++].key = key;
	return OK;
}

static int take_key(struct host_keys *h, struct pkey *key, const char *path, struct why *why)
{
	int err = add(h, pkey_blob(key), key, path, why);

	if (err)
		pkey_free(key);
	else
		h->key_count++;
	return err;
}

static int load_key(struct host_keys *h, const char *path, struct why *why)
{
	struct pkey *key;
	int err = keyfile_load(path, h->crypto, NULL, &key, NULL, why);

	if (err == ERR_PASSPHRASE)
		return why_set(why, err, "%s: a host key must not have a passphrase", path);
	return err ? err : take_key(h, key, path, why);
}

/* ---- the first start ---- */

static bool none_exists(const struct strs *files)
{
	for (size_t i = 0; i < files->n; i++)
		if (access(files->v[i], F_OK) == 0)
			return false;
	return true;
}

static void tell(const struct host_keys *h, const char *path, void (*say)(void *, const char *), void *user)
{
	char print[64] = "", line[SHOW * 2], show[SHOW];

	if (pkey_fingerprint(h->crypto, h->v[h->n - 1].blob, print) != OK)
		return;
	snprintf(line, sizeof(line), "made a new host key in %s: ED25519 %s",
		 str_escape(show, sizeof(show), span_str(path)), print);
	say(user, line);
}

static int make_key(struct host_keys *h, const char *path, void (*say)(void *, const char *), void *user,
		    struct why *why)
{
	struct pkey *key;
	int err = pkey_generate(&key, h->crypto, "ssh-ed25519");

	if (err)
		return why_set(why, err, "cannot make a host key: %s", err_name(err));
	err = keyfile_create(path, key, "adit host key", why);
	if (err) {
		pkey_free(key);
		return why_prefix(why, err, "cannot make a host key");
	}
	err = take_key(h, key, path, why);
	if (!err)
		tell(h, path, say, user);
	return err;
}

/* ---- certificates ---- */

static struct pkey *key_of_plain(const struct host_keys *h, struct span plain)
{
	for (size_t i = 0; i < h->key_count; i++)
		if (span_eq(h->v[i].blob, plain))
			return h->v[i].key;
	return NULL;
}

static int check_certificate(const struct host_keys *h, struct span blob, const char *path, struct pkey **key,
			     struct why *why)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	struct cert cert;
	int err = cert_is(blob) ? cert_parse(&cert, h->crypto, blob, why)
				: why_set(why, ERR_SYNTAX, "not a certificate");

	if (!err && cert.role != CERT_HOST)
		err = why_set(why, ERR_SYNTAX, "a user's certificate, not a host's");
	if (!err)
		err = cert_plain_blob(blob, &plain);
	*key = err ? NULL : key_of_plain(h, buf_span(&plain));
	if (!err && !*key)
		err = why_set(why, ERR_SYNTAX, "there is no HostKey for this certificate");
	buf_fini(&plain);
	return err ? why_prefix(why, err, "%s", path) : OK;
}

static int load_certificate(struct host_keys *h, const char *path, struct buf *blob, struct why *why)
{
	struct pkey *key;
	int err = keyfile_load_public(path, blob, NULL, why);

	if (!err)
		err = check_certificate(h, buf_span(blob), path, &key, why);
	if (!err)
		err = add(h, span(NULL, 0), key, path, why);
	if (err)
		return err;
	buf_string(&h->certs, buf_span(blob));
	return buf_err(&h->certs) ? why_set(why, ERR_NOMEM, "out of memory") : OK;
}

/* The buffer does not move any more. */
static void point_at_certificates(struct host_keys *h)
{
	struct rd in = rd(buf_span(&h->certs));

	for (size_t i = h->key_count; i < h->n; i++)
		h->v[i].blob = rd_string(&in);
}

static int load_certificates(struct host_keys *h, const struct strs *paths, struct why *why)
{
	int err = OK;

	for (size_t i = 0; !err && i < paths->n; i++) {
		struct buf blob = BUF(PKEY_BLOB_MAX);

		err = load_certificate(h, paths->v[i], &blob, why);
		buf_fini(&blob);
	}
	point_at_certificates(h);
	return err;
}

/* ---- all of them ---- */

int host_keys_load(struct host_keys *h, const struct strs *files, const struct strs *certificates,
		   const struct crypto *c, void (*say)(void *user, const char *line), void *user, struct why *why)
{
	int err = OK;

	*h = (struct host_keys){ .crypto = c, .certs = BUF(HOST_KEYS_MAX * PKEY_BLOB_MAX) };
	if (say && files->n && none_exists(files))
		err = make_key(h, files->v[0], say, user, why);
	else
		for (size_t i = 0; !err && i < files->n; i++)
			err = load_key(h, files->v[i], why);
	if (!err && !h->n)
		err = why_set(why, ERR_NOT_FOUND, "no HostKey is configured");
	if (!err)
		err = load_certificates(h, certificates, why);
	if (err)
		host_keys_fini(h);
	return err;
}

void host_keys_fini(struct host_keys *h)
{
	for (size_t i = 0; i < h->key_count; i++)
		pkey_free(h->v[i].key);
	buf_fini(&h->certs);
	*h = (struct host_keys){ 0 };
}

void host_keys_pack(const struct host_keys *h, struct buf *out)
{
	for (size_t i = 0; i < h->n; i++)
		buf_string(out, h->v[i].blob);
}

int host_keys_sign(const struct host_keys *h, struct span blob, const struct sig_alg *alg, struct span data,
		   struct buf *sig)
{
	if (!span_is(pkey_type(blob), alg->key_type))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < h->n; i++)
		if (span_eq(h->v[i].blob, blob))
			return pkey_sign(h->v[i].key, h->crypto, alg, data, sig);
	return ERR_NOT_FOUND;
}
