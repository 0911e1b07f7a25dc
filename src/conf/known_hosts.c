/* One pass over the lines of all files collects what they say about a host; then the verdict is a short decision. */
#include "conf/known_hosts.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "conf/kh_cert.h"
#include "conf/kh_line.h"
#include "conf/lines.h"

/* The host has its full name first; on another port than 22 the bare name second. */
enum { FULL, BARE, NAMES };

struct scan {
	const struct crypto *crypto;
	char name[NAMES][KH_NAME_MAX];
	size_t names;
	struct kh_place here;
	/* Called for every line that matches; matched[] says under which name. */
	int (*entry)(struct scan *s, enum kh_marker marker, struct span blob, const bool matched[NAMES]);
	void (*ignore)(struct scan *s, const char *reason);
	void (*unreadable)(struct scan *s, int system_error);
};

int kh_name(char name[KH_NAME_MAX], const struct kh_host *h)
{
	bool bare = h->alias || h->port == 22;
	const char *host = h->alias ? h->alias : h->host;
	size_t n = strlen(host);

	if (n == 0 || n > KH_NAME_MAX - sizeof("[]:65535"))
		return ERR_SYNTAX;
	if (bare)
		snprintf(name, KH_NAME_MAX, "%s", host);
	else
		snprintf(name, KH_NAME_MAX, "[%s]:%u", host, h->port);
	str_lower(name);
	return OK;
}

static int scan_names(struct scan *s, const struct kh_host *h)
{
	const struct kh_host bare = { h->host, 22, NULL };
	int err = kh_name(s->name[FULL], h);

	s->names = 1;
	if (!err && !h->alias && h->port != 22) {
		err = kh_name(s->name[BARE], &bare);
		s->names = 2;
	}
	return err;
}

static int match_names(const struct scan *s, struct kh_line *l, bool matched[NAMES], const char **fault)
{
	int err = OK;

	for (size_t i = 0; i < s->names && !err; i++)
		err = kh_line_match(l, s->name[i], s->crypto, &matched[i], fault);
	return err;
}

static int scan_entry(struct scan *s, const struct kh_line *l, const bool matched[NAMES], const char **fault)
{
	struct buf blob = BUF(PKEY_BLOB_MAX);
	int err = kh_line_key(l, &blob, &s->here.type, fault);

	if (!err)
		err = s->entry(s, l->marker, buf_span(&blob), matched);
	buf_fini(&blob);
	return err;
}

/* What cannot be understood is left out, with a warning where it may have been meant for this host. */
static int scan_line(struct scan *s, struct lines *in)
{
	bool matched[NAMES] = { false, false };
	const char *fault = NULL;
	struct kh_line l;
	int err;

	s->here.line = in->number;
	s->here.type = NULL;
	err = kh_line_parse(&l, in->text, in->n, &fault);
	if (!err)
		err = match_names(s, &l, matched, &fault);
	if (!err && (matched[FULL] || matched[BARE]))
		err = scan_entry(s, &l, matched, &fault);
	if (err == ERR_SYNTAX && s->ignore)
		s->ignore(s, fault);
	return err == ERR_SYNTAX || err == ERR_NOT_FOUND ? OK : err;
}

/* Closes the lines. */
static int scan_lines(struct scan *s, struct lines *in, const char *file)
{
	int err = OK, more;

	s->here.file = file;
	while (!err && (more = lines_next(in)) != 0) {
		if (more > 0) {
			err = scan_line(s, in);
			continue;
		}
		if (s->unreadable)
			s->unreadable(s, errno);
		break;
	}
	lines_close(in);
	return err;
}

static int scan_file(struct scan *s, const char *file)
{
	struct lines in;
	int err = lines_open(&in, file);

	if (!err)
		return scan_lines(s, &in, file);
	s->here.file = file;
	if (err == ERR_IO && errno != ENOENT && errno != ENOTDIR && s->unreadable)
		s->unreadable(s, errno);
	return err == ERR_IO ? OK : err;
}

static int scan_files(struct scan *s, const char *const *files, size_t n)
{
	int err = OK;

	for (size_t i = 0; i < n && !err; i++)
		err = scan_file(s, files[i]);
	return err;
}

/* The scan behind kh_check(). */
struct check {
	struct scan scan;
	struct kh_verdict *v;
	struct span blob;    /* as the server sent it */
	struct span plain;   /* its key */
	struct span ca;      /* who signed it; empty for a plain key */
	struct span type;    /* of the plain key */
	struct kh_place revoked, same[NAMES], other[NAMES], ca_line[NAMES];
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
	const struct kh_place *here = &k->scan.here;

	if (!place->line || (span_is(k->type, here->type) && !span_is(k->type, place->type)))
		*place = *here;
}

static int check_revoked(struct check *k, struct span entry)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	int err = kh_plain(entry, &plain);

	if (!err && (span_eq(buf_span(&plain), k->plain) || (k->ca.n && span_eq(buf_span(&plain), k->ca))))
		note(&k->revoked, &k->scan.here);
	buf_fini(&plain);
	return err;
}

static int check_entry(struct scan *s, enum kh_marker marker, struct span entry, const bool matched[NAMES])
{
	struct check *k = CONTAINER(s, struct check, scan);

	if (marker == KH_MARK_REVOKED)
		return check_revoked(k, entry);
	for (size_t i = 0; i < NAMES; i++) {
		if (!matched[i])
			continue;
		if (marker == KH_MARK_CA && k->ca.n && span_eq(entry, k->ca))
			note(&k->ca_line[i], &s->here);
		if (marker == KH_MARK_NONE && span_eq(entry, k->plain))
			note(&k->same[i], &s->here);
		else if (marker == KH_MARK_NONE)
			note_other(k, &k->other[i]);
	}
	return OK;
}
