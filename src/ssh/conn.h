/* One SSH connection, client or server, without I/O: bytes and the time go in, bytes and events come out.
 *
 * The engine owns the packet memory and lends it: read the network into conn_rx_room(), let a local socket fill
 * conn_lend(), write what conn_tx_out() points to. Payload is sealed and opened where it lies. Events are pulled with
 * conn_next(), never called back. What the engine cannot decide is a question event, answered by conn_answer().
 * A connection fails once: after that every call is harmless and does nothing. docs/ARCHITECTURE.md has the picture. */
#ifndef ADIT_SSH_CONN_H
#define ADIT_SSH_CONN_H

#include <sys/uio.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "crypto/cipher.h"
#include "crypto/kexalg.h"
#include "crypto/pkey.h"

struct conn;
struct exchange; /* ssh/exchange.h */

/* ---- Birth and death ------------------------------------------------------------------------------------------ */

enum role { ROLE_CLIENT, ROLE_SERVER };

/* Receive windows that several connections together may grant: the limit is the program's, `used` is counted by the
 * engine. Never used > limit, unless the limit was lowered meanwhile. */
struct bank {
	uint64_t limit, used; /* bytes */
	struct bank *whole;   /* what is drawn here is drawn there, too; outlives this one; NULL = none */
};

/* Comma-separated algorithm names, best first; every name must be one that the tables know,
 * and a host key algorithm one that pkey_verify() can do. NULL = our default. */
struct conn_algs {
	const char *kex, *host_key, *cipher, *mac;
	const char *sig_algs; /* server: what server-sig-algs announces; client: unused */
};

struct conn_setup {
	enum role role;
	const struct crypto *crypto;  /* outlives the connection */
	struct pool *pool;	      /* packet memory; outlives the connection */
	uint8_t seed[RNG_SEED];	      /* from the kernel's generator */
	uint64_t now_ms;	      /* any clock that never goes back; the same one as conn_tick() */
	const char *software;	      /* "adit_0.1": printable, no '-' and no space */
	const char *user;	      /* client: whom to log in */
	struct conn_algs algs;	      /* copied */
	uint64_t rekey_bytes;	      /* RekeyLimit; 0 = the cipher's own limit */
	uint64_t rekey_ms;	      /* 0 = no limit by time */
	uint32_t alive_ms;	      /* keepalive after this much silence once logged in; 0 = off */
	uint32_t alive_max;	      /* unanswered ones before the connection fails */
	uint32_t ident_ms;	      /* until the peer's version line; 0 = 60 s, a server 20 s */
	uint32_t login_ms;	      /* everything up to the end of the login; 0 = no limit */
	uint32_t max_channels;	      /* 0 = 10000 */
	uint64_t bank;		      /* receive window that may be out at once; 0 = 128 MiB */
	struct bank *shared_bank;     /* what `bank` is drawn from, too; outlives the connection; NULL = none */
	unsigned rsa_min_bits;	      /* 0 = 1024, OpenSSH's RequiredRSASize */
	const struct span *host_keys; /* server: public blobs of its host keys, copied; EV_SIGN asks for signatures */
	size_t host_key_count;
};

/* Defaults for conn_algs, also what -G prints and what `+`, `-`, `^` edit. `buf` gets a C string. */
const char *conn_default_kex(void);
const char *conn_default_host_key(void);
const char *conn_default_pubkey(void); /* for logging in: not a list of conn_algs */
const char *conn_default_cipher(bool cpu_has_aes);
const char *conn_default_mac(void);

enum { HOST_KEYS_MAX = 32 };

/* The version line is queued at once. OK, ERR_NOMEM, ERR_CRYPTO, ERR_SYNTAX for an unknown algorithm, or ERR_LIMIT for
 * more than HOST_KEYS_MAX host keys. */
int conn_new(struct conn **out, const struct conn_setup *setup) MUST_CHECK;
/* NULL is allowed. Channels are gone without further events. */
void conn_free(struct conn *c);

/* ---- Bytes ---------------------------------------------------------------------------------------------------- */

/* Where the next bytes from the network go: at most `max` pieces, filled in this order; there are never more than two.
 * 0 = do not read now (questions or replies are waiting). Valid until the next call of any conn_ function. */
size_t conn_rx_room(struct conn *c, struct iovec *iov, size_t max);
/* n bytes were put there. Then pull events until conn_next() gives none. */
void conn_rx_done(struct conn *c, size_t n);
/* The network side ended (err = OK: clean end of file; ERR_IO: with the system's words). The connection fails with
 * ERR_CLOSED after the events that whole packets still give. */
void conn_rx_eof(struct conn *c, int err, const char *words);

/* What is to be written now, at most `max` pieces; seals waiting control messages first. 0 = nothing. */
size_t conn_tx_out(struct conn *c, struct iovec *iov, size_t max);
/* The first n bytes of that were written. */
void conn_tx_done(struct conn *c, size_t n);
/* Bytes sealed and not yet taken by conn_tx_done(). */
size_t conn_tx_pending(const struct conn *c);

/* ---- Time ----------------------------------------------------------------------------------------------------- */

/* When conn_tick() must be called at the latest (ms on the caller's clock); UINT64_MAX = never. */
uint64_t conn_deadline(const struct conn *c);
/* Tells the time and ends what is overdue; call it before conn_next(), and when conn_deadline() is there. */
void conn_tick(struct conn *c, uint64_t now_ms);
/* Only tells the time: before anything is given to, or asked of, an engine that nobody had to tick for a while. What is
 * overdue stays so until conn_tick(), because the bytes that prevent it may be on their way in. */
void conn_clock(struct conn *c, uint64_t now_ms);

/* ---- Events --------------------------------------------------------------------------------------------------- */

enum event_kind {
	/* notes */
	EV_IDENT = 1,	/* text = the peer's version line */
	EV_NEGOTIATED,	/* keys are in use (also after each rekey); conn_negotiated() has the names */
	EV_BANNER,	/* text = login banner, as the server sent it */
	EV_DEBUG,	/* text = DEBUG message */
	EV_AUTH_FAILED, /* client: one attempt was refused; methods, partial. A question EV_AUTH follows */
	EV_LOGGED_IN,	/* authentication is over; channels may be opened */
	EV_OPENED,	/* our conn_open() succeeded: chan, user */
	EV_REFUSED,	/* our conn_open() failed: chan (already gone), user, reason, text */
	EV_DATA,	/* chan, user, iov[0..iovs): write it, or keep it, then conn_consumed(). Total in `bytes` */
	EV_ROOM,	/* chan, user: conn_lend() said "window empty" and now there is some */
	EV_EOF,		/* chan, user: the peer will send no more data */
	EV_CLOSED,	/* chan, user: both sides closed; the number is gone. `clean`: the peer sent EOF before CLOSE */
	EV_REPLY,     /* our conn_global() number `ticket` was answered: ok, port, user; text = what the answer said */
	EV_HOST_KEYS, /* client: hostkeys-00@openssh.com; text = packed key blobs */
	EV_ALIVE,     /* conn_probe() has its answer: ok */
	EV_TURNED_AWAY, /* server: a channel that nobody was asked about was refused: text = the type that the client
			   wanted ("session", ...), reason, extra = the words for the client; where they
			   could be read, target */
	/* questions: conn_answer(question, ...) */
	EV_HOST_KEY, /* client: blob, alg. The signature is right; is it the right key? -> yes/no */
	EV_AUTH,     /* client: what to try next? methods (empty = not known yet), partial, sig_algs, ext_known
			-> answer.try */
	EV_SIGN,     /* sign `text` with the key `blob` and algorithm `alg` (client: login; server: key exchange)
			-> answer.data = signature blob; empty = cannot */
	EV_PROMPT,   /* client: keyboard-interactive: text = name, extra = instruction, prompts[]
			-> answer.replies[prompt count]; answer.yes = false gives up this method */
	EV_LOGIN,    /* server: method, login_user; password; publickey: alg (NULL = unknown), alg_name, blob and,
			with has_sig, text = the signed bytes and extra = the signature, not verified yet. The method
			"password change" comes without passwords and is to be denied. `requests` counts those of this
			connection with this one, `queries` those that only asked about a key. The engine itself ends
			it after 128 requests -> verdict, methods */
	EV_OPEN,     /* the peer opens a channel: chan, target -> yes (with answer.user) or no (reason, text) */
	EV_GLOBAL,   /* the peer's global request: global -> yes (port) or no. Answered in order */
	EV_PROVE, /* server: text = packed blobs of host keys that the client wants to see proved, each at most once per
		     connection -> yes and data = as many strings, the signature blobs in this order, each over string
		     "hostkeys-prove-00@openssh.com", string conn_session_id(), string key blob; or no */
	EV_KINDS  /* none of them: the number of kinds */
};

enum global_kind {
	GLOBAL_TCPIP_FORWARD = 1,
	GLOBAL_CANCEL_TCPIP_FORWARD,
	GLOBAL_STREAMLOCAL_FORWARD,
	GLOBAL_CANCEL_STREAMLOCAL_FORWARD,
	GLOBAL_PROVE_HOST_KEYS /* client: hostkeys-prove-00@openssh.com (OpenSSH's PROTOCOL) */
};

enum { PROVE_MAX = 32000 }; /* with its head it fits into the packet that every peer takes (RFC 4253 section 6.1) */

struct global_request {
	enum global_kind kind;
	struct span host; /* bind address as on the wire ("" = all, "localhost", ...), or the socket path */
	uint32_t port;	  /* 0 asks the peer to choose */
	bool want_reply;  /* EV_GLOBAL: the peer will hear the answer. Ours always want one */
	struct span keys; /* GLOBAL_PROVE_HOST_KEYS, and nothing else: packed key blobs, at most PROVE_MAX bytes */
};

enum target_kind {
	TARGET_DIRECT_TCPIP = 1,     /* client -> server */
	TARGET_DIRECT_STREAMLOCAL,   /* client -> server */
	TARGET_FORWARDED_TCPIP,	     /* server -> client */
	TARGET_FORWARDED_STREAMLOCAL /* server -> client */
};

struct target {
	enum target_kind kind;
	struct span host;	 /* host to connect to, listen address, or socket path; never more than 1024 bytes */
	uint32_t port;		 /* 0..65535 */
	struct span origin_host; /* for logs only, after escaping */
	uint32_t origin_port;
};

enum open_reason { OPEN_PROHIBITED = 1, OPEN_CONNECT_FAILED = 2, OPEN_UNKNOWN_TYPE = 3, OPEN_SHORTAGE = 4 };

struct prompt {
	struct span text;
	bool echo;
};

enum { EVENT_IOV_MAX = 32, KBD_PROMPTS_MAX = 32 };

/* Spans are valid until the next conn_next(). Fields that an event does not name are zero. */
struct event {
	enum event_kind kind;
	uint32_t question; /* not 0 in questions */
	uint32_t chan;
	void *user; /* of the channel, or of the conn_global() call */
	size_t bytes;
	struct iovec iov[EVENT_IOV_MAX];
	size_t iovs;
	struct span text, extra, blob;
	const struct sig_alg *alg;
	struct span alg_name; /* EV_LOGIN: as the client wrote it, cut to the 64 bytes of RFC 4251 section 6 */
	struct span methods, sig_algs;
	bool partial, ext_known, ok, clean;
	uint32_t port, ticket;
	enum open_reason reason;
	struct target target;
	struct global_request global;
	struct prompt prompts[KBD_PROMPTS_MAX];
	size_t prompt_count;
	struct span method, login_user, password;
	bool has_sig;
	unsigned requests, queries;
};

/* 1: *ev is the next event. 0: none now. < 0: the connection has failed for good, with this code. */
int conn_next(struct conn *c, struct event *ev);

enum auth_method {
	AUTH_WAIT, /* nothing can be tried before the server said more (RSA without server-sig-algs): ask again
		      after the service was accepted. Legal once */
	AUTH_NONE,
	AUTH_QUERY,	/* publickey: would this key do? If so EV_SIGN follows, else EV_AUTH again */
	AUTH_PUBLICKEY, /* publickey: sign at once (EV_SIGN follows) */
	AUTH_PASSWORD,
	AUTH_KEYBOARD, /* keyboard-interactive: EV_PROMPT follows, perhaps several */
	AUTH_GIVE_UP   /* nothing is left: the connection ends with ERR_AUTH and the text in `data` */
};

enum login_verdict {
	LOGIN_DENY = 0,
	LOGIN_KEY_OK, /* to a request without signature: this key would do */
	LOGIN_PARTIAL,
	LOGIN_GRANT,
	LOGIN_END /* DISCONNECT (reason 14) with the text in `data`, none = "Too many authentication failures"; the
		     connection has failed with ERR_AUTH then, and conn_tx_out() still gives what is queued */
};

/* Spans are copied. */
struct answer {
	bool yes;
	struct span data;
	struct {
		enum auth_method method;
		const struct sig_alg *alg;
		struct span blob, password;
	} try;
	struct span replies[KBD_PROMPTS_MAX];
	enum login_verdict verdict;
	struct span methods;	 /* server: what may continue after LOGIN_DENY or LOGIN_PARTIAL */
	void *user;		 /* EV_OPEN: the channel's user pointer */
	enum open_reason reason; /* EV_OPEN refused */
	uint32_t port;		 /* EV_GLOBAL: the port that was allocated */
};

/* Server, while its EV_SIGN waits for the answer: all that a process which does not trust this one needs to compute the
 * exchange hash itself, by kexhash_of(), and sign that instead of EV_SIGN's text. Spans are valid until the answer.
 * False at any other time, and then nothing is filled in. */
bool conn_exchange(const struct conn *c, struct exchange *x);

/* OK; ERR_NOT_FOUND when the question is gone (its channel or connection ended): not a fault. */
int conn_answer(struct conn *c, uint32_t question, const struct answer *a);

enum { BANNER_MAX = 32000 };

/* Server: text for the person who logs in (RFC 4252 section 5.4), UTF-8 with CR LF or LF; to be sent from the first
 * EV_LOGIN on, before its answer. OK; ERR_LIMIT before that, after the login, or for more than BANNER_MAX bytes;
 * ERR_CLOSED. */
int conn_banner(struct conn *c, struct span text) MUST_CHECK;

enum { DEBUG_TEXT_MAX = 1024 };
/* As always_display of RFC 4253 section 11.3. */
enum debug_display { DEBUG_IF_WANTED = 0, DEBUG_ALWAYS = 1 };
/* After the login: a line for the person at the other end, about what they have asked for (DEBUG; RFC 4253
 * section 11.3). UTF-8, safe to show. It counts as an answer. OK; ERR_LIMIT before the login or for more than
 * DEBUG_TEXT_MAX bytes; ERR_CLOSED. */
int conn_debug(struct conn *c, enum debug_display display, struct span text);

/* Other terms from here on, for a server that knows them only when it knows who has logged in. The numbers mean what
 * they mean in struct conn_setup; channels that are open stay. The bank changes only while there is no channel. */
struct conn_terms {
	uint32_t alive_ms, alive_max, max_channels;
	uint64_t rekey_bytes, rekey_ms;
	struct bank *shared_bank; /* NULL = as before */
};
void conn_set_terms(struct conn *c, const struct conn_terms *t);
/* The first shared bank that has no window left for another channel; NULL = none of them. */
const struct bank *conn_spent_bank(const struct conn *c);
/* Gives the shared banks back what they were drawn for, because they will not outlive the connection after all: only
 * for one that has failed. */
void conn_leave_bank(struct conn *c);

/* Is the peer still there? Asks it at once (keepalive@openssh.com); EV_ALIVE follows: ok when a whole packet came whose
 * end the peer sent after this call, not ok when timeout_ms passed without one, none when the connection fails. Time in
 * which no packet may be opened because we owe an answer does not count. One at a time: a call while one runs is
 * answered with it. OK, ERR_LIMIT (not logged in), ERR_CLOSED. */
int conn_probe(struct conn *c, uint32_t timeout_ms) MUST_CHECK;

/* ---- Channels ------------------------------------------------------------------------------------------------- */

/* Opens a channel; EV_OPENED or EV_REFUSED follows with `user`. Spans are copied. OK, ERR_LIMIT (too many channels, or
 * not logged in), ERR_NOMEM, ERR_CLOSED. */
int conn_open(struct conn *c, const struct target *t, void *user, uint32_t *chan) MUST_CHECK;

/* May channel data be sealed at all now? False while keys are exchanged, the send memory is full, or before login.
 * When it becomes true again, nothing says so: ask after conn_tx_done() and after pulling events. */
bool conn_tx_open(const struct conn *c);

/* Data areas of packets to come for this channel: fill them in order with readv(), at most conn_lend()'s sum, then
 * conn_seal(). `quantum` bytes at the most are lent. 0 = not now: conn_tx_open() is false, or the channel's window is
 * empty (then EV_ROOM follows), or it cannot send any more. One lend at a time. */
size_t conn_lend(struct conn *c, uint32_t chan, size_t quantum, struct iovec *iov, size_t max);
/* n bytes were filled in; seals them. n = 0 gives the loan back. */
void conn_seal(struct conn *c, uint32_t chan, size_t n);

/* n bytes of EV_DATA were passed on: the peer may send as many again. */
void conn_consumed(struct conn *c, uint32_t chan, size_t n);
/* Sends EOF after all sealed data. Idempotent. */
void conn_eof(struct conn *c, uint32_t chan);
/* Sends CLOSE; without conn_eof() before, the peer may know that the stream broke. Data that still arrives is
 * discarded and credited. Idempotent; EV_CLOSED follows when the peer has closed too. A channel that is still opening
 * is abandoned instead: no event for it follows at all. One that EV_OPEN asks about is refused (OPEN_CONNECT_FAILED,
 * without words; say more by answering no), and the question is gone. */
void conn_close(struct conn *c, uint32_t chan);

/* Asks the peer for a listener or its end, or to prove keys; EV_REPLY follows with `user` and the ticket. OK, ERR_LIMIT
 * (not logged in, or more than PROVE_MAX bytes of keys), ERR_NOMEM, ERR_CLOSED. */
int conn_global(struct conn *c, const struct global_request *r, void *user, uint32_t *ticket) MUST_CHECK;

/* ---- Ends and facts ------------------------------------------------------------------------------------------- */

/* Queues DISCONNECT (reason 11) with our text; the connection is then failed with ERR_CLOSED, but conn_tx_out() still
 * gives what is queued. */
void conn_disconnect(struct conn *c, const char *text);

/* Why it failed: code, and one sentence, peers' words escaped. OK and "" while it lives. */
int conn_error(const struct conn *c);
const char *conn_error_text(const struct conn *c);

/* Starts a key exchange now (for tests and for `~R`-like control); nothing when one runs or before login. */
void conn_rekey(struct conn *c);

struct negotiated {
	const char *kex, *host_key;
	const char *cipher_out, *cipher_in, *mac_out, *mac_in; /* mac "implicit" for AEADs */
	bool strict;
	unsigned rekeys; /* key exchanges after the first */
};
void conn_negotiated(const struct conn *c, struct negotiated *out);

struct conn_stats {
	uint64_t rx_bytes, tx_bytes; /* on the wire */
	uint64_t rx_packets, tx_packets;
	uint32_t channels;
	uint64_t window_out; /* receive window that the peer may still fill, all channels */
	size_t memory;	     /* bytes that the engine holds now, packet memory included */
};
void conn_stats(const struct conn *c, struct conn_stats *out);
/* The session identifier (first exchange hash), empty before it exists. */
struct span conn_session_id(const struct conn *c);
/* The server's version line without CR LF, or the client's: the peer's. Not escaped. */
struct span conn_peer_ident(const struct conn *c);

#endif
