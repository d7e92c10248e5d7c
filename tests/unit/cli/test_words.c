#include "testing.h"

#include "cli/words.h"

/* want is the words joined by '|'. */
static void
expect(const char *text, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(strv) struct strv got = STRV_INIT;
	AUTO(strv) struct strv wanted = STRV_INIT;
	ok(words_split(&got, text, &err));
	ok(strv_split(&wanted, want, '|', &err));
	assert_int_equal(got.len, wanted.len);
	for (size_t i = 0; i < got.len; i++)
		assert_string_equal(got.items[i], wanted.items[i]);
	assert_null(got.items[got.len]);
}

static void
blanks_separate(void **state)
{
	(void)state;
	expect("pass show backup/shop", "pass|show|backup/shop");
	expect("  a\t b\nc  ", "a|b|c");
}

static void
single_quotes_keep_everything(void **state)
{
	(void)state;
	expect("cat 'my file' 'a\\b\"c'", "cat|my file|a\\b\"c");
	expect("a'b c'd", "ab cd");
}

static void
backslash_takes_the_next_character(void **state)
{
	(void)state;
	expect("cat my\\ file \"say \\\"hi\\\" \\\\\"", "cat|my file|say \"hi\" \\");
}

static void
empty_quotes_are_an_empty_word(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv got = STRV_INIT;
	ok(words_split(&got, "a '' \"\"", &err));
	assert_int_equal(got.len, 3);
	assert_string_equal(got.items[1], "");
	assert_string_equal(got.items[2], "");
}

static void
shells_signs_are_plain_characters(void **state)
{
	(void)state;
	expect("echo $HOME; rm *", "echo|$HOME;|rm|*");
}

static void
unfinished_text_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv got = STRV_INIT;
	refused(words_split(&got, "a 'b", &err), ERR_USAGE, "a ' is not closed");
	refused(words_split(&got, "a \"b'", &err), ERR_USAGE, "a \" is not closed");
	refused(words_split(&got, "a\\", &err), ERR_USAGE, "it ends with a backslash");
}

static void
nothing_is_refused(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(strv) struct strv got = STRV_INIT;
	refused(words_split(&got, "  ", &err), ERR_USAGE, "it is empty");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_separate),
		cmocka_unit_test(single_quotes_keep_everything),
		cmocka_unit_test(backslash_takes_the_next_character),
		cmocka_unit_test(empty_quotes_are_an_empty_word),
		cmocka_unit_test(shells_signs_are_plain_characters),
		cmocka_unit_test(unfinished_text_is_refused),
		cmocka_unit_test(nothing_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
