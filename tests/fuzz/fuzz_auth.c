/* Both roles while somebody logs in. The first byte chooses the role, the rest is what rig_play() reads. */
#include "engine_rig.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rig r;

	if (n < 1)
		return 0;
	rig_init(&r, data[0] & 1 ? ROLE_SERVER : ROLE_CLIENT, LIFE_AUTH, span(data + 1, n - 1));
	rig_play(&r);
	rig_fini(&r);
	return 0;
}
