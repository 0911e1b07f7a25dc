/* One run of adit: what its parts share. client.c goes from connecting to the end; hostkey.c decides about the server's
 * key, login.c about logging in, tunnels.c about the forwards. */
#ifndef ADIT_APP_CLIENT_H
#define ADIT_APP_CLIENT_H

#include "app/cmdline.h"
#include "app/identity.h"
#include "base/pool.h"
#include "conf/client_conf.h"
#include "conf/known_hosts.h"
#include "fwd/forwards.h"
#include "fwd/link.h"
#include "io/agentsock.h"
#include "io/dial.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/prompt.h"

/* Where the login stands. Zero with login_init() is the beginning. */
struct login {
	struct identities ids;
	bool prepared;		  /* the files and the agent were asked for their keys */
	struct agentsock *agent;  /* NULL = none */
	uint32_t question;	  /* the EV_AUTH or EV_SIGN that waits for the agent */
	struct identity *current; /* of the publickey request that is out */
	const struct sig_alg *alg;
	struct buf methods;  /* that the server takes, comma list; empty = not known yet */
	struct buf sig_algs; /* server-sig-algs */
	bool ext_known;
	bool waited, none_tried;
	int passwords, dialogues;     /* prompts so far */
	bool no_passwords;	      /* the host key is not to be trusted with one */
	char secret[PROMPT_MAX];      /* a password, until it was handed over */
	struct buf host_key, kex_sig; /* tell a restricted agent key where we are going */
};

/* Where learning further host keys stands (UpdateHostKeys). */
struct learn {
	bool may;	 /* the host key is the user's own knowledge of this host: others may stand beside it */
	bool heard;	 /* the server has listed its keys: only the first list counts */
	bool waiting;	 /* for the proof that it has the private halves */
	struct buf keys; /* packed blobs that are new to us */
	struct owner owner;
};

struct client {
	struct client_conf *conf;
	const struct cmdline *cmd;
	const struct crypto *crypto;
	struct log *log;
	struct loop *loop;
	struct pool pool;
	struct dial *dial;
	struct timer *retry;
	int attempts;
	struct addr peer; /* the server's address */
	struct link *link;
	struct login login;
	struct learn learn;
	struct forwards *forwards;
	bool logged_in, started, ready, stopping;
	void (*on_ready)(void *user); /* all forwards stand: called once */
	void *ready_user;
	int exit_code;
};

/* Connects, logs in, forwards until the end; returns the exit code. Everything was configured before. */
int client_run(struct client *c);
/* Ends the run with this sentence on stderr (level error) and CMD_EXIT_FAILURE. May be called from any callback. */
void client_fail(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- hostkey.c ---- */

/* The host key algorithms to offer: those for which known_hosts has keys come first, unless the user gave a list.
 * Appends a C string (with NUL). OK or an error with a sentence. */
int hostkey_algorithms(struct client *c, struct buf *out, struct why *why) MUST_CHECK;
/* Answers EV_HOST_KEY, after asking the person where that is the rule. */
void hostkey_decide(struct client *c, const struct event *ev);
/* What RevokedHostKeys and known_hosts say of a key. OK (then look at v->status) or an error with a sentence: the key
 * is revoked, or it is not known whether it is. */
int hostkey_look_up(const struct client *c, struct span blob, struct kh_verdict *v, struct why *why) MUST_CHECK;
/* Adds a key of the server to the first of the user's files. OK, ERR_NOT_FOUND (there is no file), or kh_append()'s. */
int hostkey_store(const struct client *c, struct span blob, struct why *why) MUST_CHECK;

/* ---- learn.c ---- */

void learn_init(struct learn *l);
/* Before link_free(). */
void learn_fini(struct learn *l);
/* EV_HOST_KEYS. */
void learn_event(struct client *c, const struct event *ev);

/* ---- login.c ---- */

void login_init(struct login *l);
void login_fini(struct login *l);
/* EV_AUTH, EV_AUTH_FAILED, EV_SIGN, EV_PROMPT and EV_BANNER. */
void login_event(struct client *c, const struct event *ev);

/* ---- tunnels.c ---- */

/* Starts every forward of the configuration; client.ready when they stand. */
void tunnels_start(struct client *c);

#endif
