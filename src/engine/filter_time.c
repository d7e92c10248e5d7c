/*
 * Times as users write them: see time_parse in filter.h.
 *
 * A date without a zone is local: mktime knows the zone's rules, summer time
 * included.  Days and weeks before now are 24 hours each; months and years are
 * the calendar's, and end on the last day of a shorter month.
 */
#include "engine/filter.h"

#include "sys/clock.h"

#include <ctype.h>
#include <time.h>

#define YEAR_MIN 1970
#define YEAR_MAX 2261 /* the last whole year that nanoseconds in an int64_t reach */

static enum err_code
refuse(const char *text, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "'%s' is no time: give 2026-11-21, \"2026-11-21 15:30\", "
	    "2026-11-21T15:30:00+01:00, an age as 36h, 7d, 2w, 3m or 1y, or now",
	    text);
}

/* Exactly digits digits at *p. */
static bool
take_number(const char **p, int digits, int *out)
{
	int n = 0;
	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		n = 10 * n + ((*p)[i] - '0');
	}
	*p += digits;
	*out = n;
	return true;
}

static bool
take(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
take_date(const char **p, struct tm *tm)
{
	int year;
	int month;
	int day;
	if (!take_number(p, 4, &year) || !take(p, '-') || !take_number(p, 2, &month) ||
	    !take(p, '-') || !take_number(p, 2, &day))
		return false;
	if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	*tm = (struct tm){
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_isdst = -1
	};
	return true;
}

/* "15:30", "15:30:05", "15:30:05.25" */
static bool
take_clock(const char **p, struct tm *tm, int64_t *ns)
{
	if (!take_number(p, 2, &tm->tm_hour) || !take(p, ':') ||
	    !take_number(p, 2, &tm->tm_min) || tm->tm_hour > 23 || tm->tm_min > 59)
		return false;
	if (!take(p, ':'))
		return true;
	if (!take_number(p, 2, &tm->tm_sec) || tm->tm_sec > 60)
		return false;
	if (!take(p, '.'))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (int64_t unit = NS_PER_S / 10; isdigit((unsigned char)**p); (*p)++, unit /= 10)
		*ns += (**p - '0') * unit;
	return true;
}

/* "Z", "+01:00" */
static bool
take_zone(const char **p, int *offset_s)
{
	int hours;
	int minutes;
	*offset_s = 0;
	if (take(p, 'Z') || take(p, 'z'))
		return true;
	int sign = **p == '-' ? -1 : 1;
	if ((!take(p, '+') && !take(p, '-')) || !take_number(p, 2, &hours) || !take(p, ':') ||
	    !take_number(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset_s = sign * (60 * hours + minutes) * 60;
	return true;
}

static bool
parse_date(int64_t *out_ns, const char *text)
{
	struct tm tm;
	int64_t ns = 0;
	int offset_s = 0;
	bool has_zone = false;
	if (!take_date(&text, &tm))
		return false;
	if (take(&text, ' ') || take(&text, 'T') || take(&text, 't')) {
		if (!take_clock(&text, &tm, &ns))
			return false;
		if (*text != '\0') {
			if (!take_zone(&text, &offset_s))
				return false;
			has_zone = true;
		}
	}
	if (*text != '\0')
		return false;
	time_t s = has_zone ? timegm(&tm) - offset_s : mktime(&tm);
	*out_ns = s * NS_PER_S + ns;
	return true;
}

static int64_t
months_before(int64_t now_ns, int64_t months)
{
	time_t s = (time_t)(now_ns / NS_PER_S);
	struct tm tm;
	localtime_r(&s, &tm);
	int64_t total = 12 * (int64_t)tm.tm_year + tm.tm_mon - months;
	if (total < 12 * (YEAR_MIN - 1900))
		return 1;
	tm.tm_year = (int)(total / 12);
	tm.tm_mon = (int)(total % 12);
	int last = days_in_month(tm.tm_year + 1900, tm.tm_mon + 1);
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	tm.tm_isdst = -1;
	return mktime(&tm) * NS_PER_S + now_ns % NS_PER_S;
}

/* "36h" before now. */
static bool
parse_age(int64_t *out_ns, const char *text, int64_t now_ns)
{
	int64_t n = 0;
	const char *p = text;
	for (; isdigit((unsigned char)*p); p++) {
		if (p - text >= 6)
			return false;
		n = 10 * n + (*p - '0');
	}
	if (p == text || *p == '\0' || p[1] != '\0')
		return false;
	int64_t hours = 0;
	switch (*p) {
	case 'h':
		hours = n;
		break;
	case 'd':
		hours = 24 * n;
		break;
	case 'w':
		hours = INT64_C(7) * 24 * n;
		break;
	case 'm':
		*out_ns = months_before(now_ns, n);
		return true;
	case 'y':
		*out_ns = months_before(now_ns, 12 * n);
		return true;
	default:
		return false;
	}
	/* Before 1970 nothing was backed up; 0 would mean "no bound". */
	int64_t now_hours = now_ns / NS_PER_S / 3600;
	*out_ns = hours >= now_hours ? 1 : now_ns - hours * 3600 * NS_PER_S;
	return true;
}

enum err_code
time_parse(int64_t *out_ns, const char *text, int64_t now_ns, struct err *err)
{
	if (strcmp(text, "now") == 0) {
		*out_ns = now_ns;
		return ERR_OK;
	}
	if (!parse_age(out_ns, text, now_ns) && !parse_date(out_ns, text))
		return refuse(text, err);
	return ERR_OK;
}
