/* Bytes from the network into an engine that a test holds in its hands. */
#ifndef ADIT_TESTS_PUT_H
#define ADIT_TESTS_PUT_H

#include <string.h>

#include "ssh/conn.h"

/* Puts as much as there is room for. Returns how much that was. */
static inline size_t put_bytes(struct conn *c, struct span bytes)
{
	struct iovec iov[2];
	size_t pieces = conn_rx_room(c, iov, LEN(iov)), n = 0;

	for (size_t i = 0; i < pieces && n < bytes.n; i++) {
		size_t here = MIN(iov[i].iov_len, bytes.n - n);

		memcpy(iov[i].iov_base, bytes.p + n, here);
		n += here;
	}
	if (n)
		conn_rx_done(c, n);
	return n;
}

#endif
