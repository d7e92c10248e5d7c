#include "zone_file.h"

#include "base/cron.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t
utc_of(int y, int mo, int d, int h, int mi)
{
	struct civil c = { y, mo, d, h, mi, 0 };
	return civil_seconds(&c);
}

static struct cron
cron_of(const char *text)
{
	struct err err;
	struct cron c;
	ok(cron_parse(&c, text, &err));
	return c;
}

static void
next_is(const char *text, const struct zone *z, int64_t after, int64_t want)
{
	struct cron c = cron_of(text);
	int64_t got = cron_next(&c, z, after);
	struct civil t = civil_of_seconds(got);
	if (got != want)
		fail_msg("'%s': %04d-%02d-%02d %02d:%02d:%02d UTC", text, t.year, t.month,
		    t.day, t.hour, t.minute, t.second);
}

static void
schedules_come_round(void **state)
{
	(void)state;
	struct err err;
	AUTO(zone) struct zone *utc = NULL;
	ok(zone_utc(&utc, &err));
	int64_t noon = utc_of(2026, 11, 21, 12, 0); /* a Saturday */
	next_is("* * * * *", utc, noon, noon + 60);
	next_is("* * * * *", utc, noon - 1, noon);
	next_is("30 3 * * *", utc, noon, utc_of(2026, 11, 22, 3, 30));
	next_is("@daily", utc, noon, utc_of(2026, 11, 22, 0, 0));
	next_is("@weekly", utc, noon, utc_of(2026, 11, 22, 0, 0));
	next_is("@monthly", utc, noon, utc_of(2026, 12, 1, 0, 0));
	next_is("@yearly", utc, noon, utc_of(2027, 1, 1, 0, 0));
	next_is("0 4 * * mon-fri", utc, noon, utc_of(2026, 11, 23, 4, 0));
	next_is("0 4 * * 7", utc, noon, utc_of(2026, 11, 22, 4, 0));
	next_is("*/20 12,18 * * *", utc, noon, utc_of(2026, 11, 21, 12, 20));
	next_is("50/5 12 * * *", utc, noon, utc_of(2026, 11, 21, 12, 50));
	next_is("0 0 29 2 *", utc, noon, utc_of(2028, 2, 29, 0, 0));
	next_is("0 0 L * *", utc, noon, utc_of(2026, 11, 30, 0, 0));
	next_is("0 0 L feb *", utc, noon, utc_of(2027, 2, 28, 0, 0));
	next_is("0 0 31 * ?", utc, noon, utc_of(2026, 12, 31, 0, 0));
	/* Either of the two, when both are said. */
	next_is("0 0 13 * fri", utc, noon, utc_of(2026, 11, 27, 0, 0));
	next_is("0 0 13 * *", utc, noon, utc_of(2026, 12, 13, 0, 0));
}

static void
clocks_that_are_moved_lose_and_double_nothing(void **state)
{
	(void)state;
	AUTO(zone) struct zone *berlin = zone_load("Europe/Berlin");
	AUTO(zone) struct zone *paulo = zone_load("America/Sao_Paulo");
	/* 02:30 is not there on 29 March: at 03:00, and next at 02:30 of the day after. */
	int64_t spring = utc_of(2026, 3, 29, 1, 0);
	next_is("30 2 * * *", berlin, utc_of(2026, 3, 28, 12, 0), spring);
	next_is("30 2 * * *", berlin, spring, utc_of(2026, 3, 30, 0, 30));
	/* Two that fall into the gap are one. */
	next_is("*/30 2 * * *", berlin, utc_of(2026, 3, 28, 12, 0), spring);
	next_is("*/30 2 * * *", berlin, spring, utc_of(2026, 3, 30, 0, 0));
	/* 02:30 is there twice on 25 October: once, the first time. */
	int64_t autumn = utc_of(2026, 10, 25, 0, 30);
	next_is("30 2 * * *", berlin, utc_of(2026, 10, 24, 12, 0), autumn);
	next_is("30 2 * * *", berlin, autumn, utc_of(2026, 10, 26, 1, 30));
	/* What runs in every hour runs in that one, too. */
	next_is("30 * * * *", berlin, autumn, autumn + 3600);
	next_is("30 * * * *", berlin, autumn + 3600, autumn + 7200);
	/* A midnight that is not there. */
	next_is("@daily", paulo, utc_of(2018, 11, 3, 12, 0), utc_of(2018, 11, 4, 3, 0));
	next_is("@daily", paulo, utc_of(2018, 11, 4, 3, 0), utc_of(2018, 11, 5, 2, 0));
}

static uint64_t seed = 7;

static unsigned
below(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static void
random_text(char *out, size_t cap)
{
	char minute[16];
	char hour[16];
	char rest[32];
	static const char *const rests[] = { "* * *", "1 * *", "* * 0", "15,L * mon",
		"* 3,10 *", "*/10 * *", "25-29 mar,oct *" };
	if (below(2))
		snprintf(minute, sizeof minute, "%u", below(60));
	else
		snprintf(minute, sizeof minute, "*/%u", 1 + below(59));
	if (below(3) == 0)
		snprintf(hour, sizeof hour, "*");
	else
		snprintf(hour, sizeof hour, "%u", below(5));
	snprintf(rest, sizeof rest, "%s", rests[below(sizeof rests / sizeof rests[0])]);
	snprintf(out, cap, "%s %s %s", minute, hour, rest);
}

/* Between two runs no minute fits, but for those that a clock shows the second time; and a run
 * is at a minute that fits, or at the moment in which clocks pass over one. */
static void
check_between(const struct cron *c, const struct zone *z, int64_t from, int64_t to)
{
	for (int64_t at = from - from % 60 + 60; at < to; at += 60) {
		struct civil t = zone_local(z, at);
		int64_t moments[2];
		if (!cron_matches(c, &t))
			continue;
		assert_int_equal(zone_moments(z, &t, moments), 2);
		assert_true(at == moments[1]);
		assert_true(c->hours != 0xffffff);
	}
	struct civil t = zone_local(z, to);
	if (!cron_matches(c, &t))
		assert_true(zone_offset(z, to) > zone_offset(z, to - 1));
}

static void
no_time_is_left_out(void **state)
{
	(void)state;
	static const char *const names[] = { "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca" };
	for (int n = 0; n < 150; n++) {
		char text[64];
		AUTO(zone) struct zone *z = zone_load(names[below(5)]);
		random_text(text, sizeof text);
		struct cron c = cron_of(text);
		/* Around the days on which clocks are moved. */
		int64_t at = utc_of(2026, below(2) ? 3 : 10, 1 + (int)below(28), 0, 0) +
			     (int64_t)below(86400);
		for (int i = 0; i < 12; i++) {
			int64_t next = cron_next(&c, z, at);
			assert_true(next > at);
			if (next - at < 40 * 86400)
				check_between(&c, z, at, next);
			at = next;
		}
	}
}

static void
nonsense_is_refused(void **state)
{
	(void)state;
	struct err err;
	struct cron c;
	static const char *const bad[] = { "", "*", "* * * *", "* * * * * *", "60 * * * *",
		"* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
		"5-1 * * * *", "*/0 * * * *", "*/ * * * *", "a * * * *", "* * * foo *",
		"1,,2 * * * *", "1, * * * *", "-1 * * * *", "1- * * * *", "@noon", "0 0 30 2 *",
		"0 0 31 4,6,9,11 *", "99999999999999999999 * * * *", "1;2 * * * *",
		"* * * mond *" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (cron_parse(&c, bad[i], &err) != ERR_USAGE)
			fail_msg("'%s' was taken", bad[i]);
	refused(cron_parse(&c, "0 25 * * *", &err), ERR_USAGE,
	    "hour: no such value at '25 * * *': it goes from 0 to 23");
	refused(cron_parse(&c, "0 0 30 feb *", &err), ERR_USAGE,
	    "'0 0 30 feb *' never comes: no such month has such a day");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_come_round),
		cmocka_unit_test(clocks_that_are_moved_lose_and_double_nothing),
		cmocka_unit_test(no_time_is_left_out),
		cmocka_unit_test(nonsense_is_refused),
	};
	return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
