/* The lines of the files, kept to be judged again. Private to the server's configuration. */
#ifndef ADIT_CONF_SERVER_TEXT_H
#define ADIT_CONF_SERVER_TEXT_H

#include "conf/parse.h"
#include "conf/server_conf.h"
#include "conf/server_match.h"

/* A keyword with its arguments; Match and Include are not kept as lines. */
struct server_line {
	unsigned opt;
	unsigned block;
	struct origin at;
	struct args args; /* owned, the line too */
};

/* What stands behind one Match. */
struct server_block {
	unsigned parent; /* in whose Include this one stands; always a smaller number */
	bool outside;	 /* number 0, and "Match all" in such a one, which sshd reads with the rest */
	struct criteria criteria;
};

struct server_text {
	const struct server_facts *facts;
	struct files files;
	struct server_line *lines;
	size_t n_lines, lines_cap;
	struct server_block *blocks; /* 0 = outside Match */
	unsigned n_blocks;
	size_t bytes; /* kept */
};

/* Fills in conf->listens. OK or ERR_NOMEM; what is there is server_conf_fini()'s. */
int server_listens_make(struct server_conf *conf, struct why *why) MUST_CHECK;

#endif
