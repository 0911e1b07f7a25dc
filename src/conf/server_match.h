/* The criteria of Match in sshd_config(5): read once, judged for each connection. */
#ifndef ADIT_CONF_SERVER_MATCH_H
#define ADIT_CONF_SERVER_MATCH_H

#include "conf/server_conf.h"

struct criterion;

/* Zero is a valid empty object. */
struct criteria {
	struct criterion *v;
	size_t n;
	bool all; /* "all" */
};

/* Cuts `line` up. OK, ERR_SYNTAX, ERR_NOMEM; *out is empty after an error. */
int criteria_read(struct criteria *out, char *line, const struct server_facts *facts, struct why *why) MUST_CHECK;
void criteria_fini(struct criteria *c);
/* Do all of them hold? */
bool criteria_hold(const struct criteria *c, const struct server_who *who);

/* Pieces that AllowUsers and its like need too. */

/* One of these groups, and none that is negated? */
bool match_groups(const struct server_who *who, const char *patterns);
/* The client by address (ranges too) or name, in a list of patterns. */
bool match_client(const struct server_who *who, const char *patterns);

#endif
