/* What the processes of aditd write into the audit: from their own structures to records. */
#ifndef ADIT_APP_RECORDS_H
#define ADIT_APP_RECORDS_H

#include "app/audit.h"
#include "app/memo.h"
#include "conf/policy.h"
#include "fwd/gate.h"
#include "io/loop.h"

/* An audit with the loop whose clock it goes by, and a timer that says what was suppressed. */
struct records {
	struct audit *audit;
	struct loop *loop;
	struct timer *timer;
};

/* OK or ERR_NOMEM. The audit is borrowed. */
int records_init(struct records *r, struct audit *audit, struct loop *loop) MUST_CHECK;
void records_fini(struct records *r);

/* A connection that got no further than the door. */
void record_stranger(const struct records *r, const struct ends *ends, const char *rule);
/* A login that was refused, and by what. `key` is "" for none. */
void record_refused_login(const struct records *r, uint64_t connection, const struct ends *ends, const char *user,
			  const char *key, const char *rule);
/* A login at its end: payload bytes, how it ended in a word, and in the engine's sentence. */
struct record_bytes {
	uint64_t from_client, to_client, duration_ms;
};
void record_login(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		  const struct record_bytes *bytes, const char *how, const char *text);
/* A forwarded connection or a listener, at its beginning or end, or its refusal. */
void record_gate(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		 const struct gate_record *g);
/* A session that was asked for. */
void record_session(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		    struct span type);
/* A connection that made room for a newer one. */
void record_eviction(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		     const char *words);
/* A process of ours that ended as it should not. */
void record_crash(const struct records *r, const char *what, const char *how);

#endif
