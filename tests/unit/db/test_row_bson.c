#include "testing.h"

#include "base/buf.h"
#include "db/bson_json.h"
#include "db/row.h"

static void
add(struct buf *out, const char *text)
{
	struct err err = ERR_INIT;
	AUTO(json) json_t *j = NULL;
	ok(json_parse(&j, text, strlen(text), "test", &err));
	ok(bson_of_json(out, j, &err));
}

static void
documents_one_behind_another_are_rows(void **state)
{
	(void)state;
	static const char *const texts[] = { "{\"_id\":{\"$numberInt\":\"1\"},\"a\":\"x\"}",
		"{\"a\":{\"_id\":\"inner\"},\"_id\":\"1\"}", "{}" };
	static const char *const ids[] = { "{\"$numberInt\":\"1\"}", "\"1\"", "" };
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	struct row_reader r;
	struct row row;
	bool got;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		add(&file, texts[i]);
	row_reader_init(&r, ROW_BSON, file.data, file.len);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct field f[2];
		size_t count;
		AUTO(bufv) struct buf id = BUF_INIT;
		AUTO(bufv) struct buf text = BUF_INIT;
		AUTO(bufv) struct buf canonical = BUF_INIT;
		ok(row_next(&r, &row, &got, &err));
		assert_true(got);
		ok(row_split(ROW_BSON, &row, f, 2, &count, &err));
		assert_int_equal(count, 2);
		ok(row_text(ROW_BSON, &f[0], &id, &err));
		ok(row_text(ROW_BSON, &f[1], &text, &err));
		ok(row_canonical(ROW_BSON, &row, &canonical, &err));
		assert_string_equal(buf_cstr(&id), ids[i]);
		assert_int_equal(f[0].is_null, ids[i][0] == '\0');
		assert_string_equal(buf_cstr(&text), texts[i]);
		assert_int_equal(canonical.len, row.len);
		assert_memory_equal(canonical.data, row.data, row.len);
	}
	ok(row_next(&r, &row, &got, &err));
	assert_false(got);
}

static void
equal_numbers_of_other_types_are_other_keys(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf a = BUF_INIT;
	AUTO(bufv) struct buf b = BUF_INIT;
	struct field x;
	struct field y;
	size_t count;
	add(&a, "{\"_id\":{\"$numberLong\":\"1\"}}");
	add(&b, "{\"_id\":{\"$date\":{\"$numberLong\":\"1\"}}}");
	ok(row_split(ROW_BSON, &(struct row){ a.data, a.len }, &x, 1, &count, &err));
	ok(row_split(ROW_BSON, &(struct row){ b.data, b.len }, &y, 1, &count, &err));
	assert_int_equal(x.len, y.len);
	assert_memory_not_equal(x.data, y.data, x.len);
}

static void
what_does_not_end_is_no_row(void **state)
{
	(void)state;
	struct err err = ERR_INIT;
	AUTO(bufv) struct buf file = BUF_INIT;
	add(&file, "{\"_id\":\"a\"}");
	for (size_t len = 1; len < file.len; len++) {
		struct row_reader r;
		struct row row;
		bool got;
		row_reader_init(&r, ROW_BSON, file.data, len);
		refused(row_next(&r, &row, &got, &err), ERR_CORRUPT,
		    "a BSON document does not end");
	}
	file.data[4] = 0x77;
	struct row_reader r;
	struct row row;
	bool got;
	row_reader_init(&r, ROW_BSON, file.data, file.len);
	refused(row_next(&r, &row, &got, &err), ERR_CORRUPT, "this is no BSON document");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_one_behind_another_are_rows),
		cmocka_unit_test(equal_numbers_of_other_types_are_other_keys),
		cmocka_unit_test(what_does_not_end_is_no_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
