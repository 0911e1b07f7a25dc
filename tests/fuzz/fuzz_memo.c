/* Memos, with the other process as the attacker: first byte = sender and descriptor. What is taken packs to the same
 * bytes again. */
#include "fuzz.h"

#include "app/memo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf again = BUF(2 * MEMO_MAX);
	struct exchange x;
	struct memo m;

	if (n < 1 || memo_unpack(&m, span(data + 1, n - 1), (enum memo_from)(data[0] % 3), data[0] & 4) != OK)
		return 0;
	memo_pack(&m, &again);
	assert(!buf_err(&again) && again.n == n - 1);
	if (m.kind == MEMO_SIGN && memo_get_exchange(&x, m.data) == OK) {
		buf_clear(&again);
		memo_put_exchange(&again, &x);
		assert(again.n == m.data.n);
	}
	buf_fini(&again);
	return 0;
}
