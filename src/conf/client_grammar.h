/* What ssh_config(5) adds to the parser. */
#ifndef ADIT_CONF_CLIENT_GRAMMAR_H
#define ADIT_CONF_CLIENT_GRAMMAR_H

#include "conf/client_conf.h"
#include "conf/parse.h"

/* Where reading for that host begins, with every flag off. */
struct place client_place(struct client_conf *conf, const char *host);

#endif
