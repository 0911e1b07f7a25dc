/* The master's loop: signals, what the children say, reload and end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/master.h"
#include "app/server.h"
#include "io/notify.h"
#include "io/sock.h"

enum { DRAIN_MS = 10000 };

/* ---- what the children say ---- */

static void peer_is_over(struct master *m, struct peer_entry *e, enum offence offence)
{
	uint64_t now = loop_now(m->loop), id = e->id;
	struct worker_slot *w = e->worker;

	if (e->offence != OFFENCE_NONE)
		offence = e->offence;
	if (e->counted)
		admission_done(m->admission, &e->ends.peer, offence, now);
	w->load -= w->load > 0;
	peers_del(m->peers, e);
	child_tell(&w->gen->guard, &(struct memo){ .kind = MEMO_GONE, .peer = id }, IPC_NO_FD);
	takeover_gone(&m->takeovers, id);
}

static void stop(struct master *m);

static void on_closed(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	peer_is_over(m, e, (enum offence)memo->number);
	if (m->flags->inetd && !peers_count(m->peers))
		stop(m);
	doors_arm(m);
}

static void on_user(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	if (memo->data.n != IDENTITY_LEN || e->logged_in)
		return;
	memcpy(e->identity, memo->data.p, IDENTITY_LEN);
	e->logged_in = true;
	e->offence = OFFENCE_NONE;
	if (e->counted)
		admission_done(m->admission, &e->ends.peer, OFFENCE_NONE, loop_now(m->loop));
	e->counted = false;
}

static void on_offence(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	(void)m;
	if (!e->logged_in)
		e->offence = (enum offence)memo->number;
}

static void on_listen(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	if (peer_listens(e, memo->text, memo->port) != OK)
		log_line(m->log, LOG_AT_ERROR, "too many listeners to remember");
}

static void on_unlisten(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	(void)m;
	peer_unlistens(e, memo->text, memo->port);
}

static void on_take_over(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	takeover_ask(&m->takeovers, m->peers, e, memo->ticket, memo->text, memo->port);
}

static void on_probed(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	takeover_probed(&m->takeovers, m->peers, e, memo->yes);
}

static void on_broken(struct worker_slot *guard, const struct memo *memo)
{
	struct generation *g = guard->gen;

	if (memo->number && memo->number <= g->worker_count)
		child_violates(&g->workers[memo->number - 1], "broke the format of messages to the guard");
}

/* All sockets of the address, or the reason why there are none. */
static void on_bind_for(struct master *m, struct peer_entry *e, const struct memo *memo)
{
	char host[256];
	struct listen_spec spec = { .host = host, .port = memo->port };
	struct memo answer = { .kind = MEMO_BOUND, .peer = e->id, .ticket = memo->ticket };
	int fds[LISTEN_MAX];
	size_t n = 0;
	uint16_t port;
	struct why why = { "" };

	(void)m;
	if (memo->name.n < sizeof(host)) {
		memcpy(host, memo->name.p, memo->name.n);
		host[memo->name.n] = 0;
		if (sock_listen(&spec, fds, &n, &port, &why) != OK)
			n = 0;
	}
	answer.count = (uint32_t)n;
	answer.text = span_str(why.text);
	if (!n)
		child_tell(e->worker, &answer, IPC_NO_FD);
	for (answer.number = 0; answer.number < n; answer.number++)
		child_tell(e->worker, &answer, fds[answer.number]);
}

void master_hears(struct worker_slot *c, const struct memo *memo)
{
	static void (*const handlers[MEMO_KINDS])(struct master *, struct peer_entry *, const struct memo *) = {
		[MEMO_USER] = on_user,		 [MEMO_OFFENCE] = on_offence, [MEMO_BIND_FOR] = on_bind_for,
		[MEMO_CLOSED] = on_closed,	 [MEMO_LISTEN] = on_listen,   [MEMO_UNLISTEN] = on_unlisten,
		[MEMO_TAKE_OVER] = on_take_over, [MEMO_PROBED] = on_probed,
	};
	struct master *m = c->gen->master;
	struct peer_entry *e = memo->peer ? peers_find(m->peers, memo->peer) : NULL;

	if (memo->kind == MEMO_READY)
		child_ready(c, memo);
	else if (memo->kind == MEMO_BROKEN)
		on_broken(c, memo);
	else if (e && handlers[memo->kind] && (c->kind == CHILD_GUARD ? e->worker->gen == c->gen : e->worker == c))
		handlers[memo->kind](m, e, memo); /* a worker speaks of its own connections only */
}

void master_lost_worker(struct worker_slot *c)
{
	struct master *m = c->gen->master;
	struct peer_entry *e = peers_next(m->peers, NULL), *next;
	unsigned lost = 0;

	for (; e; e = next) {
		next = peers_next(m->peers, e);
		if (e->worker != c)
			continue;
		lost++;
		peer_is_over(m, e, e->logged_in ? OFFENCE_NONE : OFFENCE_CRASH);
	}
	if (lost)
		log_line(m->log, LOG_AT_ERROR, "worker %u took %u connections along", c->number, lost);
	doors_arm(m);
}

/* ---- take-over ---- */

static void probe(void *user, struct peer_entry *holder)
{
	(void)user;
	child_tell(holder->worker, &(struct memo){ .kind = MEMO_PROBE, .peer = holder->id }, IPC_NO_FD);
}

static void evict(void *user, struct peer_entry *holder, const struct peer_entry *asker)
{
	char text[160], from[IP_TEXT];

	(void)user;
	snprintf(text, sizeof(text), "silent, and its listener was taken over by a newer connection from %s port %u",
		 ip_text(&asker->ends.peer, from), asker->ends.peer_port);
	child_tell(holder->worker, &(struct memo){ .kind = MEMO_EVICT, .peer = holder->id, .text = span_str(text) },
		   IPC_NO_FD);
}

static void take_over_answer(void *user, uint64_t asker, uint32_t ticket, bool yes)
{
	struct master *m = user;
	struct peer_entry *e = peers_find(m->peers, asker);

	if (e)
		child_tell(e->worker, &(struct memo){ .kind = MEMO_RETRY, .peer = asker, .ticket = ticket, .yes = yes },
			   IPC_NO_FD);
}

/* ---- generations ---- */

static void reload(struct master *m);

/* A reload that was asked for while another one was under way. */
static void reload_again(struct master *m)
{
	bool again = m->reload_again;

	m->reload_again = false;
	if (again)
		reload(m);
}

/* The newest serves: those before it get nothing new. */
void generation_serves(struct generation *g)
{
	struct master *m = g->master;
	bool first = g->number == 1;

	LIST_EACH (l, &m->generations) {
		struct generation *old = CONTAINER(l, struct generation, node);

		if (old != g && !old->draining)
			generation_drain(old, false);
	}
	struct admission_limits limits = server_admission(&g->conf);

	admission_limit(m->admission, &limits);
	doors_settle(m);
	log_line(m->log, LOG_AT_INFO, first ? "ready: %u workers" : "reloaded: %u workers", g->worker_count);
	notify_ready(m->notify);
	if (first)
		server_is_ready(m);
	if (first && m->flags->inetd)
		doors_serve_stdin(m);
	doors_arm(m);
	reload_again(m);
}

void generation_fails(struct generation *g, const char *text)
{
	struct master *m = g->master;

	if (g->failed)
		return; /* the rest of its children */
	log_line(m->log, LOG_AT_ERROR, g->number == 1 ? "cannot start: %s" : "the new configuration does not work: %s",
		 text);
	g->failed = true;
	generation_kill(g); /* and when they have ended, it is freed */
	doors_undo(m);
	if (generation_now(m)) {
		log_line(m->log, LOG_AT_ERROR, "going on with the configuration of before");
		notify_ready(m->notify);
		reload_again(m);
	} else {
		m->exit_code = SERVER_EXIT_FAILURE;
		m->stopping = true;
	}
}

/* A generation: the doors are open before a child is started, so that what cannot be bound is known at once. */
static int begin(struct master *m, struct server_text *text, struct server_conf *conf, struct why *why)
{
	int err = doors_take(m, why);

	if (!err && !m->flags->inetd)
		err = doors_open(m, conf, why);
	if (err) {
		server_conf_fini(conf);
		server_text_free(text);
		return err;
	}
	server_check_descriptors(conf, m->log);
	err = generation_start(m, text, conf, why);
	if (err)
		doors_undo(m);
	return err;
}

static int reopen(struct master *m, struct server_text *text, struct server_conf *conf, struct why *why)
{
	int err = server_reopen(m, conf, why);

	if (!err)
		return OK;
	server_conf_fini(conf);
	server_text_free(text);
	return err;
}

static bool starting(const struct master *m)
{
	LIST_EACH (l, &m->generations) {
		const struct generation *g = CONTAINER(l, struct generation, node);

		if (!g->serving && !g->draining && !g->failed)
			return true;
	}
	return false;
}

/* One after the other: the doors are those of one configuration, and the newest is to win. */
static void reload(struct master *m)
{
	struct server_text *text;
	struct server_conf conf;
	struct why why = { "" };
	int err;

	m->reload_again = starting(m);
	if (m->stopping || m->reload_again)
		return;
	log_line(m->log, LOG_AT_INFO, "reloading the configuration");
	notify_reloading(m->notify);
	err = server_read(m->facts, m->flags, &text, &conf, &why);
	if (!err)
		err = reopen(m, text, &conf, &why);
	if (!err)
		err = begin(m, text, &conf, &why);
	if (!err)
		return;
	log_line(m->log, LOG_AT_ERROR, "%s; going on with the configuration of before", why.text);
	notify_ready(m->notify);
}

/* ---- the end ---- */

void master_check_end(struct master *m)
{
	LIST_EACH_SAFE (l, &m->generations) {
		struct generation *g = CONTAINER(l, struct generation, node);

		if (g->failed || (g->draining && generation_over(g)))
			generation_free(g);
	}
	if (m->stopping && list_empty(&m->generations))
		loop_stop(m->loop);
}

static void stop(struct master *m)
{
	if (m->stopping)
		return;
	m->stopping = true;
	notify_stopping(m->notify);
	doors_close(m);
	LIST_EACH (l, &m->generations)
		generation_drain(CONTAINER(l, struct generation, node), true);
	timer_at(m->deadline, loop_now(m->loop) + DRAIN_MS);
	master_check_end(m);
}

static void on_deadline(void *user)
{
	struct master *m = user;

	LIST_EACH_SAFE (l, &m->generations)
		generation_free(CONTAINER(l, struct generation, node));
	loop_stop(m->loop);
}

static void on_signal(void *user, int signo)
{
	struct master *m = user;

	if (signo == SIGCHLD) {
		children_reap(m);
	} else if (signo == SIGHUP) {
		reload(m);
	} else {
		log_line(m->log, LOG_AT_INFO, "received signal %d: ending", signo);
		stop(m);
	}
}

static void on_pause_over(void *user)
{
	struct master *m = user;

	m->paused = false;
	doors_arm(m);
}

static const int signals[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

static int set_up(struct master *m, struct sigwatch *watches[LEN(signals)])
{
	int err = timer_new(&m->pause, m->loop, on_pause_over, m);

	if (!err)
		err = records_init(&m->records, m->audit, m->loop);
	if (!err)
		err = timer_new(&m->deadline, m->loop, on_deadline, m);
	if (!err)
		err = peers_new(&m->peers);
	if (!err)
		err = admission_new(&m->admission, &(struct admission_limits){ 0 });
	for (size_t i = 0; i < LEN(signals) && !err; i++)
		err = sigwatch_new(&watches[i], m->loop, signals[i], on_signal, m);
	m->takeovers = (struct takeovers){ .probe = probe, .evict = evict, .answer = take_over_answer, .user = m };
	takeovers_init(&m->takeovers);
	list_init(&m->generations);
	return err;
}

static void tear_down(struct master *m, struct sigwatch *watches[LEN(signals)])
{
	LIST_EACH_SAFE (l, &m->generations)
		generation_free(CONTAINER(l, struct generation, node));
	doors_close(m);
	takeovers_fini(&m->takeovers);
	peers_free(m->peers);
	admission_free(m->admission);
	for (size_t i = 0; i < LEN(signals); i++)
		sigwatch_free(watches[i]);
	timer_free(m->pause);
	timer_free(m->deadline);
	records_fini(&m->records);
}

int master_run(struct master *m, struct server_text *text, struct server_conf *conf)
{
	struct sigwatch *watches[LEN(signals)] = { NULL };
	struct why why = { "" };
	int err = loop_new(&m->loop, &why);

	if (!err && (err = set_up(m, watches)))
		why_set(&why, err, "%s", err_name(err));
	if (!err)
		err = begin(m, text, conf, &why);
	if (err) {
		log_line(m->log, LOG_AT_ERROR, "%s", why.text);
		m->exit_code = SERVER_EXIT_FAILURE;
	} else {
		loop_run(m->loop);
	}
	tear_down(m, watches);
	loop_free(m->loop);
	return m->exit_code;
}
