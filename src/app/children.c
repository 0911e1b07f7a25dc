/* Guard and workers: forked, watched, restarted with growing pauses, and told about each other. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/guard.h"
#include "app/master.h"
#include "app/server.h"
#include "app/worker.h"
#include "io/child.h"
#include "io/sock.h"

enum { SOON_MS = 10000, FIRST_PAUSE_MS = 200, LAST_PAUSE_MS = 30000 };

static const char *title(const struct worker_slot *c)
{
	return c->kind == CHILD_GUARD ? "guard" : "worker";
}

void child_tell(struct worker_slot *c, const struct memo *memo, int fd)
{
	struct buf out = BUF(MEMO_MAX + 1024);
	int err = c->ipc ? OK : ERR_CLOSED;

	memo_pack(memo, &out);
	if (!err)
		err = buf_err(&out);
	if (!err)
		err = ipc_send(c->ipc, buf_span(&out), fd);
	if (err && fd >= 0)
		sock_close(fd);
	if (err) /* it does not listen: the rest follows when it has ended */
		child_signal(c->pid, SIGKILL);
	buf_fini(&out);
}

/* ---- what a child says, and its end ---- */

void child_violates(struct worker_slot *c, const char *what)
{
	c->violated = true;
	record_crash(&c->gen->master->records, title(c), what);
	log_line(c->gen->master->log, LOG_AT_ERROR, "%s %u (pid %d) %s: killed", title(c), c->number, (int)c->pid,
		 what);
	ipc_free(c->ipc);
	c->ipc = NULL;
	child_signal(c->pid, SIGKILL);
}

static void on_memo(void *user, struct span text, int *fd)
{
	struct worker_slot *c = user;
	enum memo_from from = c->kind == CHILD_GUARD ? FROM_GUARD : FROM_WORKER;
	struct memo m;

	if (memo_unpack(&m, text, from, *fd != IPC_NO_FD) != OK)
		child_violates(c, "broke the format of messages between processes");
	else
		master_hears(c, &m);
}

static void on_end(void *user, int err, const struct why *why)
{
	struct worker_slot *c = user;

	(void)why;
	if (err == ERR_PROTO) {
		child_violates(c, "broke the format of messages between processes");
		return;
	}
	ipc_free(c->ipc);
	c->ipc = NULL;
	child_signal(c->pid, SIGKILL); /* it has ended, and SIGCHLD says how; or it only pretends to */
}

/* ---- starting ---- */

/* Pairs the master's end with the child's. */
static int join_child(struct worker_slot *c, int *child_end, struct why *why)
{
	int fds[2], err = ipc_pair(fds, why);

	if (err)
		return err;
	err = ipc_new(&c->ipc, c->gen->master->loop, fds[0], on_memo, on_end, c);
	if (err) {
		sock_close(fds[0]);
		sock_close(fds[1]);
		return why_set(why, err, "%s", err_name(err));
	}
	*child_end = fds[1];
	return OK;
}

static void born(struct worker_slot *c, pid_t pid)
{
	c->pid = pid;
	c->ready = c->violated = false;
	c->load = 0;
	c->born_ms = loop_now(c->gen->master->loop);
	log_line(c->gen->master->log, LOG_AT_DEBUG1, "started %s %u, pid %d", title(c), c->number, (int)pid);
}

static int run_guard(void *setup)
{
	return guard_main(setup);
}

static int run_worker(void *setup)
{
	return worker_main(setup);
}

/* The child keeps its ends of the pairs, and where logs and records go. */
static int start_child(struct worker_slot *c, int (*run)(void *), void *setup, int master_end, int guard_end,
		       struct why *why)
{
	struct master *m = c->gen->master;
	const int keep[] = { master_end, guard_end, sink_fd(m->log->sink), sink_fd(&m->audit->sink) };
	struct child_spec spec = { .name = c->kind == CHILD_GUARD ? "aditd: guard" : "aditd: worker",
				   .loop = m->loop,
				   .keep = keep,
				   .keeps = LEN(keep),
				   .keep_stderr = true,
				   .run = run,
				   .user = setup };
	pid_t pid;
	int err = child_start(&spec, &pid, why);

	sock_close(master_end);
	if (!err) {
		born(c, pid);
		return OK;
	}
	ipc_free(c->ipc);
	c->ipc = NULL;
	return err;
}

static int start_guard(struct generation *g, struct why *why)
{
	struct master *m = g->master;
	struct guard_setup setup = { .text = g->text,
				     .conf = &g->conf,
				     .crypto = m->crypto,
				     .log = m->log,
				     .audit = m->audit,
				     .first = g->number == 1 && !g->serving };
	int err = join_child(&g->guard, &setup.master_fd, why);

	return err ? err : start_child(&g->guard, run_guard, &setup, setup.master_fd, IPC_NO_FD, why);
}

/* The guard hears of a worker before the worker can ask it. */
static int introduce(struct generation *g, unsigned number, int *worker_end, struct why *why)
{
	int fds[2], err = ipc_pair(fds, why);

	if (err)
		return err;
	child_tell(&g->guard, &(struct memo){ .kind = MEMO_WORKER, .number = number }, fds[0]);
	*worker_end = fds[1];
	return OK;
}

static int start_worker(struct worker_slot *c, struct why *why)
{
	struct generation *g = c->gen;
	struct master *m = g->master;
	struct worker_setup setup = { .conf = &g->conf,
				      .crypto = m->crypto,
				      .log = m->log,
				      .audit = m->audit,
				      .host_keys = buf_span(&g->host_keys),
				      .log_fixed = m->flags->debug || m->flags->quiet };
	int err;

	doors_self(m, &setup.self);
	err = introduce(g, c->number, &setup.guard_fd, why);

	if (err)
		return err;
	err = join_child(c, &setup.master_fd, why);
	if (!err)
		err = start_child(c, run_worker, &setup, setup.master_fd, setup.guard_fd, why);
	sock_close(setup.guard_fd);
	return err;
}

static uint64_t pause_ms(const struct worker_slot *c)
{
	uint64_t ms = FIRST_PAUSE_MS;

	for (unsigned i = 1; i < c->failures && ms < LAST_PAUSE_MS; i++)
		ms *= 2;
	return MIN(ms, (uint64_t)LAST_PAUSE_MS);
}

static void start_later(struct worker_slot *c)
{
	timer_at(c->again, loop_now(c->gen->master->loop) + pause_ms(c));
}

/* No process, no descriptor, no memory: that passes. */
static void start_again(void *user)
{
	struct worker_slot *c = user;
	struct why why = { "" };
	int err = c->kind == CHILD_GUARD ? start_guard(c->gen, &why) : start_worker(c, &why);

	if (!err)
		return;
	log_line(c->gen->master->log, LOG_AT_ERROR, "cannot start %s %u: %s", title(c), c->number, why.text);
	c->failures++;
	start_later(c);
}

/* ---- ready ---- */

static void start_workers(struct generation *g)
{
	struct why why = { "" };
	int err = OK;

	for (unsigned i = 0; i < g->worker_count && !err; i++)
		err = start_worker(&g->workers[i], &why);
	if (err)
		generation_fails(g, why.text);
}

static void announce_peers(struct generation *g)
{
	struct master *m = g->master;

	for (struct peer_entry *e = peers_next(m->peers, NULL); e; e = peers_next(m->peers, e))
		if (e->worker->gen == g)
			child_tell(&g->guard,
				   &(struct memo){ .kind = MEMO_PEER,
						   .peer = e->id,
						   .number = e->worker->number,
						   .yes = e->logged_in,
						   .ends = e->ends },
				   IPC_NO_FD);
}

/* Workers outlive a guard: the new one hears what is open, and then each gets a way to it. In this order, so that it
 * knows every connection before it can be asked about one. */
static void rejoin_workers(struct generation *g)
{
	announce_peers(g);
	for (unsigned i = 0; i < g->worker_count; i++) {
		struct worker_slot *w = &g->workers[i];
		struct why why = { "" };
		int fd;

		if (w->ipc && introduce(g, w->number, &fd, &why) == OK)
			child_tell(w, &(struct memo){ .kind = MEMO_GUARD }, fd);
	}
}

static void guard_ready(struct generation *g, const struct memo *memo)
{
	buf_clear(&g->host_keys);
	buf_bytes(&g->host_keys, memo->blob);
	if (buf_err(&g->host_keys))
		generation_fails(g, "no memory for the host keys");
	else if (g->serving || g->draining)
		rejoin_workers(g);
	else
		start_workers(g);
}

static void worker_ready(struct generation *g)
{
	if (g->serving || g->draining || ++g->ready_count < g->worker_count)
		return;
	g->serving = true;
	generation_serves(g);
}

void child_ready(struct worker_slot *c, const struct memo *memo)
{
	if (c->ready)
		return;
	c->ready = true;
	if (c->kind == CHILD_GUARD)
		guard_ready(c->gen, memo);
	else
		worker_ready(c->gen);
	doors_arm(c->gen->master); /* they were shut if nobody was there to serve */
}

/* ---- ending ---- */

static bool wanted(const struct worker_slot *c)
{
	const struct generation *g = c->gen;

	return g->serving && !g->draining && !g->master->stopping;
}

/* The guard of a draining generation is still needed: its connections exchange keys. */
static bool needed(const struct worker_slot *c)
{
	return wanted(c) || (c->kind == CHILD_GUARD && c->gen->draining && !c->gen->master->stopping);
}

/* One that broke the format has its record already; those of a failed start are ended on purpose. */
static void say_ended(const struct worker_slot *c, const char *how)
{
	struct master *m = c->gen->master;

	if (c->gen->failed)
		return;
	log_line(m->log, LOG_AT_ERROR, "%s %u (pid %d) %s", title(c), c->number, (int)c->pid, how);
	if (!c->violated)
		record_crash(&m->records, title(c), how);
}

static void child_ended(struct worker_slot *c, const char *how, bool clean)
{
	struct master *m = c->gen->master;
	uint64_t now = loop_now(m->loop);

	if (c->ipc)
		ipc_drain(c->ipc); /* its last words */
	if (!clean || wanted(c))
		say_ended(c, how);
	c->pid = 0;
	c->ready = false;
	ipc_free(c->ipc);
	c->ipc = NULL;
	if (c->kind == CHILD_WORKER)
		master_lost_worker(c);
	if (!c->gen->serving && !c->gen->draining) {
		generation_fails(c->gen, how);
		return;
	}
	c->failures = now - c->born_ms < SOON_MS ? c->failures + 1 : 1;
	if (needed(c))
		start_later(c);
}

static struct worker_slot *child_by_pid(const struct generation *g, pid_t pid)
{
	struct worker_slot *guard = (struct worker_slot *)(uintptr_t)&g->guard;

	if (guard->pid == pid)
		return guard;
	for (unsigned i = 0; i < g->worker_count; i++)
		if (g->workers[i].pid == pid)
			return &g->workers[i];
	return NULL;
}

void children_reap(struct master *m)
{
	char how[CHILD_TEXT];
	int status;
	pid_t pid;

	while ((pid = child_reap(&status)) > 0) {
		child_end_text(status, how);
		LIST_EACH_SAFE (l, &m->generations) {
			struct worker_slot *c = child_by_pid(CONTAINER(l, struct generation, node), pid);

			if (!c)
				continue;
			child_ended(c, how, status == 0);
			break;
		}
	}
	master_check_end(m);
}

/* ---- generations ---- */

static int init_child(struct worker_slot *c, struct generation *g, enum child_kind kind, unsigned number)
{
	*c = (struct worker_slot){ .gen = g, .kind = kind, .number = number };
	return timer_new(&c->again, g->master->loop, start_again, c);
}

static int init_children(struct generation *g, unsigned workers)
{
	int err = init_child(&g->guard, g, CHILD_GUARD, 0);

	g->workers = calloc(workers, sizeof(*g->workers));
	if (!g->workers)
		return ERR_NOMEM;
	for (; !err && g->worker_count < workers; g->worker_count++)
		err = init_child(&g->workers[g->worker_count], g, CHILD_WORKER, g->worker_count + 1);
	return err;
}

int generation_start(struct master *m, struct server_text *text, struct server_conf *conf, struct why *why)
{
	struct generation *g = calloc(1, sizeof(*g));
	int err;

	if (!g) {
		server_conf_fini(conf);
		server_text_free(text);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	*g = (struct generation){
		.master = m, .number = ++m->generation_count, .text = text, .conf = *conf, .host_keys = BUF(64 * 1024)
	};
	list_add_tail(&m->generations, &g->node);
	err = init_children(g, server_workers(&g->conf));
	err = err ? why_set(why, err, "%s", err_name(err)) : start_guard(g, why);
	if (err)
		generation_free(g);
	return err;
}

void generation_kill(const struct generation *g)
{
	child_signal(g->guard.pid, SIGKILL);
	for (unsigned i = 0; i < g->worker_count; i++)
		child_signal(g->workers[i].pid, SIGKILL);
}

static void end_child(struct worker_slot *c)
{
	ipc_free(c->ipc);
	timer_free(c->again);
}

void generation_free(struct generation *g)
{
	list_del(&g->node);
	generation_kill(g);
	end_child(&g->guard);
	for (unsigned i = 0; i < g->worker_count; i++)
		end_child(&g->workers[i]);
	free(g->workers);
	buf_fini(&g->host_keys);
	server_conf_fini(&g->conf);
	server_text_free(g->text);
	free(g);
}

void generation_drain(struct generation *g, bool now)
{
	g->draining = true;
	for (unsigned i = 0; i < g->worker_count; i++)
		if (g->workers[i].ipc)
			child_tell(&g->workers[i], &(struct memo){ .kind = MEMO_DRAIN, .yes = now }, IPC_NO_FD);
}

static void switch_log(struct worker_slot *c, enum server_log which, const struct sink *fresh)
{
	int fd = c->ipc ? sink_dup(fresh) : IPC_NO_FD;

	if (fd >= 0)
		child_tell(c, &(struct memo){ .kind = MEMO_LOG, .number = which }, fd);
}

void children_switch_log(struct master *m, enum server_log which, const struct sink *fresh)
{
	LIST_EACH (l, &m->generations) {
		struct generation *g = CONTAINER(l, struct generation, node);

		switch_log(&g->guard, which, fresh);
		for (unsigned i = 0; i < g->worker_count; i++)
			switch_log(&g->workers[i], which, fresh);
	}
}

bool generation_over(const struct generation *g)
{
	for (unsigned i = 0; i < g->worker_count; i++)
		if (g->workers[i].pid)
			return false;
	return true;
}

struct generation *generation_now(const struct master *m)
{
	for (struct list *l = m->generations.prev; l != &m->generations; l = l->prev) {
		struct generation *g = CONTAINER(l, struct generation, node);

		if (g->serving && !g->draining)
			return g;
	}
	return NULL;
}

struct worker_slot *generation_pick(const struct generation *g)
{
	struct worker_slot *best = NULL;

	for (unsigned i = 0; i < g->worker_count; i++) {
		struct worker_slot *w = &g->workers[i];

		if (w->ready && w->ipc && (!best || w->load < best->load))
			best = w;
	}
	return best && g->guard.ready ? best : NULL;
}
