#include "testing.h"

#include "base/percent.h"

static void
what_is_not_unreserved_is_encoded(void **state)
{
	(void)state;
	struct err err;
	AUTO(bufv) struct buf out = BUF_INIT;
	ok(percent_encode(&out, "aZ09-._~/ %\xc3\xa9\x01", "", &err));
	assert_string_equal(buf_cstr(&out), "aZ09-._~%2F%20%25%C3%A9%01");
	out.len = 0;
	ok(percent_encode(&out, "a/b:c", "/", &err));
	assert_string_equal(buf_cstr(&out), "a/b%3Ac");
}

static void
only_two_digits_have_a_value(void **state)
{
	(void)state;
	static const struct {
		const char *digits;
		int value;
	} cases[] = { { "00", 0 }, { "2F", 0x2f }, { "2f", 0x2f }, { "ffx", 0xff }, { "f", -1 },
		{ "g0", -1 }, { "0g", -1 }, { "", -1 }, { "+1", -1 }, { "@A", -1 } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    percent_value(cases[i].digits, strlen(cases[i].digits)), cases[i].value);
	assert_int_equal(percent_value("2F", 1), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_unreserved_is_encoded),
		cmocka_unit_test(only_two_digits_have_a_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
