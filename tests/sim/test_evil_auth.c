/* Logging in with a hostile peer (RFC 4252, RFC 4256, RFC 8308). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "evil.h"

#define DENIED	ERR_PROTO, DISC_PROTOCOL_ERROR
#define NOTE(b) BYTES(b), NULL
#define PLAY(f) { 0 }, f
#define REFUSES                 \
	{                       \
		.login = SAY_NO \
	}
#define ASKS                         \
	{                            \
		.login = SAY_NOTHING \
	}
#define TRY(m)           \
	{                \
		.try = m \
	}

/* ---- what a client does to our server ---- */

static void request(struct evil *e, const char *user, const char *method)
{
	evil_say(e, "bsss", MSG_USERAUTH_REQUEST, user, "ssh-connection", method);
}

static void long_user(struct evil *e, size_t n)
{
	char user[300];

	memset(user, 'u', n);
	user[n] = 0;
	request(e, user, "none");
}

static void user_255(struct evil *e)
{
	long_user(e, 255);
	assert_int_equal(e->last.login_user.n, 255);
}

static void user_256(struct evil *e)
{
	long_user(e, 256);
}

static void long_method(struct evil *e, size_t n)
{
	char method[10001];

	memset(method, 'm', n);
	method[n] = 0;
	request(e, "miner", method);
}

static void method_64(struct evil *e)
{
	long_method(e, 64);
}

static void method_65(struct evil *e)
{
	long_method(e, 65);
}

static void method_10k(struct evil *e)
{
	long_method(e, 10000);
}

static void nul_behind_the_method(struct evil *e)
{
	evil_say(e, "bssS", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", span((const uint8_t *)"publickey", 10));
	assert_int_equal(e->last.method.n, 10); /* it is not "publickey" */
	assert_null(e->last.blob.p);
}

static void user_changes(struct evil *e)
{
	request(e, "miner", "none");
	request(e, "minor", "none");
}

static void service_changes(struct evil *e)
{
	request(e, "miner", "none");
	evil_say(e, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-userauth", "none");
}

static void format_as_user(struct evil *e)
{
	request(e, "../%s%n$(id)\xff", "none");
}

static void password_of(struct evil *e, size_t n)
{
	struct buf password = BUF(1 << 16);

	memset(buf_add(&password, n), 'p', n);
	evil_say(e, "bsssbS", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "password", 0, buf_span(&password));
	buf_fini(&password);
}

static void password_1024(struct evil *e)
{
	password_of(e, 1024);
	assert_int_equal(e->last.password.n, 1024);
}

static void password_1025(struct evil *e)
{
	password_of(e, 1025);
}

static void password_32k(struct evil *e)
{
	password_of(e, 32000);
}

static void password_change(struct evil *e)
{
	evil_say(e, "bsssbss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "password", 1, "old", "new");
	assert_int_equal(e->last.password.n, 0);
	assert_int_not_equal(e->last.method.n, strlen("password"));
}

static void password_change_cut(struct evil *e)
{
	evil_say(e, "bsssbs", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "password", 1, "old");
}

static void key_request(struct evil *e, const char *alg, const char *blob)
{
	evil_say(e, "bsssbss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 0, alg, blob);
	assert_int_equal(e->events[EV_LOGIN], 1);
	assert_int_equal(e->last.blob.n, strlen(blob));
}

static void key_unknown_algorithm(struct evil *e)
{
	key_request(e, "ssh-frob", "blob");
	assert_null(e->last.alg);
}

static void key_empty(struct evil *e)
{
	key_request(e, "ssh-ed25519", "");
}

static void key_cut(struct evil *e)
{
	evil_say(e, "bsssb", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 0);
}

static void key_without_signature(struct evil *e)
{
	evil_say(e, "bsssbss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 1, "ssh-ed25519", "blob");
}

static void key_with_more(struct evil *e)
{
	evil_say(e, "bsssbsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 0, "ssh-ed25519", "blob",
		 "signature that was not announced");
}

/* What the application gets to verify is the session's identifier and the request as it came. */
static void key_with_signature(struct evil *e)
{
	struct buf want = BUF(10000), body = BUF(10000);
	struct answer grant = { .verdict = LOGIN_GRANT };

	evil_build(&body, "bsssbsS", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 2, "ssh-ed25519",
		   pkey_blob(evil_user_key));
	evil_build(&want, "Sr", conn_session_id(e->us), buf_span(&body));
	evil_say(e, "rs", buf_span(&body), "sig");
	assert_true(e->last.has_sig);
	assert_true(span_eq(buf_span(&e->text), buf_span(&want)));
	assert_int_equal(conn_answer(e->us, e->question, &grant), OK);
	evil_run(e);
	buf_fini(&want);
	buf_fini(&body);
}

/* A question about one key, then another key: the answer names the one that was asked about. */
static void keys_in_turn(struct evil *e)
{
	struct answer good = { .verdict = LOGIN_KEY_OK };
	struct rd in;

	evil_say(e, "bsssbsS", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 0, "ssh-ed25519",
		 pkey_blob(evil_user_key));
	conn_answer(e->us, e->question, &good);
	evil_say(e, "bsssbsS", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "publickey", 0, "ssh-ed25519",
		 pkey_blob(evil_other_key));
	conn_answer(e->us, e->question, &good);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_USERAUTH_60), 2);
	in = rd(evil_said(e, MSG_USERAUTH_60, 1));
	rd_u8(&in);
	assert_true(span_is(rd_string(&in), "ssh-ed25519"));
	assert_true(span_eq(rd_string(&in), pkey_blob(evil_other_key)));
}

static void requests(struct evil *e, int n)
{
	for (int i = 0; i < n; i++)
		request(e, "miner", "none");
}

static void requests_127(struct evil *e)
{
	requests(e, 127);
}

static void requests_128(struct evil *e)
{
	requests(e, 128);
	assert_int_equal(evil_count(e, MSG_USERAUTH_FAILURE), 128);
}

static void requests_129(struct evil *e)
{
	requests(e, 129);
}

/* What comes behind the request waits for the answer to it. */
static void open_behind(struct evil *e)
{
	struct buf out = BUF(1000);

	evil_queue(e, evil_build(&out, "bsss", MSG_USERAUTH_REQUEST, "miner", "ssh-connection", "none"));
	evil_put_open(e, &out, 1, 1000, 1000);
	evil_queue(e, buf_span(&out));
	evil_run(e);
	assert_int_equal(e->events[EV_OPEN], 0);
	assert_int_equal(evil_count(e, 0), 0);
	buf_fini(&out);
}

static void open_behind_a_good_one(struct evil *e)
{
	open_behind(e);
	evil_answer(e, true);
	evil_run(e);
	assert_int_equal(e->events[EV_OPEN], 1);
	assert_int_equal(evil_said(e, 0, 0).p[0], MSG_USERAUTH_SUCCESS);
	assert_int_equal(evil_said(e, 0, 1).p[0], MSG_GLOBAL_REQUEST); /* hostkeys-00@openssh.com */
	assert_int_equal(evil_said(e, 0, 2).p[0], MSG_CHANNEL_OPEN_CONFIRMATION);
	assert_int_equal(evil_count(e, MSG_USERAUTH_SUCCESS), 1);
}

static void open_behind_a_bad_one(struct evil *e)
{
	open_behind(e);
	evil_answer(e, false);
	evil_run(e);
	assert_int_equal(e->events[EV_OPEN], 0);
}

static void success_once(struct evil *e)
{
	for (int i = 0; i < 100; i++)
		request(e, i % 2 ? "miner" : "root", "none");
	assert_int_equal(e->events[EV_LOGIN], 0);
}

/* ---- what a server does to our client ---- */

static void banners(struct evil *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		evil_say(e, "bss", MSG_USERAUTH_BANNER, "\x1b]52;c;ZXZpbA==\a", "en");
	if (n <= BANNERS_MAX)
		assert_int_equal(e->events[EV_BANNER], n);
}

static void banners_9(struct evil *e)
{
	banners(e, 9);
}

static void banners_10(struct evil *e)
{
	banners(e, 10);
}

static void banners_11(struct evil *e)
{
	banners(e, 11);
}

static void big_banner(struct evil *e)
{
	struct buf text = BUF(1 << 20);

	memset(buf_add(&text, 250000), 'b', 250000);
	evil_say(e, "bSs", MSG_USERAUTH_BANNER, buf_span(&text), "");
	assert_int_equal(e->text.n, 250000);
	buf_fini(&text);
}

static void pk_ok(struct evil *e)
{
	evil_say(e, "bsS", MSG_USERAUTH_60, "ssh-ed25519", pkey_blob(evil_user_key));
}

static void pk_ok_once(struct evil *e)
{
	pk_ok(e);
	assert_int_equal(evil_count(e, MSG_USERAUTH_REQUEST), 1);
	evil_say(e, "b", MSG_USERAUTH_SUCCESS);
	assert_int_equal(e->events[EV_LOGGED_IN], 1);
}

static void pk_ok_twice(struct evil *e)
{
	pk_ok(e);
	pk_ok(e);
	assert_int_equal(e->events[EV_SIGN], 1);
}

static void pk_ok_other_key(struct evil *e)
{
	evil_say(e, "bsS", MSG_USERAUTH_60, "ssh-ed25519", pkey_blob(evil_other_key));
}

static void pk_ok_other_algorithm(struct evil *e)
{
	evil_say(e, "bsS", MSG_USERAUTH_60, "rsa-sha2-256", pkey_blob(evil_user_key));
}

static void questions(struct evil *e, uint32_t claimed, uint32_t there)
{
	struct buf out = BUF(1 << 16);

	buf_u8(&out, MSG_USERAUTH_60);
	buf_cstring(&out, "name");
	buf_cstring(&out, "what to do");
	buf_cstring(&out, "");
	buf_u32(&out, claimed);
	for (uint32_t i = 0; i < there; i++) {
		buf_cstring(&out, "Code:");
		buf_u8(&out, 1);
	}
	evil_send(e, buf_span(&out));
	buf_fini(&out);
}

static void questions_0(struct evil *e)
{
	questions(e, 0, 0);
	assert_int_equal(get_u32(evil_said(e, MSG_USERAUTH_INFO_RESPONSE, 0).p + 1), 0);
}

static void questions_31(struct evil *e)
{
	questions(e, 31, 31);
}

static void questions_32(struct evil *e)
{
	questions(e, 32, 32);
	assert_int_equal(get_u32(evil_said(e, MSG_USERAUTH_INFO_RESPONSE, 0).p + 1), 32);
}

static void questions_33(struct evil *e)
{
	questions(e, 33, 33);
}

static void questions_4g(struct evil *e)
{
	questions(e, UINT32_MAX, 32);
}

static void questions_missing(struct evil *e)
{
	questions(e, 3, 2);
}

static void questions_left_over(struct evil *e)
{
	questions(e, 2, 3);
}

static void questions_for_ever(struct evil *e)
{
	for (int i = 0; i <= PREAUTH_PACKETS_MAX && !conn_error(e->us); i++)
		questions(e, 1, 1);
}

static void failures_for_ever(struct evil *e)
{
	for (int i = 0; i <= PREAUTH_PACKETS_MAX && !conn_error(e->us); i++)
		evil_say(e, "bsb", MSG_USERAUTH_FAILURE, "password", 1);
}

static void methods_of(struct evil *e, size_t n)
{
	struct buf list = BUF(1 << 16);

	memset(buf_add(&list, n), 'm', n);
	evil_say(e, "bSb", MSG_USERAUTH_FAILURE, buf_span(&list), 0);
	buf_fini(&list);
}

static void methods_8192(struct evil *e)
{
	methods_of(e, 8192);
	assert_int_equal(e->events[EV_AUTH_FAILED], 1);
}

static void methods_8193(struct evil *e)
{
	methods_of(e, 8193);
}

static void give_up(struct evil *e)
{
	e->setup.try = AUTH_GIVE_UP;
	evil_say(e, "bsb", MSG_USERAUTH_FAILURE, "password", 0);
	assert_string_equal(conn_error_text(e->us), "nothing is left to try");
}

static void accept_twice(struct evil *e)
{
	evil_say(e, "bs", MSG_SERVICE_ACCEPT, "ssh-userauth");
}

static void success_at_once(struct evil *e)
{
	evil_say(e, "b", MSG_USERAUTH_SUCCESS);
}

static void success_twice(struct evil *e)
{
	evil_say(e, "b", MSG_USERAUTH_SUCCESS);
	evil_say(e, "b", MSG_USERAUTH_SUCCESS);
}

static void open_before_success(struct evil *e)
{
	evil_open(e, 1, 1000, 1000);
}

/* Nothing that could log us in leaves before the host key was accepted. */
static void nothing_before_the_host_key(struct evil *e)
{
	assert_int_equal(e->last.kind, EV_HOST_KEY);
	evil_say(e, "bs", MSG_SERVICE_ACCEPT, "ssh-userauth");
	assert_int_equal(evil_count(e, 0), 0);
	evil_answer(e, false);
	evil_run(e);
	assert_int_equal(evil_count(e, MSG_USERAUTH_REQUEST), 0);
	assert_int_equal(evil_count(e, MSG_SERVICE_REQUEST), 0);
}

static const struct evil_row rows[] = {
	{ "login without the service", OURS_SERVER, AT_SERVICE,
	  NOTE("\x32\0\0\0\1u\0\0\0\x0essh-connection\0\0\0\4none"), DENIED },
	{ "ssh-connection first", OURS_SERVER, AT_SERVICE, NOTE("\5\0\0\0\x0essh-connection"), ERR_NOT_FOUND,
	  DISC_SERVICE_NOT_AVAILABLE },
	{ "unknown service", OURS_SERVER, AT_SERVICE, NOTE("\5\0\0\0\x0dssh-userauth\0"), ERR_NOT_FOUND,
	  DISC_SERVICE_NOT_AVAILABLE },
	{ "service twice", OURS_SERVER, AT_AUTH, NOTE("\5\0\0\0\x0cssh-userauth"), DENIED },
	{ "another service in a login request", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1u\0\0\0\4sftp\0\0\0\4none"),
	  DENIED },
	{ "user with NUL", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1\0\0\0\0\x0essh-connection\0\0\0\4none"), DENIED },
	{ "user with LF", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1\n\0\0\0\x0essh-connection\0\0\0\4none"), DENIED },
	{ "user with ESC", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1\x1b\0\0\0\x0essh-connection\0\0\0\4none"), DENIED },
	{ "user with DEL", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1\x7f\0\0\0\x0essh-connection\0\0\0\4none"), DENIED },
	{ "user of 255", OURS_SERVER, AT_AUTH, PLAY(user_255), OK, 0, MSG_USERAUTH_FAILURE, REFUSES },
	{ "user of 256", OURS_SERVER, AT_AUTH, PLAY(user_256), DENIED },
	{ "no user", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\0\0\0\0\x0essh-connection\0\0\0\4none"), OK, 0,
	  MSG_USERAUTH_FAILURE, REFUSES },
	{ "user that is a path and a format", OURS_SERVER, AT_AUTH, PLAY(format_as_user), OK, 0, MSG_USERAUTH_FAILURE,
	  REFUSES },
	{ "user changes", OURS_SERVER, AT_AUTH, PLAY(user_changes), DENIED, 0, REFUSES },
	{ "service changes", OURS_SERVER, AT_AUTH, PLAY(service_changes), DENIED, 0, REFUSES },
	{ "no method", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1u\0\0\0\x0essh-connection\0\0\0\0"), OK, 0,
	  MSG_USERAUTH_FAILURE, REFUSES },
	{ "method NUL", OURS_SERVER, AT_AUTH, NOTE("\x32\0\0\0\1u\0\0\0\x0essh-connection\0\0\0\1\0"), OK, 0,
	  MSG_USERAUTH_FAILURE, REFUSES },
	{ "publickey with NUL", OURS_SERVER, AT_AUTH, PLAY(nul_behind_the_method), OK, 0, MSG_USERAUTH_FAILURE,
	  REFUSES },
	{ "method of 64", OURS_SERVER, AT_AUTH, PLAY(method_64), OK, 0, MSG_USERAUTH_FAILURE, REFUSES },
	{ "method of 65", OURS_SERVER, AT_AUTH, PLAY(method_65), DENIED },
	{ "method of 10 000", OURS_SERVER, AT_AUTH, PLAY(method_10k), DENIED },
	{ "password of 1024", OURS_SERVER, AT_AUTH, PLAY(password_1024), OK, 0, MSG_USERAUTH_FAILURE, REFUSES },
	{ "password of 1025", OURS_SERVER, AT_AUTH, PLAY(password_1025), DENIED },
	{ "password of 32 000", OURS_SERVER, AT_AUTH, PLAY(password_32k), DENIED },
	{ "password change", OURS_SERVER, AT_AUTH, PLAY(password_change), OK, 0, MSG_USERAUTH_FAILURE, REFUSES },
	{ "password change without a new one", OURS_SERVER, AT_AUTH, PLAY(password_change_cut), DENIED },
	{ "key of an unknown algorithm", OURS_SERVER, AT_AUTH, PLAY(key_unknown_algorithm), OK, 0, MSG_USERAUTH_FAILURE,
	  REFUSES },
	{ "empty key", OURS_SERVER, AT_AUTH, PLAY(key_empty), OK, 0, MSG_USERAUTH_FAILURE, REFUSES },
	{ "key request cut short", OURS_SERVER, AT_AUTH, PLAY(key_cut), DENIED },
	{ "signature announced and missing", OURS_SERVER, AT_AUTH, PLAY(key_without_signature), DENIED },
	{ "signature not announced", OURS_SERVER, AT_AUTH, PLAY(key_with_more), DENIED },
	{ "what a signature covers", OURS_SERVER, AT_AUTH, PLAY(key_with_signature), OK, 0, SAYS_ANYTHING, ASKS },
	{ "two keys in turn", OURS_SERVER, AT_AUTH, PLAY(keys_in_turn), OK, 0, SAYS_ANYTHING, ASKS },
	{ "127 requests", OURS_SERVER, AT_AUTH, PLAY(requests_127), OK, 0, SAYS_ANYTHING, REFUSES },
	{ "128 requests", OURS_SERVER, AT_AUTH, PLAY(requests_128), OK, 0, SAYS_ANYTHING, REFUSES },
	{ "129 requests", OURS_SERVER, AT_AUTH, PLAY(requests_129), ERR_LIMIT, DISC_PROTOCOL_ERROR, 0, REFUSES },
	{ "a channel behind a login that is granted", OURS_SERVER, AT_AUTH, PLAY(open_behind_a_good_one), OK, 0,
	  SAYS_ANYTHING, ASKS },
	{ "a channel behind a login that is refused", OURS_SERVER, AT_AUTH, PLAY(open_behind_a_bad_one), DENIED, 0,
	  ASKS },
	{ "login again and again", OURS_SERVER, AT_OPEN, PLAY(success_once), OK, 0, SAYS_NOTHING },

	{ "service of another name", OURS_CLIENT, AT_SERVICE, NOTE("\6\0\0\0\x0essh-connection"), DENIED },
	{ "service accepted twice", OURS_CLIENT, AT_AUTH, PLAY(accept_twice), DENIED },
	{ "banner before the service", OURS_CLIENT, AT_SERVICE, NOTE("\x35\0\0\0\1b\0\0\0\0"), DENIED },
	{ "failure before the service", OURS_CLIENT, AT_SERVICE, NOTE("\x33\0\0\0\1m\0"), DENIED },
	{ "success before the service", OURS_CLIENT, AT_SERVICE, PLAY(success_at_once), DENIED },
	{ "question before the service", OURS_CLIENT, AT_SERVICE, PLAY(questions_31), DENIED, 0, TRY(AUTH_KEYBOARD) },
	{ "key accepted before the service", OURS_CLIENT, AT_SERVICE, PLAY(pk_ok), DENIED, 0, TRY(AUTH_QUERY) },
	{ "success for a mere question", OURS_CLIENT, AT_AUTH, PLAY(success_at_once), DENIED, 0, TRY(AUTH_QUERY) },
	{ "success twice", OURS_CLIENT, AT_AUTH, PLAY(success_twice), DENIED },
	{ "channel before success", OURS_CLIENT, AT_AUTH, PLAY(open_before_success), DENIED },
	{ "9 banners", OURS_CLIENT, AT_AUTH, PLAY(banners_9), OK, 0, SAYS_NOTHING },
	{ "10 banners", OURS_CLIENT, AT_AUTH, PLAY(banners_10), OK, 0, SAYS_NOTHING },
	{ "11 banners", OURS_CLIENT, AT_AUTH, PLAY(banners_11), DENIED },
	{ "banner of 250 000", OURS_CLIENT, AT_AUTH, PLAY(big_banner), OK, 0, SAYS_NOTHING },
	{ "key accepted", OURS_CLIENT, AT_AUTH, PLAY(pk_ok_once), OK, 0, MSG_USERAUTH_REQUEST, TRY(AUTH_QUERY) },
	{ "key accepted twice", OURS_CLIENT, AT_AUTH, PLAY(pk_ok_twice), DENIED, 0, TRY(AUTH_QUERY) },
	{ "key accepted that was not offered", OURS_CLIENT, AT_AUTH, PLAY(pk_ok_other_key), DENIED, 0,
	  TRY(AUTH_QUERY) },
	{ "key accepted for another algorithm", OURS_CLIENT, AT_AUTH, PLAY(pk_ok_other_algorithm), DENIED, 0,
	  TRY(AUTH_QUERY) },
	{ "key accepted that was signed with", OURS_CLIENT, AT_AUTH, PLAY(pk_ok), DENIED, 0, TRY(AUTH_PUBLICKEY) },
	{ "question after none", OURS_CLIENT, AT_AUTH, PLAY(questions_31), DENIED, 0, TRY(AUTH_NONE) },
	{ "wants the password changed", OURS_CLIENT, AT_AUTH, NOTE("\x3c\0\0\0\1p\0\0\0\0"), ERR_AUTH,
	  DISC_NO_MORE_AUTH_METHODS },
	{ "no questions", OURS_CLIENT, AT_AUTH, PLAY(questions_0), OK, 0, MSG_USERAUTH_INFO_RESPONSE,
	  TRY(AUTH_KEYBOARD) },
	{ "31 questions", OURS_CLIENT, AT_AUTH, PLAY(questions_31), OK, 0, MSG_USERAUTH_INFO_RESPONSE,
	  TRY(AUTH_KEYBOARD) },
	{ "32 questions", OURS_CLIENT, AT_AUTH, PLAY(questions_32), OK, 0, MSG_USERAUTH_INFO_RESPONSE,
	  TRY(AUTH_KEYBOARD) },
	{ "33 questions", OURS_CLIENT, AT_AUTH, PLAY(questions_33), DENIED, 0, TRY(AUTH_KEYBOARD) },
	{ "2^32-1 questions", OURS_CLIENT, AT_AUTH, PLAY(questions_4g), DENIED, 0, TRY(AUTH_KEYBOARD) },
	{ "a question is missing", OURS_CLIENT, AT_AUTH, PLAY(questions_missing), DENIED, 0, TRY(AUTH_KEYBOARD) },
	{ "a question too many", OURS_CLIENT, AT_AUTH, PLAY(questions_left_over), DENIED, 0, TRY(AUTH_KEYBOARD) },
	{ "questions for ever", OURS_CLIENT, AT_AUTH, PLAY(questions_for_ever), ERR_LIMIT, DISC_PROTOCOL_ERROR, 0,
	  TRY(AUTH_KEYBOARD) },
	{ "failures for ever", OURS_CLIENT, AT_AUTH, PLAY(failures_for_ever), ERR_LIMIT, DISC_PROTOCOL_ERROR },
	{ "list of methods of 8192", OURS_CLIENT, AT_AUTH, PLAY(methods_8192), OK, 0, MSG_USERAUTH_REQUEST },
	{ "list of methods of 8193", OURS_CLIENT, AT_AUTH, PLAY(methods_8193), DENIED },
	{ "nothing left to try", OURS_CLIENT, AT_AUTH, PLAY(give_up), ERR_AUTH, DISC_NO_MORE_AUTH_METHODS },
	{ "nothing before the host key is accepted",
	  OURS_CLIENT,
	  AT_NEWKEYS,
	  PLAY(nothing_before_the_host_key),
	  ERR_HOST_KEY,
	  DISC_HOST_KEY_NOT_VERIFIABLE,
	  0,
	  { .host_key = SAY_NOTHING } },
};

int main(void)
{
	int failed = evil_begin() || evil_rows("login", rows, LEN(rows));

	evil_end();
	return failed;
}
