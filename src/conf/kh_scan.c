/* Walks files and lines, and passes on what matches. What it means is known_hosts.c's. */
#include "conf/kh_scan.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"

int kh_name(char name[KH_NAME_MAX], const struct kh_host *h)
{
	const char *host = h->alias ? h->alias : h->host;
	size_t n = strlen(host);

	if (n == 0 || n > KH_NAME_MAX - sizeof("[]:65535"))
		return ERR_SYNTAX;
	if (h->alias || h->port == 22)
		memcpy(name, host, n + 1);
	else
		snprintf(name, KH_NAME_MAX, "[%s]:%u", host, h->port);
	str_lower(name);
	return OK;
}

int kh_scan_init(struct kh_scan *s, const struct kh_host *h)
{
	const struct kh_host bare = { h->host, 22, NULL };
	int err = kh_name(s->name[KH_FULL], h);

	s->names = 1;
	if (err || h->alias || h->port == 22)
		return err;
	s->names = 2;
	return kh_name(s->name[KH_BARE], &bare);
}

static int match_names(const struct kh_scan *s, struct kh_line *l, bool matched[KH_NAMES], const char **fault)
{
	int err = OK;

	for (size_t i = 0; i < s->names && !err; i++)
		err = kh_line_match(l, s->name[i], s->crypto, &matched[i], fault);
	return err;
}

static int pass_entry(struct kh_scan *s, const struct kh_line *l, const bool matched[KH_NAMES], const char **fault)
{
	struct buf blob = BUF(PKEY_BLOB_MAX);
	int err = kh_line_key(l, &blob, &s->here.type, fault);

	s->wild = l->hosts[0] != '|' && strpbrk(l->hosts, "*?");
	if (!err)
		err = s->entry(s, l->marker, buf_span(&blob), matched);
	buf_fini(&blob);
	return err;
}

/* A line that cannot be understood says nothing; one with a key of a foreign type neither, and that is no fault. */
static int scan_line(struct kh_scan *s, const struct lines *in)
{
	bool matched[KH_NAMES] = { false, false };
	const char *fault = "a malformed key";
	struct kh_line l;
	int err;

	s->here.line = in->number;
	s->here.type = NULL;
	err = kh_line_parse(&l, in->text, in->n, &fault);
	if (!err)
		err = match_names(s, &l, matched, &fault);
	if (!err && (matched[KH_FULL] || matched[KH_BARE]))
		err = pass_entry(s, &l, matched, &fault);
	if (err == ERR_SYNTAX)
		s->ignore(s, fault);
	return err == ERR_SYNTAX || err == ERR_NOT_FOUND ? OK : err;
}

int kh_scan_lines(struct kh_scan *s, struct lines *in, const char *file)
{
	int err = OK, more = 0;

	s->here.file = file;
	while (!err && (more = lines_next(in)) > 0)
		err = scan_line(s, in);
	if (!err && more < 0)
		s->unreadable(s, errno);
	s->here.line = in->too_long;
	if (s->here.line)
		s->ignore(s, "more than 64 KiB");
	lines_close(in);
	return err;
}

static int scan_file(struct kh_scan *s, const char *file)
{
	struct lines in;
	int err = lines_open(&in, file);

	if (!err)
		return kh_scan_lines(s, &in, file);
	if (err != ERR_IO)
		return err;
	s->here.file = file;
	if (errno != ENOENT && errno != ENOTDIR)
		s->unreadable(s, errno);
	return OK;
}

int kh_scan_files(struct kh_scan *s, const char *const *files, size_t n)
{
	int err = OK;

	for (size_t i = 0; i < n && !err; i++)
		err = scan_file(s, files[i]);
	return err;
}
