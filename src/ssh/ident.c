/* The version exchange (RFC 4253 section 4.2). */
#include "ssh/engine.h"

int ident_write(struct conn *c, const char *software)
{
	struct buf *b = &c->our_ident;
	struct tx_chunk *k;

	buf_printf(b, "SSH-2.0-%s", software);
	if (buf_err(b))
		return ERR_NOMEM;
	k = tx_room(c, IDENT_MAX, 1);
	if (!k)
		return ERR_NOMEM;
	memcpy(k->mem, b->p, b->n);
	memcpy(k->mem + b->n, "\r\n", 2);
	k->end = (uint32_t)b->n + 2;
	c->tx.pending = k->end;
	return OK;
}

/* Tera Term's numbers are decimal fractions: 2.8 came after 2.72. */
static bool old_tera_term(const char *software)
{
	const char *version = software + 6;

	return strncmp(software, "TTSSH/", 6) == 0 &&
	       (strncmp(version, "1.", 2) == 0 ||
		(strncmp(version, "2.", 2) == 0 && strncmp(version + 2, "73", 2) < 0));
}

static unsigned quirks_of(const char *software)
{
	if (strncmp(software, "AsyncSSH_", 9) == 0)
		return QUIRK_TALKS_IN_KEX | QUIRK_NO_EOF;
	return old_tera_term(software) || strncmp(software, "Cisco-1.", 8) == 0 ? QUIRK_NO_HOST_KEYS : 0;
}

/* "SSH-2.0-software[ comment]"; 1.99 says that the peer also speaks 1.x. */
static int accept_line(struct conn *c, const char *line)
{
	const char *rest = strncmp(line, "SSH-2.0-", 8) == 0	? line + 8
			   : strncmp(line, "SSH-1.99-", 9) == 0 ? line + 9
								: NULL;

	if (!rest || !*rest)
		return conn_fail(c, ERR_PROTO, "the peer does not speak SSH 2.0; it says: %s", line);
	c->quirks = quirks_of(rest);
	buf_bytes(&c->peer_ident, span_str(line));
	if (buf_err(&c->peer_ident))
		return conn_fail(c, ERR_NOMEM, "no memory for the version line");
	c->life = LIFE_KEX;
	return OK;
}

/* Printable ASCII only: the line goes into the exchange hash, and into logs. */
static bool printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* A line that is not the version: a server may greet first (RFC 4253 section 4.2), a client may not. */
static int skip_line(struct conn *c, size_t n)
{
	c->ident_bytes += n;
	if (c->role == ROLE_SERVER)
		return conn_fail(c, ERR_PROTO, "the client's first line is not an SSH version");
	if (++c->ident_lines > IDENT_LINES_MAX || c->ident_bytes > IDENT_BYTES_MAX)
		return conn_fail(c, ERR_PROTO, "too many lines before the server's version");
	return OK;
}

static int take_line(struct conn *c, struct span s, struct event *ev)
{
	char line[IDENT_MAX + 1];

	if (s.n < 4 || memcmp(s.p, "SSH-", 4) != 0)
		return skip_line(c, s.n + 1);
	if (s.p[s.n - 1] == '\r')
		s.n--;
	if (!printable(s))
		return conn_fail(c, ERR_PROTO, "the peer's version line has control characters");
	memcpy(line, s.p, s.n);
	line[s.n] = 0;
	if (accept_line(c, line) != OK || kex_start(c) != OK)
		return c->err;
	c->kex.started_ms = c->now_ms; /* not when a server's KEXINIT went: the client's time for its line is over */
	ev->kind = EV_IDENT;
	ev->text = buf_span(&c->peer_ident);
	return OK;
}

int ident_read(struct conn *c, struct event *ev)
{
	struct rx *r = &c->rx;

	while (c->life == LIFE_IDENT && !c->err && r->start < r->end) {
		uint8_t *line = r->mem + r->start;
		size_t have = r->end - r->start;
		uint8_t *lf = memchr(line, '\n', have);
		size_t n = lf ? (size_t)(lf - line) : have;
		bool version = have >= 4 && memcmp(line, "SSH-", 4) == 0;

		if (n > (version || c->role == ROLE_SERVER ? IDENT_MAX - 1 : IDENT_BYTES_MAX))
			return conn_fail(c, ERR_PROTO, "the peer's first line is too long for an SSH version");
		if (!lf)
			return OK;
		r->start += n + 1;
		take_line(c, span(line, n), ev);
	}
	return c->err;
}
