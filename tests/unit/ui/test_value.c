/*
 * Values are for looking at: NULL is not the empty text, what is long is cut
 * where nothing differs, and nothing of it can steer a terminal.
 */
#include "testing.h"

#include "ui/value.h"

#include <stdio.h>
#include <stdlib.h>

static struct value
text_value(const char *s)
{
	return (struct value){ VALUE_TEXT, false, s, strlen(s) };
}

static void
shown(struct value v, size_t max, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(value_add(&out, &v, max, &err));
	assert_string_equal(buf_cstr(&out), want);
}

static void
types_tell_how_a_value_is_written(void **state)
{
	(void)state;
	assert_int_equal(value_kind_of("character varying(20)"), VALUE_TEXT);
	assert_int_equal(value_kind_of("TEXT"), VALUE_TEXT);
	assert_int_equal(value_kind_of("enum('a','b')"), VALUE_TEXT);
	assert_int_equal(value_kind_of("numeric(10,2)"), VALUE_PLAIN);
	assert_int_equal(value_kind_of("timestamp with time zone"), VALUE_PLAIN);
	assert_int_equal(value_kind_of("bytea"), VALUE_BYTES);
	assert_int_equal(value_kind_of("varbinary(16)"), VALUE_BYTES);
	assert_int_equal(value_kind_of("jsonb"), VALUE_JSON);
	assert_int_equal(value_kind_of(""), VALUE_PLAIN);
}

static void
null_is_a_word_and_text_is_quoted(void **state)
{
	(void)state;
	shown((struct value){ VALUE_TEXT, true, "", 0 }, 60, "NULL");
	shown(text_value(""), 60, "\"\"");
	shown(text_value("NULL"), 60, "\"NULL\"");
	shown((struct value){ VALUE_PLAIN, false, "NULL", 4 }, 60, "\"NULL\"");
	shown((struct value){ VALUE_PLAIN, false, "", 0 }, 60, "\"\"");
	shown((struct value){ VALUE_PLAIN, false, "-12.50", 6 }, 60, "-12.50");
	shown((struct value){ VALUE_PLAIN, false, "2026-11-20 10:00:00+00", 22 }, 60,
	    "2026-11-20 10:00:00+00");
	shown((struct value){ VALUE_PLAIN, false, "a,b", 3 }, 60, "\"a,b\"");
	shown(text_value("say \"no\" \\ yes"), 60, "\"say \\\"no\\\" \\\\ yes\"");
}

static void
what_steers_a_terminal_is_made_visible(void **state)
{
	(void)state;
	shown(text_value("\033[31mred\a\n\xe2\x80\xae"
			 "evil"),
	    60, "\"\\x1b[31mred\\x07\\n\\u{202e}evil\"");
	shown((struct value){ VALUE_PLAIN, false, "\033]0;x\a", 6 }, 60, "\"\\x1b]0;x\\x07\"");
	shown((struct value){ VALUE_JSON, false, "{\"a\":\"\xc2\x9b\"}", 10 }, 60,
	    "{\"a\":\"\\u{9b}\"}");
}

static void
bytes_are_hexadecimal(void **state)
{
	(void)state;
	shown((struct value){ VALUE_BYTES, false, "\\x00ff10", 8 }, 60, "0x00ff10");
	shown((struct value){ VALUE_BYTES, false, "\x89PNG", 4 }, 60, "0x89504e47");
	shown((struct value){ VALUE_BYTES, false, "", 0 }, 60, "0x");
	/* What the type does not tell, the bytes do. */
	shown((struct value){ VALUE_TEXT, false, "a\0b", 3 }, 60, "0x610062");
	shown((struct value){ VALUE_PLAIN, false, "\xff\xfe", 2 }, 60, "0xfffe");
	char digits[2 + 2 * 1000 + 1] = "\\x";
	for (int i = 0; i < 1000; i++)
		snprintf(digits + 2 + 2 * i, 3, "%02x", i & 0xff);
	shown((struct value){ VALUE_BYTES, false, digits, 2002 }, 9,
	    "0x000102030405\xe2\x80\xa6(991 bytes)\xe2\x80\xa6"
	    "e5e6e7");
}

static void
long_text_is_cut_in_the_middle_at_whole_characters(void **state)
{
	(void)state;
	char text[3001];
	for (size_t i = 0; i < 3000; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	text[3000] = '\0';
	/* 5 would end in the middle of a character, and so would 3 from the end. */
	shown(text_value(text), 8,
	    "\"\xc3\xbc\xc3\xbc\xc3\xbc\xe2\x80\xa6(2,992 bytes)\xe2\x80\xa6\xc3\xbc\"");
	/* Not when the note would be as long as what it stands for. */
	memset(text, 'x', 80);
	text[80] = '\0';
	AUTO(bufv) struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	struct value v = text_value(text);
	ok(value_add(&out, &v, 60, &err));
	assert_int_equal(out.len, 82);
}

static void
change(struct value a, struct value b, size_t max, const char *before, const char *after)
{
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf x = BUF_INIT;
	AUTO(bufv) struct buf y = BUF_INIT;
	ok(value_add_change(&x, &y, &a, &b, max, &err));
	assert_string_equal(buf_cstr(&x), before);
	assert_string_equal(buf_cstr(&y), after);
}

static void
what_differs_in_a_long_text_is_in_view(void **state)
{
	(void)state;
	char a[2001], b[2001];
	memset(a, 'x', 2000);
	memset(b, 'x', 2000);
	a[2000] = b[2000] = '\0';
	memcpy(a + 1000, "apples", 6);
	memcpy(b + 1000, "pears!", 6);
	change(text_value(a), text_value(b), 40,
	    "\"\xe2\x80\xa6(990 bytes)\xe2\x80\xa6xxxxxxxxxxapplesxxxxxxxxxx\xe2\x80\xa6(984 "
	    "bytes)\xe2\x80\xa6\"",
	    "\"\xe2\x80\xa6(990 bytes)\xe2\x80\xa6xxxxxxxxxxpears!xxxxxxxxxx\xe2\x80\xa6(984 "
	    "bytes)\xe2\x80\xa6\"");
	/* The end of one, with more behind it in the other. */
	change(text_value("short"), text_value("short and more"), 60, "\"short\"",
	    "\"short and more\"");
	change((struct value){ VALUE_TEXT, true, "", 0 }, text_value(""), 60, "NULL", "\"\"");
	change((struct value){ VALUE_PLAIN, false, "12.50", 5 },
	    (struct value){ VALUE_PLAIN, false, "14.00", 5 }, 60, "12.50", "14.00");
	/* The same character before and behind what came. */
	change(text_value("\xc3\xbc"), text_value("\xc3\xbc\xc3\xbc"), 60, "\"\xc3\xbc\"",
	    "\"\xc3\xbc\xc3\xbc\"");
}

static void
no_bytes_give_control_characters_or_more_than_was_asked_for(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	uint32_t seed = 5;
	for (int round = 0; round < 4000; round++) {
		uint8_t raw[2][400];
		size_t len[2];
		for (int k = 0; k < 2; k++) {
			seed = seed * 1664525u + 1013904223u;
			len[k] = (seed >> 8) % sizeof raw[k];
			for (size_t i = 0; i < len[k]; i++) {
				seed = seed * 1664525u + 1013904223u;
				raw[k][i] = (uint8_t)(round % 2 == 0 ? seed >> 16
								     : 0x20 + (seed >> 16) % 3);
			}
		}
		enum value_kind kind = (enum value_kind)(round % 4);
		struct value a = { kind, false, raw[0], len[0] };
		struct value b = { kind, false, raw[1], len[1] };
		AUTO(bufv) struct buf x = BUF_INIT;
		AUTO(bufv) struct buf y = BUF_INIT;
		ok(value_add_change(&x, &y, &a, &b, 40, &err));
		for (size_t i = 0; i < x.len; i++)
			assert_true(x.data[i] >= 0x20 && x.data[i] != 0x7f);
		assert_true(x.len < 600 && y.len < 600);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_tell_how_a_value_is_written),
		cmocka_unit_test(null_is_a_word_and_text_is_quoted),
		cmocka_unit_test(what_steers_a_terminal_is_made_visible),
		cmocka_unit_test(bytes_are_hexadecimal),
		cmocka_unit_test(long_text_is_cut_in_the_middle_at_whole_characters),
		cmocka_unit_test(what_differs_in_a_long_text_is_in_view),
		cmocka_unit_test(no_bytes_give_control_characters_or_more_than_was_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
