/* What a restore says of rows that would be lost. */
#include "testing.h"

#include "engine/restore_rows.h"

static void
line_is(const struct diff_table *t, const char *wanted)
{
	struct err err;
	AUTO(strv) struct strv lines = STRV_INIT;
	ok(restore_rows_line(&lines, t, &err));
	assert_int_equal(lines.len, wanted != NULL);
	if (wanted != NULL)
		assert_string_equal(lines.items[0], wanted);
}

static struct diff_table
orders(enum diff_state state)
{
	return (struct diff_table){ .service = "db",
		.database = "shop",
		.table = "public.orders",
		.state = state,
		.rows_before = 1000,
		.rows_after = 2345678,
		.is_counted = true };
}

static void
rows_are_told_as_the_restore_changes_them(void **state)
{
	(void)state;
	struct diff_table t = orders(DIFF_CHANGED);
	t.rows = (struct row_match_result){ .added = 412, .changed = 9 };
	line_is(&t, "databases/db: public.orders of shop: this removes 412 rows added since, "
		    "changes 9 rows");
	t.rows = (struct row_match_result){ .removed = 1 };
	line_is(&t, "databases/db: public.orders of shop: this brings back 1 row");
	t.rows = (struct row_match_result){ .added = 0 };
	line_is(&t, "databases/db: public.orders of shop: this changes its columns");
	t.is_counted = false;
	line_is(&t,
	    "databases/db: public.orders of shop: this changes rows, it is not known how many");
}

static void
tables_of_one_side_alone_go_or_come(void **state)
{
	(void)state;
	struct diff_table made = orders(DIFF_ADDED);
	struct diff_table gone = orders(DIFF_REMOVED);
	line_is(&made,
	    "databases/db: public.orders of shop: this removes the table, made since, "
	    "with 2,345,678 rows");
	line_is(&gone,
	    "databases/db: public.orders of shop: this brings back the table, with 1,000 rows");
}

static void
what_is_the_same_is_not_told(void **state)
{
	(void)state;
	struct diff_table t = orders(DIFF_SAME);
	line_is(&t, NULL);
}

static void
a_database_that_the_table_names_is_not_told_twice(void **state)
{
	(void)state;
	struct diff_table t = orders(DIFF_REMOVED);
	t.table = "shop.items";
	line_is(&t, "databases/db: shop.items: this brings back the table, with 1,000 rows");
	t.database = "";
	t.table = "db0";
	line_is(&t, "databases/db: db0: this brings back the table, with 1,000 rows");
	t.database = "shop";
	t.table = "shopping.items";
	line_is(&t, "databases/db: shopping.items of shop: this brings back the table, with "
		    "1,000 rows");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_told_as_the_restore_changes_them),
		cmocka_unit_test(tables_of_one_side_alone_go_or_come),
		cmocka_unit_test(what_is_the_same_is_not_told),
		cmocka_unit_test(a_database_that_the_table_names_is_not_told_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
