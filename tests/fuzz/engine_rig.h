/* One engine without its other half, for the fuzz targets: they play the peer, and the input decides what happens. The
 * rig frames messages, answers questions, and checks after every step what must always hold. Its seed and its clock are
 * fixed, so the same bytes always do the same. */
#ifndef ADIT_TESTS_FUZZ_ENGINE_RIG_H
#define ADIT_TESTS_FUZZ_ENGINE_RIG_H

#include "ssh/engine.h"

enum { RIG_CHANNELS = 64, RIG_QUESTIONS = 64, RIG_CHOICES = 8, RIG_BANK = 1 << 20 };

struct rig {
	struct conn *conn;
	struct pool pool;
	struct bank bank; /* shared, by this one */
	uint64_t now_ms;
	struct rd in;			  /* the rest of the input */
	uint8_t choice[RIG_CHOICES];	  /* how questions are answered, in turn */
	size_t choices;			  /* answers given */
	bool waited;			  /* AUTH_WAIT was used: it is legal once */
	uint32_t question[RIG_QUESTIONS]; /* of EV_OPEN, EV_GLOBAL and EV_PROVE, answered by a step */
	size_t questions;
	size_t unread[RIG_CHANNELS]; /* bytes of EV_DATA that were not consumed yet */
	unsigned long sum;	     /* of all bytes that events pointed to */
};

/* A connection in this role that has come so far: LIFE_IDENT as it is born; LIFE_KEX with the version lines exchanged;
 * LIFE_AUTH and LIFE_OPEN with a key exchange behind it whose ciphers encrypt nothing. */
void rig_init(struct rig *r, enum role role, enum life life, struct span input);
void rig_fini(struct rig *r);

/* Bytes from the network, at most `fragment` at a time. */
void rig_bytes(struct rig *r, struct span bytes, size_t fragment);
/* One message from the peer, in a packet as before the first NEWKEYS. */
void rig_message(struct rig *r, struct span payload);
/* Takes what the engine sends. */
void rig_drain(struct rig *r);
/* The next byte of the input, 0 at its end. */
uint8_t rig_byte(struct rig *r);

/* Does the whole input: each record is a number of 16 bits. Below 32768 it is the length of a message from the peer,
 * which follows; otherwise it is a step of our own side (7 bits) and its argument (8 bits). */
void rig_play(struct rig *r);

#endif
