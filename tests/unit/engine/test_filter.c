/*
 * Which snapshots a filter passes, and times as users write them.
 */
#include "tree/fixture.h"

#include "engine/filter.h"
#include "sys/clock.h"

#include <time.h>

/* 2026-11-21 12:00:00 UTC */
#define NOON (INT64_C(1795262400) * NS_PER_S)

static void
zone(const char *name)
{
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
}

static int64_t
parsed(const char *text)
{
	struct err err;
	int64_t ns;
	ok(time_parse(&ns, text, NOON, &err));
	return ns;
}

#define reads(text, utc)                            \
	do {                                        \
		char shown_[CLOCK_TEXT_SIZE];       \
		clock_format(shown_, parsed(text)); \
		assert_string_equal(shown_, (utc)); \
	} while (0)

static void
dates_are_local_and_know_summer_time(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	reads("2026-11-21", "2026-11-20T23:00:00Z");
	reads("2026-07-01", "2026-06-30T22:00:00Z");
	reads("2026-07-01 15:30", "2026-07-01T13:30:00Z");
	reads("2026-01-01T15:30:05", "2026-01-01T14:30:05Z");
	reads("2028-02-29", "2028-02-28T23:00:00Z");
	zone("UTC");
	reads("2026-11-21 15:30:05", "2026-11-21T15:30:05Z");
}

static void
a_zone_in_the_text_goes_before_the_local_one(void **state)
{
	(void)state;
	zone("Asia/Kathmandu");
	reads("2026-11-21T15:30:05Z", "2026-11-21T15:30:05Z");
	reads("2026-11-21T15:30:05+05:45", "2026-11-21T09:45:05Z");
	reads("2026-11-21t15:30:05-08:00", "2026-11-21T23:30:05Z");
	reads("2026-11-21 15:30:05z", "2026-11-21T15:30:05Z");
	assert_int_equal(parsed("2026-11-21T12:00:00.25Z"), NOON + NS_PER_S / 4);
	assert_int_equal(parsed("2026-11-21T12:00:00.1234567891Z"), NOON + 123456789);
	zone("UTC");
}

static void
ages_count_back_from_now(void **state)
{
	(void)state;
	zone("UTC");
	assert_int_equal(parsed("now"), NOON);
	reads("36h", "2026-11-20T00:00:00Z");
	reads("7d", "2026-11-14T12:00:00Z");
	reads("2w", "2026-11-07T12:00:00Z");
	reads("3m", "2026-08-21T12:00:00Z");
	reads("9m", "2026-02-21T12:00:00Z");
	reads("11m", "2025-12-21T12:00:00Z");
	reads("1y", "2025-11-21T12:00:00Z");
	assert_int_equal(parsed("999999h"), 1);
	assert_int_equal(parsed("999999y"), 1);
}

static void
a_shorter_month_ends_on_its_last_day(void **state)
{
	(void)state;
	struct err err;
	int64_t ns;
	char shown[CLOCK_TEXT_SIZE];
	zone("UTC");
	int64_t march_31;
	ok(time_parse(&march_31, "2027-03-31", NOON, &err));
	ok(time_parse(&ns, "1m", march_31, &err));
	clock_format(shown, ns);
	assert_string_equal(shown, "2027-02-28T00:00:00Z");
}

static void
what_is_no_time_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "yesterday", "2026", "2026-13-01", "2026-02-29",
		"2026-00-10", "2026-11-31", "2026-11-21 25:00", "2026-11-21 15:60",
		"2026-11-21 15:30:05 ", "2026-11-21T", "2026-11-21T15:30:05+1", "1969-12-31",
		"2300-01-01", "7", "d", "7d ", "-7d", "7x", "7dd", "1234567h", "2026-11-21Z",
		"2026-11-21T12:00:00.Z" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err;
		int64_t ns;
		char start[64];
		snprintf(start, sizeof start, "'%s' is no time: give ", bad[i]);
		refused_like(time_parse(&ns, bad[i], NOON, &err), ERR_USAGE, start);
	}
}

/* --- filters --- */

static const char *const documents[] = {
	"{\"version\":1,\"time_ns\":1000,\"host\":\"nas\",\"tags\":[\"a\"],\"outcome\":"
	"\"complete\",\"source\":{\"kind\":\"stack\",\"name\":\"shop\"}}",
	"{\"version\":1,\"time_ns\":2000,\"host\":\"nas\",\"tags\":[\"a\",\"b\"],\"outcome\":"
	"\"partial\",\"source\":{\"kind\":\"stack\",\"name\":\"wiki\"}}",
	"{\"version\":1,\"time_ns\":3000,\"host\":\"pi\",\"tags\":[],\"outcome\":\"complete\","
	"\"source\":{\"kind\":\"path\",\"paths\":[\"/home\",\"/srv/da ta\"]}}",
};

struct place {
	struct fixture *f;
	struct id ids[ARRAY_LEN(documents)];
	char seen[ARRAY_LEN(documents) + 1]; /* "02": the first and the third passed */
};

static enum err_code
note_seen(void *arg, const struct id *id, const json_t *document, struct err *err)
{
	(void)err;
	struct place *p = arg;
	size_t n = strlen(p->seen);
	assert_int_equal(json_get_int(document, "version", 0), 1);
	for (size_t i = 0; i < ARRAY_LEN(documents); i++)
		if (id_equal(id, &p->ids[i]))
			p->seen[n] = (char)('0' + i);
	return ERR_OK;
}

static void
place_fill(struct place *p, struct fixture *f)
{
	struct err err;
	*p = (struct place){ .f = f };
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		AUTO(bufv) struct buf doc = BUF_INIT;
		ok(buf_str(&doc, documents[i], &err));
		ok(snapshot_save(f->repo, &doc, &p->ids[i], &err));
	}
}

static const char *
passing(struct place *p, const struct snapshot_filter *filter)
{
	struct err err;
	memset(p->seen, 0, sizeof p->seen);
	ok(snapshot_filter_list(p->f->repo, filter, note_seen, p, &err));
	return p->seen;
}

/* Fill one list of a filter, and see what passes. */
static void
passes(struct place *p, size_t field, const char *text, const char *want)
{
	struct err err;
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	ok(strv_add((struct strv *)(void *)((char *)&filter + field), text, &err));
	assert_string_equal(passing(p, &filter), want);
}

#define FIELD(name) offsetof(struct snapshot_filter, name)

static void
each_condition_selects(void **state)
{
	struct place p;
	place_fill(&p, *state);
	struct snapshot_filter all = SNAPSHOT_FILTER_INIT;
	assert_string_equal(passing(&p, &all), "012");
	passes(&p, FIELD(stacks), "shop", "0");
	passes(&p, FIELD(stacks), "sho", "");
	passes(&p, FIELD(hosts), "nas", "01");
	passes(&p, FIELD(paths), "/home", "2");
	passes(&p, FIELD(paths), "/srv/da ta/", "2");
	passes(&p, FIELD(paths), "/hom", "");
	passes(&p, FIELD(tags), "a", "01");
	passes(&p, FIELD(tags), "a,b", "1");
	passes(&p, FIELD(tags), "b,c", "");
	struct snapshot_filter since = { .since_ns = 2000 };
	assert_string_equal(passing(&p, &since), "12");
	struct snapshot_filter until = { .until_ns = 2000 };
	assert_string_equal(passing(&p, &until), "0");
	struct snapshot_filter complete = { .complete_only = true };
	assert_string_equal(passing(&p, &complete), "02");
}

static void
conditions_hold_together_and_lists_widen(void **state)
{
	struct err err;
	struct place p;
	place_fill(&p, *state);
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	ok(strv_add(&filter.stacks, "shop", &err));
	ok(strv_add(&filter.stacks, "wiki", &err));
	assert_string_equal(passing(&p, &filter), "01");
	ok(strv_add(&filter.paths, "/home", &err));
	assert_string_equal(passing(&p, &filter), "012");
	filter.complete_only = true;
	assert_string_equal(passing(&p, &filter), "02");
	ok(strv_add(&filter.hosts, "pi", &err));
	assert_string_equal(passing(&p, &filter), "2");
}

static void
latest_is_the_last_that_meets_the_conditions(void **state)
{
	struct err err;
	struct place p;
	place_fill(&p, *state);
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	ok(strv_add(&filter.names, "latest", &err));
	assert_string_equal(passing(&p, &filter), "2");
	ok(strv_add(&filter.hosts, "nas", &err));
	assert_string_equal(passing(&p, &filter), "1");
	filter.complete_only = true;
	assert_string_equal(passing(&p, &filter), "0");
	ok(strv_add(&filter.hosts, "pi", &err));
	assert_string_equal(passing(&p, &filter), "2");
	filter.until_ns = 1;
	refused(snapshot_filter_list(p.f->repo, &filter, note_seen, &p, &err), ERR_NOT_FOUND,
	    "no snapshot meets the conditions");
}

static void
names_must_exist(void **state)
{
	struct err err;
	struct place p;
	char hex[ID_HEX_SIZE];
	place_fill(&p, *state);
	id_hex(hex, &p.ids[1]);
	hex[16] = '\0';
	AUTO(snapshot_filter) struct snapshot_filter filter = SNAPSHOT_FILTER_INIT;
	ok(strv_add(&filter.names, hex, &err));
	assert_string_equal(passing(&p, &filter), "1");
	assert_true(snapshot_filter_passes(&filter, &p.ids[1], NULL));
	assert_false(snapshot_filter_passes(&filter, &p.ids[0], NULL));
	ok(strv_add(&filter.names, "0000000000000000", &err));
	refused_like(snapshot_filter_list(p.f->repo, &filter, note_seen, &p, &err),
	    ERR_NOT_FOUND, "no snapshot begins with 0000000000000000");
}

static void
sources_have_texts_of_their_own(void **state)
{
	(void)state;
	static const struct {
		const char *document;
		const char *text;
	} cases[] = {
		{ "{\"host\":\"nas\",\"source\":{\"kind\":\"stack\",\"name\":\"shop\"}}",
		    "stack shop on nas" },
		{ "{\"host\":\"nas\",\"source\":{\"paths\":[\"/srv\",\"/home\"]}}",
		    "/srv /home on nas" },
		{ "{\"host\":\"nas\",\"source\":{\"paths\":[\"/srv /home\"]}}",
		    "/srv\\ /home on nas" },
		{ "{\"host\":\"nas\",\"source\":{\"paths\":[\"/a\\\\\",\"/b\"]}}",
		    "/a\\\\ /b on nas" },
		{ "{}", " on ?" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err;
		AUTO(json) json_t *doc = NULL;
		AUTO(bufv) struct buf text = BUF_INIT;
		ok(json_parse(
		    &doc, cases[i].document, strlen(cases[i].document), "document", &err));
		ok(snapshot_source_text(&text, doc, &err));
		assert_string_equal(buf_cstr(&text), cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_local_and_know_summer_time),
		cmocka_unit_test(a_zone_in_the_text_goes_before_the_local_one),
		cmocka_unit_test(ages_count_back_from_now),
		cmocka_unit_test(a_shorter_month_ends_on_its_last_day),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test_setup_teardown(
		    each_condition_selects, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    conditions_hold_together_and_lists_widen, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(latest_is_the_last_that_meets_the_conditions,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    names_must_exist, fixture_setup, fixture_teardown),
		cmocka_unit_test(sources_have_texts_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
