/* The grammar of a known_hosts line (sshd(8)): [marker] hosts type base64 [comment], between SP and TAB only. */
#include "conf/kh_line.h"

#include "base/rd.h"
#include "base/str.h"
#include "crypto/b64.h"

static const char blanks[] = " \t";

char *kh_field(char **text)
{
	char *start = *text + strspn(*text, blanks);
	char *end = start + strcspn(start, blanks);

	if (start == end)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = 0;
	return start;
}

static const struct {
	const char *name;
	enum kh_marker marker;
} markers[] = {
	{ "@cert-authority", KH_MARK_CA },
	{ "@revoked", KH_MARK_REVOKED },
};

static bool find_marker(const char *name, enum kh_marker *marker)
{
	for (size_t i = 0; i < LEN(markers); i++) {
		if (strcmp(markers[i].name, name) != 0)
			continue;
		*marker = markers[i].marker;
		return true;
	}
	return false;
}

static int fail(const char **fault, const char *sentence)
{
	*fault = sentence;
	return ERR_SYNTAX;
}

int kh_line_parse(struct kh_line *l, char *text, size_t n, const char **fault)
{
	struct kh_line line = { .marker = KH_MARK_NONE };

	if (strlen(text) != n)
		return fail(fault, "a NUL byte");
	line.hosts = kh_field(&text);
	if (!line.hosts || line.hosts[0] == '#')
		return ERR_NOT_FOUND;
	if (line.hosts[0] == '@') {
		if (!find_marker(line.hosts, &line.marker))
			return fail(fault, "an unknown marker");
		line.hosts = kh_field(&text);
		if (line.hosts && line.hosts[0] == '@')
			return fail(fault, "two markers");
	}
	line.type = kh_field(&text);
	line.key = kh_field(&text);
	if (!line.key)
		return fail(fault, "no key");
	*l = line;
	return OK;
}

static int hash_name(const char *name, struct span salt, uint8_t out[HASH_MAX], const struct crypto *c)
{
	return hmac(c, HASH_SHA1, salt, span_str(name), out);
}

int kh_hash_name(struct buf *out, const char *name, const uint8_t salt[KH_SALT], const struct crypto *c)
{
	uint8_t sum[HASH_MAX];
	int err = hash_name(name, span(salt, KH_SALT), sum, c);

	if (err)
		return err;
	buf_bytes(out, span_str("|1|"));
	b64_encode(out, span(salt, KH_SALT));
	buf_u8(out, '|');
	b64_encode(out, span(sum, hash_size(HASH_SHA1)));
	return buf_err(out);
}

/* Decodes exactly KH_SALT bytes, which is also the size of a SHA-1 sum. */
static int decode20(struct span text, uint8_t out[KH_SALT])
{
	struct buf b = BUF(KH_SALT + 1);
	int err = text.n == (KH_SALT + 2) / 3 * 4 ? b64_decode(&b, text) : ERR_SYNTAX;

	if (!err && b.n != KH_SALT)
		err = ERR_SYNTAX;
	if (!err)
		memcpy(out, b.p, KH_SALT);
	buf_fini(&b);
	return err;
}

static int match_hashed(const char *hosts, const char *name, const struct crypto *c, bool *yes)
{
	uint8_t salt[KH_SALT], want[KH_SALT], sum[HASH_MAX];
	const char *bar = strncmp(hosts, "|1|", 3) == 0 ? strchr(hosts + 3, '|') : NULL;
	int err;

	if (!bar)
		return ERR_SYNTAX;
	err = decode20(span(hosts + 3, (size_t)(bar - hosts - 3)), salt);
	if (!err)
		err = decode20(span_str(bar + 1), want);
	if (!err)
		err = hash_name(name, span(salt, KH_SALT), sum, c);
	if (!err)
		*yes = secret_eq(want, sum, KH_SALT);
	return err;
}

int kh_line_match(struct kh_line *l, const char *name, const struct crypto *c, bool *yes, const char **fault)
{
	int err = OK;

	if (l->hosts[0] == '|') {
		err = match_hashed(l->hosts, name, c, yes);
		return err == ERR_SYNTAX ? fail(fault, "a bad hashed name") : err;
	}
	str_lower(l->hosts);
	*yes = str_match_list(l->hosts, name) == LIST_YES;
	return OK;
}

const char *kh_key_type(struct span name)
{
	for (const struct sig_alg *a = sig_table(); a->name; a++)
		if (span_is(name, a->key_type))
			return a->key_type;
	return NULL;
}

int kh_line_key(const struct kh_line *l, struct buf *blob, const char **type, const char **fault)
{
	const char *known = kh_key_type(span_str(l->type));
	int err;

	if (!known)
		return ERR_NOT_FOUND;
	err = b64_decode(blob, span_str(l->key));
	if (err)
		return err == ERR_SYNTAX ? fail(fault, "a key that is no base64") : err;
	if (!span_is(pkey_type(buf_span(blob)), known))
		return fail(fault, "a key of another type than it says");
	*type = known;
	return OK;
}

int kh_plain(struct span blob, struct buf *out)
{
	int err;

	if (!cert_is(blob)) {
		buf_bytes(out, blob);
		return buf_err(out);
	}
	err = cert_plain_blob(blob, out);
	return err == ERR_CRYPTO ? ERR_SYNTAX : err;
}
