/* One connection in a worker: its engine and link, the questions to the guard, the policy once it has logged in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/worker.h"
#include "base/str.h"
#include "base/table.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "io/sys.h"

enum { IDENT_MS = 20000, SHOW = 200 };

static const char software[] = "aditd_0.1";

struct peer {
	struct worker *worker;
	uint64_t id;
	struct ends ends;
	struct link *link;
	struct gate *gate; /* NULL before the login */
	struct policy policy;
	struct lookups *asker; /* shared by all connections of the same user with the same key */
	struct share *share;   /* by all of the same user; NULL before the login */
	struct log log;	       /* the worker's, with this user's LogLevel */
	struct ask ask;	       /* to the guard; one at a time, because the engine's question blocks */
	struct ask bind;       /* the same, for a listener below 1024; the gate waits for one at a time */
	uint32_t question;     /* of the engine, that the guard will answer */
	enum memo_kind asked;
	uint64_t login_ms;
	enum offence offence;  /* if it ends now */
	bool tried;	       /* a login was tried */
	bool ended;	       /* by this side */
	bool evicted;	       /* it makes room for a newer connection */
	int bound[LISTEN_MAX]; /* sockets for a ticket, until the last one is here */
	unsigned bound_n;
	UT_hash_handle hh;
};

struct peer *peer_find(struct worker *w, uint64_t id)
{
	struct peer *p;

	HASH_FIND(hh, w->peers, &id, sizeof(id), p);
	return p;
}

static void tell_master(struct peer *p, struct memo m)
{
	m.peer = p->id;
	worker_tell(p->worker, p->worker->master, &m);
}

/* ---- the end ---- */

static void close_bound(struct peer *p)
{
	while (p->bound_n)
		sock_close(p->bound[--p->bound_n]);
}

static void peer_free(struct peer *p)
{
	struct worker *w = p->worker;

	HASH_DEL(w->peers, p);
	ask_done(&w->asks, &p->ask);
	ask_done(&w->asks, &p->bind);
	close_bound(p);
	gate_free(p->gate);
	lookups_leave(p->asker);
	if (p->share)
		conn_leave_bank(link_conn(p->link)); /* the link may take until the end of its turn */
	share_leave(p->share);
	link_free(p->link);
	policy_fini(&p->policy);
	free(p);
}

static void report_closed(struct worker *w, uint64_t id, enum offence offence)
{
	worker_tell(w, w->master, &(struct memo){ .kind = MEMO_CLOSED, .peer = id, .number = offence });
}

void peer_end(struct peer *p, const char *text)
{
	p->ended = true;
	link_disconnect(p->link, text);
}

void peer_evict(struct peer *p, const char *text)
{
	p->evicted = true;
	peer_end(p, text);
}

void peers_end_all(struct worker *w, const char *text)
{
	struct peer *p, *next;

	TABLE_EACH (p, next, w->peers)
		peer_end(p, text);
}

/* Why it ended, before its login: what the source is to blame for. */
static enum offence offence_of(const struct peer *p, int err)
{
	if (p->gate)
		return OFFENCE_NONE;
	return err == ERR_TIMEOUT ? OFFENCE_GRACE : p->tried ? OFFENCE_AUTH : OFFENCE_NO_AUTH;
}

static const char *how_of(const struct peer *p, int err)
{
	if (p->evicted)
		return "takeover";
	if (p->ended)
		return "server";
	return err == ERR_CLOSED ? "closed" : err == ERR_TIMEOUT ? "timeout" : err_name(err);
}

/* The login's record: what all its channels have moved. */
static void write_down(struct peer *p, int err, const char *text)
{
	struct gate_facts f;
	struct record_bytes bytes;

	if (!p->gate)
		return;
	f = gate_facts(p->gate);
	bytes = (struct record_bytes){ f.rx_bytes, f.tx_bytes, loop_now(p->worker->loop) - p->login_ms };
	record_login(&p->worker->records, p->id, &p->ends, &p->policy, &bytes, how_of(p, err), text);
}

/* For the log: whoever logs in chooses the name of a virtual user. */
static const char *shown_user(const struct peer *p, char user[SHOW])
{
	return str_escape(user, SHOW, span_str(p->policy.user ? p->policy.user : ""));
}

static void on_failed(void *user, int err, const char *text)
{
	struct peer *p = user;
	char from[IP_TEXT], name[SHOW];

	p->offence = offence_of(p, err);
	log_line(&p->log, p->gate ? LOG_AT_VERBOSE : LOG_AT_INFO, "connection from %s port %u%s%s ended: %s",
		 ip_text(&p->ends.peer, from), p->ends.peer_port, p->policy.user ? ", user " : "", shown_user(p, name),
		 text);
	write_down(p, err, text);
	gate_free(p->gate); /* while the link is there */
	p->gate = NULL;
	if (p->evicted)
		record_eviction(&p->worker->records, p->id, &p->ends, &p->policy, text);
	ask_done(&p->worker->asks, &p->ask);
	ask_done(&p->worker->asks, &p->bind);
}

static void on_done(void *user)
{
	struct peer *p = user;
	struct worker *w = p->worker;
	uint64_t id = p->id;
	enum offence offence = p->offence;

	peer_free(p);
	report_closed(w, id, offence);
	worker_check_end(w);
}

/* ---- questions to the guard ---- */

static void ask_guard(struct peer *p, const struct event *ev, struct memo m)
{
	m.peer = p->id;
	p->question = ev->question;
	p->asked = m.kind;
	if (ask_put(&p->worker->asks, &p->ask, &m) != OK)
		peer_end(p, "out of memory");
}

/* Is this the answer to what was asked? It is, unless somebody plays tricks. */
static bool answers(struct peer *p, enum memo_kind asked)
{
	bool yes = ask_pending(&p->ask) && p->asked == asked;

	if (yes)
		ask_done(&p->worker->asks, &p->ask);
	return yes;
}

static void on_sign(struct peer *p, const struct event *ev)
{
	struct buf data = BUF(MEMO_MAX);
	struct exchange x;

	if (conn_exchange(link_conn(p->link), &x))
		memo_put_exchange(&data, &x);
	if (buf_err(&data))
		peer_end(p, "out of memory");
	else
		ask_guard(p, ev,
			  (struct memo){ .kind = MEMO_SIGN, .alg = span_str(ev->alg->name), .data = buf_span(&data) });
	buf_fini(&data);
}

void peer_signed(struct peer *p, const struct memo *m)
{
	if (answers(p, MEMO_SIGN))
		conn_answer(link_conn(p->link), p->question, &(struct answer){ .data = m->data });
}

void peer_banner(struct peer *p, const struct memo *m)
{
	if (ask_pending(&p->ask) && p->asked == MEMO_LOGIN && conn_banner(link_conn(p->link), m->data) != OK)
		log_line(&p->log, LOG_AT_ERROR, "the banner could not be sent");
}

/* Passwords stay here: the guard has no use for them. */
static void on_login(struct peer *p, const struct event *ev)
{
	p->tried = true;
	ask_guard(p, ev,
		  (struct memo){ .kind = MEMO_LOGIN,
				 .text = ev->login_user,
				 .name = ev->method,
				 .alg = ev->alg_name,
				 .blob = ev->blob,
				 .yes = ev->has_sig,
				 .data = ev->extra });
}

static void on_prove(struct peer *p, const struct event *ev)
{
	ask_guard(p, ev, (struct memo){ .kind = MEMO_PROVE, .blob = ev->text });
}

void peer_proved(struct peer *p, const struct memo *m)
{
	if (answers(p, MEMO_PROVE))
		conn_answer(link_conn(p->link), p->question, &(struct answer){ .yes = m->data.n > 0, .data = m->data });
}

/* ---- forwards ---- */

/* Whatever happens to the guard meanwhile, there will be an answer: the next one is asked again. */
static void bind_privileged(void *user, uint32_t ticket, const char *host, uint16_t port)
{
	struct peer *p = user;
	const struct memo m = {
		.kind = MEMO_BIND, .peer = p->id, .ticket = ticket, .port = port, .text = span_str(host)
	};

	ask_done(&p->worker->asks, &p->bind);
	if (ask_put(&p->worker->asks, &p->bind, &m) != OK)
		gate_bound(p->gate, ticket, NULL, 0, ERR_NOMEM, "out of memory");
}

static void take_over(void *user, uint32_t ticket, const char *host, uint16_t port)
{
	tell_master(user,
		    (struct memo){ .kind = MEMO_TAKE_OVER, .ticket = ticket, .port = port, .text = span_str(host) });
}

/* The address that the client itself came in by is known even where nobody told us of a door (-i). */
static bool leads_back(void *user, const struct ip *a, uint16_t port)
{
	const struct peer *p = user;
	const struct self_door mine = { .ip = p->ends.local, .port = p->ends.local_port };

	return self_door_takes(&mine, a, port) || self_takes(p->worker->self, a, port);
}

/* The master wants to know who holds what, for those who come back and find it taken. */
static void tell_listener(struct peer *p, const struct gate_record *r)
{
	bool path = r->kind == GATE_STREAMLOCAL_FORWARD;

	if (r->kind != GATE_TCPIP_FORWARD && !path)
		return;
	if (r->how == GATE_REFUSED || r->how == GATE_FAILED)
		return; /* it never was */
	tell_master(p, (struct memo){ .kind = r->how == GATE_LISTENING ? MEMO_LISTEN : MEMO_UNLISTEN,
				      .port = path ? 0 : (uint16_t)r->actual_port,
				      .text = span_str(r->host) });
}

static void record(void *user, const struct gate_record *r)
{
	struct peer *p = user;

	tell_listener(p, r);
	record_gate(&p->worker->records, p->id, &p->ends, &p->policy, r);
}

static void note(void *user, const char *text)
{
	const struct peer *p = user;
	char name[SHOW];

	log_line(&p->log, LOG_AT_INFO, "user %s: %s", shown_user(p, name), text);
}

static void unused(void *user)
{
	peer_end(user, "the connection was not used for too long");
}

void peer_unbound(struct peer *p, const struct memo *m)
{
	char text[SHOW];

	ask_done(&p->worker->asks, &p->bind);
	if (p->gate)
		gate_bound(p->gate, m->ticket, NULL, 0, ERR_DENIED, str_escape(text, sizeof(text), m->text));
}

void peer_bound(struct peer *p, const struct memo *m, int fd)
{
	char text[SHOW];

	ask_done(&p->worker->asks, &p->bind);
	if (fd < 0 || !p->gate || m->number != p->bound_n || p->bound_n == LISTEN_MAX) {
		sock_close(fd);
		close_bound(p);
		if (p->gate)
			gate_bound(p->gate, m->ticket, NULL, 0, ERR_IO, str_escape(text, sizeof(text), m->text));
		return;
	}
	p->bound[p->bound_n++] = fd;
	if (p->bound_n < m->count)
		return;
	gate_bound(p->gate, m->ticket, p->bound, p->bound_n, OK, "");
	p->bound_n = 0;
}

void peer_retry(struct peer *p, const struct memo *m)
{
	if (!p->gate)
		return;
	if (m->yes)
		gate_retry(p->gate, m->ticket);
	else
		gate_bound(p->gate, m->ticket, NULL, 0, ERR_IN_USE, "the address is in use");
}

void peer_probe(struct peer *p)
{
	if (conn_probe(link_conn(p->link), p->policy.takeover_ms) != OK)
		tell_master(p, (struct memo){ .kind = MEMO_PROBED });
}

static void on_alive(struct peer *p, const struct event *ev)
{
	tell_master(p, (struct memo){ .kind = MEMO_PROBED, .yes = ev->ok });
}

/* What the configuration says for this user, and the bank that they share. */
static void set_terms(struct peer *p)
{
	const struct policy *policy = &p->policy;

	if (policy->tos != POLICY_NO_TOS)
		link_tos(p->link, (int)policy->tos);
	if (!p->worker->log_fixed)
		p->log.level = (enum log_at)policy->log_level;
	conn_set_terms(link_conn(p->link),
		       &(struct conn_terms){
			       .alive_ms = (uint32_t)MIN((uint64_t)policy->alive_seconds * 1000, (uint64_t)UINT32_MAX),
			       .alive_max = policy->alive_max,
			       .max_channels = policy->max_channels,
			       .shared_bank = &p->share->bank,
			       .rekey_bytes = policy->rekey_bytes,
			       .rekey_ms = (uint64_t)policy->rekey_seconds * 1000 });
}

/* Whoever opens more connections gets no more lookups at a time. */
static int join_lookups(struct peer *p)
{
	const struct policy *policy = &p->policy;
	size_t n = strlen(policy->user) + strlen(policy->key) + 2;
	char *who = malloc(n);

	if (who) {
		snprintf(who, n, "%s\n%s", policy->key, policy->user);
		p->asker = lookups_join(&p->worker->lookups, who);
	}
	free(who);
	return p->asker ? OK : ERR_NOMEM;
}

/* By name alone: a user of several keys is one user. */
static int join_shares(struct peer *p)
{
	p->share = share_join(&p->worker->shares, p->policy.user, &p->worker->bank);
	return p->share ? join_lookups(p) : ERR_NOMEM;
}

static void start_forwards(struct peer *p)
{
	static const struct gate_calls calls = { .record = record,
						 .bind_privileged = bind_privileged,
						 .take_over = take_over,
						 .leads_back = leads_back,
						 .unused = unused,
						 .note = note };

	p->login_ms = loop_now(p->worker->loop);
	if (join_shares(p) != OK || gate_new(&p->gate, p->link, &p->policy, &calls, p) != OK) {
		peer_end(p, "out of memory");
		return;
	}
	set_terms(p);
	gate_asks_as(p->gate, p->asker);
	gate_shares(p->gate, p->share);
}

void peer_verdict(struct peer *p, const struct memo *m)
{
	struct answer a = { .verdict = (enum login_verdict)m->number };
	struct rd in = rd(m->data);

	if (!answers(p, MEMO_LOGIN))
		return;
	if (a.verdict == LOGIN_END)
		a.data = m->text;
	else
		a.methods = m->text;
	if (a.verdict == LOGIN_GRANT && policy_unpack(&p->policy, &in) != OK) {
		peer_end(p, "out of memory");
		return;
	}
	conn_answer(link_conn(p->link), p->question, &a);
	if (a.verdict == LOGIN_GRANT)
		start_forwards(p);
}

/* Which limit a forward has met, or what was wrong with it. */
static void turn_forward_away(struct peer *p, const struct event *ev)
{
	const struct bank *spent = conn_spent_bank(link_conn(p->link));
	struct conn_stats now;
	char rule[SHOW];

	conn_stats(link_conn(p->link), &now);
	if (ev->reason == OPEN_SHORTAGE && now.channels >= p->policy.max_channels)
		snprintf(rule, sizeof(rule), "MaxChannels: %u channels are open already", p->policy.max_channels);
	else if (ev->reason == OPEN_SHORTAGE && spent)
		snprintf(rule, sizeof(rule), "WindowBank: %s",
			 spent == &p->share->bank ? "this user has their share of it" : "the process has no more");
	else
		str_escape(rule, sizeof(rule), ev->extra);
	gate_turned_away(p->gate, ev, rule);
}

static void on_turned_away(struct peer *p, const struct event *ev)
{
	char type[64], name[SHOW];

	if (p->gate && ev->target.kind) {
		turn_forward_away(p, ev);
		return;
	}
	log_line(&p->log, LOG_AT_VERBOSE, "user %s asked for a %s, which this server does not have",
		 shown_user(p, name), str_escape(type, sizeof(type), ev->text));
	record_session(&p->worker->records, p->id, &p->ends, &p->policy, ev->text);
}

static void on_ident(struct peer *p, const struct event *ev)
{
	char text[300], from[IP_TEXT];

	log_line(&p->log, LOG_AT_DEBUG1, "%s port %u: %s", ip_text(&p->ends.peer, from), p->ends.peer_port,
		 str_escape(text, sizeof(text), ev->text));
}

static void on_event(void *user, const struct event *ev)
{
	static void (*const handlers[EV_KINDS])(struct peer *, const struct event *) = {
		[EV_IDENT] = on_ident,
		[EV_SIGN] = on_sign,
		[EV_LOGIN] = on_login,
		[EV_PROVE] = on_prove,
		[EV_ALIVE] = on_alive,

		[EV_TURNED_AWAY] = on_turned_away,
	};

	if (handlers[ev->kind])
		handlers[ev->kind](user, ev);
}

/* ---- birth ---- */

static uint64_t or_none(int seconds)
{
	return seconds > 0 ? (uint64_t)seconds * 1000 : 0;
}

static int make_conn(struct worker *w, struct conn **out)
{
	const struct server_conf *conf = w->conf;
	struct conn_setup setup = {
		.role = ROLE_SERVER,
		.crypto = w->crypto,
		.pool = &w->pool,
		.now_ms = loop_now(w->loop),
		.software = software,
		.algs = { .kex = conf->kex,
			  .cipher = conf->ciphers,
			  .mac = conf->macs,
			  .host_key = conf->host_key_algs,
			  .sig_algs = conf->pubkey_algs },
		.rekey_bytes = conf->rekey.bytes,
		.rekey_ms = or_none(conf->rekey.seconds),
		.alive_ms = (uint32_t)or_none(conf->alive_seconds),
		.alive_max = (uint32_t)conf->alive_max,
		.ident_ms = IDENT_MS,
		.login_ms = (uint32_t)or_none(conf->grace_seconds),
		.max_channels = (uint32_t)conf->max_channels,
		.bank = conf->bank.connection,
		.shared_bank = &w->bank,
		.rsa_min_bits = (unsigned)conf->required_rsa_bits,
		.host_keys = w->host_keys,
		.host_key_count = w->host_key_count,
	};
	int err = sys_random(setup.seed, sizeof(setup.seed));

	if (!err)
		err = conn_new(out, &setup);
	wipe(setup.seed, sizeof(setup.seed));
	return err;
}

static struct peer *peer_new(struct worker *w, uint64_t id, const struct ends *ends)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct peer){ .worker = w, .id = id, .ends = *ends, .log = *w->log };
	HASH_ADD(hh, w->peers, id, sizeof(p->id), p);
	if (p->hh.tbl)
		return p;
	free(p);
	return NULL;
}

void peer_serve(struct worker *w, uint64_t id, const struct ends *ends, int fd)
{
	static const struct link_calls calls = { .event = on_event, .failed = on_failed, .done = on_done };
	struct peer *p = peer_new(w, id, ends);
	struct conn *conn = NULL;
	int err = p ? make_conn(w, &conn) : ERR_NOMEM;

	if (err)
		sock_close(fd);
	else
		err = link_new(&p->link, w->loop, fd, conn, &calls, p);
	if (!err) {
		sock_keepalive(fd, w->conf->tcp_keepalive);
		return;
	}
	log_line(w->log, LOG_AT_ERROR, "a connection could not be served: %s", err_name(err));
	if (p)
		peer_free(p);
	report_closed(w, id, OFFENCE_NONE);
}
