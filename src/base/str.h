/* Text: what strangers wrote made safe to show, patterns, and the only integer and boolean parsers. */
#ifndef ADIT_BASE_STR_H
#define ADIT_BASE_STR_H

#include "base/err.h"
#include "base/span.h"

/* Printable ASCII and printable UTF-8 stay; backslash becomes "\\"; controls, DEL, C1, ESC, bidi
 * controls, zero-width characters and invalid UTF-8 become \xNN. Writes at most cap bytes with the NUL (cap >= 8);
 * text that does not fit ends with U+2026. Returns dst. */
char *str_escape(char *dst, size_t cap, struct span src);

/* As str_escape(), but LF, TAB and a single backslash stay: for login banners. */
char *str_escape_banner(char *dst, size_t cap, struct span src);

/* Shell-like pattern with * and ?, case-sensitive, in linear time (one backtrack point). */
bool str_match(const char *pattern, const char *text);

enum list_match { LIST_NO = 0, LIST_YES = 1, LIST_NEGATED = -1 };
/* Comma-separated patterns; one that begins with ! and matches decides LIST_NEGATED at once. */
enum list_match str_match_list(const char *patterns, const char *text);

/* Decimal digits only, no sign, no space, nothing behind; min <= value <= max. OK or ERR_SYNTAX; *v untouched then. */
int str_u64(const char *s, uint64_t min, uint64_t max, uint64_t *v) MUST_CHECK;

/* Copies with a NUL; the result is freed by the caller. NULL when memory is out or the span has a NUL inside. */
char *str_from_span(struct span s);

/* Case-insensitive in ASCII only, whatever the locale says. */
bool str_eq_nocase(const char *a, const char *b);
/* Lowers A-Z in place. */
void str_lower(char *s);

#endif
