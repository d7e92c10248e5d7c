#include "testing.h"

#include "ui/format.h"

struct size_case {
	uint64_t bytes;
	const char *text;
};

static void
sizes_are_decimal_with_two_or_three_digits(void **state)
{
	(void)state;
	static const struct size_case cases[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.0 kB" },
		{ 9949, "9.9 kB" },
		{ 9950, "10 kB" },
		{ 12345, "12 kB" },
		{ 999499, "999 kB" },
		{ 1200000000, "1.2 GB" },
		{ UINT64_MAX, "18 EB" },
	};
	char out[FORMAT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_size(out, cases[i].bytes);
		assert_string_equal(out, cases[i].text);
	}
}

static void
size_that_would_round_to_1000_takes_the_next_unit(void **state)
{
	(void)state;
	char out[FORMAT_MAX];
	format_size(out, 999500);
	assert_string_equal(out, "1.0 MB");
	format_size(out, 999999999);
	assert_string_equal(out, "1.0 GB");
}

static void
rate_is_a_size_a_second(void **state)
{
	(void)state;
	char out[FORMAT_MAX];
	format_rate(out, 123456789.0);
	assert_string_equal(out, "123 MB/s");
	format_rate(out, -1);
	assert_string_equal(out, "0 B/s");
}

struct duration_case {
	int64_t ns;
	const char *text;
};

static void
durations_have_two_units_at_most(void **state)
{
	(void)state;
	static const int64_t s = 1000000000;
	const struct duration_case cases[] = {
		{ -5, "0 ms" },
		{ 999999, "0 ms" },
		{ 84 * s / 1000, "84 ms" },
		{ 999 * s / 1000, "999 ms" },
		{ s, "1.0 s" },
		{ 9949 * s / 1000, "9.9 s" },
		{ 9950 * s / 1000, "10 s" },
		{ 59 * s, "59 s" },
		{ 59 * s + s / 2, "1 min 00 s" },
		{ 125 * s, "2 min 05 s" },
		{ 3599 * s, "59 min 59 s" },
		{ 3600 * s, "1 h 00 min" },
		{ 3719 * s, "1 h 02 min" },
		{ 100 * 3600 * s, "4 d 4 h" },
	};
	char out[FORMAT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_duration(out, cases[i].ns);
		assert_string_equal(out, cases[i].text);
	}
}

static void
counts_have_their_thousands_apart(void **state)
{
	(void)state;
	char out[FORMAT_MAX];
	format_count(out, 0);
	assert_string_equal(out, "0");
	format_count(out, 999);
	assert_string_equal(out, "999");
	format_count(out, 1000);
	assert_string_equal(out, "1,000");
	format_count(out, UINT64_MAX);
	assert_string_equal(out, "18,446,744,073,709,551,615");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_decimal_with_two_or_three_digits),
		cmocka_unit_test(size_that_would_round_to_1000_takes_the_next_unit),
		cmocka_unit_test(rate_is_a_size_a_second),
		cmocka_unit_test(durations_have_two_units_at_most),
		cmocka_unit_test(counts_have_their_thousands_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
