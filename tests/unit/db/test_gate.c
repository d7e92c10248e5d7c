#include "testing.h"

#include "db/gate.h"

static const char mark[] = "-- PostgreSQL database dump complete";

static const char dump[] = "--\n-- PostgreSQL database dump\n--\n\n"
			   "CREATE TABLE public.a (\n    x integer\n);\n"
			   "CREATE UNLOGGED TABLE public.b (\n    x text\n);\n"
			   "COPY public.a (x) FROM stdin;\n1\n2\n\\.\n\n"
			   "--\n-- PostgreSQL database dump complete\n--\n\n"
			   "\\unrestrict kQ3RHTSb6byk5LIljXt\n\n";

static enum err_code
judge(const char *data, size_t len, size_t chunk, struct err *err)
{
	struct sql_gate g;
	sql_gate_init(&g, mark);
	for (size_t at = 0; at < len; at += chunk)
		sql_gate_feed(&g, data + at, min_size(chunk, len - at));
	return sql_gate_finish(&g, err);
}

static void
whole_dump_passes_however_it_is_cut_into_chunks(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	for (size_t chunk = 1; chunk <= sizeof dump; chunk++)
		ok(judge(dump, sizeof dump - 1, chunk, &err));
}

static void
dump_cut_before_its_end_mark_is_complete_is_refused(void **state)
{
	(void)state;
	size_t whole = (size_t)(strstr(dump, mark) - dump) + strlen(mark) + 5;
	for (size_t len = 1; len < whole; len++) {
		struct err err = ERR_INIT;
		assert_int_equal(judge(dump, len, 7, &err), ERR_INCOMPLETE);
		char want[160];
		snprintf(want, sizeof want,
		    "the dump is cut off: %zu bytes came, without the end mark \"%s\"", len,
		    mark);
		assert_string_equal(err.msg, want);
	}
}

static void
empty_dump_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	refused(judge("", 0, 1, &err), ERR_INCOMPLETE, "the dump is empty");
}

static void
end_mark_without_its_frame_is_not_the_end(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const char *const texts[] = {
		"COPY t (x) FROM stdin;\n-- PostgreSQL database dump complete\na row\n",
		"COPY t (x) FROM stdin;\n-- PostgreSQL database dump complete\n",
		"--\n-- PostgreSQL database dump complete\n\n",
		"--\n-- PostgreSQL database dump complete\n--\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		refused_like(judge(texts[i], strlen(texts[i]), 5, &err), ERR_INCOMPLETE,
		    "the dump is cut off: ");
}

static void
date_may_follow_the_end_mark(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	static const char text[] = "INSERT\n\n-- Dump completed on 2026-01-01  0:00:00\n";
	struct sql_gate g;
	sql_gate_init(&g, "-- Dump completed");
	sql_gate_feed(&g, text, sizeof text - 1);
	ok(sql_gate_finish(&g, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_dump_passes_however_it_is_cut_into_chunks),
		cmocka_unit_test(dump_cut_before_its_end_mark_is_complete_is_refused),
		cmocka_unit_test(empty_dump_is_refused),
		cmocka_unit_test(end_mark_without_its_frame_is_not_the_end),
		cmocka_unit_test(date_may_follow_the_end_mark),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
