/* Whom -C asks about: what Match goes by when nobody has connected. */
#ifndef ADIT_APP_WHOM_H
#define ADIT_APP_WHOM_H

#include "conf/server_conf.h"
#include "io/users.h"

struct whom {
	struct server_who who; /* points into the rest: do not copy */
	char *words;
	struct user account;
	struct strs groups; /* the account's */
	int err;	    /* its groups could not be found out, and `why` says why */
	struct why why;
};

/* From user=,addr=,host=,laddr=,lport=, separated by commas; NULL = nobody in particular. A user is looked up in the
 * system, as at a login. OK; ERR_SYNTAX, ERR_NOMEM, or what users_find() says but ERR_NOT_FOUND. */
int whom_init(struct whom *w, const char *criteria, struct why *why) MUST_CHECK;
/* After the configuration was judged: a rule about groups may have come out wrong without them. OK or the error. */
int whom_check(const struct whom *w, struct why *why) MUST_CHECK;
void whom_fini(struct whom *w);

#endif
