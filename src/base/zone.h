/*
 * zone.h: local time and UTC, in any time zone, without touching TZ.
 *
 * A zone is read from the bytes of a TZif file (RFC 9636, versions 1 to 4) and keeps
 * its transitions, and the rule in its footer for the years behind the last of them
 * (POSIX.1-2017, section 8.3, with the extension of hours from -167 to 167).  Leap
 * seconds are not counted, as everywhere on Linux.
 *
 * Civil dates are those of the proleptic Gregorian calendar; the arithmetic is Howard
 * Hinnant's (chrono-Compatible Low-Level Date Algorithms).
 *
 * Pure: no input or output; the bytes may be hostile.
 * Threads: a zone may be read by any number at once.
 * Errors:  ERR_CORRUPT for bytes that are no TZif file, ERR_NO_MEMORY.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/err.h"

#include <stdbool.h>

struct civil {
	int year;
	int month; /* 1 to 12 */
	int day; /* 1 to 31 */
	int hour;
	int minute;
	int second;
};

/* Days since 1970-01-01, and back. */
int64_t civil_days(int year, int month, int day);
void civil_of_days(int64_t days, int *year, int *month, int *day);
/* 0 is Sunday. */
int civil_weekday(int64_t days);
int civil_month_days(int year, int month);
/* Seconds since 1970 as if the clock showed UTC, and back. */
int64_t civil_seconds(const struct civil *c);
struct civil civil_of_seconds(int64_t s);

struct zone;

MUST_CHECK enum err_code zone_parse(
    struct zone **out, const void *tzif, size_t len, struct err *err);
MUST_CHECK enum err_code zone_utc(struct zone **out, struct err *err);
void zone_free(struct zone *z);
AUTO_FREE(zone, struct zone *, zone_free)

/* How far clocks are ahead of UTC at that moment, in seconds. */
int zone_offset(const struct zone *z, int64_t utc);
struct civil zone_local(const struct zone *z, int64_t utc);

/* The moments at which clocks show c: how many there are, in order.  0: clocks pass over it,
 * and out[0] is the moment in which they do. */
unsigned zone_moments(const struct zone *z, const struct civil *c, int64_t out[2]);

#endif
