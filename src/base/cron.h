/*
 * cron.h: when a schedule comes round.
 *
 * Five fields, minute, hour, day of month, month, day of week, of numbers, names
 * (jan, mon), ranges (1-5), lists (1,15), steps (0-30/5), `L` for the last day of a month; or
 * @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually.  As crontab(5) has
 * it, a day must fit one of day of month and day of week when both are restricted,
 * else both.  7 is Sunday, too.
 *
 * Clocks that are moved: a time that they pass over comes at the moment in which they
 * do; one that they show twice comes once, the first time, but twice when the schedule runs
 * in every hour, so that what is to be done every quarter of an hour is.
 *
 * Pure.  Threads: any.
 */
#ifndef BASE_CRON_H
#define BASE_CRON_H

#include "base/zone.h"

struct cron {
	uint64_t minutes;
	uint32_t hours;
	uint32_t days; /* bit 1 to 31 */
	uint16_t months; /* bit 1 to 12 */
	uint8_t weekdays; /* bit 0 is Sunday */
	bool last_day;
	bool any_day;
	bool any_weekday;
};

/* ERR_USAGE says what is wrong with which field; also for a date that never comes. */
MUST_CHECK enum err_code cron_parse(struct cron *out, const char *text, struct err *err);

/* The first moment later than after (seconds since 1970, UTC) at which it comes round. */
int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after);

/* Does the schedule name this time of a clock? */
bool cron_matches(const struct cron *c, const struct civil *t);

#endif
