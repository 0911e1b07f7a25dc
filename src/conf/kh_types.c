/* Which key types the known_hosts files have for a host. */
#include "conf/kh_scan.h"

struct collect {
	struct kh_scan scan;
	struct kh_types found[KH_NAMES];
};

static void add_type(struct kh_types *t, const char *type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->type[i] == type)
			return;
	if (t->n < KH_TYPES_MAX)
		t->type[t->n++] = type;
}

static int on_entry(struct kh_scan *s, enum kh_marker marker, struct span blob, const bool matched[KH_NAMES])
{
	struct collect *c = CONTAINER(s, struct collect, scan);

	if (marker == KH_MARK_REVOKED || cert_is(blob))
		return OK;
	for (size_t i = 0; i < KH_NAMES; i++) {
		if (!matched[i])
			continue;
		if (marker == KH_MARK_CA)
			c->found[i].ca = true;
		else
			add_type(&c->found[i], s->here.type);
	}
	return OK;
}

/* Faults in the files are kh_check()'s to tell. */
static void on_ignore(struct kh_scan *s, const char *reason)
{
	(void)s;
	(void)reason;
}

static void on_unreadable(struct kh_scan *s, int system_errno)
{
	(void)s;
	(void)system_errno;
}

int kh_types(struct kh_types *t, const char *const *files, size_t n, const struct kh_host *h,
	     const struct crypto *crypto)
{
	struct collect c = {
		.scan = { .crypto = crypto, .entry = on_entry, .ignore = on_ignore, .unreadable = on_unreadable }
	};
	int err = kh_scan_init(&c.scan, h);
	bool full;

	if (!err)
		err = kh_scan_files(&c.scan, files, n);
	if (err)
		return err;
	/* The bare host only counts when nothing is known about the port. */
	full = c.found[KH_FULL].n || c.found[KH_FULL].ca;
	*t = c.found[full ? KH_FULL : KH_BARE];
	return OK;
}
