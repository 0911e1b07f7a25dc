/* The exchange hash. */
#include "ssh/exchange.h"

int kexhash_of(const struct crypto *c, const struct exchange *x, uint8_t *out, size_t *n)
{
	const struct span strings[] = { x->client_ident, x->server_ident, x->client_init, x->server_init,
					x->host_key,	 x->client_share, x->server_share };
	struct span all[2 * LEN(strings) + 1];
	uint8_t length[LEN(strings)][4];
	int err;

	for (size_t i = 0; i < LEN(strings); i++) {
		put_u32(length[i], (uint32_t)strings[i].n);
		all[2 * i] = span(length[i], sizeof(length[i]));
		all[2 * i + 1] = strings[i];
	}
	all[2 * LEN(strings)] = x->secret;
	err = hash_spans(c, x->kex->hash, all, LEN(all), out);
	if (!err)
		*n = hash_size(x->kex->hash);
	return err;
}
