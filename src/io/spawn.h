/* Other programs: run one, wait for its end, and take what it prints. For what happens rarely: the caller waits. */
#ifndef ADIT_IO_SPAWN_H
#define ADIT_IO_SPAWN_H

#include "base/err.h"

/* Runs a line with the user's shell ($SHELL, else /bin/sh), as ssh does for Match exec: without input and output, with
 * our stderr. 1: it ended with status 0; 0: it did not; ERR_IO or ERR_NOMEM: it could not be run. `user` is not used:
 * the signature is that of a callback. */
int spawn_shell(void *user, const char *command, struct why *why) MUST_CHECK;

/* Runs argv[0] (looked up in PATH) and stores its output up to the first end of line, with a NUL; what comes behind
 * that is thrown away. `variable` ("NAME=value", or "NAME" to have none) is set in its environment; NULL changes
 * nothing. *status is as wait(2) has it. OK, ERR_IO, ERR_NOMEM, or ERR_LIMIT for a line of more than cap - 1 bytes
 * (*status is set then, too); `out` is wiped in all of these. */
int spawn_read(char *const argv[], const char *variable, char *out, size_t cap, int *status,
	       struct why *why) MUST_CHECK;

#endif
