/* Binary lists of revoked keys, as ssh-keygen -k writes them (OpenSSH's PROTOCOL.krl). Pure: one walk over the bytes
 * answers one question; nothing is built or kept. Text lists, and files, are revoked.c's. */
#ifndef ADIT_CONF_KRL_H
#define ADIT_CONF_KRL_H

#include "crypto/pkey.h"

/* What every such list begins with, a NUL behind it; no text list has such a line. */
#define KRL_MAGIC "SSHKRL\n"

/* Is it revoked? */
struct krl_question {
	struct span key; /* blob of a key, or of the one inside a certificate */
	struct span ca;	 /* blob of the key that signed the certificate; empty: no certificate, and the rest is not
			  * looked  at */
	struct span id;	 /* the certificate's */
	uint64_t serial;
};

/* Walks the whole list, magic included. OK: not revoked. ERR_DENIED: revoked; `why` names what is listed ("the serial
 * number of its certificate"). ERR_SYNTAX: the list is damaged, or has parts that nobody may ignore; `why` says how
 * ("it is cut short"), and then every key counts as revoked. ERR_CRYPTO: no digest, the same. Signatures of lists are
 * not checked: who can write the file could leave them out. */
int krl_check(struct span list, const struct krl_question *q, const struct crypto *c, struct why *why) MUST_CHECK;

#endif
