/* SOCKS requests: any bytes, cut anywhere, give the same result; a host that comes out is one that may be looked up. */
#include "fuzz.h"

#include "proto/socks.h"

static enum socks_result feed(struct socks *s, const uint8_t *p, size_t n, size_t step, size_t *all)
{
	enum socks_result r = SOCKS_MORE;

	for (*all = 0; *all < n && r == SOCKS_MORE;) {
		size_t used, k = MIN(step, n - *all);

		r = socks_put(s, span(p + *all, k), &used);
		assert(used <= k && s->n <= SOCKS_MAX && s->reply_n <= sizeof(s->reply));
		assert(r != SOCKS_MORE || used == k);
		*all += used;
	}
	return r;
}

static void check_host(const struct socks *s)
{
	size_t n = strlen(s->host);

	assert(n && n <= SOCKS_HOST_MAX && s->port);
	for (size_t i = 0; i < n; i++)
		assert(s->host[i] > ' ' && s->host[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct socks whole = { 0 }, cut = { 0 };
	size_t step = n ? 1 + data[n - 1] % 7 : 1, a, b;
	enum socks_result r = feed(&whole, data, n, n, &a);

	assert(feed(&cut, data, n, step, &b) == r && a == b);
	assert(!strcmp(whole.host, cut.host) && whole.port == cut.port);
	assert((r == SOCKS_BAD) == (whole.fault != NULL));
	if (r == SOCKS_REQUEST)
		check_host(&whole);
	return 0;
}
