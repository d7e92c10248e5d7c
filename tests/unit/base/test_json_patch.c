/*
 * A patch that was made of two documents must turn one into the other; what
 * apply does is held against the examples of RFC 6902, appendix A.
 */
#include "base/json_patch_apply.h"
#include "testing.h"

#include "base/json_patch.h"

static json_t *
parse(const char *text)
{
	struct err err = ERR_INIT;
	json_error_t je;
	json_t *j = json_loads(text, JSON_DECODE_ANY, &je);
	if (j == NULL)
		fail_msg("%s: %s", text, je.text);
	(void)err;
	return j;
}

static void
expect_json(const json_t *got, const char *want)
{
	AUTO(json) json_t *w = parse(want);
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!json_equal(got, w))
		fail_msg("got %s, want %s", text, want);
	free(text);
}

static void
expect_patch(const char *before, const char *after, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *a = parse(before);
	AUTO(json) json_t *b = parse(after);
	AUTO(json) json_t *patch = NULL;
	AUTO(json) json_t *made = NULL;
	ok(json_patch_make(&patch, a, b, &err));
	expect_json(patch, want);
	ok(json_patch_apply(&made, a, patch, &err));
	expect_json(made, after);
}

static void
members_are_removed_added_and_replaced(void **state)
{
	(void)state;
	expect_patch("{}", "{}", "[]");
	expect_patch("{\"a\":1,\"b\":{\"c\":true}}", "{\"b\":{\"c\":null,\"d\":[]}}",
	    "[{\"op\":\"remove\",\"path\":\"/a\"},"
	    "{\"op\":\"replace\",\"path\":\"/b/c\",\"value\":null},"
	    "{\"op\":\"add\",\"path\":\"/b/d\",\"value\":[]}]");
	expect_patch(
	    "{\"a\":1}", "{\"a\":1.0}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1.0}]");
	expect_patch("1", "[1]", "[{\"op\":\"replace\",\"path\":\"\",\"value\":[1]}]");
}

static void
slashes_and_tildes_of_names_are_escaped(void **state)
{
	(void)state;
	expect_patch("{\"\":1,\"a/b\":1,\"m~n\":1,\"~1\":1,\" \":{\"\":{\"/\":1}}}",
	    "{\"\":2,\"a/b\":2,\"m~n\":2,\"~1\":2,\" \":{\"\":{\"/\":2}}}",
	    "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2},"
	    "{\"op\":\"replace\",\"path\":\"/a~1b\",\"value\":2},"
	    "{\"op\":\"replace\",\"path\":\"/m~0n\",\"value\":2},"
	    "{\"op\":\"replace\",\"path\":\"/~01\",\"value\":2},"
	    "{\"op\":\"replace\",\"path\":\"/ //~1\",\"value\":2}]");
}

static void
items_are_matched_by_what_both_have(void **state)
{
	(void)state;
	expect_patch("[1,2,3,4]", "[1,3,4,5]",
	    "[{\"op\":\"remove\",\"path\":\"/1\"},"
	    "{\"op\":\"add\",\"path\":\"/3\",\"value\":5}]");
	expect_patch("[{\"id\":1,\"n\":\"a\"},{\"id\":2,\"n\":\"b\"}]",
	    "[{\"id\":1,\"n\":\"a\"},{\"id\":2,\"n\":\"c\"},{\"id\":3}]",
	    "[{\"op\":\"replace\",\"path\":\"/1/n\",\"value\":\"c\"},"
	    "{\"op\":\"add\",\"path\":\"/2\",\"value\":{\"id\":3}}]");
	expect_patch("[1,2,3]", "[]",
	    "[{\"op\":\"remove\",\"path\":\"/0\"},{\"op\":\"remove\",\"path\":\"/0\"},"
	    "{\"op\":\"remove\",\"path\":\"/0\"}]");
	/* The order of members makes no other item. */
	expect_patch("[{\"a\":1,\"b\":2},7]", "[{\"b\":2,\"a\":1}]",
	    "[{\"op\":\"remove\",\"path\":\"/1\"}]");
}

/* --- any documents --- */

static uint32_t seed = 3;

static uint32_t
chance(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static json_t *
random_value(unsigned depth)
{
	static const char *const names[] = { "a", "b", "", "~", "/", "~1", "0", "1", "-",
		"\xc3\xbc" };
	uint32_t kind = chance(depth == 0 ? 5 : 15);
	if (kind == 0)
		return json_null();
	if (kind == 1)
		return json_boolean(chance(2));
	if (kind == 2)
		return json_integer(chance(3));
	if (kind == 3)
		return json_real(chance(3) / 2.0);
	if (kind == 4)
		return json_string(names[chance(10)]);
	bool is_object = kind < 10;
	json_t *value = is_object ? json_object() : json_array();
	for (uint32_t n = chance(6); n > 0; n--) {
		json_t *part = random_value(depth - 1);
		int rc = is_object ? json_object_set_new(value, names[chance(10)], part)
				   : json_array_append_new(value, part);
		assert_int_equal(rc, 0);
	}
	return value;
}

/* The same with a few values changed. */
static json_t *
vary(const json_t *value, unsigned depth)
{
	if (chance(8) == 0)
		return random_value(depth);
	json_t *copy = json_copy((json_t *)(uintptr_t)value);
	const char *key;
	json_t *part;
	void *next;
	json_object_foreach_safe(copy, next, key, part)
	{
		if (chance(9) == 0)
			json_object_del(copy, key);
		else
			json_object_set_new(copy, key, vary(part, depth > 0 ? depth - 1 : 0));
	}
	for (size_t i = 0; json_is_array(copy) && i < json_array_size(copy); i++) {
		uint32_t what = chance(9);
		if (what == 0)
			json_array_remove(copy, i);
		else if (what == 1)
			json_array_insert_new(copy, i++, random_value(1));
		else
			json_array_set_new(copy, i, vary(json_array_get(copy, i), 1));
	}
	return copy;
}

static void
a_patch_makes_one_of_the_other(void **state)
{
	(void)state;
	size_t operations = 0;
	for (int round = 0; round < 8000; round++) {
		struct err err = ERR_INIT;
		AUTO(json) json_t *a = random_value(4);
		AUTO(json) json_t *b = chance(2) == 0 ? vary(a, 4) : random_value(4);
		AUTO(json) json_t *before = json_deep_copy(a);
		AUTO(json) json_t *patch = NULL;
		AUTO(json) json_t *made = NULL;
		ok(json_patch_make(&patch, a, b, &err));
		ok(json_patch_apply(&made, a, patch, &err));
		assert_true(json_equal(made, b));
		assert_true(json_equal(a, before));
		assert_int_equal(json_array_size(patch) == 0, json_equal(a, b));
		operations += json_array_size(patch);
	}
	assert_true(operations > 8000);
}

/* What lies in documents may be hostile. */
static void
deep_documents_are_compared(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	enum { DEPTH = 1000 };
	static char text[2][3 * DEPTH + 8];
	for (int k = 0; k < 2; k++) {
		memset(text[k], '[', DEPTH);
		text[k][DEPTH] = (char)('1' + k);
		memset(text[k] + DEPTH + 1, ']', DEPTH);
	}
	AUTO(json) json_t *a = parse(text[0]);
	AUTO(json) json_t *b = parse(text[1]);
	AUTO(json) json_t *patch = NULL;
	AUTO(json) json_t *made = NULL;
	ok(json_patch_make(&patch, a, b, &err));
	assert_int_equal(json_array_size(patch), 1);
	assert_int_equal(strlen(json_get_str(json_array_get(patch, 0), "path")), 2 * DEPTH);
	ok(json_patch_apply(&made, a, patch, &err));
	assert_true(json_equal(made, b));
}

/* --- apply --- */

static void
applied(const char *doc, const char *patch, const char *want)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *d = parse(doc);
	AUTO(json) json_t *p = parse(patch);
	AUTO(json) json_t *made = NULL;
	ok(json_patch_apply(&made, d, p, &err));
	expect_json(made, want);
}

static void
not_applied(const char *doc, const char *patch, enum err_code code, const char *message)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *d = parse(doc);
	AUTO(json) json_t *p = parse(patch);
	AUTO(json) json_t *made = NULL;
	refused(json_patch_apply(&made, d, p, &err), code, message);
	assert_null(made);
}

static void
the_examples_of_the_rfc_hold(void **state)
{
	(void)state;
	applied("{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
	    "{\"baz\":\"qux\",\"foo\":\"bar\"}");
	applied("{\"foo\":[\"bar\",\"baz\"]}",
	    "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
	    "{\"foo\":[\"bar\",\"qux\",\"baz\"]}");
	applied("{\"foo\":[\"bar\",\"qux\",\"baz\"]}",
	    "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]", "{\"foo\":[\"bar\",\"baz\"]}");
	applied("{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
	    "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
	    "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}");
	applied("{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
	    "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
	    "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}");
	applied("{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
	    "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
	    "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
	    "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}");
	not_applied("{\"baz\":\"qux\"}",
	    "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", ERR_CHANGED,
	    "JSON patch: \"/baz\" is another value");
	applied("{\"foo\":\"bar\"}",
	    "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
	    "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}");
	applied("{\"foo\":\"bar\"}",
	    "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
	    "{\"foo\":\"bar\",\"baz\":\"qux\"}");
	not_applied("{\"foo\":\"bar\"}",
	    "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", ERR_NOT_FOUND,
	    "JSON patch: there is no \"/baz/bat\"");
	applied("{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
	    "{\"/\":9,\"~1\":10}");
	not_applied("{\"/\":9,\"~1\":10}",
	    "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", ERR_CHANGED,
	    "JSON patch: \"/~01\" is another value");
	applied("{\"foo\":[\"bar\"]}",
	    "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
	    "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}");
	applied("{\"a\":{\"b\":1}}",
	    "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},"
	    "{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
	    "{\"a\":{\"b\":1},\"c\":{\"b\":2}}");
	applied("{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", "{\"a\":1}");
}

static void
what_is_no_patch_is_refused(void **state)
{
	(void)state;
	not_applied("{}", "{}", ERR_USAGE, "JSON patch: not an array");
	not_applied(
	    "{}", "[1]", ERR_USAGE, "JSON patch: an operation without \"op\" or \"path\"");
	not_applied("{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", ERR_USAGE,
	    "JSON patch: an operation without \"value\"");
	not_applied("{}", "[{\"op\":\"xor\",\"path\":\"/a\",\"value\":1}]", ERR_USAGE,
	    "JSON patch: \"xor\" is no operation");
	not_applied("{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", ERR_USAGE,
	    "JSON patch: \"a\" is no path");
	not_applied("{}", "[{\"op\":\"add\",\"path\":\"/~2\",\"value\":1}]", ERR_USAGE,
	    "JSON patch: bad \"~\" in a path");
	not_applied("{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]",
	    ERR_USAGE, "JSON patch: a value cannot move into itself");
	not_applied("{}", "[{\"op\":\"remove\",\"path\":\"\"}]", ERR_USAGE,
	    "JSON patch: the whole cannot be removed");
	static const char *const bad[] = { "01", "3", "-", "1x", "", "99999999999" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char patch[96];
		char want[64];
		snprintf(patch, sizeof patch, "[{\"op\":\"remove\",\"path\":\"/%s\"}]", bad[i]);
		snprintf(want, sizeof want, "JSON patch: there is no \"/%s\"", bad[i]);
		not_applied("[1,2]", patch, ERR_NOT_FOUND, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_removed_added_and_replaced),
		cmocka_unit_test(slashes_and_tildes_of_names_are_escaped),
		cmocka_unit_test(items_are_matched_by_what_both_have),
		cmocka_unit_test(a_patch_makes_one_of_the_other),
		cmocka_unit_test(deep_documents_are_compared),
		cmocka_unit_test(the_examples_of_the_rfc_hold),
		cmocka_unit_test(what_is_no_patch_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
