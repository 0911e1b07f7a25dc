/* The one cursor that reads wire data (RFC 4251 section 5). It is sticky: after the first short read every
 * further read gives zero or an empty span, so parse straight down and ask rd_done() or rd_ok() once. */
#ifndef ADIT_BASE_RD_H
#define ADIT_BASE_RD_H

#include "base/span.h"

struct rd {
	const uint8_t *p;
	size_t n; /* bytes left */
	bool bad;
};

static inline struct rd rd(struct span s)
{
	return (struct rd){ s.p, s.n, false };
}

/* The next n bytes, in place. */
static inline struct span rd_bytes(struct rd *r, size_t n)
{
	struct span s = { r->p, n };

	if (r->bad || n > r->n) {
		r->bad = true;
		r->n = 0;
		return (struct span){ NULL, 0 };
	}
	r->p += n;
	r->n -= n;
	return s;
}

static inline uint8_t rd_u8(struct rd *r)
{
	struct span s = rd_bytes(r, 1);

	return s.p ? s.p[0] : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	struct span s = rd_bytes(r, 4);

	if (!s.p)
		return 0;
	return (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 | (uint32_t)s.p[2] << 8 | s.p[3];
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);

	return hi << 32 | rd_u32(r);
}

/* Any non-zero byte is true. */
static inline bool rd_bool(struct rd *r)
{
	return rd_u8(r) != 0;
}

/* uint32 length and that many bytes, in place. */
static inline struct span rd_string(struct rd *r)
{
	return rd_bytes(r, rd_u32(r));
}

/* All that is left; the cursor is then at the end. */
static inline struct span rd_rest(struct rd *r)
{
	return rd_bytes(r, r->n);
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

/* Everything was there and nothing is left over. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->n == 0;
}

#endif
