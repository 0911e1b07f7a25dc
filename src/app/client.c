/* One run from connecting to the end. Every callback may end it through client_fail(); the loop then stops when the
 * link has let go of its sockets. */
#include "app/client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/sys.h"

enum { RETRY_MS = 1000, SPARE_CHUNKS = 8 };

static const char software[] = "adit_0.1";

/* LogLevel and the levels of the log are the same list. */
static_assert((int)LOG_LEVEL_DEBUG3 == (int)LOG_AT_DEBUG3 && (int)LOG_LEVEL_INFO == (int)LOG_AT_INFO, "log levels");

/* ---- the end ---- */

static void stop(struct client *c)
{
	c->stopping = true;
	if (c->link && link_alive(c->link))
		link_disconnect(c->link, "disconnected by user");
	else if (!c->link)
		loop_stop(c->loop);
}

void client_fail(struct client *c, const char *fmt, ...)
{
	char text[WHY_MAX];
	va_list ap;

	if (c->stopping)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_line(c->log, LOG_AT_ERROR, "%s", text);
	c->exit_code = CMD_EXIT_FAILURE;
	stop(c);
}

static void on_signal(void *user, int signo)
{
	struct client *c = user;

	log_line(c->log, LOG_AT_VERBOSE, "Killed by signal %d.", signo);
	c->exit_code = CMD_EXIT_FAILURE;
	stop(c);
}

static void on_failed(void *user, int err, const char *text)
{
	struct client *c = user;

	if (c->stopping)
		return;
	if (err == ERR_AUTH)
		client_fail(c, "%s", text);
	else if (!c->logged_in)
		client_fail(c, "%s port %d: %s", c->conf->host, c->conf->port, text);
	else
		client_fail(c, "Connection to %s lost: %s", c->conf->host_arg, text);
}

static void on_done(void *user)
{
	struct client *c = user;

	loop_stop(c->loop);
}

/* ---- notes of the engine ---- */

static void on_ident(struct client *c, const struct event *ev)
{
	char text[300];

	log_line(c->log, LOG_AT_DEBUG1, "Remote software version: %s", str_escape(text, sizeof(text), ev->text));
}

/* The words are ssh's, because people search for them. */
static void on_negotiated(struct client *c, const struct event *ev)
{
	struct negotiated n;

	(void)ev;
	conn_negotiated(link_conn(c->link), &n);
	log_line(c->log, LOG_AT_DEBUG1, "kex: algorithm: %s", n.kex);
	log_line(c->log, LOG_AT_DEBUG1, "kex: host key algorithm: %s", n.host_key);
	log_line(c->log, LOG_AT_DEBUG1, "kex: server->client cipher: %s MAC: <%s> compression: none", n.cipher_in,
		 n.mac_in);
	log_line(c->log, LOG_AT_DEBUG1, "kex: client->server cipher: %s MAC: <%s> compression: none", n.cipher_out,
		 n.mac_out);
	log_line(c->log, LOG_AT_DEBUG1, "kex: strict: %s, key exchanges after the first: %u", n.strict ? "yes" : "no",
		 n.rekeys);
}

static void on_logged_in(struct client *c, const struct event *ev)
{
	char address[ADDR_TEXT];
	uint16_t port;

	(void)ev;
	addr_text(&c->peer, address, &port);
	log_line(c->log, LOG_AT_VERBOSE, "Authenticated to %s ([%s]:%u).", c->conf->host_arg, address, port);
	c->logged_in = true;
	login_fini(&c->login);
	tunnels_start(c);
}

static void on_debug(struct client *c, const struct event *ev)
{
	char text[512];

	log_line(c->log, LOG_AT_DEBUG1, "Remote: %s", str_escape(text, sizeof(text), ev->text));
}

/* A server asks for a channel that no forward waits for. */
static void on_open(struct client *c, const struct event *ev)
{
	struct answer no = { .reason = OPEN_PROHIBITED, .data = span_str("open failed") };

	conn_answer(link_conn(c->link), ev->question, &no);
}

static void on_event(void *user, const struct event *ev)
{
	static void (*const handlers[])(struct client *, const struct event *) = {
		[EV_IDENT] = on_ident,	      [EV_NEGOTIATED] = on_negotiated, [EV_BANNER] = login_event,
		[EV_DEBUG] = on_debug,	      [EV_AUTH_FAILED] = login_event,  [EV_LOGGED_IN] = on_logged_in,
		[EV_HOST_KEYS] = learn_event, [EV_HOST_KEY] = hostkey_decide,  [EV_AUTH] = login_event,
		[EV_SIGN] = login_event,      [EV_PROMPT] = login_event,       [EV_OPEN] = on_open,
	};
	struct client *c = user;

	if ((size_t)ev->kind < LEN(handlers) && handlers[ev->kind] && !c->stopping)
		handlers[ev->kind](c, ev);
}

/* ---- connecting ---- */

static int make_conn(struct client *c, struct conn **out, struct why *why)
{
	const struct client_conf *conf = c->conf;
	struct buf host_key = BUF(64 * 1024);
	struct conn_setup setup = {
		.role = ROLE_CLIENT,
		.crypto = c->crypto,
		.pool = &c->pool,
		.now_ms = loop_now(c->loop),
		.software = software,
		.user = conf->user_name,
		.algs = { .kex = conf->kex, .cipher = conf->ciphers, .mac = conf->macs },
		.rekey_bytes = conf->rekey.bytes,
		.rekey_ms = (uint64_t)conf->rekey.seconds * 1000,
		.alive_ms = conf->alive_seconds > 0 ? (uint32_t)conf->alive_seconds * 1000 : 0,
		.alive_max = (uint32_t)conf->alive_max,
		.ident_ms = conf->connect_seconds > 0 ? (uint32_t)conf->connect_seconds * 1000 : 0,
		.rsa_min_bits = (unsigned)conf->required_rsa_bits,
	};
	int err = sys_random(setup.seed, sizeof(setup.seed));

	if (err)
		return why_set(why, err, "the system gives no random bytes");
	err = hostkey_algorithms(c, &host_key, why);
	if (!err) {
		setup.algs.host_key = (const char *)host_key.p;
		err = conn_new(out, &setup);
		why_set(why, err, "cannot start SSH: %s", err_name(err));
	}
	wipe(setup.seed, sizeof(setup.seed));
	buf_fini(&host_key);
	return err;
}

static void start_link(struct client *c, int fd)
{
	static const struct link_calls calls = { .event = on_event, .failed = on_failed, .done = on_done };
	struct conn *conn;
	struct why why = { "" };

	sock_keepalive(fd, c->conf->tcp_keepalive);
	if (c->conf->qos.bulk != QOS_NONE)
		sock_tos(fd, c->conf->qos.bulk);
	if (make_conn(c, &conn, &why) != OK) {
		sock_close(fd);
		client_fail(c, "%s", why.text);
	} else if (link_new(&c->link, c->loop, fd, conn, &calls, c) != OK) {
		client_fail(c, "no memory for the connection");
	}
}

static void on_dialled(void *user, int fd, const struct addr *peer, const struct why *why)
{
	struct client *c = user;
	char address[ADDR_TEXT];
	uint16_t port;

	c->dial = NULL;
	if (fd >= 0) {
		c->peer = *peer;
		addr_text(peer, address, &port);
		log_line(c->log, LOG_AT_DEBUG1, "Connected to %s [%s] port %u.", c->conf->host, address, port);
		start_link(c, fd);
	} else if (++c->attempts < c->conf->connection_attempts) {
		log_line(c->log, LOG_AT_VERBOSE, "connect to host %s port %d: %s; trying again", c->conf->host,
			 c->conf->port, why->text);
		timer_at(c->retry, loop_now(c->loop) + RETRY_MS);
	} else if (fd == ERR_NOT_FOUND) {
		client_fail(c, "Could not resolve hostname %s: %s", c->conf->host, why->text);
	} else {
		client_fail(c, "connect to host %s port %d: %s", c->conf->host, c->conf->port, why->text);
	}
}

static void dial(void *user)
{
	static const int families[] = { AF_UNSPEC, AF_INET, AF_INET6 };
	struct client *c = user;
	const struct client_conf *conf = c->conf;
	struct dial_spec spec = {
		.host = conf->host,
		.port = (uint16_t)conf->port,
		.family = families[conf->family],
		.timeout_ms = conf->connect_seconds > 0 ? (uint64_t)conf->connect_seconds * 1000 : 0,
		.bind_host = conf->bind_address,
		.bind_if = conf->bind_interface,
	};

	log_line(c->log, LOG_AT_DEBUG1, "Connecting to %s port %d.", conf->host, conf->port);
	if (dial_new(&c->dial, c->loop, &spec, on_dialled, c) != OK)
		client_fail(c, "no memory to connect");
}

/* ---- the run ---- */

enum { SIGNALS = 3 };

static int start_signals(struct client *c, struct sigwatch *watches[SIGNALS])
{
	static const int signals[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
	int err = OK;

	for (size_t i = 0; i < SIGNALS && !err; i++)
		err = sigwatch_new(&watches[i], c->loop, signals[i], on_signal, c);
	return err;
}

int client_run(struct client *c)
{
	struct sigwatch *watches[SIGNALS] = { NULL };
	struct why why = { "" };
	int err = loop_new(&c->loop, &why);

	if (err) {
		log_line(c->log, LOG_AT_ERROR, "%s", why.text);
		return CMD_EXIT_FAILURE;
	}
	login_init(&c->login);
	learn_init(&c->learn);
	err = pool_init(&c->pool, SPARE_CHUNKS);
	if (!err)
		err = start_signals(c, watches);
	if (!err)
		err = timer_new(&c->retry, c->loop, dial, c);
	if (err)
		client_fail(c, "cannot start: %s", err_name(err));
	else
		dial(c);
	if (!c->stopping || c->link)
		loop_run(c->loop);
	dial_cancel(c->dial);
	forwards_free(c->forwards);
	learn_fini(&c->learn);
	link_free(c->link);
	login_fini(&c->login);
	timer_free(c->retry);
	for (size_t i = 0; i < SIGNALS; i++)
		sigwatch_free(watches[i]);
	pool_fini(&c->pool);
	loop_free(c->loop);
	return c->exit_code;
}
