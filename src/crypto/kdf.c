/* Keys from the shared secret (RFC 4253 section 7.2). */
#include "base/buf.h"
#include "crypto/kexalg.h"

int kex_derive(const struct crypto *c, enum hash_id id, struct span k, struct span h, struct span session_id,
	       char letter, uint8_t *out, size_t out_len)
{
	size_t size = hash_size(id);
	uint8_t block[HASH_MAX];
	int err = OK;

	for (size_t done = 0; !err && done < out_len; done += size) {
		const struct span first[] = { k, h, span(&letter, 1), session_id };
		const struct span next[] = { k, h, span(out, done) };

		err = done ? hash_spans(c, id, next, LEN(next), block) : hash_spans(c, id, first, LEN(first), block);
		if (!err)
			memcpy(out + done, block, MIN(size, out_len - done));
	}
	wipe(block, sizeof(block));
	return err;
}
