/* A server's configuration for tests: what it is judged with, for whom, and its dump. */
#ifndef ADIT_TESTS_SERVER_CONF_RIG_H
#define ADIT_TESTS_SERVER_CONF_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/server_conf.h"

struct server_facts facts(void);
/* alice of the groups staff and tunnel, from 10.1.2.3 to 192.0.2.1 port 2222. */
struct server_who alice(void);
/* What the text means for `who`; a text with a fault fails the test. The names in conf.at are not to be looked at. */
struct server_conf eval(const char *text, const struct server_who *who);
/* All lines of -T; the caller frees it. */
char *dump(const struct server_conf *conf);
/* Is this one of the lines? */
bool has_line(const char *text, const char *line);

/* A file, and one line of its dump for alice. */
struct dump_row {
	const char *in, *want;
};
void check_dumps(const struct dump_row *rows, size_t n);

#endif
