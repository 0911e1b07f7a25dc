/* The types of client.def and server.def: text to value and back. Knows neither files nor precedence. */
#ifndef ADIT_CONF_VALUE_H
#define ADIT_CONF_VALUE_H

#include "base/buf.h"
#include "conf/types.h"

enum value_type {
	T_YESNO,
	T_CHOICE,
	T_NUMBER,  /* 0 .. INT_MAX */
	T_COUNT,   /* 1 .. INT_MAX */
	T_PORT,	   /* 1 .. 65535 */
	T_SECONDS, /* 90, 1h30m, none */
	T_MASK,	   /* octal, 0 .. 0777 */
	T_WORD,
	T_LINE, /* all that stands there, as it stands */
	T_KEX,
	T_CIPHER,
	T_MAC,
	T_HOST_SIG,
	T_USER_SIG,
	T_CA_SIG,
	T_WORDS,   /* several words, one value */
	T_TARGETS, /* several host:port, or any, or none */
	T_EACH,	   /* one word; every line adds one */
	T_FORWARD,
	T_REKEY,
	T_QOS,
	/* Of the server: */
	T_PORTS,     /* one port; every line adds one */
	T_LISTEN,    /* one address, perhaps with a port; every line adds one */
	T_LIST,	     /* several words; every line adds to them */
	T_PATHS,     /* several paths with tokens */
	T_PATH,	     /* one, or none */
	T_OPENS,     /* PermitOpen */
	T_LISTENS,   /* PermitListen */
	T_DENIES,    /* DenyOpen */
	T_NETS,	     /* addresses, ranges and patterns, separated by commas, or none */
	T_TIMEOUTS,  /* several type=time, or none */
	T_METHODS,   /* AuthenticationMethods */
	T_TIME,	     /* as T_SECONDS, but never none */
	T_TIMEOUT,   /* as T_SECONDS, none = 0 */
	T_LIMIT,     /* 1 .. INT_MAX, or none */
	T_AUTO,	     /* 1 .. 1024, or auto */
	T_AMOUNT,    /* 1 .. POLICY_COUNT_MAX */
	T_SINK,	     /* an absolute path, syslog, stderr or none */
	T_STARTUPS,  /* 10:30:100, or 10 */
	T_NETBLOCK,  /* 32:128, or 32 */
	T_PENALTIES, /* several cause:number, or yes, or no; every line adds what was not said */
	T_BANK,	     /* one or two sizes */
	T_SKIP,	     /* read over, only that it was there is kept */
	T_HOST,	     /* the three that steer the parser */
	T_MATCH,
	T_INCLUDE
};

/* A name and its number; ends with NULL. The first name of a number is the one that -G prints. */
struct choice {
	const char *name;
	int value;
};

extern const struct choice choices_yesno[], choices_family[], choices_log_level[], choices_crypto_backend[];

/* One keyword. */
struct option {
	const char *name;
	enum value_type type;
	size_t offset; /* of the field in the configuration, where the type has one */
	const struct choice *choices;
	enum { HONOURED, IGNORED, REFUSED } standing;
	bool in_match; /* may stand behind Match */
	const char *def, *help;
};

union value {
	int number;
	char *text;
	struct strs strs;
	struct fwds fwds;
	struct rekey_limit rekey;
	struct qos qos;
	struct startups startups;
	struct netblock netblock;
	struct penalties penalties;
	struct window_bank bank;
};

/* How the memory of a value is held. */
enum holding {
	HOLD_NOTHING,
	HOLD_NUMBER,
	HOLD_TEXT,
	HOLD_STRS,
	HOLD_FWDS,
	HOLD_REKEY,
	HOLD_QOS,
	HOLD_STARTUPS,
	HOLD_NETBLOCK,
	HOLD_PENALTIES,
	HOLD_BANK
};

/* What stands behind the keyword: cut into words, and as it was. */
struct args {
	struct strs words;
	const char *line;
};

/* Checks the number of words too. OK: *v is the caller's. ERR_SYNTAX, ERR_NOMEM; *v is untouched then. */
int value_parse(union value *v, const struct option *o, const struct alg_lists *ours, const struct args *args,
		struct why *why) MUST_CHECK;
/* Frees what is in it and makes it zero. */
void value_fini(union value *v, enum value_type type);
enum holding value_holding(enum value_type type);
/* Bytes of the field; 0 where there is none. */
size_t value_size(enum value_type type);
/* Copies the field, which keeps its strings; NULL stays with a size of 0. */
void value_load(union value *v, const void *field, enum value_type type);
/* Does a further line add to the value instead of being too late? */
bool value_adds(enum value_type type);
/* Moves what is in *from behind what is in *to, without doubles. For types that add. OK, ERR_SYNTAX (too many) or
 * ERR_NOMEM; *from is empty afterwards in any case. */
int value_add(union value *to, union value *from, enum value_type type, struct why *why) MUST_CHECK;
/* Calls emit for every line that -G and -T show, "keyword value", with the lower-case keyword. OK or ERR_NOMEM. */
int value_print(const union value *v, const struct option *o, conf_emit *emit, void *user) MUST_CHECK;

#endif
