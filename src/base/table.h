/* uthash's tables, with allocation failures that are reported instead of ending the process: after HASH_ADD() an entry
 * whose hh.tbl is NULL found no room and is in no table. */
#ifndef ADIT_BASE_TABLE_H
#define ADIT_BASE_TABLE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* All entries, in the order in which they came; `e` may be taken out, or freed, inside the loop. */
#define TABLE_EACH(e, after, table)                                           \
	for ((e) = (table), (after) = (e) ? (e)->hh.next : NULL; (e) != NULL; \
	     (e) = (after), (after) = (e) ? (e)->hh.next : NULL)

#endif
