/* The verdict on one login request: who asks, may they log in at all, is the key theirs, did they sign. */
#include "app/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/names.h"
#include "base/str.h"
#include "ssh/conn.h"
#include "ssh/msg.h"

enum { QUERIES_MAX = 15, SHOW = 64 };

/* ---- the attempt ---- */

void attempt_free(struct attempt *a)
{
	if (!a)
		return;
	server_conf_fini(&a->matched_conf);
	users_fini(&a->account);
	free(a);
}

/* They are looked up for a rule that needs them only: it can take longer than all the rest of a login. */
static const struct strs *groups_of(void *ctx)
{
	struct attempt *a = ctx;

	if (!a->exists)
		return NULL;
	if (!a->groups_err)
		a->groups_err = users_groups(&a->account, &a->groups_why);
	a->groups = (struct strs){ a->account.groups, a->account.n_groups };
	return &a->groups;
}

/* Without its groups a rule about groups may have come out wrong: then nothing that was decided counts. */
static int check_groups(const struct attempt *a, struct why *why)
{
	return a->groups_err ? why_set(why, a->groups_err, "%s", a->groups_why.text) : OK;
}

static struct server_who who_of(const struct guest *guest, struct attempt *a)
{
	return (struct server_who){ .user = a->user,
				    .no_such_user = !a->exists,
				    .groups = groups_of,
				    .ctx = a,
				    .address = ip_unmap(guest->ends.peer),
				    .local_address = ip_unmap(guest->ends.local),
				    .local_port = guest->ends.local_port };
}

/* "user:style" is legal, and there are no styles. */
static struct span without_style(struct span name)
{
	const uint8_t *colon = name.n ? memchr(name.p, ':', name.n) : NULL;

	return colon ? span(name.p, (size_t)(colon - name.p)) : name;
}

/* The engine has refused what is too long and control characters; a worker that is not ours any more may not have. */
static int set_user(struct attempt *a, struct span name, struct why *why)
{
	struct span user = without_style(name);

	if (user.n > USER_MAX || (user.n && memchr(user.p, 0, user.n)))
		return why_set(why, ERR_DENIED, "a user name that no client can have sent");
	if (user.n)
		memcpy(a->user, user.p, user.n);
	a->user[user.n] = 0;
	return OK;
}

static int find_account(const struct guard *g, struct attempt *a, struct why *why)
{
	struct why none = { "" };
	int err = users_find(&a->account, a->user, &none);

	if (err == ERR_NOT_FOUND)
		return OK; /* names without an account may have keys */
	if (err)
		return why_set(why, err, "%s", none.text);
	a->exists = true;
	a->own = g->root || a->account.uid == g->uid;
	return OK;
}

static void show_banner(struct guard *g, const struct guest *guest, const struct attempt *a)
{
	struct buf text = BUF(32000);
	struct why why = { "" };

	if (!server_conf_names_file(a->conf->banner))
		return;
	if (files_read_own(g, a->conf->banner, &text, &why) == OK)
		guard_show_banner(g, guest, buf_span(&text));
	else
		log_line(g->log, LOG_AT_ERROR, "Banner: %s", why.text);
	buf_fini(&text);
}

/* To take the lists of algorithms apart for everybody again would be a good part of a login. */
static int configure(const struct guard *g, struct attempt *a, const struct server_who *who, struct why *why)
{
	if (!server_text_singles_out(g->text, who))
		return OK;
	a->conf = &a->matched_conf;
	return server_conf_eval(&a->matched_conf, g->text, who, why);
}

/* At the first request: the user stays the same from here on. */
static int begin(struct guard *g, struct guest *guest, const struct memo *m, struct why *why)
{
	struct attempt *a = calloc(1, sizeof(*a));
	struct server_who who;
	int err;

	if (!a)
		return why_set(why, ERR_NOMEM, "out of memory");
	a->conf = g->conf;
	guest->attempt = a;
	err = set_user(a, m->text, why);
	if (!err)
		err = find_account(g, a, why);
	if (err)
		return err;
	who = who_of(guest, a);
	err = configure(g, a, &who, why);
	if (!err)
		err = check_groups(a, why);
	if (!err)
		show_banner(g, guest, a);
	return err;
}

/* ---- may they at all? ---- */

static int check_root(const struct attempt *a, struct why *why)
{
	if (!a->exists || a->account.uid != 0 || a->conf->permit_root == ROOT_YES ||
	    a->conf->permit_root == ROOT_NO_PASSWORD)
		return OK;
	return why_set(why, ERR_DENIED, "PermitRootLogin %s",
		       a->conf->permit_root == ROOT_NO ? "no" : "forced-commands-only: there are no commands here");
}

static int check_access(struct guest *guest, struct why *why)
{
	struct attempt *a = guest->attempt;
	struct server_who who = who_of(guest, a);
	int err = a->conf->pubkey_auth ? OK : why_set(why, ERR_DENIED, "PubkeyAuthentication no");

	if (!err)
		err = check_root(a, why);
	if (!err)
		err = server_conf_admits(a->conf, &who, why);
	return a->groups_err ? check_groups(a, why) : err;
}

/* ---- the key ---- */

static bool listed(const char *names, const char *name)
{
	struct span list = span_str(names), one;

	while (names_next(&list, &one))
		if (span_is(one, name))
			return true;
	return false;
}

/* The algorithm is judged before anybody takes the key apart. */
static int check_offer(const struct attempt *a, const struct memo *m, struct offer *o, struct why *why)
{
	char show[SHOW];
	size_t bits;

	*o = (struct offer){ sig_find(m->alg), m->blob };
	if (!o->alg || o->alg->agent_only || !listed(a->conf->pubkey_algs, o->alg->name))
		return why_set(why, ERR_DENIED, "PubkeyAcceptedAlgorithms does not have %s",
			       o->alg ? o->alg->name : str_escape(show, sizeof(show), m->alg));
	if (!span_is(pkey_type(o->blob), o->alg->key_type))
		return why_set(why, ERR_DENIED, "the key is of another type than %s", o->alg->name);
	bits = pkey_rsa_bits(o->blob);
	if (bits && bits < (size_t)a->conf->required_rsa_bits)
		return why_set(why, ERR_DENIED, "RequiredRSASize: the key has %zu bits", bits);
	return OK;
}

/* RFC 4252 section 7. The text is built here, from the session that was signed for here: a worker cannot pass off what
 * somebody signed for another server. */
static int check_signature(const struct guard *g, const struct guest *guest, const struct memo *m,
			   const struct offer *o, struct why *why)
{
	struct buf text = BUF(2 * PKEY_BLOB_MAX);
	int err;

	buf_string(&text, span(guest->session, guest->session_len));
	buf_u8(&text, MSG_USERAUTH_REQUEST);
	buf_string(&text, m->text);
	buf_cstring(&text, "ssh-connection");
	buf_cstring(&text, "publickey");
	buf_u8(&text, 1);
	buf_cstring(&text, o->alg->name);
	buf_string(&text, o->blob);
	err = buf_err(&text) ? why_set(why, ERR_NOMEM, "out of memory")
			     : pkey_verify(g->crypto, o->alg, o->blob, m->data, buf_span(&text),
					   (unsigned)guest->attempt->conf->required_rsa_bits, why);
	buf_fini(&text);
	return err;
}

/* OK: v->policy is there. */
static int judge_key(struct guard *g, struct guest *guest, const struct memo *m, struct verdict *v)
{
	struct offer o;
	int err = check_access(guest, &v->rule);

	if (!err)
		err = check_offer(guest->attempt, m, &o, &v->rule);
	if (!err)
		err = files_authorise(g, guest, &o, v);
	if (!err && m->yes) {
		err = check_signature(g, guest, m, &o, &v->rule);
		if (err)
			policy_fini(&v->policy);
	}
	return err;
}

/* ---- the verdict ---- */

static void refuse(struct guest *guest, struct verdict *v)
{
	struct attempt *a = guest->attempt;

	v->kind = LOGIN_DENY;
	v->offence = a->exists ? OFFENCE_AUTH : OFFENCE_USER;
	snprintf(v->words, sizeof(v->words), "publickey");
	if (++a->failures < (unsigned)a->conf->max_auth_tries)
		return;
	v->kind = LOGIN_END;
	snprintf(v->words, sizeof(v->words), "Too many authentication failures");
}

static void end(struct verdict *v, enum offence offence, const char *words)
{
	v->kind = LOGIN_END;
	v->offence = offence;
	snprintf(v->words, sizeof(v->words), "%s", words);
}

static void judge_publickey(struct guard *g, struct guest *guest, const struct memo *m, struct verdict *v)
{
	struct attempt *a = guest->attempt;

	if (!m->yes && a->queries++ >= QUERIES_MAX) {
		end(v, OFFENCE_AUTH, "Too many authentication failures");
		return;
	}
	if (judge_key(g, guest, m, v) != OK) {
		refuse(guest, v);
		return;
	}
	v->kind = m->yes ? LOGIN_GRANT : LOGIN_KEY_OK;
	if (!m->yes)
		policy_fini(&v->policy);
}

void login_judge(struct guard *g, struct guest *guest, const struct memo *m, struct verdict *v)
{
	*v = (struct verdict){ .kind = LOGIN_DENY };
	if (!guest->session_len || guest->logged_in) {
		end(v, OFFENCE_AUTH, "not now");
		return;
	}
	if (!guest->attempt && begin(g, guest, m, &v->rule) != OK) {
		log_line(g->log, LOG_AT_ERROR, "login: %s", v->rule.text);
		end(v, OFFENCE_NONE, "the server cannot look this user up");
		return;
	}
	if (!span_is(without_style(m->text), guest->attempt->user)) { /* what is signed would be another's login */
		end(v, OFFENCE_AUTH, "the user name changed");
		return;
	}
	if (guest->attempt->conf->refuse_connection) {
		why_set(&v->rule, ERR_DENIED, "RefuseConnection");
		end(v, OFFENCE_REFUSED, "the server refuses this connection");
		return;
	}
	if (span_is(m->name, "publickey")) {
		judge_publickey(g, guest, m, v);
		return;
	}
	if (span_is(m->name, "none") && !guest->attempt->none_tried) { /* how clients ask what there is */
		guest->attempt->none_tried = true;
		snprintf(v->words, sizeof(v->words), "publickey");
		return;
	}
	refuse(guest, v);
}
