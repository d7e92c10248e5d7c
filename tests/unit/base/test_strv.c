#include "testing.h"

#include "base/strv.h"

static void
a_list_keeps_a_null_behind_its_last_string(void **state)
{
	(void)state;
	struct err err;
	AUTO(strv) struct strv v = STRV_INIT;
	for (int i = 0; i < 100; i++) {
		ok(strv_addf(&v, &err, "item %d", i));
		assert_int_equal(v.len, i + 1);
		assert_null(v.items[v.len]);
	}
	assert_string_equal(v.items[0], "item 0");
	assert_string_equal(v.items[99], "item 99");
}

static void
a_list_owns_copies(void **state)
{
	(void)state;
	struct err err;
	AUTO(strv) struct strv v = STRV_INIT;
	char text[] = "mine";
	ok(strv_add(&v, text, &err));
	text[0] = 'x';
	assert_string_equal(v.items[0], "mine");
	assert_true(strv_has(&v, "mine"));
	assert_false(strv_has(&v, "min"));
}

static void
lists_and_words_are_added_behind_what_is_there(void **state)
{
	(void)state;
	struct err err;
	static const char *const words[] = { "b", "", "c", NULL };
	AUTO(strv) struct strv v = STRV_INIT;
	AUTO(strv) struct strv all = STRV_INIT;
	ok(strv_add_words(&v, NULL, &err));
	ok(strv_add_all(&all, &v, &err));
	assert_int_equal(all.len, 0);
	ok(strv_add_words(&v, words, &err));
	assert_int_equal(v.len, 3);
	ok(strv_add(&all, "a", &err));
	ok(strv_add_all(&all, &v, &err));
	static const char *const want[] = { "a", "b", "", "c" };
	assert_int_equal(all.len, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(all.items[i], want[i]);
}

static void
splitting_leaves_out_empty_parts(void **state)
{
	(void)state;
	struct err err;
	AUTO(strv) struct strv v = STRV_INIT;
	ok(strv_split(&v, ",a,,bc,", ',', &err));
	assert_int_equal(v.len, 2);
	assert_string_equal(v.items[0], "a");
	assert_string_equal(v.items[1], "bc");
	ok(strv_split(&v, "", ',', &err));
	ok(strv_split(&v, ",", ',', &err));
	assert_int_equal(v.len, 2);
}

static void
sorting_goes_by_bytes(void **state)
{
	(void)state;
	struct err err;
	AUTO(strv) struct strv v = STRV_INIT;
	ok(strv_split(&v, "b \xff a B ab", ' ', &err));
	strv_sort(&v);
	static const char *const want[] = { "B", "a", "ab", "b", "\xff" };
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_string_equal(v.items[i], want[i]);
	AUTO(strv) struct strv empty = STRV_INIT;
	strv_sort(&empty);
	assert_int_equal(empty.len, 0);
}

static void
prefixes_and_suffixes_are_told(void **state)
{
	(void)state;
	assert_true(str_starts("packs/3f", "packs/"));
	assert_true(str_starts("x", ""));
	assert_false(str_starts("pack", "packs"));
	assert_true(str_ends("a.seg", ".seg"));
	assert_true(str_ends(".seg", ".seg"));
	assert_false(str_ends("seg", ".seg"));
}

static void
copies_end_with_a_nul(void **state)
{
	(void)state;
	struct err err;
	AUTO(str) char *part = NULL;
	AUTO(str) char *text = NULL;
	ok(str_dupn(&part, "abcdef", 3, &err));
	assert_string_equal(part, "abc");
	ok(str_printf(&text, &err, "%s/%d", part, 7));
	assert_string_equal(text, "abc/7");
}

/* What a code point is, written as UTF-8 in the form of n bytes, shortest or not. */
static size_t
write_utf8(char *out, uint32_t c, size_t n)
{
	static const uint8_t lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)(lead[n] | c);
	return n;
}

static void
utf8_is_every_code_point_in_its_shortest_form_and_nothing_else(void **state)
{
	(void)state;
	char s[4];
	static const uint32_t most[] = { 0, 0x7f, 0x7ff, 0xffff, 0x1fffff };
	for (uint32_t c = 0; c < 0x200000; c++) {
		bool is_scalar = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		bool is_shorter_possible = false;
		for (size_t n = 1; n <= 4; n++) {
			if (c > most[n])
				continue;
			bool want = is_scalar && !is_shorter_possible;
			if (str_is_utf8(s, write_utf8(s, c, n)) != want)
				fail_msg("U+%06x in %zu bytes", c, n);
			is_shorter_possible = true;
		}
	}
}

static void
broken_utf8_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "\x80", "\xbf", "a\xc3", "\xc3(", "\xe2\x82",
		"\xe2\x82(", "\xf0\x9f\x98", "\xfe", "\xff", "\xf8\x88\x80\x80\x80",
		"ok\xe2(\xa1", "\xed\xa0\x80" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("", 0));
	assert_true(str_is_utf8("a\0b", 3));
	assert_true(str_is_utf8("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", 15));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_keeps_a_null_behind_its_last_string),
		cmocka_unit_test(a_list_owns_copies),
		cmocka_unit_test(lists_and_words_are_added_behind_what_is_there),
		cmocka_unit_test(splitting_leaves_out_empty_parts),
		cmocka_unit_test(sorting_goes_by_bytes),
		cmocka_unit_test(prefixes_and_suffixes_are_told),
		cmocka_unit_test(copies_end_with_a_nul),
		cmocka_unit_test(
		    utf8_is_every_code_point_in_its_shortest_form_and_nothing_else),
		cmocka_unit_test(broken_utf8_is_refused),
	};
	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
