/* What somebody who is logged in can do to a server: channels, global requests, proofs of host keys, new keys. The
 * input is what rig_play() reads. */
#include "engine_rig.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rig r;

	rig_init(&r, ROLE_SERVER, LIFE_OPEN, span(data, n));
	rig_play(&r);
	rig_fini(&r);
	return 0;
}
