/* The input is a binary list of revoked keys; a key, and certificates for it, are looked up in it. */
#include <assert.h>
#include <string.h>

#include "fuzz.h"

#include "../unit/known_hosts_keys.h"
#include "conf/krl.h"
#include "crypto/b64.h"

/* Built at the first call and kept until the end of the process. */
static struct {
	struct crypto *crypto;
	struct buf key, ca;
} fixed;

static void set_up(void)
{
	int err = crypto_new(&fixed.crypto, NULL);

	fixed.key = fixed.ca = BUF(PKEY_BLOB_MAX);
	if (!err)
		err = b64_decode(&fixed.key, span_str(strchr(KEY_A, ' ') + 1));
	if (!err)
		err = b64_decode(&fixed.ca, span_str(strchr(KEY_CA, ' ') + 1));
	assert(!err);
}

static int ask(struct span list, const struct krl_question *q)
{
	struct why why = { "" };
	int err = krl_check(list, q, fixed.crypto, &why);

	assert(err == OK || err == ERR_DENIED || err == ERR_SYNTAX);
	assert(!err == !why.text[0]);
	return err;
}

/* The list with the key behind it: revoked, unless a signature (type 4) stands before it. */
static void try_longer(struct span list, bool useless, const struct krl_question *q)
{
	struct buf longer = BUF(list.n + 1024);
	size_t section;
	int err;

	buf_bytes(&longer, list);
	buf_u8(&longer, 2);
	section = buf_begin(&longer);
	buf_string(&longer, q->key);
	buf_end(&longer, section);
	assert(buf_err(&longer) == OK);
	err = ask(buf_span(&longer), q);
	if (!useless && !memchr(list.p, 4, list.n))
		assert(err == ERR_DENIED);
	buf_fini(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint64_t serials[] = { 0, 1, 40, 1000, UINT64_MAX };
	struct span list = span(data, n);
	struct krl_question q;
	int plain;

	if (!fixed.crypto)
		set_up();
	q = (struct krl_question){ .key = buf_span(&fixed.key) };
	plain = ask(list, &q);
	try_longer(list, plain == ERR_SYNTAX, &q);
	q.ca = buf_span(&fixed.ca);
	q.id = span_str("good");
	for (size_t i = 0; i < LEN(serials); i++) {
		int err;

		q.serial = serials[i];
		err = ask(list, &q);
		/* A list is useless for all or for none, and what revokes the key revokes its certificates. */
		assert((err == ERR_SYNTAX) == (plain == ERR_SYNTAX));
		assert(plain != ERR_DENIED || err == ERR_DENIED);
	}
	return 0;
}
