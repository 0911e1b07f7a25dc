/* The section of certificates: by serial number or key ID, for one CA or for all. */
#include "conf/krl_impl.h"

/* ---- Serial numbers ------------------------------------------------------------------------------------------- */

/* 0 is what a CA says that does not count: it can be neither listed nor revoked. */
static int take_range(struct krl_walk *w, uint64_t min, uint64_t max)
{
	if (min == 0)
		return why_set(w->why, ERR_SYNTAX, "it has the serial number 0, which cannot be revoked");
	if (min > max)
		return why_set(w->why, ERR_SYNTAX, "it has serial numbers from %llu down to %llu",
			       (unsigned long long)min, (unsigned long long)max);
	if (w->is_ours && min <= w->q->serial && w->q->serial <= max)
		w->hit = "the serial number of its certificate";
	return OK;
}

static int read_serials(struct krl_walk *w, struct rd *data)
{
	int err = OK;

	while (!err && data->n >= sizeof(uint64_t)) {
		uint64_t serial = rd_u64(data);

		err = take_range(w, serial, serial);
	}
	return err;
}

static int read_range(struct krl_walk *w, struct rd *data)
{
	uint64_t min = rd_u64(data), max = rd_u64(data);

	return rd_ok(data) ? take_range(w, min, max) : OK;
}

static bool has_bit(struct span number, uint64_t i)
{
	return i / 8 < number.n && number.p[number.n - 1 - i / 8] >> i % 8 & 1;
}

/* Bit i of the mpint stands for the number offset + i. */
static int read_bitmap(struct krl_walk *w, struct rd *data)
{
	uint64_t offset = rd_u64(data), top;
	struct span bits = rd_string(data);

	if (bits.n && bits.p[0] >= 0x80)
		return why_set(w->why, ERR_SYNTAX, "it has a negative bitmap");
	while (bits.n && !bits.p[0])
		bits = span(bits.p + 1, bits.n - 1);
	if (!bits.n)
		return OK;
	for (top = bits.n * 8 - 1; !has_bit(bits, top);)
		top--;
	if (top > UINT64_MAX - offset)
		return why_set(w->why, ERR_SYNTAX, "it has a bitmap of serial numbers beyond 2^64");
	if (offset == 0 && has_bit(bits, 0))
		return take_range(w, 0, 0);
	if (w->q->serial >= offset && has_bit(bits, w->q->serial - offset))
		return take_range(w, w->q->serial, w->q->serial);
	return OK;
}

/* ---- Key IDs -------------------------------------------------------------------------------------------------- */

/* IDs are compared as C strings, as OpenSSH does: what a CA hides behind a NUL does not make another certificate. */
static struct span up_to_nul(struct span s)
{
	const uint8_t *nul = s.n ? memchr(s.p, 0, s.n) : NULL;

	return nul ? span(s.p, (size_t)(nul - s.p)) : s;
}

static int read_ids(struct krl_walk *w, struct rd *data)
{
	while (data->n) {
		struct span id = rd_string(data), text = up_to_nul(id);

		if (!rd_ok(data))
			break;
		if (text.n + 1 < id.n)
			return why_set(w->why, ERR_SYNTAX, "it has a key ID with a NUL inside");
		if (w->is_ours && span_eq(text, up_to_nul(w->q->id)))
			w->hit = "the key ID of its certificate";
	}
	return OK;
}

/* ---- The section ---------------------------------------------------------------------------------------------- */

static const struct krl_kind kinds[] = {
	{ 0x20, "serial numbers are", read_serials },	      { 0x21, "range of serial numbers is", read_range },
	{ 0x22, "bitmap of serial numbers is", read_bitmap }, { 0x23, "key IDs are", read_ids },
	{ 0x39, "extension is", krl_read_extension },	      { 0 },
};

/* A CA in another spelling than that of certificates would revoke nothing, so it has to be a whole key. One of a type
 * that we do not know has signed no certificate that we accept. */
static bool is_ca(struct span blob)
{
	int err = pkey_check(blob, NULL);

	return !cert_is(blob) && (err == OK || (err == ERR_NOT_FOUND && pkey_type(blob).n));
}

/* string CA (empty: whoever it is), string reserved, sections. */
int krl_read_certs(struct krl_walk *w, struct rd *data)
{
	struct span ca = rd_string(data);
	int err;

	rd_string(data);
	if (rd_ok(data) && ca.n && !is_ca(ca))
		return why_set(w->why, ERR_SYNTAX, "it has a CA that is no public key");
	w->is_ours = w->q->ca.n && (!ca.n || span_eq(ca, w->q->ca));
	err = krl_sections(w, kinds, data);
	return err ? err : krl_end(data, w->why);
}
