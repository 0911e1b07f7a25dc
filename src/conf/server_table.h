/* The table of the server, and its configuration as the code for both programs sees it. */
#ifndef ADIT_CONF_SERVER_TABLE_H
#define ADIT_CONF_SERVER_TABLE_H

#include "conf/option.h"
#include "conf/server_conf.h"

extern const struct table server_table;

/* A view: nothing to free. */
struct store server_store(struct server_conf *conf, const struct server_facts *facts);

#endif
