/* The files that say who may log in, read with the rights of whom they belong to. */
#include <stdio.h>
#include <stdlib.h>

#include "app/guard.h"
#include "base/str.h"
#include "conf/revoked.h"
#include "conf/safefile.h"
#include "conf/userca.h"
#include "io/privs.h"
#include "io/sys.h"

/* ---- reading ---- */

/* Becomes the user whose file it is, where that is another one. */
static int become(const struct guard *g, struct attempt *a, struct privs_home *home, struct why *why)
{
	struct user *u = &a->account;
	int err = a->own && g->root ? users_gids(u, why) : OK;

	if (err || !a->own || !g->root)
		return err;
	return privs_as_user(
		home, &(struct privs_id){ .uid = u->uid, .gid = u->gid, .groups = u->gids, .n_groups = u->n_gids },
		why);
}

static int read_as(const struct guard *g, struct attempt *a, const char *path, struct buf *text, struct why *why)
{
	const struct safefile_owner owner = { .uid = a->own ? a->account.uid : g->uid,
					      .home = a->own ? a->account.home : NULL,
					      .strict = a->conf->strict_modes };
	struct privs_home home;
	int err = become(g, a, &home, why);

	if (err)
		return err;
	err = safefile_read(path, &owner, text, why);
	if (a->own && g->root)
		privs_back(&home);
	return err;
}

int files_read_own(const struct guard *g, const char *path, struct buf *out, struct why *why)
{
	const struct safefile_owner owner = { .uid = g->uid };

	return safefile_read(path, &owner, out, why);
}

/* ---- what follows from a key ---- */

static int name_key(const struct guard *g, const struct offer *o, char out[KEY_TEXT], struct why *why)
{
	char print[64];

	if (pkey_fingerprint(g->crypto, o->blob, print) != OK)
		return why_set(why, ERR_CRYPTO, "no fingerprint of the key");
	snprintf(out, KEY_TEXT, "%s %s", pkey_label(o->blob), print);
	return OK;
}

static int copy_words(struct strs *to, const struct strs *from)
{
	int err = OK;

	for (size_t i = 0; !err && i < from->n; i++)
		err = strs_add(to, from->v[i]);
	return err;
}

static uint32_t positive(int n)
{
	return n > 0 ? (uint32_t)n : 0;
}

static uint32_t idle(const struct server_conf *c, const char *channel_type)
{
	return positive(server_conf_idle_seconds(c, channel_type));
}

static int make_policy(const struct attempt *a, const char *key, struct policy *p)
{
	const struct server_conf *c = a->conf;
	int err;

	*p = (struct policy){
		.tcp = server_conf_tcp(c),
		.streamlocal = server_conf_streamlocal(c),
		.gateway = (enum gateway_ports)c->gateway,
		.root = a->exists && a->own && a->account.uid == 0,
		.bind_mask = (uint32_t)c->bind_mask,
		.bind_unlink = c->bind_unlink,
		.max_channels = positive(c->max_channels),
		.max_listeners = positive(c->max_listeners),
		.max_opens = positive(c->max_opens),
		.rekey_bytes = c->rekey.bytes,
		.rekey_seconds = positive(c->rekey.seconds),
		.tos = c->qos.bulk == QOS_NONE ? (uint32_t)POLICY_NO_TOS : (uint32_t)c->qos.bulk,
		.log_level = (uint32_t)c->log_level,
		.alive_seconds = positive(c->alive_seconds),
		.alive_max = positive(c->alive_max),
		.idle_seconds = {
			[POLICY_DIRECT_TCPIP] = idle(c, "direct-tcpip"),
			[POLICY_DIRECT_STREAMLOCAL] = idle(c, "direct-streamlocal@openssh.com"),
			[POLICY_FORWARDED_TCPIP] = idle(c, "forwarded-tcpip"),
			[POLICY_FORWARDED_STREAMLOCAL] = idle(c, "forwarded-streamlocal@openssh.com"),
			[POLICY_GLOBAL] = idle(c, "global"),
		},
		.unused_seconds = positive(c->unused_seconds),
		.takeover_ms = MIN(positive(c->takeover_seconds), 3600u) * 1000,
		.user = strdup(a->user),
		.key = strdup(key),
	};
	err = p->user && p->key ? OK : ERR_NOMEM;
	if (!err)
		err = copy_words(&p->permit_open[POLICY_ADMIN], &c->permit_open);
	if (!err)
		err = copy_words(&p->permit_listen[POLICY_ADMIN], &c->permit_listen);
	if (!err)
		err = copy_words(&p->deny_open, &c->deny_open);
	if (err)
		policy_fini(p);
	return err;
}

static int grant(const struct attempt *a, struct key_options *o, struct verdict *v)
{
	if (make_policy(a, v->key, &v->policy) != OK)
		return why_set(&v->rule, ERR_NOMEM, "out of memory");
	key_options_narrow(o, &v->policy);
	return OK;
}

/* ---- authorized_keys ---- */

/* A login that looks for a line about its key. */
struct search {
	struct guard *g;
	const struct guest *guest;
	const struct offer *offer;
	struct cert cert; /* of an offer that is one */
	struct key_login who;
	struct verdict *v;
};

static struct userca_rules rules_of(const struct search *s)
{
	const struct server_conf *c = s->guest->attempt->conf;

	return (struct userca_rules){ c->ca_sig, (unsigned)c->required_rsa_bits };
}

static int find_line(const struct search *s, const char *path, struct span text, struct key_options *options)
{
	const struct userca_rules rules = rules_of(s);

	if (s->offer->alg->cert)
		return userca_by_line(options, path, text, &s->cert, &s->who, &rules, &s->v->rule);
	return authkeys_find(options, path, text, s->offer->blob, &s->who, &s->v->rule);
}

/* One file. ERR_NOT_FOUND: it says nothing about this key. */
static int ask_file(const struct search *s, const char *path)
{
	struct buf text = BUF(SAFEFILE_MAX);
	struct key_options options;
	int err = read_as(s->g, s->guest->attempt, path, &text, &s->v->rule);

	if (err && err != ERR_NOT_FOUND)
		log_line(s->g->log, LOG_AT_INFO, "%s", s->v->rule.text);
	if (!err)
		err = find_line(s, path, buf_span(&text), &options);
	if (!err) {
		err = grant(s->guest->attempt, &options, s->v);
		key_options_fini(&options);
	}
	buf_fini(&text);
	return err;
}

/* A path of the configuration for this user. ERR_NOT_FOUND: it serves only those who have a home. */
static int path_for(const struct search *s, const char *pattern, char **path)
{
	const struct attempt *a = s->guest->attempt;

	return server_conf_path(path, pattern, a->user, a->own ? a->account.home : NULL, a->account.uid, &s->v->rule);
}

static int ask_files(const struct search *s)
{
	const struct strs *patterns = &s->guest->attempt->conf->authorized_keys_files;
	const bool none = patterns->n == 1 && !server_conf_names_file(patterns->v[0]);
	struct why why;
	int err = why_set(&why, ERR_NOT_FOUND, none ? "AuthorizedKeysFile none" : "no AuthorizedKeysFile has this key");

	for (size_t i = 0; err && i < patterns->n; i++) {
		char *path;

		if (!server_conf_names_file(patterns->v[i]))
			continue;
		err = path_for(s, patterns->v[i], &path);
		if (!err) {
			err = ask_file(s, path);
			free(path);
		}
		if (err && err != ERR_NOT_FOUND)
			why = s->v->rule; /* a file had the key, or could not be read: that says more */
	}
	if (err)
		s->v->rule = why;
	return err ? ERR_DENIED : OK;
}

/* ---- certificates ---- */

/* AuthorizedPrincipalsFile is the user's, and read as such. One that is missing names nobody. */
static int read_principals(const struct search *s, char **path, struct buf *text)
{
	const char *pattern = s->guest->attempt->conf->authorized_principals_file;
	int err;

	if (!server_conf_names_file(pattern))
		return OK;
	err = path_for(s, pattern, path);
	if (!err)
		err = read_as(s->g, s->guest->attempt, *path, text, &s->v->rule);
	return err == ERR_NOT_FOUND ? OK : err;
}

/* By TrustedUserCAKeys. ERR_NOT_FOUND: that file does not have the CA, so authorized_keys may. */
static int ask_trusted(const struct search *s)
{
	const struct attempt *a = s->guest->attempt;
	struct buf cas = BUF(SAFEFILE_MAX), principals = BUF(SAFEFILE_MAX);
	const struct userca_rules rules = rules_of(s);
	struct key_options options;
	char *path = NULL;
	int err = files_read_own(s->g, a->conf->trusted_user_ca_keys, &cas, &s->v->rule);

	if (!err)
		err = read_principals(s, &path, &principals);
	if (!err)
		err = userca_by_files(
			&options,
			&(struct userca_files){
				a->conf->trusted_user_ca_keys, buf_span(&cas),
				server_conf_names_file(a->conf->authorized_principals_file) ? (path ? path : "") : NULL,
				buf_span(&principals) },
			&s->cert, &s->who, &rules, &s->v->rule);
	if (!err) {
		err = grant(a, &options, s->v);
		key_options_fini(&options);
	}
	free(path);
	buf_fini(&cas);
	buf_fini(&principals);
	return err;
}

static int name_certificate(const struct search *s)
{
	const struct cert *c = &s->cert;
	char id[96], print[64];

	if (pkey_fingerprint(s->g->crypto, c->ca_blob, print) != OK)
		return why_set(&s->v->rule, ERR_CRYPTO, "no fingerprint of the CA");
	snprintf(s->v->key, KEY_TEXT, "%s ID %s serial %llu CA %s", pkey_label(s->offer->blob),
		 str_escape(id, sizeof(id), c->key_id), (unsigned long long)c->serial, print);
	return OK;
}

static int ask_certificate(struct search *s)
{
	const char *trusted = s->guest->attempt->conf->trusted_user_ca_keys;
	int err = cert_parse(&s->cert, s->g->crypto, s->offer->blob, &s->v->rule);

	if (!err)
		err = name_certificate(s);
	if (err)
		return ERR_DENIED;
	err = server_conf_names_file(trusted) ? ask_trusted(s) : ERR_NOT_FOUND;
	return err == ERR_NOT_FOUND ? ask_files(s) : err;
}

/* ---- all of it ---- */

static int check_revoked(const struct search *s)
{
	const char *path = s->guest->attempt->conf->revoked_keys;

	if (!server_conf_names_file(path))
		return OK;
	return revoked_check(path, REVOKED_USER, s->offer->blob, s->g->crypto, &s->v->rule);
}

int files_authorise(struct guard *g, const struct guest *guest, const struct offer *o, struct verdict *v)
{
	struct search s = { .g = g,
			    .guest = guest,
			    .offer = o,
			    .v = v,
			    .who = { guest->attempt->user, ip_unmap(guest->ends.peer), sys_time_ms() / 1000 } };
	int err = name_key(g, o, v->key, &v->rule);

	if (!err)
		err = check_revoked(&s);
	if (!err)
		err = o->alg->cert ? ask_certificate(&s) : ask_files(&s);
	return err ? ERR_DENIED : OK;
}
