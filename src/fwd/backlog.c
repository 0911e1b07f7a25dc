/* The queue of bytes that a slow local socket did not take. Chunks grow with the queue (4 KiB to 256 KiB), so that many
 * small backlogs stay small and a large one has few pieces; nothing in it is ever moved. */
#include "fwd/backlog.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/sock.h"

enum { CHUNK_LEAST = 4096, CHUNK_MOST = 256 * 1024, WRITE_PIECES = 16 };

struct chunk {
	struct list node;
	size_t from, to, cap; /* the bytes are data[from..to) */
	uint8_t data[];
};

void backlog_init(struct backlog *b)
{
	list_init(&b->chunks);
	b->n = 0;
}

static void drop_chunk(struct chunk *c)
{
	list_del(&c->node);
	free(c);
}

void backlog_fini(struct backlog *b)
{
	while (!list_empty(&b->chunks))
		drop_chunk(CONTAINER(b->chunks.next, struct chunk, node));
	b->n = 0;
}

/* The chunk that the next byte goes into; `more` bytes are to come. */
static struct chunk *tail(struct backlog *b, size_t more)
{
	struct chunk *c = CONTAINER(b->chunks.prev, struct chunk, node);
	size_t cap = MIN(MAX(MAX(b->n, more), CHUNK_LEAST), CHUNK_MOST);

	if (!list_empty(&b->chunks) && c->to < c->cap)
		return c;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	*c = (struct chunk){ .cap = cap };
	list_add_tail(&b->chunks, &c->node);
	return c;
}

static int add_bytes(struct backlog *b, const uint8_t *p, size_t n)
{
	while (n) {
		struct chunk *c = tail(b, n);
		size_t k;

		if (!c)
			return ERR_NOMEM;
		k = MIN(n, c->cap - c->to);
		memcpy(c->data + c->to, p, k);
		c->to += k;
		b->n += k;
		p += k;
		n -= k;
	}
	return OK;
}

int backlog_add(struct backlog *b, const struct iovec *iov, size_t n, size_t skip)
{
	for (size_t i = 0; i < n; i++) {
		size_t past = MIN(skip, iov[i].iov_len);
		int err = add_bytes(b, (const uint8_t *)iov[i].iov_base + past, iov[i].iov_len - past);

		if (err)
			return err;
		skip -= past;
	}
	return OK;
}

void backlog_move(struct backlog *to, struct backlog *from)
{
	struct list *node;

	while ((node = list_pop(&from->chunks)))
		list_add_tail(&to->chunks, node);
	to->n += from->n;
	from->n = 0;
}

static void drop_bytes(struct backlog *b, size_t n)
{
	b->n -= n;
	while (n) {
		struct chunk *c = CONTAINER(b->chunks.next, struct chunk, node);
		size_t k = MIN(n, c->to - c->from);

		c->from += k;
		n -= k;
		if (c->from == c->to)
			drop_chunk(c);
	}
}

static size_t pieces(const struct backlog *b, struct iovec iov[WRITE_PIECES])
{
	size_t n = 0;

	LIST_EACH (l, &b->chunks) {
		struct chunk *c = CONTAINER(l, struct chunk, node);

		if (n == WRITE_PIECES)
			break;
		iov[n++] = (struct iovec){ c->data + c->from, c->to - c->from };
	}
	return n;
}

ssize_t backlog_write(struct backlog *b, int fd)
{
	struct iovec iov[WRITE_PIECES];
	size_t n = pieces(b, iov);
	ssize_t wrote = n ? sock_writev(fd, iov, n) : 0;

	if (wrote == SOCK_AGAIN)
		return 0;
	if (wrote > 0)
		drop_bytes(b, (size_t)wrote);
	return wrote;
}
