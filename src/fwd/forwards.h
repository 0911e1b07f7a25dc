/* The forwards of one connection: -L listeners here, -R listeners at the peer, and what becomes of them.
 * Not for reading specifications (conf/fwdspec.h) nor for printing: sentences go to the program. */
#ifndef ADIT_FWD_FORWARDS_H
#define ADIT_FWD_FORWARDS_H

#include "conf/fwdspec.h"
#include "fwd/link.h"

struct forwards;

enum forward_report {
	FORWARD_UP = 1,	   /* "127.0.0.1:1234 -> localhost:23": it stands */
	FORWARD_ALLOCATED, /* "Allocated port 40001 for remote forward to localhost:23": comes before FORWARD_UP */
	FORWARD_FAILED,	   /* "remote port forwarding failed for listen port 1234", or why the bind failed */
	FORWARD_NOTE, /* a person should know: "127.0.0.1:1234 -> localhost:23: open failed: connect failed: ..." */
	FORWARD_TRACE /* for -v: who connected where */
};

struct forwards_opts {
	bool gateway;  /* -g, GatewayPorts: -L without a bind address listens everywhere */
	int family;    /* AddressFamily: AF_UNSPEC, AF_INET, AF_INET6 */
	unsigned mask; /* StreamLocalBindMask */
	bool unlink;   /* StreamLocalBindUnlink */
	/* One line without a newline, everything foreign in it escaped; valid during the call. Forwards may be added
	 * from here, not freed. `spec` is that of the forward. */
	void (*report)(void *user, enum forward_report kind, const struct fwdspec *spec, const char *text);
	/* PermitRemoteOpen, for dynamic remote forwards: may the far side dial host:port here? NULL = always. */
	bool (*permit)(void *user, const char *host, uint16_t port);
	void *user;
};

/* The opts are copied; EV_OPEN of the link comes here from now on. Free it before the link. OK or ERR_NOMEM. */
int forwards_new(struct forwards **out, struct link *l, const struct forwards_opts *opts) MUST_CHECK;
/* Closes the listeners. Streams that are open live on with the link. NULL is allowed. */
void forwards_free(struct forwards *f);

/* Starts one forward; call after EV_LOGGED_IN. The spec is borrowed and must outlive the forwards.
 * A local one is reported before this returns, a remote one when the peer has answered. Failures are reported through
 * FORWARD_FAILED and counted; they do not stop the others. ERR_NOMEM when nothing could be started or reported. */
int forwards_add(struct forwards *f, const struct fwdspec *spec) MUST_CHECK;

struct forwards_count {
	unsigned waiting, up, failed;
};
/* All forwards stand when waiting and failed are 0: look after the last forwards_add() and in every report. */
struct forwards_count forwards_count(const struct forwards *f);

#endif
