/* Lines of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT): is there one for this key, and what does it allow?
 * Works on the text of a file; reading it is safefile.c's. */
#ifndef ADIT_CONF_AUTHKEYS_H
#define ADIT_CONF_AUTHKEYS_H

#include "base/buf.h"
#include "base/ip.h"
#include "conf/lines.h"
#include "conf/policy.h"

/* What the options of a line say. Zero is a valid empty object, which forwards nothing; a line without options has
 * `forwarding` and nothing else. Options that only a shell could honour are understood and have no field: there are no
 * sessions here. */
struct key_options {
	bool forwarding; /* neither restrict nor no-port-forwarding, or port-forwarding behind them */
	bool cert_authority;
	struct strs permit_open, permit_listen; /* empty: no restriction */
	char *from;				/* addrlist_match(); NULL: anywhere */
	uint64_t expiry;			/* seconds since 1970, from then on the line is void; 0: never */
	char *principals;			/* "a,b"; NULL: not said */
	unsigned long line;			/* from 1 */
};
void key_options_fini(struct key_options *o);

/* The comma-separated options alone. OK; ERR_SYNTAX with "unknown option 'x'" or the like; ERR_NOMEM. *out is untouched
 * then. Times without Z are local ones: call tzset() before the process loses its file system. */
int key_options_parse(struct key_options *out, struct span text, struct why *why) MUST_CHECK;

/* Length of the options at the front of a line: up to the first SP or TAB outside quotes. The whole line when a quote
 * has no partner. */
size_t key_options_length(struct span line);

/* Who wants in. */
struct key_login {
	const char *user;
	struct ip source; /* where the connection comes from */
	uint64_t now;	  /* seconds since 1970 */
};

/* expiry-time and from. OK or ERR_DENIED with "expiry-time" or "from" in the sentence. */
int key_options_allow(const struct key_options *o, const struct key_login *who, struct why *why) MUST_CHECK;

/* Narrows what the administrator allows by what the key allows, and moves the words: `o` has none afterwards. */
void key_options_narrow(struct key_options *o, struct policy *p);

/* ---- Looking a key up -----------------------------------------------------------------------------------------
 * A line that is not the key's costs a comparison of texts: neither its options nor its key is decoded. */

enum authkeys_kind { AUTHKEYS_PLAIN, AUTHKEYS_CA, AUTHKEYS_BARE };

struct authkeys {
	const char *file; /* for sentences */
	struct lines lines;
	struct buf wanted; /* base64 */
	struct span type;
	enum authkeys_kind kind;
};

/* Looks for a public blob: on lines without cert-authority; (AUTHKEYS_CA) for that of a CA on lines with it;
 * (AUTHKEYS_BARE) on lines without options, for files that are lists of keys. `text`,
 * `blob` and `file` stay the caller's until authkeys_close(). OK, or ERR_NOMEM and nothing is to be closed. */
int authkeys_open(struct authkeys *a, const char *file, struct span text, struct span blob,
		  enum authkeys_kind kind) MUST_CHECK;
/* The next line that has the key: 1, and *out is the caller's to free. 0 at the end. ERR_SYNTAX: a line has the key and
 * is void, "file:line: unknown option 'x'"; ask again. ERR_NOMEM. */
int authkeys_next(struct authkeys *a, struct key_options *out, struct why *why) MUST_CHECK;
void authkeys_close(struct authkeys *a);

/* The first line for a plain key that allows this login. OK, and *out is the caller's; ERR_NOT_FOUND: no line has the
 * key; ERR_DENIED: those that have it do not let it in, `why` says why the last one does not; ERR_NOMEM. */
int authkeys_find(struct key_options *out, const char *file, struct span text, struct span blob,
		  const struct key_login *who, struct why *why) MUST_CHECK;

#endif
