/* The inside of a connection: shared by the files of ssh/ and by nobody else. conn.h is the outside. */
#ifndef ADIT_SSH_ENGINE_H
#define ADIT_SSH_ENGINE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/rd.h"
#include "base/slots.h"
#include "base/str.h"
#include "ssh/conn.h"
#include "ssh/msg.h"

/* Where the connection is in its life. The state of a key exchange is another matter (struct kex). */
enum life {
	LIFE_IDENT = 1, /* version lines */
	LIFE_KEX = 2,	/* the first key exchange, until both NEWKEYS */
	LIFE_AUTH = 4,	/* service request and login */
	LIFE_OPEN = 8	/* channels */
};

enum { TX_CHUNKS = 16, HEADER = 14 /* len4 pad1 94 chan4 dlen4 */, PAD_MAX = 32 };

/* ---- Sending: a queue of chunks that hold finished packets (tx.c) ---- */

struct tx_chunk {
	uint8_t *mem;
	uint32_t start, end; /* sealed and unsent bytes */
};

struct loan { /* between conn_lend() and conn_seal() */
	uint32_t chan;
	size_t lent;   /* bytes; 0 = no loan */
	size_t packet; /* data bytes of a full slot */
};

struct tx {
	struct tx_chunk chunk[TX_CHUNKS]; /* chunk[0] is sent next, chunk[chunks - 1] is filled */
	size_t chunks;
	size_t pending; /* bytes in all of them */
	struct cipher *cipher;
	uint32_t seq;
	uint64_t key_bytes, key_packets; /* under this key */
	uint64_t bytes, packets;
	struct loan loan;
	struct buf control; /* waiting messages: uint32 length, payload */
	size_t replies;	    /* of them: bytes that the peer made us queue since the last flush */
	size_t reply_count;
	size_t courtesies;    /* confirmations and closes among it, for which channels pay while they live */
	uint64_t replies_end; /* position in the stream (see bytes) behind the last of them that was sealed */
	uint64_t progress_ms; /* when bytes last left, or began to wait */
};

/* ---- Receiving: one buffer, packets opened where they lie (rx.c) ---- */

struct rx {
	uint8_t *mem;
	size_t cap, start, end; /* unread bytes are mem[start..end), */
	size_t wrap;		/* and after those mem[0..wrap) */
	size_t goal;		/* what is read next fills mem from end up to here, and then the front */
	size_t largest;		/* packet so far, in bytes on the wire */
	bool pooled;		/* mem is a pool chunk, not the small buffer for strangers, nor a parked packet */
	uint64_t pooled_ms;	/* since then */
	uint32_t length;	/* packet_length of the packet at start; 0 = not looked at yet */
	struct cipher *cipher;
	uint32_t seq; /* of the next packet */
	uint64_t key_bytes, key_packets;
	uint64_t bytes, packets;
	struct span held; /* an opened packet that waits for its turn; n = 0: none */
	bool ended;	  /* the network side gave its last byte */
	int end_err;
	char *end_words;   /* escaped; NULL = none */
	uint64_t last_ms;  /* when authenticated bytes last came */
	uint64_t cheap_ms; /* begin of the second that `cheap` counts */
	uint32_t cheap;	   /* messages without payload in it */
	bool choked;	   /* packets wait because too many replies did */
	uint64_t pause_ms; /* open no packet before this time */
};

/* ---- Key exchange (kex.c, propose.c) ---- */

struct suite { /* the result of one negotiation */
	const struct kex_alg *kex;
	const struct sig_alg *host_key;
	const struct cipher_alg *cipher[2]; /* [0] client to server, [1] server to client */
	const struct mac_alg *mac[2];
	bool servers_best; /* what was chosen stands first in both of the server's lists: a guess would be right */
	bool wrong_guess;  /* the peer's first_kex_packet_follows is to be skipped */
	bool ext_info, strict;
};

struct kex {
	bool sent_init, got_init; /* an exchange runs when one is true */
	bool newkeys_sent, newkeys_got;
	bool skip_next;	       /* the packet of a wrong guess */
	bool guessed;	       /* client: our KEX_ECDH_INIT went out with KEXINIT */
	bool awaiting;	       /* client: REPLY, server: INIT is the next message */
	bool first;	       /* it is the first exchange */
	bool strict, ext_info; /* frozen by the first exchange */
	struct suite suite;
	struct suite used; /* what the running keys were made with */
	struct buf our_init, peer_init;
	struct buf secret; /* K in its encoding */
	struct buf hash;   /* H */
	struct buf share;  /* the client's */
	struct buf reply;  /* server: KEX_ECDH_REPLY up to the signature, while that is made */
	struct kex_key *key;
	struct cipher *next_rx;		 /* goes live with the peer's NEWKEYS */
	struct buf session_id, host_key; /* of the first exchange */
	uint64_t started_ms, done_ms;
	uint64_t bytes_at_done; /* wire bytes when the last exchange ended */
	unsigned rekeys;
	double tokens; /* for peers that exchange keys all the time */
};

/* ---- Logging in (auth_client.c, auth_server.c) ---- */

enum auth_state {
	AUTH_START,
	AUTH_ASK,     /* client: the question EV_AUTH is due */
	AUTH_ASKED,   /* client: EV_AUTH is out; server: EV_LOGIN is out */
	AUTH_WAITING, /* client: for SERVICE_ACCEPT before the next try */
	AUTH_SENT,    /* client: a request is out */
	AUTH_SIGN,    /* client: the question EV_SIGN is due */
	AUTH_SIGNING, /* client: EV_SIGN is out */
	AUTH_PROMPTED /* client: EV_PROMPT is out */
};

struct auth {
	enum auth_state state;
	bool service_accepted;	 /* server: ssh-userauth was requested */
	bool ext_known;		 /* EXT_INFO came, or can no longer come */
	bool waited;		 /* AUTH_WAIT was used */
	enum auth_method method; /* client: of the request that is out */
	const struct sig_alg *alg;
	struct buf blob, request; /* client: key of the request; signed part */
	struct buf methods, sig_algs, user;
	bool partial, failed;
	unsigned ext_infos, banners, requests, queries;
	uint32_t prompts; /* of the INFO_REQUEST that is out */
};

/* ---- Channels (chan.c, chan_open.c, chan_end.c) and global requests (global.c) ---- */

enum chan_state { CHAN_OPENING = 1, CHAN_ASKED, CHAN_OPEN };

struct chan {
	uint32_t id, peer_id;
	enum chan_state state;
	bool eof_sent, eof_got, close_sent;
	bool wants_room; /* conn_lend() found the window empty */
	bool abandoned;	 /* given up while it was opening: closed when confirmed, and nobody is told */
	void *user;
	uint32_t tx_window, tx_packet;
	uint32_t rx_window; /* the peer may still send this much */
	uint32_t rx_size;   /* rx_window when nothing is on the way; charged to the bank */
	uint32_t rx_owed;   /* consumed and not given back yet */
	uint32_t question;
	uint64_t since_ms; /* of CHAN_OPENING, and of close_sent */
	struct list room;  /* in conn.rooms: EV_ROOM is due */
	struct list owed;  /* in conn.owed: WINDOW_ADJUST is due */
	struct list timed; /* in conn.opening, conn.asked or conn.closing, oldest first */
};

struct our_global {
	struct list node;
	struct buf message;
	void *user;
	uint32_t ticket;
	bool keepalive, port_wanted, given_up;
	uint64_t sent_ms;
};

struct peer_global {
	struct list node;
	uint32_t question;
	bool answered, ok, port_wanted, want_reply;
	bool prove; /* hostkeys-prove-00@openssh.com: the answer is `proof` */
	uint32_t port;
	struct buf proof;
};

/* The lists of a proposal, as conn.algs has them. */
enum { LIST_KEX, LIST_HOST_KEY, LIST_CIPHER, LIST_MAC, LISTS };

/* Where a peer's software differs from the RFCs, or wants care; found by its version line (ident.c). */
enum quirk {
	QUIRK_TALKS_IN_KEX = 1, /* channel messages come between its KEXINIT and its NEWKEYS */
	QUIRK_NO_EOF = 2,	/* after our EOF, CLOSE alone may be the end of a stream that ended well */
	QUIRK_NO_HOST_KEYS = 4, /* hostkeys-00@openssh.com is too much for it */
};

struct conn {
	enum role role;
	enum life life;
	int err;
	char *why; /* of err; NULL while it lives, and when there was no memory for it */
	uint64_t now_ms, born_ms;
	const struct crypto *crypto;
	struct pool *pool;
	struct rng rng;
	struct conn_setup setup; /* pointers in it are not used after conn_new() */
	struct buf algs[LISTS];
	struct buf sig_algs; /* server: announced */
	struct buf user;
	struct buf host_keys; /* server: packed public blobs */
	uint32_t proved;      /* server: those of them (bit 0 is the first) that the client had proved */
	bool no_sessions;     /* server: the client wants no session opened in its name */
	struct buf our_ident, peer_ident;
	unsigned ident_lines;
	size_t ident_bytes;
	unsigned quirks; /* enum quirk, of the peer's software */

	struct tx tx;
	struct rx rx;
	struct kex kex;
	struct auth auth;

	uint32_t questions; /* the last number given out */
	uint32_t blocking;  /* the question that stops everything else, or 0 */
	enum event_kind blocking_kind;

	struct slots chans;
	uint64_t bank_used;
	uint32_t chan_high; /* one more than the greatest channel number that was ever used */
	struct list rooms, owed, opening, asked, closing;

	struct list globals_waiting, globals_sent; /* ours */
	size_t globals_out;
	uint32_t tickets;
	struct list peer_globals; /* theirs, in order */
	size_t peer_global_count;
	unsigned alive_missed;
	uint64_t probe_end_ms; /* a probe runs until then; 0 = none */
	uint64_t probe_from;   /* bytes that had come when it was sent */
};

/* ---- conn.c, conn_time.c ---- */

/* Packets wait: too many answers do, to us or from us. */
bool conn_choked(const struct conn *c);
/* Neither that, nor a question, nor a pause: whole packets are opened. */
bool conn_may_open(const struct conn *c);

/* Ends the connection with a code and a sentence and queues DISCONNECT where it makes sense; returns err. Later calls
 * change nothing. */
int conn_fail(struct conn *c, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A new question number; a blocking one stops the opening of packets until it is answered. */
uint32_t question_new(struct conn *c);
void question_block(struct conn *c, struct event *ev);
/* Counts a message that carries nothing, so that a flood of them is read slowly. */
void count_cheap(struct conn *c);

/* Emits EV_ALIVE when a probe has its answer, or has waited long enough. To be asked when no packet is left. */
bool probe_event(struct conn *c, struct event *ev);
/* Ends the connection as conn_fail() does, with a DISCONNECT that carries the text. */
void conn_end(struct conn *c, int err, const char *text);

/* ---- tx.c ---- */

/* Seals one message now. */
int tx_now(struct conn *c, struct span payload);
/* Queues a control message; it is sealed before the next data, or after the key exchange. */
int tx_control(struct conn *c, struct span payload);
/* The same for an answer that the peer made us give: charged to the reply budget. */
int tx_reply(struct conn *c, struct span payload);
/* The same for what belongs to a channel: only more than the channels could cause at once is too much. */
int tx_courtesy(struct conn *c, struct span payload);
/* Sends a message that was built in a buffer, by one of the three above, and frees the buffer in any case. */
int tx_built(struct conn *c, struct buf *message, int (*send)(struct conn *c, struct span payload));
/* Seals what waits, where the key exchange allows it. */
int tx_flush_control(struct conn *c);
/* Too many answers wait: open no more packets. */
bool tx_choked(const struct conn *c);
void tx_fini(struct conn *c);
void tx_rekey(struct conn *c, struct cipher *next, bool reset_seq);
/* Room behind the last packet for one of `n` bytes on the wire: a chunk with space, or NULL. */
struct tx_chunk *tx_room(struct conn *c, size_t n, size_t max_chunks);
/* Nothing was put there: the chunk goes back when it is empty, so that an idle connection holds none. */
void tx_room_unused(struct conn *c);
/* Bytes on the wire for a payload. */
size_t tx_wire_size(const struct conn *c, size_t payload, size_t *padding);
/* Writes length and padding around a payload that is in place at pkt + 5, seals, and counts it. */
int tx_seal(struct conn *c, struct tx_chunk *k, uint8_t *pkt, size_t payload);

/* ---- rx.c ---- */

/* 1: *payload is the next packet's; 0: not whole yet; < 0 failed. */
int rx_packet(struct conn *c, struct span *payload);
void rx_fini(struct conn *c);
void rx_rekey(struct conn *c, struct cipher *next, bool reset_seq);
/* Gives the buffer back when nothing is in it, or soon when it is less than a packet. */
void rx_idle(struct conn *c);
/* Bytes that came and belong to no opened packet yet. */
size_t rx_unread(const struct conn *c);
uint64_t rx_deadline(const struct conn *c);

/* ---- ident.c ---- */
int ident_read(struct conn *c, struct event *ev);
/* Queues our version line. */
int ident_write(struct conn *c, const char *software);

/* ---- propose.c ---- */
int propose_check(const char *names, int which);
int propose_write(struct conn *c, struct buf *out, bool guess);
int propose_choose(struct conn *c, struct suite *out);

/* ---- kex.c ---- */
int kex_start(struct conn *c);
/* Starts one when a limit of the running keys was reached. */
int kex_consider(struct conn *c);
bool kex_running(const struct conn *c);
/* The peer guessed another method (RFC 4253 section 7): is this the packet, the only one, that is void for it? */
bool kex_skips(struct conn *c, uint8_t type);
/* Between our KEXINIT and our NEWKEYS nothing but key exchange may be sent. */
bool kex_holds_tx(const struct conn *c);
/* Between the peer's KEXINIT and its NEWKEYS. */
bool kex_holds_rx(const struct conn *c);
uint64_t kex_deadline(const struct conn *c);
int kex_host_key_answer(struct conn *c, const struct answer *a);
int kex_sign_answer(struct conn *c, const struct answer *a);
void kex_fini(struct conn *c);
int on_kexinit(struct conn *c, struct rd *in, struct event *ev);
int on_kex_ecdh_init(struct conn *c, struct rd *in, struct event *ev);
int on_kex_ecdh_reply(struct conn *c, struct rd *in, struct event *ev);
int on_newkeys(struct conn *c, struct rd *in, struct event *ev);

/* ---- transport.c ---- */
int on_disconnect(struct conn *c, struct rd *in, struct event *ev);
int on_ignore(struct conn *c, struct rd *in, struct event *ev);
int on_unimplemented(struct conn *c, struct rd *in, struct event *ev);
int on_debug(struct conn *c, struct rd *in, struct event *ev);
int on_ext_info(struct conn *c, struct rd *in, struct event *ev);
int on_ping(struct conn *c, struct rd *in, struct event *ev);
int send_ext_info(struct conn *c);

/* ---- auth_client.c, auth_server.c ---- */
int auth_begin(struct conn *c);			      /* client: after the first NEWKEYS was sent */
bool auth_question(struct conn *c, struct event *ev); /* client: emits EV_AUTH or EV_SIGN when it is due */
int auth_try_answer(struct conn *c, const struct answer *a);
int auth_sign_answer(struct conn *c, const struct answer *a);
int auth_prompt_answer(struct conn *c, const struct answer *a);
int auth_login_answer(struct conn *c, const struct answer *a);
void auth_fini(struct conn *c);
int on_service_request(struct conn *c, struct rd *in, struct event *ev);
int on_service_accept(struct conn *c, struct rd *in, struct event *ev);
int on_userauth_request(struct conn *c, struct rd *in, struct event *ev);
int on_userauth_failure(struct conn *c, struct rd *in, struct event *ev);
int on_userauth_success(struct conn *c, struct rd *in, struct event *ev);
int on_userauth_banner(struct conn *c, struct rd *in, struct event *ev);
int on_userauth_60(struct conn *c, struct rd *in, struct event *ev);

/* ---- bank.c ---- */
/* The first window of a channel, drawn from the banks. OK, or ERR_LIMIT: a shared one is empty. */
int bank_open(struct conn *c, uint32_t *window) MUST_CHECK;
/* How much a window of this size may grow by now, drawn from the banks; perhaps 0. */
uint32_t bank_grow(struct conn *c, uint32_t size);
void bank_give_back(struct conn *c, uint64_t n);

/* ---- chan*.c ---- */
struct chan *chan_find(struct conn *c, uint32_t id);
int chan_new(struct conn *c, struct chan **out);
void chan_free(struct conn *c, struct chan *ch);
uint32_t chan_packet_max(const struct conn *c);
uint64_t chan_deadline(const struct conn *c);
/* Fails the connection when a CLOSE was never answered; emits EV_REFUSED for an open that was never answered. */
bool chan_tick(struct conn *c, struct event *ev);
/* A number that was in use once and is free now. */
bool chan_gone(const struct conn *c, uint32_t id);
int chan_send_owed(struct conn *c);
int chan_open_answer(struct conn *c, struct chan *ch, const struct answer *a);
struct chan *chan_by_question(struct conn *c, uint32_t question);
int on_channel_open(struct conn *c, struct rd *in, struct event *ev);
int on_open_confirmation(struct conn *c, struct rd *in, struct event *ev);
int on_open_failure(struct conn *c, struct rd *in, struct event *ev);
int on_window_adjust(struct conn *c, struct rd *in, struct event *ev);
int on_channel_data(struct conn *c, struct rd *in, struct event *ev);
int on_extended_data(struct conn *c, struct rd *in, struct event *ev);
int on_channel_eof(struct conn *c, struct rd *in, struct event *ev);
int on_channel_close(struct conn *c, struct rd *in, struct event *ev);
int on_channel_request(struct conn *c, struct rd *in, struct event *ev);
int on_channel_reply(struct conn *c, struct rd *in, struct event *ev);

/* ---- global.c, global_peer.c ---- */
const char *global_name(enum global_kind kind); /* on the wire */
bool global_has_port(enum global_kind kind);	/* after the address */
void global_peer_fini(struct conn *c);
int global_keepalive(struct conn *c);
/* So many of the peer's requests wait for an answer that no more packets are opened. */
bool global_choked(const struct conn *c);
int global_answer(struct conn *c, struct peer_global *g, const struct answer *a);
struct peer_global *global_by_question(struct conn *c, uint32_t question);
bool global_tick(struct conn *c, struct event *ev); /* emits EV_REPLY for a request that was never answered */
uint64_t global_deadline(const struct conn *c);
void global_fini(struct conn *c);
int on_global_request(struct conn *c, struct rd *in, struct event *ev);
int on_request_success(struct conn *c, struct rd *in, struct event *ev);
int on_request_failure(struct conn *c, struct rd *in, struct event *ev);

/* ---- hostkeys.c: server ---- */
/* The public blob for an algorithm; empty when there is none. */
struct span hostkeys_for(const struct conn *c, const struct sig_alg *alg);
/* hostkeys-00@openssh.com */
int hostkeys_tell(struct conn *c);
/* May these packed blobs be proved? All must be ours, and none asked for before; they count as asked for then. */
bool hostkeys_may_prove(struct conn *c, struct span packed);

/* ---- rules.c ---- */
int dispatch(struct conn *c, struct span payload, struct event *ev);

#endif
