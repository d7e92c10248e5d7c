/* Against the C library's own localtime, in the zones of this system. */
#include "zone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Summer time on both halves of the earth, of half an hour, below zero, at midnight, a day left
 * out, none. */
static const char *const names[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
	"Africa/Casablanca", "Europe/Dublin", "America/Sao_Paulo", "Pacific/Apia",
	"Asia/Kathmandu", "America/St_Johns", "Asia/Gaza", "America/Santiago", "UTC" };
#define NAMES (sizeof names / sizeof names[0])

static uint64_t seed = 1;

static uint64_t
next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed >> 33;
}

static void
check_like_libc(const struct zone *z, int64_t utc)
{
	time_t t = (time_t)utc;
	struct tm want;
	assert_non_null(localtime_r(&t, &want));
	struct civil got = zone_local(z, utc);
	if (zone_offset(z, utc) != want.tm_gmtoff)
		fail_msg("at %lld: %d, the C library says %ld", (long long)utc,
		    zone_offset(z, utc), want.tm_gmtoff);
	assert_int_equal(got.year, want.tm_year + 1900);
	assert_int_equal(got.month, want.tm_mon + 1);
	assert_int_equal(got.day, want.tm_mday);
	assert_int_equal(got.hour, want.tm_hour);
	assert_int_equal(got.minute, want.tm_min);
	assert_int_equal(civil_weekday(civil_days(got.year, got.month, got.day)), want.tm_wday);
}

/* A moment's local time names that moment again. */
static void
check_round_trip(const struct zone *z, int64_t utc)
{
	struct civil c = zone_local(z, utc);
	int64_t at[2];
	unsigned n = zone_moments(z, &c, at);
	assert_true(n == 1 || n == 2);
	assert_true(at[0] == utc || (n == 2 && at[1] == utc));
	if (n == 2)
		assert_true(at[0] < at[1]);
}

static void
offsets_are_those_of_the_c_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		AUTO(zone) struct zone *z = zone_load(names[i]);
		setenv("TZ", names[i], 1);
		tzset();
		for (int n = 0; n < 20000; n++) {
			/* 1950 to 2120 */
			int64_t utc = (int64_t)(next_random() % 5364662400) - 631152000;
			check_like_libc(z, utc);
			check_round_trip(z, utc);
		}
	}
	unsetenv("TZ");
}

/* Every hour of 2026 and 2027, and each moment in which an offset changes. */
static void
clocks_pass_over_what_they_do_not_show(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		AUTO(zone) struct zone *z = zone_load(names[i]);
		struct civil c = { 2026, 1, 1, 0, 30, 0 };
		for (int64_t s = civil_seconds(&c); c.year < 2028; s += 1800) {
			int64_t at[2];
			c = civil_of_seconds(s);
			unsigned n = zone_moments(z, &c, at);
			if (n > 0) {
				struct civil back = zone_local(z, at[0]);
				assert_int_equal(civil_seconds(&back), s);
				continue;
			}
			/* The moment's clock shows a later time, the one before it an earlier.
			 */
			assert_true(at[0] + zone_offset(z, at[0]) > s);
			assert_true(at[0] - 1 + zone_offset(z, at[0] - 1) < s);
		}
	}
}

static int64_t
utc_of(int y, int mo, int d, int h, int mi)
{
	struct civil c = { y, mo, d, h, mi, 0 };
	return civil_seconds(&c);
}

static void
known_moments(void **state)
{
	(void)state;
	AUTO(zone) struct zone *berlin = zone_load("Europe/Berlin");
	AUTO(zone) struct zone *apia = zone_load("Pacific/Apia");
	int64_t at[2];
	struct civil spring = { 2026, 3, 29, 2, 30, 0 };
	assert_int_equal(zone_moments(berlin, &spring, at), 0);
	assert_int_equal(at[0], utc_of(2026, 3, 29, 1, 0));
	struct civil autumn = { 2026, 10, 25, 2, 30, 0 };
	assert_int_equal(zone_moments(berlin, &autumn, at), 2);
	assert_int_equal(at[0], utc_of(2026, 10, 25, 0, 30));
	assert_int_equal(at[1], utc_of(2026, 10, 25, 1, 30));
	/* Far behind the last transition of the file. */
	struct civil late = { 2086, 7, 1, 12, 0, 0 };
	assert_int_equal(zone_moments(berlin, &late, at), 1);
	assert_int_equal(at[0], utc_of(2086, 7, 1, 10, 0));
	/* Samoa had no 30 December 2011. */
	struct civil never = { 2011, 12, 30, 12, 0, 0 };
	assert_int_equal(zone_moments(apia, &never, at), 0);
	assert_int_equal(at[0], utc_of(2011, 12, 30, 10, 0));
}

static void
days_are_counted_like_the_calendar(void **state)
{
	(void)state;
	assert_int_equal(civil_days(1970, 1, 1), 0);
	assert_int_equal(civil_days(2000, 3, 1), 11017);
	assert_int_equal(civil_days(1969, 12, 31), -1);
	assert_int_equal(civil_month_days(2000, 2), 29);
	assert_int_equal(civil_month_days(2100, 2), 28);
	for (int64_t d = -200000; d < 200000; d += 7) {
		int y;
		int m;
		int day;
		civil_of_days(d, &y, &m, &day);
		assert_int_equal(civil_days(y, m, day), d);
	}
}

static void
what_is_no_zone_is_refused(void **state)
{
	(void)state;
	static uint8_t bytes[1 << 16];
	struct err err;
	struct zone *z;
	FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
	assert_non_null(f);
	size_t len = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	assert_int_equal(zone_parse(&z, "", 0, &err), ERR_CORRUPT);
	/* Cut anywhere it is either refused or, behind the last line, whole. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(zone_parse(&z, bytes, n, &err), ERR_CORRUPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_the_c_library),
		cmocka_unit_test(clocks_pass_over_what_they_do_not_show),
		cmocka_unit_test(known_moments),
		cmocka_unit_test(days_are_counted_like_the_calendar),
		cmocka_unit_test(what_is_no_zone_is_refused),
	};
	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
