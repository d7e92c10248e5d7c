#include "testing.h"

#include "sys/clock.h"
#include "ui/text_sink.h"

#define CLEAR "\r\033[K"

static int64_t now;
static size_t columns;

static int64_t
test_clock(void)
{
	return now;
}

static size_t
test_width(void *arg)
{
	(void)arg;
	return columns;
}

struct fixture {
	struct text_sink_options opt;
	char *text;
	size_t len;
	struct text_sink *sink;
	struct event_sink *events;
};

static void
begin(struct fixture *f)
{
	struct err err = ERR_INIT;
	now = 1000 * NS_PER_S;
	columns = 80;
	f->opt.out = open_memstream(&f->text, &f->len);
	assert_non_null(f->opt.out);
	f->opt.width = test_width;
	f->opt.now_ns = test_clock;
	ok(text_sink_new(&f->sink, &f->opt, &err));
	f->events = text_sink_events(f->sink);
}

static void
finish(struct fixture *f, const char *want)
{
	text_sink_free(f->sink);
	fclose(f->opt.out);
	assert_string_equal(f->text, want);
	free(f->text);
}

static void
progress(struct fixture *f, uint64_t bytes)
{
	struct event e = { .kind = EVENT_PROGRESS,
		.bytes = bytes,
		.bytes_total = 1000,
		.elapsed_ns = (int64_t)bytes * NS_PER_MS };
	event_emit(f->events, &e);
}

static void
each_kind_of_event_is_a_line(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	event_phase(f.events, "read files");
	event_note(f.events, "shop", "a note");
	event_warning(f.events, "db", "old server");
	event_problem(f.events, "/srv/x", "vanished");
	event_service(f.events, "web", "paused");
	struct event member = { .kind = EVENT_MEMBER,
		.subject = "shop_uploads",
		.text = "volume",
		.bytes = 1200000,
		.files = 1234 };
	event_emit(f.events, &member);
	member.files = 1;
	event_emit(f.events, &member);
	finish(&f, "read files\n"
		   "shop: a note\n"
		   "stacksnap: warning: db: old server\n"
		   "stacksnap: problem: /srv/x: vanished\n"
		   "  service web: paused\n"
		   "  shop_uploads: 1.2 MB in 1,234 files, volume\n"
		   "  shop_uploads: 1.2 MB in 1 file, volume\n");
}

static void
quiet_leaves_warnings_and_problems(void **state)
{
	(void)state;
	struct fixture f = { .opt.is_quiet = true };
	begin(&f);
	event_phase(f.events, "read files");
	event_service(f.events, "web", "paused");
	progress(&f, 100);
	event_note(f.events, NULL, "a note");
	event_warning(f.events, NULL, "look here");
	event_problem(f.events, "x", "vanished");
	finish(&f, "stacksnap: warning: look here\n"
		   "stacksnap: problem: x: vanished\n");
}

static void
names_cannot_steer_the_terminal(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	event_problem(f.events, "a\033]0;owned\007", "gone\033[2J");
	struct event member = { .kind = EVENT_MEMBER, .subject = "\033[2J", .bytes = 1 };
	event_emit(f.events, &member);
	finish(&f, "stacksnap: problem: a\\x1b]0;owned\\x07: gone\\x1b[2J\n"
		   "  \\x1b[2J: 1 B\n");
}

static void
terminal_redraws_at_most_ten_times_a_second(void **state)
{
	(void)state;
	struct fixture f = { .opt.is_terminal = true };
	begin(&f);
	progress(&f, 100);
	now += 99 * NS_PER_MS;
	progress(&f, 200); /* too soon */
	now += 1 * NS_PER_MS;
	progress(&f, 300);
	finish(&f, CLEAR "  10 %, 100 B of 1.0 kB, 1.0 kB/s" CLEAR
			 "  30 %, 300 B of 1.0 kB, 1.0 kB/s" CLEAR);
}

static void
progress_line_is_erased_before_other_lines(void **state)
{
	(void)state;
	struct fixture f = { .opt.is_terminal = true };
	begin(&f);
	progress(&f, 100);
	event_warning(f.events, NULL, "w");
	event_note(f.events, NULL, "n");
	finish(&f, CLEAR "  10 %, 100 B of 1.0 kB, 1.0 kB/s" CLEAR "stacksnap: warning: w\n"
			 "n\n");
}

static void
progress_line_fits_into_a_narrow_terminal(void **state)
{
	(void)state;
	struct fixture f = { .opt.is_terminal = true };
	begin(&f);
	columns = 13;
	progress(&f, 100);
	columns = 2;
	now += NS_PER_S;
	progress(&f, 200);
	finish(&f, CLEAR "  10 %, 100 " CLEAR "  " CLEAR);
}

static void
without_terminal_progress_is_a_line_each_ten_seconds(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	event_phase(f.events, "read");
	for (int i = 0; i < 21; i++) {
		progress(&f, (uint64_t)(10 * i));
		now += NS_PER_S;
	}
	finish(&f, "read\n"
		   "  10 %, 100 B of 1.0 kB, 1.0 kB/s\n"
		   "  20 %, 200 B of 1.0 kB, 1.0 kB/s\n");
}

static void
colors_are_used_only_when_asked_for(void **state)
{
	(void)state;
	struct fixture f = { .opt.is_terminal = true, .opt.has_color = true };
	begin(&f);
	event_phase(f.events, "read");
	event_warning(f.events, NULL, "w");
	event_problem(f.events, NULL, "p");
	finish(&f, "\033[1m==\033[0m read\n"
		   "\033[33mstacksnap: warning:\033[0m w\n"
		   "\033[31mstacksnap: problem:\033[0m p\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_event_is_a_line),
		cmocka_unit_test(quiet_leaves_warnings_and_problems),
		cmocka_unit_test(names_cannot_steer_the_terminal),
		cmocka_unit_test(terminal_redraws_at_most_ten_times_a_second),
		cmocka_unit_test(progress_line_is_erased_before_other_lines),
		cmocka_unit_test(progress_line_fits_into_a_narrow_terminal),
		cmocka_unit_test(without_terminal_progress_is_a_line_each_ten_seconds),
		cmocka_unit_test(colors_are_used_only_when_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
