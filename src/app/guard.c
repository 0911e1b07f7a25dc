/* The guard's loop: who the connections are, signatures for key exchanges, verdicts at their time. */
#include "app/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/server.h"
#include "conf/permit.h"
#include "base/str.h"
#include "io/privs.h"
#include "io/sandbox.h"
#include "ssh/conn.h"

enum {
	SPAN_MS = 60000,
	SIGNATURES_PER_SPAN = 160, /* the engine lets a peer renew keys 100 times, then once a second */
	LATE_MS = 20		   /* a refusal takes so long, whatever it was that refused */
};

struct late {
	struct list node;
	uint64_t at_ms, guest;
	struct verdict verdict;
};

/* ---- guests ---- */

static struct guest *guest_find(struct guard *g, uint64_t id)
{
	struct guest *guest;

	HASH_FIND(hh, g->guests, &id, sizeof(id), guest);
	return guest;
}

static void guest_free(struct guard *g, struct guest *guest)
{
	HASH_DEL(g->guests, guest);
	attempt_free(guest->attempt);
	policy_fini(&guest->policy);
	free(guest);
}

/* Without memory the connection stays unknown, and whatever is asked about it is refused. */
static void on_peer(struct guard *g, const struct memo *m)
{
	struct guest *guest = guest_find(g, m->peer) ? NULL : calloc(1, sizeof(*guest));

	if (!guest)
		return;
	*guest = (struct guest){
		.id = m->peer, .worker = m->number, .ends = m->ends, .renewing = m->yes, .logged_in = m->yes
	};
	HASH_ADD(hh, g->guests, id, sizeof(guest->id), guest);
	if (!guest->hh.tbl)
		free(guest);
}

static void on_gone(struct guard *g, const struct memo *m)
{
	struct guest *guest = guest_find(g, m->peer);

	if (guest)
		guest_free(g, guest);
}

/* ---- telling ---- */

static void tell(struct ipc *to, const struct memo *m)
{
	struct buf out = BUF(MEMO_MAX + 1024);

	memo_pack(m, &out);
	if (buf_err(&out) || ipc_send(to, buf_span(&out), IPC_NO_FD) != OK)
		_exit(SERVER_EXIT_FAILURE); /* a guard that cannot answer is replaced by one that can */
	buf_fini(&out);
}

static struct asker *asker_of(const struct guard *g, unsigned worker)
{
	LIST_EACH (l, &g->workers) {
		struct asker *a = CONTAINER(l, struct asker, node);

		if (a->number == worker)
			return a;
	}
	return NULL;
}

static void asker_free(struct asker *a)
{
	list_del(&a->node);
	ipc_free(a->ipc);
	free(a);
}

/* It asks, and does not listen: that costs itself, and not the guard. */
static void asker_fails(struct asker *a, int err)
{
	if (err != ERR_CLOSED) /* otherwise it has ended, which the master sees, too */
		tell(a->guard->master, &(struct memo){ .kind = MEMO_BROKEN, .number = a->number });
	asker_free(a);
}

static void tell_worker(struct guard *g, const struct guest *guest, const struct memo *m)
{
	struct asker *a = asker_of(g, guest->worker);
	struct buf out = BUF(MEMO_MAX + 1024);
	int err;

	if (!a)
		return;
	memo_pack(m, &out);
	err = buf_err(&out) ? buf_err(&out) : ipc_send(a->ipc, buf_span(&out), IPC_NO_FD);
	if (err)
		asker_fails(a, err);
	buf_fini(&out);
}

/* ---- signatures ---- */

static bool may_sign(struct guard *g, struct guest *guest, const struct exchange *x)
{
	uint64_t now = loop_now(g->loop);

	if (x->first ? guest->session_len || guest->renewing : !guest->logged_in)
		return false;
	if (now - guest->span_ms >= SPAN_MS) {
		guest->span_ms = now;
		guest->signatures = 0;
	}
	return guest->signatures++ < SIGNATURES_PER_SPAN;
}

/* Only what was hashed here is signed: nobody can have another text signed with the host key. */
static void sign_exchange(struct guard *g, struct guest *guest, const struct memo *m, struct buf *sig)
{
	const struct sig_alg *alg = sig_find(m->alg);
	struct exchange x;
	uint8_t hash[HASH_MAX];
	size_t n;

	if (!alg || memo_get_exchange(&x, m->data) != OK || !may_sign(g, guest, &x))
		return;
	if (kexhash_of(g->crypto, &x, hash, &n) != OK ||
	    host_keys_sign(&g->keys, x.host_key, alg, span(hash, n), sig) != OK)
		return;
	if (!x.first)
		return;
	memcpy(guest->session, hash, n);
	guest->session_len = n;
}

static void on_sign(struct guard *g, struct guest *guest, const struct memo *m)
{
	struct buf sig = BUF(PKEY_SIG_MAX);

	sign_exchange(g, guest, m, &sig);
	tell_worker(g, guest, &(struct memo){ .kind = MEMO_SIGNED, .peer = guest->id, .data = buf_span(&sig) });
	buf_fini(&sig);
}

/* OpenSSH's PROTOCOL, hostkeys-prove-00: each key signs its own name for this session. */
static int prove_one(struct guard *g, const struct guest *guest, struct span blob, const struct sig_alg *rsa,
		     struct buf *out)
{
	struct buf text = BUF(2 * PKEY_BLOB_MAX), sig = BUF(PKEY_SIG_MAX);
	const struct sig_alg *alg = span_is(pkey_type(blob), "ssh-rsa") ? rsa : sig_find(pkey_type(blob));
	int err = alg ? OK : ERR_NOT_FOUND;

	buf_cstring(&text, "hostkeys-prove-00@openssh.com");
	buf_string(&text, span(guest->session, guest->session_len));
	buf_string(&text, blob);
	if (!err)
		err = buf_err(&text);
	if (!err)
		err = host_keys_sign(&g->keys, blob, alg, buf_span(&text), &sig);
	if (!err)
		buf_string(out, buf_span(&sig));
	buf_fini(&text);
	buf_fini(&sig);
	return err ? err : buf_err(out);
}

static void on_prove(struct guard *g, struct guest *guest, const struct memo *m)
{
	const struct sig_alg *rsa = sig_find(m->alg.n ? m->alg : span_str("rsa-sha2-512"));
	struct buf out = BUF(HOST_KEYS_MAX * PKEY_SIG_MAX);
	struct rd in = rd(m->blob);
	int err = guest->proved || !guest->logged_in || guest->renewing ? ERR_DENIED : OK;

	guest->proved = true;
	while (!err && in.n)
		err = prove_one(g, guest, rd_string(&in), rsa, &out);
	if (err)
		buf_clear(&out);
	tell_worker(g, guest, &(struct memo){ .kind = MEMO_PROVED, .peer = guest->id, .data = buf_span(&out) });
	buf_fini(&out);
}

/* ---- verdicts ---- */

static void send_verdict(struct guard *g, const struct guest *guest, const struct verdict *v, struct span policy)
{
	tell_worker(g, guest,
		    &(struct memo){ .kind = MEMO_VERDICT,
				    .peer = guest->id,
				    .number = v->kind,
				    .text = span_str(v->words),
				    .data = policy });
}

static void late_free(struct late *late)
{
	list_del(&late->node);
	free(late);
}

static void arm(struct guard *g)
{
	const struct late *first = list_empty(&g->late) ? NULL : CONTAINER(g->late.next, struct late, node);

	timer_at(g->timer, first ? first->at_ms : UINT64_MAX);
}

static void on_timer(void *user)
{
	struct guard *g = user;

	while (!list_empty(&g->late)) {
		struct late *late = CONTAINER(g->late.next, struct late, node);
		struct guest *guest = guest_find(g, late->guest);

		if (late->at_ms > loop_now(g->loop))
			break;
		if (guest) {
			guest->waiting = false;
			send_verdict(g, guest, &late->verdict, span(NULL, 0));
		}
		late_free(late);
	}
	arm(g);
}

/* Refusals wait, so that their time does not tell what was refused; a good login does not. */
static void delay(struct guard *g, struct guest *guest, const struct verdict *v)
{
	struct late *late = calloc(1, sizeof(*late));

	if (!late)
		_exit(SERVER_EXIT_FAILURE);
	*late = (struct late){ .at_ms = loop_now(g->loop) + LATE_MS, .guest = guest->id, .verdict = *v };
	guest->waiting = true;
	list_add_tail(&g->late, &late->node);
	arm(g);
}

static void identify(struct guard *g, const struct guest *guest, uint8_t out[IDENTITY_LEN])
{
	const struct span parts[] = { span(guest->policy.user, strlen(guest->policy.user) + 1),
				      span_str(guest->policy.key) };
	uint8_t digest[HASH_MAX];

	if (hash_spans(g->crypto, HASH_SHA256, parts, LEN(parts), digest) != OK)
		_exit(SERVER_EXIT_FAILURE);
	memcpy(out, digest, IDENTITY_LEN);
}

void guard_show_banner(struct guard *g, const struct guest *guest, struct span text)
{
	tell_worker(g, guest, &(struct memo){ .kind = MEMO_BANNER, .peer = guest->id, .data = text });
}

static void write_down(const struct guard *g, const struct guest *guest, const struct verdict *v)
{
	char from[IP_TEXT], user[USER_MAX];
	const char *name = guest->attempt ? guest->attempt->user : "";

	str_escape(user, sizeof(user), span_str(name));
	if (v->kind == LOGIN_GRANT)
		log_line(g->log, LOG_AT_INFO, "Accepted publickey for %s from %s port %u: %s", user,
			 ip_text(&guest->ends.peer, from), guest->ends.peer_port, v->key);
	if (!v->rule.text[0] || v->kind == LOGIN_GRANT || v->kind == LOGIN_KEY_OK)
		return;
	log_line(g->log, LOG_AT_VERBOSE, "refused %s from %s port %u: %s", user, ip_text(&guest->ends.peer, from),
		 guest->ends.peer_port, v->rule.text);
	record_refused_login(&g->records, guest->id, &guest->ends, name, v->key, v->rule.text);
}

static void admit(struct guard *g, struct guest *guest, struct verdict *v, struct span packed)
{
	uint8_t identity[IDENTITY_LEN];

	guest->logged_in = true;
	guest->policy = v->policy;
	identify(g, guest, identity);
	tell(g->master, &(struct memo){ .kind = MEMO_USER, .peer = guest->id, .data = span(identity, IDENTITY_LEN) });
	send_verdict(g, guest, v, packed);
	attempt_free(guest->attempt);
	guest->attempt = NULL;
}

/* A policy that does not fit into a memo would be half of one: nobody logs in with that. */
static void grant(struct guard *g, struct guest *guest, struct verdict *v)
{
	struct buf packed = BUF(POLICY_PACKED_MAX);
	char user[USER_MAX];

	policy_pack(&v->policy, &packed);
	if (buf_err(&packed) == OK) {
		admit(g, guest, v, buf_span(&packed));
	} else {
		log_line(g->log, LOG_AT_ERROR, "the permits of user %s are too long",
			 str_escape(user, sizeof(user), span_str(v->policy.user)));
		policy_fini(&v->policy);
		v->kind = LOGIN_END;
		snprintf(v->words, sizeof(v->words), "the server cannot keep what this user may do");
		send_verdict(g, guest, v, span(NULL, 0));
	}
	buf_fini(&packed);
}

static void on_login(struct guard *g, struct guest *guest, const struct memo *m)
{
	struct verdict v = { .kind = LOGIN_DENY };

	if (guest->waiting)
		return; /* an honest worker waits, too */

	login_judge(g, guest, m, &v);
	write_down(g, guest, &v);
	if (v.kind == LOGIN_GRANT) {
		grant(g, guest, &v);
		return;
	}
	if (v.offence != OFFENCE_NONE)
		tell(g->master, &(struct memo){ .kind = MEMO_OFFENCE, .peer = guest->id, .number = v.offence });
	if (v.kind == LOGIN_KEY_OK)
		send_verdict(g, guest, &v, span(NULL, 0));
	else
		delay(g, guest, &v);
}

/* ---- listeners below 1024 ---- */

/* What the master is to bind, as struct listen_spec means it; NULL = a name, which nobody looks up here. */
static const char *bind_text(const struct listen_place *place, char text[IP_TEXT])
{
	if (place->where == LISTEN_LOOPBACK)
		return "localhost";
	if (place->where == LISTEN_ALL)
		return "*";
	return place->where == LISTEN_ADDRESS ? ip_text(&place->ip, text) : NULL;
}

static void on_bind(struct guard *g, struct guest *guest, const struct memo *m)
{
	struct listen_place place;
	char text[IP_TEXT];
	const char *bind = NULL;
	struct why rule = { "not logged in" };

	if (guest->renewing) /* the policy went with the guard that granted it */
		why_set(&rule, ERR_DENIED, "the server's guard was started again since the login: connect again");

	if (!guest->renewing && guest->logged_in &&
	    permit_listen_request(&guest->policy, m->text, m->port, &place, &rule) == PERMIT_YES)
		bind = bind_text(&place, text);
	if (bind)
		tell(g->master, &(struct memo){ .kind = MEMO_BIND_FOR,
						.peer = guest->id,
						.ticket = m->ticket,
						.port = m->port,
						.name = span_str(bind) });
	else
		tell_worker(g, guest,
			    &(struct memo){ .kind = MEMO_UNBOUND,
					    .peer = guest->id,
					    .ticket = m->ticket,
					    .text = span_str(rule.text) });
}

/* ---- memos ---- */

static void on_worker_memo(void *user, struct span text, int *fd)
{
	static void (*const handlers[MEMO_KINDS])(struct guard *, struct guest *, const struct memo *) = {
		[MEMO_SIGN] = on_sign,
		[MEMO_LOGIN] = on_login,
		[MEMO_PROVE] = on_prove,
		[MEMO_BIND] = on_bind,
	};
	struct asker *a = user;
	struct guard *g = a->guard;
	unsigned number = a->number;
	struct guest *guest;
	struct memo m;

	if (memo_unpack(&m, text, FROM_WORKER, *fd != IPC_NO_FD) != OK || !handlers[m.kind]) {
		asker_fails(a, ERR_PROTO);
		return;
	}
	ipc_drain(g->master); /* which may have announced the connection only now, or another worker in this place */
	guest = guest_find(g, m.peer);
	if (guest && guest->worker == number)
		handlers[m.kind](g, guest, &m);
}

static void on_worker_end(void *user, int err, const struct why *why)
{
	(void)err, (void)why;
	asker_free(user);
}

/* A worker that was started again, or has found this guard, comes in the place of its number. */
static void on_worker(struct guard *g, const struct memo *m, int *fd)
{
	struct asker *old = asker_of(g, m->number), *a = calloc(1, sizeof(*a));

	if (!a)
		_exit(SERVER_EXIT_FAILURE);
	if (old)
		asker_free(old);
	*a = (struct asker){ .guard = g, .number = m->number };
	if (ipc_new(&a->ipc, g->loop, *fd, on_worker_memo, on_worker_end, a) != OK)
		_exit(SERVER_EXIT_FAILURE);
	*fd = IPC_NO_FD;
	list_add_tail(&g->workers, &a->node);
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = IPC_NO_FD;
	return taken;
}

static void on_master_memo(void *user, struct span text, int *fd)
{
	struct guard *g = user;
	struct memo m;

	if (memo_unpack(&m, text, FROM_MASTER, *fd >= 0) != OK)
		_exit(SERVER_EXIT_FAILURE);
	if (m.kind == MEMO_WORKER)
		on_worker(g, &m, fd);
	else if (m.kind == MEMO_LOG)
		server_switch_log((enum server_log)m.number, take_fd(fd), g->log, g->records.audit);
	else if (m.kind == MEMO_PEER)
		on_peer(g, &m);
	else if (m.kind == MEMO_GONE)
		on_gone(g, &m);
}

static void on_master_end(void *user, int err, const struct why *why)
{
	(void)user, (void)err, (void)why;
	_exit(0); /* without a master nobody needs a guard */
}

/* ---- the process ---- */

static void say(void *user, const char *line)
{
	const struct guard *g = user;

	log_line(g->log, LOG_AT_INFO, "%s", line);
}

static void fail(const struct guard *g, const struct why *why)
{
	log_line(g->log, LOG_AT_ERROR, "guard: %s", why->text);
	_exit(SERVER_EXIT_FAILURE);
}

/* Everything that needs a file of root's is read before the rights go. */
static int lock_in(struct guard *g, struct why *why)
{
	static const char *const everything[] = { "/" }; /* wherever the homes are: to be read, as their users */
	const struct sandbox_opts opts = { .read = everything, .reads = LEN(everything), .unix_sockets = true };
	int err = host_keys_load(&g->keys, &g->conf->host_keys, &g->conf->host_certificates, g->crypto,
				 g->first ? say : NULL, g, why);

	if (!err && g->root)
		err = privs_keep(PRIVS_SETID, why);
	return err ? err : server_lock_in(SANDBOX_GUARD, &opts, g->conf, g->log, why);
}

static int set_up(struct guard *g, int master_fd, struct audit *audit, struct why *why)
{
	int err = loop_new(&g->loop, why);

	list_init(&g->workers);
	list_init(&g->late);
	if (!err)
		err = records_init(&g->records, audit, g->loop);
	if (!err)
		err = timer_new(&g->timer, g->loop, on_timer, g);
	if (!err)
		err = ipc_new(&g->master, g->loop, master_fd, on_master_memo, on_master_end, g);
	return err ? why_set(why, err, "%s", err_name(err)) : lock_in(g, why);
}

int guard_main(const struct guard_setup *setup)
{
	struct guard g = { .text = setup->text,
			   .conf = setup->conf,
			   .crypto = setup->crypto,
			   .log = setup->log,
			   .first = setup->first,
			   .root = geteuid() == 0,
			   .uid = getuid() };
	struct buf blobs = BUF(64 * 1024);
	struct why why = { "" };

	server_begin_child(g.log, setup->audit);
	if (set_up(&g, setup->master_fd, setup->audit, &why) != OK)
		fail(&g, &why);
	host_keys_pack(&g.keys, &blobs);
	if (buf_err(&blobs))
		fail(&g, &(struct why){ "out of memory" });
	tell(g.master, &(struct memo){ .kind = MEMO_READY, .blob = buf_span(&blobs) });
	buf_fini(&blobs);
	loop_run(g.loop);
	return 0;
}
