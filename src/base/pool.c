/* A stack of spare chunks. */
#include "base/pool.h"

#include <stdlib.h>

#include "base/err.h"

int pool_init(struct pool *p, size_t keep)
{
	uint8_t **spare = calloc(keep, sizeof(*spare));

	if (!spare)
		return ERR_NOMEM;
	*p = (struct pool){ .spare = spare, .keep = keep };
	return OK;
}

void pool_fini(struct pool *p)
{
	assert(p->lent == 0);
	pool_trim(p);
	free(p->spare);
	*p = (struct pool){ 0 };
}

uint8_t *pool_get(struct pool *p)
{
	uint8_t *chunk = p->spares ? p->spare[--p->spares] : malloc(POOL_CHUNK);

	if (chunk)
		p->lent++;
	return chunk;
}

void pool_put(struct pool *p, uint8_t *chunk)
{
	if (!chunk)
		return;
	assert(p->lent > 0);
	p->lent--;
	if (p->spares < p->keep)
		p->spare[p->spares++] = chunk;
	else
		free(chunk);
}

void pool_trim(struct pool *p)
{
	while (p->spares)
		free(p->spare[--p->spares]);
}
