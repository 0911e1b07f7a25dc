/* What the tests of the forwarding layer stand on: a loop, a link over the fake engine, and waiting for a condition
 * instead of for time. */
#ifndef ADIT_TESTS_FWD_RIG_H
#define ADIT_TESTS_FWD_RIG_H

#include "fake_conn.h"
#include "fwd/link.h"
#include "tcp.h"

struct rig {
	struct loop *loop;
	struct conn *conn;
	struct link *link;
	int net; /* the far end of the SSH socket */
	int ssh; /* our end, which is the link's */
	struct turn *turn;
	struct timer *guard, *tick;
	bool (*until)(struct rig *r);
	unsigned turns, settle_from;
	/* what the link reported */
	int failed;
	char failed_text[256];
	unsigned failures, dones, events;
	void (*on_event)(struct rig *r, const struct event *ev);
	void (*on_failed)(struct rig *r);
	/* for the test's own use */
	int app, ours;
	void *mine;
	size_t count;
	char text[2048];
};

void rig_up(struct rig *r);
void rig_down(struct rig *r);
/* Runs the loop until the condition holds at the end of a turn; fails the test after ten seconds. */
void rig_until(struct rig *r, bool (*until)(struct rig *r));
/* Runs until no event is queued and two more turns have passed. */
void rig_settle(struct rig *r);

#endif
