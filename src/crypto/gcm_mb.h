/* The second back end of AES-GCM, by intel-ipsec-mb: gcm_mb.c where the build found that library, gcm_mb_none.c where
 * it did not. Private to crypto/. */
#ifndef ADIT_CRYPTO_GCM_MB_H
#define ADIT_CRYPTO_GCM_MB_H

#include "base/base.h"

/* What is known about it; zero is "not in this build". */
enum mb_state { MB_NOT_BUILT, MB_READY, MB_NO_CPU, MB_NO_MEMORY, MB_WRONG };

struct mb {
	enum mb_state state;
	const struct cipher_ops *ops; /* AES-GCM; set when it is ready */
	struct IMB_MGR *mgr;	      /* the library's table of functions for this CPU */
	char name[32];		      /* "intel-ipsec-mb 1.3.0" */
};

/* `mb` is zeroed. Sets the state, and the rest when that is MB_READY. Its answers are still to be checked. */
void gcm_mb_start(struct mb *mb);
/* Frees what the library allocated; takes the zeroed object too. No cipher may be left. */
void gcm_mb_stop(struct mb *mb);

#endif
