/* The doors: listening sockets of the server itself, and what comes in through them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/master.h"
#include "io/sock.h"
#include "io/sys.h"

enum { ACCEPTS_AT_ONCE = 64, PAUSE_MS = 1000 };

static bool open_for_all(const struct master *m)
{
	const struct generation *g = generation_now(m);

	return g && !m->paused && !m->stopping && generation_pick(g);
}

void doors_arm(struct master *m)
{
	bool open = open_for_all(m);

	for (size_t i = 0; i < m->door_count; i++)
		watch_set(m->doors[i].watch, open ? WATCH_IN : 0);
}

/* Said once, however often it is tried in vain. */
static void pause_doors(struct master *m)
{
	if (!m->short_of)
		log_line(m->log, LOG_AT_ERROR, "no descriptors left: accepting nothing until there are");
	m->short_of = m->paused = true;
	timer_at(m->pause, loop_now(m->loop) + PAUSE_MS);
}

static void accepts_again(struct master *m)
{
	if (m->short_of)
		log_line(m->log, LOG_AT_INFO, "accepting again");
	m->short_of = false;
}

static void refuse(struct master *m, const struct ends *ends, enum admit verdict)
{
	char text[IP_TEXT];

	log_line(m->log, LOG_AT_VERBOSE, "refused a connection from %s port %u: %s", ip_text(&ends->peer, text),
		 ends->peer_port, admission_rule(verdict));
	record_stranger(&m->records, ends, admission_rule(verdict));
}

/* To the guard first, so that it knows the connection when the worker asks about it. */
static void hand_over(struct master *m, struct worker_slot *w, const struct ends *ends, int fd)
{
	struct peer_entry *e = peers_add(m->peers, w, ends);
	struct memo memo = { .kind = MEMO_PEER, .number = w->number, .ends = *ends };

	if (!e) {
		admission_done(m->admission, &ends->peer, OFFENCE_NONE, loop_now(m->loop));
		sock_close(fd);
		return;
	}
	e->counted = true;
	w->load++;
	memo.peer = e->id;
	child_tell(&w->gen->guard, &memo, IPC_NO_FD);
	memo.kind = MEMO_SERVE;
	child_tell(w, &memo, fd);
}

/* A socket of both families, as service managers make them, shows IPv4 clients as v4-mapped. */
static struct ip number_of(const struct addr *a)
{
	struct ip ip = { 0 };

	addr_ip(a, &ip);
	return ip_unmap(ip);
}

static void take(struct master *m, int fd, const struct addr *from)
{
	struct worker_slot *w = generation_pick(generation_now(m));
	struct ends ends = { 0 };
	enum admit verdict;
	uint32_t dice = 0;
	struct addr local;

	if (!w) {
		sock_close(fd);
		return;
	}
	sock_name(fd, &local);
	ends.peer = number_of(from);
	ends.local = number_of(&local);
	ends.peer_port = addr_port(from);
	ends.local_port = addr_port(&local);
	verdict = sys_random(&dice, sizeof(dice)) ? ADMIT_NO_STARTUPS
						  : admission_ask(m->admission, &ends.peer, loop_now(m->loop), dice);
	if (verdict == ADMIT_YES) {
		hand_over(m, w, &ends, fd);
		return;
	}
	sock_close(fd);
	refuse(m, &ends, verdict);
}

static void on_ready(void *user, unsigned ready)
{
	struct master *m = user;
	struct addr from;
	int fd;

	(void)ready;
	for (size_t i = 0; i < m->door_count; i++)
		for (int n = 0; n < ACCEPTS_AT_ONCE && open_for_all(m); n++) {
			enum accept_result r = sock_accept(m->doors[i].fd, &fd, &from);

			if (r == ACCEPT_FULL)
				pause_doors(m);
			if (r != ACCEPT_ONE)
				break;
			accepts_again(m);
			take(m, fd, &from);
		}
	doors_arm(m);
}

/* ---- opening and closing ---- */

static void close_door(struct master *m, struct door *d)
{
	watch_free(d->watch);
	sock_close(d->fd);
	*d = m->doors[--m->door_count];
}

void doors_close(struct master *m)
{
	while (m->door_count)
		close_door(m, &m->doors[m->door_count - 1]);
}

static int add_door(struct master *m, int fd, const struct listen_spec *spec, struct why *why)
{
	struct door *d = &m->doors[m->door_count];
	int err = m->door_count < DOORS_MAX ? OK : ERR_LIMIT;

	if (!err) {
		*d = (struct door){
			.fd = fd, .port = spec->port, .family = spec->family, .wanted = true, .fresh = true
		};
		snprintf(d->host, sizeof(d->host), "%s", spec->host);
		err = watch_new(&d->watch, m->loop, fd, on_ready, m);
	}
	if (err) {
		sock_close(fd);
		return why_set(why, err, "too many addresses to listen on, or no memory");
	}
	m->door_count++;
	return OK;
}

/* Is it what an opening would give? Of a name only with the same family: another one means other addresses. */
static bool is_door(const struct door *d, const struct server_listen *at, int family)
{
	struct ip ip;

	if (d->port != at->port || strcmp(d->host, at->host) != 0)
		return false;
	if (ip_parse(&ip, d->host) != OK)
		return d->family == family;
	return family == AF_UNSPEC || family == (ip.family == 4 ? AF_INET : AF_INET6);
}

/* A name may be behind several. */
static bool keep_doors(struct master *m, const struct server_listen *at, int family)
{
	bool any = false;

	for (size_t i = 0; i < m->door_count; i++)
		if (is_door(&m->doors[i], at, family))
			any = m->doors[i].wanted = true;
	return any;
}

static int open_door(struct master *m, const struct server_listen *at, int family, struct why *why)
{
	const struct listen_spec spec = { .host = at->host, .port = at->port, .family = family };
	int fds[LISTEN_MAX], err = OK;
	size_t n;
	uint16_t port;

	if (keep_doors(m, at, family))
		return OK;
	err = sock_listen(&spec, fds, &n, &port, why);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (err)
			sock_close(fds[i]);
		else
			err = add_door(m, fds[i], &spec, why);
	}
	return err;
}

/* After an opening, or to undo it. */
static void sweep_doors(struct master *m, bool undo)
{
	for (size_t i = m->door_count; i-- > 0;)
		if (undo ? m->doors[i].fresh : !m->doors[i].wanted)
			close_door(m, &m->doors[i]);
}

void doors_undo(struct master *m)
{
	sweep_doors(m, true);
	for (size_t i = 0; i < m->door_count; i++)
		m->doors[i].wanted = true; /* as before the opening */
}

int doors_open(struct master *m, const struct server_conf *conf, struct why *why)
{
	static const int families[] = { [FAMILY_ANY] = AF_UNSPEC, [FAMILY_INET] = AF_INET, [FAMILY_INET6] = AF_INET6 };
	int err = OK;

	for (size_t i = 0; i < m->door_count; i++)
		m->doors[i].wanted = m->doors[i].fresh = false;
	for (size_t i = 0; !err && !m->passed && i < conf->n_listens; i++)
		err = open_door(m, &conf->listens[i], families[conf->family], why);
	if (err)
		doors_undo(m);
	return err;
}

void doors_settle(struct master *m)
{
	if (!m->passed)
		sweep_doors(m, false);
	for (size_t i = 0; i < m->door_count; i++) {
		struct door *d = &m->doors[i];

		if (d->fresh)
			log_line(m->log, LOG_AT_INFO, "Server listening on %s port %u.", d->host, d->port);
		d->fresh = false;
	}
}

void doors_self(const struct master *m, struct self *out)
{
	struct addr a;

	*out = (struct self){ .n = 0 };
	for (size_t i = 0; i < m->door_count; i++) {
		const struct door *d = &m->doors[i];
		struct self_door *to = &out->doors[out->n];

		if (!m->passed && !d->wanted)
			continue; /* it is closed soon, and then somebody else may listen there */
		sock_name(d->fd, &a);
		if (!addr_ip(&a, &to->ip))
			continue;
		to->port = addr_port(&a);
		to->dual = sock_is_dual(d->fd);
		out->n++;
	}
}

int doors_take(struct master *m, struct why *why)
{
	int err = OK;

	for (size_t i = 0; i < m->given_n; i++) {
		struct addr a;
		char host[ADDR_TEXT];
		uint16_t port;

		sock_name(m->given[i].fd, &a);
		addr_text(&a, host, &port);
		if (err)
			sock_close(m->given[i].fd);
		else
			err = add_door(m, m->given[i].fd, &(struct listen_spec){ .host = host, .port = port }, why);
	}
	m->passed = m->passed || m->given_n > 0; /* a reload takes nothing, and keeps them */
	m->given_n = 0;
	return err;
}

void doors_serve_stdin(struct master *m)
{
	struct addr from;

	sock_peer(STDIN_FILENO, &from);
	sock_prepare(STDIN_FILENO);
	take(m, STDIN_FILENO, &from);
}
