#include "testing.h"

#include "base/suggest.h"

static const char *const words[] = { "init", "stacks", "backup", "snapshots", "ls", "restore",
	"verify" };

static void
expect(const char *typed, const char *want)
{
	const char *got = suggest(typed, words, ARRAY_LEN(words));
	if (want == NULL)
		assert_null(got);
	else
		assert_string_equal(got, want);
}

static void
slips_of_the_finger_find_their_word(void **state)
{
	(void)state;
	expect("bakcup", "backup"); /* two letters swapped */
	expect("backupp", "backup");
	expect("restor", "restore");
	expect("verfy", "verify");
	expect("stakcs", "stacks");
	expect("lss", "ls");
	expect("sl", "ls");
}

static void
beginning_of_a_word_finds_it(void **state)
{
	(void)state;
	expect("snap", "snapshots");
	expect("ver", "verify");
}

static void
something_else_finds_nothing(void **state)
{
	(void)state;
	expect("frobnicate", NULL);
	expect("x", NULL);
	expect("", NULL);
	expect("a-word-that-is-longer-than-any-command-could-be", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_of_the_finger_find_their_word),
		cmocka_unit_test(beginning_of_a_word_finds_it),
		cmocka_unit_test(something_else_finds_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
