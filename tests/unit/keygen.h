/* Real key files for the tests: ssh-keygen in a directory of its own. */
#ifndef ADIT_TESTS_KEYGEN_H
#define ADIT_TESTS_KEYGEN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

static char keygen_dir[64];

/* A command of /bin/sh in the directory; true when it exits with 0. Its output goes to the file "log". */
__attribute__((format(printf, 1, 2))) static inline bool sh(const char *fmt, ...)
{
	char line[2048];
	int n = snprintf(line, sizeof(line), "cd %s && exec >log 2>&1 </dev/null && ", keygen_dir);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	return system(line) == 0;
}

/* Makes the directory. Fails the test program when there is no ssh-keygen. */
static inline int keygen_setup(void **state)
{
	(void)state;
	snprintf(keygen_dir, sizeof(keygen_dir), "/tmp/adit-keys-XXXXXX");
	if (!mkdtemp(keygen_dir))
		return -1;
	if (sh("command -v ssh-keygen"))
		return 0;
	fprintf(stderr, "ssh-keygen is missing: install openssh-client\n");
	return -1;
}

static inline int keygen_teardown(void **state)
{
	(void)state;
	return sh("rm -rf -- %s", keygen_dir) ? 0 : -1;
}

/* The path of a file in the directory; valid until the fourth call after this one. */
static inline const char *in_dir(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", keygen_dir, name);
	return p;
}

/* Appends the file. */
static inline void slurp(const char *name, struct buf *out)
{
	FILE *f = fopen(in_dir(name), "rb");
	uint8_t chunk[4096];
	size_t n;

	if (!f)
		fail_msg("cannot open %s", in_dir(name));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_bytes(out, span(chunk, n));
	fclose(f);
	assert_int_equal(buf_err(out), OK);
}

static inline void spill(const char *name, struct span data, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "wb");

	if (!f)
		fail_msg("cannot write %s", in_dir(name));
	assert_int_equal(data.n ? fwrite(data.p, 1, data.n, f) : 0, data.n);
	fclose(f);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

#endif
