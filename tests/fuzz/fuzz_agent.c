/* The agent's answers. */
#include "fuzz.h"

#include "proto/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span answer = span(data, n), blob, comment, sig;
	struct agent_list list;
	uint32_t keys = 0;
	struct why why;

	if (agent_get_list(&list, answer, &why) == OK) {
		uint32_t left = list.left;

		while (agent_next(&list, &blob, &comment))
			keys++;
		assert(keys == left && rd_done(&list.in));
	}
	if (agent_get_signature(&sig, answer, "ssh-ed25519", &why) == OK)
		assert(sig.n > 19 && sig.p > data && sig.p + sig.n == data + n);
	if (agent_get_success(answer, NULL) == OK)
		assert(n == 1);
	return 0;
}
