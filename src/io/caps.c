/* capget() and capset(), which glibc does not wrap, and the prctl() calls around them. */
#include "io/caps.h"

#include <errno.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WORDS = _LINUX_CAPABILITY_U32S_3 };

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

int caps_get(struct caps *out, struct why *why)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[WORDS];

	if (syscall(SYS_capget, &head, data))
		return why_set(why, ERR_IO, "reading capabilities: %s", strerror(errno));
	out->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	out->effective = (uint64_t)data[1].effective << 32 | data[0].effective;
	return OK;
}

int caps_set(const struct caps *c, struct why *why)
{
	struct __user_cap_header_struct head = header();
	struct __user_cap_data_struct data[WORDS] = { { 0 } };

	for (int i = 0; i < WORDS; i++) {
		data[i].permitted = (uint32_t)(c->permitted >> (32 * i));
		data[i].effective = (uint32_t)(c->effective >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) == 0)
		return OK;
	return why_set(why, errno == EPERM ? ERR_DENIED : ERR_IO, "setting capabilities: %s", strerror(errno));
}

static void drop_bounding(uint64_t keep)
{
	/* The kernel may know more than the header: the first number that it does not know ends the list. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap >= 64 || !(keep & CAPS_ONE(cap)))
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0); /* CAP_SETPCAP is effective: it cannot fail */
}

int caps_fix(uint64_t keep, struct why *why)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE;
	struct caps c;
	int err = caps_get(&c, why);

	if (err)
		return err;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!(c.effective & CAPS_ONE(CAP_SETPCAP)) || prctl(PR_SET_SECUREBITS, bits, 0, 0, 0)) {
		if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & SECBIT_NO_SETUID_FIXUP)
			return OK; /* inherited from a parent that had the right */
		return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
			       ? why_set(why, ERR_IO, "keeping capabilities: %s", strerror(errno))
			       : OK;
	}
	drop_bounding(keep);
	return OK;
}
