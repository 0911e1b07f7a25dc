/* Logging in: which method and which key next, prompts, the agent (RFC 4252, RFC 4256). The first key goes out with a
 * signature at once when that costs nobody a passphrase or a touch; otherwise the server is asked first. */
#include <stdlib.h>
#include <string.h>

#include "app/client.h"
#include "base/names.h"
#include "base/str.h"
#include "conf/keyfile.h"
#include "io/prompt.h"
#include "proto/agent.h"

enum { TEXT = 1024, METHODS_MAX = 8192 };

void login_init(struct login *l)
{
	*l = (struct login){ .methods = BUF(METHODS_MAX),
			     .sig_algs = BUF(METHODS_MAX),
			     .host_key = BUF(PKEY_BLOB_MAX),
			     .kex_sig = BUF(PKEY_BLOB_MAX) };
}

void login_fini(struct login *l)
{
	struct buf *all[] = { &l->methods, &l->sig_algs, &l->host_key, &l->kex_sig };

	for (size_t i = 0; i < LEN(all); i++)
		buf_fini(all[i]);
	agentsock_free(l->agent);
	l->agent = NULL;
	identities_fini(&l->ids);
}

static void answer(struct client *c, uint32_t question, const struct answer *a)
{
	if (c->link && link_alive(c->link))
		conn_answer(link_conn(c->link), question, a);
}

/* ---- methods; each gives its next try, or false when it has none left ---- */

static void describe(const struct client *c, const struct identity *id, const char *verb)
{
	char print[64] = "";

	if (pkey_fingerprint(c->crypto, buf_span(&id->blob), print) == OK)
		log_line(c->log, LOG_AT_DEBUG1, "%s: %s %s %s%s", verb, id->path ? id->path : "key",
			 pkey_label(buf_span(&id->blob)), print, id->in_agent ? " agent" : "");
}

/* Asks for the passphrase until the file opens; the key stays loaded for this run. */
static bool unlock(struct client *c, struct identity *id)
{
	char text[TEXT], pass[PROMPT_MAX];
	struct why why = { "" };
	int err = ERR_PASSPHRASE;

	if (c->conf->batch_mode)
		return false;
	for (int i = 0; i < c->conf->password_prompts && err == ERR_PASSPHRASE; i++) {
		struct why name;

		why_set(&name, OK, "Enter passphrase for key '%s': ", id->path);
		str_escape(text, sizeof(text), span_str(name.text));
		if (prompt(PROMPT_SECRET, text, pass, sizeof(pass), &why) != OK || !*pass)
			break;
		err = keyfile_load(id->path, c->crypto, pass, &id->key, NULL, &why);
		wipe(pass, sizeof(pass));
	}
	if (!err && id->blob.n && !span_eq(pkey_blob(id->key), buf_span(&id->blob))) /* the .pub file lied */
		err = why_set(&why, ERR_CRYPTO, "the public key beside it is of another key");
	if (err)
		log_line(c->log, LOG_AT_ERROR, "%s: %s", id->path, *why.text ? why.text : "no passphrase was given");
	return err == OK;
}

/* An encrypted PEM file without a .pub file beside it says nothing about itself: the passphrase comes first. */
static bool reveal(struct client *c, struct identity *id)
{
	if (id->blob.n)
		return true;
	if (!unlock(c, id))
		return false;
	buf_bytes(&id->blob, pkey_blob(id->key));
	return buf_err(&id->blob) == OK;
}

/* A signature costs nothing when the key lies open, or when it is the only one of an agent and needs no touch. */
static bool sign_at_once(const struct login *l, const struct identity *id)
{
	return id->owner->key || (id->owner->in_agent && l->ids.n == 1 && !l->alg->agent_only);
}

/* RequiredRSASize. One line says why a key is not offered, or its owner would look for the reason at the server. */
static bool too_short(const struct client *c, const struct identity *id)
{
	size_t bits = pkey_rsa_bits(buf_span(&id->blob));
	char print[64] = "";

	if (!bits || bits >= (size_t)c->conf->required_rsa_bits)
		return false;
	if (!id->path && pkey_fingerprint(c->crypto, buf_span(&id->blob), print) != OK)
		return true;
	log_line(c->log, LOG_AT_INFO, "Skipping key %s: an RSA key of %zu bits, and RequiredRSASize is %d.",
		 id->path ? id->path : print, bits, c->conf->required_rsa_bits);
	return true;
}

static bool try_publickey(struct client *c, struct answer *a)
{
	struct login *l = &c->login;

	if (!c->conf->pubkey_auth)
		return false;
	for (size_t i = 0; i < l->ids.n; i++) {
		struct identity *id = l->ids.id[i];

		if (id->tried || id->rank == RANK_UNUSABLE)
			continue;
		if (!reveal(c, id) || too_short(c, id)) {
			id->tried = true;
			continue;
		}
		if (identity_needs_list(id) && !l->ext_known && !l->waited) {
			l->waited = true;
			a->try.method = AUTH_WAIT;
			return true;
		}
		id->tried = true;
		l->alg = identity_alg(id, c->conf->pubkey_algs, buf_span(&l->sig_algs));
		if (!l->alg) {
			describe(c, id, "No algorithm in common with the server for");
			continue;
		}
		describe(c, id, "Offering public key");
		l->current = id;
		a->try.method = sign_at_once(l, id) ? AUTH_PUBLICKEY : AUTH_QUERY;
		a->try.alg = l->alg;
		a->try.blob = buf_span(&id->blob);
		return true;
	}
	return false;
}

static bool may_ask(const struct client *c, int asked)
{
	return !c->conf->batch_mode && !c->login.no_passwords && asked < c->conf->password_prompts;
}

static bool try_keyboard(struct client *c, struct answer *a)
{
	if (!c->conf->kbd_auth || !may_ask(c, c->login.dialogues))
		return false;
	c->login.dialogues++;
	a->try.method = AUTH_KEYBOARD;
	return true;
}

/* Asks for what the server shall get; what is too long for it is asked for again. */
static int ask(const struct client *c, enum prompt_kind kind, const char *text, char out[PROMPT_MAX])
{
	struct why why = { "" };
	int err = ERR_LIMIT;

	for (int i = 0; i < c->conf->password_prompts && err == ERR_LIMIT; i++) {
		err = prompt(kind, text, out, PROMPT_MAX, &why);
		if (err)
			log_line(c->log, LOG_AT_ERROR, "%s", why.text);
	}
	return err;
}

static bool try_password(struct client *c, struct answer *a)
{
	char text[TEXT];
	struct buf b = BUF(sizeof(text));

	if (!c->conf->password_auth || !may_ask(c, c->login.passwords))
		return false;
	if (c->login.passwords++)
		log_line(c->log, LOG_AT_INFO, "Permission denied, please try again.");
	buf_printf(&b, "%.255s@%.255s's password: ", c->conf->user_name, c->conf->host_arg);
	str_escape(text, sizeof(text), buf_span(&b));
	buf_fini(&b);
	if (ask(c, PROMPT_SECRET, text, c->login.secret) != OK) {
		c->login.passwords = c->conf->password_prompts;
		return false;
	}
	a->try.method = AUTH_PASSWORD;
	a->try.password = span_str(c->login.secret);
	return true;
}

struct method {
	const char *name;
	bool (*next)(struct client *c, struct answer *a);
};

static const struct method methods[] = {
	{ "publickey", try_publickey },
	{ "keyboard-interactive", try_keyboard },
	{ "password", try_password },
};

static const struct method *method_find(struct span name)
{
	for (size_t i = 0; i < LEN(methods); i++)
		if (span_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

/* Until the server has said what it takes, a key is offered on trust if keys are preferred to everything else. */
static bool try_preferred(struct client *c, struct answer *a)
{
	const char *order = c->conf->preferred_auth ? c->conf->preferred_auth
						    : "publickey,keyboard-interactive,password";
	struct span list = span_str(order), name, known = buf_span(&c->login.methods);

	while (names_next(&list, &name)) {
		const struct method *m = method_find(name);

		if (!m)
			continue;
		if (!known.n)
			return m == methods && m->next(c, a);
		if (names_have(known, m->name) && m->next(c, a))
			return true;
	}
	return false;
}

/* The server's list is learnt by asking for nothing (RFC 4252 section 5.2). */
static bool try_none(struct client *c, struct answer *a)
{
	if (c->login.methods.n || c->login.none_tried)
		return false;
	c->login.none_tried = true;
	a->try.method = AUTH_NONE;
	return true;
}

static void next_try(struct client *c, uint32_t question)
{
	struct answer a = { 0 };
	char text[TEXT], list[TEXT];
	struct buf b = BUF(sizeof(text));

	if (!try_preferred(c, &a) && !try_none(c, &a)) {
		str_escape(list, 256, buf_span(&c->login.methods));
		buf_printf(&b, "%.255s@%.255s: Permission denied (%s).", c->conf->user_name, c->conf->host_arg, list);
		a.try.method = AUTH_GIVE_UP;
		a.data = buf_span(&b);
	}
	answer(c, question, &a);
	buf_fini(&b);
	wipe(c->login.secret, sizeof(c->login.secret));
}

/* ---- what keys are there ---- */

static void warn_file(void *user, const char *text)
{
	const struct client *c = user;

	log_line(c->log, LOG_AT_ERROR, "%s", text);
}

/* log_line() writes one line; OpenSSH's warning about open permissions has several. */
static void warn_lines(void *user, const char *text)
{
	char line[TEXT];

	while (*text) {
		size_t n = strcspn(text, "\n");

		memcpy(line, text, MIN(n, sizeof(line) - 1));
		line[MIN(n, sizeof(line) - 1)] = 0;
		warn_file(user, line);
		text += n + (text[n] == '\n');
	}
}

static void collect(struct client *c, struct span agent_list)
{
	struct login *l = &c->login;

	l->prepared = true;
	if (identities_collect(&l->ids, c->conf, c->crypto, agent_list, warn_lines, c) != OK)
		client_fail(c, "no memory for the keys");
	else
		next_try(c, l->question);
}

static void on_agent_list(void *user, int err, struct span message, const struct why *why)
{
	struct client *c = user;

	if (err)
		log_line(c->log, LOG_AT_VERBOSE, "The agent gives no keys: %s", why->text);
	collect(c, err ? span(NULL, 0) : message);
}

static void ask_agent_list(struct client *c)
{
	struct buf request = BUF(64);

	agent_put_list(&request);
	if (buf_err(&request) || agentsock_ask(c->login.agent, buf_span(&request), on_agent_list, c) != OK)
		collect(c, span(NULL, 0));
	buf_fini(&request);
}

/* An agent that does not know session-bind@openssh.com says no, and that is fine. */
static void on_agent_bound(void *user, int err, struct span message, const struct why *why)
{
	(void)message;
	(void)why;
	if (err)
		collect(user, span(NULL, 0));
	else
		ask_agent_list(user);
}

static void bind_agent(struct client *c)
{
	struct login *l = &c->login;
	struct buf request = BUF(AGENT_MSG_MAX);

	agent_put_bind(&request, buf_span(&l->host_key), conn_session_id(link_conn(c->link)), buf_span(&l->kex_sig),
		       false);
	if (buf_err(&request) || agentsock_ask(l->agent, buf_span(&request), on_agent_bound, c) != OK)
		collect(c, span(NULL, 0));
	buf_fini(&request);
}

static void prepare(struct client *c)
{
	struct why why = { "" };

	if (!c->conf->pubkey_auth || !c->conf->agent_path) {
		collect(c, span(NULL, 0));
		return;
	}
	if (agentsock_new(&c->login.agent, c->loop, c->conf->agent_path, &why) != OK) {
		log_line(c->log, LOG_AT_DEBUG1, "No agent: %s", why.text);
		collect(c, span(NULL, 0));
		return;
	}
	bind_agent(c);
}

/* ---- questions of the engine ---- */

static void on_auth(struct client *c, const struct event *ev)
{
	struct login *l = &c->login;

	buf_clear(&l->methods);
	buf_bytes(&l->methods, ev->methods);
	buf_clear(&l->sig_algs);
	buf_bytes(&l->sig_algs, ev->sig_algs);
	l->ext_known = ev->ext_known;
	l->question = ev->question;
	if (l->prepared)
		next_try(c, ev->question);
	else
		prepare(c);
}

/* One factor is done: the next may want another of our keys, but not the same one again. */
static void on_refused(struct client *c, const struct event *ev)
{
	struct login *l = &c->login;
	char list[256];

	log_line(c->log, LOG_AT_DEBUG1, "Authentications that can continue: %s",
		 str_escape(list, sizeof(list), ev->methods));
	if (!ev->partial)
		return;
	log_line(c->log, LOG_AT_VERBOSE, "Authenticated with partial success.");
	for (size_t i = 0; i < l->ids.n; i++)
		l->ids.id[i]->tried = l->ids.id[i] == l->current;
	l->passwords = l->dialogues = 0;
}

static void sign_with(struct client *c, const struct pkey *key, const struct event *ev)
{
	struct buf sig = BUF(PKEY_SIG_MAX);
	struct answer a = { 0 };

	if (pkey_sign(key, c->crypto, ev->alg, ev->text, &sig) == OK)
		a.data = buf_span(&sig);
	else
		log_line(c->log, LOG_AT_ERROR, "Signing with %s failed.", c->login.current->owner->path);
	answer(c, ev->question, &a);
	buf_fini(&sig);
}

static void on_agent_signature(void *user, int err, struct span message, const struct why *why)
{
	struct client *c = user;
	struct answer a = { 0 };
	struct why bad = { "" };

	if (err)
		bad = *why;
	else
		err = agent_get_signature(&a.data, message, c->login.alg->sig_type, &bad);
	if (err)
		log_line(c->log, LOG_AT_ERROR, "The agent does not sign: %s", bad.text);
	answer(c, c->login.question, &a);
}

static void sign_by_agent(struct client *c, const struct event *ev)
{
	struct login *l = &c->login;
	struct buf request = BUF(AGENT_MSG_MAX);
	struct answer none = { 0 };

	/* A certificate whose plain key is in the agent: the agent signs with that. */
	agent_put_sign(&request, buf_span(&l->current->owner->blob), ev->text, ev->alg->agent_flags);
	l->question = ev->question;
	if (buf_err(&request) || !l->agent || agentsock_ask(l->agent, buf_span(&request), on_agent_signature, c) != OK)
		answer(c, ev->question, &none);
	buf_fini(&request);
}

static void on_sign(struct client *c, const struct event *ev)
{
	struct identity *id = c->login.current->owner;
	struct answer none = { 0 };

	if (id->in_agent)
		sign_by_agent(c, ev);
	else if (id->key || unlock(c, id))
		sign_with(c, id->key, ev);
	else
		answer(c, ev->question, &none);
}

/* One question of a dialogue. OpenSSH puts user and host in front, so that a server cannot ask for another's secret. */
static bool ask_one(struct client *c, const struct prompt *p, char *out)
{
	char text[TEXT];
	struct buf b = BUF(2 * TEXT);

	buf_printf(&b, "(%.255s@%.255s) ", c->conf->user_name, c->conf->host_arg);
	buf_bytes(&b, span(p->text.p, MIN(p->text.n, TEXT / 2)));
	str_escape_banner(text, sizeof(text), buf_span(&b));
	buf_fini(&b);
	return ask(c, p->echo ? PROMPT_LINE : PROMPT_SECRET, text, out) == OK;
}

static void show(struct client *c, struct span text)
{
	char safe[TEXT];

	if (text.n)
		log_line(c->log, LOG_AT_INFO, "%s", str_escape(safe, sizeof(safe), text));
}

static void on_prompt(struct client *c, const struct event *ev)
{
	char(*replies)[PROMPT_MAX] = calloc(KBD_PROMPTS_MAX, sizeof(*replies));
	struct answer a = { .yes = replies != NULL };

	show(c, ev->text);
	show(c, ev->extra);
	for (size_t i = 0; i < ev->prompt_count && a.yes; i++) {
		a.yes = ask_one(c, &ev->prompts[i], replies[i]);
		a.replies[i] = span_str(replies[i]);
	}
	if (!a.yes)
		c->login.dialogues = c->conf->password_prompts;
	answer(c, ev->question, &a);
	if (replies)
		wipe(replies, KBD_PROMPTS_MAX * sizeof(*replies));
	free(replies);
}

/* Line by line, because a log line is one line. */
static void on_banner(struct client *c, const struct event *ev)
{
	struct span rest = ev->text;

	while (rest.n) {
		const uint8_t *lf = memchr(rest.p, '\n', rest.n);
		size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
		size_t text = n && rest.p[n - 1] == '\r' ? n - 1 : n;
		char safe[TEXT];

		log_line(c->log, LOG_AT_INFO, "%s", str_escape_banner(safe, sizeof(safe), span(rest.p, text)));
		n = MIN(n + 1, rest.n);
		rest = span(rest.p + n, rest.n - n);
	}
}

void login_event(struct client *c, const struct event *ev)
{
	static void (*const handlers[])(struct client *, const struct event *) = {
		[EV_AUTH] = on_auth,	 [EV_AUTH_FAILED] = on_refused, [EV_SIGN] = on_sign,
		[EV_PROMPT] = on_prompt, [EV_BANNER] = on_banner,
	};

	handlers[ev->kind](c, ev);
}
