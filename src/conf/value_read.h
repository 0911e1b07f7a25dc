/* The readers of the types: text to value. Private to value.c. */
#ifndef ADIT_CONF_VALUE_READ_H
#define ADIT_CONF_VALUE_READ_H

#include "conf/value.h"

/* What a reader works with. */
struct reading {
	const struct option *o;
	const struct alg_lists *ours;
	const struct args *args;
	struct why *why;
};

typedef int read_fn(const struct reading *r, union value *v);

/* There is at least one word. OK: *v owns what is in it. */
read_fn read_choice;
read_fn read_number;
read_fn read_count;
read_fn read_port;
read_fn read_seconds;
read_fn read_mask;
read_fn read_word;
read_fn read_line;
read_fn read_algs;
read_fn read_words;
read_fn read_targets;
read_fn read_forward;
read_fn read_rekey;
read_fn read_qos;
read_fn read_nothing;

#endif
