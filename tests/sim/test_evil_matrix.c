/* Every message number in every state and role, in four forms. What must come of it is written down here from the RFCs
 * (4250 section 4.1, 4252 section 6, 4253 sections 7 and 11, 4254) and from OpenSSH's strict key exchange, without a
 * look at the engine's own table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evil.h"

/* The columns have letters. A small one says that the peer does not know strict key exchange. */
struct column {
	char letter;
	const char *name;
	enum evil_state state;
	bool lax;
	enum auth_method try;
};

static const struct column columns[] = {
	{ 'V', "before KEXINIT", AT_VERSION, false, AUTH_PASSWORD },
	{ 'K', "after KEXINIT", AT_KEX, false, AUTH_PASSWORD },
	{ 'k', "after KEXINIT, not strict", AT_KEX, true, AUTH_PASSWORD },
	{ 'N', "before NEWKEYS", AT_NEWKEYS, false, AUTH_PASSWORD },
	{ 'n', "before NEWKEYS, not strict", AT_NEWKEYS, true, AUTH_PASSWORD },
	{ 'S', "waiting for the service", AT_SERVICE, false, AUTH_PASSWORD },
	{ 'A', "logging in with a password", AT_AUTH, false, AUTH_PASSWORD },
	{ 'A', "logging in with nothing", AT_AUTH, false, AUTH_NONE },
	{ 'A', "asking about a key", AT_AUTH, false, AUTH_QUERY },
	{ 'A', "logging in with a key", AT_AUTH, false, AUTH_PUBLICKEY },
	{ 'A', "logging in by questions", AT_AUTH, false, AUTH_KEYBOARD },
	{ 'O', "open", AT_OPEN, false, AUTH_PASSWORD },
	{ 'o', "open, not strict", AT_OPEN, true, AUTH_PASSWORD },
	{ 'W', "our KEXINIT is out", AT_REKEY_SENT, false, AUTH_PASSWORD },
	{ 'R', "new keys, after KEXINIT", AT_REKEY, false, AUTH_PASSWORD },
	{ 'Q', "new keys, before NEWKEYS", AT_REKEY_NEWKEYS, false, AUTH_PASSWORD },
};

/* What must happen. */
enum fate {
	DENIED = 'D',	/* failed, DISCONNECT: protocol error */
	NO_KEX = 'X',	/* failed, DISCONNECT: key exchange failed */
	NO_AUTH = 'P',	/* failed, DISCONNECT: no more authentication methods */
	ENDED = 'E',	/* failed without a word, because the peer said goodbye */
	UNKNOWN = 'U',	/* UNIMPLEMENTED with the packet's number */
	IGNORED = 'I',	/* no word, no event */
	TAKEN = 'T',	/* a handler did something */
	NONSENSE = '-', /* there is no such form */
};

/* The forms of a message; a row says in this order what each leads to. */
enum form { VALID, EMPTY, TRUNCATED, TRAILING, FORMS };

enum { CLIENTS = 1, SERVERS = 2, ALL = 3 };

/* Who may send it, in which columns, and to what end. Several rows may be there for one message. */
struct line {
	uint8_t type;
	unsigned from;
	const char *columns, *fates;
};

static const struct line lines[] = {
	{ MSG_DISCONNECT, ALL, "VKkNnSAOoWRQ", "EEEE" },
	{ MSG_IGNORE, ALL, "VknSAOoWRQ", "IIII" },
	{ MSG_UNIMPLEMENTED, ALL, "Vkn", "XXXX" },
	{ MSG_UNIMPLEMENTED, ALL, "SAOoWRQ", "IDDD" },
	{ MSG_DEBUG, ALL, "VknSAOoWRQ", "TDDD" },
	{ MSG_SERVICE_REQUEST, CLIENTS, "S", "TDDD" },
	{ MSG_SERVICE_ACCEPT, SERVERS, "S", "IIDD" },
	{ MSG_EXT_INFO, CLIENTS, "S", "IDDD" },
	{ MSG_EXT_INFO, SERVERS, "SA", "IDDD" },
	{ MSG_KEXINIT, ALL, "VOoW", "TDDD" },
	{ MSG_NEWKEYS, ALL, "NnQ", "TT-D" },
	{ MSG_KEX_ECDH_INIT, CLIENTS, "KkR", "TDDD" },
	{ MSG_KEX_ECDH_REPLY, SERVERS, "KkR", "TDDD" },
	{ MSG_USERAUTH_REQUEST, CLIENTS, "A", "TDDT" },
	{ MSG_USERAUTH_REQUEST, CLIENTS, "OoW", "IIII" },
	{ MSG_USERAUTH_FAILURE, SERVERS, "A", "TDDD" },
	{ MSG_USERAUTH_SUCCESS, SERVERS, "A", "TT-D" },
	{ MSG_USERAUTH_BANNER, SERVERS, "A", "TDDD" },
	{ MSG_USERAUTH_60, SERVERS, "A", "TDDD" },
	{ MSG_GLOBAL_REQUEST, ALL, "OoW", "TDDT" },
	{ MSG_REQUEST_SUCCESS, ALL, "OoW", "II-I" },
	{ MSG_REQUEST_FAILURE, ALL, "OoW", "II-I" },
	{ MSG_CHANNEL_OPEN, ALL, "OoW", "TDDD" },
	{ MSG_CHANNEL_OPEN_CONFIRMATION, ALL, "OoW", "TDDT" },
	{ MSG_CHANNEL_OPEN_FAILURE, ALL, "OoW", "TDDD" },
	{ MSG_CHANNEL_WINDOW_ADJUST, ALL, "OoW", "IDDD" },
	{ MSG_CHANNEL_DATA, ALL, "OoW", "TDDD" },
	{ MSG_CHANNEL_EXTENDED_DATA, ALL, "OoW", "IDDD" },
	{ MSG_CHANNEL_EOF, ALL, "OoW", "TDDD" },
	{ MSG_CHANNEL_CLOSE, ALL, "OoW", "TDDD" },
	{ MSG_CHANNEL_REQUEST, ALL, "OoW", "TDDT" },
	{ MSG_CHANNEL_SUCCESS, ALL, "OoW", "IDDD" },
	{ MSG_CHANNEL_FAILURE, ALL, "OoW", "IDDD" },
	{ MSG_PING, CLIENTS, "OoW", "TDDD" },
};

/* Message 60 means what the pending method makes of it; and a key that was only asked about lets nobody in. */
static enum fate by_method(uint8_t type, enum auth_method try, enum fate otherwise)
{
	if (type == MSG_USERAUTH_60 && try == AUTH_PASSWORD)
		return NO_AUTH;
	if (type == MSG_USERAUTH_60 && try != AUTH_QUERY && try != AUTH_KEYBOARD)
		return DENIED;
	if (type == MSG_USERAUTH_SUCCESS && try == AUTH_QUERY)
		return DENIED;
	return otherwise;
}

/* Is the number somebody's, in whatever state? */
static bool assigned(uint8_t type, unsigned from)
{
	if (type == MSG_PING) /* only servers announce it */
		return from == CLIENTS;
	for (size_t i = 0; i < LEN(lines); i++)
		if (lines[i].type == type)
			return true;
	return false;
}

/* Numbers that no line has. RFC 4250 section 4.1.2: 30 to 49 mean something only to a key exchange that runs, 60 to 79
 * only to a method of the login that runs. */
static enum fate stray(uint8_t type, unsigned from, const struct column *c)
{
	if (type == 0 || assigned(type, from) || strchr("VKkNnRQ", c->letter))
		return DENIED;
	if (type >= 30 && type <= 49)
		return DENIED;
	if (type >= 60 && type <= 79 && strchr("SA", c->letter))
		return DENIED;
	if (type >= 80 && strchr("SA", c->letter)) /* RFC 4252 section 6 */
		return DENIED;
	return UNKNOWN;
}

static enum fate expected(uint8_t type, enum form form, unsigned from, const struct column *c, bool *by_state)
{
	*by_state = true;
	for (size_t i = 0; i < LEN(lines); i++) {
		const struct line *l = &lines[i];

		if (l->type != type || !(l->from & from) || !strchr(l->columns, c->letter))
			continue;
		*by_state = false;
		return by_method(type, c->try, (enum fate)l->fates[form]);
	}
	return stray(type, from, c);
}

/* ---- the messages ---- */

/* The peer's channels: ours with number 0 and its number 70 is open; ours with number 1 waits for its answer. */
enum { OPEN_ID = 0, OPENING_ID = 1, PEER_ID = 70 };

static void put_60(struct buf *out, enum auth_method try)
{
	if (try == AUTH_QUERY)
		evil_build(out, "bsS", MSG_USERAUTH_60, "ssh-ed25519", pkey_blob(evil_user_key));
	else
		evil_build(out, "bsssusb", MSG_USERAUTH_60, "name", "what to do", "", 1u, "Code:", 1);
}

static void put_reply(struct evil *e, struct buf *out)
{
	struct kex *k = &e->peer->kex;
	struct buf sig = BUF(PKEY_SIG_MAX);

	if (e->next == AT_KEX + 1 || e->next == AT_REKEY + 1) {
		assert_int_equal(pkey_sign(evil_host_key, evil_crypto, k->suite.host_key, buf_span(&k->hash), &sig),
				 OK);
		evil_build(out, "rS", buf_span(&k->reply), buf_span(&sig));
	} else {
		evil_build(out, "bsss", MSG_KEX_ECDH_REPLY, "key", "share", "signature");
	}
	buf_fini(&sig);
}

static void put_init(struct evil *e, struct buf *out)
{
	struct kex *k = &e->peer->kex;

	if (e->peer->role == ROLE_SERVER) { /* its share must not be lost */
		evil_build(out, "bs", MSG_KEX_ECDH_INIT, "share");
		return;
	}
	kex_key_free(k->key);
	buf_clear(&k->share);
	assert_int_equal(kex_begin(kex_table(), evil_crypto, &e->peer->rng, &k->key, &k->share), OK);
	evil_build(out, "bS", MSG_KEX_ECDH_INIT, buf_span(&k->share));
}

static void put_valid(struct evil *e, uint8_t type, struct buf *out)
{
	static const struct {
		uint8_t type;
		const char *format;
		const char *s[3];
	} texts[] = {
		{ MSG_IGNORE, "bs", { "noise" } },
		{ MSG_SERVICE_REQUEST, "bs", { "ssh-userauth" } },
		{ MSG_SERVICE_ACCEPT, "bs", { "ssh-userauth" } },
		{ MSG_USERAUTH_REQUEST, "bsss", { "miner", "ssh-connection", "none" } },
		{ MSG_USERAUTH_BANNER, "bss", { "go away", "" } },
		{ MSG_PING, "bs", { "ping" } },
	};

	for (size_t i = 0; i < LEN(texts); i++)
		if (texts[i].type == type)
			evil_build(out, texts[i].format, type, texts[i].s[0], texts[i].s[1], texts[i].s[2]);
	if (out->n)
		return;
	if (type == MSG_DISCONNECT)
		evil_build(out, "buss", type, 11u, "bye", "");
	else if (type == MSG_UNIMPLEMENTED)
		evil_build(out, "bu", type, 3u);
	else if (type == MSG_DEBUG)
		evil_build(out, "bbss", type, 1, "look", "");
	else if (type == MSG_EXT_INFO)
		evil_build(out, "bussss", type, 2u, "server-sig-algs", "ssh-ed25519", "unheard@of", "");
	else if (type == MSG_KEXINIT)
		evil_offer_payload(e, NULL, out);
	else if (type == MSG_KEX_ECDH_INIT)
		put_init(e, out);
	else if (type == MSG_KEX_ECDH_REPLY)
		put_reply(e, out);
	else if (type == MSG_USERAUTH_FAILURE)
		evil_build(out, "bsb", type, "publickey", 0);
	else if (type == MSG_USERAUTH_60)
		put_60(out, e->setup.try);
	else if (type == MSG_GLOBAL_REQUEST)
		evil_build(out, "bsb", type, "unheard@of", 1);
	else if (type == MSG_CHANNEL_OPEN)
		evil_put_open(e, out, 71, 1000, 1000);
	else if (type == MSG_CHANNEL_OPEN_CONFIRMATION)
		evil_build(out, "buuuu", type, OPENING_ID, 72u, 1000u, 1000u);
	else if (type == MSG_CHANNEL_OPEN_FAILURE)
		evil_build(out, "buuss", type, OPENING_ID, 2u, "refused", "");
	else if (type == MSG_CHANNEL_WINDOW_ADJUST)
		evil_build(out, "buu", type, OPEN_ID, 1000u);
	else if (type == MSG_CHANNEL_DATA)
		evil_build(out, "bus", type, OPEN_ID, "data");
	else if (type == MSG_CHANNEL_EXTENDED_DATA)
		evil_build(out, "buus", type, OPEN_ID, 1u, "data");
	else if (type == MSG_CHANNEL_REQUEST)
		evil_build(out, "busb", type, OPEN_ID, "unheard@of", 1);
	else if (type >= MSG_CHANNEL_EOF && type <= MSG_CHANNEL_FAILURE)
		evil_build(out, "bu", type, OPEN_ID);
	else
		evil_build(out, "b", type);
}

static bool put_form(struct evil *e, uint8_t type, enum form form, struct buf *out)
{
	buf_clear(out);
	if (form == EMPTY) {
		buf_u8(out, type);
		return true;
	}
	put_valid(e, type, out);
	if (form == TRUNCATED && out->n == 1)
		return false;
	if (form == TRUNCATED)
		out->n--;
	if (form == TRAILING)
		buf_u8(out, 0);
	return true;
}

/* ---- the run ---- */

static unsigned events_seen(const struct evil *e)
{
	unsigned sum = 0;

	for (size_t i = 0; i < LEN(e->events); i++)
		sum += e->events[i];
	return sum;
}

static void start(struct evil *e, const struct column *c, enum role role)
{
	struct evil_setup setup = { .role = role, .lax = c->lax, .try = c->try };

	evil_init(e, &setup);
	if (c->state >= AT_OPEN) {
		evil_reach(e, AT_OPEN);
		assert_int_equal(evil_open(e, PEER_ID, 1000, 1000), OPEN_ID);
		assert_int_equal(evil_opening(e), OPENING_ID);
	}
	evil_reach(e, c->state);
}

static int code_of(enum fate f, uint8_t *reason)
{
	static const struct {
		enum fate fate;
		int err;
		uint8_t reason;
	} codes[] = {
		{ DENIED, ERR_PROTO, DISC_PROTOCOL_ERROR },
		{ NO_KEX, ERR_KEX, DISC_KEX_FAILED },
		{ NO_AUTH, ERR_AUTH, DISC_NO_MORE_AUTH_METHODS },
		{ ENDED, ERR_CLOSED, 0 },
	};

	for (size_t i = 0; i < LEN(codes); i++) {
		if (codes[i].fate != f)
			continue;
		*reason = codes[i].reason;
		return codes[i].err;
	}
	return OK;
}

/* What we answer to a KEXINIT, or sent with our own, before we look into it. */
static size_t own_kexinit(const struct evil *e)
{
	return evil_count(e, MSG_KEXINIT) + (e->setup.role == ROLE_CLIENT ? evil_count(e, MSG_KEX_ECDH_INIT) : 0);
}

static bool unimplemented(const struct evil *e, uint32_t seq, const struct column *c)
{
	struct span s = evil_said(e, MSG_UNIMPLEMENTED, 0);

	if (c->letter == 'W') /* the answer waits for the new keys */
		return evil_count(e, 0) == 0 && e->us->tx.reply_count > 0;
	return evil_count(e, 0) == 1 && s.n == 5 && get_u32(s.p + 1) == seq;
}

static bool as_expected(struct evil *e, enum fate f, uint32_t seq, const struct column *c)
{
	struct span d = evil_said(e, MSG_DISCONNECT, 0);
	uint8_t reason = 0;
	int err = code_of(f, &reason);

	if (e->us->err != err || (d.n ? get_u32(d.p + 1) : 0) != reason)
		return false;
	if (err)
		return evil_count(e, 0) - own_kexinit(e) == !!reason && events_seen(e) == 0;
	if (f == UNKNOWN)
		return unimplemented(e, seq, c) && events_seen(e) == 0;
	if (f == IGNORED)
		return evil_count(e, 0) == 0 && events_seen(e) == 0;
	return evil_count(e, 0) || events_seen(e) || strchr("VW", c->letter);
}

/* A message that was refused because of the state has changed nothing: the next one can have its turn here too. */
static void revive(struct evil *e)
{
	e->us->err = OK;
	free(e->us->why);
	e->us->why = NULL;
	e->us->rx.packets = 0;
	e->us->tx.reply_count = e->us->tx.replies = 0;
}

static unsigned try(struct evil *e, const struct column *c, enum role role, uint8_t type, enum form form)
{
	static const uint8_t debug[10] = { MSG_DEBUG };
	unsigned from = role == ROLE_CLIENT ? SERVERS : CLIENTS;
	uint32_t seq = e->peer->tx.seq;
	struct buf out = BUF(1 << 20);
	unsigned wrong = 0;
	uint8_t reason;
	bool by_state;
	enum fate f = expected(type, form, from, c, &by_state);

	evil_mark(e);
	if (!put_form(e, type, form, &out) || f == NONSENSE) {
		buf_fini(&out);
		return 0;
	}
	evil_queue(e, buf_span(&out));
	if (!by_state && code_of(f, &reason)) /* nothing is handled after a failure, also not what came with it */
		evil_queue(e, span(debug, sizeof(debug)));
	evil_run(e);
	buf_fini(&out);
	if (!as_expected(e, f, seq, c)) {
		print_error("%s, form %d of message %u: not %c, but %d \"%s\", %zu messages, %u events\n", c->name,
			    form, type, f, e->us->err, conn_error_text(e->us), evil_count(e, 0), events_seen(e));
		wrong++;
	}
	if (c->letter == 'V') { /* KEXINIT must be the first packet */
		evil_fini(e);
		start(e, c, role);
		return wrong;
	}
	if (!wrong && by_state && (f == DENIED || f == UNKNOWN)) {
		revive(e);
		return 0;
	}
	if (f == IGNORED && !wrong && !strchr("SA", c->letter))
		return 0;
	evil_fini(e);
	start(e, c, role);
	return wrong;
}

struct job {
	const struct column *column;
	enum role role;
};

static void test_column(void **state)
{
	const struct job *j = *state;
	struct evil e;
	unsigned wrong = 0;

	start(&e, j->column, j->role);
	for (unsigned type = 0; type < 256; type++)
		for (enum form f = VALID; f < FORMS; f++)
			wrong += try(&e, j->column, j->role, (uint8_t)type, f);
	evil_fini(&e);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	struct CMUnitTest tests[2 * LEN(columns)];
	static struct job jobs[2 * LEN(columns)];
	static char names[2 * LEN(columns)][80];
	int failed;

	for (size_t i = 0; i < LEN(tests); i++) {
		const struct column *c = &columns[i / 2];

		jobs[i] = (struct job){ c, i % 2 ? ROLE_SERVER : ROLE_CLIENT };
		snprintf(names[i], sizeof(names[i]), "%s: %s", i % 2 ? "server" : "client", c->name);
		tests[i] = (struct CMUnitTest){ names[i], test_column, NULL, NULL, &jobs[i] };
	}
	if (evil_begin())
		return 1;
	failed = cmocka_run_group_tests_name("messages and states", tests, NULL, NULL);
	evil_end();
	return failed;
}
