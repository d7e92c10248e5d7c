#include "testing.h"

#include "serve/preview.h"

#include <string.h>

static size_t
text_len(const char *text, bool is_cut)
{
	return preview_text_len((const uint8_t *)text, strlen(text), is_cut);
}

static void
text_is_what_has_no_control_characters(void **state)
{
	(void)state;
	assert_int_equal(text_len("services:\n\tapp:\r\n", false), 17);
	assert_int_equal(text_len("M\xc3\xbcller", false), 7);
	assert_int_equal(text_len("\x1b[31mred", false), 8); /* a log in colours */
	assert_int_equal(text_len("bell\a", false), 0);
	assert_int_equal(preview_text_len((const uint8_t *)"a\0b", 3, false), 0);
	assert_int_equal(text_len("M\xfcller", false), 0);
}

static void
a_character_that_the_end_has_cut_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(text_len("M\xc3", true), 1);
	assert_int_equal(text_len("M\xc3", false), 0);
	assert_int_equal(text_len("ab\xf0\x9f\x98", true), 2);
	assert_int_equal(text_len("whole", true), 5);
	/* What is no text before the end is none. */
	assert_int_equal(text_len("a\xff\xff\xff\xff and more", true), 0);
}

static void
pictures_are_told_by_their_first_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		size_t len;
		const char *type;
	} all[] = {
		{ "\x89PNG\r\n\x1a\n....", 12, "image/png" },
		{ "\xff\xd8\xff\xe0", 4, "image/jpeg" }, { "GIF89a", 6, "image/gif" },
		{ "RIFF\x10\x00\x00\x00WEBP", 12, "image/webp" },
		{ "RIFF\x10\x00\x00\x00WAVE", 12, NULL }, { "\x89PN", 3, NULL },
		{ "<svg xmlns=", 11, NULL }, /* may hold scripts */
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *type = preview_image_type((const uint8_t *)all[i].data, all[i].len);
		if (all[i].type == NULL)
			assert_null(type);
		else
			assert_string_equal(type, all[i].type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_what_has_no_control_characters),
		cmocka_unit_test(a_character_that_the_end_has_cut_is_left_out),
		cmocka_unit_test(pictures_are_told_by_their_first_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
