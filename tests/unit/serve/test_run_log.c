#include "testing.h"

#include "serve/run_log.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <fcntl.h>

struct log_file {
	char path[64];
	int fd;
};

static int
open_log(void **state)
{
	struct log_file *f = calloc(1, sizeof *f);
	assert_non_null(f);
	snprintf(f->path, sizeof f->path, "/tmp/stacksnap-log-XXXXXX");
	f->fd = mkstemp(f->path);
	assert_true(f->fd >= 0);
	*state = f;
	return 0;
}

static int
close_log(void **state)
{
	struct log_file *f = *state;
	close(f->fd);
	unlink(f->path);
	free(f);
	return 0;
}

static void
say(struct log_file *f, const char *text)
{
	struct err err;
	ok(fd_write_all(f->fd, text, strlen(text), &err));
}

/* An event: its type, its time, the rest of its fields. */
static void
event(struct log_file *f, const char *type, int time_ns, const char *more)
{
	char line[512];
	snprintf(line, sizeof line, "{\"type\":\"%s\",\"time_ns\":%d%s%s}\n", type, time_ns,
	    *more != '\0' ? "," : "", more);
	say(f, line);
}

static void
is_json(json_t *got, const char *want)
{
	struct err err;
	AUTO(json) json_t *j = NULL;
	ok(json_parse(&j, want, strlen(want), "want", &err));
	AUTO(mem) char *text = json_dumps(got, JSON_COMPACT);
	if (!json_equal(got, j))
		fail_msg("got: %s", text);
}

static void
a_log_is_read_page_by_page(void **state)
{
	struct log_file *f = *state;
	struct err err;
	AUTO(json) json_t *first = NULL;
	AUTO(json) json_t *second = NULL;
	AUTO(json) json_t *none = NULL;
	event(f, "phase", 1, "\"text\":\"a\"");
	event(f, "note", 2, "\"text\":\"b\"");
	event(f, "row", 3, ""); /* of another kind */
	say(f, "no JSON\n\n");
	event(f, "warning", 4, "\"text\":\"c\"");
	ok(run_log_page(&first, f->path, 0, 2, &err));
	assert_int_equal(json_array_size(json_object_get(first, "events")), 2);
	assert_false(json_get_bool(first, "is_end"));
	uint64_t next = (uint64_t)json_get_int(first, "next", 0);
	ok(run_log_page(&second, f->path, next, 2, &err));
	is_json(json_object_get(second, "events"),
	    "[{\"type\":\"warning\",\"time_ns\":4,\"text\":\"c\"}]");
	assert_true(json_get_bool(second, "is_end"));
	ok(run_log_page(&none, f->path, 1 << 20, 2, &err));
	assert_int_equal(json_array_size(json_object_get(none, "events")), 0);
	assert_int_equal(json_get_int(none, "next", 0), 1 << 20);
}

static void
a_line_that_is_not_there_to_its_end_is_not_there(void **state)
{
	struct log_file *f = *state;
	struct err err;
	AUTO(json) json_t *before = NULL;
	AUTO(json) json_t *after = NULL;
	AUTO(json) json_t *result = NULL;
	event(f, "note", 1, "\"text\":\"a\"");
	say(f, "{\"type\":\"note\",\"ti");
	ok(run_log_page(&before, f->path, 0, 10, &err));
	assert_int_equal(json_array_size(json_object_get(before, "events")), 1);
	assert_false(json_get_bool(before, "is_end"));
	say(f, "me_ns\":2}\n");
	ok(run_log_page(&after, f->path, (uint64_t)json_get_int(before, "next", 0), 10, &err));
	is_json(json_object_get(after, "events"), "[{\"type\":\"note\",\"time_ns\":2}]");
	say(f, "{\"type\":\"result\"}");
	ok(run_log_result(&result, f->path, &err));
	assert_null(result);
	say(f, "\n");
	ok(run_log_result(&result, f->path, &err));
	is_json(result, "{\"type\":\"result\"}");
}

/* Longer than a line may be, and than what is read at once. */
static void
a_line_that_is_too_long_is_passed_over(void **state)
{
	struct log_file *f = *state;
	struct err err;
	AUTO(json) json_t *page = NULL;
	AUTO(json) json_t *result = NULL;
	AUTO(mem) char *text = malloc(3 << 20);
	assert_non_null(text);
	memset(text, 'x', 3 << 20);
	text[(3 << 20) - 1] = '\0';
	event(f, "note", 1, "");
	say(f, "{\"type\":\"note\",\"text\":\"");
	say(f, text);
	say(f, "\"}\n");
	event(f, "note", 2, "");
	say(f, "{\"type\":\"result\",\"text\":\"");
	say(f, text);
	say(f, "\"}\n");
	ok(run_log_page(&page, f->path, 0, 10, &err));
	is_json(json_object_get(page, "events"),
	    "[{\"type\":\"note\",\"time_ns\":1},{\"type\":\"note\",\"time_ns\":2}]");
	assert_true(json_get_bool(page, "is_end"));
	/* The result is whole all the same. */
	ok(run_log_result(&result, f->path, &err));
	assert_int_equal(json_string_length(json_object_get(result, "text")), (3 << 20) - 1);
}

static void
a_sum_has_phases_and_when_services_were_quiet(void **state)
{
	struct log_file *f = *state;
	struct err err;
	AUTO(json) json_t *sum = NULL;
	event(f, "phase", 1, "\"text\":\"read files\"");
	event(f, "progress", 2, "\"bytes\":10,\"files\":1,\"unit\":\"files\",\"elapsed_ns\":1");
	event(f, "progress", 3,
	    "\"bytes\":20,\"bytes_total\":30,\"files\":2,\"unit\":\"files\",\"elapsed_ns\":2");
	event(f, "service", 4, "\"subject\":\"app\",\"text\":\"paused\"");
	event(f, "service", 5, "\"subject\":\"job\",\"text\":\"stopped\"");
	event(f, "phase", 6, "\"text\":\"write snapshot\"");
	event(f, "service", 7, "\"subject\":\"app\",\"text\":\"runs again after 3 ms\"");
	/* Told later than it was: what was measured counts. */
	event(f, "service", 7, "\"subject\":\"web\",\"text\":\"paused\",\"at_ns\":2");
	event(f, "service", 8,
	    "\"subject\":\"web\",\"text\":\"runs again after 4 ms\",\"at_ns\":6");
	event(f, "warning", 8, "\"text\":\"w\"");
	event(f, "problem", 9, "\"text\":\"p\"");
	event(f, "problem", 10, "\"text\":\"p\"");
	ok(run_log_sum(&sum, f->path, &err));
	is_json(json_object_get(sum, "phases"),
	    "[{\"text\":\"read files\",\"begin_ns\":1,\"end_ns\":6,\"progress\":{\"bytes\":20,"
	    "\"bytes_total\":30,\"files\":2,\"unit\":\"files\",\"elapsed_ns\":2}},"
	    "{\"text\":\"write snapshot\",\"begin_ns\":6}]");
	is_json(json_object_get(sum, "quiet"),
	    "[{\"service\":\"app\",\"begin_ns\":4,\"end_ns\":7},"
	    "{\"service\":\"job\",\"begin_ns\":5},"
	    "{\"service\":\"web\",\"begin_ns\":2,\"end_ns\":6}]");
	assert_int_equal(json_get_int(sum, "warnings", 0), 1);
	assert_int_equal(json_get_int(sum, "problems", 0), 2);
	assert_int_equal(json_get_int(sum, "events", 0), lseek(f->fd, 0, SEEK_END));
}

static void
a_log_that_is_not_there_is_told(void **state)
{
	struct err err;
	json_t *none = NULL;
	(void)state;
	refused_like(run_log_result(&none, "/tmp/no/such.jsonl", &err), ERR_NOT_FOUND,
	    "/tmp/no/such.jsonl");
	refused_like(run_log_sum(&none, "/tmp/no/such.jsonl", &err), ERR_NOT_FOUND,
	    "/tmp/no/such.jsonl");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_log, close_log)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_log_is_read_page_by_page),
		CASE(a_line_that_is_not_there_to_its_end_is_not_there),
		CASE(a_line_that_is_too_long_is_passed_over),
		CASE(a_sum_has_phases_and_when_services_were_quiet),
		CASE(a_log_that_is_not_there_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
