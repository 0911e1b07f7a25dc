/* The growing buffer and its wire writers. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}

void buf_fini(struct buf *b)
{
	wipe(b->p, b->cap);
	free(b->p);
	*b = BUF(b->max);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->err = OK;
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	if (b->n)
		memmove(b->p, b->p + n, b->n);
}

/* malloc and copy, not realloc: what realloc leaves behind could be a key. */
static bool move(struct buf *b, size_t cap)
{
	uint8_t *p = malloc(cap);

	if (!p)
		return false;
	if (b->n)
		memcpy(p, b->p, b->n);
	wipe(b->p, b->cap);
	free(b->p);
	b->p = p;
	b->cap = cap;
	return true;
}

static bool grow(struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : 64;

	while (cap < want && cap <= b->max / 2)
		cap *= 2;
	if (cap < want || cap > b->max)
		cap = b->max;
	return move(b, cap);
}

void buf_fit(struct buf *b)
{
	if (b->n && b->n < b->cap)
		move(b, b->n);
}

uint8_t *buf_add(struct buf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (n > b->max - b->n || (b->n + n > b->cap && !grow(b, b->n + n))) {
		b->err = ERR_NOMEM;
		return NULL;
	}
	b->n += n;
	return b->p ? b->p + b->n - n : NULL;
}

void buf_bytes(struct buf *b, struct span s)
{
	uint8_t *p = buf_add(b, s.n);

	if (p && s.n)
		memcpy(p, s.p, s.n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_bytes(b, span(&v, 1));
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t *p = buf_add(b, 4);

	if (p)
		put_u32(p, v);
}

void buf_u64(struct buf *b, uint64_t v)
{
	buf_u32(b, (uint32_t)(v >> 32));
	buf_u32(b, (uint32_t)v);
}

void buf_string(struct buf *b, struct span s)
{
	if (s.n > UINT32_MAX) {
		b->err = ERR_NOMEM;
		return;
	}
	buf_u32(b, (uint32_t)s.n);
	buf_bytes(b, s);
}

void buf_cstring(struct buf *b, const char *s)
{
	buf_string(b, span_str(s));
}

void buf_mpint(struct buf *b, struct span s)
{
	while (s.n && s.p[0] == 0) {
		s.p++;
		s.n--;
	}
	if (s.n && s.p[0] & 0x80) {
		buf_u32(b, (uint32_t)s.n + 1);
		buf_u8(b, 0);
		buf_bytes(b, s);
		return;
	}
	buf_string(b, s);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		b->err = ERR_NOMEM;
	else
		buf_bytes(b, span(text, (size_t)n));
}

size_t buf_begin(struct buf *b)
{
	buf_u32(b, 0);
	return b->n;
}

void buf_end(struct buf *b, size_t pos)
{
	if (!b->err)
		put_u32(b->p + pos - 4, (uint32_t)(b->n - pos));
}
