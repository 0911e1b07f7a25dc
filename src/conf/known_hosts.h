/* Which host keys are trusted: the known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT); RevokedHostKeys is
 * revoked.c's. It only gives verdicts; what StrictHostKeyChecking makes of them, and every prompt, is the caller's. */
#ifndef ADIT_CONF_KNOWN_HOSTS_H
#define ADIT_CONF_KNOWN_HOSTS_H

#include "crypto/pkey.h"

enum { KH_NAME_MAX = 1100, KH_SALT = 20, KH_TYPES_MAX = 16 };

/* Who is called. Upper and lower case are the same. */
struct kh_host {
	const char *host; /* as the person typed it, without brackets: a name or an address */
	uint16_t port;
	const char *alias; /* HostKeyAlias: used instead of host and port when not NULL */
};

/* The name under which the host is entered: "host", "[host]:port" when the port is not 22, or the alias; in lower case.
 * OK or ERR_SYNTAX when it is empty or does not fit. */
int kh_name(char name[KH_NAME_MAX], const struct kh_host *h) MUST_CHECK;

/* A line in a file. */
struct kh_place {
	const char *file;   /* the caller's string */
	unsigned long line; /* from 1; 0 = there is none */
	const char *type; /* type of the key there ("ssh-ed25519"), static; NULL when the line has none that is known */
};

/* What a certificate has to satisfy beyond its CA's line. */
struct kh_rules {
	uint64_t now;		 /* seconds since 1970 */
	const char *ca_sig_algs; /* CASignatureAlgorithms, comma list; NULL = all that can be checked */
	unsigned rsa_min_bits;	 /* RequiredRSASize, for the CA's key */
};

enum kh_status {
	KH_UNKNOWN,  /* no line says anything about this host */
	KH_OK,	     /* a line has this key */
	KH_CERT_OK,  /* it is a certificate of a CA that is trusted for this host, and everything in it is in order */
	KH_CHANGED,  /* there are lines for this host, none with this key */
	KH_REVOKED,  /* a @revoked line has this key, or the CA of this certificate */
	KH_CERT_BAD, /* the CA is trusted, the certificate is not in order, and its plain key is not known */
};

struct kh_verdict {
	enum kh_status status;
	struct kh_place at; /* the line that decided: the match, the revocation, the CA or, when changed, the old key */
	bool without_port;  /* matched a line for the host on port 22, while the port is another */
	bool by_pattern;    /* some line that speaks of the host has a wildcard or is a CA's: what is known of it is
			     * kept by hand */
	struct why why;	    /* KH_CHANGED, KH_REVOKED, KH_CERT_BAD: what is wrong, where, what to do; KH_OK and
			     * KH_UNKNOWN: why the certificate around the key was not used, or empty */
	struct kh_place ignored;    /* the first line that could not be understood, to warn about */
	const char *ignored_reason; /* static */
	/* The first file that is there but cannot be read, and errno. Revocations and old keys in it are not seen: do
	 * not accept an unknown key silently then. */
	const char *unreadable;
	int unreadable_errno;
};

/* Looks the key (or certificate) up in all files; a missing file is empty. A match anywhere is enough, a revocation
 * anywhere beats it. Without an alias and on a port other than 22, lines for the bare host count when there is none
 * for [host]:port, as OpenSSH does.
 * OK (then look at v->status), ERR_SYNTAX for a blob or a host name that is none, ERR_CRYPTO, ERR_NOMEM. */
int kh_check(struct kh_verdict *v, const char *const *files, size_t n, const struct kh_host *h, struct span blob,
	     const struct crypto *c, const struct kh_rules *rules) MUST_CHECK;

/* The same over one file in memory, named `file` in the verdict. */
int kh_check_memory(struct kh_verdict *v, const char *file, struct span content, const struct kh_host *h,
		    struct span blob, const struct crypto *c, const struct kh_rules *rules) MUST_CHECK;

/* The key types that the files have for a host, so that they can be asked for first. */
struct kh_types {
	const char *type[KH_TYPES_MAX]; /* plain types ("ssh-ed25519"), static, each once, in the order of the lines */
	size_t n;
	bool ca; /* a @cert-authority line matches: ask for certificates first */
};

/* OK, ERR_SYNTAX for a bad host name, ERR_CRYPTO, ERR_NOMEM. Files that cannot be read count as empty. */
int kh_types(struct kh_types *t, const char *const *files, size_t n, const struct kh_host *h,
	     const struct crypto *c) MUST_CHECK;

/* How kh_append() writes the name. */
enum kh_form { KH_CLEAR, KH_HASHED };

/* Appends one line for the host with the key (of a certificate: its plain key). Makes the file (0600) and its directory
 * (0700) when missing; completes a last line without LF. `salt` is fresh random bytes, only used when hashed.
 * OK; ERR_SYNTAX for a name that cannot stand in the file; ERR_IO, with the file as it was; ERR_CRYPTO; ERR_NOMEM.
 * The process must ignore SIGXFSZ if its files are limited. */
int kh_append(const char *path, const struct kh_host *h, struct span blob, enum kh_form form,
	      const uint8_t salt[KH_SALT], const struct crypto *c, struct why *why) MUST_CHECK;

#endif
