#include "testing.h"

#include "db/session.h"
#include "db/tool.h"
#include "scripted_runner.h"

static const struct script_answer answers[] = {
	{ "SELECT 1;", "1\n" },
	{ "two rows", "a|b|c\nd|e|f\n" },
	{ "nothing", "" },
	{ "looks like a token", "0123456789abcdef01234567\n" },
	{ "fails", NULL },
	{ NULL, NULL },
};

static const struct script_step steps[] = {
	{ "psql", NULL, NULL, 0,
	    "NOTICE:  x\nERROR:  relation \"t\" does not exist\nLINE 1: fails\n", 3, answers,
	    false },
	{ 0 },
};

static const char *const argv[] = { "psql", NULL };

static void
answer_is_what_comes_before_the_sessions_own_line(void **state)
{
	(void)state;
	for (size_t chunk = 1; chunk < 40; chunk++) {
		struct err err = ERR_INIT;
		AUTO(scripted) struct scripted_runner runner;
		scripted_runner_init(&runner, steps);
		runner.chunk = chunk;
		struct db_target t = { .service = "db", .runner = &runner.base };
		struct run_spec spec = { .argv = argv };
		{
			AUTO(session) struct session *s = NULL;
			AUTO(bufv) struct buf out = BUF_INIT;
			AUTO(str) char *line = NULL;
			ok(session_open(&s, &t, &spec, SESSION_MYSQL, &err));
			ok(session_ask_line(s, "SELECT 1;", &line, &err));
			assert_string_equal(line, "1");
			ok(session_ask(s, "two rows;", &out, &err));
			assert_string_equal(buf_cstr(&out), "a|b|c\nd|e|f\n");
			out.len = 0;
			ok(session_ask(s, "nothing;", &out, &err));
			assert_int_equal(out.len, 0);
			ok(session_ask(s, "looks like a token;", &out, &err));
			assert_string_equal(buf_cstr(&out), "0123456789abcdef01234567\n");
		}
		assert_int_equal(runner.live, 0);
	}
}

static void
failed_statement_is_told_in_the_clients_words(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(scripted) struct scripted_runner runner;
	scripted_runner_init(&runner, steps);
	struct db_target t = { .service = "db", .runner = &runner.base };
	struct run_spec spec = { .argv = argv };
	AUTO(session) struct session *s = NULL;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(session_open(&s, &t, &spec, SESSION_MYSQL, &err));
	refused(session_ask(s, "fails;", &out, &err), ERR_IO,
	    "psql ended with status 3: NOTICE:  x | ERROR:  relation \"t\" does not exist | "
	    "LINE 1: "
	    "fails");
	refused(session_ask(s, "SELECT 1;", &out, &err), ERR_IO,
	    "psql ended with status 3: NOTICE:  x | ERROR:  relation \"t\" does not exist | "
	    "LINE 1: "
	    "fails");
	assert_int_equal(out.len, 0);
}

static void
rows_are_taken_apart_until_there_are_none(void **state)
{
	(void)state;
	char text[] = "a|b|c|d\n||\nshort|row\n";
	char *at = text;
	char *row[3];
	assert_true(session_row(&at, row, 3));
	assert_string_equal(row[0], "a");
	assert_string_equal(row[2], "c|d");
	assert_true(session_row(&at, row, 3));
	assert_string_equal(row[1], "");
	assert_false(session_row(&at, row, 3));
	char none[] = "";
	at = none;
	assert_false(session_row(&at, row, 1));
}

static void
hexadecimal_is_read_in_both_cases_and_nothing_else(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	char *text;
	ok(session_unhex(&text, "C3A4c3a4", &err));
	assert_string_equal(text, "\xc3\xa4\xc3\xa4");
	free(text);
	refused(session_unhex(&text, "xyz", &err), ERR_CORRUPT,
	    "unexpected answer: not hexadecimal: xyz");
}

static void
last_lines_fit_into_one_and_hold_no_control_bytes(void **state)
{
	(void)state;
	char said[TOOL_SAID_SIZE];
	tool_last_lines(said, "");
	assert_string_equal(said, "");
	tool_last_lines(said, "one\n\ntwo\x1b[31m\n");
	assert_string_equal(said, "one | two?[31m");
	char big[2000];
	memset(big, 'x', sizeof big);
	big[900] = '\n';
	big[1900] = '\n';
	memcpy(big + 1901, "end", 4);
	tool_last_lines(said, big);
	assert_string_equal(said, "end");
	memset(big, 'y', 999);
	big[999] = '\0';
	tool_last_lines(said, big);
	assert_int_equal(strlen(said), TOOL_SAID_SIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_what_comes_before_the_sessions_own_line),
		cmocka_unit_test(failed_statement_is_told_in_the_clients_words),
		cmocka_unit_test(rows_are_taken_apart_until_there_are_none),
		cmocka_unit_test(hexadecimal_is_read_in_both_cases_and_nothing_else),
		cmocka_unit_test(last_lines_fit_into_one_and_hold_no_control_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
