#include "testing.h"

#include "serve/events.h"
#include "sys/thread.h"

#define NOW INT64_C(1795262400000000000)

static void
add(struct events *e, const char *type, const char *text)
{
	struct err err;
	ok(events_add(e, type, json_pack("{s:s}", "text", text), &err));
}

/* The text of the first event behind a number, which becomes its own. */
static const char *
next(struct events *e, int64_t *after)
{
	static char text[64];
	bool is_log;
	json_t *m = events_next(e, *after, after, &is_log);
	if (m == NULL)
		return NULL;
	const json_t *event = json_object_get(m, "event");
	assert_int_equal(json_get_int(event, "id", 0), *after);
	assert_int_equal(is_log, strcmp(json_get_str(event, "type"), "log") == 0);
	snprintf(text, sizeof text, "%s", json_get_str(json_object_get(event, "data"), "text"));
	events_release(e, m);
	return text;
}

static void
events_come_in_order_with_ascending_numbers(void **state)
{
	struct err err;
	AUTO(events) struct events *e = NULL;
	int64_t at = 0;
	(void)state;
	ok(events_new(&e, NOW, 10, 10000, &err));
	assert_null(next(e, &at));
	add(e, "run", "a");
	add(e, "log", "b");
	assert_string_equal(next(e, &at), "a");
	assert_int_equal(at, NOW / 1000 + 1);
	assert_string_equal(next(e, &at), "b");
	assert_int_equal(at, NOW / 1000 + 2);
	assert_null(next(e, &at));
	/* A number of the future, as of a clock that was set back. */
	at = INT64_MAX;
	assert_null(next(e, &at));
}

static void
the_oldest_go_when_there_are_too_many(void **state)
{
	struct err err;
	AUTO(events) struct events *e = NULL;
	int64_t at = 0;
	char text[16];
	(void)state;
	ok(events_new(&e, NOW, 3, 10000, &err));
	for (int i = 0; i < 7; i++) {
		snprintf(text, sizeof text, "%d", i);
		add(e, "run", text);
	}
	assert_string_equal(next(e, &at), "4");
	assert_string_equal(next(e, &at), "5");
	assert_string_equal(next(e, &at), "6");
	assert_null(next(e, &at));
}

static void
and_when_they_are_too_large(void **state)
{
	struct err err;
	AUTO(events) struct events *e = NULL;
	int64_t at = 0;
	char text[61];
	(void)state;
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ok(events_new(&e, NOW, 100, 200, &err));
	for (int i = 0; i < 9; i++) {
		text[0] = (char)('0' + i);
		add(e, "run", text);
	}
	/* 71 bytes each: two fit. */
	assert_int_equal(next(e, &at)[0], '7');
	assert_int_equal(next(e, &at)[0], '8');
	assert_null(next(e, &at));
}

struct reader {
	struct events *e;
	bool stop;
	unsigned seen;
};

static void *
read_all(void *arg)
{
	struct reader *r = arg;
	int64_t at = 0;
	while (events_wait(r->e, at, &r->stop))
		while (next(r->e, &at) != NULL)
			r->seen++;
	return NULL;
}

static void *
write_some(void *arg)
{
	struct reader *r = arg;
	for (int i = 0; i < 500; i++)
		add(r->e, "log", "x");
	return NULL;
}

static void
who_waits_is_woken_by_events_and_by_the_end(void **state)
{
	struct err err;
	AUTO(events) struct events *e = NULL;
	pthread_t threads[3];
	(void)state;
	ok(events_new(&e, NOW, 10000, 1 << 20, &err));
	struct reader r = { .e = e };
	ok(thread_start(&threads[0], read_all, &r, "reader", &err));
	for (int i = 1; i < 3; i++)
		ok(thread_start(&threads[i], write_some, &r, "writer", &err));
	for (int i = 1; i < 3; i++)
		pthread_join(threads[i], NULL);
	events_stop(e, &r.stop);
	pthread_join(threads[0], NULL);
	/* Those that came last may not have been waited for. */
	assert_in_range(r.seen, 0, 1000);
	bool go_on = false;
	assert_true(events_wait(e, 0, &go_on));
}

static void
what_is_nothing_is_no_event(void **state)
{
	struct err err;
	AUTO(events) struct events *e = NULL;
	int64_t at = 0;
	(void)state;
	ok(events_new(&e, NOW, 10, 1000, &err));
	assert_int_equal(events_add(e, "run", NULL, &err), ERR_NO_MEMORY);
	assert_null(next(e, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_in_order_with_ascending_numbers),
		cmocka_unit_test(the_oldest_go_when_there_are_too_many),
		cmocka_unit_test(and_when_they_are_too_large),
		cmocka_unit_test(who_waits_is_woken_by_events_and_by_the_end),
		cmocka_unit_test(what_is_nothing_is_no_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
