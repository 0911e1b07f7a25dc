/* One pass over the lines of known_hosts files that speak of a host. Only for known_hosts*.c. */
#ifndef ADIT_CONF_KH_SCAN_H
#define ADIT_CONF_KH_SCAN_H

#include "conf/kh_line.h"
#include "conf/lines.h"

/* The host has its full name first; without alias and on another port than 22 the bare name second. */
enum { KH_FULL, KH_BARE, KH_NAMES };

struct kh_scan {
	const struct crypto *crypto;
	char name[KH_NAMES][KH_NAME_MAX];
	size_t names;
	struct kh_place here; /* the line of the call */
	bool wild;	      /* its names have a wildcard */
	/* A line that matches; matched[] says under which names. OK or an error that ends the scan. */
	int (*entry)(struct kh_scan *s, enum kh_marker marker, struct span blob, const bool matched[KH_NAMES]);
	/* A line that was left out, and a file (s->here.file) that is there but cannot be read. */
	void (*ignore)(struct kh_scan *s, const char *reason);
	void (*unreadable)(struct kh_scan *s, int system_errno);
};

/* Fills the names of a scan whose other fields are set. OK or ERR_SYNTAX. */
int kh_scan_init(struct kh_scan *s, const struct kh_host *h) MUST_CHECK;
/* OK, ERR_CRYPTO, ERR_NOMEM, or what entry() returned. Missing files are empty. */
int kh_scan_files(struct kh_scan *s, const char *const *files, size_t n) MUST_CHECK;
/* The same for lines that are open; closes them. */
int kh_scan_lines(struct kh_scan *s, struct lines *in, const char *file) MUST_CHECK;

#endif
