#include "testing.h"

#include "serve/route.h"

#include <stdio.h>

static void
text_of(const char *text, size_t len, bool plus, const char *want)
{
	char out[256];
	assert_true(route_decode(out, text, len, plus));
	assert_string_equal(out, want);
}

static void
escapes_are_decoded_once(void **state)
{
	(void)state;
	text_of("a%20b", 5, false, "a b");
	text_of("a%2520b", 7, false, "a%20b");
	text_of("a+b", 3, false, "a+b");
	text_of("a+b", 3, true, "a b");
	text_of("%c3%A4", 6, false, "\xc3\xa4");
	text_of("", 0, false, "");
}

static void
what_is_no_text_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "%", "%2", "%zz", "a%00b", "%0a", "%7f", "%ff",
		"%c3", "%c0%af", "%ed%a0%80", "a\tb", "\xff" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char out[256];
		if (route_decode(out, bad[i], strlen(bad[i]), false))
			fail_msg("taken: %s", bad[i]);
	}
}

static void
a_path_has_its_verb(void **state)
{
	(void)state;
	bool is_path;
	AUTO(json) json_t *args = json_object();
	const struct route *r = route_find("POST", "/login", args, &is_path);
	assert_non_null(r);
	assert_string_equal(r->verb, "account.login");
	assert_int_equal(json_object_size(args), 0);
	assert_non_null(route_find("HEAD", "/session", args, &is_path));
}

static void
another_method_of_a_path_is_told_from_no_path(void **state)
{
	(void)state;
	bool is_path;
	char methods[ROUTE_METHODS];
	AUTO(json) json_t *args = json_object();
	assert_null(route_find("GET", "/login", args, &is_path));
	assert_true(is_path);
	route_methods("/login", methods);
	assert_string_equal(methods, "POST");
	route_methods("/session", methods);
	assert_string_equal(methods, "GET, HEAD");
	static const char *const nowhere[] = { "", "/", "login", "/login/", "//login", "/logi",
		"/loginx", "/login/x", "/%6cogin", "/../login" };
	for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
		assert_null(route_find("POST", nowhere[i], args, &is_path));
		if (is_path)
			fail_msg("is a path: %s", nowhere[i]);
	}
	route_methods("/nowhere", methods);
	assert_string_equal(methods, "");
}

/* Whatever rows there are: each is found by its own path, with its arguments. */
static void
each_row_is_found(void **state)
{
	(void)state;
	for (const struct route *r = routes; r->method != NULL; r++) {
		char path[256];
		size_t n = 0;
		size_t names = 0;
		for (const char *p = r->path; *p != '\0'; p++) {
			if (*p == '{') {
				n += (size_t)snprintf(path + n, sizeof path - n, "%%61b%%20");
				p += strcspn(p, "}");
				names++;
			} else {
				path[n++] = *p;
			}
		}
		path[n] = '\0';
		bool is_path;
		AUTO(json) json_t *args = json_object();
		const struct route *found = route_find(r->method, path, args, &is_path);
		if (found != r)
			fail_msg("%s %s is not found by %s", r->method, r->path, path);
		assert_int_equal(json_object_size(args), names);
		const char *name;
		json_t *value;
		json_object_foreach(args, name, value)
		    assert_string_equal(json_string_value(value), "ab ");
	}
}

static void
a_query_becomes_arguments(void **state)
{
	(void)state;
	AUTO(json) json_t *args = json_object();
	assert_true(route_query(args, "a=1&b=x%26y&c=&d&e=p=q&f=a+b&&"));
	assert_string_equal(json_get_str(args, "a"), "1");
	assert_string_equal(json_get_str(args, "b"), "x&y");
	assert_string_equal(json_get_str(args, "c"), "");
	assert_string_equal(json_get_str(args, "d"), "");
	assert_string_equal(json_get_str(args, "e"), "p=q");
	assert_string_equal(json_get_str(args, "f"), "a b");
	assert_int_equal(json_object_size(args), 6);
}

static void
a_query_that_says_a_thing_twice_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a=1&a=2", "name=x", "=1", "a=%", "a=%00", "%zz=1" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json) json_t *args = json_pack("{s:s}", "name", "taken");
		if (route_query(args, bad[i]))
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(json_get_str(args, "name"), "taken");
	}
	char many[40 * 4];
	size_t n = 0;
	for (int i = 0; i < 33; i++)
		n += (size_t)snprintf(many + n, sizeof many - n, "%d=&", i + 10);
	AUTO(json) json_t *args = json_object();
	assert_false(route_query(args, many));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_decoded_once),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(a_path_has_its_verb),
		cmocka_unit_test(another_method_of_a_path_is_told_from_no_path),
		cmocka_unit_test(each_row_is_found),
		cmocka_unit_test(a_query_becomes_arguments),
		cmocka_unit_test(a_query_that_says_a_thing_twice_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
