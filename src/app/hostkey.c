/* Is this the right server? What known_hosts says, what StrictHostKeyChecking makes of it, and what a person answers
 * (RFC 4251 section 4.1). No credential leaves before this has said yes. */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "app/client.h"
#include "io/prompt.h"
#include "io/sys.h"
#include "conf/revoked.h"

struct question {
	struct client *c;
	struct span blob;
	char name[KH_NAME_MAX];
	char fingerprint[64];
	char address[ADDR_TEXT];
	struct kh_verdict verdict;
};

static struct kh_host called(const struct client *c)
{
	return (struct kh_host){ c->conf->host, (uint16_t)c->conf->port, c->conf->host_key_alias };
}

/* User files first, as they are asked first. */
static size_t files(const struct client *c, const char **out, size_t max)
{
	const struct strs *lists[] = { &c->conf->user_known_hosts, &c->conf->global_known_hosts };
	size_t n = 0;

	for (size_t i = 0; i < LEN(lists); i++)
		for (size_t j = 0; j < lists[i]->n && n < max; j++)
			out[n++] = lists[i]->v[j];
	return n;
}

enum { FILES_MAX = 32 };

/* ---- which algorithms to ask for ---- */

static bool known_type(const struct kh_types *t, const struct sig_alg *a)
{
	const struct sig_alg *plain = sig_find(span_str(a->plain));

	if (a->cert)
		return t->ca;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->type[i], plain->key_type) == 0)
			return true;
	return false;
}

static void put_names(struct buf *out, const char *list, const struct kh_types *t, bool wanted)
{
	while (*list) {
		size_t n = strcspn(list, ",");
		const struct sig_alg *a = sig_find(span(list, n));

		if (a && known_type(t, a) == wanted) {
			if (out->n)
				buf_u8(out, ',');
			buf_bytes(out, span(list, n));
		}
		list += n + (list[n] == ',');
	}
}

int hostkey_algorithms(struct client *c, struct buf *out, struct why *why)
{
	const char *names[FILES_MAX];
	struct kh_host host = called(c);
	struct kh_types types = { 0 };
	int err = OK;

	if (!conf_said(c->conf, OPT_HostKeyAlgorithms))
		err = kh_types(&types, names, files(c, names, LEN(names)), &host, c->crypto);
	if (err)
		return why_set(why, err, "cannot read known_hosts: %s", err_name(err));
	put_names(out, c->conf->host_key, &types, true);
	put_names(out, c->conf->host_key, &types, false);
	buf_u8(out, 0);
	return buf_err(out) ? why_set(why, ERR_NOMEM, "no memory for a list of algorithms") : OK;
}

/* ---- the decision ---- */

static void reply(struct client *c, const struct event *ev, bool yes)
{
	struct answer a = { .yes = yes };

	conn_answer(link_conn(c->link), ev->question, &a);
}

static void refuse(struct client *c, const struct event *ev)
{
	reply(c, ev, false);
	client_fail(c, "Host key verification failed.");
}

/* By the address that answered: a name may say anything ("127.example.com"). */
static bool loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

int hostkey_store(const struct client *c, struct span blob, struct why *why)
{
	const struct kh_host host = called(c);
	uint8_t salt[KH_SALT];

	if (!c->conf->user_known_hosts.n)
		return why_set(why, ERR_NOT_FOUND, "UserKnownHostsFile names no file");
	if (sys_random(salt, sizeof(salt)) != OK)
		return why_set(why, ERR_CRYPTO, "the system gives no random bytes");
	return kh_append(c->conf->user_known_hosts.v[0], &host, blob, c->conf->hash_known_hosts ? KH_HASHED : KH_CLEAR,
			 salt, c->crypto, why);
}

/* A new key goes to the first of the user's files, if there is one. True when it is there now. */
static bool remember(struct question *q)
{
	struct client *c = q->c;
	struct why why = { "" };
	int err = hostkey_store(c, q->blob, &why);

	if (err == ERR_NOT_FOUND)
		return false;
	if (err)
		log_line(c->log, LOG_AT_ERROR, "Failed to add the host to the list of known hosts: %s", why.text);
	else
		log_line(c->log, LOG_AT_INFO, "Warning: Permanently added '%s' (%s) to the list of known hosts.",
			 q->name, pkey_label(q->blob));
	return err == OK;
}

enum { ANSWER_TEXT = 128, QUESTION_TEXT = 2048 };

/* "yes", "no", or the fingerprint itself: asked until it is one of them. */
static bool person_says_yes(struct question *q)
{
	char text[QUESTION_TEXT], answer[ANSWER_TEXT];
	struct why why = { "" };
	const char *again = "";

	for (;;) {
		struct buf b = BUF(sizeof(text));

		if (*again)
			buf_printf(&b, "%s", again);
		else
			buf_printf(&b,
				   "The authenticity of host '%s (%s)' can't be established.\n"
				   "%s key fingerprint is %s.\n%s%s"
				   "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
				   q->name, q->address, pkey_label(q->blob), q->fingerprint, q->verdict.why.text,
				   *q->verdict.why.text ? "\n" : "");
		buf_u8(&b, 0);
		if (buf_err(&b)) { /* nobody says yes to a question that cannot be shown whole */
			buf_fini(&b);
			log_line(q->c->log, LOG_AT_ERROR, "The question about the host key is too long to be asked.");
			return false;
		}
		memcpy(text, b.p, b.n);
		buf_fini(&b);
		if (prompt(PROMPT_CONFIRM, text, answer, sizeof(answer), &why) != OK) {
			log_line(q->c->log, LOG_AT_ERROR, "%s", why.text);
			return false;
		}
		if (strcasecmp(answer, "yes") == 0 || strcmp(answer, q->fingerprint) == 0)
			return true;
		if (strcasecmp(answer, "no") == 0 || !*answer)
			return false;
		again = "Please type 'yes', 'no' or the fingerprint: ";
	}
}

/* Further keys may be learned beside a key, not beside a CA or a pattern that somebody keeps by hand. */
static bool plain_knowledge(const struct question *q)
{
	return !cert_is(q->blob) && !q->verdict.by_pattern && !q->verdict.without_port;
}

static bool in_user_file(const struct question *q)
{
	const struct strs *files = &q->c->conf->user_known_hosts;

	for (size_t i = 0; i < files->n; i++)
		if (q->verdict.at.file == files->v[i])
			return true;
	return false;
}

/* A key that no line knows. */
static bool accept_unknown(struct question *q)
{
	const struct client_conf *conf = q->c->conf;
	bool asked = conf->strict_host_key == CHECK_ASK, stored;

	if (conf->strict_host_key == CHECK_YES || (conf->strict_host_key == CHECK_ASK && conf->batch_mode)) {
		log_line(q->c->log, LOG_AT_ERROR,
			 "No %s host key is known for %s and you have requested strict checking.", pkey_label(q->blob),
			 q->name);
		if (*q->verdict.why.text)
			log_line(q->c->log, LOG_AT_ERROR, "%s", q->verdict.why.text);
		return false;
	}
	if (asked && !person_says_yes(q))
		return false;
	stored = remember(q);
	q->c->learn.may = asked && stored && plain_knowledge(q);
	return true;
}

static void shout(struct client *c, const char *headline)
{
	log_line(c->log, LOG_AT_ERROR, "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@");
	log_line(c->log, LOG_AT_ERROR, "@    %-52s @", headline);
	log_line(c->log, LOG_AT_ERROR, "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@");
}

/* Another key than the one that is known: the sentence names file and line. StrictHostKeyChecking no goes on, but gives
 * no password to whoever that is. */
static bool accept_changed(struct question *q)
{
	struct client *c = q->c;
	bool go_on = c->conf->strict_host_key == CHECK_NO;

	shout(c, "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!");
	log_line(c->log, LOG_AT_ERROR, "Somebody may be listening in right now, or the host key was replaced.");
	log_line(c->log, LOG_AT_ERROR, "The %s key sent by %s has the fingerprint %s.", pkey_label(q->blob), q->name,
		 q->fingerprint);
	log_line(c->log, LOG_AT_ERROR, "Offending %s key in %s:%lu", q->verdict.at.type ? q->verdict.at.type : "host",
		 q->verdict.at.file, q->verdict.at.line);
	log_line(c->log, LOG_AT_ERROR,
		 "Ask the administrator of %s whether the key was changed. If it was, remove the old one:", q->name);
	log_line(c->log, LOG_AT_ERROR, "  ssh-keygen -f '%s' -R '%s'", q->verdict.at.file, q->name);
	if (go_on)
		log_line(c->log, LOG_AT_ERROR,
			 "Password and keyboard-interactive login are disabled for this connection.");
	c->login.no_passwords = go_on;
	return go_on;
}

static bool accept_revoked(struct question *q)
{
	shout(q->c, "WARNING: REVOKED HOST KEY DETECTED!");
	log_line(q->c->log, LOG_AT_ERROR, "The %s host key for %s is marked as revoked.", pkey_label(q->blob), q->name);
	log_line(q->c->log, LOG_AT_ERROR, "%s", q->verdict.why.text);
	return false;
}

static bool accept_known(struct question *q)
{
	log_line(q->c->log, LOG_AT_DEBUG1, "Host '%s' is known and matches the %s host key (%s:%lu).", q->name,
		 pkey_label(q->blob), q->verdict.at.file, q->verdict.at.line);
	q->c->learn.may = plain_knowledge(q) && in_user_file(q);
	return true;
}

static bool judge(struct question *q)
{
	static bool (*const rules[])(struct question *) = {
		[KH_UNKNOWN] = accept_unknown, [KH_OK] = accept_known,	      [KH_CERT_OK] = accept_known,
		[KH_CHANGED] = accept_changed, [KH_REVOKED] = accept_revoked, [KH_CERT_BAD] = accept_unknown,
	};

	if (q->verdict.ignored_reason)
		log_line(q->c->log, LOG_AT_VERBOSE, "%s:%lu: %s", q->verdict.ignored.file, q->verdict.ignored.line,
			 q->verdict.ignored_reason);
	if (q->verdict.unreadable)
		log_line(q->c->log, LOG_AT_ERROR, "%s: %s", q->verdict.unreadable,
			 strerror(q->verdict.unreadable_errno));
	return rules[q->verdict.status](q);
}

int hostkey_look_up(const struct client *c, struct span blob, struct kh_verdict *v, struct why *why)
{
	const char *names[FILES_MAX];
	const struct kh_host host = called(c);
	const struct kh_rules rules = { (uint64_t)time(NULL), c->conf->ca_sig, (unsigned)c->conf->required_rsa_bits };
	const char *revoked = c->conf->revoked_host_keys;
	int err = OK;

	if (revoked && strcmp(revoked, "none") != 0)
		err = revoked_check(revoked, REVOKED_HOST, blob, c->crypto, why);
	if (!err)
		err = kh_check(v, names, files(c, names, LEN(names)), &host, blob, c->crypto, &rules);
	if (err && !*why->text)
		why_set(why, err, "cannot check the host key: %s", err_name(err));
	return err;
}

static int look_up(struct question *q, struct why *why)
{
	const struct kh_host host = called(q->c);
	int err = pkey_fingerprint(q->c->crypto, q->blob, q->fingerprint);

	if (!err)
		err = kh_name(q->name, &host);
	if (err)
		return why_set(why, err, "cannot check the host key: %s", err_name(err));
	return hostkey_look_up(q->c, q->blob, &q->verdict, why);
}

static void keep_for_agent(struct client *c, const struct event *ev)
{
	buf_clear(&c->login.host_key);
	buf_clear(&c->login.kex_sig);
	buf_bytes(&c->login.host_key, ev->blob);
	buf_bytes(&c->login.kex_sig, ev->extra);
}

void hostkey_decide(struct client *c, const struct event *ev)
{
	struct question q = { .c = c, .blob = ev->blob };
	struct why why = { "" };
	uint16_t port;

	keep_for_agent(c, ev);
	addr_text(&c->peer, q.address, &port);
	if (c->conf->no_host_auth_localhost && loopback(q.address)) {
		reply(c, ev, true);
		return;
	}
	if (look_up(&q, &why) != OK) {
		log_line(c->log, LOG_AT_ERROR, "%s", why.text);
		refuse(c, ev);
		return;
	}
	log_line(c->log, LOG_AT_DEBUG1, "Server host key: %.*s %s", (int)pkey_type(ev->blob).n, pkey_type(ev->blob).p,
		 q.fingerprint);
	if (judge(&q))
		reply(c, ev, true);
	else
		refuse(c, ev);
}
