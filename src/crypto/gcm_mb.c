/* AES-GCM as gcm.c does it, by intel-ipsec-mb: one call takes IV, associated data, data and tag, with the vector forms
 * of AES and of the carry-less multiplication. On CPUs that lack them libcrypto is as fast, and this is not used. */
#include <intel-ipsec-mb.h>
#include <stdio.h>

#include "crypto/cipher_impl.h"

enum { KEY_BOUNDARY = 64 }; /* of struct gcm_key_data: the library's header says it only where LINUX is defined */

struct gcm_mb {
	struct cipher base;
	uint8_t iv[GCM_IV]; /* of the next packet */
	aes_gcm_enc_dec_t pass;
	struct gcm_context_data ctx;
	struct gcm_key_data *key; /* in `room`, on its boundary: calloc() promises only 16 bytes */
	uint8_t room[sizeof(struct gcm_key_data) + KEY_BOUNDARY];
};

static struct gcm_mb *gcm_mb(struct cipher *c)
{
	return CONTAINER(c, struct gcm_mb, base);
}

static int gcm_mb_init(struct cipher *c, const struct cipher_setup *s)
{
	const IMB_MGR *mgr = s->crypto->mb.mgr;
	struct gcm_mb *g = gcm_mb(c);

	g->key = (void *)(g->room + (-(uintptr_t)g->room & (KEY_BOUNDARY - 1)));
	memcpy(g->iv, s->iv, GCM_IV);
	if (s->alg->key_len == 32) {
		g->pass = s->seals ? mgr->gcm256_enc : mgr->gcm256_dec;
		mgr->gcm256_pre(s->key, g->key);
	} else {
		g->pass = s->seals ? mgr->gcm128_enc : mgr->gcm128_dec;
		mgr->gcm128_pre(s->key, g->key);
	}
	return OK;
}

/* The keys lie in the object, which cipher_free() wipes. */
static void gcm_mb_fini(struct cipher *c)
{
	gcm_mb(c)->key = NULL;
}

static int gcm_mb_seal(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct gcm_mb *g = gcm_mb(c);

	(void)seq;
	g->pass(g->key, &g->ctx, pkt + 4, pkt + 4, len - 4, g->iv, pkt, 4, pkt + len, AEAD_TAG);
	gcm_next_iv(g->iv);
	return OK;
}

/* One pass decrypts and computes the tag that would have been right. When it is another one, nobody may see either. */
static int gcm_mb_open(struct cipher *c, uint32_t seq, uint8_t *pkt, size_t len)
{
	struct gcm_mb *g = gcm_mb(c);
	uint8_t tag[AEAD_TAG];

	(void)seq;
	g->pass(g->key, &g->ctx, pkt + 4, pkt + 4, len - 4, g->iv, pkt, 4, tag, AEAD_TAG);
	if (!secret_eq(tag, pkt + len, AEAD_TAG)) {
		wipe(tag, sizeof(tag));
		wipe(pkt + 4, len - 4);
		return ERR_MAC;
	}
	gcm_next_iv(g->iv);
	return OK;
}

static const struct cipher_ops gcm_mb_ops = { sizeof(struct gcm_mb), gcm_mb_init, gcm_mb_fini,
					      gcm_mb_seal,	     gcm_length,  gcm_mb_open };

/* The library asks the CPU; whether the system keeps the wide registers it does not ask, the compiler's test does. */
static bool cpu_can(const IMB_MGR *mgr)
{
	return __builtin_cpu_supports("avx512f") && (mgr->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
}

/* The library tests itself when it is made ready. */
static enum mb_state ready(IMB_MGR *mgr)
{
	if (!cpu_can(mgr))
		return MB_NO_CPU;
	init_mb_mgr_avx512(mgr);
	return imb_get_errno(mgr) ? MB_WRONG : MB_READY;
}

void gcm_mb_start(struct mb *mb)
{
	mb->mgr = alloc_mb_mgr(0);
	mb->state = mb->mgr ? ready(mb->mgr) : MB_NO_MEMORY;
	if (mb->state != MB_READY) {
		gcm_mb_stop(mb);
		return;
	}
	mb->ops = &gcm_mb_ops;
	snprintf(mb->name, sizeof(mb->name), "intel-ipsec-mb %s", imb_get_version_str());
}

void gcm_mb_stop(struct mb *mb)
{
	if (mb->mgr)
		free_mb_mgr(mb->mgr);
	mb->mgr = NULL;
}
