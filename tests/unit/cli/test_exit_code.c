#include "testing.h"

#include "cli/exit_code.h"

static void
codes_are_those_that_are_documented(void **state)
{
	(void)state;
	assert_int_equal(exit_code_of(ERR_OK, false), 0);
	assert_int_equal(exit_code_of(ERR_IO, false), 1);
	assert_int_equal(exit_code_of(ERR_NOT_FOUND, false), 1);
	assert_int_equal(exit_code_of(ERR_INCOMPLETE, false), 1);
	assert_int_equal(exit_code_of(ERR_USAGE, false), 2);
	assert_int_equal(EXIT_PARTIAL, 3);
	assert_int_equal(exit_code_of(ERR_NO_REPOSITORY, false), 10);
	assert_int_equal(exit_code_of(ERR_LOCKED, false), 11);
	assert_int_equal(exit_code_of(ERR_WRONG_KEY, false), 12);
	assert_int_equal(exit_code_of(ERR_CORRUPT, false), 13);
	assert_int_equal(exit_code_of(ERR_UNSUPPORTED, false), 14);
	assert_int_equal(exit_code_of(ERR_READ_ONLY, false), 15);
	assert_int_equal(exit_code_of(ERR_CANCELLED, true), 130);
}

static void
timeout_is_a_failure_and_not_a_stop(void **state)
{
	(void)state;
	assert_int_equal(exit_code_of(ERR_CANCELLED, false), EXIT_FAILED);
}

static void
database_without_password_is_no_wrong_command_line(void **state)
{
	(void)state;
	assert_int_equal(exit_code_of_run(ERR_USAGE, false), EXIT_FAILED);
	assert_int_equal(exit_code_of_run(ERR_LOCKED, false), EXIT_BUSY);
	assert_int_equal(exit_code_of_run(ERR_CANCELLED, true), EXIT_STOPPED);
}

static void
worst_of_several_wins_in_any_order(void **state)
{
	(void)state;
	static const enum exit_code order[] = { EXIT_COMPLETE, EXIT_PARTIAL, EXIT_BUSY,
		EXIT_FAILED, EXIT_DAMAGED, EXIT_STOPPED };
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t k = 0; k < ARRAY_LEN(order); k++)
			assert_int_equal(
			    exit_code_worse(order[i], order[k]), order[i > k ? i : k]);
}

static void
outcome_is_complete_partial_or_failed(void **state)
{
	(void)state;
	assert_string_equal(exit_code_outcome(EXIT_COMPLETE), "complete");
	assert_string_equal(exit_code_outcome(EXIT_PARTIAL), "partial");
	assert_string_equal(exit_code_outcome(EXIT_BUSY), "failed");
	assert_string_equal(exit_code_outcome(EXIT_DAMAGED), "failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_that_are_documented),
		cmocka_unit_test(timeout_is_a_failure_and_not_a_stop),
		cmocka_unit_test(database_without_password_is_no_wrong_command_line),
		cmocka_unit_test(worst_of_several_wins_in_any_order),
		cmocka_unit_test(outcome_is_complete_partial_or_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
