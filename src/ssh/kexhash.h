/* The exchange hash and the keys that come out of it (RFC 4253 sections 7.2 and 8, RFC 5656 section 4). */
#ifndef ADIT_SSH_KEXHASH_H
#define ADIT_SSH_KEXHASH_H

#include "ssh/engine.h"
#include "ssh/exchange.h"

/* What goes into the hash, as it stands in the connection. Spans are valid while the exchange runs. */
void kexhash_inputs(const struct conn *c, struct span host_key, struct span server_share, struct exchange *x);

/* Client: K from our ephemeral key and the server's blob, then H. Needs kex.share, fills kex.secret and kex.hash. */
int kexhash_client(struct conn *c, struct span host_key, struct span server_blob) MUST_CHECK;
/* Server: our blob and K from the client's blob, then H; kex.share keeps it, kex.reply becomes KEX_ECDH_REPLY up to the
 * signature. */
int kexhash_server(struct conn *c, struct span host_key, struct span client_blob) MUST_CHECK;
/* A cipher with the new keys for what we send or what we receive. */
int kexhash_keys(struct conn *c, enum cipher_dir dir, struct cipher **out) MUST_CHECK;

#endif
