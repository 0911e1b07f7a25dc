/* Which back end does AES-GCM. Not for doing it: that is gcm.c and gcm_mb.c. */
#include "crypto/cipher_impl.h"

static const char *const lacks[] = {
	[MB_NOT_BUILT] = "this build has no intel-ipsec-mb",
	[MB_READY] = NULL,
	[MB_NO_CPU] = "this CPU lacks VAES, VPCLMULQDQ or what else intel-ipsec-mb wants of AVX-512",
	[MB_NO_MEMORY] = "there was no memory for intel-ipsec-mb",
	[MB_WRONG] = "intel-ipsec-mb gave a wrong answer to a known question",
};

static enum mb_state checked(const struct crypto *c)
{
	int err = c->mb.state == MB_READY ? gcm_answers(c, c->mb.ops) : OK;

	if (!err)
		return c->mb.state;
	return err == ERR_NOMEM ? MB_NO_MEMORY : MB_WRONG;
}

void backend_start(struct crypto *c)
{
	gcm_mb_start(&c->mb);
	c->mb.state = checked(c);
	c->gcm_by = c->mb.state == MB_READY ? c->mb.ops : &gcm_ops;
}

int crypto_backend_set(struct crypto *c, enum crypto_backend backend, struct why *why)
{
	bool ready = c->mb.state == MB_READY;

	if (backend == CRYPTO_IPSEC_MB && !ready)
		return why_set(why, ERR_NOT_FOUND, "CryptoBackend ipsec-mb is not to be had: %s", crypto_mb_lack(c));
	c->gcm_by = ready && backend != CRYPTO_OPENSSL ? c->mb.ops : &gcm_ops;
	return OK;
}

const char *crypto_gcm_by(const struct crypto *c)
{
	return c->gcm_by == &gcm_ops ? "libcrypto" : c->mb.name;
}

const char *crypto_mb_lack(const struct crypto *c)
{
	return lacks[c->mb.state];
}

bool crypto_mb_wrong(const struct crypto *c)
{
	return c->mb.state == MB_WRONG;
}
