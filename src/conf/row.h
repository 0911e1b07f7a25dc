/* From a line of client.def or server.def to a row of its table: type, offset of the field, choices. Private to the two
 * tables. */
#ifndef ADIT_CONF_ROW_H
#define ADIT_CONF_ROW_H

#include "conf/option.h"

/* s: the struct, f: its field, empty where the type has none. */
#define ROW_YESNO(s, f)	    T_YESNO, offsetof(s, f), choices_yesno
#define ROW_CHOICE(s, f)    T_CHOICE, offsetof(s, f), choices_##f
#define ROW_NUMBER(s, f)    T_NUMBER, offsetof(s, f), NULL
#define ROW_COUNT(s, f)	    T_COUNT, offsetof(s, f), NULL
#define ROW_PORT(s, f)	    T_PORT, offsetof(s, f), NULL
#define ROW_SECONDS(s, f)   T_SECONDS, offsetof(s, f), NULL
#define ROW_MASK(s, f)	    T_MASK, offsetof(s, f), NULL
#define ROW_WORD(s, f)	    T_WORD, offsetof(s, f), NULL
#define ROW_LINE(s, f)	    T_LINE, offsetof(s, f), NULL
#define ROW_KEX(s, f)	    T_KEX, offsetof(s, f), NULL
#define ROW_CIPHER(s, f)    T_CIPHER, offsetof(s, f), NULL
#define ROW_MAC(s, f)	    T_MAC, offsetof(s, f), NULL
#define ROW_HOST_SIG(s, f)  T_HOST_SIG, offsetof(s, f), NULL
#define ROW_USER_SIG(s, f)  T_USER_SIG, offsetof(s, f), NULL
#define ROW_CA_SIG(s, f)    T_CA_SIG, offsetof(s, f), NULL
#define ROW_WORDS(s, f)	    T_WORDS, offsetof(s, f), NULL
#define ROW_TARGETS(s, f)   T_TARGETS, offsetof(s, f), NULL
#define ROW_EACH(s, f)	    T_EACH, offsetof(s, f), NULL
#define ROW_FORWARD(s, f)   T_FORWARD, offsetof(s, f), NULL
#define ROW_REKEY(s, f)	    T_REKEY, offsetof(s, f), NULL
#define ROW_QOS(s, f)	    T_QOS, offsetof(s, f), NULL
#define ROW_PORTS(s, f)	    T_PORTS, offsetof(s, f), NULL
#define ROW_LISTEN(s, f)    T_LISTEN, offsetof(s, f), NULL
#define ROW_LIST(s, f)	    T_LIST, offsetof(s, f), NULL
#define ROW_PATHS(s, f)	    T_PATHS, offsetof(s, f), NULL
#define ROW_PATH(s, f)	    T_PATH, offsetof(s, f), NULL
#define ROW_OPENS(s, f)	    T_OPENS, offsetof(s, f), NULL
#define ROW_LISTENS(s, f)   T_LISTENS, offsetof(s, f), NULL
#define ROW_DENIES(s, f)    T_DENIES, offsetof(s, f), NULL
#define ROW_NETS(s, f)	    T_NETS, offsetof(s, f), NULL
#define ROW_TIMEOUTS(s, f)  T_TIMEOUTS, offsetof(s, f), NULL
#define ROW_METHODS(s, f)   T_METHODS, offsetof(s, f), NULL
#define ROW_TIME(s, f)	    T_TIME, offsetof(s, f), NULL
#define ROW_TIMEOUT(s, f)   T_TIMEOUT, offsetof(s, f), NULL
#define ROW_LIMIT(s, f)	    T_LIMIT, offsetof(s, f), NULL
#define ROW_AUTO(s, f)	    T_AUTO, offsetof(s, f), NULL
#define ROW_AMOUNT(s, f)    T_AMOUNT, offsetof(s, f), NULL
#define ROW_SINK(s, f)	    T_SINK, offsetof(s, f), NULL
#define ROW_STARTUPS(s, f)  T_STARTUPS, offsetof(s, f), NULL
#define ROW_NETBLOCK(s, f)  T_NETBLOCK, offsetof(s, f), NULL
#define ROW_PENALTIES(s, f) T_PENALTIES, offsetof(s, f), NULL
#define ROW_BANK(s, f)	    T_BANK, offsetof(s, f), NULL
#define ROW_SKIP(s, f)	    T_SKIP, 0, NULL
#define ROW_HOST(s, f)	    T_HOST, 0, NULL
#define ROW_MATCH(s, f)	    T_MATCH, 0, NULL
#define ROW_INCLUDE(s, f)   T_INCLUDE, 0, NULL

#endif
