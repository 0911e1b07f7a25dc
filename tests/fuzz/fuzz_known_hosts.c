/* The input is a known_hosts file; an expected key, a certificate and several names are looked up in it. Its first byte
 * chooses which. */
#include <assert.h>
#include <string.h>

#include "fuzz.h"

#include "../unit/known_hosts_keys.h"
#include "conf/known_hosts.h"
#include "crypto/b64.h"

static const struct kh_host hosts[] = {
	{ "host.example.com", 22, NULL },
	{ "host.example.com", 2222, NULL },
	{ "a", 22, NULL },
	{ "192.0.2.1", 22, "[a]:2222" },
};
static const char *const keys[] = { KEY_A, KEY_E, GOOD_CERT, RSA2_CERT };

/* Built at the first call and kept until the end of the process. */
static struct {
	struct crypto *crypto;
	struct buf blob[LEN(keys)];
} fixed;

static void set_up(void)
{
	int err = crypto_new(&fixed.crypto, NULL);

	for (size_t i = 0; i < LEN(keys) && !err; i++) {
		fixed.blob[i] = BUF(PKEY_BLOB_MAX);
		err = b64_decode(&fixed.blob[i], span_str(strchr(keys[i], ' ') + 1));
	}
	assert(!err);
}

/* A verdict is complete: it names a line exactly when it is about one. */
static void check_verdict(const struct kh_verdict *v)
{
	bool about_a_line = v->status != KH_UNKNOWN;

	assert(v->status >= KH_UNKNOWN && v->status <= KH_CERT_BAD);
	assert(about_a_line == (v->at.line != 0));
	assert(about_a_line == (v->at.type != NULL));
	assert(!v->ignored.line == !v->ignored_reason);
	assert(!v->unreadable);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct kh_rules rules = { 1735689600, "ssh-ed25519,rsa-sha2-512", 1024 };
	struct kh_verdict v;
	unsigned choice = n ? data[0] : 0;
	const struct kh_host *host = &hosts[choice % LEN(hosts)];
	const struct buf *blob = &fixed.blob[choice / LEN(hosts) % LEN(keys)];
	struct span text = n ? span(data + 1, n - 1) : span(data, 0);

	if (!fixed.crypto)
		set_up();
	if (kh_check_memory(&v, "input", text, host, buf_span(blob), fixed.crypto, &rules) != OK)
		assert(!"a good question always has an answer");
	check_verdict(&v);
	return 0;
}
