/* One word of PermitOpen, PermitListen or DenyOpen, taken apart. Only for permit*.c. */
#ifndef ADIT_CONF_PERMIT_WORD_H
#define ADIT_CONF_PERMIT_WORD_H

#include "base/ip.h"
#include "conf/permit.h"

enum word_list { WORD_OPEN, WORD_LISTEN, WORD_DENY };

/* What stands where the host stands. */
enum word_host {
	HOST_NONE,    /* the word "none" */
	HOST_ALL,     /* the word "any" */
	HOST_STAR,    /* * */
	HOST_NAME,    /* compared as text */
	HOST_PATTERN, /* has * or ? */
	HOST_LITERAL, /* an address: compared as text where something is permitted */
	HOST_RANGE,   /* CIDR */
	HOST_PATH     /* a unix socket: begins with '/' */
};

struct permit_word {
	enum word_host kind;
	char host[PERMIT_HOST_MAX + 1]; /* without brackets */
	struct ip_range range;		/* HOST_LITERAL (without its zone), HOST_RANGE */
	bool any_port;
	uint32_t from, to; /* ports, both included */
};

/* OK or ERR_SYNTAX with a sentence (may be NULL). */
int permit_word_parse(struct permit_word *out, const char *word, enum word_list list, struct why *why) MUST_CHECK;

static inline bool permit_word_has_port(const struct permit_word *w, uint32_t port)
{
	return w->any_port || (port >= w->from && port <= w->to);
}

#endif
