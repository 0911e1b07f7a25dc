/* What one login may do: made from configuration, key and certificate where they are known, packed for the way to the
 * process that obeys it. Not for who may log in. */
#ifndef ADIT_CONF_POLICY_H
#define ADIT_CONF_POLICY_H

#include "base/buf.h"
#include "base/rd.h"
#include "conf/strs.h"

/* Bits of AllowTcpForwarding and AllowStreamLocalForwarding. */
enum policy_side {
	POLICY_LOCAL = 1, /* channels that the client opens: its -L */
	POLICY_REMOTE = 2 /* listeners here: its -R */
};
enum gateway_ports { GATEWAY_NO, GATEWAY_YES, GATEWAY_CLIENT };

/* Administrator's and user's lists: both must allow. */
enum { POLICY_ADMIN, POLICY_KEY, POLICY_LISTS };

/* Ceilings: words of one list, bytes of one word, bytes of a text, bytes of a whole packed policy. A reader of
 * configuration or keys refuses what is longer. */
enum { POLICY_WORDS_MAX = 1024, POLICY_WORD_MAX = 300, POLICY_TEXT_MAX = 1024, POLICY_PACKED_MAX = 100 * 1024 };
enum { POLICY_COUNT_MAX = 1 << 20 }; /* of listeners and opens */

/* The types of channels that there are; the last stands for all of them together. */
enum policy_channel {
	POLICY_DIRECT_TCPIP,
	POLICY_DIRECT_STREAMLOCAL,
	POLICY_FORWARDED_TCPIP,
	POLICY_FORWARDED_STREAMLOCAL,
	POLICY_GLOBAL,
	POLICY_CHANNELS
};

enum { POLICY_NO_TOS = 256 };

/* Zero is a valid empty object that permits nothing. */
struct policy {
	uint32_t tcp, streamlocal; /* enum policy_side */
	/* PermitOpen and permitopen; PermitListen and permitlisten. Empty = any; the word "none" = nothing. */
	struct strs permit_open[POLICY_LISTS], permit_listen[POLICY_LISTS];
	struct strs deny_open; /* DenyOpen */
	enum gateway_ports gateway;
	bool root; /* uid 0: may have listeners below 1024 */
	uint32_t bind_mask;
	bool bind_unlink;
	uint32_t max_channels, max_listeners, max_opens; /* MaxChannels, MaxListeners, MaxOpensPending */
	uint64_t rekey_bytes;				 /* RekeyLimit; 0 = the cipher's own limit */
	uint32_t rekey_seconds;				 /* 0 = none */
	uint32_t tos;					 /* IPQoS: the byte; POLICY_NO_TOS = leave it alone */
	uint32_t log_level;				 /* LogLevel */
	uint32_t alive_seconds, alive_max;		 /* ClientAliveInterval (0 = off), ClientAliveCountMax */
	uint32_t idle_seconds[POLICY_CHANNELS];		 /* ChannelTimeout; 0 = none */
	uint32_t unused_seconds;			 /* UnusedConnectionTimeout; 0 = none */
	uint32_t takeover_ms;				 /* TakeoverListen; 0 = off */
	char *user;					 /* for records; not NULL once it was made */
	char *key;					 /* "ED25519 SHA256:...", or "CERT-ID serial N CA ..." */
};

void policy_fini(struct policy *p);

/* RFC 4251's encodings, every field in order; BUF(POLICY_PACKED_MAX) suits. A NULL text goes as an empty one. OK or
 * ERR_NOMEM by buf_err(), the latter also for what passes a ceiling. */
void policy_pack(const struct policy *p, struct buf *out);
/* The fields of one policy; the cursor is left behind them. Every number is checked against its range, every list and
 * string against its ceiling, and the user has a name. OK; ERR_SYNTAX or ERR_NOMEM: *out is empty then. */
int policy_unpack(struct policy *out, struct rd *in) MUST_CHECK;

#endif
