#include "base/counted.h"

#include "../testing.h"

static void
things_are_counted_with_the_noun_that_fits(void **state)
{
	char out[COUNTED_MAX];
	(void)state;
	assert_string_equal(counted(out, 0, "file"), "0 files");
	assert_string_equal(counted(out, 1, "file"), "1 file");
	assert_string_equal(counted(out, 2, "index object"), "2 index objects");
	assert_string_equal(counted(out, 1000001, "file"), "1,000,001 files");
}

static void
the_longest_fits(void **state)
{
	char out[COUNTED_MAX];
	(void)state;
	counted(out, UINT64_MAX, "noun of as many as 32 characters");
	assert_string_equal(
	    out, "18,446,744,073,709,551,615 noun of as many as 32 characterss");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(things_are_counted_with_the_noun_that_fits),
		cmocka_unit_test(the_longest_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
