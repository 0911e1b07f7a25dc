/* The messages of ssh-agent (draft-ietf-sshm-ssh-agent, OpenSSH's PROTOCOL.agent), written and read. The socket is
 * io/agentsock.c's; keys and signatures are opaque bytes here. */
#ifndef ADIT_PROTO_AGENT_H
#define ADIT_PROTO_AGENT_H

#include "base/buf.h"
#include "base/rd.h"

enum {
	AGENT_MSG_MAX = 256 * 1024, /* longest request or reply, without its length */
	AGENT_KEYS_MAX = 2048	    /* longest list */
};

/* Requests: appended as they go to the socket, uint32 length in front. Ask buf_err(). */

void agent_put_list(struct buf *out);
/* `flags`: 2 = rsa-sha2-256, 4 = rsa-sha2-512, 0 for other keys (RFC 8332 names, draft section 3.6.1). `blob` may be a
 * certificate that the agent holds. */
void agent_put_sign(struct buf *out, struct span blob, struct span data, uint32_t flags);
/* session-bind@openssh.com: which server this connection reaches, for keys that are restricted to destinations. Goes
 * before the list and before signing; an agent that does not know it answers with a failure, which may be ignored.
 * `kex_sig` is the server's signature of the exchange hash `session_id`. */
void agent_put_bind(struct buf *out, struct span host_key, struct span session_id, struct span kex_sig,
		    bool forwarding);

/* Answers: the message without its length. ERR_DENIED when the agent said "failure", ERR_PROTO when the answer is
 * malformed or is none to this request; `why` (may be NULL) says which. Spans point into the answer. */

struct agent_list {
	struct rd in;
	uint32_t left; /* keys not yet read by agent_next() */
};
/* Checks the whole list; results are untouched on failure. */
int agent_get_list(struct agent_list *out, struct span answer, struct why *why) MUST_CHECK;
/* The next key; false at the end. The comment is somebody's words: escape it before showing. */
bool agent_next(struct agent_list *list, struct span *blob, struct span *comment);
/* The signature blob. Its type must be `sig_type` (sig_alg.sig_type: "rsa-sha2-512"): an old agent that does not know
 * the flags signs with SHA-1. That it is a right signature of the right key is for pkey_verify() or the server. */
int agent_get_signature(struct span *sig, struct span answer, const char *sig_type, struct why *why) MUST_CHECK;
/* The plain "success". */
int agent_get_success(struct span answer, struct why *why) MUST_CHECK;

#endif
