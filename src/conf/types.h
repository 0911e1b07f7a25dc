/* What values are made of: the fields of the types in client.def and server.def. Not for what a keyword means. */
#ifndef ADIT_CONF_TYPES_H
#define ADIT_CONF_TYPES_H

#include "conf/fwdspec.h"
#include "conf/strs.h"

struct fwds {
	struct fwdspec *v;
	size_t n;
};

/* Where a value was said. file NULL: nowhere yet. line 0: not in a file ("command-line", "default"). */
struct origin {
	const char *file;
	unsigned line;
};

/* RekeyLimit; 0 = no limit of ours. */
struct rekey_limit {
	uint64_t bytes;
	int seconds;
};

/* IPQoS: the byte for IP_TOS and IPV6_TCLASS; QOS_NONE = leave it alone. A forwarder has only bulk traffic. */
enum { QOS_NONE = -1 };
struct qos {
	int interactive, bulk;
};

/* MaxStartups: from `begin` on `percent` of new connections are dropped, rising to all at `full`. */
struct startups {
	int begin, percent, full;
};

/* PerSourceNetBlockSize: bits of a prefix. */
struct netblock {
	int v4, v6;
};

/* WindowBank, in bytes; connection <= process. */
struct window_bank {
	uint64_t connection, process;
};

/* PerSourcePenalties: seconds, numbers of sources, and what happens beyond those. */
enum penalty {
	PENALTY_OFF, /* 1: no */
	PENALTY_CRASH,
	PENALTY_AUTH_FAIL,
	PENALTY_NO_AUTH,
	PENALTY_GRACE_EXCEEDED,
	PENALTY_REFUSE_CONNECTION,
	PENALTY_INVALID_USER,
	PENALTY_MAX,
	PENALTY_MIN,
	PENALTY_MAX_SOURCES4,
	PENALTY_MAX_SOURCES6,
	PENALTY_OVERFLOW, /* enum penalty_overflow */
	PENALTY_OVERFLOW6,
	PENALTIES
};
enum penalty_overflow { OVERFLOW_PERMISSIVE, OVERFLOW_DENY_ALL };
struct penalties {
	int v[PENALTIES];
	bool said[PENALTIES];
};

enum address_family { FAMILY_ANY, FAMILY_INET, FAMILY_INET6 };
enum log_level {
	LOG_LEVEL_QUIET,
	LOG_LEVEL_FATAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_INFO,
	LOG_LEVEL_VERBOSE,
	LOG_LEVEL_DEBUG1,
	LOG_LEVEL_DEBUG2,
	LOG_LEVEL_DEBUG3
};

/* Our algorithms, all of them, best first: the defaults, and what + - ^ and wildcards work on. */
struct alg_lists {
	const char *kex, *cipher, *mac, *host_sig, *user_sig, *ca_sig;
};

/* Takes one line, without newline. */
typedef void conf_emit(void *user, const char *line);

/* Field of each type. */
#define CONF_FIELD_YESNO(f)	int f;
#define CONF_FIELD_CHOICE(f)	int f; /* an enum of the program */
#define CONF_FIELD_NUMBER(f)	int f;
#define CONF_FIELD_COUNT(f)	int f;
#define CONF_FIELD_PORT(f)	int f;
#define CONF_FIELD_SECONDS(f)	int f; /* -1 = none */
#define CONF_FIELD_MASK(f)	int f;
#define CONF_FIELD_WORD(f)	char *f;
#define CONF_FIELD_LINE(f)	char *f;
#define CONF_FIELD_KEX(f)	char *f;
#define CONF_FIELD_CIPHER(f)	char *f;
#define CONF_FIELD_MAC(f)	char *f;
#define CONF_FIELD_HOST_SIG(f)	char *f;
#define CONF_FIELD_USER_SIG(f)	char *f;
#define CONF_FIELD_CA_SIG(f)	char *f;
#define CONF_FIELD_WORDS(f)	struct strs f;
#define CONF_FIELD_TARGETS(f)	struct strs f;
#define CONF_FIELD_EACH(f)	struct strs f;
#define CONF_FIELD_FORWARD(f)	struct fwds f;
#define CONF_FIELD_REKEY(f)	struct rekey_limit f;
#define CONF_FIELD_QOS(f)	struct qos f;
#define CONF_FIELD_PORTS(f)	struct strs f;
#define CONF_FIELD_LISTEN(f)	struct strs f;
#define CONF_FIELD_LIST(f)	struct strs f;
#define CONF_FIELD_PATHS(f)	struct strs f;
#define CONF_FIELD_PATH(f)	char *f;
#define CONF_FIELD_OPENS(f)	struct strs f; /* empty = any */
#define CONF_FIELD_LISTENS(f)	struct strs f; /* empty = any */
#define CONF_FIELD_DENIES(f)	struct strs f;
#define CONF_FIELD_NETS(f)	struct strs f;
#define CONF_FIELD_TIMEOUTS(f)	struct strs f;
#define CONF_FIELD_METHODS(f)	struct strs f;
#define CONF_FIELD_TIME(f)	int f; /* 0 = off */
#define CONF_FIELD_TIMEOUT(f)	int f; /* 0 = none */
#define CONF_FIELD_LIMIT(f)	int f; /* -1 = none */
#define CONF_FIELD_AUTO(f)	int f; /* 0 = auto */
#define CONF_FIELD_AMOUNT(f)	int f;
#define CONF_FIELD_SINK(f)	char *f;
#define CONF_FIELD_STARTUPS(f)	struct startups f;
#define CONF_FIELD_NETBLOCK(f)	struct netblock f;
#define CONF_FIELD_PENALTIES(f) struct penalties f;
#define CONF_FIELD_BANK(f)	struct window_bank f;
#define CONF_FIELD_HOST(f)
#define CONF_FIELD_MATCH(f)
#define CONF_FIELD_INCLUDE(f)
#define CONF_FIELD_SKIP(f)

#endif
