/* Two engines and the memory they take: every allocation of a whole connection fails once; moving data allocates
 * nothing, neither in our code nor in libcrypto; who is idle holds no packet memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "../sim/world.h"
#include "alloc.h"
#include "../put.h"

enum { TURNS = 20000, PIPE = 1 << 20, LOT = 100 << 20, BIT = 4 << 20, IDLE_MAX = 64 << 10 };

static struct crypto *crypto;
static struct pkey *host_key, *user_key;

/* ---- libcrypto's allocations, counted with ours while `counted` says so ---- */

void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);

static bool counted;

static void *lib_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return counted ? malloc(n) : __real_malloc(n);
}

static void *lib_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return counted ? realloc(p, n) : __real_realloc(p, n);
}

static void lib_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

/* ---- a connection with one channel ---- */

struct talk {
	struct world *world;
	uint32_t client_chan, server_chan;
	bool opened, asked, refused, replied;
	unsigned closed;
	size_t got[2]; /* bytes that came to the client, to the server */
};

static struct talk *current; /* one at a time */

static void on_data(struct side *s, const struct event *ev)
{
	current->got[s == &s->world->server] += ev->bytes;
	conn_consumed(s->conn, ev->chan, ev->bytes);
}

static void on_event(struct side *s, const struct event *ev)
{
	struct talk *t = current;
	const struct answer yes = { .yes = true, .port = 4711 };

	t->opened |= ev->kind == EV_OPENED;
	t->refused |= ev->kind == EV_REFUSED;
	t->replied |= ev->kind == EV_REPLY;
	t->closed += ev->kind == EV_CLOSED;
	if (ev->kind == EV_DATA)
		on_data(s, ev);
	if (ev->kind == EV_OPEN) {
		t->server_chan = ev->chan;
		t->asked = true;
	}
	if (ev->question)
		conn_answer(s->conn, ev->question, &yes);
}

/* The pipes get their memory at once: they are no part of what is tested. */
static int talk_init(struct talk *t, const struct world_setup *setup)
{
	struct world *w = calloc(1, sizeof(*w));
	int err;

	*t = (struct talk){ .world = w };
	current = t;
	if (!w)
		return ERR_NOMEM;
	err = world_init(w, setup, crypto, host_key, user_key);
	w->client.event = w->server.event = on_event;
	if (!err && (!buf_add(&w->client.out.bytes, PIPE) || !buf_add(&w->server.out.bytes, PIPE)))
		err = ERR_NOMEM;
	buf_clear(&w->client.out.bytes);
	buf_clear(&w->server.out.bytes);
	return err;
}

static void talk_fini(struct talk *t)
{
	if (t->world)
		world_fini(t->world);
	free(t->world);
}

/* Turns until *done, an end, or too long. */
static bool until(struct talk *t, const bool *done)
{
	for (int i = 0; i < TURNS && !*done && !world_over(t->world); i++)
		world_turn(t->world);
	return *done && !world_over(t->world);
}

static bool logged_in(struct talk *t)
{
	return until(t, &t->world->client.logged_in) && until(t, &t->world->server.logged_in);
}

static int open_channel(struct talk *t)
{
	const struct target target = { .kind = TARGET_DIRECT_TCPIP, .host = span_str("localhost"), .port = 80 };

	return conn_open(t->world->client.conn, &target, NULL, &t->client_chan);
}

/* At most n bytes; returns how many were sealed. */
static size_t send_some(struct conn *c, uint32_t chan, size_t n)
{
	struct iovec iov[16];
	size_t areas = conn_lend(c, chan, n, iov, LEN(iov)), sum = 0;

	for (size_t i = 0; i < areas; i++)
		sum += iov[i].iov_len;
	if (areas)
		conn_seal(c, chan, sum);
	return sum;
}

/* ---- every allocation fails once ---- */

enum { CHUNK = 40000 };

static bool exchange_data(struct talk *t)
{
	struct world *w = t->world;
	size_t sent[2] = { 0 };

	for (int i = 0; i < TURNS && !world_over(w); i++) {
		sent[0] += send_some(w->server.conn, t->server_chan, CHUNK - sent[0]);
		sent[1] += send_some(w->client.conn, t->client_chan, CHUNK - sent[1]);
		world_turn(w);
		if (t->got[0] >= CHUNK && t->got[1] >= CHUNK)
			return true;
	}
	return false;
}

static bool renew_keys(struct talk *t)
{
	unsigned before = t->world->rekeys_seen;

	conn_rekey(t->world->client.conn);
	for (int i = 0; i < TURNS && !world_over(t->world) && t->world->rekeys_seen < before + 2; i++)
		world_turn(t->world);
	return t->world->rekeys_seen == before + 2;
}

static bool ask_forward(struct talk *t)
{
	const struct global_request r = { .kind = GLOBAL_TCPIP_FORWARD, .host = span_str("localhost") };
	uint32_t ticket;

	return conn_global(t->world->client.conn, &r, NULL, &ticket) == OK && until(t, &t->replied);
}

static bool close_channel(struct talk *t)
{
	conn_eof(t->world->client.conn, t->client_chan);
	conn_close(t->world->client.conn, t->client_chan);
	for (int i = 0; i < TURNS && !world_over(t->world) && t->closed < 2; i++)
		world_turn(t->world);
	return t->closed == 2;
}

static bool whole_life(struct talk *t)
{
	return logged_in(t) && open_channel(t) == OK && until(t, &t->opened) && exchange_data(t) && renew_keys(t) &&
	       exchange_data(t) && ask_forward(t) && close_channel(t);
}

/* The end that ran out of memory says so, unless it was the callbacks of the test, which cannot sign or verify then;
 * the other end sees the connection go, or waits in vain. */
static void check_end(const struct side *s)
{
	static const int allowed[] = { OK, ERR_NOMEM, ERR_CLOSED, ERR_KEX, ERR_AUTH, ERR_CRYPTO, ERR_TIMEOUT };
	int err = s->conn ? conn_error(s->conn) : OK;

	for (size_t i = 0; i < LEN(allowed); i++)
		if (err == allowed[i])
			return;
	fail_msg("%d: %s", err, conn_error_text(s->conn));
}

static int life(void *setup)
{
	struct talk t;
	int err = talk_init(&t, setup);
	bool well = !err && whole_life(&t);

	if (getenv("ADIT_VERBOSE") && t.world && t.world->client.conn && t.world->server.conn)
		print_message("client %d %s; server %d %s; %s\n", conn_error(t.world->client.conn),
			      conn_error_text(t.world->client.conn), conn_error(t.world->server.conn),
			      conn_error_text(t.world->server.conn), well ? "well" : "not well");
	if (t.world) {
		check_end(&t.world->client);
		check_end(&t.world->server);
	}
	talk_fini(&t);
	return well ? OK : ERR_NOMEM;
}

static const struct world_setup setups[] = {
	{ .seed = 1, .cipher = "aes128-gcm@openssh.com" },
	{ .seed = 2, .cipher = "chacha20-poly1305@openssh.com", .kex = "ecdh-sha2-nistp256" },
	{ .seed = 3, .cipher = "aes256-ctr", .mac = "hmac-sha2-256", .kex = "ecdh-sha2-nistp521" },
};

static void test_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(setups); i++)
		assert_in_range(alloc_torture(life, (void *)(uintptr_t)&setups[i]), 50, 5000);
}

/* What libcrypto loses of its own then is its affair; ours must neither crash nor go on as if nothing had happened. */
static size_t fail_in_libcrypto(const struct world_setup *setup)
{
	size_t n = 0;
	bool failed;

	do {
		counted = true;
		alloc_fail_at(n++);
		life((void *)(uintptr_t)setup);
		failed = alloc_fail_end();
		counted = false;
	} while (failed);
	return n;
}

static void test_failures_in_libcrypto(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(setups); i++) {
		assert_in_range(fail_in_libcrypto(&setups[i]), 300, 100000);
		assert_int_equal(life((void *)(uintptr_t)&setups[i]), OK);
	}
}

/* ---- no allocation per packet ---- */

/* Straight from one engine into the other, as much as it takes. */
static void carry(struct side *from, struct side *to)
{
	struct iovec iov[16];
	size_t n = conn_tx_out(from->conn, iov, LEN(iov)), sum = 0;

	for (size_t i = 0, here; i < n; i++, sum += here) {
		here = put_bytes(to->conn, span(iov[i].iov_base, iov[i].iov_len));
		if (!here)
			break;
	}
	conn_tx_done(from->conn, sum);
}

static void events(struct side *s)
{
	struct event ev;

	while (conn_next(s->conn, &ev) == 1)
		on_event(s, &ev);
}

static void move(struct talk *t, size_t bytes)
{
	struct side *c = &t->world->client, *s = &t->world->server;
	size_t sent[2] = { 0 };

	t->got[0] = t->got[1] = 0;
	while (t->got[0] < bytes || t->got[1] < bytes) {
		sent[0] += send_some(s->conn, t->server_chan, MIN(bytes - sent[0], 1 << 18));
		sent[1] += send_some(c->conn, t->client_chan, MIN(bytes - sent[1], 1 << 18));
		carry(c, s);
		carry(s, c);
		events(c);
		events(s);
		assert_int_equal(conn_error(c->conn), OK);
		assert_int_equal(conn_error(s->conn), OK);
	}
}

static void begin(struct talk *t, const struct world_setup *setup)
{
	assert_int_equal(talk_init(t, setup), OK);
	assert_true(logged_in(t));
	assert_int_equal(open_channel(t), OK);
	assert_true(until(t, &t->opened));
}

static void test_no_allocation_per_packet(void **state)
{
	static const struct {
		struct world_setup setup;
		size_t bytes;
	} rows[] = {
		{ { .cipher = "aes128-gcm@openssh.com" }, LOT },
		{ { .cipher = "aes256-gcm@openssh.com" }, BIT },
		{ { .cipher = "chacha20-poly1305@openssh.com" }, BIT },
		{ { .cipher = "aes128-ctr", .mac = "hmac-sha2-256-etm@openssh.com" }, BIT },
		{ { .cipher = "aes256-ctr", .mac = "hmac-sha2-512" }, BIT },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct talk t;
		size_t before;

		begin(&t, &rows[i].setup);
		move(&t, BIT); /* buffers find their size */
		counted = true;
		before = alloc_count();
		move(&t, rows[i].bytes);
		counted = false;
		assert_int_equal(alloc_count() - before, 0);
		talk_fini(&t);
	}
}

/* ---- idle ---- */

static void check_idle(struct side *s)
{
	struct conn_stats stats;

	events(s);
	conn_stats(s->conn, &stats);
	assert_int_equal(s->pool.lent, 0);
	assert_in_range(stats.memory, 0, IDLE_MAX);
}

static void test_idle(void **state)
{
	const struct world_setup setup = { .seed = 5 };
	struct iovec iov;
	struct talk t;

	(void)state;
	begin(&t, &setup);
	move(&t, BIT);
	carry(&t.world->client, &t.world->server); /* the last window adjusts */
	carry(&t.world->server, &t.world->client);
	check_idle(&t.world->client);
	check_idle(&t.world->server);
	assert_int_equal(conn_lend(t.world->client.conn, t.client_chan, 1000, &iov, 1), 1);
	conn_seal(t.world->client.conn, t.client_chan, 0); /* the local socket had nothing after all */
	check_idle(&t.world->client);
	talk_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_failures_in_libcrypto),
		cmocka_unit_test(test_no_allocation_per_packet),
		cmocka_unit_test(test_idle),
	};
	int failed;

	if (CRYPTO_set_mem_functions(lib_malloc, lib_realloc, lib_free) != 1 || crypto_new(&crypto, NULL) != OK ||
	    pkey_generate(&host_key, crypto, "ssh-ed25519") != OK ||
	    pkey_generate(&user_key, crypto, "ssh-ed25519") != OK)
		return 1;
	failed = cmocka_run_group_tests_name("the engine's memory", tests, NULL, NULL);
	pkey_free(host_key);
	pkey_free(user_key);
	crypto_free(crypto);
	return failed;
}
