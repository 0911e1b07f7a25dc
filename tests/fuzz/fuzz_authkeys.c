/* An authorized_keys file in which a key and a CA are looked up. Options that were read stand within their limits, and
 * the same words are read again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#include "../unit/known_hosts_keys.h"
#include "conf/authkeys.h"
#include "conf/permit.h"
#include "crypto/b64.h"

static const struct key_login who = { "alice", { 4, { 10, 0, 0, 1 } }, 1735689600 };

static void check_options(const struct key_options *o)
{
	assert(o->line > 0);
	assert(o->permit_open.n <= POLICY_WORDS_MAX && o->permit_listen.n <= POLICY_WORDS_MAX);
	for (size_t i = 0; i < o->permit_open.n; i++)
		assert(permit_open_word_check(o->permit_open.v[i], NULL) == OK);
	for (size_t i = 0; i < o->permit_listen.n; i++)
		assert(permit_listen_word_check(o->permit_listen.v[i], NULL) == OK);
}

/* Every line that has the key. */
static void walk(struct span text, struct span blob, enum authkeys_kind kind)
{
	struct authkeys a;
	struct key_options o;
	struct why why;
	int got = authkeys_open(&a, "input", text, blob, kind);

	assert(got == OK);
	while ((got = authkeys_next(&a, &o, &why)) != 0) {
		assert(got == 1 || got == ERR_SYNTAX);
		if (got != 1)
			continue;
		assert(o.cert_authority == (kind == AUTHKEYS_CA));
		check_options(&o);
		key_options_fini(&o);
	}
	authkeys_close(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf key = BUF(4096), ca = BUF(4096);
	struct span text = span(data, n);
	struct key_options o = { 0 };
	int err = b64_decode(&key, span_str(strchr(KEY_A, ' ')));

	if (!err)
		err = b64_decode(&ca, span_str(strchr(KEY_CA, ' ')));
	assert(!err);
	walk(text, buf_span(&key), AUTHKEYS_PLAIN);
	walk(text, buf_span(&ca), AUTHKEYS_CA);
	err = authkeys_find(&o, "input", text, buf_span(&key), &who, NULL);
	assert(err == OK || err == ERR_NOT_FOUND || err == ERR_DENIED);
	assert(err != OK || key_options_allow(&o, &who, NULL) == OK);
	key_options_fini(&o);
	if (key_options_parse(&o, text, NULL) == OK) /* as options alone, too */
		key_options_fini(&o);
	buf_fini(&key);
	buf_fini(&ca);
	return 0;
}
