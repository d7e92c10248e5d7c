#include "base/cron.h"

#include <ctype.h>
#include <string.h>

#define DAY ((int64_t)86400)
/* February 29 comes every eight years at the least often. */
#define DAYS_AHEAD (9 * 366)

struct field {
	const char *name;
	int low;
	int high;
	const char *words; /* of three letters each, for low and so on; NULL: none */
};

static const struct field fields[5] = {
	{ "minute", 0, 59, NULL },
	{ "hour", 0, 23, NULL },
	{ "day of month", 1, 31, NULL },
	{ "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
	{ "day of week", 0, 7, "sunmontuewedthufrisat" },
};

struct text {
	const char *p;
	const struct field *field;
};

static enum err_code
bad(const struct text *t, const char *what, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: %s at '%.12s': it goes from %d to %d",
	    t->field->name, what, t->p, t->field->low, t->field->high);
}

static bool
read_word(struct text *t, int *out)
{
	const char *words = t->field->words;
	for (int i = 0; words != NULL && words[3 * i] != '\0'; i++) {
		const char *w = words + 3 * i;
		int k = 0;
		while (k < 3 && tolower((unsigned char)t->p[k]) == w[k])
			k++;
		if (k < 3 || isalnum((unsigned char)t->p[3]))
			continue;
		*out = t->field->low + i;
		t->p += 3;
		return true;
	}
	return false;
}

static enum err_code
read_value(struct text *t, int *out, struct err *err)
{
	if (read_word(t, out))
		return ERR_OK;
	if (!isdigit((unsigned char)*t->p))
		return bad(t, "no such value", err);
	const char *from = t->p;
	int n = 0;
	while (isdigit((unsigned char)*t->p) && n < 1000)
		n = n * 10 + *t->p++ - '0';
	if (n < t->field->low || n > t->field->high) {
		t->p = from;
		return bad(t, "no such value", err);
	}
	*out = n;
	return ERR_OK;
}

static enum err_code
read_step(struct text *t, int *step, struct err *err)
{
	*step = 1;
	if (*t->p != '/')
		return ERR_OK;
	t->p++;
	int n = 0;
	while (isdigit((unsigned char)*t->p) && n < 1000)
		n = n * 10 + *t->p++ - '0';
	if (n < 1 || n > t->field->high)
		return bad(t, "no such step", err);
	*step = n;
	return ERR_OK;
}

/* One item of a list. */
static enum err_code
read_item(struct text *t, uint64_t *bits, struct err *err)
{
	int from = t->field->low;
	int to = t->field->high;
	int step;
	if (*t->p == '*') {
		t->p++;
	} else {
		if (read_value(t, &from, err))
			return err->code;
		to = from;
		if (*t->p == '-') {
			t->p++;
			if (read_value(t, &to, err))
				return err->code;
		} else if (*t->p == '/') {
			to = t->field->high;
		}
	}
	if (to < from)
		return bad(t, "the range ends before it begins", err);
	if (read_step(t, &step, err))
		return err->code;
	for (int i = from; i <= to; i += step)
		*bits |= UINT64_C(1) << i;
	return ERR_OK;
}

/* *any: a star alone, which restricts nothing. */
static enum err_code
read_field(struct text *t, uint64_t *bits, bool *any, bool *last, struct err *err)
{
	while (*t->p == ' ' || *t->p == '\t')
		t->p++;
	if (*t->p == '\0')
		return err_set(err, ERR_USAGE,
		    "%s is missing: five fields are wanted, minute, hour, day of month, month "
		    "and "
		    "day of week, or @daily and the like",
		    t->field->name);
	*bits = 0;
	*any = (*t->p == '*' || *t->p == '?') &&
	       (t->p[1] == ' ' || t->p[1] == '\t' || t->p[1] == '\0');
	if (*t->p == '?' && *any) {
		t->p++;
		for (int i = t->field->low; i <= t->field->high; i++)
			*bits |= UINT64_C(1) << i;
		return ERR_OK;
	}
	for (;;) {
		if (last != NULL && (*t->p == 'L' || *t->p == 'l')) {
			*last = true;
			t->p++;
		} else if (read_item(t, bits, err)) {
			return err->code;
		}
		if (*t->p != ',')
			break;
		t->p++;
	}
	return *t->p == '\0' || *t->p == ' ' || *t->p == '\t' ? ERR_OK
							      : bad(t, "not understood", err);
}

static const char *
of_nickname(const char *text)
{
	static const char *const names[][2] = {
		{ "@hourly", "0 * * * *" },
		{ "@daily", "0 0 * * *" },
		{ "@midnight", "0 0 * * *" },
		{ "@weekly", "0 0 * * 0" },
		{ "@monthly", "0 0 1 * *" },
		{ "@yearly", "0 0 1 1 *" },
		{ "@annually", "0 0 1 1 *" },
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(text, names[i][0]) == 0)
			return names[i][1];
	return text;
}

/* A day that fits; 29 February is looked for in a leap year. */
static bool
comes_round(const struct cron *c)
{
	for (int64_t d = 0; d < DAYS_AHEAD; d++) {
		struct civil t = civil_of_seconds(d * DAY);
		struct cron day = *c;
		day.minutes = day.hours = 1;
		if (cron_matches(&day, &t))
			return true;
	}
	return false;
}

enum err_code
cron_parse(struct cron *out, const char *text, struct err *err)
{
	struct text t = { of_nickname(text), NULL };
	uint64_t bits[5];
	bool any[5];
	bool last = false;
	if (*t.p == '@')
		return err_set(err, ERR_USAGE,
		    "'%.20s' is not known: @hourly, @daily, @weekly, @monthly and @yearly are",
		    text);
	for (int i = 0; i < 5; i++) {
		t.field = &fields[i];
		if (read_field(&t, &bits[i], &any[i], i == 2 ? &last : NULL, err))
			return err->code;
	}
	while (*t.p == ' ' || *t.p == '\t')
		t.p++;
	if (*t.p != '\0')
		return err_set(
		    err, ERR_USAGE, "'%.20s' is too much: there are five fields", t.p);
	struct cron c = {
		.minutes = bits[0],
		.hours = (uint32_t)bits[1],
		.days = (uint32_t)bits[2],
		.months = (uint16_t)bits[3],
		.weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f),
		.last_day = last,
		.any_day = any[2],
		.any_weekday = any[4],
	};
	if (!comes_round(&c))
		return err_set(
		    err, ERR_USAGE, "'%.40s' never comes: no such month has such a day", text);
	*out = c;
	return ERR_OK;
}

static bool
has_bit(uint64_t bits, int i)
{
	return (bits >> i & 1) != 0;
}

static bool
fits_day(const struct cron *c, const struct civil *t)
{
	bool is_last = c->last_day && t->day == civil_month_days(t->year, t->month);
	bool day = has_bit(c->days, t->day) || is_last;
	bool weekday =
	    has_bit(c->weekdays, civil_weekday(civil_days(t->year, t->month, t->day)));
	if (!has_bit(c->months, t->month))
		return false;
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

bool
cron_matches(const struct cron *c, const struct civil *t)
{
	return fits_day(c, t) && has_bit(c->hours, t->hour) && has_bit(c->minutes, t->minute);
}

/* The first moment of that local day that is later than after; INT64_MAX: none. */
static int64_t
next_of_day(const struct cron *c, const struct zone *z, struct civil day, int64_t after)
{
	bool is_hourly = c->hours == 0xffffff;
	int64_t best = INT64_MAX;
	if (!fits_day(c, &day))
		return best;
	for (day.hour = 0; day.hour < 24; day.hour++)
		for (day.minute = 0; has_bit(c->hours, day.hour) && day.minute < 60;
		     day.minute++) {
			int64_t at[2];
			if (!has_bit(c->minutes, day.minute))
				continue;
			bool is_twice = zone_moments(z, &day, at) == 2 && is_hourly;
			for (int i = 0; i <= is_twice; i++)
				if (at[i] > after && at[i] < best)
					best = at[i];
		}
	return best;
}

int64_t
cron_next(const struct cron *c, const struct zone *z, int64_t after)
{
	struct civil local = zone_local(z, after);
	int64_t today = civil_days(local.year, local.month, local.day);
	int64_t best = INT64_MAX;
	/* Where clocks are moved at midnight, moments of two days mingle. */
	for (int64_t d = today - 1; d < today + DAYS_AHEAD; d++) {
		struct civil day = civil_of_seconds(d * DAY);
		int64_t at = next_of_day(c, z, day, after);
		if (best != INT64_MAX)
			return at < best ? at : best;
		best = at;
	}
	return best;
}
