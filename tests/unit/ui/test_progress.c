#include "testing.h"

#include "sys/clock.h"
#include "ui/progress.h"

static struct event
at(int64_t s, uint64_t bytes, uint64_t total, uint64_t files)
{
	return (struct event){ .kind = EVENT_PROGRESS,
		.bytes = bytes,
		.bytes_total = total,
		.files = files,
		.elapsed_ns = s * NS_PER_S };
}

static void
expect(const struct progress *p, const struct event *e, const char *want)
{
	char text[PROGRESS_MAX];
	progress_text(p, e, text);
	assert_string_equal(text, want);
}

static void
steady_step_tells_share_rate_and_time_left(void **state)
{
	(void)state;
	struct progress p;
	struct event e = { .kind = EVENT_PROGRESS };
	progress_reset(&p);
	for (int64_t s = 1; s <= 10; s++) {
		e = at(s, (uint64_t)s * 10000000, 400000000, (uint64_t)s * 100);
		progress_add(&p, &e);
	}
	expect(&p, &e, "25 %, 100 MB of 400 MB, 1,000 files, 10 MB/s, 31 s left");
}

static void
time_left_is_in_whole_seconds_or_minutes(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 100000000, 101000000, 0);
	progress_add(&p, &e);
	expect(&p, &e, "99 %, 100 MB of 101 MB, 10 MB/s, 1 s left");
	e.bytes_total = 1100000000;
	expect(&p, &e, "9 %, 100 MB of 1.1 GB, 10 MB/s, 1 min 41 s left");
}

static void
time_left_is_not_guessed_in_the_first_two_seconds(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(1, 1000000, 400000000, 0);
	progress_add(&p, &e);
	expect(&p, &e, "0 %, 1.0 MB of 400 MB, 1.0 MB/s");
}

static void
unknown_total_gives_no_share(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 5000000, 0, 12);
	progress_add(&p, &e);
	expect(&p, &e, "5.0 MB, 12 files, 500 kB/s");
}

static void
packs_are_counted_when_bytes_are_not(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 0, 0, 50);
	e.files_total = 200;
	e.unit = "packs";
	progress_add(&p, &e);
	expect(&p, &e, "25 %, 50 of 200 packs, 31 s left");
}

static void
source_that_grew_stays_at_100_percent(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 500, 400, 0);
	progress_add(&p, &e);
	expect(&p, &e, "100 %, 500 B of 400 B, 50 B/s");
}

/* After a stall of a minute the average of the step would promise too much. */
static void
rate_follows_the_last_seconds(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 1000000000, 4000000000, 0);
	progress_add(&p, &e);
	for (int64_t s = 11; s <= 70; s++) {
		e = at(s, 1000000000, 4000000000, 0);
		progress_add(&p, &e);
	}
	assert_true(p.rate < 100);
}

static void
numbers_that_go_back_begin_a_new_step(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(10, 1000000000, 0, 0);
	progress_add(&p, &e);
	e = at(1, 2000, 0, 0);
	progress_add(&p, &e);
	expect(&p, &e, "2.0 kB, 2.0 kB/s");
}

static void
nothing_known_is_nothing_told(void **state)
{
	(void)state;
	struct progress p;
	progress_reset(&p);
	struct event e = at(5, 0, 0, 0);
	progress_add(&p, &e);
	expect(&p, &e, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady_step_tells_share_rate_and_time_left),
		cmocka_unit_test(time_left_is_in_whole_seconds_or_minutes),
		cmocka_unit_test(time_left_is_not_guessed_in_the_first_two_seconds),
		cmocka_unit_test(unknown_total_gives_no_share),
		cmocka_unit_test(packs_are_counted_when_bytes_are_not),
		cmocka_unit_test(source_that_grew_stays_at_100_percent),
		cmocka_unit_test(rate_follows_the_last_seconds),
		cmocka_unit_test(numbers_that_go_back_begin_a_new_step),
		cmocka_unit_test(nothing_known_is_nothing_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
