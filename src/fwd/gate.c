/* The gate: birth and death, what the client asks for goes to its place, one timer for everything that may take too
 * long without anything happening. */
#include <stdlib.h>

#include "fwd/gate_impl.h"

const char gate_no_descriptors[] = "no descriptors left";

/* ---- Records --------------------------------------------------------------------------------------------------- */

const char *gate_kind_text(enum gate_kind kind)
{
	static const char *const text[] = {
		[GATE_DIRECT_TCPIP] = "direct-tcpip",	    [GATE_DIRECT_STREAMLOCAL] = "direct-streamlocal",
		[GATE_FORWARDED_TCPIP] = "forwarded-tcpip", [GATE_FORWARDED_STREAMLOCAL] = "forwarded-streamlocal",
		[GATE_TCPIP_FORWARD] = "tcpip-forward",	    [GATE_STREAMLOCAL_FORWARD] = "streamlocal-forward",
	};

	return kind < LEN(text) && text[kind] ? text[kind] : "unknown";
}

const char *gate_how_text(enum gate_how how)
{
	static const char *const text[] = {
		[GATE_CLEAN] = "closed",	[GATE_RESET] = "reset",
		[GATE_BROKEN] = "broken",	[GATE_REFUSED] = "refused",
		[GATE_FAILED] = "failed",	[GATE_DECLINED] = "declined by the client",
		[GATE_IDLE] = "idle timeout",	[GATE_LOST] = "connection lost",
		[GATE_LISTENING] = "listening", [GATE_CANCELLED] = "cancelled",
	};

	return how < LEN(text) && text[how] ? text[how] : "unknown";
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void gate_tell(struct gate *g, const struct gate_record *r)
{
	struct gate_record out = *r;

	out.actual = or_empty(r->actual);
	out.from = or_empty(r->from);
	out.words = or_empty(r->words);
	out.end_ms = loop_now(link_loop(g->link));
	if (!out.start_ms)
		out.start_ms = out.end_ms;
	g->calls.record(g->user, &out);
}

bool gate_absolute(struct span path, struct why *why)
{
	if (path.n && path.p[0] == '/')
		return true;
	why_set(why, ERR_DENIED, "the path is not absolute");
	return false;
}

/* ---- Time ------------------------------------------------------------------------------------------------------ */

static bool is_unused(const struct gate *g)
{
	return g->policy->unused_seconds && !g->stream_count && !g->post_count && link_alive(g->link);
}

static uint64_t unused_deadline(const struct gate *g)
{
	return is_unused(g) ? g->unused_ms + (uint64_t)g->policy->unused_seconds * 1000 : UINT64_MAX;
}

void gate_clock(struct gate *g)
{
	if (g->stream_count || g->post_count)
		g->unused_ms = loop_now(link_loop(g->link));
	timer_at(g->timer, MIN(streams_deadline(g), unused_deadline(g)));
}

static void on_timer(void *user)
{
	struct gate *g = user;
	uint64_t now = loop_now(link_loop(g->link));
	bool unused = unused_deadline(g) <= now;

	streams_expire(g);
	if (unused)
		g->unused_ms = now;
	gate_clock(g);
	if (unused && g->calls.unused)
		g->calls.unused(g->user);
}

/* ---- Birth, death, facts --------------------------------------------------------------------------------------- */

static void on_ask(void *user, const struct event *ev)
{
	if (ev->kind == EV_OPEN)
		gate_open(user, ev);
	else
		gate_ask(user, ev);
}

static void end_posts(struct gate *g)
{
	while (!list_empty(&g->posts))
		post_end(CONTAINER(g->posts.next, struct post, node), GATE_LOST);
}

/* Channels and connects hear of it themselves. */
static void on_lost(struct owner *o, const struct event *ev)
{
	struct gate *g = CONTAINER(o, struct gate, owner);

	(void)ev;
	dialer_close(&g->connector.dialer); /* those that wait shall not begin only because others end */
	asks_free(g);
	end_posts(g);
}

int gate_new(struct gate **out, struct link *l, const struct policy *policy, const struct gate_calls *calls, void *user)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g || timer_new(&g->timer, link_loop(l), on_timer, g)) {
		free(g);
		return ERR_NOMEM;
	}
	g->owner.event = on_lost;
	g->link = l;
	g->policy = policy;
	g->calls = *calls;
	g->user = user;
	g->unused_ms = loop_now(link_loop(l));
	list_init(&g->streams);
	for (size_t i = 0; i < LEN(g->quiet); i++)
		list_init(&g->quiet[i]);
	list_init(&g->posts);
	list_init(&g->asks);
	connector_init(&g->connector, l, policy->max_opens);
	link_join(l, &g->owner);
	link_on_open(l, on_ask, g);
	gate_clock(g);
	*out = g;
	return OK;
}

void gate_asks_as(struct gate *g, struct lookups *asker)
{
	g->asker = asker;
}

void gate_shares(struct gate *g, struct share *share)
{
	g->share = share;
	dialer_joins(&g->connector.dialer, &share->dials);
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	link_on_open(g->link, NULL, NULL);
	link_leave(&g->owner);
	asks_free(g);
	end_posts(g);
	connector_fini(&g->connector);
	streams_free(g);
	timer_free(g->timer);
	free(g);
}

struct gate_facts gate_facts(const struct gate *g)
{
	struct gate_facts f = { .channels = g->stream_count,
				.listeners = g->post_count,
				.dials = g->connector.dialer.active,
				.rx_bytes = g->rx_bytes,
				.tx_bytes = g->tx_bytes };

	LIST_EACH (l, &g->streams) {
		const struct pump *p = CONTAINER(l, struct stream, node)->witness.pump;

		f.rx_bytes += p ? p->rx_bytes : 0;
		f.tx_bytes += p ? p->tx_bytes : 0;
	}
	return f;
}
