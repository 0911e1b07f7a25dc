/* A guard's judgement without its process: a configuration, a folder of keys, one connection, requests to log in. */
#ifndef ADIT_TESTS_GUARD_RIG_H
#define ADIT_TESTS_GUARD_RIG_H

#include "keys.h"

#include "app/guard.h"
#include "conf/keyfile.h"
#include "crypto/b64.h"

struct rig {
	struct guard g;
	struct guest guest;
	struct server_facts facts;
	struct server_text *text;
	struct log log;
};

/* What is wrong with a signature. */
enum lie {
	HONEST,
	UNSIGNED, /* a question whether the key would do */
	OTHER_SESSION,
	OTHER_USER,
	OTHER_SERVICE,
	OTHER_METHOD,
	OTHER_ALG,
	OTHER_BLOB,
	OTHER_KEY, /* another key has signed */
	FLAG_UNSET,
	NO_SESSION_LENGTH,
	EMPTY,
	CUT,
	LONGER,
	NO_LIE
};

/* The configuration is `text` with "@" for the folder, behind an AuthorizedKeysFile of @/keys/%u. */
static inline void rig_up(struct rig *r, const char *text)
{
	struct buf conf = BUF(65536);
	struct why why = { "" };

	*r = (struct rig){ .log = { .fd = -1 } };
	r->facts = (struct server_facts){ .uid = getuid(),
					  .version = "adit_0.1",
					  .algs = { .kex = conn_default_kex(),
						    .cipher = conn_default_cipher(true),
						    .mac = conn_default_mac(),
						    .host_sig = conn_default_host_key(),
						    .user_sig = conn_default_host_key(),
						    .ca_sig = "ssh-ed25519,rsa-sha2-512" } };
	for (; *text; text++)
		if (*text == '@')
			buf_bytes(&conf, span_str(keygen_dir));
		else
			buf_u8(&conf, (uint8_t)*text);
	buf_printf(&conf, "\nMatch all\nAuthorizedKeysFile %s/keys/%%u\nStrictModes no\n", keygen_dir);
	if (server_text_parse(&r->text, "CONF", buf_span(&conf), NULL, &r->facts, &why) != OK)
		fail_msg("%.*s: %s", (int)conf.n, conf.p, why.text);
	buf_fini(&conf);
	r->g = (struct guard){ .text = r->text, .crypto = crypto, .log = &r->log, .uid = getuid() };
	list_init(&r->g.workers);
	list_init(&r->g.late);
	r->guest = (struct guest){ .id = 7, .worker = 1, .session_len = 32 };
	memset(r->guest.session, 0x5e, 32);
	assert_int_equal(ip_parse(&r->guest.ends.peer, "10.0.0.1"), OK);
	assert_int_equal(ip_parse(&r->guest.ends.local, "192.0.2.1"), OK);
}

static inline void rig_down(struct rig *r)
{
	attempt_free(r->guest.attempt);
	server_text_free(r->text);
}

/* A line of authorized_keys or a list of keys. */
static inline void put_line(struct buf *out, const char *options, struct span blob)
{
	buf_printf(out, "%s%s%.*s ", options, *options ? " " : "", (int)pkey_type(blob).n, pkey_type(blob).p);
	b64_encode(out, blob);
	buf_u8(out, '\n');
}

/* One key in one file. */
static inline void authorise(const char *file, const char *options, struct span blob)
{
	struct buf out = BUF(65536);

	put_line(&out, options, blob);
	spill(file, buf_span(&out), 0600);
	buf_fini(&out);
}

/* What the client signs (RFC 4252 section 7), or what it should not have. */
static inline void put_signed_text(const struct rig *r, const struct memo *m, enum lie lie, struct buf *out)
{
	uint8_t session[HASH_MAX];

	memcpy(session, r->guest.session, sizeof(session));
	session[0] ^= lie == OTHER_SESSION;
	if (lie == NO_SESSION_LENGTH)
		buf_bytes(out, span(session, r->guest.session_len));
	else
		buf_string(out, span(session, r->guest.session_len));
	buf_u8(out, 50);
	buf_string(out, lie == OTHER_USER ? span_str("bob") : m->text);
	buf_cstring(out, lie == OTHER_SERVICE ? "ssh-userauth" : "ssh-connection");
	buf_cstring(out, lie == OTHER_METHOD ? "hostbased" : "publickey");
	buf_u8(out, lie != FLAG_UNSET);
	buf_string(out, lie == OTHER_ALG ? span_str("rsa-sha2-256") : m->alg);
	buf_string(out, lie == OTHER_BLOB ? pkey_blob(keys[K_P521].key) : m->blob);
}

static inline void put_signature(const struct rig *r, const struct memo *m, const struct pkey *key, enum lie lie,
				 struct buf *sig)
{
	const struct sig_alg *alg = sig_find(m->alg);
	struct buf text = BUF(65536);

	if (lie == OTHER_KEY) {
		key = keys[K_P384].key;
		alg = alg_of("ecdsa-sha2-nistp384");
	}
	put_signed_text(r, m, lie, &text);
	alg = alg && !alg->agent_only ? alg_of(alg->plain) : NULL;
	if (key && alg && lie != EMPTY && span_is(pkey_type(pkey_blob(key)), alg->key_type))
		assert_int_equal(pkey_sign(key, crypto, alg, buf_span(&text), sig), OK);
	sig->n -= lie == CUT;
	if (lie == LONGER)
		buf_u8(sig, 0);
	buf_fini(&text);
}

/* A request for publickey. `blob` empty: that of the key. The caller finishes v->policy. */
static inline struct verdict try_key(struct rig *r, struct span user, const char *alg, struct span blob,
				     const struct pkey *key, enum lie lie)
{
	struct memo m = { .kind = MEMO_LOGIN,
			  .peer = 7,
			  .text = user,
			  .name = span_str("publickey"),
			  .alg = span_str(alg),
			  .blob = blob.n ? blob : pkey_blob(key),
			  .yes = lie != UNSIGNED };
	struct buf sig = BUF(65536);
	struct verdict v;

	if (m.yes)
		put_signature(r, &m, key, lie, &sig);
	m.data = buf_span(&sig);
	login_judge(&r->g, &r->guest, &m, &v);
	buf_fini(&sig);
	return v;
}

static inline struct verdict try_method(struct rig *r, const char *user, struct span method)
{
	const struct memo m = { .kind = MEMO_LOGIN, .peer = 7, .text = span_str(user), .name = method };
	struct verdict v;

	login_judge(&r->g, &r->guest, &m, &v);
	return v;
}

#endif
