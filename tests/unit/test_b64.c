/* Base64: what must be refused first, then RFC 4648 section 10 and every length. */
#include "crypto_rig.h"

#include "crypto/b64.h"

static void refuses(void **state)
{
	static const struct {
		const char *name, *text;
		size_t n;
	} rows[] = {
		{ "one digit", "Z", 1 },
		{ "two digits without padding", "Zg", 2 },
		{ "three digits without padding", "Zm8", 3 },
		{ "half of the padding", "Zg=", 3 },
		{ "padding alone", "=", 1 },
		{ "four times padding", "====", 4 },
		{ "too much padding", "Zg===", 5 },
		{ "padding behind a whole group", "Zm9v=", 5 },
		{ "one digit and padding", "Z===", 4 },
		{ "a digit behind the padding", "Zg==Z", 5 },
		{ "a group behind the padding", "Zg==Zm9v", 8 },
		{ "padding in between", "Zg=v", 4 },
		{ "bits left over, two digits", "Zh==", 4 },
		{ "bits left over, three digits", "Zm9=", 4 },
		{ "the URL alphabet, -", "-g==", 4 },
		{ "the URL alphabet, _", "_g==", 4 },
		{ "NUL", "Zm9v\0", 5 },
		{ "NUL inside", "Zm\0v", 4 },
		{ "vertical tab", "Zm\v9v", 5 },
		{ "top bit", "Zm9\xf6", 4 },
		{ "a dash", "Zm9v-", 5 },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf out = BUF(100);

		buf_bytes(&out, span_str("kept"));
		if (b64_decode(&out, span(rows[i].text, rows[i].n)) != ERR_SYNTAX)
			fail_msg("%s", rows[i].name);
		assert_true(span_is(buf_span(&out), "kept"));
		buf_fini(&out);
	}
}

static void refuses_every_foreign_byte(void **state)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ \t\r\n";

	(void)state;
	for (int ch = 0; ch < 256; ch++) {
		const uint8_t text[] = { 'Q', 'U', 'J', 'D', (uint8_t)ch, (uint8_t)ch, (uint8_t)ch, (uint8_t)ch };
		struct buf out = BUF(100);
		bool good = ch && strchr(fine, ch);

		assert_int_equal(b64_decode(&out, span(text, sizeof(text))), good ? OK : ERR_SYNTAX);
		buf_fini(&out);
	}
}

static void stops_at_the_ceiling(void **state)
{
	struct buf out = BUF(4);

	(void)state;
	assert_int_equal(b64_decode(&out, span_str("Zm9vYmFy")), ERR_NOMEM);
	assert_int_equal(out.n, 0);
	buf_clear(&out);
	b64_encode(&out, span_str("foobar"));
	assert_int_equal(buf_err(&out), ERR_NOMEM);
	buf_fini(&out);
}

static void gives_known_answers(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct buf out = BUF(100);

		b64_encode(&out, span_str(rows[i].bytes));
		assert_int_equal(buf_err(&out), OK);
		assert_true(span_is(buf_span(&out), rows[i].text));
		buf_clear(&out);
		assert_int_equal(b64_decode(&out, span_str(rows[i].text)), OK);
		assert_true(span_is(buf_span(&out), rows[i].bytes));
		buf_fini(&out);
	}
}

static void skips_white_space(void **state)
{
	struct buf out = BUF(100);

	(void)state;
	assert_int_equal(b64_decode(&out, span_str(" \r\nZ m\t9v\r\n\nYmE\n=\n")), OK);
	assert_true(span_is(buf_span(&out), "fooba"));
	assert_int_equal(b64_decode(&out, span_str(" \n")), OK);
	assert_int_equal(out.n, 5);
	buf_fini(&out);
}

static void takes_every_length(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(255 - 7 * i);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct buf text = BUF(1000), back = BUF(1000);

		b64_encode(&text, span(bytes, n));
		assert_int_equal(text.n, (n + 2) / 3 * 4);
		assert_int_equal(b64_decode(&back, buf_span(&text)), OK);
		assert_true(span_eq(buf_span(&back), span(bytes, n)));
		buf_fini(&text);
		buf_fini(&back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_every_foreign_byte),
		cmocka_unit_test(stops_at_the_ceiling),
		cmocka_unit_test(gives_known_answers),
		cmocka_unit_test(skips_white_space),
		cmocka_unit_test(takes_every_length),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
