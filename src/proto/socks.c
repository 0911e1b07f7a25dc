/* SOCKS 4, 4a and 5 as a server reads them. A message is collected byte by byte until it is whole, so nothing behind
 * the request is ever taken; its size is bounded before its content is looked at. */
#include "proto/socks.h"

#include <stdio.h>

enum { V4 = 4, V5 = 5, CONNECT = 1, NO_AUTH = 0, NO_METHOD = 0xff };
enum { ADDR_V4 = 1, ADDR_NAME = 3, ADDR_V6 = 4 };
enum { V4_HEAD = 8, V5_HEAD = 4 };

static enum socks_result bad(struct socks *s, enum socks_code code, const char *fault)
{
	s->reply_n += socks_reply(s, code, s->reply + s->reply_n); /* behind the answer to a greeting */
	s->fault = fault;
	return SOCKS_BAD;
}

/* A name that may be looked up: printable ASCII without spaces. */
static bool set_name(struct socks *s, const uint8_t *p, size_t n)
{
	if (!n || n > SOCKS_HOST_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return false;
	memcpy(s->host, p, n);
	s->host[n] = '\0';
	return true;
}

static void set_v4(struct socks *s, const uint8_t *p)
{
	snprintf(s->host, sizeof(s->host), "%u.%u.%u.%u", p[0], p[1], p[2], p[3]);
}

static void set_v6(struct socks *s, const uint8_t *p)
{
	size_t n = 0;

	for (size_t i = 0; i < 16; i += 2)
		n += (size_t)snprintf(s->host + n, sizeof(s->host) - n, "%s%x", i ? ":" : "", p[i] << 8 | p[i + 1]);
}

static enum socks_result request(struct socks *s, uint8_t command, const uint8_t *port)
{
	s->port = (uint16_t)(port[0] << 8 | port[1]);
	if (command != CONNECT)
		return bad(s, SOCKS_BAD_COMMAND, "a command other than CONNECT");
	if (!s->port)
		return bad(s, SOCKS_NOT_ALLOWED, "port 0");
	return SOCKS_REQUEST;
}

/* ---- Version 4 and 4a: 04 command port2 address4 user 00 [name 00] ------------------------------------------------
 */

static const uint8_t *end_of_text(const uint8_t *p, const uint8_t *end)
{
	return p < end ? memchr(p, '\0', (size_t)(end - p)) : NULL;
}

static enum socks_result step_v4(struct socks *s)
{
	const uint8_t *end = s->in + s->n, *user_end = s->n > V4_HEAD ? end_of_text(s->in + V4_HEAD, end) : NULL;
	const uint8_t *ip = s->in + 4, *name_end;

	if (!user_end)
		return SOCKS_MORE;
	if (ip[0] || ip[1] || ip[2] || !ip[3]) {
		set_v4(s, ip);
		return request(s, s->in[1], s->in + 2);
	}
	name_end = end_of_text(user_end + 1, end); /* 4a: 0.0.0.x says that a name follows */
	if (!name_end)
		return SOCKS_MORE;
	if (!set_name(s, user_end + 1, (size_t)(name_end - user_end - 1)))
		return bad(s, SOCKS_BAD_ADDRESS, "a bad host name");
	return request(s, s->in[1], s->in + 2);
}

/* ---- Version 5: 05 count methods, then 05 command 00 type address port2 -------------------------------------------
 */

static enum socks_result step_greeting(struct socks *s)
{
	bool agreed;

	if (s->n < 2 || s->n < 2u + s->in[1])
		return SOCKS_MORE;
	agreed = memchr(s->in + 2, NO_AUTH, s->in[1]) != NULL;
	s->reply[0] = V5;
	s->reply[1] = agreed ? NO_AUTH : NO_METHOD;
	s->reply_n = 2;
	s->n = 0;
	s->greeted = true;
	if (agreed)
		return SOCKS_MORE;
	s->fault = "no method without authentication";
	return SOCKS_BAD;
}

/* Bytes of the address, with the length byte of a name; 0 for a foreign type. */
static size_t address_size(const uint8_t *type)
{
	switch (type[0]) {
	case ADDR_V4:
		return 4;
	case ADDR_V6:
		return 16;
	case ADDR_NAME:
		return 1u + type[1];
	default:
		return 0;
	}
}

static enum socks_result step_v5(struct socks *s)
{
	const uint8_t *type = s->in + 3, *address = type + 1;
	size_t n;

	if (s->in[0] != V5)
		return bad(s, SOCKS_FAILED, "a request of another version");
	if (s->n < V5_HEAD + 1)
		return SOCKS_MORE;
	n = address_size(type);
	if (!n)
		return bad(s, SOCKS_BAD_ADDRESS, "an unknown address type");
	if (s->n < V5_HEAD + n + 2)
		return SOCKS_MORE;
	if (*type == ADDR_V4)
		set_v4(s, address);
	else if (*type == ADDR_V6)
		set_v6(s, address);
	else if (!set_name(s, address + 1, n - 1))
		return bad(s, SOCKS_BAD_ADDRESS, "a bad host name");
	return request(s, s->in[1], address + n);
}

/* ---- Both ------------------------------------------------------------------------------------------------------ */

static enum socks_result step(struct socks *s)
{
	if (!s->version)
		s->version = s->in[0];
	if (s->version == V4)
		return step_v4(s);
	if (s->version == V5)
		return s->greeted ? step_v5(s) : step_greeting(s);
	s->fault = "neither SOCKS 4 nor SOCKS 5";
	return SOCKS_BAD;
}

enum socks_result socks_put(struct socks *s, struct span bytes, size_t *used)
{
	enum socks_result r = SOCKS_MORE;
	size_t i = 0;

	while (i < bytes.n && r == SOCKS_MORE) {
		if (s->n == SOCKS_MAX) {
			r = bad(s, SOCKS_FAILED, "a request that is too long");
			break;
		}
		s->in[s->n++] = bytes.p[i++];
		r = step(s);
	}
	*used = i;
	return r;
}

size_t socks_reply(const struct socks *s, enum socks_code code, uint8_t out[SOCKS_REPLY_MAX])
{
	static const uint8_t v5_codes[] = {
		[SOCKS_OK] = 0,		 [SOCKS_FAILED] = 1,	  [SOCKS_NOT_ALLOWED] = 2,
		[SOCKS_UNREACHABLE] = 5, [SOCKS_BAD_COMMAND] = 7, [SOCKS_BAD_ADDRESS] = 8,
	};

	memset(out, 0, SOCKS_REPLY_MAX);
	if (s->version == V4) {
		out[1] = code == SOCKS_OK ? 90 : 91;
		return 8;
	}
	out[0] = V5;
	out[1] = v5_codes[code];
	out[3] = ADDR_V4;
	return 10;
}
