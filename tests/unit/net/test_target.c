#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/target.h"

static void
parts_and_queries_are_encoded(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(target) struct target t;
	target_init(&t, "/v1.41/images");
	target_part(&t, "a/b:1 %\xc3\xa4");
	target_part(&t, "json");
	target_query(&t, "filters", "{\"label\":[\"x=y&z\"]}");
	target_query(&t, "all", "1");
	const char *text;
	assert_int_equal(target_text(&t, &text, &err), ERR_OK);
	assert_string_equal(text, "/v1.41/images/a%2Fb%3A1%20%25%C3%A4/json"
				  "?filters=%7B%22label%22%3A%5B%22x%3Dy%26z%22%5D%7D&all=1");
}

static void
unreserved_bytes_stay(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(target) struct target t;
	target_init(&t, "");
	target_part(&t, "azAZ09-._~");
	const char *text;
	assert_int_equal(target_text(&t, &text, &err), ERR_OK);
	assert_string_equal(text, "/azAZ09-._~");
}

static void
part_that_a_server_would_resolve_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", ".", ".." };
	static const char *const said[] = { "'' cannot be part of a request's path",
		"'.' cannot be part of a request's path",
		"'..' cannot be part of a request's path" };
	for (size_t i = 0; i < 3; i++) {
		struct err err = ERR_INIT;
		AUTO(target) struct target t;
		target_init(&t, "/containers");
		target_part(&t, bad[i]);
		target_part(&t, "json");
		const char *text;
		assert_int_equal(target_text(&t, &text, &err), ERR_USAGE);
		assert_string_equal(err.msg, said[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_and_queries_are_encoded),
		cmocka_unit_test(unreserved_bytes_stay),
		cmocka_unit_test(part_that_a_server_would_resolve_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
