/* Does a Host or Match line of ssh_config(5) hold? */
#ifndef ADIT_CONF_CLIENT_MATCH_H
#define ADIT_CONF_CLIENT_MATCH_H

#include "conf/parse.h"

/* Patterns of Host: one must match, and none that begins with '!'. */
bool match_host(const struct place *p, const struct strs *patterns);
/* The criteria of Match, which are cut up. OK, ERR_SYNTAX, ERR_NOMEM, or what exec said. */
int match_criteria(struct place *p, char *criteria, bool *holds, struct why *why) MUST_CHECK;
/* The host that counts at this moment: HostName if it was said, with its tokens. The caller frees it. */
int match_real_host(const struct place *p, char **host, struct why *why) MUST_CHECK;

#endif
