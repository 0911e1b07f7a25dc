/* What krl.c and krl_certs.c share. Only for them. */
#ifndef ADIT_CONF_KRL_IMPL_H
#define ADIT_CONF_KRL_IMPL_H

#include "base/rd.h"
#include "conf/krl.h"

/* Of a key or of a CA. */
struct krl_sums {
	uint8_t of[HASH_SHA256 + 1][HASH_MAX]; /* HASH_SHA1, HASH_SHA256 */
};

/* One walk over a list. */
struct krl_walk {
	const struct krl_question *q;
	struct krl_sums key, ca;
	bool is_ours;	 /* this section is about the CA of the certificate */
	const char *hit; /* what was found in the list; NULL: nothing yet */
	struct why *why;
};

/* A kind of section: byte type, string data. read() takes the data off the cursor; what it leaves, or misses, is a
 * fault. OK or ERR_SYNTAX with a sentence. A table ends with read NULL. */
struct krl_kind {
	uint8_t type;
	const char *name;
	int (*read)(struct krl_walk *w, struct rd *data);
};

/* Reads sections up to the end, or to a type that the table does not have. OK or ERR_SYNTAX with a sentence. */
int krl_sections(struct krl_walk *w, const struct krl_kind *kinds, struct rd *in) MUST_CHECK;
/* ERR_SYNTAX with a sentence unless all was read. */
int krl_end(const struct rd *in, struct why *why) MUST_CHECK;

/* string name, byte critical, string contents. We know none. */
int krl_read_extension(struct krl_walk *w, struct rd *data) MUST_CHECK;
/* The section of certificates. */
int krl_read_certs(struct krl_walk *w, struct rd *data) MUST_CHECK;

#endif
