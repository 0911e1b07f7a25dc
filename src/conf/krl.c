/* The list as a whole, and its keys and fingerprints; certificates are krl_certs.c's. A part that is skipped could be
 * the one that matters, so every fault, and everything unknown, makes the whole list useless. */
#include "base/str.h"
#include "conf/krl_impl.h"

enum { VERSION = 1, SIGNATURE = 4 };

static const char by_key[] = "it", by_ca[] = "the CA of its certificate";

/* ---- Sections ------------------------------------------------------------------------------------------------- */

static const struct krl_kind *find(const struct krl_kind *kinds, const struct rd *in)
{
	for (; in->n && kinds->read; kinds++)
		if (kinds->type == in->p[0])
			return kinds;
	return NULL;
}

int krl_sections(struct krl_walk *w, const struct krl_kind *kinds, struct rd *in)
{
	const struct krl_kind *kind;

	while ((kind = find(kinds, in))) {
		rd_u8(in);
		struct rd data = rd(rd_string(in));
		if (!rd_ok(in))
			break;
		int err = kind->read(w, &data);
		if (err)
			return err;
		if (!rd_done(&data))
			return why_set(w->why, ERR_SYNTAX, "its %s cut short or too long", kind->name);
	}
	return OK;
}

int krl_end(const struct rd *in, struct why *why)
{
	if (!rd_ok(in))
		return why_set(why, ERR_SYNTAX, "it is cut short");
	if (in->n)
		return why_set(why, ERR_SYNTAX, "it has a section of type %u, which is not known there", in->p[0]);
	return OK;
}

int krl_read_extension(struct krl_walk *w, struct rd *data)
{
	struct span name = rd_string(data);
	bool critical = rd_bool(data);
	char show[100];

	rd_string(data);
	if (rd_ok(data) && critical)
		return why_set(w->why, ERR_SYNTAX, "it has the critical extension '%s', which is not known",
			       str_escape(show, sizeof(show), name));
	return OK;
}

/* ---- Keys ----------------------------------------------------------------------------------------------------- */

static int read_keys(struct krl_walk *w, struct rd *data)
{
	while (data->n) {
		struct span key = rd_string(data);

		if (key.n && span_eq(key, w->q->key))
			w->hit = by_key;
		if (key.n && span_eq(key, w->q->ca))
			w->hit = by_ca;
	}
	return OK;
}

static int read_sums(struct krl_walk *w, struct rd *data, enum hash_id id)
{
	size_t size = hash_size(id);

	while (data->n) {
		struct span sum = rd_string(data);

		if (!rd_ok(data))
			break;
		if (sum.n != size)
			return why_set(w->why, ERR_SYNTAX, "it has a fingerprint of %zu bytes instead of %zu", sum.n,
				       size);
		if (span_eq(sum, span(w->key.of[id], size)))
			w->hit = by_key;
		if (w->q->ca.n && span_eq(sum, span(w->ca.of[id], size)))
			w->hit = by_ca;
	}
	return OK;
}

static int read_sha1(struct krl_walk *w, struct rd *data)
{
	return read_sums(w, data, HASH_SHA1);
}

static int read_sha256(struct krl_walk *w, struct rd *data)
{
	return read_sums(w, data, HASH_SHA256);
}

/* ---- The whole ------------------------------------------------------------------------------------------------ */

static const struct krl_kind kinds[] = {
	{ 1, "section of certificates is", krl_read_certs }, { 2, "keys are", read_keys },
	{ 3, "SHA1 fingerprints are", read_sha1 },	     { 5, "SHA256 fingerprints are", read_sha256 },
	{ 255, "extension is", krl_read_extension },	     { 0 },
};

/* The magic, its version, its number, its date, flags that mean nothing yet, a reserved string, a comment. */
static int read_header(struct rd *in, struct why *why)
{
	struct span magic = rd_bytes(in, sizeof(KRL_MAGIC));
	uint32_t version = rd_u32(in);

	for (int i = 0; i < 3; i++)
		rd_u64(in);
	rd_string(in);
	rd_string(in);
	if (!rd_ok(in))
		return why_set(why, ERR_SYNTAX, "it is cut short");
	if (!span_eq(magic, span(KRL_MAGIC, sizeof(KRL_MAGIC))))
		return why_set(why, ERR_SYNTAX, "it does not begin as one");
	if (version != VERSION)
		return why_set(why, ERR_SYNTAX, "it has version %u of the format, and only %d is known", version,
			       VERSION);
	return OK;
}

/* byte type, string key, string signature; nothing else may follow. */
static void skip_signatures(struct rd *in)
{
	while (in->n && in->p[0] == SIGNATURE) {
		rd_u8(in);
		rd_string(in);
		rd_string(in);
	}
}

static int sum_up(struct krl_sums *sums, struct span blob, const struct crypto *c)
{
	int err = hash_spans(c, HASH_SHA1, &blob, 1, sums->of[HASH_SHA1]);

	return err ? err : hash_spans(c, HASH_SHA256, &blob, 1, sums->of[HASH_SHA256]);
}

int krl_check(struct span list, const struct krl_question *q, const struct crypto *c, struct why *why)
{
	struct krl_walk w = { .q = q, .why = why };
	struct rd in = rd(list);
	int err = read_header(&in, why);

	if (!err && (sum_up(&w.key, q->key, c) || sum_up(&w.ca, q->ca, c)))
		err = why_set(why, ERR_CRYPTO, "a fingerprint cannot be computed");
	if (!err)
		err = krl_sections(&w, kinds, &in);
	if (!err) {
		skip_signatures(&in);
		err = krl_end(&in, why);
	}
	return !err && w.hit ? why_set(why, ERR_DENIED, "%s", w.hit) : err;
}
