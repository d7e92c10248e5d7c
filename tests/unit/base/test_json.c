#include "testing.h"

#include "base/json.h"

/* What the calls between begin and end wrote. */
static struct buf text;
static struct json_writer writer;

static struct json_writer *
begin(void)
{
	text.len = 0;
	json_init(&writer, &text);
	return &writer;
}

static void
written(const char *want)
{
	struct err err;
	ok(json_finish(&writer, &err));
	assert_string_equal(buf_cstr(&text), want);
}

static int
release(void **state)
{
	(void)state;
	buf_release(&text);
	return 0;
}

static void
commas_and_nesting_come_right(void **state)
{
	(void)state;
	struct json_writer *w = begin();
	json_obj(w, NULL);
	json_u64(w, "a", UINT64_MAX);
	json_arr(w, "b");
	json_i64(w, NULL, INT64_MIN);
	json_obj(w, NULL);
	json_obj_end(w);
	json_arr(w, NULL);
	json_arr_end(w);
	json_flag(w, NULL, true);
	json_arr_end(w);
	json_nil(w, "c");
	json_obj(w, "d");
	json_str(w, "e", NULL);
	json_flag(w, "f", false);
	json_obj_end(w);
	json_obj_end(w);
	written(
	    "{\"a\":18446744073709551615,\"b\":[-9223372036854775808,{},[],true],\"c\":null,"
	    "\"d\":{\"e\":null,\"f\":false}}");
}

static void
text_is_escaped_and_read_back_the_same(void **state)
{
	(void)state;
	struct err err;
	const char *nasty = "q\" b\\ n\n t\t r\r \x01\x1f\x7f / </script> \xc3\xbc "
			    "\xe2\x82\xac \xf0\x9f\x98\x80";
	struct json_writer *w = begin();
	json_obj(w, NULL);
	json_str(w, nasty, nasty);
	json_obj_end(w);
	written("{\"q\\\" b\\\\ n\\u000a t\\u0009 r\\u000d \\u0001\\u001f\\u007f / </script> "
		"\xc3\xbc \xe2\x82\xac "
		"\xf0\x9f\x98\x80\":\"q\\\" b\\\\ n\\u000a t\\u0009 r\\u000d "
		"\\u0001\\u001f\\u007f / </script> "
		"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\"}");
	AUTO(json) json_t *doc = NULL;
	ok(json_parse(&doc, text.data, text.len, "test", &err));
	assert_string_equal(json_get_str(doc, nasty), nasty);
}

static void
bytes_that_are_no_utf8_keep_their_true_value_beside(void **state)
{
	(void)state;
	struct json_writer *w = begin();
	json_obj(w, NULL);
	json_bytes(w, "name", "caf\xe9", 4);
	json_bytes(w, "good", "caf\xc3\xa9", 5);
	json_bytes(w, "zero", "a\0b", 3);
	json_bytes(w, "cut", "\xe2\x82", 2);
	json_bytes(w, "empty", "", 0);
	json_obj_end(w);
	written("{\"name\":\"caf\\ufffd\",\"name_hex\":\"636166e9\",\"good\":\"caf\xc3\xa9\","
		"\"zero\":\"a\\u0000b\","
		"\"cut\":\"\\ufffd\\ufffd\",\"cut_hex\":\"e282\",\"empty\":\"\"}");
}

/* Every two bytes: always well-formed JSON. */
static void
no_bytes_break_the_document(void **state)
{
	(void)state;
	struct err err;
	for (unsigned n = 0; n < 0x10000; n += 7) {
		char raw[5] = { (char)n, (char)(n >> 8), 'x', (char)(n >> 8), (char)n };
		struct json_writer *w = begin();
		json_arr(w, NULL);
		json_bytes(w, NULL, raw, sizeof raw);
		json_arr_end(w);
		ok(json_finish(w, &err));
		AUTO(json) json_t *doc = NULL;
		ok(json_parse(&doc, text.data, text.len, "test", &err));
	}
}

static void
numbers_that_json_does_not_have_become_null(void **state)
{
	(void)state;
	struct json_writer *w = begin();
	json_arr(w, NULL);
	json_f64(w, NULL, 0.5);
	json_f64(w, NULL, 1.0 / 0.0);
	json_f64(w, NULL, -1.0 / 0.0);
	json_f64(w, NULL, __builtin_nan(""));
	json_f64(w, NULL, 1e300);
	json_arr_end(w);
	written("[0.5,null,null,null,1e+300]");
}

static void
a_value_that_was_read_is_written_again(void **state)
{
	(void)state;
	struct err err;
	const char *doc = "{\"a\":[1,-2,true,false,null,\"x\\u0000y\"],\"b\":{},\"c\":[]}";
	AUTO(json) json_t *v = NULL;
	ok(json_parse(&v, doc, strlen(doc), "test", &err));
	struct json_writer *w = begin();
	json_value(w, NULL, v);
	written(doc);
}

static void
reals_that_were_read_come_back_exactly(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	const char *doc = "[0.1,1.0,-0.0,1e300,0.30000000000000004,2.2250738585072014e-308]";
	AUTO(json) json_t *v = NULL;
	AUTO(json) json_t *again = NULL;
	ok(json_parse(&v, doc, strlen(doc), "test", &err));
	json_value(begin(), NULL, v);
	written("[0.1,1.0,-0.0,1e+300,0.30000000000000004,2.2250738585072014e-308]");
	ok(json_parse(&again, text.data, text.len, "test", &err));
	assert_true(json_equal(v, again));
}

static void
documents_that_are_not_json_are_refused(void **state)
{
	(void)state;
	struct err err;
	json_t *doc = NULL;
	static const char *const bad[] = { "", "{", "[1,]", "{\"a\":1}x", "{\"a\":1,\"a\":2}",
		"'x'", "\"\xff\"", "01", "[1] [2]" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		refused_like(json_parse(&doc, bad[i], strlen(bad[i]), "state.json", &err),
		    ERR_CORRUPT, "state.json: bad JSON at line ");
		assert_null(doc);
	}
}

static void
fields_of_another_type_count_as_absent(void **state)
{
	(void)state;
	struct err err;
	const char *raw = "{\"s\":\"x\",\"n\":5,\"t\":true,\"f\":1.5,\"m\":-5}";
	AUTO(json) json_t *doc = NULL;
	ok(json_parse(&doc, raw, strlen(raw), "test", &err));
	assert_string_equal(json_get_str(doc, "s"), "x");
	assert_null(json_get_str(doc, "n"));
	assert_null(json_get_str(doc, "none"));
	assert_string_equal(json_get_text(doc, "s"), "x");
	assert_string_equal(json_get_text(doc, "n"), "");
	assert_string_equal(json_get_text(NULL, "s"), "");
	assert_int_equal(json_get_u64(doc, "n"), 5);
	assert_int_equal(json_get_u64(doc, "m"), 0);
	assert_int_equal(json_get_u64(doc, "s"), 0);
	assert_int_equal(json_get_int(doc, "n", -1), 5);
	assert_int_equal(json_get_int(doc, "s", -1), -1);
	assert_int_equal(json_get_int(doc, "f", -1), -1);
	assert_true(json_get_bool(doc, "t"));
	assert_false(json_get_bool(doc, "n"));
	assert_false(json_get_bool(NULL, "t"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_nesting_come_right),
		cmocka_unit_test(text_is_escaped_and_read_back_the_same),
		cmocka_unit_test(bytes_that_are_no_utf8_keep_their_true_value_beside),
		cmocka_unit_test(no_bytes_break_the_document),
		cmocka_unit_test(numbers_that_json_does_not_have_become_null),
		cmocka_unit_test(a_value_that_was_read_is_written_again),
		cmocka_unit_test(reals_that_were_read_come_back_exactly),
		cmocka_unit_test(documents_that_are_not_json_are_refused),
		cmocka_unit_test(fields_of_another_type_count_as_absent),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, release);
}
