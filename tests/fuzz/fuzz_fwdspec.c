/* The first byte chooses the side, the rest is a forwarding specification. What parses, parses again from the same
 * text to the same thing. */
#include <assert.h>
#include <stdlib.h>

#include "base/str.h"
#include "conf/fwdspec.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fwdspec f = { 0 }, again = { 0 };
	struct buf out = BUF(1 << 16);
	struct why why;
	char *text = n ? str_from_span(span(data + 1, n - 1)) : NULL;
	enum fwd_side side = n && data[0] & 1 ? FWD_LOCAL : FWD_REMOTE;

	if (text && fwdspec_parse(&f, text, side, &why) == OK) {
		assert(f.dynamic || f.connect.path || (f.connect.host && f.connect.port));
		assert(!f.dynamic || side == FWD_REMOTE);
		fwdspec_print(&f, &out);
		assert(fwdspec_parse(&again, text, side, &why) == OK && fwdspec_equal(&f, &again));
	}
	fwdspec_fini(&f);
	fwdspec_fini(&again);
	buf_fini(&out);
	free(text);
	return 0;
}
