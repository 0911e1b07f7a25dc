/* The verdict on a host key: what all lines say is collected first, because a revocation may stand in the last one. */
#include "conf/known_hosts.h"

#include "conf/kh_cert.h"
#include "conf/kh_scan.h"

struct check {
	struct kh_scan scan;
	struct kh_verdict *v;
	struct span plain; /* the server's key, taken out of its certificate */
	struct span ca;	   /* who signed the certificate; empty for a plain key */
	struct kh_place revoked, same[KH_NAMES], other[KH_NAMES], ca_line[KH_NAMES];
};

/* The first line that says it is the one to name. */
static void note(struct kh_place *place, const struct kh_place *here)
{
	if (!place->line)
		*place = *here;
}

/* An old key of the same type tells more than one of another type. */
static void note_other(struct check *k, struct kh_place *place)
{
	struct span type = pkey_type(k->plain);

	if (!place->line || (span_is(type, k->scan.here.type) && !span_is(type, place->type)))
		*place = k->scan.here;
}

static bool is_key_or_ca(const struct check *k, struct span blob)
{
	return span_eq(blob, k->plain) || (k->ca.n && span_eq(blob, k->ca));
}

/* A certificate in a @revoked line stands for its key. */
static int on_revoked(struct check *k, struct span entry)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	int err = kh_plain(entry, &plain);

	if (!err && is_key_or_ca(k, buf_span(&plain)))
		note(&k->revoked, &k->scan.here);
	buf_fini(&plain);
	return err;
}

static int on_entry(struct kh_scan *s, enum kh_marker marker, struct span entry, const bool matched[KH_NAMES])
{
	struct check *k = CONTAINER(s, struct check, scan);

	if (marker == KH_MARK_REVOKED)
		return on_revoked(k, entry);
	if (s->wild || marker == KH_MARK_CA)
		k->v->by_pattern = true;
	for (size_t i = 0; i < KH_NAMES; i++) {
		if (!matched[i])
			continue;
		if (marker == KH_MARK_CA && k->ca.n && span_eq(entry, k->ca))
			note(&k->ca_line[i], &s->here);
		else if (marker == KH_MARK_NONE && span_eq(entry, k->plain))
			note(&k->same[i], &s->here);
		else if (marker == KH_MARK_NONE)
			note_other(k, &k->other[i]);
	}
	return OK;
}

static void on_ignore(struct kh_scan *s, const char *reason)
{
	struct kh_verdict *v = CONTAINER(s, struct check, scan)->v;

	if (!v->ignored.line)
		v->ignored_reason = reason;
	note(&v->ignored, &s->here);
}

static void on_unreadable(struct kh_scan *s, int system_errno)
{
	struct kh_verdict *v = CONTAINER(s, struct check, scan)->v;

	if (v->unreadable)
		return;
	v->unreadable = s->here.file;
	v->unreadable_errno = system_errno;
}

static void decide(struct check *k, enum kh_status status, const struct kh_place *places, size_t i)
{
	k->v->status = status;
	k->v->at = places[i];
	k->v->without_port = i == KH_BARE;
}

static size_t first(const struct kh_place places[KH_NAMES])
{
	size_t i = 0;

	while (i < KH_NAMES && !places[i].line)
		i++;
	return i;
}

static void say_revoked(struct check *k)
{
	const struct kh_place *at = &k->revoked;

	decide(k, KH_REVOKED, at, 0);
	why_set(&k->v->why, OK, "the host key of %s is marked as revoked in %s:%lu", k->scan.name[KH_FULL], at->file,
		at->line);
}

static void say_changed(struct check *k)
{
	const struct kh_place *at = &k->other[KH_FULL];
	const char *name = k->scan.name[KH_FULL];

	decide(k, KH_CHANGED, at, 0);
	why_set(&k->v->why, OK,
		"the host key of %s has changed: %s:%lu has another key (%s). Somebody may be between you and the "
		"server. If its owner confirms the new key, remove the old one with: ssh-keygen -f '%s' -R '%s'",
		name, at->file, at->line, at->type, at->file, name);
}

/* Certificates speak of the host without its port. */
static bool cert_ok(struct check *k, const struct cert *cert, const struct kh_rules *rules)
{
	return kh_cert_check(cert, k->scan.name[k->scan.names - 1], rules, &k->v->why) == OK;
}

/* The order is OpenSSH's: a certificate first, then its plain key; what is said of [host]:port before what is said of
 * the bare host, of which only a match counts. */
static void judge(struct check *k, const struct cert *cert, const struct kh_rules *rules)
{
	size_t ca = first(k->ca_line), same = first(k->same);

	if (k->revoked.line)
		say_revoked(k);
	else if (ca < KH_NAMES && cert_ok(k, cert, rules))
		decide(k, KH_CERT_OK, k->ca_line, ca);
	else if (same == KH_FULL)
		decide(k, KH_OK, k->same, same);
	else if (k->other[KH_FULL].line)
		say_changed(k);
	else if (same == KH_BARE)
		decide(k, KH_OK, k->same, same);
	else if (ca < KH_NAMES)
		decide(k, KH_CERT_BAD, k->ca_line, ca);
}

/* A certificate that nobody can trust (no valid signature of its CA) leaves its plain key, which may be known. */
static int look_at_cert(struct check *k, struct cert *cert, struct span blob)
{
	int err;

	if (!cert_is(blob))
		return OK;
	err = cert_parse(cert, k->scan.crypto, blob, &k->v->why);
	if (!err)
		k->ca = cert->ca_blob;
	return err == ERR_CRYPTO ? OK : err;
}

/* Where the lines come from: files, or the content of files[0]. */
struct source {
	const char *const *files;
	size_t n;
	const struct span *content;
};

static int scan_source(struct kh_scan *s, const struct source *from)
{
	struct lines in;
	int err;

	if (!from->content)
		return kh_scan_files(s, from->files, from->n);
	err = lines_open_memory(&in, from->content->p, from->content->n);
	return err ? err : kh_scan_lines(s, &in, from->files[0]);
}

static int scan_and_judge(struct check *k, const struct source *from, struct span blob, const struct kh_rules *rules)
{
	struct cert cert;
	int err = look_at_cert(k, &cert, blob);

	if (!err)
		err = scan_source(&k->scan, from);
	if (!err)
		judge(k, &cert, rules);
	return err;
}

static int check(struct kh_verdict *v, const struct source *from, const struct kh_host *h, struct span blob,
		 const struct crypto *c, const struct kh_rules *rules)
{
	struct check k = {
		.scan = { .crypto = c, .entry = on_entry, .ignore = on_ignore, .unreadable = on_unreadable },
		.v = v,
	};
	struct buf plain = BUF(PKEY_BLOB_MAX);
	int err = kh_scan_init(&k.scan, h);

	*v = (struct kh_verdict){ .status = KH_UNKNOWN };
	if (!err)
		err = kh_plain(blob, &plain);
	if (err == ERR_SYNTAX)
		why_set(&v->why, err, "the host name or the host key is malformed");
	k.plain = buf_span(&plain);
	if (!err)
		err = scan_and_judge(&k, from, blob, rules);
	buf_fini(&plain);
	return err;
}

int kh_check(struct kh_verdict *v, const char *const *files, size_t n, const struct kh_host *h, struct span blob,
	     const struct crypto *c, const struct kh_rules *rules)
{
	return check(v, &(struct source){ files, n, NULL }, h, blob, c, rules);
}

int kh_check_memory(struct kh_verdict *v, const char *file, struct span content, const struct kh_host *h,
		    struct span blob, const struct crypto *c, const struct kh_rules *rules)
{
	return check(v, &(struct source){ &file, 1, &content }, h, blob, c, rules);
}
