/* Raw bytes from the network, from the version line on. The first byte chooses the role, the second how the bytes are
 * cut into reads. */
#include "engine_rig.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rig r;

	if (n < 2)
		return 0;
	rig_init(&r, data[0] & 1 ? ROLE_SERVER : ROLE_CLIENT, LIFE_IDENT, span(NULL, 0));
	rig_bytes(&r, span(data + 2, n - 2), data[1] ? data[1] : SIZE_MAX);
	conn_rx_eof(r.conn, OK, NULL);
	rig_play(&r);
	rig_fini(&r);
	return 0;
}
