/* The worker's loop: what master and guard say, and how it is locked in. */
#include "app/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/server.h"
#include "io/privs.h"
#include "io/resolve.h"
#include "io/sandbox.h"
#include "io/sock.h"
#include "io/sys.h"

enum { SPARE_CHUNKS = 16 };

void worker_tell(struct worker *w, struct ipc *to, const struct memo *m)
{
	struct buf out = BUF(MEMO_MAX + 1024);

	(void)w;
	memo_pack(m, &out);
	if (buf_err(&out) || ipc_send(to, buf_span(&out), IPC_NO_FD) != OK)
		_exit(SERVER_EXIT_FAILURE); /* master and worker must agree about what is open */
	buf_fini(&out);
}

/* ---- the guard ---- */

static void on_guard_memo(void *user, struct span text, int *fd)
{
	static void (*const handlers[MEMO_KINDS])(struct peer *, const struct memo *) = {
		[MEMO_SIGNED] = peer_signed,   [MEMO_VERDICT] = peer_verdict, [MEMO_PROVED] = peer_proved,
		[MEMO_UNBOUND] = peer_unbound, [MEMO_BANNER] = peer_banner,
	};
	struct worker *w = user;
	struct peer *p;
	struct memo m;

	if (memo_unpack(&m, text, FROM_GUARD, *fd != IPC_NO_FD) != OK || !handlers[m.kind])
		_exit(SERVER_EXIT_FAILURE);
	p = peer_find(w, m.peer);
	if (p)
		handlers[m.kind](p, &m);
}

/* The master brings another one. */
static void on_guard_end(void *user, int err, const struct why *why)
{
	struct worker *w = user;

	(void)err, (void)why;
	asks_guard(&w->asks, NULL);
	ipc_free(w->guard);
	w->guard = NULL;
}

static void join_guard(struct worker *w, int *fd)
{
	ipc_free(w->guard);
	w->guard = NULL;
	if (ipc_new(&w->guard, w->loop, *fd, on_guard_memo, on_guard_end, w) != OK)
		_exit(SERVER_EXIT_FAILURE);
	*fd = IPC_NO_FD;
	asks_guard(&w->asks, w->guard);
}

/* ---- the master ---- */

static void on_serve(struct worker *w, const struct memo *m, int *fd)
{
	int taken = *fd;

	*fd = IPC_NO_FD;
	peer_serve(w, m->peer, &m->ends, taken);
}

static void on_guard(struct worker *w, const struct memo *m, int *fd)
{
	(void)m;
	join_guard(w, fd);
}

static void on_log(struct worker *w, const struct memo *m, int *fd)
{
	server_switch_log((enum server_log)m->number, *fd, w->log, w->records.audit);
	*fd = IPC_NO_FD;
}

static void on_drain(struct worker *w, const struct memo *m, int *fd)
{
	(void)fd;
	w->draining = true;
	if (m->yes)
		peers_end_all(w, "the server is going down");
	worker_check_end(w);
}

static void on_bound(struct worker *w, const struct memo *m, int *fd)
{
	struct peer *p = peer_find(w, m->peer);
	int taken = p ? *fd : IPC_NO_FD;

	if (!p)
		return;
	*fd = IPC_NO_FD;
	peer_bound(p, m, taken);
}

static void on_retry(struct worker *w, const struct memo *m, int *fd)
{
	struct peer *p = peer_find(w, m->peer);

	(void)fd;
	if (p)
		peer_retry(p, m);
}

static void on_probe(struct worker *w, const struct memo *m, int *fd)
{
	struct peer *p = peer_find(w, m->peer);

	(void)fd;
	if (p)
		peer_probe(p);
}

static void on_evict(struct worker *w, const struct memo *m, int *fd)
{
	struct peer *p = peer_find(w, m->peer);
	char text[256];

	(void)fd;
	if (!p)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)MIN(m->text.n, sizeof(text) - 1), (const char *)m->text.p);
	peer_evict(p, text);
}

static void on_master_memo(void *user, struct span text, int *fd)
{
	static void (*const handlers[MEMO_KINDS])(struct worker *, const struct memo *, int *) = {
		[MEMO_LOG] = on_log,	 [MEMO_SERVE] = on_serve, [MEMO_GUARD] = on_guard, [MEMO_DRAIN] = on_drain,
		[MEMO_BOUND] = on_bound, [MEMO_RETRY] = on_retry, [MEMO_PROBE] = on_probe, [MEMO_EVICT] = on_evict,
	};
	struct worker *w = user;
	struct memo m;

	if (memo_unpack(&m, text, FROM_MASTER, *fd != IPC_NO_FD) != OK || !handlers[m.kind])
		_exit(SERVER_EXIT_FAILURE);
	handlers[m.kind](w, &m, fd);
}

static void on_master_end(void *user, int err, const struct why *why)
{
	(void)user, (void)err, (void)why;
	_exit(0); /* without a master nobody restarts or reloads: the service manager starts all anew */
}

void worker_check_end(struct worker *w)
{
	if (w->draining && !w->peers)
		loop_stop(w->loop);
}

/* ---- the process ---- */

/* Unix sockets are made and reached where the worker's user may: that is what streamlocal forwards are. */
static int lock_in(struct worker *w, struct why *why)
{
	static const char *const everywhere[] = { "/" };
	const struct sandbox_opts opts = { .sockets = everywhere, .n_sockets = LEN(everywhere), .unix_sockets = true };
	int err = geteuid() == 0 ? server_drop(why) : OK;

	return err ? err : server_lock_in(SANDBOX_WORKER, &opts, w->conf, w->log, why);
}

static int unpack_keys(struct worker *w, struct span packed, struct span list[HOST_KEYS_MAX])
{
	struct rd in = rd(packed);

	while (in.n && w->host_key_count < HOST_KEYS_MAX)
		list[w->host_key_count++] = rd_string(&in);
	w->host_keys = list;
	return rd_done(&in) ? OK : ERR_PROTO;
}

static int set_up(struct worker *w, const struct worker_setup *s, struct why *why)
{
	int guard_fd = s->guard_fd, err = loop_new(&w->loop, why);

	asks_init(&w->asks);
	lookups_prepare();
	w->bank = (struct bank){ .limit = s->conf->bank.process };
	if (!err)
		err = records_init(&w->records, s->audit, w->loop);
	if (!err)
		err = pool_init(&w->pool, SPARE_CHUNKS);
	if (!err)
		err = ipc_new(&w->master, w->loop, s->master_fd, on_master_memo, on_master_end, w);
	if (err)
		return why_set(why, err, "%s", err_name(err));
	join_guard(w, &guard_fd);
	return lock_in(w, why);
}

int worker_main(const struct worker_setup *setup)
{
	struct worker w = { .conf = setup->conf,
			    .crypto = setup->crypto,
			    .log = setup->log,
			    .log_fixed = setup->log_fixed,
			    .self = &setup->self };
	struct span keys[HOST_KEYS_MAX];
	struct why why = { "" };

	server_begin_child(w.log, setup->audit);
	if (unpack_keys(&w, setup->host_keys, keys) != OK || set_up(&w, setup, &why) != OK) {
		log_line(w.log, LOG_AT_ERROR, "worker: %s", why.text);
		_exit(SERVER_EXIT_FAILURE);
	}
	worker_tell(&w, w.master, &(struct memo){ .kind = MEMO_READY });
	loop_run(w.loop);
	audit_close(w.records.audit, sys_time_ms()); /* what was not written is counted at least */
	return 0;
}
