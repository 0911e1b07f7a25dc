/* A worker of aditd: holds many connections, unprivileged, and asks the guard about everything that needs a secret.
 * worker.c is the process, peer.c one connection. */
#ifndef ADIT_APP_WORKER_H
#define ADIT_APP_WORKER_H

#include "app/ask.h"
#include "app/records.h"
#include "app/memo.h"
#include "app/self.h"
#include "base/list.h"
#include "base/pool.h"
#include "conf/policy.h"
#include "conf/server_conf.h"
#include "fwd/gate.h"
#include "fwd/link.h"
#include "fwd/share.h"
#include "io/ipc.h"
#include "io/log.h"
#include "io/loop.h"

struct worker {
	struct loop *loop;
	const struct server_conf *conf; /* outside of every Match */
	const struct crypto *crypto;
	struct log *log;
	struct records records;
	struct ipc *master, *guard;   /* guard NULL: it has died, and the next one is not there yet */
	struct asks asks;	      /* what the guard was asked */
	const struct span *host_keys; /* public blobs */
	size_t host_key_count;
	const struct self *self;
	struct pool pool;
	struct bank bank;
	struct peer *peers;	 /* by number */
	struct lookups *lookups; /* by user and key: names that are being looked up */
	struct share *shares;	 /* by user: what all connections of one may have */
	bool draining;
	bool log_fixed; /* by -d or -q: LogLevel does not count */
};

/* The process's whole life; returns its exit status. Descriptors: the ends of the pairs to master and guard. */
struct worker_setup {
	const struct server_conf *conf;
	const struct crypto *crypto;
	struct log *log;
	struct audit *audit;
	struct span host_keys; /* packed */
	struct self self;
	int master_fd, guard_fd;
	bool log_fixed;
};
int worker_main(const struct worker_setup *setup);

/* Sends a memo; one that cannot be sent ends the worker's trust in that process, so nothing is reported here. */
void worker_tell(struct worker *w, struct ipc *to, const struct memo *m);

/* Ends the process when it drains and nobody is left. */
void worker_check_end(struct worker *w);

/* ---- peer.c ---- */

/* A new connection, whose descriptor is taken in any case. Without memory it is closed and reported as over. */
void peer_serve(struct worker *w, uint64_t id, const struct ends *ends, int fd);
/* NULL when it is gone. */
struct peer *peer_find(struct worker *w, uint64_t id);
/* What the guard and the master answered. */
void peer_signed(struct peer *p, const struct memo *m);
void peer_verdict(struct peer *p, const struct memo *m);
void peer_proved(struct peer *p, const struct memo *m);
void peer_banner(struct peer *p, const struct memo *m);
void peer_unbound(struct peer *p, const struct memo *m);
/* The descriptor is taken; IPC_NO_FD = it was not to be had. */
void peer_bound(struct peer *p, const struct memo *m, int fd);
void peer_retry(struct peer *p, const struct memo *m);
/* The master asks whether it is alive. */
void peer_probe(struct peer *p);
/* Ends it, with a reason for the client and the record. */
void peer_end(struct peer *p, const char *text);
/* The same, because a newer connection takes its listener over. */
void peer_evict(struct peer *p, const char *text);
void peers_end_all(struct worker *w, const char *text);

#endif
