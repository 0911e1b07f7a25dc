/* A growing buffer with a ceiling, and the writer of wire data (RFC 4251 section 5). Errors are sticky:
 * write straight down and ask buf_err() once. Zero with a `max` is a valid empty buffer. */
#ifndef ADIT_BASE_BUF_H
#define ADIT_BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

struct buf {
	uint8_t *p;
	size_t n;   /* bytes in it */
	size_t cap; /* bytes allocated */
	size_t max; /* it never grows beyond this */
	int err;    /* OK or ERR_NOMEM */
};

#define BUF(ceiling) ((struct buf){ .max = (ceiling) })

/* Frees the memory after wiping it; the ceiling stays, so the buffer can be used again. */
void buf_fini(struct buf *b);
/* Empties without freeing; also forgives an earlier error. */
void buf_clear(struct buf *b);
/* Gives back what is allocated and not used, where that works: for a buffer that stays as it is. */
void buf_fit(struct buf *b);
/* Removes the first n bytes (n <= b->n). */
void buf_drop(struct buf *b, size_t n);

/* Room for n bytes at the end, already counted in b->n; NULL after an error. */
uint8_t *buf_add(struct buf *b, size_t n);

void buf_bytes(struct buf *b, struct span s);
void buf_u8(struct buf *b, uint8_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* uint32 length and the bytes. */
void buf_string(struct buf *b, struct span s);
void buf_cstring(struct buf *b, const char *s);
/* An unsigned big-endian number as mpint: leading zeros go, a zero byte comes before a set top bit. */
void buf_mpint(struct buf *b, struct span number);
/* Formatted text without NUL. */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A string whose length is known only later: pos = buf_begin(b); ...; buf_end(b, pos). */
size_t buf_begin(struct buf *b);
void buf_end(struct buf *b, size_t pos);

static inline struct span buf_span(const struct buf *b)
{
	return span(b->p, b->n);
}

static inline int buf_err(const struct buf *b)
{
	return b->err;
}

static inline void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Overwrites secrets in a way that the compiler keeps. */
void wipe(void *p, size_t n);

#endif
