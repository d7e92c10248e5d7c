/* What 'show' says of tables, as JSON. */
#include "../engine/fake_database.h"

#include "tree/fixture.h"
#include "ui/tables_view.h"

static void
each_dump_has_its_tables(void **state)
{
	static const char shop[] = "COPY public.t (id) FROM stdin;\n1\n2\n\\.\n";
	static const uint8_t two[] = { 5, 0, 0, 0, 0, 5, 0, 0, 0, 0 };
	struct fixture *f = *state;
	struct err err;
	struct capture c;
	struct id id;
	struct engine e = { .repo = f->repo };
	AUTO(snapshot) struct snapshot s = { .document = NULL };
	AUTO(json) json_t *told = NULL;
	const struct fake_stream streams[] = {
		{ .name = "shop.sql",
		    .format = DUMP_POSTGRES,
		    .data = shop,
		    .len = sizeof shop - 1 },
		{ .name = "server.json", .format = DUMP_JSON, .data = "{}", .len = 2 },
		{ .name = "x.bson", .format = DUMP_BSON, .data = two, .len = sizeof two },
	};
	fake_capture(&e, f->writer, &c, streams, ARRAY_LEN(streams));
	fake_snapshot(f->repo, f->writer, &c, 1, &id);
	fake_release(&c);
	ok(snapshot_open(&s, f->repo, &id, &err));
	ok(tables_json(&told, &e, &s, NULL, &err));
	assert_int_equal(json_array_size(told), 2);
	const json_t *sql = json_array_get(told, 0);
	assert_string_equal(json_get_str(sql, "service"), "db");
	assert_string_equal(json_get_str(sql, "stream"), "shop.sql");
	assert_int_equal(json_get_int(sql, "rows", 0), 2);
	assert_int_equal(strlen(json_get_str(sql, "root")), 64);
	assert_false(json_get_bool(sql, "has_unknown"));
	const json_t *t = json_array_get(json_object_get(sql, "tables"), 0);
	assert_string_equal(json_get_str(t, "name"), "public.t");
	assert_int_equal(json_get_int(t, "rows", 0), 2);
	assert_int_equal(json_get_int(t, "bytes", 0), sizeof shop - 1);
	assert_int_equal(strlen(json_get_str(t, "root")), 64);
	assert_string_not_equal(json_get_str(t, "root"), json_get_str(sql, "root"));
	/* A file that is one table. */
	const json_t *file = json_array_get(told, 1);
	t = json_array_get(json_object_get(file, "tables"), 0);
	assert_string_equal(json_get_str(file, "stream"), "x.bson");
	assert_string_equal(json_get_str(t, "root"), json_get_str(file, "root"));
	ok(tables_print(&e, &s, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(each_dump_has_its_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
