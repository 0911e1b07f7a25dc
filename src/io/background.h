/* Going to the background: a client's -f after the login, a server once it listens. A loop, its threads and its epoll
 * descriptor do not survive fork(), so the process splits at the start, before any of them: the child does all the work
 * and may use the terminal as before; the parent stays in the foreground and waits until the child says that it is
 * ready, or ends. */
#ifndef ADIT_IO_BACKGROUND_H
#define ADIT_IO_BACKGROUND_H

#include "base/err.h"

struct background {
	int ready; /* -1: nobody waits */
};

enum background_side { BACKGROUND_CHILD, BACKGROUND_PARENT };

/* Splits. In the child: OK and BACKGROUND_CHILD at once. In the parent: OK and BACKGROUND_PARENT when the child is
 * ready (*code 0) or gone (*code is its exit code, 255 after a signal): the caller ends with that code, by _exit(). The
 * child ends when the parent is killed before. ERR_IO when it cannot be done. */
int background_split(struct background *b, enum background_side *side, int *code, struct why *why) MUST_CHECK;

/* In the child: a session of its own, 0, 1 and (unless keep_stderr) 2 on /dev/null, and the parent lets go. The working
 * directory stays, because relative paths of sockets and files have to stay right. Nothing happens without a split. */
void background_ready(struct background *b, bool keep_stderr);

#endif
