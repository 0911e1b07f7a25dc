/* ssh-agent's messages. An agent is another program and may be another user's or another machine's: nothing in its
 * answers is believed before it was checked. */
#include "proto/agent.h"

#include "base/str.h"

enum {
	AGENT_FAILURE = 5,
	AGENT_SUCCESS = 6,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
	AGENT_EXTENSION = 27,
	AGENT_EXTENSION_FAILURE = 28,
	AGENT2_FAILURE = 102, /* of ssh.com, still spoken by some */
};

void agent_put_list(struct buf *out)
{
	buf_u32(out, 1);
	buf_u8(out, AGENT_REQUEST_IDENTITIES);
}

void agent_put_sign(struct buf *out, struct span blob, struct span data, uint32_t flags)
{
	size_t pos = buf_begin(out);

	buf_u8(out, AGENT_SIGN_REQUEST);
	buf_string(out, blob);
	buf_string(out, data);
	buf_u32(out, flags);
	buf_end(out, pos);
}

void agent_put_bind(struct buf *out, struct span host_key, struct span session_id, struct span kex_sig, bool forwarding)
{
	size_t pos = buf_begin(out);

	buf_u8(out, AGENT_EXTENSION);
	buf_cstring(out, "session-bind@openssh.com");
	buf_string(out, host_key);
	buf_string(out, session_id);
	buf_string(out, kex_sig);
	buf_u8(out, forwarding);
	buf_end(out, pos);
}

/* Opens an answer that should begin with `type`. */
static int begin(struct rd *in, struct span answer, uint8_t type, struct why *why)
{
	uint8_t got;

	*in = rd(answer);
	got = rd_u8(in);
	if (!rd_ok(in) || answer.n > AGENT_MSG_MAX)
		return why_set(why, ERR_PROTO, "the agent's answer has %zu bytes", answer.n);
	if (got == type)
		return OK;
	if (got == AGENT_FAILURE || got == AGENT_EXTENSION_FAILURE || got == AGENT2_FAILURE)
		return why_set(why, ERR_DENIED, "the agent refused the operation");
	return why_set(why, ERR_PROTO, "the agent answered with message %u instead of %u", got, type);
}

int agent_get_list(struct agent_list *out, struct span answer, struct why *why)
{
	struct agent_list list;
	struct rd in;
	int err = begin(&list.in, answer, AGENT_IDENTITIES_ANSWER, why);

	if (err)
		return err;
	list.left = rd_u32(&list.in);
	if (list.left > AGENT_KEYS_MAX)
		return why_set(why, ERR_PROTO, "the agent lists %u keys; at most %d are accepted", list.left,
			       AGENT_KEYS_MAX);
	in = list.in;
	for (uint32_t i = 0; i < list.left; i++) {
		rd_string(&in);
		rd_string(&in);
	}
	if (!rd_done(&in))
		return why_set(why, ERR_PROTO, "the agent's list of keys is malformed");
	*out = list;
	return OK;
}

bool agent_next(struct agent_list *list, struct span *blob, struct span *comment)
{
	if (!list->left)
		return false;
	list->left--;
	*blob = rd_string(&list->in);
	*comment = rd_string(&list->in);
	return true;
}

int agent_get_signature(struct span *sig, struct span answer, const char *sig_type, struct why *why)
{
	struct rd in, inner;
	struct span all, type;
	char text[64];
	int err = begin(&in, answer, AGENT_SIGN_RESPONSE, why);

	if (err)
		return err;
	all = rd_string(&in);
	inner = rd(all);
	type = rd_string(&inner);
	if (!rd_done(&in) || !rd_ok(&inner) || !rd_string(&inner).n)
		return why_set(why, ERR_PROTO, "the agent's signature is malformed");
	if (!span_is(type, sig_type))
		return why_set(why, ERR_PROTO, "the agent signed with %s instead of %s",
			       str_escape(text, sizeof(text), type), sig_type);
	*sig = all;
	return OK;
}

int agent_get_success(struct span answer, struct why *why)
{
	struct rd in;
	int err = begin(&in, answer, AGENT_SUCCESS, why);

	if (!err && !rd_done(&in))
		return why_set(why, ERR_PROTO, "bytes behind the agent's answer");
	return err;
}
