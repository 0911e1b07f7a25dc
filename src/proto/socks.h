/* The server's side of SOCKS 4, 4a and 5 (RFC 1928; no authentication, CONNECT only), as far as the request and the
 * reply to it. Bytes in, a host and a port out; not for connecting, and not for deciding who may go where. */
#ifndef ADIT_PROTO_SOCKS_H
#define ADIT_PROTO_SOCKS_H

#include "base/span.h"

enum {
	SOCKS_MAX = 512,      /* no message may be longer */
	SOCKS_HOST_MAX = 253, /* nor a host name */
	SOCKS_REPLY_MAX = 10
};

enum socks_result {
	SOCKS_MORE,    /* nothing to do yet, or only to send `reply` */
	SOCKS_REQUEST, /* host and port are set: connect, then send socks_reply() */
	SOCKS_BAD      /* send `reply`, if there is one, and end the stream; `fault` says what it was */
};

enum socks_code { SOCKS_OK, SOCKS_FAILED, SOCKS_NOT_ALLOWED, SOCKS_UNREACHABLE, SOCKS_BAD_COMMAND, SOCKS_BAD_ADDRESS };

/* Zero is a fresh one. */
struct socks {
	uint8_t in[SOCKS_MAX]; /* the message so far */
	size_t n;
	uint8_t version; /* 4 or 5, 0 until the first byte */
	bool greeted;	 /* version 5: the methods were agreed on */
	uint8_t reply[2 + SOCKS_REPLY_MAX];
	size_t reply_n;		       /* to be sent now, then set to 0 by the caller */
	char host[SOCKS_HOST_MAX + 1]; /* a name, or an address in text */
	uint16_t port;
	const char *fault;
};

/* Takes bytes up to the end of the request; *used says how many, what follows belongs to the stream. Not to be called
 * again after SOCKS_REQUEST or SOCKS_BAD. */
enum socks_result socks_put(struct socks *s, struct span bytes, size_t *used);

/* The reply to the request, for its version. Returns its length. */
size_t socks_reply(const struct socks *s, enum socks_code code, uint8_t out[SOCKS_REPLY_MAX]);

#endif
