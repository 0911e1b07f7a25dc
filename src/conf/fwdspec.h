/* One forwarding specification: what -L, -R, LocalForward and RemoteForward say. Text to fields and back; not for
 * binding, connecting or looking up names. */
#ifndef ADIT_CONF_FWDSPEC_H
#define ADIT_CONF_FWDSPEC_H

#include "base/buf.h"

enum fwd_side {
	FWD_LOCAL = 1, /* -L: we listen, the server connects */
	FWD_REMOTE     /* -R: the server listens, we connect */
};

/* What flows through it. The prefix "tcp/" says the ordinary kind, which is the default. */
enum fwd_kind { FWD_TCP = 1 };

/* One end. Either path is set, or port counts. Both strings belong to the fwdspec. */
struct fwd_end {
	char *host; /* listening: NULL = not given (GatewayPorts decides), "" or "*" = every address, else an address or
		       name. Connecting: never NULL. IPv6 without brackets */
	char *path; /* unix socket */
	uint16_t port; /* listening: 0 = any free one */
};

/* Zero is a valid empty object. */
struct fwdspec {
	enum fwd_side side;
	enum fwd_kind kind;
	bool dynamic; /* -R [bind:]port without a target: SOCKS at the far end. `connect` is empty then */
	struct fwd_end listen, connect;
};

/* Parses the one-word form of -L and -R: [bind:]port:host:hostport, [bind:]port:path, path:host:hostport, path:path,
 * the same with '/' for every ':' (bind/port/host/hostport), with a backslash before a ':' that is meant literally;
 * -R also [bind:]port and path alone. A port may be the name of a TCP service, except in the form with slashes.
 * OK: *out is the caller's, freed with fwdspec_fini(). ERR_SYNTAX with "bad forwarding specification '...': fault", or
 * ERR_NOMEM; *out is untouched then. */
int fwdspec_parse(struct fwdspec *out, const char *text, enum fwd_side side, struct why *why) MUST_CHECK;

/* The two words of LocalForward and RemoteForward; connect_word NULL = dynamic (RemoteForward only). */
int fwdspec_parse_words(struct fwdspec *out, const char *listen_word, const char *connect_word, enum fwd_side side,
			struct why *why) MUST_CHECK;

/* Frees the strings; the object is zero afterwards. */
void fwdspec_fini(struct fwdspec *f);

bool fwdspec_equal(const struct fwdspec *a, const struct fwdspec *b);

/* Appends "[127.0.0.1]:8080 [host]:80", as ssh -G writes it behind the keyword. */
void fwdspec_print(const struct fwdspec *f, struct buf *out);

#endif
