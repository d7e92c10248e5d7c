#include "testing.h"

#include "base/ini.h"
#include "base/strv.h"

/* Items as "line section|key=value", sections as "line [section]". */
static enum err_code
note(void *arg, const struct ini_item *item, struct err *err)
{
	struct strv *got = arg;
	if (item->key == NULL)
		return strv_addf(got, err, "%zu [%s]", item->line, item->section);
	return strv_addf(
	    got, err, "%zu %s|%s=%s", item->line, item->section, item->key, item->value);
}

static enum err_code
parse(struct strv *got, const char *text, struct err *err)
{
	return ini_parse(text, strlen(text), "f.ini", note, got, err);
}

static void
expect(const char *text, const char *const *want, size_t n)
{
	AUTO(strv) struct strv got = STRV_INIT;
	struct err err = ERR_INIT;
	ok(parse(&got, text, &err));
	assert_int_equal(got.len, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(got.items[i], want[i]);
}

static void
sections_and_keys_are_given_with_their_lines(void **state)
{
	(void)state;
	static const char *const want[] = { "2 [defaults]", "3 defaults|quiesce=pause",
		"6 [stack shop service app]", "7 stack shop service app|hook.before=a = b # c",
		"8 stack shop service app|empty=" };
	expect("# comment\n"
	       "[defaults]\n"
	       "quiesce=pause\n"
	       "\n"
	       "  ; indented comment\n"
	       "[ stack\t shop   service app ]\n"
	       "hook.before =  a = b # c \r\n"
	       "empty =",
	    want, ARRAY_LEN(want));
}

static void
lines_that_begin_with_a_blank_go_on_with_the_value(void **state)
{
	(void)state;
	static const char *const want[] = { "1 [s]", "2 s|a=one\ntwo\n[three]\nfour = 4",
		"8 s|b=x\ny" };
	expect("[s]\na = one\n  two\n\t[three]\n # no\n\n four = 4\nb =\n x\n y\n", want,
	    ARRAY_LEN(want));
}

static void
nothing_at_all_is_an_empty_file(void **state)
{
	(void)state;
	expect("", NULL, 0);
	expect("\n\r\n  \n# c", NULL, 0);
}

static void
what_makes_no_sense_is_refused_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "a = 1\n", "f.ini:1: a key stands before any [section]" },
		{ "[s]\n\nword\n",
		    "f.ini:3: neither [section] nor key = value (lines that go on with a value "
		    "begin with a blank)" },
		{ "[s\n", "f.ini:1: a section's line ends with \"]\"" },
		{ "[s] x\n", "f.ini:1: a section's line ends with \"]\"" },
		{ "[ ]\n", "f.ini:1: a section without a name" },
		{ "[]\n", "f.ini:1: a section without a name" },
		{ "[a b]\n[ a  b ]\n", "f.ini:2: there is a section [a b] already" },
		{ "[s]\nk=1\nk = 1\n", "f.ini:3: k is there twice in [s]" },
		{ "[s]\n= 1\n", "f.ini:2: no key before \"=\"" },
		{ "[s]\n x\n", "f.ini:2: the line begins with a blank, but there is no value "
			       "that goes on" },
		{ "[s]\nk = a\x01\n", "f.ini:2: a control character (byte 1)" },
		{ "[s]\nk = \xff\n", "f.ini:2: is not UTF-8" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(strv) struct strv got = STRV_INIT;
		struct err err = ERR_INIT;
		refused(parse(&got, cases[i].text, &err), ERR_USAGE, cases[i].want);
	}
	AUTO(strv) struct strv got = STRV_INIT;
	struct err err = ERR_INIT;
	refused(ini_parse("[s]\nk = a\0b\n", 11, "f.ini", note, &got, &err), ERR_USAGE,
	    "f.ini:2: a control character (byte 0)");
}

static void
a_key_may_be_in_several_sections(void **state)
{
	(void)state;
	static const char *const want[] = { "1 [a]", "2 a|k=1", "3 [b]", "4 b|k=2" };
	expect("[a]\nk=1\n[b]\nk=2\n", want, ARRAY_LEN(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_keys_are_given_with_their_lines),
		cmocka_unit_test(lines_that_begin_with_a_blank_go_on_with_the_value),
		cmocka_unit_test(nothing_at_all_is_an_empty_file),
		cmocka_unit_test(what_makes_no_sense_is_refused_with_its_line),
		cmocka_unit_test(a_key_may_be_in_several_sections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
