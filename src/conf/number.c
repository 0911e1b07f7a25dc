/* Times, sizes, masks, ports and types of service. Strict: no sign, no space, nothing behind. */
#include "conf/number.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "conf/types.h"

enum { DIGITS_MAX = 20 };

/* The digits at *s, which moves behind them. */
static int leading_number(const char **s, uint64_t max, uint64_t *v)
{
	char digits[DIGITS_MAX + 1];
	size_t n = strspn(*s, "0123456789");

	if (n == 0 || n > DIGITS_MAX)
		return ERR_SYNTAX;
	memcpy(digits, *s, n);
	digits[n] = 0;
	*s += n;
	return str_u64(digits, 0, max, v);
}

int number_seconds(const char *s, int *seconds)
{
	static const char units[] = "smhdw";
	static const uint64_t scale[] = { 1, 60, 3600, 86400, 604800 };
	uint64_t sum = 0, v;

	do {
		if (leading_number(&s, INT_MAX, &v))
			return ERR_SYNTAX;
		char unit[2] = { *s ? *s : 's', 0 };
		str_lower(unit);
		const char *u = strchr(units, unit[0]);
		if (!u)
			return ERR_SYNTAX;
		sum += v * scale[u - units];
		if (sum > INT_MAX)
			return ERR_SYNTAX;
		s += *s != 0;
	} while (*s);
	*seconds = (int)sum;
	return OK;
}

int number_bytes(const char *s, uint64_t *bytes)
{
	static const char units[] = "kmg";
	uint64_t v;

	if (leading_number(&s, UINT64_MAX >> 30, &v))
		return ERR_SYNTAX;
	if (*s) {
		char unit[2] = { *s, 0 };
		str_lower(unit);
		const char *u = strchr(units, unit[0]);
		if (!u || s[1])
			return ERR_SYNTAX;
		v <<= 10 * (u - units + 1);
	}
	*bytes = v;
	return OK;
}

int number_port(const char *s, uint64_t least, uint16_t *port)
{
	bool digits = *s && strspn(s, "0123456789") == strlen(s);
	const struct servent *service = *s && !digits ? getservbyname(s, "tcp") : NULL;
	uint64_t v = service ? ntohs((uint16_t)service->s_port) : 0;

	if (!digits && !service)
		return ERR_NOT_FOUND;
	if (digits && str_u64(s, least, UINT16_MAX, &v))
		return ERR_LIMIT;
	*port = (uint16_t)v;
	return OK;
}

const char *number_no_service(void)
{
	return access(_PATH_SERVICES, R_OK) ? "there is no " _PATH_SERVICES " to look a name up in"
					    : _PATH_SERVICES " has no TCP service of that name";
}

int number_mask(const char *s, int *mask)
{
	int v = 0;

	if (!*s || strspn(s, "01234567") != strlen(s))
		return ERR_SYNTAX;
	for (; *s; s++) {
		v = v * 8 + (*s - '0');
		if (v > 0777)
			return ERR_SYNTAX;
	}
	*mask = v;
	return OK;
}

/* RFC 2474 class selectors, RFC 2597 assured forwarding, RFC 3246 ef, RFC 8622 le, RFC 1349 for the last three. */
static const struct {
	const char *name;
	int tos;
} qos_names[] = {
	{ "af11", 0x28 },     { "af12", 0x30 }, { "af13", 0x38 },     { "af21", 0x48 },	      { "af22", 0x50 },
	{ "af23", 0x58 },     { "af31", 0x68 }, { "af32", 0x70 },     { "af33", 0x78 },	      { "af41", 0x88 },
	{ "af42", 0x90 },     { "af43", 0x98 }, { "cs0", 0x00 },      { "cs1", 0x20 },	      { "cs2", 0x40 },
	{ "cs3", 0x60 },      { "cs4", 0x80 },	{ "cs5", 0xa0 },      { "cs6", 0xc0 },	      { "cs7", 0xe0 },
	{ "ef", 0xb8 },	      { "le", 0x04 },	{ "lowdelay", 0x10 }, { "throughput", 0x08 }, { "reliability", 0x04 },
	{ "none", QOS_NONE },
};

static int hex_qos(const char *s, int *tos)
{
	int v = 0;

	if (!*s || strlen(s) > 2)
		return ERR_SYNTAX;
	for (; *s; s++) {
		static const char digits[] = "0123456789abcdef";
		char c[2] = { *s, 0 };
		str_lower(c);
		const char *d = strchr(digits, c[0]);
		if (!d)
			return ERR_SYNTAX;
		v = v * 16 + (int)(d - digits);
	}
	*tos = v;
	return OK;
}

int number_qos(const char *s, int *tos)
{
	uint64_t v;

	for (size_t i = 0; i < LEN(qos_names); i++)
		if (str_eq_nocase(s, qos_names[i].name)) {
			*tos = qos_names[i].tos;
			return OK;
		}
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return hex_qos(s + 2, tos);
	if (str_u64(s, 0, 255, &v))
		return ERR_SYNTAX;
	*tos = (int)v;
	return OK;
}

const char *number_qos_name(int tos)
{
	for (size_t i = 0; i < LEN(qos_names); i++)
		if (qos_names[i].tos == tos)
			return qos_names[i].name;
	return NULL;
}
