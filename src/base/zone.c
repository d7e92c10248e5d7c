#include "base/zone.h"

#include <stdlib.h>
#include <string.h>

#define DAY ((int64_t)86400)
#define HEADER 44
/* More than any zone has had; a file that says so is hostile. */
#define TRANSITIONS_MAX 4096
#define TYPES_MAX 256

/* --- civil dates --- */

int64_t
civil_days(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

void
civil_of_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

int
civil_weekday(int64_t days)
{
	int64_t n = (days + 4) % 7;
	return (int)(n < 0 ? n + 7 : n);
}

int
civil_month_days(int year, int month)
{
	int64_t next =
	    month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, month + 1, 1);
	return (int)(next - civil_days(year, month, 1));
}

int64_t
civil_seconds(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 +
	       c->second;
}

struct civil
civil_of_seconds(int64_t s)
{
	struct civil c;
	int64_t days = s / DAY - (s % DAY < 0);
	int64_t rest = s - days * DAY;
	civil_of_days(days, &c.year, &c.month, &c.day);
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	return c;
}

/* --- the footer's rule --- */

enum rule_form { RULE_JULIAN, RULE_DAY, RULE_WEEKDAY };

/* When, within a year, the clocks are moved. */
struct rule {
	enum rule_form form;
	int month;
	int week; /* 5: the last */
	int day; /* of the year, or of the week */
	int time; /* seconds from midnight, by the clock before */
};

struct zone {
	int64_t *at; /* transitions */
	uint8_t *type; /* from each on */
	size_t count;
	int offsets[TYPES_MAX]; /* of the types */
	int first; /* the offset before the first transition */
	bool has_rule;
	bool has_summer;
	int standard;
	int summer;
	struct rule begin; /* of summer time */
	struct rule end;
};

/* A number of at most 3 digits. */
static bool
read_number(const char **p, int *out)
{
	int n = 0;
	int digits = 0;
	while (**p >= '0' && **p <= '9' && digits < 3) {
		n = n * 10 + *(*p)++ - '0';
		digits++;
	}
	*out = n;
	return digits > 0;
}

/* [+-]h[:mm[:ss]] in seconds */
static bool
read_time(const char **p, int *out)
{
	int sign = 1;
	int part;
	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!read_number(p, &part) || part > 167)
		return false;
	int s = part * 3600;
	for (int unit = 60; unit >= 1 && **p == ':'; unit /= 60) {
		++*p;
		if (!read_number(p, &part) || part > 59)
			return false;
		s += part * unit;
	}
	*out = sign * s;
	return true;
}

static bool
skip_name(const char **p)
{
	const char *from = *p;
	if (**p == '<') {
		const char *end = strchr(*p, '>');
		*p = end != NULL ? end + 1 : *p;
		return end != NULL;
	}
	while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
		++*p;
	return *p - from >= 3;
}

static bool
read_rule(const char **p, struct rule *r)
{
	*r = (struct rule){ .form = RULE_DAY, .time = 2 * 3600 };
	if (**p == 'M') {
		++*p;
		r->form = RULE_WEEKDAY;
		if (!read_number(p, &r->month) || r->month < 1 || r->month > 12 ||
		    *(*p)++ != '.' || !read_number(p, &r->week) || r->week < 1 || r->week > 5 ||
		    *(*p)++ != '.' || !read_number(p, &r->day) || r->day > 6)
			return false;
	} else {
		if (**p == 'J') {
			++*p;
			r->form = RULE_JULIAN;
		}
		if (!read_number(p, &r->day) || r->day > 365 ||
		    (r->form == RULE_JULIAN && r->day < 1))
			return false;
	}
	if (**p != '/')
		return true;
	++*p;
	return read_time(p, &r->time);
}

/* "CET-1CEST,M3.5.0,M10.5.0/3"; west of Greenwich is positive there. */
static bool
read_footer(struct zone *z, const char *text)
{
	const char *p = text;
	int west;
	if (!skip_name(&p) || !read_time(&p, &west))
		return false;
	z->standard = -west;
	z->has_rule = true;
	if (*p == '\0')
		return true;
	if (!skip_name(&p))
		return false;
	z->summer = z->standard + 3600;
	if (*p != ',' && *p != '\0') {
		if (!read_time(&p, &west))
			return false;
		z->summer = -west;
	}
	z->has_summer = true;
	return *p++ == ',' && read_rule(&p, &z->begin) && *p++ == ',' &&
	       read_rule(&p, &z->end) && *p == '\0';
}

/* Seconds since 1970 by the clock before. */
static int64_t
rule_moment(const struct rule *r, int year)
{
	int64_t day = civil_days(year, 1, 1);
	if (r->form == RULE_WEEKDAY) {
		int64_t first = civil_days(year, r->month, 1);
		int ahead = (r->day - civil_weekday(first) + 7) % 7 + (r->week - 1) * 7;
		while (ahead >= civil_month_days(year, r->month))
			ahead -= 7;
		day = first + ahead;
	} else if (r->form == RULE_JULIAN) {
		/* February 29 is not counted. */
		day += r->day - 1 + (r->day >= 60 && civil_month_days(year, 2) == 29);
	} else {
		day += r->day;
	}
	return day * DAY + r->time;
}

static int
rule_offset(const struct zone *z, int64_t utc)
{
	if (!z->has_summer)
		return z->standard;
	int year = civil_of_seconds(utc + z->standard).year;
	int64_t begin = rule_moment(&z->begin, year) - z->standard;
	int64_t end = rule_moment(&z->end, year) - z->summer;
	bool is_summer = begin < end ? utc >= begin && utc < end : !(utc >= end && utc < begin);
	return is_summer ? z->summer : z->standard;
}

/* --- the file --- */

static int64_t
get_be(const uint8_t *p, int bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return bytes == 4 ? (int64_t)(int32_t)v : (int64_t)v;
}

struct counts {
	size_t isut;
	size_t isstd;
	size_t leap;
	size_t times;
	size_t types;
	size_t chars;
	size_t size; /* of the data block */
};

static bool
read_counts(struct counts *c, const uint8_t *p, size_t len, int width)
{
	if (len < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	size_t n[6];
	for (int i = 0; i < 6; i++) {
		n[i] = (size_t)(uint32_t)get_be(p + 20 + 4 * i, 4);
		if (n[i] > ((size_t)1 << 20))
			return false;
	}
	*c = (struct counts){ n[0], n[1], n[2], n[3], n[4], n[5], 0 };
	size_t w = (size_t)width;
	c->size = c->times * (w + 1) + c->types * 6 + c->chars + c->leap * (w + 4) + c->isstd +
		  c->isut;
	return c->size <= len - HEADER && c->types >= 1 && c->types <= TYPES_MAX &&
	       c->times <= TRANSITIONS_MAX;
}

static bool
read_block(struct zone *z, const struct counts *c, const uint8_t *p, int width)
{
	const uint8_t *types = p + c->times * (size_t)width;
	const uint8_t *infos = types + c->times;
	z->count = c->times;
	for (size_t i = 0; i < c->types; i++) {
		z->offsets[i] = (int)get_be(infos + 6 * i, 4);
		if (z->offsets[i] < -2 * DAY || z->offsets[i] > 2 * DAY)
			return false;
	}
	for (size_t i = 0; i < c->times; i++) {
		z->at[i] = get_be(p + i * (size_t)width, width);
		z->type[i] = types[i];
		if (types[i] >= c->types || (i > 0 && z->at[i] <= z->at[i - 1]))
			return false;
	}
	z->first = z->offsets[0];
	return true;
}

/* Behind the data of version 2 and later: a newline, the rule, a newline. */
static bool
read_end(struct zone *z, const uint8_t *p, size_t len)
{
	char text[128];
	if (len < 2 || p[0] != '\n')
		return false;
	const uint8_t *end = memchr(p + 1, '\n', len - 1);
	size_t n = end != NULL ? (size_t)(end - p) - 1 : sizeof text;
	if (n >= sizeof text)
		return false;
	memcpy(text, p + 1, n);
	text[n] = '\0';
	return n == 0 || (strlen(text) == n && read_footer(z, text));
}

static enum err_code
parse(struct zone *z, const uint8_t *p, size_t len, struct err *err)
{
	struct counts c;
	int width = 4;
	bool is_good = read_counts(&c, p, len, width);
	bool has_footer = is_good && p[4] >= '2';
	if (has_footer) {
		/* The first block is for readers of version 1. */
		width = 8;
		p += HEADER + c.size;
		len -= HEADER + c.size;
		is_good = read_counts(&c, p, len, width);
	}
	if (!is_good)
		return err_set(err, ERR_CORRUPT, "not the file of a time zone");
	z->at = calloc(c.times + 1, sizeof *z->at);
	z->type = calloc(c.times + 1, 1);
	if (z->at == NULL || z->type == NULL)
		return err_nomem(err);
	if (!read_block(z, &c, p + HEADER, width) ||
	    (has_footer && !read_end(z, p + HEADER + c.size, len - HEADER - c.size)))
		return err_set(err, ERR_CORRUPT, "the file of a time zone is damaged");
	return ERR_OK;
}

enum err_code
zone_parse(struct zone **out, const void *tzif, size_t len, struct err *err)
{
	AUTO(zone) struct zone *z = calloc(1, sizeof *z);
	if (z == NULL)
		return err_nomem(err);
	if (parse(z, tzif, len, err))
		return err->code;
	*out = TAKE(z);
	return ERR_OK;
}

enum err_code
zone_utc(struct zone **out, struct err *err)
{
	struct zone *z = calloc(1, sizeof *z);
	if (z == NULL)
		return err_nomem(err);
	*out = z;
	return ERR_OK;
}

void
zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->at);
	free(z->type);
	free(z);
}

/* --- asking --- */

int
zone_offset(const struct zone *z, int64_t utc)
{
	size_t low = 0; /* so many transitions are not later */
	size_t high = z->count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (z->at[mid] <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == z->count && z->has_rule)
		return rule_offset(z, utc);
	return low == 0 ? z->first : z->offsets[z->type[low - 1]];
}

struct civil
zone_local(const struct zone *z, int64_t utc)
{
	return civil_of_seconds(utc + zone_offset(z, utc));
}

/* The first moment in (before, after] with another offset than before. */
static int64_t
find_change(const struct zone *z, int64_t before, int64_t after)
{
	int offset = zone_offset(z, before);
	while (after - before > 1) {
		int64_t mid = before + (after - before) / 2;
		if (zone_offset(z, mid) == offset)
			before = mid;
		else
			after = mid;
	}
	return after;
}

unsigned
zone_moments(const struct zone *z, const struct civil *c, int64_t out[2])
{
	int64_t local = civil_seconds(c);
	/* No zone has moved its clocks twice within two days. */
	int early = zone_offset(z, local - DAY);
	int late = zone_offset(z, local + DAY);
	int64_t by_early = local - early;
	int64_t by_late = local - late;
	bool early_is = zone_offset(z, by_early) == early;
	bool late_is = zone_offset(z, by_late) == late;
	if (early == late || (early_is && !late_is)) {
		out[0] = by_early;
		return 1;
	}
	if (late_is && !early_is) {
		out[0] = by_late;
		return 1;
	}
	if (!early_is) {
		out[0] = find_change(z, by_late, by_early);
		return 0;
	}
	out[0] = by_early;
	out[1] = by_late;
	return 2;
}
