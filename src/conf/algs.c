/* Algorithm lists: from what the user wrote and what we have to what is offered. */
#include "conf/algs.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { LIST_BYTES_MAX = 8192, SHOW = 256 };

/* Names that OpenSSH takes and that we may lack: no error in a configuration that serves both. */
static const struct {
	const char *what;    /* OpenSSH's words for a name that nobody knows */
	const char *foreign; /* comma-separated */
	bool patterns;
} families[] = {
	[ALG_KEX] = { "Bad SSH2 KexAlgorithms",
		      "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,"
		      "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
		      "diffie-hellman-group-exchange-sha1,diffie-hellman-group-exchange-sha256,"
		      "curve25519-sha256,curve25519-sha256@libssh.org,"
		      "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
		      "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,mlkem768x25519-sha256",
		      false },
	[ALG_CIPHER] = { "Bad SSH2 cipher spec",
			 "3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,aes128-ctr,aes192-ctr,aes256-ctr,"
			 "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
			 false },
	[ALG_MAC] = { "Bad SSH2 MAC spec",
		      "hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96,"
		      "umac-64@openssh.com,umac-128@openssh.com,hmac-sha1-etm@openssh.com,"
		      "hmac-sha1-96-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
		      "hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,"
		      "umac-128-etm@openssh.com",
		      false },
	[ALG_SIG] = { "Bad key types",
		      "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,"
		      "sk-ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
		      "ecdsa-sha2-nistp521,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
		      "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
		      "sk-ecdsa-sha2-nistp256@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
		      "webauthn-sk-ecdsa-sha2-nistp256@openssh.com,ssh-dss,ssh-dss-cert-v01@openssh.com,ssh-rsa,"
		      "ssh-rsa-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-512,"
		      "rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com",
		      true },
};

/* The next name of a comma-separated list; false at the end. */
static bool next_name(struct span *list, struct span *name)
{
	const uint8_t *comma;

	if (!list->n)
		return false;
	comma = memchr(list->p, ',', list->n);
	*name = span(list->p, comma ? (size_t)(comma - list->p) : list->n);
	*list = span(list->p + name->n, list->n - name->n);
	if (comma)
		*list = span(list->p + 1, list->n - 1);
	return true;
}

/* One name of ours against one pattern of the user. */
static bool fits(struct span name, struct span pattern, bool patterns)
{
	char n[128], p[128];

	if (!patterns)
		return span_eq(name, pattern);
	if (name.n >= sizeof(n) || pattern.n >= sizeof(p))
		return false;
	memcpy(n, name.p, name.n);
	memcpy(p, pattern.p, pattern.n);
	n[name.n] = p[pattern.n] = 0;
	return str_match(p, n);
}

static bool any_fits(struct span list, struct span pattern, bool patterns)
{
	struct span name;

	while (next_name(&list, &name))
		if (fits(name, pattern, patterns))
			return true;
	return false;
}

static bool listed(struct span patterns, struct span name, bool wild)
{
	struct span pattern;

	while (next_name(&patterns, &pattern))
		if (fits(name, pattern, wild))
			return true;
	return false;
}

static void put(struct buf *out, struct span name)
{
	if (listed(buf_span(out), name, false))
		return;
	if (out->n)
		buf_u8(out, ',');
	buf_bytes(out, name);
}

/* Appends those of ours that the patterns name, in the order of the patterns. */
static void put_named(struct buf *out, struct span ours, struct span patterns, bool wild)
{
	struct span pattern, name;

	while (next_name(&patterns, &pattern))
		for (struct span rest = ours; next_name(&rest, &name);)
			if (fits(name, pattern, wild))
				put(out, name);
}

static void put_unnamed(struct buf *out, struct span ours, struct span patterns)
{
	struct span name;

	while (next_name(&ours, &name))
		if (!listed(patterns, name, true))
			put(out, name);
}

static void put_all(struct buf *out, struct span ours)
{
	put_unnamed(out, ours, span(NULL, 0));
}

static int check_names(enum alg_family family, struct span ours, struct span list, struct why *why)
{
	struct span foreign = span_str(families[family].foreign), name;
	bool wild = families[family].patterns;
	char show[SHOW];

	for (struct span rest = list; next_name(&rest, &name);)
		if (!any_fits(ours, name, wild) && !any_fits(foreign, name, wild))
			return why_set(why, ERR_SYNTAX, "%s '%s'.", families[family].what,
				       str_escape(show, sizeof(show), name));
	return OK;
}

static void assemble(struct buf *out, char mode, struct span ours, struct span list, bool wild)
{
	if (mode == '-') {
		put_unnamed(out, ours, list);
		return;
	}
	if (mode == '+')
		put_all(out, ours);
	put_named(out, ours, list, wild);
	if (mode == '^')
		put_all(out, ours);
}

int algs_assemble(char **out, enum alg_family family, const char *ours, const char *list, struct why *why)
{
	char mode = *list && strchr("+-^", *list) ? *list : 0;
	struct span have = span_str(ours), names = span_str(list + (mode != 0));
	struct buf b = BUF(LIST_BYTES_MAX);
	char show[SHOW];

	str_escape(show, sizeof(show), span_str(list));
	if (names.n > LIST_BYTES_MAX)
		return why_set(why, ERR_SYNTAX, "%s: the list is too long", families[family].what);
	int err = mode == '-' ? OK : check_names(family, have, names, why);
	if (err)
		return err;
	assemble(&b, mode, have, names, families[family].patterns);
	if (!buf_err(&b) && b.n == 0) {
		buf_fini(&b);
		return why_set(why, ERR_SYNTAX, "nothing is left of '%s'; there is %s", show, ours);
	}
	char *text = buf_err(&b) ? NULL : str_from_span(buf_span(&b));
	buf_fini(&b);
	if (!text)
		return why_set(why, ERR_NOMEM, "out of memory");
	*out = text;
	return OK;
}
