/* Lines and files of ssh_config(5): Host, Match and Include decide what counts. */
#ifndef ADIT_CONF_PARSE_H
#define ADIT_CONF_PARSE_H

#include "conf/client_conf.h"

enum { CONF_FILE_MAX = 16 << 20, CONF_LINE_MAX = 64 << 10, CONF_DEPTH_MAX = 16, CONF_READS_MAX = 4096 };

/* Where the parser stands. */
struct place {
	struct client_conf *conf;
	const char *host; /* that the patterns of Host look at */
	struct origin at; /* line 0: the command line */
	unsigned depth;	  /* of Include */
	bool inactive;	  /* the last Host or Match does not hold */
	bool never;	  /* read for its faults only: an Include that stands where nothing counts */
	bool user_file;	  /* not the system's: Include may say ~ and is relative to ~/.ssh */
	bool final;	  /* second pass */
};

/* One line, which is cut up. OK, ERR_SYNTAX with file and line, ERR_IO, ERR_NOMEM. */
int parse_line(struct place *p, char *line, struct why *why) MUST_CHECK;
/* A whole text; p->at.line counts. */
int parse_text(struct place *p, struct span text, struct why *why) MUST_CHECK;

enum file_trust { TRUST_ANY, TRUST_OWN /* only the user or root may be able to write to it */ };
/* A whole file; p->at is set here. ERR_NOT_FOUND where there is none. */
int parse_file(struct place p, const char *path, enum file_trust trust, struct why *why) MUST_CHECK;

#endif
