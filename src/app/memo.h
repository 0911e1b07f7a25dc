/* What the processes of aditd tell each other: one table of kinds, one layout, every field checked on arrival. A memo
 * that does not fit its row ends the process that sent it. io/ipc.h carries them. */
#ifndef ADIT_APP_MEMO_H
#define ADIT_APP_MEMO_H

#include "base/buf.h"
#include "base/ip.h"
#include "base/rd.h"
#include "ssh/exchange.h"

enum memo_from { FROM_MASTER, FROM_GUARD, FROM_WORKER };

/* sender > receiver: what it says. Which fields it has is in the table of memo.c. */
enum memo_kind {
	/* any child > master */
	MEMO_READY = 1, /* it stands and is locked in; guard: blobs = public host keys, packed */

	/* master > guard */
	MEMO_WORKER, /* + descriptor: a worker that will ask, by its number */
	MEMO_PEER,   /* this connection was given to that worker; ends; yes = it has logged in with an earlier guard */
	MEMO_GONE,   /* and this one is over */

	/* master > worker */
	MEMO_SERVE, /* + descriptor: a new connection; ends */
	MEMO_BOUND, /* + descriptor: listener `number` of `count` for a ticket; without one: refused, text says why */
	MEMO_PROBE, /* is this peer alive? */
	MEMO_EVICT, /* it is not wanted any more: close it; text for the record */
	MEMO_RETRY, /* the listener of a ticket was taken over (yes): bind again; or it was not */
	MEMO_GUARD, /* + descriptor: a new guard to ask */
	MEMO_LOG,   /* + descriptor, to the guard too: a file was opened anew; number = enum server_log */
	MEMO_DRAIN, /* no new connections come: end when the last one has; yes = end them now */

	/* worker > guard */
	MEMO_SIGN,  /* alg, data = a key exchange (memo_put_exchange()) */
	MEMO_LOGIN, /* text = user, name = method, alg, blob, yes = signed, data = signature */
	MEMO_PROVE, /* blobs = the host keys to prove */
	MEMO_BIND,  /* text = requested host, port: a listener below 1024 for a ticket */

	/* guard > worker */
	MEMO_SIGNED,  /* data = signature; empty: it cannot be */
	MEMO_VERDICT, /* number = enum login_verdict; text = methods or why not, data = the policy */
	MEMO_PROVED,  /* data = signatures; empty: refused */
	MEMO_UNBOUND, /* text = why a ticket's listener is not allowed */
	MEMO_BANNER,  /* data = text for the person who logs in; comes before the verdict */

	/* guard > master */
	MEMO_USER,     /* logged in; data = identity: user and key as one digest */
	MEMO_OFFENCE,  /* number = enum offence, for the penalties */
	MEMO_BIND_FOR, /* as MEMO_BIND, allowed; name = the address to bind */
	MEMO_BROKEN,   /* worker `number` has broken the format of memos */

	/* worker > master */
	MEMO_CLOSED,	/* the connection is over; number = enum offence */
	MEMO_LISTEN,	/* text = requested host, port: a listener stands */
	MEMO_UNLISTEN,	/* and is gone */
	MEMO_TAKE_OVER, /* text, port: somebody holds it; is it an older connection of the same user? */
	MEMO_PROBED,	/* yes = it has answered */
	MEMO_KINDS
};

/* What a connection is blamed for when it ends before the login (PerSourcePenalties). */
enum offence {
	OFFENCE_NONE,
	OFFENCE_AUTH,
	OFFENCE_USER,
	OFFENCE_NO_AUTH,
	OFFENCE_GRACE,
	OFFENCE_REFUSED, /* RefuseConnection */
	OFFENCE_CRASH,
	OFFENCES
};

/* Both ends of a TCP connection. */
struct ends {
	struct ip peer, local;
	uint16_t peer_port, local_port;
};

struct memo {
	enum memo_kind kind;
	uint64_t peer; /* a connection, numbered by the master; never 0 */
	uint32_t number, count, ticket;
	uint16_t port;
	bool yes;
	struct ends ends;
	struct span text, name, alg, blob, data; /* borrowed */
};

enum { MEMO_MAX = 120 * 1024, IDENTITY_LEN = 32 };

/* Everything that the exchange hash is made of, as strings in struct exchange's order. */
void memo_put_exchange(struct buf *out, const struct exchange *x);
/* The spans point into `in`. OK, or ERR_PROTO for another layout or an unknown method. */
int memo_get_exchange(struct exchange *x, struct span in) MUST_CHECK;

/* Appends the memo. Fields that its kind does not have are left out. */
void memo_pack(const struct memo *m, struct buf *out);
/* The spans point into `in`. OK; ERR_PROTO: no such kind, not from this sender, not its layout, or a field beyond its
 * range; or a descriptor where none belongs, or none where one does. */
int memo_unpack(struct memo *m, struct span in, enum memo_from from, bool with_fd) MUST_CHECK;

#endif
