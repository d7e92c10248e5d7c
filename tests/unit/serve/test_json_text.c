#include "testing.h"

#include "serve/json_text.h"

static void
text_that_is_no_utf8_becomes_some(void **state)
{
	AUTO(json) json_t *plain = json_text("a \"b\" \xc3\xa4\n");
	AUTO(json) json_t *bad = json_text("cut \xc3");
	(void)state;
	assert_string_equal(json_string_value(plain), "a \"b\" \xc3\xa4\n");
	assert_string_equal(json_string_value(bad), "cut \xef\xbf\xbd");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    text_that_is_no_utf8_becomes_some) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
