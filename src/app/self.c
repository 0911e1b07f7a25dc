/* Which addresses lead to this server itself. */
#include "app/self.h"

#include "io/sock.h"

static bool is_any(const struct ip *a)
{
	static const struct ip any4 = { 4, { 0 } }, any6 = { 6, { 0 } };

	return ip_equal(a, &any4) || ip_equal(a, &any6);
}

/* Whoever connects to 0.0.0.0 or :: gets to loopback. */
static struct ip connected_to(const struct ip *a)
{
	static const struct ip loop4 = { 4, { 127, 0, 0, 1 } }, loop6 = { 6, { [15] = 1 } };

	if (is_any(a))
		return a->family == 4 ? loop4 : loop6;
	return *a;
}

static bool takes(const struct self_door *d, const struct ip *a)
{
	struct ip to = connected_to(a);

	if (!is_any(&d->ip))
		return ip_equal(&d->ip, &to);
	return (to.family == d->ip.family || d->dual) && addr_is_here(&to);
}

bool self_door_takes(const struct self_door *d, const struct ip *a, uint16_t port)
{
	struct ip inner = ip_unwrap(*a);

	return d->port == port && (takes(d, a) || takes(d, &inner));
}

bool self_takes(const struct self *s, const struct ip *a, uint16_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (self_door_takes(&s->doors[i], a, port))
			return true;
	return false;
}
