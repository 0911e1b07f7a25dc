/* A peer that does not keep to the protocol: the engine under test ("us") talks to a second engine of which only the
 * packet layer and the arithmetic of the key exchange are used. What the peer says, and when, is decided by the test;
 * what we say is understood, so that keys follow, and kept. The clock is a number and stands still unless moved. */
#ifndef ADIT_TESTS_SIM_EVIL_H
#define ADIT_TESTS_SIM_EVIL_H

#include "ssh/engine.h"

/* How far a connection has come, seen from us. Each state is reached through all that stand before it. */
enum evil_state {
	AT_IDENT,	  /* nothing came yet */
	AT_VERSION,	  /* the version line came; KEXINIT is next */
	AT_KEX,		  /* KEXINIT came; ECDH_INIT or ECDH_REPLY is next */
	AT_NEWKEYS,	  /* NEWKEYS is next */
	AT_SERVICE,	  /* keys are in use; SERVICE_REQUEST or SERVICE_ACCEPT is next */
	AT_AUTH,	  /* client: a login request is out; server: it waits for one */
	AT_OPEN,	  /* logged in */
	AT_REKEY_SENT,	  /* our KEXINIT for new keys is out, theirs has not come */
	AT_REKEY,	  /* as AT_KEX, for new keys */
	AT_REKEY_NEWKEYS, /* as AT_NEWKEYS, for new keys */
	EVIL_STATES
};

/* How the application on our side answers. */
enum evil_policy { SAY_YES, SAY_NO, SAY_NOTHING };

struct evil_setup {
	enum role role;		  /* ours */
	struct conn_setup limits; /* what is not zero in it; keys, names and memory are filled in */
	bool lax;		  /* the peer does not know strict key exchange */
	const char *software;	  /* the peer's; NULL = "evil" */
	enum auth_method try;	  /* client: what it logs in with; 0 = AUTH_PASSWORD */
	enum evil_policy host_key, login, open, global;
	enum evil_policy sign; /* SAY_NO: cannot sign */
};

struct evil {
	struct evil_setup setup;
	enum evil_state next; /* the first state that was not reached yet */
	uint64_t now_ms;
	struct conn *us, *peer;
	struct buf wire;	   /* from the peer, not read by us yet */
	struct buf said;	   /* our messages since evil_mark(): uint32 length, payload */
	struct buf line;	   /* our version line */
	struct buf guess;	   /* our ECDH_INIT that came before the peer made its offer */
	bool void_next;		   /* our next ECDH_INIT was a wrong guess */
	bool deaf;		   /* the peer does not read */
	size_t reads;		   /* bytes that it reads in a turn; 0 = all */
	bool hoard;		   /* data is not consumed */
	bool swapped;		   /* our NEWKEYS of this exchange came */
	struct pkey *signer;	   /* the host key that the peer, as a server, signs with */
	unsigned events[EV_KINDS]; /* how often each came since evil_mark() */
	struct event last;	   /* the last one; its spans are not valid any more, but for what was copied: */
	struct buf text;
	uint32_t question; /* of the last question of a policy that nobody answered */
	uint64_t got;	   /* bytes of EV_DATA */
};

/* For the whole program; 0 = good. */
int evil_begin(void);
void evil_end(void);
extern const struct crypto *evil_crypto;
extern struct pkey *evil_host_key, *evil_other_key, *evil_user_key;

void evil_init(struct evil *e, const struct evil_setup *setup);
void evil_fini(struct evil *e);
/* Goes on from the state that was reached before. */
void evil_reach(struct evil *e, enum evil_state state);

/* ---- what the peer does ---- */

/* Bytes without any packet around them. */
void evil_raw(struct evil *e, struct span bytes);
/* One message, as the keys of the moment want it. */
void evil_send(struct evil *e, struct span payload);
/* The same from a format: b byte, u uint32, s C string with length, S struct span with length, r struct span as it is.
 */
void evil_say(struct evil *e, const char *format, ...);
struct span evil_build(struct buf *out, const char *format, ...);
/* A sealed packet, not sent; with `queue`d ones several travel in one segment. */
void evil_seal(struct evil *e, struct span payload, struct buf *out);
void evil_queue(struct evil *e, struct span payload);
/* A packet whose length and padding fields say what they are told, around `body` (payload and padding together), sealed
 * with the keys of the moment. */
void evil_frame(struct evil *e, uint32_t length, uint8_t padding, struct span body, struct buf *out);

/* KEXINIT; NULL in a list = as usual. */
struct offer {
	const char *list[10];
	bool follows;
	uint32_t reserved;
};
void evil_offer(struct evil *e, const struct offer *o);
void evil_offer_payload(struct evil *e, const struct offer *o, struct buf *out);
/* ECDH_INIT as a client, ECDH_REPLY as a server. */
void evil_ecdh(struct evil *e);
void evil_newkeys(struct evil *e);
/* A whole exchange, begun by the peer or answering ours. */
void evil_rekey(struct evil *e);

/* ---- what happens on our side ---- */

/* Until nothing moves any more. */
void evil_run(struct evil *e);
/* Lets time pass, in steps to each deadline of ours. */
void evil_wait(struct evil *e, uint64_t ms);
void evil_answer(struct evil *e, bool yes);
/* Forgets messages and events that came so far. */
void evil_mark(struct evil *e);
/* How many messages of this type we sent since then; 0 counts all. The n-th of them (from 0), empty if there is none.
 */
size_t evil_count(const struct evil *e, uint8_t type);
struct span evil_said(const struct evil *e, uint8_t type, size_t n);
/* Bytes of memory that we hold. */
size_t evil_memory(const struct evil *e);
/* We have failed with this code, said so with a DISCONNECT for this reason (0 = without one), and do nothing more
 * whatever comes. */
void evil_dead(struct evil *e, int err, uint8_t reason);

/* ---- channels ---- */

/* The peer opens a channel to us, which we accept; returns our number. Its own number is `id`. */
uint32_t evil_open(struct evil *e, uint32_t id, uint32_t window, uint32_t packet);
void evil_put_open(struct evil *e, struct buf *out, uint32_t id, uint32_t window, uint32_t packet);
/* We open one; the peer has not answered yet. */
uint32_t evil_opening(struct evil *e);

/* ---- rows of a table: one test for each, and for each role ---- */

enum { OURS_CLIENT = 1, OURS_SERVER = 2, OURS_BOTH = 3 };
enum { SAYS_NOTHING = 0, SAYS_ANYTHING = 255 };

struct evil_row {
	const char *name;
	unsigned ours; /* our roles */
	enum evil_state state;
	struct span bytes;	      /* a message that the peer sends in that state, at AT_IDENT bytes, or */
	void (*play)(struct evil *e); /* what happens then */
	int err;		      /* how it must end: our failure, or OK */
	uint8_t reason;		      /* the DISCONNECT that tells the peer, 0 = none */
	uint8_t says;		      /* if it does not fail: the one message that we answer with */
	struct evil_setup setup;
};

#define BYTES(s)                                    \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

/* Runs rows and returns the number of failed ones. */
int evil_rows(const char *group, const struct evil_row *rows, size_t n);

#endif
