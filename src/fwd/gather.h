/* How much the kernel should collect before it wakes us: in a long bulk download every wake-up costs more than the
 * bytes that it brings. Numbers only; not for the socket. */
#ifndef ADIT_FWD_GATHER_H
#define ADIT_FWD_GATHER_H

#include "base/base.h"

/* Only a stream that brought GATHER_BYTES in the last GATHER_SPAN_MS is worth it: at that rate a short message beside
 * it waits a millisecond longer at most. A pause is noticed within GATHER_MS; then whatever there is counts again.
 */
enum { GATHER_WAKE = 256 * 1024, GATHER_BYTES = 64 << 20, GATHER_SPAN_MS = 250, GATHER_MS = 2 };

struct gather {
	size_t wake;	   /* bytes: 1, or GATHER_WAKE */
	bool bulk;	   /* the last span brought enough */
	uint64_t bytes;	   /* in this span */
	uint64_t begin_ms; /* of this span */
	uint64_t last_ms;  /* the last read */
};

void gather_init(struct gather *g, uint64_t now_ms);
/* Once per turn: what was read in it, 0 for nothing. True when `wake` has changed. */
bool gather_turn(struct gather *g, uint64_t now_ms, size_t bytes);
/* There must be a turn at this time; UINT64_MAX = no need. */
uint64_t gather_deadline(const struct gather *g);

#endif
