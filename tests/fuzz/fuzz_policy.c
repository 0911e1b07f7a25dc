/* A packed policy. What unpacks packs to the very bytes that it was read from. */
#include <assert.h>

#include "conf/policy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd in = rd(span(data, n));
	struct policy p;

	if (policy_unpack(&p, &in) == OK && n - in.n <= POLICY_PACKED_MAX) {
		struct buf again = BUF(POLICY_PACKED_MAX);

		policy_pack(&p, &again);
		assert(!buf_err(&again));
		assert(span_eq(buf_span(&again), span(data, n - in.n)));
		buf_fini(&again);
	}
	policy_fini(&p);
	return 0;
}
