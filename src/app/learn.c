/* UpdateHostKeys: a server that the user's files know may tell its other host keys (OpenSSH's PROTOCOL,
 * hostkeys-00@openssh.com). It has to prove that it has them, all at once. Keys that it no longer has stay. */
#include <strings.h>

#include "app/client.h"
#include "base/names.h"
#include "base/rd.h"
#include "io/prompt.h"

enum { LEARN_KEYS_MAX = 16, LEARN_KEY_MAX = 16 * 1024, LEARN_ANSWER = 128 };

static const char purpose[] = "hostkeys-prove-00@openssh.com";

static void on_proof(struct owner *o, const struct event *ev);

void learn_init(struct learn *l)
{
	*l = (struct learn){ .keys = BUF(PROVE_MAX), .owner = { .event = on_proof } };
	list_init(&l->owner.node);
}

void learn_fini(struct learn *l)
{
	if (l->waiting)
		link_leave(&l->owner);
	buf_fini(&l->keys);
}

/* ---- which keys are wanted ---- */

/* HostKeyAlgorithms says with which keys this server may ever come. */
static bool usable(const struct client *c, struct span blob)
{
	size_t bits = pkey_rsa_bits(blob);

	if (cert_is(blob) || pkey_check(blob, NULL) != OK || (bits && bits < (size_t)c->conf->required_rsa_bits))
		return false;
	for (const struct sig_alg *a = sig_table(); a->name; a++)
		if (!a->agent_only && span_is(pkey_type(blob), a->key_type) &&
		    names_have(span_str(c->conf->host_key), a->name))
			return true;
	return false;
}

static bool listed(struct span packed, struct span blob)
{
	struct rd in = rd(packed);

	while (rd_ok(&in) && in.n)
		if (span_eq(rd_string(&in), blob))
			return true;
	return false;
}

/* Neither known nor revoked, and the files say so beyond doubt. */
static bool unknown(const struct client *c, struct span blob)
{
	struct kh_verdict v;
	struct why why = { "" };

	if (hostkey_look_up(c, blob, &v, &why) != OK || v.unreadable)
		return false;
	return v.status == KH_UNKNOWN || v.status == KH_CHANGED;
}

/* False when the list is none, or too long. */
static bool collect(struct client *c, struct span list)
{
	struct buf *keys = &c->learn.keys;
	struct rd in = rd(list);

	for (size_t n = 0; rd_ok(&in) && in.n; n++) {
		struct span blob = rd_string(&in);

		if (!rd_ok(&in) || n == LEARN_KEYS_MAX || blob.n > LEARN_KEY_MAX)
			return false;
		if (usable(c, blob) && !listed(buf_span(keys), blob) && unknown(c, blob))
			buf_string(keys, blob);
	}
	return rd_done(&in) && !buf_err(keys);
}

/* ---- the proof ---- */

/* An RSA key signs as the key exchange did when that was with RSA; otherwise with either SHA-2, never with SHA-1, which
 * no table has. */
static const struct sig_alg *proof_alg(struct conn *conn, struct span sig)
{
	const struct sig_alg *alg = sig_find(pkey_type(sig)), *used;
	struct negotiated n;

	conn_negotiated(conn, &n);
	used = sig_find(span_str(n.host_key));
	if (!alg || alg->cert || !used)
		return NULL;
	if (strcmp(alg->key_type, used->key_type) == 0 && strcmp(alg->name, used->name) != 0)
		return NULL;
	return alg;
}

static int check_proof(struct client *c, struct span blob, struct span sig, struct why *why)
{
	struct conn *conn = link_conn(c->link);
	const struct sig_alg *alg = proof_alg(conn, sig);
	struct buf data = BUF(LEARN_KEY_MAX + 256);
	int err;

	if (!alg)
		return why_set(why, ERR_CRYPTO, "a signature of a type that is not wanted");
	buf_cstring(&data, purpose);
	buf_string(&data, conn_session_id(conn));
	buf_string(&data, blob);
	if (buf_err(&data))
		err = why_set(why, ERR_NOMEM, "no memory");
	else
		err = pkey_verify(c->crypto, alg, blob, sig, buf_span(&data), (unsigned)c->conf->required_rsa_bits,
				  why);
	buf_fini(&data);
	return err;
}

static int check_proofs(struct client *c, struct span proofs, struct why *why)
{
	struct rd keys = rd(buf_span(&c->learn.keys)), in = rd(proofs);
	int err = OK;

	while (keys.n && !err) {
		struct span blob = rd_string(&keys), sig = rd_string(&in);

		err = rd_ok(&in) ? check_proof(c, blob, sig, why) : why_set(why, ERR_SYNTAX, "it is cut short");
	}
	return err || rd_done(&in) ? err : why_set(why, ERR_SYNTAX, "bytes behind its end");
}

/* ---- the file ---- */

static void describe(const struct client *c, enum log_at level, const char *what)
{
	struct rd keys = rd(buf_span(&c->learn.keys));
	char print[64] = "";

	while (keys.n) {
		struct span blob = rd_string(&keys);

		if (pkey_fingerprint(c->crypto, blob, print) == OK)
			log_line(c->log, level, "%s: %s %s", what, pkey_label(blob), print);
	}
}

static bool person_agrees(struct client *c)
{
	char answer[LEARN_ANSWER];
	struct why why = { "" };

	if (c->conf->update_host_keys != ANSWER_ASK)
		return true;
	describe(c, LOG_AT_INFO, "The server proved that it has a further host key");
	if (prompt(PROMPT_CONFIRM, "Add to the list of known hosts (yes/no)? ", answer, sizeof(answer), &why) == OK)
		return strcasecmp(answer, "yes") == 0;
	log_line(c->log, LOG_AT_VERBOSE, "Further host keys are not learned: %s", why.text);
	return false;
}

static void store(struct client *c)
{
	struct rd keys = rd(buf_span(&c->learn.keys));
	struct why why = { "" };

	while (keys.n) {
		if (hostkey_store(c, rd_string(&keys), &why) == OK)
			continue;
		log_line(c->log, LOG_AT_ERROR, "Failed to add a further host key to the list of known hosts: %s",
			 why.text);
		return;
	}
	describe(c, LOG_AT_VERBOSE, "Learned a further host key");
}

static void on_proof(struct owner *o, const struct event *ev)
{
	struct client *c = CONTAINER(o, struct client, learn.owner);
	struct why why = { "it refuses" };

	link_leave(o);
	c->learn.waiting = false;
	if (ev->kind != EV_REPLY || c->stopping)
		return;
	if (!ev->ok || check_proofs(c, ev->text, &why) != OK)
		log_line(c->log, LOG_AT_VERBOSE, "The server does not prove its further host keys: %s", why.text);
	else if (person_agrees(c))
		store(c);
}

/* ---- the list ---- */

/* Somebody who is asked must be there. */
static bool wanted(const struct client *c)
{
	const struct client_conf *conf = c->conf;
	bool alone = conf->batch_mode || conf->fork_after_auth;

	if (conf->update_host_keys == ANSWER_ASK)
		return c->learn.may && !alone;
	return c->learn.may && conf->update_host_keys == ANSWER_YES;
}

void learn_event(struct client *c, const struct event *ev)
{
	struct learn *l = &c->learn;
	struct global_request prove = { .kind = GLOBAL_PROVE_HOST_KEYS };
	uint32_t ticket;

	if (l->heard || !wanted(c))
		return;
	l->heard = true;
	if (!collect(c, ev->text)) {
		log_line(c->log, LOG_AT_VERBOSE, "The server's list of host keys is malformed or too long.");
		return;
	}
	prove.keys = buf_span(&l->keys);
	if (!prove.keys.n || conn_global(link_conn(c->link), &prove, &l->owner, &ticket) != OK)
		return;
	l->waiting = true;
	link_join(c->link, &l->owner);
}
