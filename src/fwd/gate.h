/* What one login may do with its connection, server side: channels that the client opens, listeners that it asks for,
 * under a policy; and an account of all of it. Not for the login, nor for writing the account down. */
#ifndef ADIT_FWD_GATE_H
#define ADIT_FWD_GATE_H

#include "base/ip.h"
#include "conf/policy.h"
#include "fwd/link.h"

struct gate;
struct lookups;
struct share;

enum { GATE_RESERVE = 64 /* descriptors that channels and listeners leave to everything else */ };

enum gate_kind {
	GATE_DIRECT_TCPIP = 1,
	GATE_DIRECT_STREAMLOCAL,
	GATE_FORWARDED_TCPIP,
	GATE_FORWARDED_STREAMLOCAL,
	GATE_TCPIP_FORWARD, /* listeners */
	GATE_STREAMLOCAL_FORWARD
};

enum gate_how {
	GATE_CLEAN = 1, /* the stream ended in both directions */
	GATE_RESET,	/* the socket here was reset */
	GATE_BROKEN,	/* the client closed the channel without ending the stream */
	GATE_REFUSED,	/* `words` says which rule */
	GATE_FAILED,	/* connecting, binding or memory: `words` says why */
	GATE_DECLINED,	/* the client did not want the channel */
	GATE_IDLE,	/* ChannelTimeout */
	GATE_LOST,	/* the connection ended first */
	GATE_LISTENING, /* a listener began; its end gives a record of its own */
	GATE_CANCELLED	/* a listener, by the client's request */
};

/* One line of the account. Text is safe to show, never NULL, and valid during the call. */
struct gate_record {
	enum gate_kind kind;
	enum gate_how how;
	const char *host; /* as it was asked for; or the path */
	uint32_t port;
	const char *actual; /* connected to, or bound to; "" = it did not come to that */
	uint32_t actual_port;
	const char *from; /* direct: what the client says; forwarded: who connected; "" for listeners */
	uint32_t from_port;
	uint64_t rx_bytes, tx_bytes; /* payload from the client, to the client */
	uint64_t start_ms, end_ms;   /* loop_now() */
	const char *words;	     /* rule or reason, "" where there is none */
};

/* "direct-tcpip", "tcpip-forward" and so on; "closed", "reset", "refused" and so on. */
const char *gate_kind_text(enum gate_kind kind);
const char *gate_how_text(enum gate_how how);

/* The gate must not be freed from within any of them. All but `record` may be NULL. */
struct gate_calls {
	/* At the end of every forwarded connection, at both ends of a listener, and for every refusal. */
	void (*record)(void *user, const struct gate_record *r);
	/* A port below 1024 that the policy grants: `host` is to be bound as struct listen_spec means it. Answered, now
	 * or later, by gate_bound(). NULL: it is bound here, if the system lets us. */
	void (*bind_privileged)(void *user, uint32_t ticket, const char *host, uint16_t port);
	/* Somebody has the port, or with port 0 the path that `host` is (as records show it): can it be freed? Asked
	 * when the policy has a TakeoverListen. Answered, now or later, by gate_retry() or by gate_bound() with
	 * ERR_IN_USE. NULL: it cannot. */
	void (*take_over)(void *user, uint32_t ticket, const char *host, uint16_t port);
	/* Would a connection to this address and port come to this very server? A forward that leads back into it is
	 * guarded: PermitOpen has to name it. NULL: none would. */
	bool (*leads_back)(void *user, const struct ip *a, uint16_t port);
	/* No channel and no listener for UnusedConnectionTimeout; again after as long a time. */
	void (*unused)(void *user);
	/* One line about a listener that has a trouble of its own (no descriptors left). */
	void (*note)(void *user, const char *text);
};

/* After the login. EV_OPEN and EV_GLOBAL of the link come here from now on. The policy is borrowed and outlives the
 * gate, the calls are copied. OK or ERR_NOMEM. */
int gate_new(struct gate **out, struct link *l, const struct policy *policy, const struct gate_calls *calls,
	     void *user) MUST_CHECK;
/* Names are looked up when it is this asker's turn (resolve.h), who outlives the gate; otherwise at once. */
void gate_asks_as(struct gate *g, struct lookups *asker);
/* Counts with those of the same user's other connections (share.h), who outlive the gate. Before anything is asked. */
void gate_shares(struct gate *g, struct share *share);
/* The engine has refused this channel (EV_TURNED_AWAY) before anybody could judge it: makes the record, with the rule.
 */
void gate_turned_away(struct gate *g, const struct event *ev, const char *rule);
/* Before the link. Ends listeners, connects and streams, each with its record. NULL is allowed. */
void gate_free(struct gate *g);

/* The answer to bind_privileged (n > 0: sockets that listen already, the gate's in every case; n = 0: `err` and a
 * sentence say why not) or to take_over (n = 0). A ticket that nobody waits for is let go. */
void gate_bound(struct gate *g, uint32_t ticket, const int *fds, size_t n, int err, const char *words);
/* The answer to take_over: the port or path should be free now. */
void gate_retry(struct gate *g, uint32_t ticket);

struct gate_facts {
	unsigned channels; /* being opened, open, closing */
	unsigned listeners;
	unsigned dials; /* connects under way; further ones wait among the channels */
	uint64_t rx_bytes, tx_bytes;
};
/* Looks at every channel. */
struct gate_facts gate_facts(const struct gate *g);

#endif
