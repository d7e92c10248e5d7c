#include "testing.h"

#include "sys/thread.h"
#include "ui/json_sink.h"

static int64_t
test_clock(void)
{
	return 1234567890123456789;
}

struct fixture {
	FILE *out;
	char *text;
	size_t len;
	struct json_sink *sink;
	struct event_sink *events;
};

static void
begin(struct fixture *f)
{
	struct err err = ERR_INIT;
	f->out = open_memstream(&f->text, &f->len);
	assert_non_null(f->out);
	ok(json_sink_new(&f->sink, f->out, test_clock, &err));
	f->events = json_sink_events(f->sink);
}

static void
finish(struct fixture *f, const char *want)
{
	json_sink_free(f->sink);
	fclose(f->out);
	if (want != NULL)
		assert_string_equal(f->text, want);
	free(f->text);
}

static void
event_is_one_object_on_one_line(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	event_phase(f.events, "read files");
	event_problem(f.events, "/srv/x", "van\nished");
	event_service_at(f.events, "app", 1234567890000000000, "paused");
	finish(&f,
	    "{\"type\":\"phase\",\"time_ns\":1234567890123456789,\"text\":\"read files\"}\n"
	    "{\"type\":\"problem\",\"time_ns\":1234567890123456789,\"subject\":\"/srv/x\","
	    "\"text\":\"van\\u000aished\"}\n"
	    "{\"type\":\"service\",\"time_ns\":1234567890123456789,\"subject\":\"app\","
	    "\"text\":\"paused\",\"at_ns\":1234567890000000000}\n");
}

static void
progress_has_its_numbers_and_totals_only_when_known(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	struct event e = { .kind = EVENT_PROGRESS, .bytes = 5, .files = 2, .elapsed_ns = 7 };
	event_emit(f.events, &e);
	e.bytes_total = 10;
	e.files_total = 4;
	e.unit = "packs";
	event_emit(f.events, &e);
	finish(&f,
	    "{\"type\":\"progress\",\"time_ns\":1234567890123456789,\"bytes\":5,\"files\":2,"
	    "\"unit\":\"files\",\"elapsed_ns\":7}\n"
	    "{\"type\":\"progress\",\"time_ns\":1234567890123456789,\"bytes\":5,"
	    "\"bytes_total\":10,\"files\":2,\"files_total\":4,\"unit\":\"packs\","
	    "\"elapsed_ns\":7}\n");
}

static void
name_that_is_not_utf8_has_its_bytes_beside_it(void **state)
{
	(void)state;
	struct fixture f = { .text = NULL };
	begin(&f);
	event_problem(f.events, "a\xff", "gone");
	finish(&f,
	    "{\"type\":\"problem\",\"time_ns\":1234567890123456789,\"subject\":\"a\\ufffd\","
	    "\"subject_hex\":\"61ff\",\"text\":\"gone\"}\n");
}

static void *
emit_many(void *arg)
{
	for (int i = 0; i < 500; i++)
		event_note(
		    arg, "thread", "a line that is long enough to be written in parts %d", i);
	return NULL;
}

static void
lines_of_several_threads_do_not_mix(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	struct fixture f = { .text = NULL };
	pthread_t threads[4];
	begin(&f);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ok(thread_start(&threads[i], emit_many, f.events, "emit", &err));
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	fflush(f.out);
	size_t lines = 0;
	for (char *line = f.text; *line != '\0'; lines++) {
		char *end = strchr(line, '\n');
		assert_non_null(end);
		AUTO(json) json_t *doc = NULL;
		ok(json_parse(&doc, line, (size_t)(end - line), "line", &err));
		assert_string_equal(json_get_str(doc, "type"), "note");
		line = end + 1;
	}
	assert_int_equal(lines, 2000);
	finish(&f, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_one_object_on_one_line),
		cmocka_unit_test(progress_has_its_numbers_and_totals_only_when_known),
		cmocka_unit_test(name_that_is_not_utf8_has_its_bytes_beside_it),
		cmocka_unit_test(lines_of_several_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
