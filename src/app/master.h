/* The master of aditd: binds, accepts, counts strangers, starts and restarts the others. Parses nothing that comes from
 * the network. master.c is the process and what the others tell it, children.c are the others, accept.c the doors. */
#ifndef ADIT_APP_MASTER_H
#define ADIT_APP_MASTER_H

#include "app/admission.h"
#include "app/records.h"
#include "app/peers.h"
#include "app/self.h"
#include "app/server.h"
#include "app/takeover.h"
#include "conf/server_conf.h"
#include "io/activation.h"
#include "io/ipc.h"
#include "io/log.h"
#include "io/loop.h"
#include "io/notify.h"

struct master;
struct generation;

enum child_kind { CHILD_GUARD, CHILD_WORKER };

/* Another process. In peers.h a worker's is called worker_slot. */
struct worker_slot {
	struct generation *gen;
	enum child_kind kind;
	unsigned number; /* 0 is the guard */
	pid_t pid;	 /* 0: none runs */
	struct ipc *ipc; /* NULL: none runs, or it has broken off */
	bool ready;
	bool violated;	     /* it broke the format between processes, and is being ended for it */
	unsigned load;	     /* connections that a worker has */
	uint64_t born_ms;    /* of the process */
	unsigned failures;   /* deaths soon after birth, one after the other */
	struct timer *again; /* starts the next one */
};

/* The guard and the workers that live by one reading of the configuration. A reload starts a new one; the old one
 * serves what it has. */
struct generation {
	struct list node;
	struct master *master;
	unsigned number;
	struct server_text *text;
	struct server_conf conf; /* outside of every Match */
	struct buf host_keys;	 /* public blobs, packed, as the guard has said them */
	struct worker_slot guard, *workers;
	unsigned worker_count, ready_count;
	bool serving, draining;
	bool failed; /* it never served; freed at the end of the turn */
};

struct door {
	int fd;
	struct watch *watch;
	char host[256]; /* as the configuration says it */
	uint16_t port;
	int family; /* the same */
	bool wanted, fresh;
};

struct master {
	struct loop *loop;
	const struct crypto *crypto;
	struct log *log;
	struct audit *audit;
	struct records records;
	struct server_facts *facts;
	const struct server_flags *flags;
	struct admission *admission;
	struct peers *peers;
	struct takeovers takeovers;
	struct list generations; /* the newest last */
	unsigned generation_count;
	struct door doors[DOORS_MAX];
	size_t door_count;
	struct timer *pause;	/* after accept() found no descriptor */
	struct timer *deadline; /* of the drain at the end */
	bool paused, stopping;
	bool short_of;		       /* of descriptors: that was said, and nothing was accepted since */
	bool reload_again;	       /* when the generation that is being started serves, or has failed */
	const struct activated *given; /* listening sockets from the service manager */
	size_t given_n;
	bool passed;		 /* they are the doors */
	struct program *program; /* aditd.c's */
	const struct notify *notify;
	int exit_code;
};

/* ---- children.c ---- */

/* Starts the guard of a new generation, which starts the rest; generation_serves() or generation_fails() follows. The
 * text is taken over in any case. OK, or an error with a sentence. */
int generation_start(struct master *m, struct server_text *text, struct server_conf *conf, struct why *why) MUST_CHECK;
/* Those that serve no more connections get no new ones and end when the last is over. */
void generation_drain(struct generation *g, bool now);
/* Hands a file that was opened anew to every child. */
void children_switch_log(struct master *m, enum server_log which, const struct sink *fresh);
/* Kills what still runs. */
void generation_kill(const struct generation *g);
/* The same, and frees. */
void generation_free(struct generation *g);
/* The newest that serves; NULL = none yet. */
struct generation *generation_now(const struct master *m);
/* The worker with the fewest connections; NULL when none is ready. */
struct worker_slot *generation_pick(const struct generation *g);
/* It is not to be trusted any more: says so and kills it. */
void child_violates(struct worker_slot *c, const char *what);
/* A child stands. */
void child_ready(struct worker_slot *c, const struct memo *memo);
/* Children have ended: restarts them, or gives up. */
void children_reap(struct master *m);
/* No worker of it runs any more. */
bool generation_over(const struct generation *g);
/* Sends; what cannot be sent ends the child. */
void child_tell(struct worker_slot *c, const struct memo *memo, int fd);

/* ---- master.c ---- */

/* From the first generation to the end of the last one; takes text and conf over. The exit code. */
int master_run(struct master *m, struct server_text *text, struct server_conf *conf);
/* A child says something. */
void master_hears(struct worker_slot *c, const struct memo *memo);
/* The connections of a dead worker are over. */
void master_lost_worker(struct worker_slot *c);
void generation_serves(struct generation *g);
void generation_fails(struct generation *g, const char *why);
/* Opens logs anew, for a reload: files may have been moved away meanwhile. aditd.c's. */
int server_reopen(struct master *m, const struct server_conf *conf, struct why *why) MUST_CHECK;
/* The first generation serves: aditd.c's. */
void server_is_ready(struct master *m);
/* Every generation and connection is gone. */
void master_check_end(struct master *m);

/* ---- accept.c ---- */

/* Opens the doors that this configuration wants and that are not open yet: all of them, or an error and no change. */
int doors_open(struct master *m, const struct server_conf *conf, struct why *why) MUST_CHECK;
/* Closes those that nobody wants any more, and says which stand. */
void doors_settle(struct master *m);
/* The configuration that they were opened for does not come: closes what it would have added. */
void doors_undo(struct master *m);
void doors_close(struct master *m);
/* Where they lead to: those that the newest reading of the configuration wants. */
void doors_self(const struct master *m, struct self *out);
/* Listening sockets from the service manager, which are the master's in every case; the configuration's addresses do
 * not count then. */
int doors_take(struct master *m, struct why *why) MUST_CHECK;
/* -i: the one connection that there will be. */
void doors_serve_stdin(struct master *m);
/* Accepts while a worker is ready. */
void doors_arm(struct master *m);

#endif
