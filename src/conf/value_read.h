/* The readers of the types: text to value. Private to value*.c. */
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

/* The i-th word. */
const char *reading_word(const struct reading *r, size_t i);
/* ERR_SYNTAX with the sentence: before, the i-th word, after. */
int reading_bad(const struct reading *r, const char *before, size_t i, const char *after);
/* ERR_NOMEM with its sentence. */
int reading_no_memory(const struct reading *r);
/* A number of the first word, with a sentence that says between what. OK or ERR_SYNTAX. */
int reading_range(const struct reading *r, int *number, uint64_t least, uint64_t most) MUST_CHECK;

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

/* The server's. */
read_fn read_ports;
read_fn read_list;
read_fn read_listen;
read_fn read_paths;
read_fn read_path;
read_fn read_opens;
read_fn read_listens;
read_fn read_denies;
read_fn read_nets;
read_fn read_timeouts;
read_fn read_methods;
read_fn read_time;
read_fn read_timeout;
read_fn read_limit;
read_fn read_auto;
read_fn read_amount;
read_fn read_sink;
read_fn read_startups;
read_fn read_netblock;
read_fn read_penalties;
read_fn read_bank;

#endif
