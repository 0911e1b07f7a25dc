/* Collecting keys. */
#include "app/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "conf/keyfile.h"
#include "proto/agent.h"

struct collect {
	struct identities *ids;
	const struct client_conf *conf;
	const struct crypto *crypto;
	identity_warn *warn;
	void *user;
};

static struct identity *find(const struct identities *ids, struct span blob)
{
	for (size_t i = 0; i < ids->n; i++)
		if (blob.n && span_eq(buf_span(&ids->id[i]->blob), blob))
			return ids->id[i];
	return NULL;
}

static void identity_free(struct identity *id)
{
	if (!id)
		return;
	buf_fini(&id->blob);
	free(id->path);
	pkey_free(id->key);
	free(id);
}

void identities_fini(struct identities *ids)
{
	while (ids->n)
		identity_free(ids->id[--ids->n]);
}

/* Adds one key unless it is there already or the list is full. OK or ERR_NOMEM. */
static int add(struct identities *ids, struct span blob, const char *path, struct identity **out)
{
	struct identity *id;

	*out = NULL;
	if (ids->n == IDENTITIES_MAX || find(ids, blob))
		return OK;
	id = calloc(1, sizeof(*id));
	if (!id)
		return ERR_NOMEM;
	id->blob = BUF(PKEY_BLOB_MAX);
	buf_bytes(&id->blob, blob);
	id->path = path ? strdup(path) : NULL;
	if (buf_err(&id->blob) || (path && !id->path)) {
		identity_free(id);
		return ERR_NOMEM;
	}
	id->owner = id;
	ids->id[ids->n++] = *out = id;
	return OK;
}

/* ---- files ---- */

/* A default file that is not there is no news; one that was named is. */
static void complain(const struct collect *c, int err, const char *path, const struct why *why)
{
	struct why text = *why;

	if (err == ERR_NOT_FOUND && !conf_said(c->conf, OPT_IdentityFile))
		return;
	if (err == ERR_NOT_FOUND)
		why_set(&text, err, "no such identity: %s: No such file or directory", path);
	c->warn(c->user, text.text);
}

/* The public half without a passphrase. A file may also be the public key itself, with the private half in an agent. */
static bool public_half(const char *path, struct buf *blob)
{
	return keyfile_public_of(path, blob, NULL, NULL) == OK || keyfile_load_public(path, blob, NULL, NULL) == OK;
}

static int add_file(struct collect *c, const char *path)
{
	struct buf blob = BUF(PKEY_BLOB_MAX);
	struct why why = { "" };
	struct pkey *key = NULL;
	struct identity *id = NULL;
	int err = keyfile_load(path, c->crypto, NULL, &key, NULL, &why);
	bool private_there = err == OK || err == ERR_PASSPHRASE;
	bool usable = err != ERR_DENIED;

	if (err == OK)
		buf_bytes(&blob, pkey_blob(key));
	else if (usable && !public_half(path, &blob))
		usable = err == ERR_PASSPHRASE;
	if (!usable)
		complain(c, err, path, &why);
	err = usable ? add(c->ids, buf_span(&blob), private_there ? path : NULL, &id) : OK;
	if (id) {
		id->key = key;
		id->rank = RANK_FILE;
	} else {
		pkey_free(key);
	}
	buf_fini(&blob);
	return err;
}

/* A certificate that is not there is no news: one is looked for beside every key. */
static int add_certificate(struct collect *c, const char *path)
{
	struct buf blob = BUF(PKEY_BLOB_MAX);
	struct identity *id = NULL;
	int err = OK;

	if (keyfile_load_public(path, &blob, NULL, NULL) == OK && cert_is(buf_span(&blob)))
		err = add(c->ids, buf_span(&blob), NULL, &id);
	if (id)
		id->rank = RANK_CERTIFICATE;
	buf_fini(&blob);
	return err;
}

static int add_files(struct collect *c)
{
	const struct strs *keys = &c->conf->identity_paths, *certs = &c->conf->certificate_paths;
	struct why cert;
	int err = OK;

	for (size_t i = 0; i < keys->n && !err; i++) {
		err = add_file(c, keys->v[i]);
		why_set(&cert, OK, "%s-cert.pub", keys->v[i]);
		if (!err)
			err = add_certificate(c, cert.text);
	}
	for (size_t i = 0; i < certs->n && !err; i++)
		err = add_certificate(c, certs->v[i]);
	return err;
}

/* ---- agent ---- */

static int add_agent_keys(struct collect *c, struct span message)
{
	bool named_only = c->conf->identities_only;
	struct agent_list list;
	struct span blob, comment;
	int err = OK;

	if (!message.n || agent_get_list(&list, message, NULL) != OK)
		return OK;
	while (!err && agent_next(&list, &blob, &comment)) {
		struct identity *id = find(c->ids, blob);

		if (id && id->rank == RANK_FILE)
			id->rank = RANK_AGENT_NAMED;
		else if (!id && !named_only) {
			err = add(c->ids, blob, NULL, &id);
			if (id)
				id->rank = RANK_AGENT_OTHER;
		}
		if (id)
			id->in_agent = true;
	}
	return err;
}

/* ---- certificates and order ---- */

/* A certificate that the agent does not hold needs the private half of its plain key. */
static int find_owner(const struct identities *ids, struct identity *cert)
{
	struct buf plain = BUF(PKEY_BLOB_MAX);
	struct identity *owner = NULL;
	int err;

	if (cert->in_agent || !cert_is(buf_span(&cert->blob)))
		return OK;
	err = cert_plain_blob(buf_span(&cert->blob), &plain);
	if (!err)
		owner = find(ids, buf_span(&plain));
	buf_fini(&plain);
	if (owner)
		cert->owner = owner;
	else
		cert->rank = RANK_UNUSABLE;
	return err == ERR_NOMEM ? err : OK;
}

/* A public key without a private half anywhere. */
static bool usable(const struct identity *id)
{
	return id->rank != RANK_UNUSABLE && (id->owner->key || id->owner->path || id->owner->in_agent);
}

static void sort(struct identities *ids)
{
	for (size_t i = 1; i < ids->n; i++) { /* stable, and the list is short */
		struct identity *id = ids->id[i];
		size_t j = i;

		for (; j && ids->id[j - 1]->rank > id->rank; j--)
			ids->id[j] = ids->id[j - 1];
		ids->id[j] = id;
	}
}

int identities_collect(struct identities *ids, const struct client_conf *conf, const struct crypto *crypto,
		       struct span agent_list, identity_warn *warn, void *user)
{
	struct collect c = { ids, conf, crypto, warn, user };
	int err = add_files(&c);

	if (!err)
		err = add_agent_keys(&c, agent_list);
	for (size_t i = 0; i < ids->n && !err; i++)
		err = find_owner(ids, ids->id[i]);
	for (size_t i = 0; i < ids->n; i++)
		if (!usable(ids->id[i]))
			ids->id[i]->rank = RANK_UNUSABLE;
	sort(ids);
	return err;
}

/* ---- algorithms ---- */

bool identity_needs_list(const struct identity *id)
{
	struct span type = pkey_type(buf_span(&id->blob));

	return span_is(type, "ssh-rsa") || span_is(type, "ssh-rsa-cert-v01@openssh.com");
}

const struct sig_alg *identity_alg(const struct identity *id, const char *allowed, struct span server_algs)
{
	struct span type = pkey_type(buf_span(&id->blob));
	bool ask_server = identity_needs_list(id) && server_algs.n;

	for (const struct sig_alg *a = sig_table(); a->name; a++) {
		if (a->agent_only && !id->owner->in_agent)
			continue;
		if (!span_is(type, a->key_type) || !names_have(span_str(allowed), a->name))
			continue;
		if (!ask_server || names_have(server_algs, a->name) || names_have(server_algs, a->plain))
			return a;
	}
	return NULL;
}
