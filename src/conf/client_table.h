/* The table of the client, and its configuration as the code for both programs sees it. */
#ifndef ADIT_CONF_CLIENT_TABLE_H
#define ADIT_CONF_CLIENT_TABLE_H

#include "conf/client_conf.h"
#include "conf/option.h"

extern const struct table client_table;

/* A view: nothing to free. The configuration has its facts. */
struct store client_store(struct client_conf *conf);

#endif
