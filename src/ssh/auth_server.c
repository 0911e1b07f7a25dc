/* Logging in, the server's side (RFC 4252). Who may log in is the application's decision: it answers EV_LOGIN. */
#include "ssh/engine.h"

#include <stdio.h>

enum { LOGIN_REQUESTS_MAX = 128, USER_MAX = 255, ALG_NAME_MAX = 64, LOGIN_PASSWORD_MAX = 1024 };

int on_service_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct span name = rd_string(in);
	struct buf out = BUF(64);

	(void)ev;
	if (!rd_done(in) || c->auth.service_accepted)
		return conn_fail(c, ERR_PROTO, "malformed or repeated service request");
	if (!span_is(name, "ssh-userauth"))
		return conn_fail(c, ERR_NOT_FOUND, "the client asked for a service that there is not");
	c->auth.service_accepted = true;
	buf_u8(&out, MSG_SERVICE_ACCEPT);
	buf_string(&out, name);
	return tx_built(c, &out, tx_control);
}

static bool user_sane(struct span user)
{
	if (user.n > USER_MAX)
		return false;
	for (size_t i = 0; i < user.n; i++)
		if (user.p[i] < 0x20 || user.p[i] == 0x7f)
			return false;
	return true;
}

/* RFC 4252 section 5: the user may not change between requests. */
static int bind_user(struct conn *c, struct span user)
{
	struct auth *a = &c->auth;

	if (!user_sane(user))
		return conn_fail(c, ERR_PROTO, "the user name is too long or has control characters");
	if (a->requests++ == 0)
		buf_bytes(&a->user, user);
	else if (!span_eq(user, buf_span(&a->user)))
		return conn_fail(c, ERR_PROTO, "the user name changed between login requests");
	if (a->requests > LOGIN_REQUESTS_MAX)
		return conn_fail(c, ERR_LIMIT, "too many login requests");
	return buf_err(&a->user) ? conn_fail(c, ERR_NOMEM, "no memory for a user name") : OK;
}

/* Fills the publickey part of the event; what was signed is kept, because the packet's memory does not hold it in one
 * piece. */
static int read_publickey(struct conn *c, struct rd *in, struct event *ev, struct span whole)
{
	struct auth *a = &c->auth;
	size_t signed_len;

	ev->has_sig = rd_bool(in);
	a->queries += !ev->has_sig;
	ev->alg_name = rd_string(in);
	ev->alg = sig_find(ev->alg_name);
	ev->alg_name.n = MIN(ev->alg_name.n, ALG_NAME_MAX);
	ev->blob = rd_string(in);
	signed_len = whole.n - in->n;
	if (ev->has_sig)
		ev->extra = rd_string(in);
	if (!rd_ok(in))
		return OK; /* the caller sees it */
	a->alg = ev->alg;
	buf_clear(&a->blob);
	buf_bytes(&a->blob, ev->blob);
	buf_clear(&a->request);
	buf_string(&a->request, buf_span(&c->kex.session_id));
	buf_u8(&a->request, MSG_USERAUTH_REQUEST);
	buf_bytes(&a->request, span(whole.p, signed_len));
	if (buf_err(&a->request) || buf_err(&a->blob))
		return conn_fail(c, ERR_NOMEM, "no memory for a login request");
	ev->text = buf_span(&a->request);
	return OK;
}

/* A change of the password (RFC 4252 section 8) is no login: nobody's policy knows this method, so it is denied. */
static void read_password(struct rd *in, struct event *ev)
{
	bool change = rd_bool(in);

	ev->password = rd_string(in);
	if (!change)
		return;
	rd_string(in);
	ev->password = span(NULL, 0);
	ev->method = span_str("password change");
}

int on_userauth_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct span whole = span(in->p, in->n), user, service;

	if (c->life == LIFE_OPEN) { /* RFC 4252 section 5.1: ignored after success */
		rd_rest(in);
		count_cheap(c);
		return OK;
	}
	user = rd_string(in);
	service = rd_string(in);
	ev->method = rd_string(in);
	if (!rd_ok(in) || !c->auth.service_accepted || !span_is(service, "ssh-connection"))
		return conn_fail(c, ERR_PROTO, "login request out of place or for another service");
	if (bind_user(c, user) != OK)
		return c->err;
	if (span_is(ev->method, "publickey")) {
		if (read_publickey(c, in, ev, whole) != OK)
			return c->err;
	} else if (span_is(ev->method, "password")) {
		read_password(in, ev);
	} else {
		rd_rest(in);
	}
	if (!rd_done(in) || ev->password.n > LOGIN_PASSWORD_MAX || ev->method.n > ALG_NAME_MAX)
		return conn_fail(c, ERR_PROTO, "malformed login request");
	ev->login_user = buf_span(&c->auth.user);
	ev->requests = c->auth.requests;
	ev->queries = c->auth.queries;
	ev->kind = EV_LOGIN;
	question_block(c, ev);
	return OK;
}

static void put_failure(struct buf *out, const struct answer *a)
{
	buf_u8(out, MSG_USERAUTH_FAILURE);
	buf_string(out, a->methods);
	buf_u8(out, a->verdict == LOGIN_PARTIAL);
}

static void put_key_ok(struct conn *c, struct buf *out)
{
	buf_u8(out, MSG_USERAUTH_60);
	buf_cstring(out, c->auth.alg->name);
	buf_string(out, buf_span(&c->auth.blob));
}

int conn_banner(struct conn *c, struct span text)
{
	struct buf out = BUF(PACKET_PREAUTH_MAX);

	if (c->err || c->role == ROLE_CLIENT || !c->auth.service_accepted || c->life != LIFE_AUTH ||
	    text.n > BANNER_MAX)
		return c->err ? ERR_CLOSED : ERR_LIMIT;
	buf_u8(&out, MSG_USERAUTH_BANNER);
	buf_string(&out, text);
	buf_cstring(&out, "");
	return tx_built(c, &out, tx_control) ? ERR_CLOSED : OK;
}

static int end_login(struct conn *c, struct span text)
{
	char words[WHY_MAX];

	if (!text.n)
		text = span_str("Too many authentication failures");
	snprintf(words, sizeof(words), "%.*s", (int)MIN(text.n, sizeof(words)), (const char *)text.p);
	conn_end(c, ERR_AUTH, words);
	return c->err;
}

int auth_login_answer(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(PACKET_PREAUTH_MAX);
	int err;

	if (a->verdict == LOGIN_END)
		return end_login(c, a->data);
	if (a->verdict == LOGIN_GRANT)
		buf_u8(&out, MSG_USERAUTH_SUCCESS);
	else if (a->verdict == LOGIN_KEY_OK)
		put_key_ok(c, &out);
	else
		put_failure(&out, a);
	err = tx_built(c, &out, tx_control);
	if (err || a->verdict != LOGIN_GRANT)
		return err;
	tx_flush_control(c); /* SUCCESS is out before anything of the connection protocol */
	c->life = LIFE_OPEN;
	c->kex.done_ms = c->rx.last_ms = c->now_ms;
	auth_fini(c);
	return c->err ? c->err : hostkeys_tell(c);
}
