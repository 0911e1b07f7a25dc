/* Logging in, the client's side (RFC 4252, RFC 4256, RFC 8332). What to try is the application's decision: it answers
 * EV_AUTH. The service request and the first try travel together, so that a login with a key costs one round trip. */
#include "ssh/engine.h"

enum { REQUEST_MAX = 256 * 1024, PASSWORD_MAX = 1024 };

static const char service[] = "ssh-connection";

int auth_begin(struct conn *c)
{
	struct buf out = BUF(64);
	int err;

	buf_u8(&out, MSG_SERVICE_REQUEST);
	buf_cstring(&out, "ssh-userauth");
	err = tx_built(c, &out, tx_control);
	c->auth.state = AUTH_ASK;
	return err;
}

static void emit_sign(struct conn *c, struct event *ev)
{
	struct auth *a = &c->auth;

	a->state = AUTH_SIGNING;
	ev->kind = EV_SIGN;
	ev->blob = buf_span(&a->blob);
	ev->alg = a->alg;
	ev->text = buf_span(&a->request);
	question_block(c, ev);
}

static void emit_auth(struct conn *c, struct event *ev)
{
	struct auth *a = &c->auth;

	a->state = AUTH_ASKED;
	ev->kind = EV_AUTH;
	ev->methods = buf_span(&a->methods);
	ev->partial = a->partial;
	ev->sig_algs = buf_span(&a->sig_algs);
	ev->ext_known = a->ext_known || a->service_accepted;
	question_block(c, ev);
}

bool auth_question(struct conn *c, struct event *ev)
{
	if (c->role != ROLE_CLIENT || c->life != LIFE_AUTH)
		return false;
	if (c->auth.state == AUTH_ASK)
		emit_auth(c, ev);
	else if (c->auth.state == AUTH_SIGN)
		emit_sign(c, ev);
	return ev->kind != 0;
}

int on_service_accept(struct conn *c, struct rd *in, struct event *ev)
{
	struct auth *a = &c->auth;
	bool named = in->n > 0; /* some old servers leave the name out */
	struct span name = named ? rd_string(in) : span_str("ssh-userauth");

	(void)ev;
	if (!rd_done(in) || !span_is(name, "ssh-userauth") || a->service_accepted || a->state == AUTH_START)
		return conn_fail(c, ERR_PROTO, "unexpected or malformed SERVICE_ACCEPT");
	a->service_accepted = true;
	if (a->state == AUTH_WAITING)
		a->state = AUTH_ASK;
	return OK;
}

/* ---- requests ---- */

static void begin_request(struct conn *c, struct buf *out, const char *method)
{
	buf_u8(out, MSG_USERAUTH_REQUEST);
	buf_string(out, buf_span(&c->user));
	buf_cstring(out, service);
	buf_cstring(out, method);
}

static int send_request(struct conn *c, struct buf *out)
{
	int err = tx_built(c, out, tx_control);

	c->auth.state = AUTH_SENT;
	return err;
}

static int send_none(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(REQUEST_MAX);

	(void)a;
	begin_request(c, &out, "none");
	return send_request(c, &out);
}

static int send_password(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(REQUEST_MAX);

	if (a->try.password.n > PASSWORD_MAX)
		return conn_fail(c, ERR_AUTH, "the password is longer than %d bytes", PASSWORD_MAX);
	begin_request(c, &out, "password");
	buf_u8(&out, 0);
	buf_string(&out, a->try.password);
	return send_request(c, &out);
}

static int send_keyboard(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(REQUEST_MAX);

	(void)a;
	begin_request(c, &out, "keyboard-interactive");
	buf_cstring(&out, "");
	buf_cstring(&out, "");
	return send_request(c, &out);
}

/* Remembers the key of this try: PK_OK and the signature are checked against it. */
static int keep_key(struct conn *c, const struct answer *a)
{
	buf_clear(&c->auth.blob);
	buf_bytes(&c->auth.blob, a->try.blob);
	c->auth.alg = a->try.alg;
	if (buf_err(&c->auth.blob))
		return conn_fail(c, ERR_NOMEM, "no memory for a public key");
	return OK;
}

static int send_query(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(REQUEST_MAX);

	if (keep_key(c, a) != OK)
		return c->err;
	begin_request(c, &out, "publickey");
	buf_u8(&out, 0);
	buf_cstring(&out, a->try.alg->name);
	buf_string(&out, a->try.blob);
	return send_request(c, &out);
}

/* RFC 4252 section 7: the signature covers the session identifier and the request before it. */
static int ask_signature(struct conn *c)
{
	struct auth *u = &c->auth;

	buf_clear(&u->request);
	buf_string(&u->request, buf_span(&c->kex.session_id));
	begin_request(c, &u->request, "publickey");
	buf_u8(&u->request, 1);
	buf_cstring(&u->request, u->alg->name);
	buf_string(&u->request, buf_span(&u->blob));
	if (buf_err(&u->request))
		return conn_fail(c, ERR_NOMEM, "no memory for a login request");
	u->state = AUTH_SIGN;
	return OK;
}

static int begin_publickey(struct conn *c, const struct answer *a)
{
	return keep_key(c, a) == OK ? ask_signature(c) : c->err;
}

static int wait_for_service(struct conn *c, const struct answer *a)
{
	struct auth *u = &c->auth;

	(void)a;
	assert(!u->waited);
	u->waited = true;
	u->state = u->service_accepted ? AUTH_ASK : AUTH_WAITING;
	return OK;
}

static int give_up(struct conn *c, const struct answer *a)
{
	return conn_fail(c, ERR_AUTH, "%.*s", (int)MIN(a->data.n, WHY_MAX), (const char *)a->data.p);
}

int auth_try_answer(struct conn *c, const struct answer *a)
{
	static int (*const send[])(struct conn *, const struct answer *) = {
		[AUTH_WAIT] = wait_for_service,	    [AUTH_NONE] = send_none,	     [AUTH_QUERY] = send_query,
		[AUTH_PUBLICKEY] = begin_publickey, [AUTH_PASSWORD] = send_password, [AUTH_KEYBOARD] = send_keyboard,
		[AUTH_GIVE_UP] = give_up,
	};

	c->auth.method = a->try.method;
	return send[a->try.method](c, a);
}

/* ---- answers ---- */

static int ask_again(struct conn *c)
{
	c->auth.state = AUTH_ASK;
	return OK;
}

int on_userauth_failure(struct conn *c, struct rd *in, struct event *ev)
{
	struct auth *a = &c->auth;
	struct span methods = rd_string(in);
	bool partial = rd_bool(in);

	if (!rd_done(in) || a->state != AUTH_SENT || !a->service_accepted || methods.n > NAME_LIST_MAX)
		return conn_fail(c, ERR_PROTO, "unexpected or malformed USERAUTH_FAILURE");
	buf_clear(&a->methods);
	buf_bytes(&a->methods, methods);
	if (buf_err(&a->methods))
		return conn_fail(c, ERR_NOMEM, "no memory for a list of methods");
	a->partial = partial;
	ev->kind = EV_AUTH_FAILED;
	ev->methods = buf_span(&a->methods);
	ev->partial = partial;
	return ask_again(c);
}

int on_userauth_success(struct conn *c, struct rd *in, struct event *ev)
{
	if (!rd_done(in) || c->auth.state != AUTH_SENT || !c->auth.service_accepted)
		return conn_fail(c, ERR_PROTO, "USERAUTH_SUCCESS without a request");
	if (c->auth.method == AUTH_QUERY) /* RFC 4252 section 7: the answer is PK_OK or FAILURE */
		return conn_fail(c, ERR_PROTO, "the server was asked about a key and let us in without a signature");
	c->life = LIFE_OPEN;
	c->kex.done_ms = c->rx.last_ms = c->now_ms;
	auth_fini(c);
	ev->kind = EV_LOGGED_IN;
	return OK;
}

int on_userauth_banner(struct conn *c, struct rd *in, struct event *ev)
{
	struct span text = rd_string(in);

	rd_string(in);
	if (!rd_done(in) || !c->auth.service_accepted || ++c->auth.banners > BANNERS_MAX)
		return conn_fail(c, ERR_PROTO, "malformed banner, or too many of them");
	ev->kind = EV_BANNER;
	ev->text = text;
	return OK;
}

static int on_pk_ok(struct conn *c, struct rd *in)
{
	struct span alg = rd_string(in), blob = rd_string(in);

	if (!rd_done(in) || !span_is(alg, c->auth.alg->name) || !span_eq(blob, buf_span(&c->auth.blob)))
		return conn_fail(c, ERR_PROTO, "the server accepted a key that was not offered");
	c->auth.method = AUTH_PUBLICKEY; /* no second PK_OK asks for a second signature */
	return ask_signature(c);
}

static int on_info_request(struct conn *c, struct rd *in, struct event *ev)
{
	struct auth *a = &c->auth;
	uint32_t n;

	ev->text = rd_string(in);
	ev->extra = rd_string(in);
	rd_string(in); /* language */
	n = rd_u32(in);
	if (n > KBD_PROMPTS_MAX)
		return conn_fail(c, ERR_PROTO, "the server asks %u questions at once", n);
	for (uint32_t i = 0; i < n; i++) {
		ev->prompts[i].text = rd_string(in);
		ev->prompts[i].echo = rd_bool(in);
	}
	if (!rd_done(in))
		return conn_fail(c, ERR_PROTO, "malformed INFO_REQUEST");
	a->prompts = n;
	a->state = AUTH_PROMPTED;
	ev->kind = EV_PROMPT;
	ev->prompt_count = n;
	question_block(c, ev);
	return OK;
}

/* Number 60 means what the request that is out makes of it. */
int on_userauth_60(struct conn *c, struct rd *in, struct event *ev)
{
	const struct auth *a = &c->auth;

	if (a->state != AUTH_SENT || !a->service_accepted)
		return conn_fail(c, ERR_PROTO, "message 60 without a request");
	if (a->method == AUTH_QUERY)
		return on_pk_ok(c, in);
	if (a->method == AUTH_KEYBOARD)
		return on_info_request(c, in, ev);
	if (a->method == AUTH_PASSWORD)
		return conn_fail(c, ERR_AUTH,
				 "the server wants the password to be changed: log in with ssh to do that");
	return conn_fail(c, ERR_PROTO, "unexpected message 60");
}

int auth_prompt_answer(struct conn *c, const struct answer *a)
{
	struct buf out = BUF(REQUEST_MAX);

	if (!a->yes) /* RFC 4256 section 3.1: another request abandons this one */
		return ask_again(c);
	buf_u8(&out, MSG_USERAUTH_INFO_RESPONSE);
	buf_u32(&out, c->auth.prompts);
	for (uint32_t i = 0; i < c->auth.prompts; i++)
		buf_string(&out, a->replies[i]);
	return send_request(c, &out);
}

int auth_sign_answer(struct conn *c, const struct answer *a)
{
	struct auth *u = &c->auth;
	struct buf out = BUF(REQUEST_MAX);
	struct rd in = rd(buf_span(&u->request));

	if (!a->data.n)
		return ask_again(c);
	rd_string(&in); /* the session identifier is signed, not sent */
	buf_bytes(&out, rd_rest(&in));
	buf_string(&out, a->data);
	return send_request(c, &out);
}

void auth_fini(struct conn *c)
{
	struct auth *a = &c->auth;
	struct buf *all[] = { &a->blob, &a->request, &a->methods, &a->sig_algs, &a->user };

	for (size_t i = 0; i < LEN(all); i++)
		buf_fini(all[i]);
}
