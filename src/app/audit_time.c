/* The calendar, as far as UTC needs it. */
#include "app/audit_time.h"

#include <stdio.h>

struct date {
	unsigned year, month, day; /* month from 0 */
};

static unsigned days_of(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month] + (leap && month == 1);
}

/* Not gmtime(): the C library may look for time zones in files first, and a sandbox has none. */
static struct date date_of(uint64_t days)
{
	struct date d = { 1970, 0, 1 };

	for (; days >= 365u + (days_of(d.year, 1) - 28u); d.year++)
		days -= 365u + (days_of(d.year, 1) - 28u);
	for (; days >= days_of(d.year, d.month); d.month++)
		days -= days_of(d.year, d.month);
	d.day += (unsigned)days;
	return d;
}

const char *audit_time(char out[AUDIT_TIME], uint64_t ms)
{
	static const uint64_t day_ms = 86400000, last_day = 2932896; /* 9999-12-31 */
	struct date d = date_of(MIN(ms / day_ms, last_day));
	unsigned rest = (unsigned)(ms % day_ms);

	snprintf(out, AUDIT_TIME, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", d.year, d.month + 1, d.day, rest / 3600000,
		 rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
	return out;
}
