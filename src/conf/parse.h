/* Lines and files in the syntax of ssh_config(5) and sshd_config(5), and Include. What a keyword does is for the
 * program's grammar to say. */
#ifndef ADIT_CONF_PARSE_H
#define ADIT_CONF_PARSE_H

#include "conf/file.h"
#include "conf/option.h"

enum { CONF_LINE_MAX = 64 << 10, CONF_DEPTH_MAX = 16 };

struct place;

/* What a program brings. Sentences get file and line from the parser. */
struct grammar {
	const struct table *table;
	const char *what; /* "user config file": for the sentence that one cannot be opened */
	enum file_trust included;
	/* A keyword that stands alone with its arguments; Include aside. */
	int (*keyword)(struct place *p, unsigned opt, const struct args *args, struct why *why);
	/* The whole glob pattern for a word of Include; the caller frees it. */
	int (*pattern)(const struct place *p, const char *word, char **pattern, struct why *why);
	/* An included file begins: *inside is a copy of the place of its Include. */
	void (*enter)(struct place *inside);
	/* May this lower-case keyword be unknown? 1, 0 or ERR_NOMEM. NULL: none may. */
	int (*tolerates)(const struct place *p, const char *keyword);
};

/* Where the parser stands. */
struct place {
	const struct grammar *grammar;
	void *conf; /* the program's own */
	struct files *files;
	struct origin at; /* line 0: the command line */
	unsigned depth;	  /* of Include */

	/* The client's: */
	const char *host; /* that the patterns of Host look at */
	bool inactive;	  /* the last Host or Match does not hold */
	bool never;	  /* read for its faults only: an Include that stands where nothing counts */
	bool user_file;	  /* not the system's: Include may say ~ and is relative to ~/.ssh */
	bool final;	  /* second pass */

	/* The server's: */
	unsigned block;	 /* of the last Match; 0 = outside */
	unsigned parent; /* the block in which this file was included */
};

/* One line, which is cut up. OK, ERR_SYNTAX with file and line, ERR_IO, ERR_NOMEM. */
int parse_line(struct place *p, char *line, struct why *why) MUST_CHECK;
/* One line of the command line (-o), which is copied: p->at is origin_command_line. */
int parse_said(struct place *p, const char *line, struct why *why) MUST_CHECK;
/* A whole text; p->at.line counts. */
int parse_text(struct place *p, struct span text, struct why *why) MUST_CHECK;
/* A whole file; p->at is set here. ERR_NOT_FOUND where there is none. */
int parse_file(struct place p, const char *path, enum file_trust trust, struct why *why) MUST_CHECK;

#endif
