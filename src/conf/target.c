/* Brackets and the last colon decide; names are not looked at beyond that they are there. */
#include "conf/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/str.h"

enum { NET_TEXT = 64 };

static bool is_range(struct span s)
{
	char text[NET_TEXT];
	struct ip_range range;

	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = 0;
	return ip_range_parse(&range, text) == OK;
}

static bool has(struct span s, char c)
{
	return s.n && memchr(s.p, c, s.n);
}

bool target_is_net(const char *word)
{
	struct span s = span_str(word + (*word == '!'));

	return s.n > 0 && (!has(s, '/') || is_range(s));
}

/* The end of the host in what ListenAddress says, and whether a port may follow. */
static const char *host_end(const char *word)
{
	const char *colon = strchr(word, ':');

	if (*word == '[')
		return strchr(word, ']');
	return colon && !strchr(colon + 1, ':') ? colon : word + strlen(word);
}

static bool is_listen_host(struct span host, bool bracketed)
{
	char text[NET_TEXT];
	struct ip ip;

	if (!has(host, ':'))
		return host.n && !bracketed && !has(host, '/') && !has(host, '*');
	if (host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = 0;
	return ip_parse(&ip, text) == OK;
}

int target_read_listen_address(struct listen_at *out, const char *word)
{
	bool bracketed = *word == '[';
	const char *end = host_end(word);
	uint64_t port = 0;

	if (!end)
		return ERR_SYNTAX;
	struct span host = span(word + bracketed, (size_t)(end - word - bracketed));
	const char *tail = end + bracketed;
	if (!is_listen_host(host, bracketed) || (*tail && *tail != ':'))
		return ERR_SYNTAX;
	if (*tail && str_u64(tail + 1, 1, 65535, &port))
		return ERR_SYNTAX;
	char *copy = str_from_span(host);
	if (!copy)
		return ERR_NOMEM;
	*out = (struct listen_at){ copy, (uint16_t)port };
	return OK;
}
