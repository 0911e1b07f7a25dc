/* The keys that may be offered for a login, in the order in which OpenSSH offers them: certificates, agent keys that
 * were named, other agent keys, key files. Not for the conversation with the server: that is login.c's. */
#ifndef ADIT_APP_IDENTITY_H
#define ADIT_APP_IDENTITY_H

#include "base/buf.h"
#include "conf/client_conf.h"
#include "crypto/pkey.h"

enum { IDENTITIES_MAX = 256 };

/* Who makes the signature, in the order of offering. */
enum identity_rank { RANK_CERTIFICATE, RANK_AGENT_NAMED, RANK_AGENT_OTHER, RANK_FILE, RANK_UNUSABLE };

struct identity {
	struct buf blob;  /* public key or certificate; empty while an encrypted file hides it */
	char *path;	  /* the private key file; NULL = only the agent has the private half */
	struct pkey *key; /* loaded; NULL: encrypted, or in the agent */
	bool in_agent;
	enum identity_rank rank;
	struct identity *owner; /* of a certificate: the identity with the private half; otherwise itself */
	bool tried;
};

/* Zero is a valid empty object. */
struct identities {
	struct identity *id[IDENTITIES_MAX]; /* in order of offering */
	size_t n;
};

/* A warning for a person about a file that cannot be used. */
typedef void identity_warn(void *user, const char *text);

/* Fills the list from the configured files and the agent's list (its message; empty = no agent). OK or ERR_NOMEM. */
int identities_collect(struct identities *ids, const struct client_conf *conf, const struct crypto *crypto,
		       struct span agent_list, identity_warn *warn, void *user) MUST_CHECK;
void identities_fini(struct identities *ids);

/* The algorithm to use: the first of `allowed` (PubkeyAcceptedAlgorithms, comma list) that fits the key and, for RSA,
 * that the server's list has (empty = the server named none: any). NULL: the key cannot be used here. */
const struct sig_alg *identity_alg(const struct identity *id, const char *allowed, struct span server_algs);
/* RSA keys have several algorithms, and only the server's list says which one it takes (RFC 8332 section 3.1). */
bool identity_needs_list(const struct identity *id);

#endif
