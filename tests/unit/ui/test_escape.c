#include "testing.h"

#include "ui/escape.h"

/* What escape_add and escape_print make of it; both must agree. */
static void
expect(const char *text, size_t len, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(escape_add(&out, text, len, &err));
	assert_string_equal(buf_cstr(&out), want);
	if (strlen(text) != len)
		return;
	char *printed = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&printed, &n);
	assert_non_null(f);
	escape_print(f, text);
	fclose(f);
	assert_string_equal(printed, want);
	free(printed);
}

static void
plain_text_and_utf8_stay(void **state)
{
	(void)state;
	static const char text[] = "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xb3 a\\b";
	expect(text, strlen(text), text);
}

static void
control_characters_become_visible(void **state)
{
	(void)state;
	expect("a\033[31mb", 7, "a\\x1b[31mb");
	expect("x\ny\tz\r\x7f", 7, "x\\ny\\tz\\x0d\\x7f");
	expect("a\0b", 3, "a\\x00b");
}

static void
bytes_that_are_not_utf8_become_visible(void **state)
{
	(void)state;
	expect("bad\xff", 4, "bad\\xff");
	expect("cut\xc3", 4, "cut\\xc3");
	expect("overlong\xc0\xaf", 10, "overlong\\xc0\\xaf");
	expect("surrogate\xed\xa0\x80", 12, "surrogate\\xed\\xa0\\x80");
}

/* C1 controls are escape sequences of one character to many terminals. */
static void
c1_controls_and_changes_of_direction_become_visible(void **state)
{
	(void)state;
	expect("\xc2\x9b"
	       "31m",
	    5, "\\u{9b}31m");
	expect("cod\xe2\x80\xae"
	       "exe.txt",
	    13, "cod\\u{202e}exe.txt");
	expect("\xe2\x81\xa6x", 4, "\\u{2066}x");
}

static void
width_counts_columns_not_bytes(void **state)
{
	(void)state;
	static const char wide[] = "\xe6\x97\xa5\xe6\x9c\xac";
	static const char accent[] = "e\xcc\x81x";
	assert_int_equal(escape_width("abc", 3), 3);
	assert_int_equal(escape_width(wide, strlen(wide)), 4);
	assert_int_equal(escape_width(accent, strlen(accent)), 2);
	assert_int_equal(escape_width("", 0), 0);
}

static void
cut_text_ends_with_a_whole_character(void **state)
{
	(void)state;
	static const char wide[] = "\xe6\x97\xa5\xe6\x9c\xac";
	assert_int_equal(escape_fit("abcdef", 6, 4), 4);
	assert_int_equal(escape_fit("abc", 3, 80), 3);
	assert_int_equal(escape_fit(wide, strlen(wide), 3), 3);
	assert_int_equal(escape_fit(wide, strlen(wide), 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_and_utf8_stay),
		cmocka_unit_test(control_characters_become_visible),
		cmocka_unit_test(bytes_that_are_not_utf8_become_visible),
		cmocka_unit_test(c1_controls_and_changes_of_direction_become_visible),
		cmocka_unit_test(width_counts_columns_not_bytes),
		cmocka_unit_test(cut_text_ends_with_a_whole_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
