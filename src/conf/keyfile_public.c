/* The line of a .pub file: type, base64, comment. Lines of authorized_keys and known_hosts have more in front and are
 * not read here. */
#include "conf/keyfile.h"

#include "crypto/b64.h"

/* The bytes up to white space, then the white space: only SP and TAB separate. */
static struct span word(struct span *line)
{
	struct span w = { line->p, 0 };

	while (w.n < line->n && line->p[w.n] != ' ' && line->p[w.n] != '\t')
		w.n++;
	line->p += w.n;
	line->n -= w.n;
	while (line->n && (line->p[0] == ' ' || line->p[0] == '\t')) {
		line->p++;
		line->n--;
	}
	return w;
}

/* The next line that is not empty and no comment, without its end. */
static struct span first_line(struct span text)
{
	while (text.n) {
		const uint8_t *lf = memchr(text.p, '\n', text.n);
		struct span line = { text.p, lf ? (size_t)(lf - text.p) : text.n };

		text.n -= line.n + (lf ? 1 : 0);
		text.p += line.n + (lf ? 1 : 0);
		while (line.n && memchr(" \t\r", line.p[line.n - 1], 3))
			line.n--;
		if (line.n && line.p[0] != '#')
			return line;
	}
	return span(NULL, 0);
}

int keyfile_parse_public(struct span text, struct buf *blob, struct buf *comment, struct why *why)
{
	struct span line = first_line(text), type, base64;
	struct buf bytes = BUF(PKEY_BLOB_MAX);
	int err = OK;

	if (!line.n)
		return why_set(why, ERR_SYNTAX, "no public key in it");
	type = word(&line);
	base64 = word(&line);
	if (!base64.n || b64_decode(&bytes, base64) || !span_eq(pkey_type(buf_span(&bytes)), type))
		err = why_set(why, ERR_SYNTAX, "not a public key file (\"type base64 comment\"), or damaged");
	else if (pkey_check(buf_span(&bytes), why))
		err = ERR_SYNTAX;
	if (!err) {
		size_t old = blob->n;

		buf_bytes(blob, buf_span(&bytes));
		if (comment)
			buf_bytes(comment, line);
		err = buf_err(blob) || (comment && buf_err(comment)) ? ERR_NOMEM : OK;
		if (err)
			blob->n = old;
	}
	buf_fini(&bytes);
	return err;
}
