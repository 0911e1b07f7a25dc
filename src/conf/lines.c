/* The line reader. getline() is not used, because it allocates whatever the file asks for. */
#include "conf/lines.h"

#include <errno.h>
#include <stdlib.h>

/* `longest`: no line has more bytes. */
static int start(struct lines *l, FILE *f, size_t longest)
{
	char *text;

	if (!f)
		return errno == ENOMEM ? ERR_NOMEM : ERR_IO;
	text = malloc(MIN(longest, LINE_MAX_BYTES) + 1);
	if (!text) {
		fclose(f);
		return ERR_NOMEM;
	}
	*l = (struct lines){ .f = f, .text = text };
	return OK;
}

int lines_open(struct lines *l, const char *path)
{
	return start(l, fopen(path, "re"), LINE_MAX_BYTES);
}

int lines_open_memory(struct lines *l, const void *p, size_t n)
{
	/* fmemopen() only reads in this mode, and wants at least one byte. */
	static char blank[] = "\n";

	if (n == 0)
		return start(l, fmemopen(blank, 1, "r"), 1);
	return start(l, fmemopen((void *)(uintptr_t)p, n, "r"), n);
}

/* Bytes of the line that ends at the next LF or at the end of the file; -1 when there is nothing more to read. */
static long read_line(struct lines *l)
{
	long n = 0;
	int c = getc_unlocked(l->f);

	if (c == EOF)
		return -1;
	for (; c != EOF && c != '\n'; c = getc_unlocked(l->f)) {
		if (n < LINE_MAX_BYTES)
			l->text[n] = (char)c;
		n += n <= LINE_MAX_BYTES;
	}
	return n;
}

int lines_next(struct lines *l)
{
	for (;;) {
		long n = read_line(l);

		if (ferror(l->f))
			return ERR_IO;
		if (n < 0)
			return 0;
		l->number++;
		if (n > LINE_MAX_BYTES) {
			l->too_long = l->number;
			continue;
		}
		l->n = (size_t)n;
		l->text[n] = 0;
		return 1;
	}
}

int lines_rest(struct lines *l, struct buf *out)
{
	uint8_t piece[16384];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), l->f)) > 0) {
		if (n > out->max - out->n)
			return ERR_LIMIT;
		buf_bytes(out, span(piece, n));
		if (buf_err(out))
			return ERR_NOMEM;
	}
	return ferror(l->f) ? ERR_IO : OK;
}

void lines_close(struct lines *l)
{
	fclose(l->f);
	free(l->text);
	*l = (struct lines){ 0 };
}
