/* One function per kind of record. */
#include "app/records.h"

#include <stdlib.h>
#include <string.h>

#include "io/sys.h"

enum { TICK_MS = 1000 };

/* Only while something is owed: a server that is idle sleeps. */
static void arm(const struct records *r)
{
	if (r->audit->owes)
		timer_at(r->timer, loop_now(r->loop) + TICK_MS);
}

static void on_timer(void *user)
{
	const struct records *r = user;

	audit_tick(r->audit, sys_time_ms(), loop_now(r->loop));
	arm(r);
}

int records_init(struct records *r, struct audit *audit, struct loop *loop)
{
	*r = (struct records){ .audit = audit, .loop = loop };
	return timer_new(&r->timer, loop, on_timer, r);
}

void records_fini(struct records *r)
{
	timer_free(r->timer);
	*r = (struct records){ 0 };
}

static void write_record(const struct records *r, struct audit_record *a)
{
	a->time_ms = sys_time_ms();
	audit_write(r->audit, a, loop_now(r->loop));
	arm(r);
}

static struct audit_end end_of(const struct ip *ip, uint16_t port)
{
	return (struct audit_end){ .ip = *ip, .port = port };
}

static struct audit_record begin(enum audit_event event, uint64_t connection, const struct ends *ends)
{
	return (struct audit_record){ .event = event,
				      .connection = connection,
				      .source = end_of(&ends->peer, ends->peer_port) };
}

static void put_user(struct audit_record *a, const struct policy *policy)
{
	a->user = span_str(policy->user ? policy->user : "");
	a->key = span_str(policy->key ? policy->key : "");
}

void record_stranger(const struct records *r, const struct ends *ends, const char *rule)
{
	struct audit_record a = begin(AUDIT_CONNECTION_REFUSED, 0, ends);

	a.rule = span_str(rule);
	write_record(r, &a);
}

void record_refused_login(const struct records *r, uint64_t connection, const struct ends *ends, const char *user,
			  const char *key, const char *rule)
{
	struct audit_record a = begin(AUDIT_LOGIN_REFUSED, connection, ends);

	a.kind = "publickey";
	a.user = span_str(user);
	a.key = span_str(key);
	a.rule = span_str(rule);
	write_record(r, &a);
}

void record_login(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		  const struct record_bytes *bytes, const char *how, const char *text)
{
	struct audit_record a = begin(AUDIT_LOGIN, connection, ends);

	put_user(&a, policy);
	a.kind = "publickey";
	a.from_client = bytes->from_client;
	a.to_client = bytes->to_client;
	a.duration_ms = bytes->duration_ms;
	a.end = how;
	a.words = span_str(text);
	write_record(r, &a);
}

/* Text that came as an address or a name, or as a path. */
static struct audit_end named(const char *name, uint32_t port, bool path)
{
	return (struct audit_end){ .name = span_str(name), .port = port, .is_path = path };
}

static enum audit_event event_of(const struct gate_record *g)
{
	bool listener = g->kind == GATE_TCPIP_FORWARD || g->kind == GATE_STREAMLOCAL_FORWARD;

	if (g->how == GATE_REFUSED || (listener && g->how == GATE_FAILED))
		return listener ? AUDIT_LISTENER_REFUSED : AUDIT_FORWARD_REFUSED;
	return listener ? AUDIT_LISTENER : AUDIT_FORWARD;
}

void record_gate(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		 const struct gate_record *g)
{
	bool path = g->kind == GATE_DIRECT_STREAMLOCAL || g->kind == GATE_FORWARDED_STREAMLOCAL ||
		    g->kind == GATE_STREAMLOCAL_FORWARD;
	struct audit_record a = begin(event_of(g), connection, ends);

	if (g->how == GATE_LISTENING)
		return; /* one record each, at the end */
	put_user(&a, policy);
	a.kind = gate_kind_text(g->kind);
	a.requested = named(g->host, g->port, path);
	if (*g->actual)
		a.actual = named(g->actual, g->actual_port, path);
	if (*g->from)
		a.origin = named(g->from, g->from_port, false);
	a.from_client = g->rx_bytes;
	a.to_client = g->tx_bytes;
	a.duration_ms = g->end_ms - g->start_ms;
	a.end = gate_how_text(g->how);
	*(g->how == GATE_REFUSED ? &a.rule : &a.words) = span_str(g->words);
	write_record(r, &a);
}

void record_session(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		    struct span type)
{
	struct audit_record a = begin(AUDIT_SESSION_REFUSED, connection, ends);

	put_user(&a, policy);
	a.peer_says = type;
	a.rule = span_str("this server only forwards ports");
	write_record(r, &a);
}

void record_eviction(const struct records *r, uint64_t connection, const struct ends *ends, const struct policy *policy,
		     const char *words)
{
	struct audit_record a = begin(AUDIT_TAKEOVER, connection, ends);

	put_user(&a, policy);
	a.end = "takeover";
	a.words = span_str(words);
	write_record(r, &a);
}

void record_crash(const struct records *r, const char *what, const char *how)
{
	struct audit_record a = { .event = AUDIT_CRASH, .kind = what, .end = how };

	write_record(r, &a);
}
