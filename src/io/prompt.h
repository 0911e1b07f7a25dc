/* Questions to the person in front of the program: on the controlling terminal, or through SSH_ASKPASS as ssh does it.
 * The caller waits for the answer. */
#ifndef ADIT_IO_PROMPT_H
#define ADIT_IO_PROMPT_H

#include "base/err.h"

enum prompt_kind {
	PROMPT_SECRET, /* without echo */
	PROMPT_LINE,   /* with echo */
	PROMPT_CONFIRM /* with echo; an askpass program shows buttons, and its exit status 0 is "yes" */
};

enum { PROMPT_MAX = 1024 }; /* a good size for the answer; the terminal gives no longer line than 4095 bytes */

/* Shows `text` as it is (what a stranger wrote has to be escaped before) and stores the answer without its end of line,
 * with a NUL. SSH_ASKPASS_REQUIRE is never, prefer (the program when there is a display) or force; else the program is
 * used when there is no terminal but a display (DISPLAY or WAYLAND_DISPLAY).
 * OK; ERR_NOT_FOUND: nobody can be asked; ERR_CLOSED: end of file, an interruption that did not end us, or the askpass
 * program was cancelled; ERR_LIMIT: the answer does not fit; ERR_IO; ERR_NOMEM. `out` is wiped in all of these. Signals
 * that stop or end the process find the terminal as it was before; after a stop the question is asked again. */
int prompt(enum prompt_kind kind, const char *text, char *out, size_t cap, struct why *why) MUST_CHECK;

#endif
