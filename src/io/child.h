/* Child processes that go on with this program, without exec: how one begins, what it keeps of its parent, and how its
 * end is told. Their rights are io/privs.h's, their sandbox io/sandbox.h's; other programs are io/spawn.h's. */
#ifndef ADIT_IO_CHILD_H
#define ADIT_IO_CHILD_H

#include <sys/types.h>

#include "io/loop.h"

struct child_spec {
	const char *name;  /* as ps and top show it; at most 15 bytes of it */
	struct loop *loop; /* the parent's, which the child abandons; NULL when there is none */
	const int *keep;   /* the descriptors above 2 that the child keeps */
	size_t keeps;
	bool keep_stderr; /* otherwise it is /dev/null, as stdin and stdout are */
	/* The child's whole life: what it returns is its exit status. It begins with every signal at its default but
	 * SIGPIPE, which is ignored, nothing blocked, and SIGKILL in store for when the parent ends. The parent's
	 * memory is still there: secrets that the role does not need are wiped here. */
	int (*run)(void *user);
	void *user;
};

/* Forks. OK in the parent, with the child's pid (> 0); never returns in the child. ERR_IO (no process, or /proc is not
 * mounted) or ERR_NOMEM: there is no child then, and *pid is as it was. For a parent without threads that hold locks:
 * those of libuv's pool are fine. */
int child_start(const struct child_spec *spec, pid_t *pid, struct why *why) MUST_CHECK;

/* For a child that ends when its parent says so: Control-C and `kill` of the whole process group are the parent's
 * affair. */
void child_leave_signals(void);

/* Sends a signal; a pid that is not one of a single process (0, -1, ...) is ignored, as is a process that is gone. */
void child_signal(pid_t pid, int signo);

/* One child that has ended, with its status as wait(2) has it; 0 when there is none. Call it until then: one SIGCHLD
 * may stand for several. */
pid_t child_reap(int *status);

enum { CHILD_TEXT = 80 };
/* "exited with status 1", "killed by signal 11 (Segmentation fault)". */
void child_end_text(int status, char out[CHILD_TEXT]);

#endif
