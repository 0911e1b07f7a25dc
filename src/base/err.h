/* The error codes of all layers, and the sentence that goes with one. */
#ifndef ADIT_BASE_ERR_H
#define ADIT_BASE_ERR_H

#include "base/base.h"

/* A function that can fail returns OK (0) or one of these. Zero is never "denied" or "unknown". */
enum err {
	OK = 0,
	ERR_NOMEM = -1,	      /* no memory, or a stated ceiling was reached */
	ERR_PROTO = -2,	      /* the peer broke the protocol */
	ERR_MAC = -3,	      /* a packet failed its integrity check */
	ERR_KEX = -4,	      /* no common algorithm, or the key exchange failed */
	ERR_HOST_KEY = -5,    /* the server's key is not accepted */
	ERR_AUTH = -6,	      /* every way to log in failed */
	ERR_WINDOW = -7,      /* the peer overran, or overflowed, a window */
	ERR_LIMIT = -8,	      /* the peer asked for more than our limits allow */
	ERR_TIMEOUT = -9,     /* a deadline passed */
	ERR_CLOSED = -10,     /* the other side ended it */
	ERR_CRYPTO = -11,     /* libcrypto failed, or a signature or key is bad */
	ERR_SYNTAX = -12,     /* text that does not parse */
	ERR_IO = -13,	      /* the system refused; the sentence has its words */
	ERR_DENIED = -14,     /* policy says no */
	ERR_NOT_FOUND = -15,  /* there is no such thing */
	ERR_PASSPHRASE = -16, /* a key file needs a (different) passphrase */
	ERR_IN_USE = -17      /* somebody else has the address */
};

enum { WHY_MAX = 512 };

/* A sentence for a person, written by whoever finds the fault. Zero is the empty sentence. */
struct why {
	char text[WHY_MAX];
};

/* Writes the sentence (cut at WHY_MAX - 1 bytes) and returns `err`. `why` may be NULL. */
int why_set(struct why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " in front of the sentence that is there and returns `err`. `why` may be NULL. */
int why_prefix(struct why *why, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Two or three words for a code ("protocol error"); never NULL. */
const char *err_name(int err);

#endif
